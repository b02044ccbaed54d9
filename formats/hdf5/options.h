/* How HDF5 files are written, for every format that reads the same files. */
#ifndef FB_FORMATS_HDF5_OPTIONS_H
#define FB_FORMATS_HDF5_OPTIONS_H

#include "base/options.h"

extern const struct fb_option fb_hdf5_contiguous_options[];
extern const struct fb_option fb_hdf5_chunked_options[];

/* The Debian packages that bring a filter's plugin, by the filter's name; "" for a filter that is
 * part of HDF5, and for an unknown one. */
const char *fb_hdf5_filter_plugin(const char *name);

#endif
