/* One training epoch over a plan of samples, on the clock, as a data loader makes it: batches of
 * consecutive samples, delivered in order, read by the consumer itself or by children that work
 * ahead. protocol.h says what lies inside the clock. */
#ifndef FB_BENCH_EPOCH_EPOCH_H
#define FB_BENCH_EPOCH_EPOCH_H

#include "bench/execute.h"

struct fb_epoch {
    struct fb_loading loading;
    size_t batches;
    uint64_t *batches_ns;    /* by batch: from wanting it to having it */
    bool *done;              /* by batch: read, in this epoch */
    uint64_t ns;             /* of the last epoch */
    uint64_t children_bytes; /* fb_children_memory, the most of any epoch yet */
};

/* Bytes for the batches that lie in memory together: all of the epoch where they fit in `room`, no
 * fewer than those that are under way together. INT64_MAX where they cannot be counted. */
uint64_t fb_epoch_buffer(const struct fb_plan *plan, uint64_t room);

/* FB_EUSAGE where the plan is not one of samples of equal size. To be freed whatever comes. */
int fb_epoch_init(struct fb_epoch *epoch, const struct fb_plan *plan,
                  const struct fb_loading *loading, struct fb_error *err);
void fb_epoch_free(struct fb_epoch *epoch);

/* One epoch. The delivery's ring is shared and has room for a batch or more. Everything read has
 * been delivered when it returns, with the clock stopped. No child is left, whatever comes. */
int fb_epoch_run(struct fb_epoch *epoch, const struct fb_execution *run, struct fb_error *err);

#endif
