/* A source over the array bytes that a runner sends to a create job: each array of the plan once,
 * in order, in rising rows, which is how create reads. */
#ifndef FB_BENCH_RECEIVE_H
#define FB_BENCH_RECEIVE_H

#include "bench/plan.h"
#include "datasets/source.h"

int fb_receive_open(const struct fb_plan *plan, int fd, struct fb_source **out,
                    struct fb_error *err);

#endif
