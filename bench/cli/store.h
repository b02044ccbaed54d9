/* What gen and convert share: a source goes into a file, with its manifest, before people's eyes.
 */
#ifndef FB_BENCH_CLI_STORE_H
#define FB_BENCH_CLI_STORE_H

#include "formats/format.h"

struct fb_target {
    const struct fb_format *format;
    struct fb_options options;
    const char *path;
};

/* "-f FORMAT[:opts] -o FILE", checked before any source is opened: the format can be written, and
 * the path is no folder. */
int fb_target_parse(const char *spec, const char *path, struct fb_target *out,
                    struct fb_error *err);

/* Writes all that the source lists, with a progress line, and prints what was written. Skipped
 * arrays become a warning. Refused when the free space cannot be enough. */
int fb_target_write(const struct fb_target *target, struct fb_source *source, struct fb_error *err);

#endif
