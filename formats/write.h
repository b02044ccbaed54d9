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

#endif
