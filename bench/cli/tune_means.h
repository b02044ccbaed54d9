/* The means to do what `tune` recommends. */
#ifndef FB_BENCH_CLI_TUNE_MEANS_H
#define FB_BENCH_CLI_TUNE_MEANS_H

#include "bench/tune/tune.h"

#include <stdio.h>

/* "hdf5-chunked:level=4,chunk=100x68x2" or "hdf5-contiguous" -> a setting. FB_EUSAGE for a format
 * that no setting has, and without a chunk shape in numbers. */
int fb_means_parse(const char *spec, struct fb_setting *out, struct fb_error *err);

/* The settings of a file, one a line as above; blank lines and what follows a # are passed over. The
 * caller frees them. FB_EUSAGE names file and line, also where there is none. */
int fb_means_list(const char *path, struct fb_setting **out, size_t *count, struct fb_error *err);

/* True when a group has a setting that is worth storing it in. */
bool fb_means_any(const struct fb_tune *tune);

/* "DIR/name-tuned.h5" of "DIR/name.h5"; the caller frees it, NULL when out of memory. */
char *fb_means_name(const char *file);

/* The h5repack command, to `out`; with a folder, apply.sh, apply.py and apply.c in it too. */
int fb_means_show(FILE *stream, const char *file, const char *out, const struct fb_tune *tune,
                  const char *folder, struct fb_error *err);

/* Writes `out`, checked; says so on stream. */
int fb_means_apply(FILE *stream, const char *file, const char *out, const struct fb_tune *tune,
                   const struct fb_process_limits *limits, struct fb_error *err);

#endif
