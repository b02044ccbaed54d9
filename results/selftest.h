/* Trials of the gate on this machine: selftest.csv has a row a trial, each a whole gate of one cell
 * whose sides are identical, or of which B was made slower, or read once more, on purpose. */
#ifndef FB_RESULTS_SELFTEST_H
#define FB_RESULTS_SELFTEST_H

#include "results/record.h"

struct fb_selftest_record {
    uint64_t schema_version;
    uint64_t trial;  /* 1, 2, ... */
    char kind[16];   /* identical | slow-down | extra-read */
    double injected; /* of B: 0.05 is 5 % slower; 0 for the other kinds */
    char cell[256];  /* as in gate.csv */
    double change, change_lower, change_upper, smallest_effect; /* as there */
    uint64_t pairs, confirm_pairs;
    char verdict[16], counters[256], reason[512];
    char control[16];       /* verdict on A against A */
    uint64_t wall_ns;       /* of the trial, files made included */
    uint64_t load_permille; /* of the machine before it: running tasks, averaged over a minute */
};

/* Zero-initialise, free items. */
struct fb_selftest_records {
    struct fb_selftest_record *items;
    size_t count;
};

extern const struct fb_column fb_selftest_columns[];

void fb_selftest_record_init(struct fb_selftest_record *record);
int fb_selftest_records_add(struct fb_selftest_records *records,
                            const struct fb_selftest_record *record, struct fb_error *err);
int fb_selftest_records_write(const struct fb_selftest_records *records, const char *path,
                              struct fb_error *err);
int fb_selftest_records_read(const char *path, struct fb_selftest_records *records,
                             struct fb_error *err);

/* Trials of a kind, and those among them with a verdict; NULL: any verdict. */
size_t fb_selftest_count(const struct fb_selftest_records *records, const char *kind,
                         const char *verdict);

/* The exact interval of Clopper & Pearson (Biometrika 26, 1934) of a share, k of n seen, of at
 * least 95 %: [0, 1] for n = 0. */
void fb_share_interval(uint64_t k, uint64_t n, double *lower, double *upper);

/* The smallest effect that nine of ten trials of identical sides stated: what is injected then. NAN
 * without one. */
double fb_selftest_effect(const struct fb_selftest_records *records);

/* Rates with their intervals, a line each. */
void fb_selftest_print(FILE *out, const struct fb_selftest_records *records);

#endif
