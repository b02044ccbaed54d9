/* A run from SOURCE to run folder: dataset, files, plans, measurement, records. */
#ifndef FB_BENCH_RUN_H
#define FB_BENCH_RUN_H

#include "bench/config.h"
#include "results/record.h"

struct fb_run {
    struct fb_records records;
    char *folder; /* where everything was written */
    bool interrupted;
};

/* Runs and writes results.csv, blocks.csv, iterations.csv, plan.csv and environment.json into the
 * run folder. After Ctrl-C it returns 0 with `interrupted` set, and what was measured has been
 * written. */
int fb_run(const struct fb_run_config *config, struct fb_run *out, struct fb_error *err);
void fb_run_free(struct fb_run *run);

/* "20261126-033200-1a2b": a name for a run or a gate that no other has. */
void fb_run_id(char *buf, size_t size);

/* FB_EUSAGE where the folder holds a run, an explanation or claims: what a run left out, as
 * anatomy.csv without --anatomy, would be taken for its own. It need not exist. */
int fb_run_folder_is_free(const char *folder, struct fb_error *err);

/* Rows of a status ("ok", "failed", ...). */
size_t fb_run_count(const struct fb_run *run, const char *status);

#endif
