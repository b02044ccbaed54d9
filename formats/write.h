/* Writing a dataset file together with its manifest: what gen, convert and run share. */
#ifndef FB_FORMATS_WRITE_H
#define FB_FORMATS_WRITE_H

#include "formats/format.h"

struct fb_write_cost {
    uint64_t wall_ns, cpu_ns; /* of create, without the time the source took to deliver */
    uint64_t file_bytes;
};

/* Creates `path` from the source (dtype option applied), then its manifest. On failure neither the
 * file nor the manifest that were there before are touched. `cost` may be NULL. */
int fb_file_write(const struct fb_format *format, const struct fb_options *options,
                  const char *path, struct fb_source *source, struct fb_write_cost *cost,
                  struct fb_error *err);

/* What puts arrays into a file. `create` writes them all to `path`, of the source that it is given
 * (narrowed already, and observed: fb_source_observed_time), and fills the cost but for file_bytes.
 */
struct fb_creator {
    int (*create)(const void *context, const struct fb_options *options, const char *path,
                  struct fb_source *source, struct fb_write_cost *cost, struct fb_error *err);
    const void *context;
};
/* The same, with something else in the place of the format's own create. */
int fb_file_write_by(const struct fb_creator *creator, const struct fb_format *format,
                     const struct fb_options *options, const char *path, struct fb_source *source,
                     struct fb_write_cost *cost, struct fb_error *err);

#endif
