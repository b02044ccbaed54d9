/* The measurement: cells, blocks in random order, round after round, and what they gave. */
#ifndef FB_BENCH_RUNNER_H
#define FB_BENCH_RUNNER_H

#include "bench/files.h"
#include "bench/tasks.h"
#include "results/record.h"

struct fb_cell {
    const struct fb_subject *subject;
    const struct fb_file *file;
    const struct fb_task *task;
    enum fb_cache cache;
    enum fb_handle handle;
    struct fb_record record;
    bool active;      /* has not failed */
    bool settled;     /* needs no more blocks: record.stop_reason says why */
    uint64_t *values; /* of its blocks, in order of execution; owned */
    size_t blocks;
    uint64_t wall_ns;   /* of all of them */
    double imprecision; /* at the last look; INFINITY before */
};

/* Everything measured, of all cells, in time order. Zero-initialise, free the items. */
struct fb_measured {
    struct fb_blocks blocks;
    struct fb_iterations iterations;
    struct fb_batches batches;
};

struct fb_cells {
    struct fb_cell *items;
    size_t count;
};

/* Every combination that was asked for; those that cannot be are there with status and reason. */
int fb_cells_make(const struct fb_run_config *config, const struct fb_subjects *subjects,
                  const struct fb_files *files, const struct fb_tasks *tasks,
                  const struct fb_dataset *dataset, const char *run_id, struct fb_cells *out,
                  struct fb_error *err);
void fb_cells_free(struct fb_cells *cells);

/* Measures all active cells in rounds of one block each, in a new random order each time, until all
 * are precise (stopping.h) or the time is used up, which goes to those that need it (schedule.h);
 * or config->blocks rounds where that is given. Calls save behind rounds, a few seconds apart. A
 * cell that fails is marked and left out of later rounds. FB_EINTERRUPTED after Ctrl-C, with all
 * that was measured in place. */
int fb_cells_run(const struct fb_run_config *config, struct fb_cells *cells,
                 struct fb_measured *measured, int (*save)(void *context, struct fb_error *err),
                 void *context, struct fb_error *err);

#endif
