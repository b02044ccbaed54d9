/* Distributions against other ways to compute them and printed tables; the judges by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/distribution.h"
#include "bench/gate/judges.h"

#include <math.h>

static void assert_near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.17g is not within %g of %.17g", value, within, expected);
}

/* --- distributions ---------------------------------------------------------------------------- */

/* By Pascal's triangle, in whole numbers. */
static void test_binomial_half(void **state)
{
    (void)state;
    uint64_t row[49] = { 1 };
    for (size_t n = 0; n <= 48; n++) {
        for (size_t j = n; j > 0; j--)
            row[j] += row[j - 1];
        uint64_t sum = 0;
        assert_true(fb_binomial_half_upper(n, n + 1) == 0);
        for (size_t k = n + 1; k-- > 0;) {
            sum += row[k];
            assert_true(fb_binomial_half_upper(n, k) == ldexp((double)sum, -(int)n));
        }
    }
}

/* From whole numbers of a thousand digits. */
static void test_binomial_half_large(void **state)
{
    (void)state;
    static const struct {
        size_t n, k;
        double p;
    } cases[] = { { 96, 63, 0.001439305040600466 },
                  { 1000, 400, 0.9999999999099158 },
                  { 4096, 2048, 0.5062330926818801 },
                  { 4096, 2150, 0.0007557663186629473 },
                  { 4096, 2500, 7.305458402599844e-46 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_near(fb_binomial_half_upper(cases[i].n, cases[i].k) / cases[i].p, 1, 1e-12);
    for (size_t n = 1; n <= FB_TRIALS_MOST; n = n * 2 + n % 3)
        for (size_t k = 0; k <= n; k += 1 + n / 512) {
            double p = fb_binomial_half_upper(n, k);
            assert_true(p <= 1 && p >= fb_binomial_half_upper(n, k + 1));
        }
}

static void test_critical(void **state)
{
    (void)state;
    assert_int_equal(fb_binomial_half_critical(24, 0.05), 17); /* 0.032; 16 is 0.076 */
    assert_int_equal(fb_binomial_half_critical(12, 1.0 / 4096), 12);
    assert_int_equal(fb_binomial_half_critical(12, 0.99 / 4096), 13);
    assert_int_equal(fb_binomial_half_critical(4, 0.05), 5);
    assert_int_equal(fb_binomial_half_critical(0, 0.05), 1);
    assert_int_equal(fb_binomial_half_critical(9, 1), 0);
    assert_int_equal(fb_binomial_half_critical(9, 0), 10);
}

static void test_binomial(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 30; n++)
        for (double q = 0.05; q < 1; q += 0.15) {
            double sum = 0, term = pow(q, (double)n);
            for (size_t k = n; k > 0; k--) {
                sum += term;
                assert_near(fb_binomial_upper(n, k, q), sum, 1e-12);
                term *= (double)k / (double)(n - k + 1) * (1 - q) / q;
            }
        }
    assert_true(fb_binomial_upper(5, 0, 0.5) == 1 && fb_binomial_upper(5, 6, 0.5) == 0);
    for (size_t k = 1900; k <= 2200; k += 25)
        assert_near(fb_binomial_upper(4096, k, 0.5) / fb_binomial_half_upper(4096, k), 1, 1e-9);
}

static void test_incomplete_beta(void **state)
{
    (void)state;
    for (double x = 0.02; x < 1; x += 0.07) {
        assert_near(fb_incomplete_beta(x, 3.5, 1), pow(x, 3.5), 1e-13);
        assert_near(fb_incomplete_beta(x, 1, 0.25), 1 - pow(1 - x, 0.25), 1e-13);
        assert_near(fb_incomplete_beta(x, 0.5, 0.5), 2 / M_PI * asin(sqrt(x)), 1e-13);
        assert_near(fb_incomplete_beta(x, 7.3, 2.9) + fb_incomplete_beta(1 - x, 2.9, 7.3), 1,
                    1e-13);
    }
    assert_near(fb_incomplete_beta(0.5, 700, 700), 0.5, 1e-11);
    assert_true(fb_incomplete_beta(0, 2, 3) == 0 && fb_incomplete_beta(1, 2, 3) == 1);
    assert_true(isnan(fb_incomplete_beta(NAN, 2, 3)));
}

/* Student's density from 0 to t, by Simpson's rule. */
static double integrated(double t, double df)
{
    double factor = exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(df * M_PI), sum = 0;
    for (int i = 0; i <= 2000; i++) {
        double x = t * i / 2000;
        sum += (i == 0 || i == 2000 ? 1 : i % 2 ? 4 : 2) * pow(1 + x * x / df, -(df + 1) / 2);
    }
    return 0.5 - factor * sum * t / 6000;
}

static void test_student(void **state)
{
    (void)state;
    static const struct {
        double t, df, p;
    } table[] = {
        { 6.314, 1, 0.05 },  { 12.706, 1, 0.025 }, { 2.920, 2, 0.05 },   { 2.353, 3, 0.05 },
        { 1.812, 10, 0.05 }, { 2.228, 10, 0.025 }, { 2.086, 20, 0.025 }, { 2.528, 20, 0.01 },
        { 1.697, 30, 0.05 }, { 1.658, 120, 0.05 }, { 1.645, 1e6, 0.05 }, { 3.090, 1e6, 0.001 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_near(fb_student_upper(table[i].t, table[i].df), table[i].p, 2e-3 * table[i].p);
        assert_near(fb_student_upper(-table[i].t, table[i].df), 1 - table[i].p, 1e-4);
    }
    assert_near(fb_student_upper(1, 1), 0.25, 1e-14);
    for (double df = 1.3; df < 300; df *= 1.7)
        for (double t = 0; t < 4; t += 0.5)
            assert_near(fb_student_upper(t, df), integrated(t, df), 1e-10);
    assert_true(fb_student_upper(INFINITY, 5) == 0 && fb_student_upper(-INFINITY, 5) == 1);
    assert_near(fb_normal_upper(1.959963984540054), 0.025, 1e-15);
    assert_near(fb_normal_upper(-1.6448536269514722), 0.95, 1e-15);
}

/* --- judges ----------------------------------------------------------------------------------- */

static void test_moments(void **state)
{
    (void)state;
    const double values[] = {
        1e9 + 2, 1e9 + 4, 1e9 + 4, 1e9 + 4, 1e9 + 5, 1e9 + 5, 1e9 + 7, 1e9 + 9
    };
    struct fb_judge_moments moments = fb_judge_moments(values, 8);
    assert_true(moments.mean == 1e9 + 5);
    assert_near(moments.deviation, sqrt(32.0 / 7), 1e-9);
    assert_true(isnan(fb_judge_moments(values, 0).mean));
    assert_true(isnan(fb_judge_moments(values, 1).deviation));
    assert_true(fb_judge_moments(values, 1).mean == 1e9 + 2);
}

/* A: 10 +- 1, B: 12 +- 3; the ratio is 1.2 +- 1.2 sqrt(0.1^2 + 0.25^2). */
static void test_hyperfine(void **state)
{
    (void)state;
    const double a[] = { 9, 10, 11 }, b[] = { 9, 12, 15 };
    struct fb_judge_speed speed = fb_judge_hyperfine(a, 3, b, 3);
    assert_near(speed.ratio, 1.2, 1e-15);
    assert_near(speed.sigma, 1.2 * sqrt(0.0725), 1e-15);
    assert_near(fb_judge_mean_ratio(a, 3, b, 3), 1.2, 1e-15);
    assert_near(fb_judge_mean_ratio(a, 2, b, 1), 9 / 9.5, 1e-15);
}

/* U = 46 of 64, ties of 2, 4, 4, 4, 2: variance 64 / 12 (17 - 192 / 240) = 86.4. */
static void test_mann_whitney(void **state)
{
    (void)state;
    const double a[] = { 4, 1, 3, 2, 2, 1, 3, 4 }, b[] = { 2, 5, 3, 4, 2, 5, 3, 4 };
    assert_near(fb_judge_mann_whitney(a, 8, b, 8), fb_normal_upper(13.5 / sqrt(86.4)), 1e-15);
    assert_near(fb_judge_mann_whitney(b, 8, a, 8), fb_normal_upper(-14.5 / sqrt(86.4)), 1e-15);
    const double same[] = { 7, 7, 7, 7 };
    assert_true(fb_judge_mann_whitney(same, 4, same, 4) == 1);
    assert_true(fb_judge_mann_whitney(same, 0, same, 4) == 1);
    /* Sides of different size: U = 4 of 6, variance 6 (6) / 12. */
    const double few[] = { 1, 3 }, more[] = { 2, 4, 0.5 };
    assert_near(fb_judge_mann_whitney(few, 2, more, 3), fb_normal_upper(-0.5 / sqrt(3)), 1e-15);
}

/* Against the exact distribution: all 12870 ways to deal 16 ranks to two sides. */
static void test_mann_whitney_exact(void **state)
{
    (void)state;
    size_t ways[65] = { 0 };
    double approximate[65] = { 0 }, tail = 0;
    for (unsigned set = 0; set < 1U << 16; set++) {
        double side[2][16];
        size_t count[2] = { 0 }, u = 0;
        for (unsigned rank = 0; rank < 16; rank++) {
            unsigned in_b = set >> rank & 1;
            u += in_b ? count[0] : 0;
            side[in_b][count[in_b]++] = rank;
        }
        if (count[0] == 8 && ways[u]++ == 0)
            approximate[u] = fb_judge_mann_whitney(side[0], 8, side[1], 8);
    }
    for (size_t u = 65; u-- > 0;) {
        tail += (double)ways[u] / 12870;
        assert_near(approximate[u], tail, 0.006);
    }
}

/* Equal deviations of both sides give n + m - 2 degrees of freedom: t = 2 with 8 is 0.040258. */
static void test_welch(void **state)
{
    (void)state;
    const double a[] = { 1, 2, 3, 4, 5 }, b[] = { 5, 3, 4, 7, 6 };
    assert_near(fb_judge_welch(a, 5, b, 5, 1), 0.0402581, 1e-6);
    double scaled[5];
    for (size_t i = 0; i < 5; i++)
        scaled[i] = 1.02 * b[i];
    assert_near(fb_judge_welch(a, 5, scaled, 5, 1.02), 0.0402581, 1e-6);
    /* Deviations 20/3 and 1/4: t and df by hand, df not whole. */
    const double c[] = { 10, 12, 14, 16 }, d[] = { 14, 14.5, 15 };
    double of_c = 20.0 / 3 / 4, of_d = 0.25 / 3, t = 1.5 / sqrt(of_c + of_d);
    double df = (of_c + of_d) * (of_c + of_d) / (of_c * of_c / 3 + of_d * of_d / 2);
    assert_near(fb_judge_welch(c, 4, d, 3, 1), integrated(t, df), 1e-10);
    assert_near(fb_judge_welch(d, 3, c, 4, 1), 1 - integrated(t, df), 1e-10);
    assert_true(isnan(fb_judge_welch(c, 1, d, 3, 1)) && isnan(fb_judge_welch(c, 4, d, 1, 1)));
    const double flat[] = { 100, 100 }, above[] = { 103, 103 }, within[] = { 101, 101 };
    assert_true(fb_judge_welch(flat, 2, above, 2, 1.02) == 0);
    assert_true(fb_judge_welch(flat, 2, within, 2, 1.02) == 1);
}

/* One table of 12 pairs in which each judge sees something else. */
static void test_table(void **state)
{
    (void)state;
    double a[12], b[12];
    const struct {
        double factor, outlier;
        bool alarms[FB_JUDGES];
    } cases[] = {
        { 1.00, 1, { false, false, false, false, false } },
        { 1.01, 1, { false, true, true, false, false } }, /* clear, but within the margin */
        { 1.05, 1, { false, true, true, true, true } },
        { 1.20, 1, { true, true, true, true, true } },
        { 1.00, 5, { true, false, false, false, false } }, /* one block that was disturbed */
        { 1.05, 5, { true, false, true, false, true } },
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (size_t i = 0; i < 12; i++) {
            a[i] = 100 + 0.1 * (double)(i * 7 % 12);
            b[i] = cases[c].factor * a[i];
        }
        b[5] *= cases[c].outlier;
        for (size_t j = 0; j < FB_JUDGES; j++)
            if (fb_judges[j].alarms(a, b, 12) != cases[c].alarms[j])
                fail_msg("case %zu: %s", c, fb_judges[j].name);
    }
    assert_true(fb_judge_pairs(a, b, 12, 1.02) == ldexp(1, -12));
    b[0] = a[0];
    assert_true(fb_judge_pairs(a, b, 12, 1.02) == ldexp(13, -12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binomial_half),   cmocka_unit_test(test_binomial_half_large),
        cmocka_unit_test(test_critical),        cmocka_unit_test(test_binomial),
        cmocka_unit_test(test_incomplete_beta), cmocka_unit_test(test_student),
        cmocka_unit_test(test_moments),         cmocka_unit_test(test_hyperfine),
        cmocka_unit_test(test_mann_whitney),    cmocka_unit_test(test_mann_whitney_exact),
        cmocka_unit_test(test_welch),           cmocka_unit_test(test_table),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
