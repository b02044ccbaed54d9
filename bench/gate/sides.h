/* The two sides of a gate: the same plans of the same data, read by workers that may differ in
 * program, environment, format options or data file. */
#ifndef FB_BENCH_GATE_SIDES_H
#define FB_BENCH_GATE_SIDES_H

#include "bench/runner.h"

#define FB_SIDE_A 0
#define FB_SIDE_B 1
#define FB_GATE_ENV_MAX 16

struct fb_gate_side {
    const char *worker; /* command that speaks the worker protocol; NULL: this program's own */
    const char *env[FB_GATE_ENV_MAX]; /* NAME=VALUE for its workers */
    size_t env_count;
    const char *format;          /* in place of the gate's formats; NULL: those */
    const char *file;            /* read in place of SOURCE, as it is; NULL: SOURCE */
    struct fb_handicap handicap; /* what is injected, by the self-test */
};

/* A cell as both sides have it. */
struct fb_gate_match {
    char name[256];                /* for people: "hdf5-chunked slice warm keep" */
    const struct fb_cell *side[2]; /* borrowed from the ground */
    char reason[512];              /* why it cannot be measured; "" where it can */
};

struct fb_gate_ground {
    struct fb_dataset dataset;
    struct fb_tasks tasks;
    struct {
        struct fb_subjects subjects;
        struct fb_files files;
        struct fb_cells cells;
    } side[2];
    char *folder; /* for files that are made */
    struct fb_gate_match *matches;
    size_t count;
};

/* Makes plans and files; a file that both sides read is made once, and is the same. `folder`
 * exists. FB_EUSAGE where the sides have not as many formats; FB_ENOTHING without a cell. */
int fb_gate_ground_make(const struct fb_run_config *config, const struct fb_gate_side sides[2],
                        const char *folder, struct fb_gate_ground *out, struct fb_error *err);
/* Removes what was made. */
void fb_gate_ground_free(struct fb_gate_ground *ground);

/* What a block of a side gave. */
struct fb_gate_block {
    uint64_t ns;                 /* median of its iterations */
    struct fb_counters counters; /* of one; FB_NA where they were not looked at */
    char unproven[256];          /* why its cache state is not proven; "" where it is */
};

/* A block of each side, in fresh workers that take turns iteration by iteration where the cache is
 * warm. `counted`: their counters are looked at, as they always are of cold ones. Every byte is
 * checked against the dataset of side A. *failed is the side that a failure is of. */
int fb_gate_pair(const struct fb_run_config *config, const struct fb_gate_side *const sides[2],
                 const struct fb_cell *const cells[2], bool b_first, bool counted,
                 struct fb_gate_block out[2], int *failed, struct fb_error *err);

/* Chunks and bytes that an iteration inflates, by a traced pass of its own; FB_NA where the side's
 * worker cannot tell. */
int fb_gate_inflated(const struct fb_run_config *config, const struct fb_gate_side *side,
                     const struct fb_cell *cell, uint64_t *chunks, uint64_t *bytes,
                     struct fb_error *err);

#endif
