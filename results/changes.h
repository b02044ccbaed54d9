/* Change points of a series of times: where its level moved and stayed.
 *
 * The method is E-divisive: D. S. Matteson and N. A. James, "A Nonparametric Approach for Multiple
 * Change Point Analysis of Multivariate Data", Journal of the American Statistical Association 109
 * (2014), 334-345, with the exponent 1, here of the logarithms, so that a change is a ratio. It
 * splits the series where the energy distance between what lies before and after is the largest,
 * over all ends of "after"; accepts the split if so large a distance is as rare as `level` among
 * random orders within the segments; and goes on with the parts until one is not accepted. D. Daly
 * et al., "The Use of Change Point Detection to Identify Software Performance Regressions in a
 * Continuous Integration System", ICPE 2020, is how it serves for series of benchmarks.
 *
 * What is added for such series:
 * - A lone outlier is no change: before, values further than three robust standard deviations from
 *   the median of the seven around them are drawn in to there (F. R. Hampel, JASA 69, 1974).
 * - A slow drift is no change: a cut is dropped where a step fits the two segments beside it not
 *   clearly better than a straight line, and a step on top of the line is not clear either.
 * - A change is FB_CHANGES_EFFECT at the least, its 95 % interval lies off 1, and each level lasts
 *   FB_CHANGES_SEGMENT values at the least: one in the last few runs is not told yet.
 *
 * The random orders have a fixed seed: the same series gives the same changes. Values are taken as
 * independent around their level; where neighbours are alike, as on a machine whose speed wanders
 * from day to day, more alarms come than the level says. */
#ifndef FB_RESULTS_CHANGES_H
#define FB_RESULTS_CHANGES_H

#include "base/error.h"

/* Values of a level at the least; a series of fewer than two such has no change point. */
#define FB_CHANGES_SEGMENT 5
#define FB_CHANGES_EFFECT 0.02
/* Values of a series at the most: time grows with the square. */
#define FB_CHANGES_MOST 400
/* The strictest level that is kept: 1 of so many random orders. */
#define FB_CHANGES_STRICTEST 1e-4

struct fb_change {
    size_t at;           /* the first value of the new level */
    double ratio;        /* after over before: exp of the Hodges-Lehmann shift of the logarithms */
    double lower, upper; /* its 95 % interval, of the rank sum test (Lehmann, 1963) */
};

/* Zero-initialise, free items. */
struct fb_changes {
    struct fb_change *items; /* by rising place */
    size_t count;
};

/* Finds the changes of n <= FB_CHANGES_MOST finite values above 0 (asserted), in order of time.
 * `level`: how probable an alarm may be in a series without a change; for several series the whole
 * family's divided by their number. 0 or FB_EMEMORY. */
int fb_changes_find(const double *values, size_t n, double level, struct fb_changes *out,
                    struct fb_error *err);

/* The shift from n values to m others and its 95 % interval, as in struct fb_change, on values as
 * they are (no logarithms). 0 or FB_EMEMORY; n and m at least 1. With fewer than 4 on each side
 * there is no interval: lower and upper are NAN. */
int fb_shift(const double *before, size_t n, const double *after, size_t m, double *shift,
             double *lower, double *upper, struct fb_error *err);

#endif
