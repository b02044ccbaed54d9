/* What gzip makes of chunks of any shape, as they would be cut from the data: short ones compress
 * less, others have few neighbours along the axis where values change least, those at the ends of
 * arrays are part filler; and what a byte costs to inflate is far from the same for all: the
 * shortest have fixed codes, those from some hundred bytes on have codes of their own (RFC 1951,
 * 3.2), whose tables cost more than the bytes until these are some thousands. Some chunks of each
 * shape are cut, compressed and inflated in memory, as HDF5's filters do it (probe.h). */
#ifndef FB_BENCH_TUNE_TILES_H
#define FB_BENCH_TUNE_TILES_H

#include "bench/tune/setting.h"
#include "datasets/source.h"

/* The data that tiles are cut from: all of a small source. */
struct fb_tiles {
    struct fb_array_info *arrays; /* borrowed of its catalog; path and sample are not used */
    bool *cut;                    /* of a longer array: its end is no end */
    unsigned char **data;         /* by array */
    size_t count;
};

/* `whole` tells how long the arrays are that the source has the beginning or a part of. The source
 * is needed no more afterwards. Free with fb_tiles_free, also after a failure. */
int fb_tiles_open(struct fb_source *source, const struct fb_catalog *whole, struct fb_tiles *out,
                  struct fb_error *err);
void fb_tiles_free(struct fb_tiles *tiles);

struct fb_tile {
    double stored;       /* over the bytes that lie in an array */
    double inflate_byte; /* ns for each of those */
    double pack_byte;    /* the same, the shuffle included */
};

/* Chunks of the setting's shape at its level of gzip (0: that of most, 4), shuffled or not. Of the
 * longest chunks a part stands for the whole: beyond the 32 KiB that deflate looks back, a byte
 * costs what it costs. Of so many bytes about, and one chunk at the least. FB_EMEMORY. */
int fb_tiles_measure(const struct fb_tiles *tiles, const struct fb_setting *setting, size_t bytes,
                     struct fb_tile *out, struct fb_error *err);

/* ns a byte of undoing the shuffle. */
double fb_unshuffle_byte(size_t element);

#endif
