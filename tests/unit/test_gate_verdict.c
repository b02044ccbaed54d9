/* The gate's verdicts: sign test and bounds, looks, Holm, the states of a cell. */
#include "gate_stage.h"

#include "base/random.h"

/* --- the sign test ---------------------------------------------------------------------------- */

static void test_sign(void **state)
{
    (void)state;
    /* Equal values and NAN count against: 2 of 8 are above 2, and 2 below; 247 = 256 - 1 - 8. */
    const double values[] = { 3, 1, 2, NAN, 2, -5, 4, 2 };
    assert_true(fb_gate_p_above(values, 8, 2) == 247.0 / 256);
    assert_true(fb_gate_p_below(values, 8, 2) == 247.0 / 256);
    assert_true(fb_gate_p_above(values, 8, -6) == 9.0 / 256);
    assert_true(fb_gate_p_above(values, 3, 0.5) == 1.0 / 8);
    assert_true(fb_gate_p_below(values, 3, 3.5) == 1.0 / 8);
    assert_true(fb_gate_p_above(values, 0, 0) == 1 && fb_gate_p_below(values, 0, 0) == 1);
}

static void test_bounds(void **state)
{
    (void)state;
    double sorted[24];
    for (size_t i = 0; i < 24; i++)
        sorted[i] = (double)(i + 1);
    /* 17 of 24 reject at 0.05: the eighth from below, and from above. */
    assert_true(fb_gate_lower_bound(sorted, 24, 0.95) == 8);
    assert_true(fb_gate_upper_bound(sorted, 24, 0.95) == 17);
    assert_true(fb_gate_lower_bound(sorted, 5, 0.95) == 1);
    assert_true(fb_gate_upper_bound(sorted, 5, 0.95) == 5);
    assert_true(isnan(fb_gate_lower_bound(sorted, 4, 0.95)));
    assert_true(isnan(fb_gate_upper_bound(sorted, 4, 0.95)));
    assert_true(isnan(fb_gate_lower_bound(sorted, 0, 0.95)));
    double mixed[] = { 5, 3, 6, 1, 2, 4 };
    struct fb_gate_interval interval = fb_gate_interval(mixed, 6, 0.95);
    assert_true(interval.lower == 1 && interval.median == 3.5 && interval.upper == 6);
    interval = fb_gate_interval(mixed, 5, 0.95);
    assert_true(isnan(interval.lower) && interval.median == 3 && isnan(interval.upper));
    /* At 0.025 a side: P(B >= 18) = 0.0113, P(B >= 17) = 0.032. */
    interval = fb_gate_interval(sorted, 24, 0.95);
    assert_true(interval.lower == 7 && interval.median == 12.5 && interval.upper == 18);
    assert_true(isnan(fb_gate_interval(sorted, 0, 0.95).median));
}

/* A bound is beyond t just when the test rejects. */
static void test_bounds_are_tests(void **state)
{
    (void)state;
    struct fb_random random;
    fb_random_seed(&random, 7);
    double values[40];
    for (size_t n = 1; n <= 40; n++)
        for (int k = 0; k < 50; k++) {
            double level = 0.5 + fb_random_unit(&random) / 2, t = fb_random_unit(&random);
            for (size_t i = 0; i < n; i++)
                values[i] = 1.5 * fb_random_unit(&random);
            double above = fb_gate_p_above(values, n, t), below = fb_gate_p_below(values, n, t);
            (void)fb_gate_interval(values, n, 0.95);
            assert_int_equal(fb_gate_lower_bound(values, n, level) > t, above <= 1 - level);
            assert_int_equal(fb_gate_upper_bound(values, n, level) < t, below <= 1 - level);
        }
}

/* --- looks ------------------------------------------------------------------------------------ */

static void test_looks(void **state)
{
    (void)state;
    static const struct {
        size_t budget, count, usual, pairs[FB_GATE_LOOKS_MOST];
    } cases[] = {
        { 0, 0, 0, { 0 } },
        { 1, 1, 0, { 1 } },
        { 11, 1, 0, { 11 } },
        { 15, 1, 0, { 15 } }, /* 12 is too near to be worth a look */
        { 16, 2, 1, { 12, 16 } },
        { 23, 2, 1, { 12, 23 } }, /* of so few, too little is known of their scatter */
        { 24, 3, 1, { 12, 24, 48 } },
        { 48, 4, 2, { 12, 24, 48, 96 } },
        { 60, 4, 2, { 12, 24, 60, 120 } },
        { 96, 5, 3, { 12, 24, 48, 96, 192 } },
        { 2048, 10, 8, { 12, 24, 48, 96, 192, 384, 768, 1536, 2048, 4096 } },
        { 4096, 10, 9, { 12, 24, 48, 96, 192, 384, 768, 1536, 3072, 4096 } },
        { SIZE_MAX, 10, 9, { 12, 24, 48, 96, 192, 384, 768, 1536, 3072, 4096 } },
    };
    struct fb_gate_looks looks;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        fb_gate_looks_make(&looks, cases[c].budget, 0.05);
        double sum = 0, of_control = 0;
        assert_int_equal(looks.count, cases[c].count);
        assert_int_equal(looks.usual, cases[c].usual);
        for (size_t i = 0; i < looks.count; i++) {
            assert_int_equal(looks.pairs[i], cases[c].pairs[i]);
            assert_true(looks.level[i] > 0);
            sum += looks.level[i];
            of_control += looks.control[i];
        }
        assert_near(sum, looks.count > 0 ? 0.05 : 0, 1e-15);
        assert_near(of_control, looks.count > 0 ? 0.05 : 0, 1e-15);
    }
    /* ln(1 + 1.71828 / 8) = 0.1945673 of it, then 0.3573740, 0.6201145. */
    fb_gate_looks_make(&looks, 48, 0.05);
    assert_near(looks.level[0], 0.05 * 0.1945673, 1e-8);
    assert_near(looks.level[1], 0.05 * (0.3573740 - 0.1945673), 1e-8);
    assert_near(looks.level[2], 0.05 * (0.6201145 - 0.3573740), 1e-8);
    /* As the header says: twelve of twelve are enough among 39 cells. */
    assert_true(ldexp(1, -12) <= looks.level[0] / 39 && ldexp(1, -12) > looks.level[0] / 40);
}

/* --- Holm ------------------------------------------------------------------------------------- */

static void set_test(struct fb_gate_cell *cell, double p, bool open)
{
    memset(cell, 0, sizeof *cell);
    cell->tests[FB_GATE_ABOVE] = (struct fb_gate_test){ p, NAN, true, open, false };
}

static void assert_test(const struct fb_gate_cell *cell, double level, bool rejected)
{
    assert_near(cell->tests[FB_GATE_ABOVE].level, level, 1e-15);
    assert_int_equal(cell->tests[FB_GATE_ABOVE].rejected, rejected);
}

static void test_holm(void **state)
{
    (void)state;
    struct fb_gate_cell cells[5];
    const double p[] = { 0.01, 0.04, 0.03, 0.005 };
    for (size_t i = 0; i < 4; i++)
        set_test(&cells[i], p[i], true);
    /* 0.005 <= 0.05 / 4, 0.01 <= 0.05 / 3, but 0.03 > 0.05 / 2; 0.04 <= 0.05 / 1 does not count. */
    set_test(&cells[4], 0, true);
    cells[4].tests[FB_GATE_ABOVE].counted = false;
    fb_gate_holm(cells, 5, FB_GATE_ABOVE, 0.05);
    assert_test(&cells[3], 0.05 / 4, true);
    assert_test(&cells[0], 0.05 / 3, true);
    assert_test(&cells[2], 0.05 / 2, false);
    assert_test(&cells[1], 0.05 / 2, false);
    assert_false(cells[4].tests[FB_GATE_ABOVE].rejected);
    /* The next look: the rejected ones are no burden, and keep what they were held against. */
    cells[2].tests[FB_GATE_ABOVE].p = 0.009;
    fb_gate_holm(cells, 5, FB_GATE_ABOVE, 0.02);
    assert_test(&cells[3], 0.05 / 4, true);
    assert_test(&cells[2], 0.01, true);
    assert_test(&cells[1], 0.02, false);
}

/* One that was decided otherwise is not rejected, whatever its p, but the others pay for it. */
static void test_holm_decided(void **state)
{
    (void)state;
    struct fb_gate_cell cells[2];
    set_test(&cells[0], 0, false);
    set_test(&cells[1], 0.03, true);
    cells[0].tests[FB_GATE_ABOVE].level = 0.5;
    fb_gate_holm(cells, 2, FB_GATE_ABOVE, 0.05);
    assert_test(&cells[0], 0.5, false);
    assert_test(&cells[1], 0.025, false);
    cells[1].tests[FB_GATE_ABOVE].p = 0.025; /* equal is enough */
    fb_gate_holm(cells, 2, FB_GATE_ABOVE, 0.05);
    assert_test(&cells[1], 0.025, true);
    fb_gate_holm(cells, 0, FB_GATE_ABOVE, 0.05);
}

/* --- states ----------------------------------------------------------------------------------- */

/* Slower, faster, equal and neither: the threshold itself cannot be told. */
static void test_states(void **state)
{
    (void)state;
    struct stage stage;
    const double centers[] = { 0.1, -0.1, 0, log1p(0.02) };
    set_stage(&stage, 48, 4, centers, 96);
    for (size_t i = 0; i < MOST; i++) /* just on it: above it is another */
        stage.values[3][i] = stage.gate.t;
    assert_int_equal(fb_gate_pairs_wanted(&stage.gate), 12);
    fb_gate_look(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_SUSPECTED, FB_GATE_PLAIN);
    assert_state(&stage.cells[1], FB_GATE_IMPROVED, FB_GATE_PLAIN);
    assert_state(&stage.cells[2], FB_GATE_EQUIVALENT, FB_GATE_PLAIN);
    assert_state(&stage.cells[3], FB_GATE_OPEN, FB_GATE_PLAIN);
    assert_int_equal(stage.cells[0].judged, 12);
    assert_near(stage.cells[0].tests[FB_GATE_ABOVE].level, stage.gate.looks.level[0] / 4, 1e-15);
    assert_near(stage.cells[3].tests[FB_GATE_ABOVE].level, stage.gate.looks.level[0] / 3, 1e-15);
    for (size_t wanted = 24; wanted <= 48; wanted *= 2) {
        assert_int_equal(fb_gate_pairs_wanted(&stage.gate), wanted);
        fb_gate_look(&stage.gate);
    }
    assert_int_equal(fb_gate_pairs_wanted(&stage.gate), 0); /* 96 are for those that scatter */
    fb_gate_look(&stage.gate);                              /* nothing happens */
    assert_int_equal(stage.cells[3].judged, 48);
    assert_int_equal(stage.cells[0].judged, 12);
    stage.cells[0].fresh_pairs = 24;
    fb_gate_confirm(&stage.gate);
    fb_gate_finish(&stage.gate);
    assert_false(stage.gate.alarm);
    assert_state(&stage.cells[0], FB_GATE_REGRESSED, FB_GATE_PLAIN);
    assert_near(stage.cells[0].tests[FB_GATE_CONFIRM].level, 0.05, 1e-15);
    assert_state(&stage.cells[1], FB_GATE_IMPROVED, FB_GATE_PLAIN);
    assert_state(&stage.cells[2], FB_GATE_EQUIVALENT, FB_GATE_PLAIN);
    assert_state(&stage.cells[3], FB_GATE_INCONCLUSIVE, FB_GATE_BUDGET);
}

/* Only the first pairs that were planned count, at a look and in the second stage. */
static void test_planned_pairs_only(void **state)
{
    (void)state;
    struct stage stage;
    const double centers[] = { 0.1, 0.1, 0.1 };
    set_stage(&stage, 48, 3, centers, 96);
    for (size_t i = 0; i < 12; i++)
        stage.values[0][i] = i < 6 ? -0.1 : 0.1;
    stage.cells[1].pairs = 11;
    fb_gate_look(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_OPEN, FB_GATE_PLAIN);
    assert_true(stage.cells[0].tests[FB_GATE_ABOVE].p > 0.5);
    assert_state(&stage.cells[1], FB_GATE_OPEN, FB_GATE_PLAIN); /* too few: not judged */
    assert_true(isnan(stage.cells[1].tests[FB_GATE_ABOVE].p) && stage.cells[1].judged == 0);
    assert_state(&stage.cells[2], FB_GATE_SUSPECTED, FB_GATE_PLAIN);
    assert_near(stage.cells[2].tests[FB_GATE_ABOVE].level, stage.gate.looks.level[0] / 3, 1e-15);
    /* 16 of 24 are not enough; the others come too late. */
    stage.cells[2].fresh_pairs = 96;
    for (size_t i = 0; i < 8; i++)
        stage.fresh[2][i] = 0;
    fb_gate_confirm(&stage.gate);
    assert_state(&stage.cells[2], FB_GATE_INCONCLUSIVE, FB_GATE_UNCONFIRMED);
    assert_near(stage.cells[2].tests[FB_GATE_CONFIRM].p, 0.07579481601715088, 1e-15);
    fb_gate_finish(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_INCONCLUSIVE, FB_GATE_INCOMPLETE);
    assert_state(&stage.cells[1], FB_GATE_INCONCLUSIVE, FB_GATE_INCOMPLETE);
}

/* Two suspected: 17 of 24 (0.032) confirm one alone, or after the other; not if it comes first. */
static void test_confirm(void **state)
{
    (void)state;
    for (size_t other = 0; other < 2; other++) {
        struct stage stage;
        const double centers[] = { 0.1, 0.1 };
        set_stage(&stage, 48, 2, centers, 96);
        fb_gate_look(&stage.gate);
        stage.cells[0].fresh_pairs = stage.cells[1].fresh_pairs = 24;
        for (size_t i = 0; i < 7; i++)
            stage.fresh[0][i] = 0;
        for (size_t i = 0; i < 12 && other; i++)
            stage.fresh[1][i] = 0;
        fb_gate_confirm(&stage.gate);
        assert_near(stage.cells[0].tests[FB_GATE_CONFIRM].level, other ? 0.025 : 0.05, 1e-15);
        if (other) {
            assert_state(&stage.cells[0], FB_GATE_INCONCLUSIVE, FB_GATE_UNCONFIRMED);
            assert_state(&stage.cells[1], FB_GATE_INCONCLUSIVE, FB_GATE_UNCONFIRMED);
        } else {
            assert_state(&stage.cells[0], FB_GATE_REGRESSED, FB_GATE_PLAIN);
            assert_state(&stage.cells[1], FB_GATE_REGRESSED, FB_GATE_PLAIN);
        }
    }
}

/* Cells of 96 values whose scatter is `steps` of 0.001, the first one about the threshold and so
 * open until the end, the second far above it. */
static void set_scattered(struct stage *stage, double steps)
{
    set_stage(stage, 48, 2, (const double[]){ 0, 0 }, 96);
    stage->gate.control = NULL;
    for (size_t i = 0; i < MOST; i++) {
        double scatter = 0.001 * steps * ((double)(i * 5 % 12) - 5.5);
        stage->values[0][i] = FB_GATE_THRESHOLD + scatter;
        stage->values[1][i] = stage->fresh[1][i] = 0.5 + scatter;
    }
}

/* What scatters so much that 6 % might be missed has the last look, and twice the fresh pairs. */
static void test_doubled(void **state)
{
    (void)state;
    struct stage stage;
    for (int wide = 0; wide < 2; wide++) {
        set_scattered(&stage, wide ? 20 : 5);
        for (size_t wanted = 12; wanted <= 48; wanted *= 2) {
            assert_int_equal(fb_gate_pairs_wanted(&stage.gate), wanted);
            fb_gate_look(&stage.gate);
        }
        assert_int_equal(stage.cells[0].doubled, wide);
        assert_int_equal(stage.cells[1].doubled, wide);
        assert_int_equal(fb_gate_pairs_wanted(&stage.gate), wide ? 96 : 0);
        if (wide)
            fb_gate_look(&stage.gate);
        assert_int_equal(fb_gate_pairs_wanted(&stage.gate), 0);
        assert_int_equal(stage.cells[0].judged, wide ? 96 : 48);
        assert_int_equal(fb_gate_fresh_wanted(&stage.gate, &stage.cells[0]), 0);
        assert_int_equal(fb_gate_fresh_wanted(&stage.gate, &stage.cells[1]), wide ? 48 : 24);
        /* So many are asked for and no fewer. */
        stage.cells[1].fresh_pairs = wide ? 47 : 23;
        fb_gate_confirm(&stage.gate);
        assert_state(&stage.cells[1], FB_GATE_SUSPECTED, FB_GATE_PLAIN);
        stage.cells[1].fresh_pairs++;
        fb_gate_confirm(&stage.gate);
        fb_gate_finish(&stage.gate);
        assert_state(&stage.cells[0], FB_GATE_INCONCLUSIVE, FB_GATE_BUDGET);
        assert_state(&stage.cells[1], FB_GATE_REGRESSED, FB_GATE_PLAIN);
    }
    /* A gate that ends before the last look has not told all. */
    set_scattered(&stage, 20);
    for (int i = 0; i < 3; i++)
        fb_gate_look(&stage.gate);
    fb_gate_confirm(&stage.gate);
    fb_gate_finish(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_INCONCLUSIVE, FB_GATE_INCOMPLETE);
}

/* Failures, no pairs, a value that is no number; a second stage that was cut short. */
static void test_no_data(void **state)
{
    (void)state;
    struct stage stage;
    const double centers[] = { 0.1, 0.1, 0.1, 0.1 };
    set_stage(&stage, 48, 4, centers, 96);
    for (size_t i = 0; i < 4; i++)
        stage.cells[i].failed = true;
    assert_int_equal(fb_gate_pairs_wanted(&stage.gate), 0); /* nobody is left to run */
    for (size_t i = 1; i < 4; i++)
        stage.cells[i].failed = false;
    stage.cells[1].pairs = 0;
    stage.values[2][95] = INFINITY;
    fb_gate_look(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_NO_DATA, FB_GATE_FAILURE);
    assert_state(&stage.cells[1], FB_GATE_NO_DATA, FB_GATE_NO_PAIRS);
    assert_state(&stage.cells[2], FB_GATE_NO_DATA, FB_GATE_FAILURE);
    assert_state(&stage.cells[3], FB_GATE_SUSPECTED, FB_GATE_PLAIN);
    assert_near(stage.cells[3].tests[FB_GATE_ABOVE].level, stage.gate.looks.level[0], 1e-15);
    assert_int_equal(fb_gate_pairs_wanted(&stage.gate), 0);
    stage.cells[3].fresh_pairs = 23;
    fb_gate_confirm(&stage.gate);
    assert_state(&stage.cells[3], FB_GATE_SUSPECTED, FB_GATE_PLAIN);
    struct stage failing = stage;
    failing.gate.cells = failing.cells;
    failing.cells[3].failed = true;
    fb_gate_finish(&failing.gate);
    assert_state(&failing.cells[3], FB_GATE_NO_DATA, FB_GATE_FAILURE);
    fb_gate_finish(&stage.gate);
    assert_state(&stage.cells[3], FB_GATE_INCONCLUSIVE, FB_GATE_INCOMPLETE);
}

/* No budget, no cells: nothing to look at, and nothing is said. */
static void test_nothing(void **state)
{
    (void)state;
    struct stage stage;
    set_stage(&stage, 0, 1, (const double[]){ 0.1 }, 50);
    assert_int_equal(fb_gate_pairs_wanted(&stage.gate), 0);
    fb_gate_look(&stage.gate);
    fb_gate_confirm(&stage.gate);
    fb_gate_finish(&stage.gate);
    assert_int_equal(stage.gate.look, 0);
    assert_state(&stage.cells[0], FB_GATE_INCONCLUSIVE, FB_GATE_BUDGET);
    fb_gate_begin(&stage.gate, 0.02, 96);
    assert_int_equal(fb_gate_pairs_wanted(&stage.gate), 0);
    fb_gate_look(&stage.gate);
    fb_gate_confirm(&stage.gate);
    fb_gate_finish(&stage.gate);
}

/* --- the control ------------------------------------------------------------------------------ */

/* `where` the control is off: at the look, up or down, in the second stage, or not at all. */
static void run_with_control(struct stage *stage, double look, double fresh)
{
    const double centers[] = { 0.1, -0.1, 0 };
    set_stage(stage, 48, 3, centers, 96);
    for (size_t i = 0; i < MOST; i++) {
        stage->values[4][i] = look;
        stage->fresh[4][i] = fresh;
    }
    stage->control.fresh_pairs = stage->cells[0].fresh_pairs = 24;
    fb_gate_look(&stage->gate);
    fb_gate_confirm(&stage->gate);
    fb_gate_finish(&stage->gate);
}

static void test_control(void **state)
{
    (void)state;
    struct stage stage;
    const double off[][2] = { { 0.03, 0 }, { -0.03, 0 }, { 0, 0.03 }, { 0, -0.03 } };
    for (size_t i = 0; i < 4; i++) {
        run_with_control(&stage, off[i][0], off[i][1]);
        assert_true(stage.gate.alarm);
        assert_state(&stage.cells[0], FB_GATE_INCONCLUSIVE, FB_GATE_MACHINE);
        assert_state(&stage.cells[1], FB_GATE_INCONCLUSIVE, FB_GATE_MACHINE);
        assert_state(&stage.cells[2], FB_GATE_INCONCLUSIVE, FB_GATE_MACHINE);
    }
    run_with_control(&stage, 0.019, -0.019);
    assert_false(stage.gate.alarm);
    assert_state(&stage.cells[0], FB_GATE_REGRESSED, FB_GATE_PLAIN);
    assert_state(&stage.cells[1], FB_GATE_IMPROVED, FB_GATE_PLAIN);
    /* It has half the pairs of the others, and 6 of 6 have p = 0.0156, within the look's level. */
    for (size_t off_by = 0; off_by < 2; off_by++) {
        set_stage(&stage, 48, 1, (const double[]){ 0 }, 12);
        for (size_t i = 0; i < 6 - off_by; i++)
            stage.values[4][i] = 0.03;
        fb_gate_look(&stage.gate);
        assert_int_equal(stage.gate.alarm, off_by == 0);
    }
    /* What is confirmed is held against as many of the control's as it has itself, even if a cell
     * that wants more has not come to its end. */
    set_scattered(&stage, 20);
    stage.gate.control = &stage.control;
    for (int i = 0; i < 3; i++)
        fb_gate_look(&stage.gate);
    stage.cells[0].state = FB_GATE_SUSPECTED;
    stage.cells[0].doubled = false;
    for (size_t i = 0; i < 12; i++)
        stage.fresh[4][i] = 0.03;
    stage.cells[0].fresh_pairs = 24;
    stage.control.fresh_pairs = 12;
    fb_gate_confirm(&stage.gate);
    assert_int_equal(fb_gate_fresh_wanted(&stage.gate, &stage.cells[1]), 48);
    assert_true(stage.gate.alarm);
    /* None at all is none that alarms. */
    set_stage(&stage, 48, 1, (const double[]){ 0.1 }, 12);
    stage.gate.control = NULL;
    fb_gate_look(&stage.gate);
    fb_gate_confirm(&stage.gate);
    assert_false(stage.gate.alarm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_bounds_are_tests),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_holm_decided),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_planned_pairs_only),
        cmocka_unit_test(test_confirm),
        cmocka_unit_test(test_doubled),
        cmocka_unit_test(test_no_data),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_control),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
