/* The workloads of a run, planned for its dataset, with the truth about every request. */
#ifndef FB_BENCH_TASKS_H
#define FB_BENCH_TASKS_H

#include "bench/config.h"
#include "bench/dataset.h"
#include "bench/workload.h"

struct fb_task {
    const struct fb_workload *workload;
    char options[1024]; /* canonical */
    char reason[512];   /* why the dataset has no target; "" where it has */
    struct {
        bool made;
        struct fb_plan plan;
        struct fb_hash *hashes; /* by request */
        char *path;             /* the worker's copy */
    } variant[FB_VARIANT_COUNT];
};

struct fb_tasks {
    struct fb_task *items;
    size_t count;
};

/* Plans config->workloads, or the standard ones, for the variants that are needed; writes the
 * workers' copies into `folder`. */
int fb_tasks_make(const struct fb_run_config *config, const struct fb_dataset *dataset,
                  const bool needed[FB_VARIANT_COUNT], const char *folder, struct fb_tasks *out,
                  struct fb_error *err);
void fb_tasks_free(struct fb_tasks *tasks);

/* plan.csv of a run folder: all requests with their expected hashes (of the first variant made). */
int fb_tasks_write(const struct fb_tasks *tasks, const char *path, struct fb_error *err);

#endif
