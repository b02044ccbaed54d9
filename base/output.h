/* A file that is replaced whole or not at all.
 *
 * Begin, write to `temp` (any library may do it), commit: fsync, rename over `path`, fsync of the
 * folder. Abort, or a failed commit, removes the temporary file and leaves what was there. */
#ifndef FB_BASE_OUTPUT_H
#define FB_BASE_OUTPUT_H

#include "base/error.h"

#include <stdio.h>

struct fb_output {
    char *path; /* final name; owned */
    char *temp; /* temporary name in the same folder, created empty; owned */
};

/* FB_EIO when the folder is missing or not writable or when `path` is a folder. */
int fb_output_begin(struct fb_output *output, const char *path, struct fb_error *err);
int fb_output_commit(struct fb_output *output, struct fb_error *err);
/* Safe after commit, after a failed begin and on a zeroed struct. */
void fb_output_abort(struct fb_output *output);

/* fclose with the checks that make a full disk seen; names output->path in the message. */
int fb_output_close_stream(struct fb_output *output, FILE *stream, struct fb_error *err);

/* mkdir -p. Existing folders are fine. */
int fb_make_folder(const char *path, struct fb_error *err);

/* Reads a whole file of at most `limit` bytes into fresh memory, with a NUL behind it. The caller
 * frees *data. */
int fb_read_file(const char *path, size_t limit, char **data, size_t *length,
                 struct fb_error *err);

#endif
