/* Statistics as pure functions over recorded iterations.
 *
 * Iterations inside one process are not independent, so the unit is the block: a fresh worker
 * process, represented by the median of its timed iterations. */
#ifndef FB_RESULTS_STATISTICS_H
#define FB_RESULTS_STATISTICS_H

#include "results/record.h"

#include <stdbool.h>

#define FB_INTERVAL_LEVEL 0.95

/* Rising order. */
void fb_sort_u64(uint64_t *values, size_t n);

/* Median of n sorted values: the middle one, or the mean of the middle two rounded down; FB_NA for
 * none. */
uint64_t fb_median_u64(const uint64_t *sorted, size_t n);

/* The narrowest symmetric pair of order statistics (r-th smallest, r-th largest) that holds the
 * median of the distribution with probability >= level, whatever the distribution is. *coverage is
 * the exact probability, P(r <= B <= n - r) for B ~ Binomial(n, 1/2) (David & Nagaraja, Order
 * Statistics, 7.1), good to 1e-9. False when no pair reaches the level: n < 6 at 0.95. */
bool fb_median_interval(const uint64_t *sorted, size_t n, double level, uint64_t *lower,
                        uint64_t *upper, double *coverage);

/* Fills blocks, iterations, resident_before and peak_bytes from the timed iterations of the
 * record's cell, and, unless its status is one other than "ok" or "" (times of a failed cell are
 * withheld), median_ns, lower_ns, upper_ns, interval_level and minimum_ns. What there are no
 * iterations for is left n/a. 0 or FB_EMEMORY. */
int fb_summarise(struct fb_record *record, const struct fb_iterations *iterations);

/* True when both records belong to the same race: workload, its options, cache, handle, clock. */
bool fb_same_race(const struct fb_record *a, const struct fb_record *b);

/* Fills times_fastest: of every ok row over the fastest ok contender of its race (a reference may
 * come out below 1); n/a for other rows, for rows whose cache state is unproven, and where no
 * contender finished. */
void fb_rank(struct fb_records *records);

#endif
