/* Which runs a study of the claims makes. */
#ifndef FB_BENCH_CLAIMS_PLAN_H
#define FB_BENCH_CLAIMS_PLAN_H

#include "bench/cache.h"
#include "bench/protocol.h"
#include "results/claims.h"

#include <stdbool.h>

#define FB_CLAIMS_FORMATS_MOST 16

/* How much of the dataset a run takes. */
enum fb_claims_extent {
    FB_EXTENT_MAIN,
    FB_EXTENT_SMALL,
    FB_EXTENT_LARGE,
    FB_EXTENT_GROWING, /* a run for each of the growing datasets: NAME-1, ... */
    FB_EXTENT_TWO      /* for the smallest of them, and a large one */
};

struct fb_claims_part {
    const char *name;
    enum fb_claims_extent extent;
    unsigned contestants;         /* bits by enum fb_contestant */
    const char *const *formats;   /* others; NULL-ended, or NULL */
    const char *const *workloads; /* NULL-ended */

    bool cold;        /* too; warm always */
    unsigned handles; /* bits by enum fb_handle */
    uint64_t blocks;  /* exactly; 0: until it is precise or its time is up */
    unsigned repeats; /* NAME-1 to NAME-repeats, the later ones with one block; 0: NAME */
};

extern const struct fb_claims_part fb_claims_parts[];

/* Datasets, as numbers of samples. */
struct fb_claims_extents {
    size_t main, small, large;
    size_t growing[FB_GROWTH_MOST], growing_count;
};

/* Of a dataset of which `there` samples may be measured as a whole, and `main` of them by
 * everything that is not to grow: one, an eighth, a quarter, a half and all; quick: one,
 * a quarter and all. */
void fb_claims_extents_of(size_t there, size_t main, bool quick, struct fb_claims_extents *out);

#endif
