/* Programs that store arrays of a file in another way, for people to keep: they copy the file, with
 * attributes and links, and write the arrays of the portions anew.
 *
 * They run as printed, with the names of files and arrays filled in. Unlike h5repack they take any
 * path. An object with several hard links is copied once for each, and references to objects are
 * not kept. */
#ifndef FB_BENCH_TUNE_SNIPPETS_H
#define FB_BENCH_TUNE_SNIPPETS_H

#include "bench/tune/change.h"

/* For h5py 3; imports hdf5plugin where a filter needs it. */
void fb_snippet_python(FILE *stream, const struct fb_portions *portions, const char *file,
                       const char *out);
/* C99 for HDF5 1.10 and later; the first line says how to compile it. */
void fb_snippet_c(FILE *stream, const struct fb_portions *portions, const char *file,
                  const char *out);

#endif
