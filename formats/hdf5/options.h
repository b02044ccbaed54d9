/* How HDF5 files are written, for every format that reads the same files. */
#ifndef FB_FORMATS_HDF5_OPTIONS_H
#define FB_FORMATS_HDF5_OPTIONS_H

#include "base/options.h"

extern const struct fb_option fb_hdf5_contiguous_options[];
extern const struct fb_option fb_hdf5_chunked_options[];

#endif
