/* What is measured: a format with its options, read by a worker. */
#ifndef FB_BENCH_SUBJECT_H
#define FB_BENCH_SUBJECT_H

#include "bench/block.h"
#include "bench/config.h"
#include "bench/dataset.h"
#include "formats/format.h"

struct fb_subject {
    char name[64];      /* of the format */
    char options[1024]; /* canonical */
    char writer[64];    /* format whose create makes its file; "" where none does */
    char written[1024]; /* with these options, canonical */
    char suffix[16];
    unsigned flags; /* enum fb_format_flags */
    bool epoch;     /* its worker can load a plan in batches */
    bool can_create;
    struct fb_worker worker;
    struct fb_worker creator; /* what its file is made by, where can_create */
    enum fb_variant variant;
};

struct fb_subjects {
    struct fb_subject *items;
    size_t count;
    json_t *libraries; /* of workers that are not our own, for the record; NULL without one */
};

/* How fmtbench's own worker is started. */
struct fb_worker fb_own_worker(void);

/* From config->formats, or the default ones; with config->files, those of the manifests there. Asks
 * an external worker what it can do. */
int fb_subjects_make(const struct fb_run_config *config, const struct fb_dataset *dataset,
                     struct fb_subjects *out, struct fb_error *err);
void fb_subjects_free(struct fb_subjects *subjects);

#endif
