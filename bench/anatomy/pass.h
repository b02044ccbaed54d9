/* The separate pass that tells where the time of reading goes: a cell's plan, executed by a worker
 * of its own through a traced reader. Its times are never mixed with those of blocks: tracing takes
 * time itself. */
#ifndef FB_BENCH_ANATOMY_PASS_H
#define FB_BENCH_ANATOMY_PASS_H

#include "bench/block.h"
#include "formats/trace.h"

/* One iteration of the pass. total_ns == sum of ns + unexplained_ns. */
struct fb_anatomy {
    uint64_t total_ns; /* inside the clock, as in a block */
    uint64_t ns[FB_PART_COUNT], calls[FB_PART_COUNT];
    uint64_t unexplained_ns; /* between the calls: plan, clock, tracing itself */
    struct fb_trace_counts counts;
    bool filters_hidden; /* inflate and unshuffle could not be told from library; what counts
                            inflating is 0 and unknown */
};

/* True when the worker that said this hello can trace the format. */
bool fb_anatomy_offered(const json_t *hello, const char *format);

/* Runs the pass in a fresh worker: prepares the cache state, warms up once and takes `iterations`
 * (cold: no warm-up, and just one). *out is the iteration with the median total (the lower of two),
 * whole, so that its parts add up. job->job.create and .deliver_bytes are ignored: a pass delivers
 * hashes, which must be the expected ones. FB_EFORMAT when a hash is wrong or the counts of two
 * iterations differ, FB_EUNSUPPORTED when the format has no anatomy or the file cannot be proven to
 * be cold. */
int fb_anatomy_run(const struct fb_block_job *job, unsigned iterations, struct fb_anatomy *out,
                   struct fb_error *err);

#endif
