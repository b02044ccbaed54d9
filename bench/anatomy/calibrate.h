/* What single things cost on this machine: from a few small traced passes over a file made for
 * that, so that a pass over somebody's file can be taken apart further than it was measured. */
#ifndef FB_BENCH_ANATOMY_CALIBRATE_H
#define FB_BENCH_ANATOMY_CALIBRATE_H

#include "bench/anatomy/advice.h"

/* Writes a file of less than a MB into `folder` with `writer` (a format with an anatomy and the
 * options level and rows), reads it, and removes it. */
int fb_calibrate(const struct fb_worker *worker, const struct fb_process_limits *limits,
                 const struct fb_format *writer, const char *folder, struct fb_rates *out,
                 struct fb_error *err);

#endif
