/* The table of arrays that `fmtbench info` ends with. */
#ifndef FB_BENCH_CLI_INFO_TABLE_H
#define FB_BENCH_CLI_INFO_TABLE_H

#include "formats/format.h"

/* Prints an aligned line for each array, then the skipped ones with their reasons. Storage facts
 * are left out where format and reader are NULL. */
int fb_info_table(const struct fb_catalog *catalog, const struct fb_format *format,
                  struct fb_reader *reader, bool coloured, struct fb_error *err);

#endif
