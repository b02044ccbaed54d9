/* How HDF5 files are written, for every format that reads the same files. */
#ifndef FB_FORMATS_HDF5_OPTIONS_H
#define FB_FORMATS_HDF5_OPTIONS_H

#include "base/options.h"

extern const struct fb_option fb_hdf5_contiguous_options[];
extern const struct fb_option fb_hdf5_chunked_options[];

/* The Debian packages that bring a filter's plugin, by the filter's name; "" for a filter that is
 * part of HDF5, and for an unknown one. */
const char *fb_hdf5_filter_plugin(const char *name);

#define FB_HDF5_PARAMETERS_MAX 8
#define FB_HDF5_STEPS_MAX 2

/* Filters that have names of their own in other programs. */
enum { FB_HDF5_GZIP = 1, FB_HDF5_SHUFFLE = 2, FB_HDF5_SZIP = 4, FB_HDF5_LZF = 32000 };

/* One filter of a chunk, as H5Pset_filter takes it. */
struct fb_hdf5_step {
    unsigned id;
    const char *name;
    bool optional; /* a chunk that it cannot make smaller is stored without it */
    unsigned count, values[FB_HDF5_PARAMETERS_MAX];
};

/* What chunks of so many elements go through, in the order of writing: the number of steps. Filter
 * "none", gzip with level 0, and szip for a single element leave bytes as they are but for the
 * shuffle. */
unsigned fb_hdf5_steps(const char *filter, unsigned level, bool shuffle, uint64_t chunk_elements,
                       struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX]);

/* Whether chunks can be written with the filter, and the filter has the level: 0 for one that has
 * none. */
bool fb_hdf5_filter_has(const char *filter, unsigned level);

#endif
