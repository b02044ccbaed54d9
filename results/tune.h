/* Settings for a file, tried: tune.csv has a row a setting.
 *
 * Ratios are to the file as it is, so that below 1 is smaller, faster, better. For an access
 * specification of terms t with weights w_t,
 *
 *   read_ratio = sum(w_t * ns_t / present_ns_t) / sum(w_t)
 *   cost = size_ratio^a * read_ratio^b * write_ratio^c
 *
 * with the exponents a, b, c of --weights; where the file lies as no writer here writes,
 * write_ratio is over the time of writing h5py's guess. Intervals are of the median over rounds: in
 * each, every setting and the present one were read by fresh workers, in random order. The best
 * ones are read in more rounds, without the present one: their read_ratio is that of the leader
 * times the median over those rounds of theirs over the leader's. */
#ifndef FB_RESULTS_TUNE_H
#define FB_RESULTS_TUNE_H

#include "results/record.h"
#include "results/tidy.h"

#include <stdbool.h>

struct fb_tune_record {
    uint64_t schema_version;
    char file[512];
    char access[1024];
    uint64_t group;   /* of arrays; 1 is the largest */
    char arrays[256]; /* the group for people: "150 arrays such as sample_000/expert/face" */
    uint64_t array_count;
    char stage[16];    /* present | reader | model | search | final */
    char setting[256]; /* for people: "100x68x2, shuffle, gzip 4" */
    char format[64];   /* what writes it, or reads it so */
    char options[512]; /* its options */
    char chunk[256];   /* "" in one piece */
    char filter[16];
    uint64_t level, shuffle;
    char names[64];  /* who proposes it: "h5py netcdf" */
    char plugin[32]; /* what every reader must have installed; "" for none */
    uint64_t predicted_read_ns, predicted_bytes;
    uint64_t read_ns;    /* an iteration of each term, weighted */
    uint64_t file_bytes; /* of the tried part */
    uint64_t write_ns;
    uint64_t blocks;      /* of each term */
    char cache_state[16]; /* proven | warm-unproven */
    double size_ratio, read_ratio, read_lower, read_upper, write_ratio;
    double cost, cost_lower, cost_upper;
    double predicted_read_ratio, predicted_cost;
    uint64_t pareto;      /* 1: no other final row is smaller and faster */
    uint64_t recommended; /* 1: this one */
};

/* Zero-initialise, free items. */
struct fb_tune_records {
    struct fb_tune_record *items;
    size_t count;
};

extern const struct fb_column fb_tune_columns[];

void fb_tune_record_init(struct fb_tune_record *record);
int fb_tune_records_add(struct fb_tune_records *records, const struct fb_tune_record *record,
                        struct fb_error *err);
int fb_tune_records_write(const struct fb_tune_records *records, const char *path,
                          struct fb_error *err);
int fb_tune_records_read(const char *path, struct fb_tune_records *records, struct fb_error *err);

/* Sets pareto in the final and present rows of each group. */
void fb_tune_mark_pareto(struct fb_tune_records *records);

/* A table a group, in lines of at most `width` columns (0: 100). */
void fb_tune_print(FILE *out, const struct fb_tune_records *records, bool colour, unsigned width);

/* The tidy tables and their pictures, added to *out:
 *   tune-N.csv      size_ratio,read_ratio,lower,upper,kind,label  final and present rows of group N
 *   tune-map-N.csv  rows_kB,level,cost,kind  predicted cost by chunk bytes and gzip level */
int fb_tidy_tune(const struct fb_tune_records *records, const char *folder, struct fb_pictures *out,
                 struct fb_error *err);

#endif
