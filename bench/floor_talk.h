/* Asking a worker for the floor of the plan that it has just executed. */
#ifndef FB_BENCH_FLOOR_TALK_H
#define FB_BENCH_FLOOR_TALK_H

#include "bench/block.h"

/* As the iterations: warm behind a warm-up, cold once, behind an eviction of its own. *out stays as
 * it was where that cannot be proven, the worker does not know which bytes are needed, or what is
 * left of its time and memory is too little: a floor is never a reason for the block to fail. An
 * error is one of the talk itself. */
int fb_floor_talk(struct fb_process *process, const struct fb_block_job *job, struct fb_floor *out,
                  struct fb_error *err);

#endif
