/* One file under one workload, explained: planned as `run` would, read in a few traced passes, and
 * thought through. */
#ifndef FB_BENCH_ANATOMY_STUDY_H
#define FB_BENCH_ANATOMY_STUDY_H

#include "bench/anatomy/advice.h"
#include "bench/anatomy/beside.h"
#include "bench/config.h"
#include "results/anatomy.h"

struct fb_finding {
    struct fb_anatomy_record record;
    struct fb_anatomy anatomy;
    struct fb_case what; /* plan borrowed from the study */
    size_t *array_of;
    struct fb_stored *arrays; /* paths borrowed from the study */
    struct fb_rates rates;    /* of the machine, and of this data where it was probed */
    struct fb_advice advice;
    struct fb_beside beside; /* measured where chunks are decoded */
    char reason[512];    /* why there is nothing to read; "" where there is: the rest is set then */
    char no_advice[512]; /* why there is no advice; "" where there is */
};

struct fb_study;

/* config->source is the file, config->formats at most one format with an anatomy (default: the one
 * that reads the file as it is), config->workloads at least one; of handles and caches the first
 * that is marked. FB_EUNSUPPORTED, naming the formats that have an anatomy, for a file or format
 * without one. Writes nothing that stays. */
int fb_study_make(const struct fb_run_config *config, struct fb_study **out, struct fb_error *err);
void fb_study_free(struct fb_study *study);

/* By workload. */
size_t fb_study_count(const struct fb_study *study);
const struct fb_finding *fb_study_finding(const struct fb_study *study, size_t i);

/* The format that can rewrite the file for advice: in chunks, or in one piece; NULL for none. */
const struct fb_format *fb_study_writer(const struct fb_study *study, bool chunked);

#endif
