/* What gzip makes of pieces of the data, by their length. Short ones compress less; and what a byte
 * costs to inflate is far from the same for all: the shortest have fixed codes, those from some
 * hundred bytes on have codes of their own (RFC 1951, 3.2), whose tables cost more than the bytes
 * until these are some thousands. Measured in memory, by zlib alone: what HDF5 adds is the model's.
 */
#ifndef FB_BENCH_TUNE_PIECES_H
#define FB_BENCH_TUNE_PIECES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define FB_PIECE_SIZES 16 /* 32 bytes, 64, ... 1 MiB */

struct fb_pieces {
    double stored[FB_PIECE_SIZES]; /* stored over raw bytes */
    double ns[FB_PIECE_SIZES];     /* to inflate one piece */
};

/* Of elements of so many bytes, shuffled before or not. Lengths that the data does not have are
 * reckoned from the longest that it has; of less than 32 bytes, which do not matter, all pieces are
 * taken to be alike. FB_EMEMORY. */
int fb_pieces_measure(const unsigned char *data, size_t bytes, size_t element, bool shuffle,
                      struct fb_pieces *out, struct fb_error *err);

/* Of pieces of any length, between those that were measured; beyond them as of the nearest. */
double fb_pieces_stored(const struct fb_pieces *pieces, double bytes);
double fb_pieces_ns(const struct fb_pieces *pieces, double bytes);

#endif
