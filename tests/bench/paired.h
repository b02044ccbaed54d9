/* What benchmarks of fmtbench itself share: interleaved pairs, a bound of their median ratio, and
 * the closing lines `check<TAB>value<TAB>bound<TAB>pass|fail`. */
#ifndef FB_TESTS_BENCH_PAIRED_H
#define FB_TESTS_BENCH_PAIRED_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* One-sided 95 % upper bound of the median of n paired ratios: the order statistic whose rank is
 * exceeded by a Binomial(n, 1/2) with at most 5 % probability. Sorts the ratios. */
static inline double upper_bound_of_median(double *ratios, size_t n)
{
    qsort(ratios, n, sizeof *ratios, compare_doubles);
    /* P(B <= k) for growing k until it reaches 95 %. */
    double log_term = -(double)n * log(2), sum = exp(log_term);
    size_t k = 0;
    while (sum < 0.95 && k + 1 < n) {
        log_term += log((double)(n - k)) - log((double)(k + 1));
        sum += exp(log_term);
        k++;
    }
    return ratios[k < n ? k : n - 1];
}

static inline bool report(const char *check, double value, double bound)
{
    bool pass = value <= bound;
    printf("%s\t%.4g\t%.4g\t%s\n", check, value, bound, pass ? "pass" : "fail");
    return pass;
}

/* The same for a value that must not be below its bound. */
static inline bool report_least(const char *check, double value, double bound)
{
    bool pass = value >= bound;
    printf("%s\t%.4g\t%.4g\t%s\n", check, value, bound, pass ? "pass" : "fail");
    return pass;
}

#endif
