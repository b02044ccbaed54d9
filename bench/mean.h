/* The mean over the first axis, the same to the last bit wherever it is computed: in a worker, on
 * the clock, and over the source, as the truth. */
#ifndef FB_BENCH_MEAN_H
#define FB_BENCH_MEAN_H

#include "datasets/dtype.h"

/* True for the element types that have a mean: integers and floats. */
bool fb_mean_possible(struct fb_dtype dtype);

/* `data` is `rows` (1 or more) rows of `width` elements of a type that has a mean, aligned for it,
 * in machine byte order. Each means[i] becomes what column i sums up to in float64, one row after
 * the other beginning with the first itself, divided by the number of rows. A result that is not a
 * number is always the float64 0x7ff8000000000000: which bits such a value has is otherwise up to
 * machine and compiler. In numpy:
 *
 *   means = np.add.accumulate(data.astype("f8"), axis=0)[-1] / len(data)
 *   means[np.isnan(means)] = np.nan
 *
 * (Of data with two axes or more that are longer than 1, data.astype("f8").sum(axis=0) is the
 * same; of one axis numpy sums in another order.) */
void fb_mean_rows(struct fb_dtype dtype, const void *data, uint64_t rows, uint64_t width,
                  double *means);

#endif
