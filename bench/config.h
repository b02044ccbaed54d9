/* What a run is asked to do, and whom it tells how far it is. */
#ifndef FB_BENCH_CONFIG_H
#define FB_BENCH_CONFIG_H

#include "base/process.h"
#include "bench/cache.h"
#include "bench/protocol.h"

struct fb_run_config {
    const char *source;         /* SOURCE, or NULL for the default (or, with files, theirs) */
    const char *const *formats; /* -f specs */
    size_t format_count;        /* 0: the default formats */
    const char *const *workloads;
    size_t workload_count; /* 0: the standard ones; "all" stands for every one */
    bool cache[FB_CACHE_COUNT];
    bool handle[FB_HANDLE_COUNT];
    bool handles_given; /* on the command line: then they hold for all workloads */
    uint64_t blocks;    /* a cell, exactly; 0: until it is precise */
    double precision;   /* how far the 95 % interval may reach, as a part of the median */
    uint64_t
        time_limit_ns; /* for the rounds; every cell gets FB_BLOCKS_LEAST blocks all the same */
    bool no_counters;
    uint64_t seed;
    uint64_t samples;   /* of SOURCE, the first so many; 0: all */
    uint64_t max_bytes; /* of a file SOURCE's arrays */
    struct fb_process_limits limits;
    const char *out;    /* run folder, or NULL for results/runs/<run-id> */
    const char *files;  /* folder of existing files, or NULL */
    bool keep_files;    /* keep what was written, in the run folder's files/ */
    const char *worker; /* command of an external worker, or NULL */
    bool skip_bad_rows;
    bool anatomy;       /* a traced pass a cell, when all blocks are timed */
    bool whole_process; /* hyperfine times whole commands too, as rows of clock=process */
    bool quick;         /* few formats, where none are named */

    void *listener;
    void (*say)(void *listener, const char *message); /* notes and warnings for people */
    /* done of total steps; `what` is under way */
    void (*progress)(void *listener, uint64_t done, uint64_t total, const char *what);
};

/* printf to config->say. */
void fb_config_say(const struct fb_run_config *config, const char *format, ...) FB_PRINTF(2, 3);

#endif
