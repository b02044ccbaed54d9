/* One chunk: from the bytes that are stored to elements in the caller's slab. No HDF5, no file, no
 * thread: whatever the bytes are, nothing beyond the given buffers is touched. */
#ifndef FB_FORMATS_DIRECT_DECODE_H
#define FB_FORMATS_DIRECT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct libdeflate_decompressor;

enum fb_direct_filter { FB_DIRECT_DEFLATE, FB_DIRECT_SHUFFLE, FB_DIRECT_FLETCHER32 };
#define FB_DIRECT_FILTERS_MAX 3 /* each once */

/* What chunks go through, in the order of writing. */
struct fb_direct_pipeline {
    unsigned count;
    enum fb_direct_filter filters[FB_DIRECT_FILTERS_MAX];
    size_t element; /* bytes; of the shuffle: fb_direct_place knows only its box's own */
};

/* False for an order that cannot be decoded here: a filter twice, or anything before the shuffle.
 */
bool fb_direct_pipeline_fits(const struct fb_direct_pipeline *pipeline);

/* A chunk's decoded bytes need room for so many more, for a checksum below the gzip; where there is
 * no checksum, nothing is written there. */
#define FB_DIRECT_SLACK 4

/* Decodes a chunk of chunk_bytes elements' bytes. `skipped`: bit i is set where the chunk went past
 * filter i (HDF5's filter mask). `chunk` has room for chunk_bytes + FB_DIRECT_SLACK. True only
 * where there is no doubt: one zlib stream that ends with the stored bytes and gives exactly
 * chunk_bytes, checksums that are right. (libdeflate is less strict than zlib about codes that no
 * compressor makes; tests/fuzz/direct_decode.c lists them.) Then *shuffled says whether `chunk` is
 * still in the order of shuffle (fb_direct_place takes it so). False: contents of `chunk` are
 * undefined. */
bool fb_direct_decode(const struct fb_direct_pipeline *pipeline,
                      struct libdeflate_decompressor *inflater, uint32_t skipped,
                      const void *stored, size_t stored_bytes, void *chunk, size_t chunk_bytes,
                      bool *shuffled);

/* Where a chunk's elements go. Axes that need not be told apart can have been joined. */
struct fb_direct_box {
    unsigned rank;
    size_t element;        /* bytes: 1 to 8 with swap, any without */
    bool swap;             /* each element's bytes are turned round on the way */
    const uint64_t *chunk; /* elements an axis */
    const uint64_t *first; /* the chunk's first element, in the array */
    const uint64_t *start; /* of the slab */
    const uint64_t *count;
};

/* Copies the elements that the chunk and the slab share from `chunk` (shuffled or not) to their
 * places in `slab` (C order). The two overlap. */
void fb_direct_place(const struct fb_direct_box *box, const void *chunk, bool shuffled, void *slab);
/* The same for a chunk that is not there: `fill` is one element as it is delivered. */
void fb_direct_place_fill(const struct fb_direct_box *box, const void *fill, void *slab);

#endif
