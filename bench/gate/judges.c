#include "bench/gate/judges.h"
#include "results/distribution.h"

#include <math.h>

struct fb_judge_moments fb_judge_moments(const double *values, size_t n)
{
    struct fb_judge_moments moments = { NAN, NAN };
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    if (n > 0)
        moments.mean = sum / (double)n;
    /* About the mean: squares of nanoseconds would drown what is between them. */
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - moments.mean) * (values[i] - moments.mean);
    if (n > 1)
        moments.deviation = sqrt(squares / (double)(n - 1));
    return moments;
}

double fb_judge_mean_ratio(const double *a, size_t a_count, const double *b, size_t b_count)
{
    return fb_judge_moments(b, b_count).mean / fb_judge_moments(a, a_count).mean;
}

struct fb_judge_speed fb_judge_hyperfine(const double *a, size_t a_count, const double *b,
                                         size_t b_count)
{
    struct fb_judge_moments of_a = fb_judge_moments(a, a_count),
                            of_b = fb_judge_moments(b, b_count);
    double ratio = of_b.mean / of_a.mean;
    double error = hypot(of_a.deviation / of_a.mean, of_b.deviation / of_b.mean);
    return (struct fb_judge_speed){ ratio, ratio * error };
}

/* --- ranks ------------------------------------------------------------------------------------ */

static size_t count_equal(const double *values, size_t n, double value)
{
    size_t equal = 0;
    for (size_t i = 0; i < n; i++)
        equal += values[i] == value;
    return equal;
}

/* The sum of t^3 - t over groups of t equal values: each of the t members adds t^2 - 1. */
static double tie_term(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double sum = 0;
    for (size_t i = 0; i < a_count + b_count; i++) {
        double value = i < a_count ? a[i] : b[i - a_count];
        double equal = (double)(count_equal(a, a_count, value) + count_equal(b, b_count, value));
        sum += equal * equal - 1;
    }
    return sum;
}

double fb_judge_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double u = 0, product = (double)a_count * (double)b_count, all = (double)(a_count + b_count);
    for (size_t i = 0; i < a_count; i++)
        for (size_t k = 0; k < b_count; k++)
            u += b[k] > a[i] ? 1 : b[k] == a[i] ? 0.5 : 0;
    if (product == 0)
        return 1;
    double variance =
        product / 12 * (all + 1 - tie_term(a, a_count, b, b_count) / (all * (all - 1)));
    if (variance <= 0)
        return 1;
    return fb_normal_upper((u - product / 2 - 0.5) / sqrt(variance));
}

/* --- means ------------------------------------------------------------------------------------ */

double fb_judge_welch(const double *a, size_t a_count, const double *b, size_t b_count,
                      double margin)
{
    if (a_count < 2 || b_count < 2)
        return NAN;
    struct fb_judge_moments of_a = fb_judge_moments(a, a_count),
                            of_b = fb_judge_moments(b, b_count);
    double above = of_b.mean - margin * of_a.mean;
    double error_a = margin * margin * of_a.deviation * of_a.deviation / (double)a_count;
    double error_b = of_b.deviation * of_b.deviation / (double)b_count;
    double error = error_a + error_b;
    if (error == 0)
        return above > 0 ? 0 : 1;
    double df =
        error * error /
        (error_a * error_a / (double)(a_count - 1) + error_b * error_b / (double)(b_count - 1));
    return fb_student_upper(above / sqrt(error), df);
}

double fb_judge_pairs(const double *a, const double *b, size_t pairs, double margin)
{
    size_t k = 0;
    for (size_t i = 0; i < pairs; i++)
        k += log(b[i] / a[i]) > log(margin);
    return fb_binomial_half_upper(pairs, k);
}

/* --- the table -------------------------------------------------------------------------------- */

static bool mean_alarms(const double *a, const double *b, size_t pairs)
{
    return fb_judge_mean_ratio(a, pairs, b, pairs) > FB_JUDGE_MEAN;
}

static bool hyperfine_alarms(const double *a, const double *b, size_t pairs)
{
    struct fb_judge_speed speed = fb_judge_hyperfine(a, pairs, b, pairs);
    return speed.ratio - speed.sigma > 1;
}

static bool mann_whitney_alarms(const double *a, const double *b, size_t pairs)
{
    return fb_judge_mann_whitney(a, pairs, b, pairs) <= FB_JUDGE_ALPHA;
}

static bool welch_alarms(const double *a, const double *b, size_t pairs)
{
    return fb_judge_welch(a, pairs, b, pairs, FB_JUDGE_MARGIN) <= FB_JUDGE_ALPHA;
}

static bool pairs_alarms(const double *a, const double *b, size_t pairs)
{
    return fb_judge_pairs(a, b, pairs, FB_JUDGE_MARGIN) <= FB_JUDGE_ALPHA;
}

const struct fb_judge fb_judges[FB_JUDGES] = {
    { "mean 10 % above", mean_alarms },      { "hyperfine", hyperfine_alarms },
    { "Mann-Whitney", mann_whitney_alarms }, { "Welch 2 % above", welch_alarms },
    { "sign test 2 % above", pairs_alarms },
};
