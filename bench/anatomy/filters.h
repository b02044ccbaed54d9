/* What HDF5's own filters do to a chunk, in memory: for what they cost, without a file. */
#ifndef FB_BENCH_ANATOMY_FILTERS_H
#define FB_BENCH_ANATOMY_FILTERS_H

#include <stdbool.h>
#include <stddef.h>

/* All first bytes of elements, all second ones, and so on; what is no whole element stays at the
 * end. And back, plane by plane as HDF5 does it. */
void fb_shuffle(const unsigned char *from, size_t bytes, size_t element, unsigned char *to);
void fb_unshuffle(const unsigned char *from, size_t bytes, size_t element, unsigned char *to);

/* Undoes gzip as HDF5 does it: with room for as much as was stored, and twice as much whenever it
 * is full, which costs zlib a copy of its window each time; but into memory that has been touched,
 * since what fresh pages cost is another rate. Whether `bytes` came out. */
bool fb_inflate(const unsigned char *packed, size_t packed_bytes, unsigned char *to, size_t bytes);

#endif
