/* fmtbench's own worker: one job of the protocol, over the registered formats. */
#ifndef FB_BENCH_WORKER_H
#define FB_BENCH_WORKER_H

#include "bench/protocol.h"

/* Speaks the protocol on descriptors 0, 1, 3 and 4 until its one job is done. An error has been
 * told to the runner when this returns. */
int fb_worker_main(struct fb_error *err);

/* Executes a read job's plan `count` times in this process, with all that a worker does before its
 * clock starts and nothing of what it does behind it: no talk, no hashes, nothing delivered. For a
 * clock around the whole process. With a plan of no requests only the preparation is done. */
int fb_worker_execute(const struct fb_job *job, uint64_t count, struct fb_error *err);

#endif
