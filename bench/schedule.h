/* Who gets a block in the next round: the time that is left goes to the cells that need it, and
 * first to those that need little to become precise. */
#ifndef FB_BENCH_SCHEDULE_H
#define FB_BENCH_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

/* A cell that is not precise yet. */
struct fb_candidate {
    size_t blocks;      /* until now */
    double imprecision; /* at its last look (stopping.h); INFINITY before the first */
    uint64_t block_ns;  /* what one of its blocks takes, the whole of it */
};

/* Puts the numbers of the candidates that take part into order[count], in no particular order, and
 * returns how many: all before their first look, and of the others, by the time that each is
 * expected to need still, as many as fit into remaining_ns, one at the least. */
size_t fb_schedule(const struct fb_candidate *candidates, size_t count, double precision,
                   uint64_t remaining_ns, size_t *order);

#endif
