/* What must be known of arrays before h5repack is told to store them in another way. */
#ifndef FB_FORMATS_HDF5_REWRITE_H
#define FB_FORMATS_HDF5_REWRITE_H

#include "base/error.h"

#include <stdbool.h>

/* names[i] becomes the name under which h5repack looks for arrays[i], where this is another one of
 * its hard links; NULL where it is the same. The caller frees the names (not the list), after a
 * failure too. */
int fb_hdf5_tool_names(const char *path, const char *const *arrays, size_t count, char **names,
                       struct fb_error *err);

/* FB_EUNSUPPORTED naming the first of these arrays that can grow (its largest shape is not the one
 * it has), and so cannot be stored in one piece. */
int fb_hdf5_check_fixed(const char *path, const char *const *arrays, size_t count,
                        struct fb_error *err);

/* True where a filter is there and can encode. */
bool fb_hdf5_can_encode(unsigned id);

#endif
