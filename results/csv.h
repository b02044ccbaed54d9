/* Reading CSV by a table of columns; the writers stand in record.h. */
#ifndef FB_RESULTS_CSV_H
#define FB_RESULTS_CSV_H

#include "results/record.h"

/* Sets every column of the row: text "", integers FB_NA, doubles NAN. */
void fb_columns_clear(const struct fb_column *columns, void *row);

/* Reads the file row by row into `row` (scratch of the caller) and hands each one, complete, to
 * take(), whose negative code ends the reading. Fields of a text column that do not fit, malformed
 * numbers or quotes, rows of another length than the header, a last line without its end, missing
 * or doubled columns and another schema_version are FB_EFORMAT, "FILE:LINE: ...". */
int fb_csv_read(const char *path, const struct fb_column *columns, void *row,
                int (*take)(void *context, const void *row, struct fb_error *err), void *context,
                struct fb_error *err);

#endif
