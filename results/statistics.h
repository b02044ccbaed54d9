/* Statistics as pure functions over recorded blocks and iterations.
 *
 * Iterations inside one process are not independent, so the unit is the block: a fresh worker
 * process, represented by the median of its timed iterations. */
#ifndef FB_RESULTS_STATISTICS_H
#define FB_RESULTS_STATISTICS_H

#include "results/record.h"

#include <stdbool.h>

/* The nominal coverage that intervals are made with. What is left of it, when stopping was
 * considered up to eight times (stopping.h) and neighbouring blocks are correlated by 0.1, is 95 %:
 * `make bench-coverage` measures it. */
#define FB_INTERVAL_LEVEL 0.98
/* What six or seven blocks, too few for that level, still give is shown; less is not. */
#define FB_INTERVAL_LEAST 0.95

/* Rising order. */
void fb_sort_u64(uint64_t *values, size_t n);

/* Median of n sorted values: the middle one, or the mean of the middle two rounded down; FB_NA for
 * none. */
uint64_t fb_median_u64(const uint64_t *sorted, size_t n);

/* The same for values in any order, which it sorts. FB_NA values are left out. */
uint64_t fb_median_of(uint64_t *values, size_t n);
/* Likewise; NANs are left out, NAN for none. */
double fb_median_of_doubles(double *values, size_t n);

/* A confidence interval of the median of any distribution, from order statistics. The pair of the
 * r-th smallest and r-th largest of n values holds the median with probability P(r <= B <= n - r),
 * B ~ Binomial(n, 1/2) (David & Nagaraja, Order Statistics, 7.1); between the two pairs nearest to
 * the level it is interpolated by the weight of Hettmansperger & Sheather (Statistics & Probability
 * Letters 4, 1986), and rounded outwards to whole numbers. Where not even the extremes have the
 * level, they are taken if they have FB_INTERVAL_LEAST. *coverage is the nominal coverage of what
 * was taken. False where there is none: n < 6. */
bool fb_median_interval(const uint64_t *sorted, size_t n, double level, uint64_t *lower,
                        uint64_t *upper, double *coverage);

/* The median of ratios in any order, which it sorts, and its interval as above, to a millionth: NANs
 * where there are too few. */
double fb_median_of_ratios(double *values, size_t n, double level, double *lower, double *upper);

/* One value a block, the median of its timed iterations, in order of execution; for one cell. The
 * caller frees *out (never NULL on success). 0 or FB_EMEMORY. */
int fb_block_medians(const char *cell_id, const struct fb_iterations *iterations, uint64_t **out,
                     size_t *count);

/* Fills what follows from the blocks and timed iterations of the record's cell: blocks, iterations,
 * residency, peak, counters and floors, and, unless its status is one other than "ok" or "" (times
 * of a failed cell are withheld), median, interval, minimum, throughput and times_floor. What there
 * is nothing for is left n/a. 0 or FB_EMEMORY. */
int fb_summarise(struct fb_record *record, const struct fb_blocks *blocks,
                 const struct fb_iterations *iterations);

/* Fills what follows from the batches of the timed iterations: samples_per_s (of requests and
 * median_ns), the two waits by rank, and wait_share; n/a where there are no batches. 0 or
 * FB_EMEMORY. After fb_summarise. */
int fb_summarise_batches(struct fb_record *record, const struct fb_batches *batches,
                         const struct fb_iterations *iterations);

/* True when both records belong to the same race: workload, its options, cache, handle, clock. */
bool fb_same_race(const struct fb_record *a, const struct fb_record *b);

/* Fills times_fastest: of every ok row over the fastest ok contender of its race (a reference may
 * come out below 1); n/a for other rows, for rows whose cache state is unproven, and where no
 * contender finished. */
void fb_rank(struct fb_records *records);

/* Gives rows without a floor, whose handle had none measured, that of the same format, options,
 * workload and cache, and fills their times_floor. */
void fb_share_floors(struct fb_records *records);

#endif
