#include "results/changes.h"
#include "base/random.h"
#include "results/statistics.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SEED 20140109
#define ORDERS_LEAST 1999
/* Of the running median to each side, and how far from it a value may lie. */
#define REACH 3
#define CLIP 3.0
/* The standard deviation of a normal distribution over its median absolute deviation. */
#define MAD_SCALE 1.4826
/* A place that was chosen favours the step, which over a long stretch so must be this much better
 * than a line (in squares), or a jump of so many of its standard errors beside one. Chosen on
 * made-up series as in tests/unit/test_changes.c with seeds 1, 11, 21 and 31; on five other seeds
 * 2 of 200 drifts were marked twice, and 94 to 100 % of the changes found. */
#define MUCH_BETTER 1.2
#define LONG_STRETCH 40
#define CLEAR_JUMP 3.5
#define CUTS_MOST (FB_CHANGES_MOST / FB_CHANGES_SEGMENT + 2)

struct work {
    const double *x; /* logarithms, outliers drawn in */
    size_t n;
    size_t cuts[CUTS_MOST]; /* rising; the first is 0, the last n */
    size_t count;           /* of cuts, the ends included */
    double *order, *to_before, *to_left;
    size_t *places;
};

/* --- outliers --------------------------------------------------------------------------------- */

static double running_median(const double *x, size_t n, size_t at)
{
    double around[2 * REACH + 1];
    size_t from = at > REACH ? at - REACH : 0;
    size_t end = at + REACH + 1 < n ? at + REACH + 1 : n;
    memcpy(around, x + from, (end - from) * sizeof *x);
    return fb_median_of_doubles(around, end - from);
}

static int draw_in(const double *x, size_t n, double *out, struct fb_error *err)
{
    double *middle = malloc(n * sizeof *middle), *away = malloc(n * sizeof *away);
    int rc = middle && away ? 0 : fb_fail_memory(err, "a series");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        middle[i] = running_median(x, n, i);
        away[i] = fabs(x[i] - middle[i]);
    }
    if (rc == 0) {
        double most = CLIP * MAD_SCALE * fb_median_of_doubles(away, n);
        for (size_t i = 0; i < n; i++)
            out[i] = fmin(fmax(x[i], middle[i] - most), middle[i] + most);
    }
    free(middle);
    free(away);
    return rc;
}

/* --- E-divisive ------------------------------------------------------------------------------- */

/* The largest scaled energy distance within x[0..n), and where. to_left and to_before are scratch
 * of n: sums of distances from each value to those left of it, and to those before the cut. */
static double best_split(const double *x, size_t n, double *to_left, double *to_before, size_t *at)
{
    double best = -INFINITY, within_before = 0;
    for (size_t k = 0; k < n; k++) {
        double sum = 0;
        for (size_t i = 0; i < k; i++)
            sum += fabs(x[i] - x[k]);
        to_left[k] = sum;
        to_before[k] = 0;
    }
    for (size_t cut = 1; cut + FB_CHANGES_SEGMENT <= n; cut++) {
        within_before += to_left[cut - 1];
        for (size_t k = cut; k < n; k++)
            to_before[k] += fabs(x[cut - 1] - x[k]);
        if (cut < FB_CHANGES_SEGMENT)
            continue;
        double between = 0, within_after = 0, a = (double)cut;
        double mean_before = within_before / (a * (a - 1) / 2);
        for (size_t k = cut; k < n; k++) {
            between += to_before[k];
            within_after += to_left[k] - to_before[k];
            double b = (double)(k - cut + 1);
            if (b < FB_CHANGES_SEGMENT)
                continue;
            double distance = (2 * between - a * b * mean_before) / (a + b) -
                              2 * a * within_after / ((b - 1) * (a + b));
            if (distance > best) {
                best = distance;
                *at = cut;
            }
        }
    }
    return best;
}

/* The best over all segments. */
static double best_of_all(struct work *w, const double *x, size_t *at)
{
    double best = -INFINITY;
    for (size_t c = 0; c + 1 < w->count; c++) {
        size_t from = w->cuts[c], cut = 0;
        double distance =
            best_split(x + from, w->cuts[c + 1] - from, w->to_left, w->to_before, &cut);
        if (distance > best) {
            best = distance;
            *at = from + cut;
        }
    }
    return best;
}

/* A new order within each segment. */
static void shuffle(struct work *w, struct fb_random *random)
{
    for (size_t c = 0; c + 1 < w->count; c++) {
        size_t from = w->cuts[c], n = w->cuts[c + 1] - from;
        for (size_t i = 0; i < n; i++)
            w->places[i] = i;
        fb_random_shuffle(random, w->places, n);
        for (size_t i = 0; i < n; i++)
            w->order[from + i] = w->x[from + w->places[i]];
    }
}

/* Ends as soon as too many orders have so large a distance: most series cost but a few. */
static bool is_rare(struct work *w, double distance, double level)
{
    struct fb_random random;
    size_t orders = ORDERS_LEAST, as_large = 1, ignored;
    if (level < FB_CHANGES_STRICTEST)
        level = FB_CHANGES_STRICTEST;
    if (level * (double)(orders + 1) < 1)
        orders = (size_t)ceil(1 / level);
    fb_random_seed(&random, fb_random_stream(SEED, w->count));
    for (size_t i = 0; i < orders && (double)as_large <= level * (double)(orders + 1); i++) {
        shuffle(w, &random);
        as_large += best_of_all(w, w->order, &ignored) >= distance;
    }
    return (double)as_large <= level * (double)(orders + 1);
}

static void add_cut(struct work *w, size_t at)
{
    size_t c = w->count++;
    for (; w->cuts[c - 1] > at; c--)
        w->cuts[c] = w->cuts[c - 1];
    w->cuts[c] = at;
}

static void remove_cut(struct work *w, size_t c)
{
    memmove(w->cuts + c, w->cuts + c + 1, (--w->count - c) * sizeof *w->cuts);
}

static void divide(struct work *w, double level)
{
    size_t at = 0;
    for (;;) {
        double distance = best_of_all(w, w->x, &at);
        if (!(distance > 0) || !is_rare(w, distance, level))
            return;
        add_cut(w, at);
    }
}

/* --- what is no change ------------------------------------------------------------------------ */

static double squares(const double *x, size_t n)
{
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

/* Moves each cut to where a step fits its two segments best. */
static void settle(struct work *w)
{
    for (size_t c = 1; c + 1 < w->count; c++) {
        size_t from = w->cuts[c - 1], end = w->cuts[c + 1];
        double best = INFINITY;
        for (size_t at = from + FB_CHANGES_SEGMENT; at + FB_CHANGES_SEGMENT <= end; at++) {
            double fit = squares(w->x + from, at - from) + squares(w->x + at, end - at);
            if (fit < best) {
                best = fit;
                w->cuts[c] = at;
            }
        }
    }
}

/* Least squares of y on a constant, on time, and on both time and a step at `cut`. */
static bool is_drift(const double *y, size_t n, size_t cut)
{
    double step = squares(y, cut) + squares(y + cut, n - cut);
    double mean = 0, tt = 0, ty = 0, ts = 0, ss, sy = 0, middle = (double)(n - 1) / 2;
    double share = (double)(n - cut) / (double)n;
    for (size_t i = 0; i < n; i++)
        mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i - middle, s = (i >= cut) - share;
        tt += t * t;
        ty += t * (y[i] - mean);
        ts += t * s;
        sy += s * (y[i] - mean);
    }
    ss = (double)n * share * (1 - share);
    double line = squares(y, n) - ty * ty / tt;
    /* The step, and the residuals, without what time explains of both. */
    double own = ss - ts * ts / tt, jump = (sy - ts * ty / tt) / own;
    double rest = line - jump * jump * own;
    double error = sqrt(fmax(rest, 0) / ((double)n - 3) / own);
    step *= n < LONG_STRETCH ? 1 : MUCH_BETTER;
    return line <= step && !(fabs(jump) > CLEAR_JUMP * error);
}

/* --- what one is ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int fb_shift(const double *before, size_t n, const double *after, size_t m, double *shift,
             double *lower, double *upper, struct fb_error *err)
{
    size_t pairs = n * m;
    double *differences = calloc(pairs, sizeof *differences);
    if (!differences)
        return fb_fail_memory(err, "the differences of two levels");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            differences[i * m + k] = after[k] - before[i];
    qsort(differences, pairs, sizeof *differences, compare);
    *shift = (differences[(pairs - 1) / 2] + differences[pairs / 2]) / 2;
    /* The critical value of the rank sum, by its normal limit with continuity. */
    double mean = (double)pairs / 2, spread = sqrt((double)pairs * (double)(n + m + 1) / 12);
    double critical = floor(mean - 1.96 * spread - 0.5);
    *lower = *upper = NAN;
    if (critical >= 0 && n >= 4 && m >= 4) {
        *lower = differences[(size_t)critical];
        *upper = differences[pairs - 1 - (size_t)critical];
    }
    free(differences);
    return 0;
}

/* On the values as they are: order statistics do not mind outliers. */
static int measure(const struct work *w, const double *logs, size_t c, struct fb_change *out,
                   struct fb_error *err)
{
    size_t from = w->cuts[c - 1], at = w->cuts[c], end = w->cuts[c + 1];
    int rc = fb_shift(logs + from, at - from, logs + at, end - at, &out->ratio, &out->lower,
                      &out->upper, err);
    out->at = at;
    out->ratio = exp(out->ratio);
    out->lower = exp(out->lower);
    out->upper = exp(out->upper);
    return rc;
}

static bool is_change(const struct work *w, size_t c, const struct fb_change *change)
{
    size_t from = w->cuts[c - 1], at = w->cuts[c], end = w->cuts[c + 1];
    double effect = fabs(log(change->ratio));
    return effect >= log(1 + FB_CHANGES_EFFECT) && (change->lower > 1 || change->upper < 1) &&
           !is_drift(w->x + from, end - from, at - from);
}

/* Drops what is no change, the smallest first, for with it the segments beside it grow. */
static int sift(struct work *w, const double *logs, struct fb_error *err)
{
    for (;;) {
        size_t worst = 0;
        double least = INFINITY;
        for (size_t c = 1; c + 1 < w->count; c++) {
            struct fb_change change;
            int rc = measure(w, logs, c, &change, err);
            if (rc)
                return rc;
            double effect = fabs(log(change.ratio));
            if (effect < least && !is_change(w, c, &change)) {
                least = effect;
                worst = c;
            }
        }
        if (!worst)
            return 0;
        remove_cut(w, worst);
        settle(w);
    }
}

static int find(struct work *w, const double *logs, double level, struct fb_changes *out,
                struct fb_error *err)
{
    divide(w, level);
    settle(w);
    int rc = sift(w, logs, err);
    if (rc || w->count == 2)
        return rc;
    out->items = calloc(w->count - 2, sizeof *out->items);
    if (!out->items)
        return fb_fail_memory(err, "the changes");
    for (size_t c = 1; rc == 0 && c + 1 < w->count; c++)
        rc = measure(w, logs, c, &out->items[out->count++], err);
    return rc;
}

int fb_changes_find(const double *values, size_t n, double level, struct fb_changes *out,
                    struct fb_error *err)
{
    struct work w = { .n = n, .cuts = { 0, n }, .count = 2 };
    int rc = 0;
    *out = (struct fb_changes){ 0 };
    assert(n <= FB_CHANGES_MOST);
    if (n < 2 * FB_CHANGES_SEGMENT)
        return 0;
    double *memory = calloc(5 * n, sizeof *memory);
    w.places = calloc(n, sizeof *w.places);
    if (!memory || !w.places) {
        rc = fb_fail_memory(err, "a series");
        goto out;
    }
    double *logs = memory, *x = memory + n;
    w.x = x;
    w.order = memory + 2 * n;
    w.to_left = memory + 3 * n;
    w.to_before = memory + 4 * n;
    for (size_t i = 0; i < n; i++) {
        assert(values[i] > 0 && isfinite(values[i]));
        logs[i] = log(values[i]);
    }
    rc = draw_in(logs, n, x, err);
    if (rc == 0)
        rc = find(&w, logs, level, out, err);
out:
    if (rc) {
        free(out->items);
        *out = (struct fb_changes){ 0 };
    }
    free(memory);
    free(w.places);
    return rc;
}
