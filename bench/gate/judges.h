/* How others tell that B is slower than A, to be set beside the gate's own test: pure functions
 * over the block medians of both sides, in any unit of time, all above 0.
 *
 * They differ in what they take for chance. None of them looks more than once, knows of other cells
 * or confirms what it found. */
#ifndef FB_BENCH_GATE_JUDGES_H
#define FB_BENCH_GATE_JUDGES_H

#include <stdbool.h>
#include <stddef.h>

#define FB_JUDGE_ALPHA 0.05
#define FB_JUDGE_MEAN 1.10   /* of fb_judge_mean */
#define FB_JUDGE_MARGIN 1.02 /* of Welch's test and the sign test */

/* Mean of n values and their standard deviation, the square root of the sum of squares over n - 1;
 * NAN for what there are too few for. */
struct fb_judge_moments {
    double mean, deviation;
};
struct fb_judge_moments fb_judge_moments(const double *values, size_t n);

/* The mean of B over that of A. */
double fb_judge_mean_ratio(const double *a, size_t a_count, const double *b, size_t b_count);

/* As hyperfine's summary compares two commands ("1.05 +- 0.04 times faster"): the ratio of the
 * means and its error, each side's standard deviation propagated to first order,
 * sigma = ratio sqrt((s_a / m_a)^2 + (s_b / m_b)^2). */
struct fb_judge_speed {
    double ratio, sigma;
};
struct fb_judge_speed fb_judge_hyperfine(const double *a, size_t a_count, const double *b,
                                         size_t b_count);

/* One-sided p of the rank-sum test of Mann & Whitney (Annals of Mathematical Statistics 18, 1947),
 * small when B tends to be larger: the normal approximation with correction for ties and
 * continuity, within 0.006 of the exact p from 8 values a side on. 1 where all values are equal, or
 * there are none. */
double fb_judge_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count);

/* One-sided p of Welch's t-test (Biometrika 34, 1947), small when B's mean is above `margin` times
 * A's. NAN for fewer than two values a side; without any scatter 0 or 1. */
double fb_judge_welch(const double *a, size_t a_count, const double *b, size_t b_count,
                      double margin);

/* One-sided p of the sign test that the median of ln(b[i] / a[i]) is above ln(margin). */
double fb_judge_pairs(const double *a, const double *b, size_t pairs, double margin);

/* All of them with their usual bounds, as a table: a name and whether it says that B is slower,
 * from equally many blocks of either side, a[i] and b[i] being a pair. */
struct fb_judge {
    const char *name;
    bool (*alarms)(const double *a, const double *b, size_t pairs);
};

#define FB_JUDGES 5
extern const struct fb_judge fb_judges[FB_JUDGES];

#endif
