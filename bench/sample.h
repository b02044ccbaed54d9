/* A sample of a training set, made as long as all others so that they can be stacked into a batch:
 * the one rule, in a worker, on the clock, and over the source, as the truth.
 *
 * The rule: an array of T rows (axis 0) and the length L give the first min(T, L) rows and, behind
 * them, L - T rows of zero bytes where T is shorter. In numpy:
 *
 *   sample = np.zeros((L, *array.shape[1:]), array.dtype)
 *   sample[:len(array)] = array[:L] */
#ifndef FB_BENCH_SAMPLE_H
#define FB_BENCH_SAMPLE_H

#include "bench/plan.h"
#include "formats/format.h"

/* Appends the request that reads the first min(T, length) rows of an array of rank 1 or more. */
int fb_sample_add(struct fb_plan *plan, const struct fb_array_info *array, uint64_t length,
                  struct fb_error *err);

/* What a sample request delivers: `max` rows. INT64_MAX where no memory holds them. */
uint64_t fb_sample_bytes(const struct fb_request *request);

/* Zero bytes behind the rows that were read to the beginning of `sample`. */
void fb_sample_pad(const struct fb_request *request, void *sample);

/* Reads the request from its open array to `sample`, which has room for request->bytes. */
int fb_sample_read(const struct fb_format *format, struct fb_array *array,
                   const struct fb_request *request, void *sample, struct fb_error *err);

#endif
