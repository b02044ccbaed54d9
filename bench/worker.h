/* fmtbench's own worker: one job of the protocol, over the registered formats. */
#ifndef FB_BENCH_WORKER_H
#define FB_BENCH_WORKER_H

#include "base/error.h"

/* Speaks the protocol on descriptors 0, 1, 3 and 4 until its one job is done. An error has been
 * told to the runner when this returns. */
int fb_worker_main(struct fb_error *err);

#endif
