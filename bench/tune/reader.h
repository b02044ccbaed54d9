/* What helps without writing anything: the file as it is, read in another way. */
#ifndef FB_BENCH_TUNE_READER_H
#define FB_BENCH_TUNE_READER_H

#include "bench/tune/contest.h"

/* Measures, on the contest's baseline and beside it, a larger chunk cache, where the counted work
 * says that the present one makes chunks be loaded again, and holding the file open, where it is
 * not. Appends a row of the stage `reader` for each. */
int fb_reader_advice(const struct fb_contest *contest, struct fb_tune_records *records,
                     struct fb_error *err);

#endif
