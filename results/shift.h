/* How far one sample lies from another: two independent samples, of any distribution, that differ
 * in their place alone.
 *
 * The shift is the median of all differences b_j - a_i (Hodges & Lehmann, Annals of Mathematical
 * Statistics 34, 1963), and its interval goes from the k-th smallest to the k-th largest of these
 * (Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., 4.3). k is the largest
 * with P(U < k) <= (1 - level) / 2, U being the rank-sum statistic of Mann & Whitney (1947) for
 * samples of one distribution. P is exact where all C(n + m, n) orders can be counted in a double,
 * as of 28 and 28 values, and beyond that normal with a correction for continuity. Ties make the
 * interval hold more often, not less. Of logarithms, exp(shift) is a ratio. */
#ifndef FB_RESULTS_SHIFT_H
#define FB_RESULTS_SHIFT_H

#include <stdbool.h>
#include <stddef.h>

struct fb_shift {
    double shift, lower, upper;
    double level; /* nominal coverage of the interval: at least what was asked for */
};

/* Of b against a; both finite, in any order, which is made a rising one. False where there is no
 * interval, which so few values cannot give at this level, or no memory for it; nothing is filled
 * then. */
bool fb_shift_interval(double *a, size_t n, double *b, size_t m, double level,
                       struct fb_shift *out);

#endif
