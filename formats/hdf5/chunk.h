/* Chunk shapes: as written in options, and as h5py guesses them; and the cache for them.
 * Needs no HDF5. */
#ifndef FB_FORMATS_HDF5_CHUNK_H
#define FB_FORMATS_HDF5_CHUNK_H

#include "base/options.h"
#include "datasets/catalog.h"

enum fb_chunk_kind {
    FB_CHUNK_H5PY,  /* chunk=h5py: its guess for each array */
    FB_CHUNK_SHAPE, /* chunk=64x68x2: arrays of that rank; other ranks take 64 rows */
    FB_CHUNK_ROWS   /* rows=64: that many rows by all of the other axes */
};

struct fb_chunking {
    enum fb_chunk_kind kind;
    unsigned rank;              /* of a shape */
    uint64_t dims[FB_MAX_RANK]; /* of a shape; dims[0] are the rows */
};

/* Forms of the two options, for the option table. */
bool fb_chunk_check_shape(const char *value);
bool fb_chunk_check_rows(const char *value);

/* From the options `chunk` and `rows`, checked against the arrays that are to be stored. FB_EUSAGE
 * when both are given, when no array has the shape's rank, when an axis is larger than an array of
 * that rank has (axis 0: than the longest has; it is clipped for shorter ones), or when a chunk
 * would have more than `limit` bytes. */
int fb_chunking_parse(const struct fb_options *options, const struct fb_catalog *catalog,
                      uint64_t limit, struct fb_chunking *out, struct fb_error *err);

/* The chunk of an array with rank > 0 and elements; `chunk` has room for its rank. */
void fb_chunking_shape(const struct fb_chunking *chunking, const struct fb_array_info *array,
                       uint64_t *chunk);

/* The shape that h5py 3 takes for chunks=True. It halves (rounding up) one axis after the other,
 * beginning with the first, until a chunk has less than a target size or is within 50 % of it, and
 * stays below 1 MiB. The target is 16 KiB * 2^log10(array bytes / 1 MiB), kept between 8 KiB and
 * 1 MiB. An axis of length 0 counts as 1024. */
void fb_chunk_guess(unsigned rank, const uint64_t *dims, uint64_t element_bytes, uint64_t *chunk);

/* Slots of the hash table that a reader gives a chunk cache of `bytes`: a prime number. */
uint64_t fb_chunk_cache_slots(uint64_t bytes);

#endif
