/* Two sides compared, A (as it was) and B (as it is now): gate.csv has a row a cell, pairs.csv a
 * row a pair of blocks, one fresh worker of each side.
 *
 *   change = median over pairs of b_ns / a_ns, less 1
 *
 * so that above 0 is slower. The arm "A/A" is the control: A against itself, where any change is
 * the method's own. pairs.csv refers to a row of gate.csv by arm and cell. */
#ifndef FB_RESULTS_GATE_H
#define FB_RESULTS_GATE_H

#include "results/record.h"

#include <stdbool.h>

struct fb_gate_record {
    uint64_t schema_version;
    char gate_id[64];
    char arm[8];    /* A/B | A/A */
    char cell[256]; /* for people: "hdf5-chunked slice warm keep"; one of a kind within its arm */
    char format[64], options[1024];     /* of A; options canonical */
    char b_format[64], b_options[1024]; /* of B */
    char workload[64], workload_options[1024], cache[16], handle[16];
    char cache_state[16];          /* proven | warm-unproven | cold-unproven; "" without a pair */
    uint64_t pairs, confirm_pairs; /* of stage 1 and 2 */
    uint64_t looks;                /* how often the figures were judged */
    uint64_t a_median_ns, b_median_ns;
    double change, change_lower, change_upper; /* 95 % */
    double threshold;                          /* what counts as a change: 0.05 for 5 % */
    double p_value, level;                     /* and what it was held against */
    double confirm_p_value;
    double smallest_effect; /* that this number of pairs could have shown */
    uint64_t a_read_bytes, b_read_bytes, a_read_calls, b_read_calls;
    uint64_t a_chunks, b_chunks, a_inflated_bytes, b_inflated_bytes;
    uint64_t a_file_bytes, b_file_bytes;
    char counters[256]; /* which differ, for people: "read calls 12 -> 13"; "" none */
    char verdict[16];   /* regressed | improved | equivalent | inconclusive | no data */
    char reason[512];
};

struct fb_gate_pair {
    uint64_t schema_version;
    char gate_id[64];
    char arm[8];
    char cell[256];
    uint64_t stage; /* 1; 2: confirming, of fresh pairs */
    uint64_t pair;  /* within cell and stage: 1, 2, ... */
    char order[4];  /* AB | BA: which was first */
    uint64_t a_ns, b_ns;
    uint64_t start_ns; /* since the start of the gate */
};

/* Zero-initialise, free items. */
struct fb_gate_records {
    struct fb_gate_record *items;
    size_t count;
};
struct fb_gate_pairs {
    struct fb_gate_pair *items;
    size_t count;
};

extern const struct fb_column fb_gate_columns[];
extern const struct fb_column fb_gate_pair_columns[];

void fb_gate_record_init(struct fb_gate_record *record);
void fb_gate_pair_init(struct fb_gate_pair *pair);

int fb_gate_records_add(struct fb_gate_records *records, const struct fb_gate_record *record,
                        struct fb_error *err);
int fb_gate_records_write(const struct fb_gate_records *records, const char *path,
                          struct fb_error *err);
int fb_gate_records_read(const char *path, struct fb_gate_records *records, struct fb_error *err);

int fb_gate_pairs_add(struct fb_gate_pairs *pairs, const struct fb_gate_pair *pair,
                      struct fb_error *err);
int fb_gate_pairs_write(const struct fb_gate_pairs *pairs, const char *path, struct fb_error *err);
int fb_gate_pairs_read(const char *path, struct fb_gate_pairs *pairs, struct fb_error *err);

/* Verdicts in the order of tables, worst first; one that is none of them counts as no data. */
enum fb_gate_verdict {
    FB_ROW_REGRESSED,
    FB_ROW_NO_DATA,
    FB_ROW_INCONCLUSIVE,
    FB_ROW_IMPROVED,
    FB_ROW_EQUIVALENT,
    FB_ROW_VERDICTS
};
extern const char *const fb_gate_verdict_names[FB_ROW_VERDICTS];
enum fb_gate_verdict fb_gate_verdict_of(const struct fb_gate_record *record);

bool fb_gate_is_control(const struct fb_gate_record *record);

/* Fills rows[], which has room for records->count, worst first: by verdict, within it the slowest
 * change first and those without one last; controls behind all others. */
void fb_gate_sort(const struct fb_gate_records *records, const struct fb_gate_record **rows);

/* "+3.1 %", "n/a", and "+1.0 to +5.2 %" for the interval ("-" without one). Return buf. */
char *fb_gate_change(double change, char *buf, size_t size);
char *fb_gate_range(double lower, double upper, char *buf, size_t size);
char *fb_gate_interval_text(const struct fb_gate_record *record, char *buf, size_t size);

/* One sentence on all cells but the control: "3 cells: 1 regressed, 2 equivalent". Returns buf. */
char *fb_gate_sentence(const struct fb_gate_records *records, char *buf, size_t size);

/* True when the control was seen to change: what the gate says cannot be trusted then. */
bool fb_gate_control_differs(const struct fb_gate_records *records);

/* A table in lines of at most `width` columns (60 to 160; 0: 100) and that sentence; names are cut
 * to the width. */
void fb_gate_print(FILE *out, const struct fb_gate_records *records, bool colour, unsigned width);

#endif
