/* NumPy's .npy file format, version 1.0 (numpy.lib.format), writing only. */
#ifndef FB_DATASETS_NPY_H
#define FB_DATASETS_NPY_H

#include "datasets/dtype.h"

#include <stdio.h>

/* Writes the header of a C-order, little-endian array; its bytes follow as they are (opaque records
 * as |V<n>). 0, or -1 with errno where the stream fails. */
int fb_npy_write_header(FILE *stream, struct fb_dtype dtype, unsigned rank, const uint64_t *dims);

#endif
