/* The same requests on the same file through another reader of it, block by block beside the one
 * that is studied. */
#ifndef FB_BENCH_ANATOMY_BESIDE_H
#define FB_BENCH_ANATOMY_BESIDE_H

#include "bench/block.h"

struct fb_beside {
    const char *format;         /* the other reader; NULL: there is none, or it was not measured, or
                                   the file was not seen to be warm */
    uint64_t own_ns, ns;        /* medians over the blocks */
    double ratio, lower, upper; /* own time over the other's: above 1 is faster. Of the pairs, with
                                   the interval of their median, NAN with too few */
};

/* `job` is a block of the format's own; its `beside` (formats/format.h) reads instead in every
 * second one, warm (else nothing is measured). A handful of pairs in turns, as many as fit into a
 * second, and at least six. Without `beside` nothing is measured. */
int fb_beside_measure(const struct fb_block_job *job, struct fb_beside *out, struct fb_error *err);

#endif
