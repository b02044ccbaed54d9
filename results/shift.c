#include "results/shift.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Whole numbers below are exact in a double. */
#define EXACT_MOST 9007199254740992.0

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* --- differences ------------------------------------------------------------------------------ */

/* How many differences b_j - a_i are at most t; *largest is the largest of them. Both samples rise:
 * the larger a_i, the more of b. */
static uint64_t count_up_to(const double *a, size_t n, const double *b, size_t m, double t,
                            double *largest)
{
    uint64_t count = 0;
    size_t j = 0;
    *largest = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        while (j < m && b[j] - a[i] <= t)
            j++;
        count += j;
        if (j > 0)
            *largest = fmax(*largest, b[j - 1] - a[i]);
    }
    return count;
}

/* The k-th smallest difference, 1 to n * m, without writing them all down. */
static double difference(const double *a, size_t n, const double *b, size_t m, uint64_t k)
{
    double low = b[0] - a[n - 1], high = b[m - 1] - a[0], largest;
    if (count_up_to(a, n, b, m, low, &largest) >= k)
        return low;
    /* Fewer than k are at most `low`, k or more at most `high`. */
    for (;;) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (count_up_to(a, n, b, m, middle, &largest) >= k)
            high = largest;
        else
            low = middle;
    }
    return high;
}

/* --- the rank-sum statistic ------------------------------------------------------------------- */

static double orders(size_t n, size_t m)
{
    double count = 1;
    for (size_t i = 1; i <= n && count < EXACT_MOST; i++)
        count = count * (double)(m + i) / (double)i;
    return count;
}

/* ways[u]: in how many orders of n and m values U is u, by the generating function, the product
 * over i of (1 - x^(m + i)) / (1 - x^i). All steps are in whole numbers. */
static double *count_orders(size_t n, size_t m)
{
    size_t top = n * m;
    double *ways = calloc(top + 1, sizeof *ways);
    if (!ways)
        return NULL;
    ways[0] = 1;
    for (size_t i = 1; i <= n; i++) {
        for (size_t u = top; u >= m + i; u--)
            ways[u] -= ways[u - m - i];
        for (size_t u = i; u <= top; u++)
            ways[u] += ways[u - i];
    }
    return ways;
}

/* The largest k with P(U < k) <= tail, 0 where there is none; *below is that probability. */
static uint64_t exact_rank(size_t n, size_t m, double tail, double *below)
{
    double *ways = count_orders(n, m), all = orders(n, m), sum = 0;
    uint64_t k = 0;
    *below = 0;
    while (ways && k < n * m && sum + ways[k] <= tail * all)
        sum += ways[k++];
    if (ways)
        *below = sum / all;
    free(ways);
    return k;
}

static double normal_below(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

static uint64_t normal_rank(size_t n, size_t m, double tail, double *below)
{
    double a = (double)n, b = (double)m, sigma = sqrt(a * b * (a + b + 1) / 12);
    double low = -40, high = 0;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (normal_below(middle) <= tail)
            low = middle;
        else
            high = middle;
    }
    double k = floor(a * b / 2 + low * sigma + 0.5);
    *below = normal_below((k - 0.5 - a * b / 2) / sigma);
    return k < 1 ? 0 : (uint64_t)k;
}

bool fb_shift_interval(double *a, size_t n, double *b, size_t m, double level, struct fb_shift *out)
{
    double below, tail = (1 - level) / 2;
    if (n == 0 || m == 0)
        return false;
    uint64_t k = orders(n, m) < EXACT_MOST ? exact_rank(n, m, tail, &below)
                                           : normal_rank(n, m, tail, &below);
    if (k == 0)
        return false;
    uint64_t all = (uint64_t)n * m;
    qsort(a, n, sizeof *a, compare_doubles);
    qsort(b, m, sizeof *b, compare_doubles);
    out->lower = difference(a, n, b, m, k);
    out->upper = difference(a, n, b, m, all + 1 - k);
    out->shift = (difference(a, n, b, m, (all + 1) / 2) + difference(a, n, b, m, all / 2 + 1)) / 2;
    out->level = 1 - 2 * below;
    return true;
}
