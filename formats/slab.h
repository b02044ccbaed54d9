/* Slabs of an array that lies in C order somewhere: which stretches of it, and their copy. */
#ifndef FB_FORMATS_SLAB_H
#define FB_FORMATS_SLAB_H

#include "datasets/catalog.h"

#include <stdbool.h>

/* Steps through the contiguous runs of a slab, each as long as the shape allows (whole rows of any
 * array are one run). */
struct fb_slab_walk {
    uint64_t run_bytes;           /* of every run */
    unsigned axes;                /* axes that are stepped over; the rest is inside a run */
    uint64_t offset;              /* of the next run, bytes from the start of the array */
    uint64_t count[FB_MAX_RANK];  /* of the slab */
    uint64_t index[FB_MAX_RANK];  /* of the next run, relative to the slab's start */
    uint64_t stride[FB_MAX_RANK]; /* bytes from one element of an axis to the next */
    bool done;
};

/* The slab has passed fb_slab_check. */
void fb_slab_begin(struct fb_slab_walk *walk, const struct fb_array_info *array,
                   const uint64_t *start, const uint64_t *count);
/* False when there are no more runs; else *offset is the start of the next one. */
bool fb_slab_next(struct fb_slab_walk *walk, uint64_t *offset);

/* Copies a slab that has passed fb_slab_check out of an array in memory. */
void fb_slab_copy(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                  const void *base, void *dst);

/* Visits the stretches of an array in C order that a slab needs, in rising order; stretches less than
 * a page apart are one. The slab has passed fb_slab_check; one without elements has none. */
int fb_slab_pieces(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                   int (*visit)(void *context, uint64_t offset, uint64_t bytes,
                                struct fb_error *err),
                   void *context, struct fb_error *err);

/* fb_slab_check and the check of a buffer's capacity; *bytes is what the slab needs. */
int fb_slab_admit(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                  size_t capacity, size_t *bytes, struct fb_error *err);

#endif
