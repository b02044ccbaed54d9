/* Whole processes beside the worker's clock: the same cells as commands, timed by hyperfine.
 *
 * Each row that has its inner time gets one of `clock=process`: start of the program and of the
 * library, memory, reads and exit together. Such a command checks nothing of what it reads; the
 * cell's inner row, with the same plan on the same file, is the one that did. */
#ifndef FB_BENCH_WHOLE_H
#define FB_BENCH_WHOLE_H

#include "bench/hyperfine.h"
#include "bench/runner.h"

struct fb_whole {
    struct fb_hyperfine hyperfine;
    size_t first; /* of its cells: that of cells->items[i] is cells->items[first + i] */
};

/* Doubles the cells. The new ones wait, inactive, for fb_whole_run; those that can never be timed
 * say why. */
int fb_whole_add(struct fb_whole *whole, struct fb_cells *cells, struct fb_error *err);

/* Times them one after the other, once all rounds are over; needs a folder for hyperfine's export.
 * A cell that fails is marked. FB_EINTERRUPTED after Ctrl-C, with all that was measured in place.
 */
int fb_whole_run(const struct fb_run_config *config, const struct fb_whole *whole,
                 struct fb_cells *cells, const char *folder, struct fb_iterations *iterations,
                 struct fb_error *err);

#endif
