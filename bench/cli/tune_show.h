/* What `tune` answers, on stdout. */
#ifndef FB_BENCH_CLI_TUNE_SHOW_H
#define FB_BENCH_CLI_TUNE_SHOW_H

#include "base/terminal.h"
#include "bench/tune/tune.h"

/* For people: a table a group, and what is recommended. */
void fb_tune_show(const struct fb_tune *tune, enum fb_colour colour);
/* How many arrays are in no group, if there are any. */
void fb_tune_show_left_out(const struct fb_tune *tune);
/* For programs. FB_EMEMORY. */
int fb_tune_show_json(const struct fb_tune *tune, struct fb_error *err);

#endif
