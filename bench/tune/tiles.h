/* What gzip makes of chunks of any shape, as they would be cut from the data: short ones compress
 * less, others have few neighbours along the axis where values change least, those at the ends of
 * arrays are part filler; and what a byte costs to inflate is far from the same for all: the
 * shortest have fixed codes, those from some hundred bytes on have codes of their own (RFC 1951,
 * 3.2), whose tables cost more than the bytes until these are some thousands. Some chunks of each
 * shape are cut, compressed and inflated in memory, as HDF5's filters do it
 * (bench/anatomy/filters.h). */
#ifndef FB_BENCH_TUNE_TILES_H
#define FB_BENCH_TUNE_TILES_H

#include "bench/tune/setting.h"
#include "datasets/source.h"

struct fb_tile {
    double stored;       /* over the bytes that lie in an array */
    double inflate_byte; /* ns for each of those */
    double pack_byte;    /* the same, the shuffle included */
};

#define FB_TILES_LEVEL 4 /* of gzip, which most take */

/* For each of the settings, chunks of its shape at its level of gzip (0: FB_TILES_LEVEL), shuffled
 * or not, from all over the source. Of the longest chunks a part stands for the whole, as deflate
 * looks back 32 KiB only. Of so many bytes about, and one chunk at the least. All are timed in
 * turns: a stream that is read again at once is learnt by the processor. FB_EMEMORY,
 * FB_EINTERRUPTED, and what reading the source gives. */
int fb_tiles_measure(struct fb_source *source, const struct fb_setting *settings, size_t count,
                     size_t bytes, struct fb_tile *out, struct fb_error *err);

/* ns a byte of undoing the shuffle. */
double fb_unshuffle_byte(size_t element);

#endif
