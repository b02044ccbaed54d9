/* One OpenFace CSV file, row by row.
 *
 * Columns are found by name, blanks around names and values do not matter; columns that no feature
 * needs are not looked at. Rows are frames in file order, whatever their `success` or `face_id`.
 * LF, CRLF and CR end lines; blank lines are none; the last line needs no end. */
#ifndef FB_DATASETS_OPENFACE_CSV_H
#define FB_DATASETS_OPENFACE_CSV_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct fb_openface_rows {
    uint64_t frames;  /* good rows */
    uint64_t skipped; /* bad rows, where skipping is allowed */
    uint64_t first_skipped_line;
    char first_skipped_why[128];
};

/* Calls row(context, columns) with FB_COLUMNS doubles (datasets/features.h) for each good row; row
 * may be NULL, and returns 0 to go on. A bad row (number of fields unlike the header's, or a needed
 * field that is no finite number within +-1e30) is an error, or counted when skip_bad.
 * FB_EIO: the file cannot be read. FB_EFORMAT: FILE or FILE:LINE with what is wrong and the
 * remedy. FB_EINTERRUPTED. */
int fb_openface_parse(const char *path, bool skip_bad,
                      int (*row)(void *context, const double *columns, struct fb_error *err),
                      void *context, struct fb_openface_rows *out, struct fb_error *err);

#endif
