/* Change points: on series whose changes are known, and on odd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "results/changes.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.005
#define NEAR 3
#define LONGEST 100

/* --- made-up series --------------------------------------------------------------------------- */

static double normal(struct fb_random *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += fb_random_unit(random);
    return sum;
}

/* Student's t of three degrees, of the same quartiles as a normal with a deviation of 3 %: its
 * own deviation is 4.6 %. */
static double noise(struct fb_random *random)
{
    double z = normal(random), sum = 0;
    for (int i = 0; i < 3; i++) {
        double y = normal(random);
        sum += y * y;
    }
    return 0.03 * 0.6745 / 0.7649 * z / sqrt(sum / 3);
}

struct series {
    double values[LONGEST];
    size_t n;
    size_t at[4];
    double size[4]; /* relative, of the change before at[] */
    size_t changes;
};

static void make_flat(struct series *series, struct fb_random *random)
{
    memset(series, 0, sizeof *series);
    series->n = 60 + fb_random_below(random, 41);
    for (size_t i = 0; i < series->n; i++)
        series->values[i] = 5e6 * exp(noise(random));
}

/* One to three changes of `size`, up or down, at least ten runs from each other and the ends. */
static void make_steps(struct series *series, struct fb_random *random, double size)
{
    make_flat(series, random);
    size_t wanted = 1 + fb_random_below(random, 3), room = series->n / (wanted + 1);
    for (size_t c = 0; c < wanted; c++) {
        double factor = fb_random_below(random, 2) ? 1 + size : 1 / (1 + size);
        size_t at = (c + 1) * room + fb_random_below(random, room - 9) - (room - 10) / 2;
        series->at[c] = at;
        series->size[c] = size;
        series->changes++;
        for (size_t i = at; i < series->n; i++)
            series->values[i] *= factor;
    }
}

static void make_drift(struct series *series, struct fb_random *random)
{
    make_flat(series, random);
    double whole = 0.05 + 0.10 * fb_random_unit(random);
    whole = fb_random_below(random, 2) ? whole : -whole;
    for (size_t i = 0; i < series->n; i++)
        series->values[i] *= 1 + whole * (double)i / (double)(series->n - 1);
}

static void make_outlier(struct series *series, struct fb_random *random)
{
    make_flat(series, random);
    series->values[fb_random_below(random, series->n)] *= 1.3 + 4 * fb_random_unit(random);
}

/* --- the requirement -------------------------------------------------------------------------- */

struct score {
    size_t known, found; /* changes that are there, and those of them that were told */
    size_t alarms, right;
};

static void judge(const struct series *series, size_t allowed, struct score *score)
{
    struct fb_changes changes;
    bool taken[4] = { false };
    assert_int_equal(fb_changes_find(series->values, series->n, LEVEL, &changes, NULL), 0);
    for (size_t i = 0; i < changes.count; i++) {
        bool right = false;
        for (size_t c = 0; c < series->changes && !right; c++)
            if (!taken[c] && changes.items[i].at + NEAR >= series->at[c] &&
                changes.items[i].at <= series->at[c] + NEAR)
                right = taken[c] = true;
        score->found += right;
        score->right += right || i < allowed;
    }
    score->known += series->changes;
    score->alarms += changes.count;
    free(changes.items);
}

static double part(size_t a, size_t b)
{
    return b ? (double)a / (double)b : 1;
}

static void test_synthetic(void **state)
{
    (void)state;
    struct fb_random random;
    struct series series;
    struct score ten = { 0 }, twenty = { 0 }, drift = { 0 }, outlier = { 0 };
    size_t drifting = 0;
    fb_random_seed(&random, 1);
    for (int i = 0; i < 40; i++) {
        make_steps(&series, &random, 0.10);
        judge(&series, 0, &ten);
        make_steps(&series, &random, 0.20);
        judge(&series, 0, &twenty);
        make_drift(&series, &random);
        size_t before = drift.alarms;
        judge(&series, 1, &drift);
        drifting += drift.alarms > before + 1;
        make_outlier(&series, &random);
        judge(&series, 0, &outlier);
    }
    size_t alarms = ten.alarms + twenty.alarms + drift.alarms + outlier.alarms;
    double precision = part(ten.right + twenty.right + drift.right, alarms);
    double recall = part(ten.found + twenty.found, ten.known + twenty.known);
    print_message("# precision %.3f, recall %.3f (10 %%: %.3f and %.3f, 20 %%: %.3f and %.3f); "
                  "drifts %zu, outliers %zu\n",
                  precision, recall, part(ten.right, ten.alarms), part(ten.found, ten.known),
                  part(twenty.right, twenty.alarms), part(twenty.found, twenty.known), drift.alarms,
                  outlier.alarms);
    assert_true(precision >= 0.9 && recall >= 0.9);
    assert_true(part(ten.found, ten.known) >= 0.9 && part(ten.right, ten.alarms) >= 0.9);
    assert_int_equal(drifting, 0);
    assert_true(outlier.alarms <= 1);
}

static void test_flat(void **state)
{
    (void)state;
    struct fb_random random;
    struct series series;
    struct score score = { 0 };
    fb_random_seed(&random, 2);
    for (int i = 0; i < 100; i++) {
        make_flat(&series, &random);
        judge(&series, 0, &score);
    }
    print_message("# 100 series without a change: %zu alarms\n", score.alarms);
    assert_true(score.alarms <= 2);
}

/* --- single ones ------------------------------------------------------------------------------ */

static size_t find(const double *values, size_t n, struct fb_change *last)
{
    struct fb_changes changes;
    assert_int_equal(fb_changes_find(values, n, LEVEL, &changes, NULL), 0);
    size_t count = changes.count;
    if (count)
        *last = changes.items[count - 1];
    free(changes.items);
    return count;
}

/* Ratios and places are exact where there is no noise; the same series twice gives the same. */
static void test_clean(void **state)
{
    (void)state;
    struct fb_change change, again;
    double values[40];
    for (size_t i = 0; i < 40; i++)
        values[i] = (i < 23 ? 100 : 125) + (double)(i * 7 % 5) / 100;
    assert_int_equal(find(values, 40, &change), 1);
    assert_int_equal(change.at, 23);
    assert_true(fabs(change.ratio - 1.25) < 1e-3);
    assert_true(change.lower <= change.ratio && change.ratio <= change.upper);
    assert_true(change.upper - change.lower < 1e-3);
    assert_int_equal(find(values, 40, &again), 1);
    assert_memory_equal(&change, &again, sizeof change);
    /* The same change the other way. */
    for (size_t i = 0; i < 40; i++)
        values[i] = 1 / values[i];
    assert_int_equal(find(values, 40, &again), 1);
    assert_true(fabs(again.ratio * change.ratio - 1) < 1e-9);
    /* Clear, but too small to matter. */
    for (size_t i = 0; i < 40; i++)
        values[i] = (i < 20 ? 1000 : 1015) + (double)(i * 7 % 5) / 10;
    assert_int_equal(find(values, 40, &change), 0);
    for (size_t i = 20; i < 40; i++)
        values[i] += 15;
    assert_int_equal(find(values, 40, &change), 1);
}

static void test_odd(void **state)
{
    (void)state;
    struct fb_change change;
    static const double few[9] = { 1, 1, 1, 1, 1, 9, 9, 9, 9 };
    double *values = calloc(FB_CHANGES_MOST, sizeof *values);
    assert_non_null(values);
    assert_int_equal(find(NULL, 0, &change), 0);
    for (size_t n = 1; n <= 9; n++)
        assert_int_equal(find(few, n, &change), 0);
    for (size_t i = 0; i < FB_CHANGES_MOST; i++)
        values[i] = 7;
    assert_int_equal(find(values, FB_CHANGES_MOST, &change), 0);
    /* Nothing but a step; one in the last two runs is not told yet; numbers of any size. */
    for (size_t i = 0; i < 30; i++)
        values[i] = i < 28 ? 7 : 70;
    assert_int_equal(find(values, 30, &change), 0);
    for (size_t i = 0; i < 30; i++)
        values[i] = i < 15 ? 5e-324 : 1.7e308;
    assert_int_equal(find(values, 30, &change), 1);
    assert_int_equal(change.at, 15);
    /* As long as can be. */
    for (size_t i = 0; i < FB_CHANGES_MOST; i++)
        values[i] = (i < 100 ? 10 : 11) + (double)(i * 7 % 11) / 50;
    assert_int_equal(find(values, FB_CHANGES_MOST, &change), 1);
    assert_int_equal(change.at, 100);
    free(values);
}

/* Differences 2 3 4 5 | 1 2 3 4 | ...: of 0..3 and 3..6, sorted 0 1 1 2 2 2 3 3 3 3 4 4 4 5 5 6.
 * The table of the rank sum test has 0 for four and four at 5 %, and 2 for five and five. */
static void test_shift(void **state)
{
    (void)state;
    static const double a[] = { 0, 1, 2, 3, 4 }, b[] = { 3, 4, 5, 6, 7.5 };
    double shift, lower, upper;
    assert_int_equal(fb_shift(a, 4, b, 4, &shift, &lower, &upper, NULL), 0);
    assert_true(shift == 3 && lower == 0 && upper == 6);
    /* And -1 0 1 2 | 7.5 6.5 5.5 4.5 3.5 more. */
    assert_int_equal(fb_shift(a, 5, b, 5, &shift, &lower, &upper, NULL), 0);
    assert_true(shift == 3 && lower == 0 && upper == 6);
    assert_int_equal(fb_shift(a, 3, b, 5, &shift, &lower, &upper, NULL), 0);
    assert_true(shift == 4 && isnan(lower) && isnan(upper));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),     cmocka_unit_test(test_odd),  cmocka_unit_test(test_shift),
        cmocka_unit_test(test_synthetic), cmocka_unit_test(test_flat),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
