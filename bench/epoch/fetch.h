/* Reading batches of an epoch in one process: the consumer's own, or a child's. */
#ifndef FB_BENCH_EPOCH_FETCH_H
#define FB_BENCH_EPOCH_FETCH_H

#include "bench/execute.h"

struct fb_fetch {
    const struct fb_execution *run; /* its format, file, handle and plan */
    size_t batch;                   /* samples in a batch */
    struct fb_reader *reader;       /* of the process that opened it; NULL: not open */
};

/* Opens the file; with the handle `each` it does nothing. */
int fb_fetch_open(struct fb_fetch *fetch, struct fb_error *err);
/* Reads a batch to `to`, one sample behind the other. */
int fb_fetch_batch(struct fb_fetch *fetch, size_t batch, unsigned char *to, struct fb_error *err);
/* Closes what is open. */
void fb_fetch_close(struct fb_fetch *fetch);

/* Samples in this batch, and the first one's number in the plan. */
size_t fb_fetch_samples(const struct fb_fetch *fetch, size_t batch, size_t *first);

#endif
