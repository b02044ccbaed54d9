/* Formats that a program of ours reads and writes in place of this binary (struct fb_adapter). */
#ifndef FB_BENCH_ADAPTER_H
#define FB_BENCH_ADAPTER_H

#include "bench/block.h"
#include "formats/write.h"

/* How the worker of such a format is started: the interpreter that has its modules, and the script.
 * FB_EUNSUPPORTED, with what to install, where there is no such interpreter; FB_EIO where the
 * script is not shipped. Takes a tenth of a second or more. */
int fb_adapter_worker(const struct fb_format *format, struct fb_worker *out, struct fb_error *err);

/* fb_file_write, by a format's adapter. */
int fb_adapter_write(const struct fb_format *format, const struct fb_options *options,
                     const char *path, struct fb_source *source, struct fb_write_cost *cost,
                     struct fb_error *err);

#endif
