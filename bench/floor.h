/* The machine's own floor for a plan: the time for the same bytes without any format. Copy is from
 * memory to memory; read is pread of the stored bytes that the plan cannot do without (extents of
 * the format, each once, in file order) into a touched buffer; inflate is bare zlib over those that
 * are compressed. */
#ifndef FB_BENCH_FLOOR_H
#define FB_BENCH_FLOOR_H

#include "bench/block.h"
#include "bench/execute.h"

#include <zlib.h>

struct fb_floor_run {
    int fd;
    struct fb_extent *extents;
    size_t count, capacity;
    unsigned char *stored; /* room for the largest compressed extent */
    size_t stored_bytes;
    unsigned char *out; /* what is read and inflated goes round in it */
    size_t out_bytes;
    unsigned char *from, *to; /* for the copy */
    size_t copy_bytes;        /* of each; a larger plan goes round in it */
    uint64_t asked_bytes;
    z_stream zlib;
    bool zlib_ready;
};

/* Finds the extents and touches all buffers: everything that is not to be timed. The file is closed
 * again, but for the descriptor. FB_EUNSUPPORTED where the format does not tell its extents, the
 * plan reads no data, or the buffers would take more than `room` bytes. To be freed whatever comes.
 */
int fb_floor_prepare(const struct fb_execution *execution, uint64_t room,
                     struct fb_floor_run *floor, struct fb_error *err);
/* One measurement; without `copy` its copy_ns is 0. FB_EFORMAT where a piece does not inflate to
 * what it should. */
int fb_floor_measure(struct fb_floor_run *floor, bool copy, struct fb_floor *out,
                     struct fb_error *err);
void fb_floor_free(struct fb_floor_run *floor);

#endif
