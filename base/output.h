/* A file that is replaced whole or not at all.
 *
 * Begin, write to `temp` (any library may do it), commit: fsync, rename over `path`, fsync of the
 * folder. Abort, or a failed commit, removes the temporary file and leaves what was there. */
#ifndef FB_BASE_OUTPUT_H
#define FB_BASE_OUTPUT_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct fb_output {
    char *path; /* final name; owned */
    char *temp; /* temporary name in the same folder, created empty; owned */
};

/* FB_EIO when the folder is missing or not writable, or when `path` is there and no regular file. A
 * symbolic link is followed. */
int fb_output_begin(struct fb_output *output, const char *path, struct fb_error *err);
int fb_output_commit(struct fb_output *output, struct fb_error *err);
/* Safe after commit, after a failed begin and on a zeroed struct. */
void fb_output_abort(struct fb_output *output);

/* Free bytes where `path` would be written; UINT64_MAX when not known. */
uint64_t fb_output_space(const char *path);

/* Removes what a killed process left: PATH.tmp-PID-*, or those of any process where pid is 0. */
void fb_output_remove_temporaries(const char *path, pid_t pid);

/* The whole of it for what can be written to a stream: begin, print(context, stream, err), close
 * with the checks that make a full disk seen, commit. print need not check its own writes. A
 * positive result of print means that there is nothing to write: the file is left as it was, and
 * the result handed on. */
int fb_output_write(const char *path,
                    int (*print)(void *context, FILE *stream, struct fb_error *err), void *context,
                    struct fb_error *err);

/* mkdir -p. Existing folders are fine. */
int fb_make_folder(const char *path, struct fb_error *err);

/* Removes a folder for temporary files, with all files that are in it; not what else might be. */
void fb_remove_folder(const char *path);

/* fopen for reading, of nothing but a regular file: a pipe would hang, a device might never end. */
int fb_open_regular(const char *path, FILE **stream, struct fb_error *err);

/* Reads a whole file of at most `limit` bytes into fresh memory, with a NUL behind it. The caller
 * frees *data. */
int fb_read_file(const char *path, size_t limit, char **data, size_t *length, struct fb_error *err);

#endif
