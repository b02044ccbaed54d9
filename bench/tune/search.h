/* The search for one group of arrays: the model ranks the space, the promising settings are written
 * and read on one part of the data, the best of those are measured on another. */
#ifndef FB_BENCH_TUNE_SEARCH_H
#define FB_BENCH_TUNE_SEARCH_H

#include "bench/tune/model.h"
#include "bench/tune/present.h"
#include "bench/tune/tune.h"

struct fb_search {
    const struct fb_tune_config *config;
    const struct fb_access *access;
    const struct fb_array_info *array; /* the largest of the group, in the file */
    struct fb_present present;
    bool grows;                        /* an array can, and so cannot be stored in one piece */
    bool latest;                       /* settings are of the newest version of the file format; */
    bool latest_fixed;                 /* which is settled: all groups of a file share it */
    struct fb_stand *tried, *measured; /* search and final */
    struct fb_model *model;
    uint64_t group; /* its number, for records, of so many that will be tuned */
    uint64_t groups;
    const char *arrays; /* and name */
    size_t array_count;
};

/* Appends the rows of the group to records; *best is the record of the recommendation, SIZE_MAX
 * where the present setting should be kept. */
int fb_search_group(const struct fb_search *search, struct fb_tune_records *records,
                    struct fb_setting *setting, size_t *best, struct fb_error *err);

/* Shows how much of the group is done, 0 to 1, and what is being done. */
void fb_search_progress(const struct fb_search *search, double part, const char *what);

/* The codings that are tried. */
const struct fb_coding *fb_tune_codings(const struct fb_tune_config *config, size_t *count);

#endif
