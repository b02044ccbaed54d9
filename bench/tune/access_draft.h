/* Between the files of the access patterns: a plan in the making, and the patterns that read boxes.
 */
#ifndef FB_BENCH_TUNE_ACCESS_DRAFT_H
#define FB_BENCH_TUNE_ACCESS_DRAFT_H

#include "bench/tune/access.h"

/* What the plan functions share: the term, its targets, and how much room is left. */
struct fb_access_draft {
    const struct fb_access_term *term;
    const struct fb_catalog *catalog;
    uint64_t seed;
    size_t *arrays, count; /* those with elements; one or more; shuffled */
    struct fb_plan *plan;
    size_t first;  /* requests of earlier terms */
    uint64_t room; /* bytes that may still be added */
    bool full;
};

/* Appends a read, or finds the plan full. NULL start and count: the whole array. */
int fb_access_draft_add(struct fb_access_draft *draft, const struct fb_array_info *array,
                        const uint64_t *start, const uint64_t *count, struct fb_error *err);

/* A box is `length` long (1 without the option) along the axes that `axis` lists (without the
 * option: all), and whole along the others: window, index and point. */
int fb_access_box_plan(struct fb_access_draft *draft, struct fb_error *err);
bool fb_access_box_extent(const struct fb_access_term *term, const struct fb_array_info *array,
                          uint64_t *count);
int fb_access_box_check(const struct fb_access_term *term, const struct fb_catalog *catalog,
                        struct fb_error *err);

/* "1x2": axes parted by x, none of them twice; a bit each in *axes. */
bool fb_access_axes_parse(const char *text, uint64_t *axes);

#endif
