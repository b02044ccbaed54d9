/* How far one sample lies from another: the shift and its interval. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "results/shift.h"

#include <math.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Hollander & Wolfe, Nonparametric Statistical Methods, example 4.1: permeability of human chorio-
 * amnion at term and at 12 to 26 weeks. Their estimate is 0.305, their interval (-0.15, 0.76) with
 * a coverage of 0.96. */
static void test_published(void **state)
{
    (void)state;
    double term[] = { 0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46 };
    double early[] = { 1.15, 0.88, 0.90, 0.74, 1.21 };
    struct fb_shift shift;
    assert_true(fb_shift_interval(early, 5, term, 10, 0.95, &shift));
    assert_float_equal(shift.shift, 0.305, 1e-12);
    assert_float_equal(shift.lower, -0.15, 1e-12);
    assert_float_equal(shift.upper, 0.76, 1e-12);
    assert_float_equal(shift.level, 0.96004, 1e-5);
    /* The other way round. */
    assert_true(fb_shift_interval(term, 10, early, 5, 0.95, &shift));
    assert_float_equal(shift.shift, -0.305, 1e-12);
    assert_float_equal(shift.lower, -0.76, 1e-12);
    assert_float_equal(shift.upper, 0.15, 1e-12);
}

/* Samples whose differences are 0, 1, ..., n * m - 1, so that the lower end is the critical value
 * of the two-sided test at 5 %, as tables of Mann & Whitney's U have it. */
static void test_critical(void **state)
{
    (void)state;
    static const struct {
        size_t n, m;
        double u, level;
    } table[] = {
        { 4, 4, 0, 34.0 / 35 },
        { 5, 5, 2, 0.968254 },
        { 6, 6, 5, 0.958874 },
        { 6, 8, 8, 0.957376 },
        { 7, 9, 12, 0.958217 },
        { 8, 8, 13, 0.950117 },
        { 10, 10, 23, 0.956743 },
        { 5, 10, 8, 0.960040 },
        { 20, 20, 127, 0.950910 },
        { 6, 100, 157, 0.950320 },
        /* By the normal distribution; exact would be 596 and 4197. */
        { 40, 40, 595, 0.95091 },
        { 100, 100, 4197, 0.95015 },
    };
    for (size_t t = 0; t < COUNT(table); t++) {
        double a[100], b[100];
        struct fb_shift shift;
        size_t n = table[t].n, m = table[t].m;
        for (size_t i = 0; i < n; i++)
            a[i] = -(double)(i * m);
        for (size_t j = 0; j < m; j++)
            b[j] = (double)j;
        assert_true(fb_shift_interval(a, n, b, m, 0.95, &shift));
        assert_float_equal(shift.lower, table[t].u, 0);
        assert_float_equal(shift.upper, (double)(n * m - 1) - table[t].u, 0);
        assert_float_equal(shift.shift, (double)(n * m - 1) / 2, 0);
        assert_float_equal(shift.level, table[t].level, 1e-4);
    }
}

/* Few values: the most extreme order of 3 and 3 is no rarer than one in ten. */
static void test_few(void **state)
{
    (void)state;
    double a[] = { 3, 1, 2 }, b[] = { 9, 7, 8, 10, 11 };
    struct fb_shift shift = { .shift = 5 };
    assert_false(fb_shift_interval(a, 3, b, 3, 0.95, &shift));
    assert_false(fb_shift_interval(a, 0, b, 5, 0.95, &shift));
    assert_false(fb_shift_interval(a, 3, b, 0, 0.95, &shift));
    assert_float_equal(shift.shift, 5, 0);
    /* By hand: one order of 56 at either end, so from the smallest difference to the largest. */
    assert_true(fb_shift_interval(a, 3, b, 5, 0.95, &shift));
    assert_float_equal(shift.lower, 7 - 3, 0);
    assert_float_equal(shift.upper, 11 - 1, 0);
    assert_float_equal(shift.shift, 7, 0);
    assert_float_equal(shift.level, 1 - 2.0 / 56, 1e-12);
}

static void test_ties(void **state)
{
    (void)state;
    double a[8], b[8];
    struct fb_shift shift;
    for (size_t i = 0; i < 8; i++) {
        a[i] = 2;
        b[i] = 5;
    }
    assert_true(fb_shift_interval(a, 8, b, 8, 0.95, &shift));
    assert_true(shift.lower == 3 && shift.upper == 3 && shift.shift == 3);
    /* Zeros and ones in halves: of 64 differences 16 are -1, 32 are 0, 16 are 1. */
    for (size_t i = 0; i < 8; i++)
        a[i] = b[i] = (double)(i % 2);
    assert_true(fb_shift_interval(a, 8, b, 8, 0.95, &shift));
    assert_true(shift.lower == -1 && shift.upper == 1 && shift.shift == 0);
}

/* All differences written down and sorted, as a second way to the same figures. */
static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_differences(void **state)
{
    (void)state;
    struct fb_random random;
    fb_random_seed(&random, 5);
    for (size_t trial = 0; trial < 300; trial++) {
        double a[12], b[12], all[144];
        struct fb_shift shift;
        size_t n = 6 + fb_random_below(&random, 6), m = 6 + fb_random_below(&random, 6), used = 0;
        for (size_t i = 0; i < n; i++)
            a[i] = trial % 2 ? fb_random_unit(&random) : (double)fb_random_below(&random, 9);
        for (size_t j = 0; j < m; j++)
            b[j] = trial % 2 ? fb_random_unit(&random) : (double)fb_random_below(&random, 9);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < m; j++)
                all[used++] = b[j] - a[i];
        qsort(all, used, sizeof *all, compare_doubles);
        assert_true(fb_shift_interval(a, n, b, m, 0.95, &shift));
        assert_true(shift.shift == (all[(used - 1) / 2] + all[used / 2]) / 2);
        size_t rank = 0;
        while (rank < used && all[rank] < shift.lower)
            rank++;
        assert_true(rank < used / 2 && all[rank] == shift.lower);
        if (trial % 2)
            assert_true(all[used - 1 - rank] == shift.upper);
    }
}

/* Times of a process are skewed: the exponential of something uniform, and now and then far out. */
static double skewed(struct fb_random *random)
{
    double u = fb_random_unit(random);
    return exp(0.1 * u + (fb_random_unit(random) < 0.1 ? fb_random_unit(random) : 0));
}

static void test_coverage(void **state)
{
    (void)state;
    static const size_t sizes[][2] = { { 6, 6 }, { 8, 8 }, { 8, 20 }, { 40, 32 } };
    enum { TRIALS = 4000 };
    struct fb_random random;
    fb_random_seed(&random, 1);
    for (size_t s = 0; s < COUNT(sizes); s++) {
        size_t held = 0;
        for (size_t trial = 0; trial < TRIALS; trial++) {
            double a[40], b[40];
            struct fb_shift shift;
            for (size_t i = 0; i < sizes[s][0]; i++)
                a[i] = log(skewed(&random));
            for (size_t i = 0; i < sizes[s][1]; i++)
                b[i] = log(1.1 * skewed(&random));
            assert_true(fb_shift_interval(a, sizes[s][0], b, sizes[s][1], 0.95, &shift));
            held += shift.lower <= log(1.1) && log(1.1) <= shift.upper;
        }
        double coverage = (double)held / TRIALS;
        print_message("# %zu and %zu blocks: %.4f\n", sizes[s][0], sizes[s][1], coverage);
        assert_true(coverage >= 0.93 && coverage <= 0.99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),   cmocka_unit_test(test_critical),
        cmocka_unit_test(test_few),         cmocka_unit_test(test_ties),
        cmocka_unit_test(test_differences), cmocka_unit_test(test_coverage),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
