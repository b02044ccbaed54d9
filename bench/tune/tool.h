/* The programs of HDF5 (package hdf5-tools) that other files of this room start. */
#ifndef FB_BENCH_TUNE_TOOL_H
#define FB_BENCH_TUNE_TOOL_H

#include "base/process.h"

/* Runs argv[0] to its end, which must be exit code 0. on_line (may be NULL) is called with each
 * line that it prints, which has no end of its own. FB_EUNSUPPORTED naming the package where there
 * is no such program; else the message holds what the program said. err must not be NULL. */
int fb_tool_run(const char *const argv[], const struct fb_process_limits *limits,
                void (*on_line)(void *context, const char *line, size_t length), void *context,
                struct fb_error *err);

/* The name of a file as a word that no program takes for an option. The caller frees it; NULL when
 * out of memory. */
char *fb_tool_file_word(const char *name);

/* Compares two files by h5diff; values that are not numbers (NaN) are equal to each other. 0 when
 * all objects and attributes of both could be compared and are equal. */
int fb_tool_compare(const char *old_file, const char *new_file,
                    const struct fb_process_limits *limits, struct fb_error *err);

#endif
