/* A catalog as a plan's `catalog` delivers it. */
#ifndef FB_BENCH_CATALOG_TEXT_H
#define FB_BENCH_CATALOG_TEXT_H

#include "datasets/catalog.h"

/* "PATH\tDTYPE\tSHAPE\n" for each array, in catalog order, in fresh memory that the caller frees:
 * `sample_000/expert/face\tfloat32\t2851x68x2`; the shape of a scalar is empty. *text is never NULL
 * on success. */
int fb_catalog_text(const struct fb_catalog *catalog, char **text, size_t *length,
                    struct fb_error *err);

#endif
