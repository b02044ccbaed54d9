/* The smallest effect that a gate would have found, by another way. */
#include "gate_stage.h"

static double power(size_t n, size_t k, double q)
{
    double sum = 0, term = pow(q, (double)n);
    for (size_t i = n; i >= k; i--) {
        sum += term;
        term *= (double)i / (double)(n - i + 1) * (1 - q) / q;
    }
    return sum;
}

static void test_share_needed(void **state)
{
    (void)state;
    double q = fb_gate_share_needed(24, 0.05, 0.975);
    assert_near(power(24, 17, q), 0.975, 1e-10);
    assert_near(fb_gate_share_needed(12, 0.001, 0.975), pow(0.975, 1.0 / 12), 1e-12);
    assert_true(isinf(fb_gate_share_needed(4, 0.05, 0.975)));
    assert_true(isinf(fb_gate_share_needed(0, 0.05, 0.975)));
}

static void test_residual(void **state)
{
    (void)state;
    double sorted[10];
    for (size_t i = 0; i < 10; i++)
        sorted[i] = (double)i;
    assert_true(fb_gate_residual(sorted, 10, 0.75) ==
                1); /* 8 of 10 are above it, 7 above the next */
    assert_true(fb_gate_residual(sorted, 10, 0.5) == 4);
    assert_true(fb_gate_residual(sorted, 10, 0.85) == 0);
    assert_true(isnan(fb_gate_residual(sorted, 10, 0.95)));
    assert_true(isnan(fb_gate_residual(sorted, 0, 0.5)));
}

/* Values at -48 .. 48 steps about 0, without 0: residuals known, the quantile by rank. */
static void spread(double *values, double step)
{
    for (size_t i = 0; i < 96; i++)
        values[(i * 35) % 96] = step * (i < 48 ? (double)i - 48 : (double)i - 47);
}

static void test_smallest_effect(void **state)
{
    (void)state;
    struct stage stage;
    set_stage(&stage, 48, 1, (const double[]){ 0 }, 96);
    spread(stage.values[0], 0.01);
    spread(stage.values[4], 0.01);
    assert_true(isnan(fb_gate_smallest_effect(&stage.gate, stage.cells)));
    while (fb_gate_pairs_wanted(&stage.gate) > 0)
        fb_gate_look(&stage.gate);
    fb_gate_confirm(&stage.gate);
    fb_gate_finish(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_INCONCLUSIVE, FB_GATE_BUDGET);
    /* It scatters, so both stages were doubled. The second asks for more: of 192 residuals in pairs
     * the quantile is that of its own 96. */
    double q = fb_gate_share_needed(48, 0.05, 0.975);
    assert_true(q > fb_gate_share_needed(96, stage.gate.looks.level[3], 0.975));
    double rank = floor(96 * (1 - q));
    double expected = expm1(stage.gate.t + 0.01 * (49 - rank));
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), expected, 1e-12);
    /* A calm control, or none, does not make it smaller; a wild one makes it larger. */
    spread(stage.values[4], 0.0001);
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), expected, 1e-12);
    stage.gate.control = NULL;
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), expected, 1e-12);
    stage.gate.control = &stage.control;
    spread(stage.values[4], 0.1);
    assert_true(fb_gate_smallest_effect(&stage.gate, stage.cells) > expected + 0.05);
    stage.gate.control = NULL;
    /* A shift of all values is no scatter. */
    for (size_t i = 0; i < 96; i++)
        stage.values[0][i] += 0.5;
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), expected, 1e-12);
    stage.cells[0].state = FB_GATE_NO_DATA;
    assert_true(isnan(fb_gate_smallest_effect(&stage.gate, stage.cells)));
}

/* Which stage asks for more, and what is asked of cells that were decided early. */
static void test_smallest_effect_stages(void **state)
{
    (void)state;
    struct stage stage;
    /* Another cell was suspected too: the second stage's level is halved. */
    set_stage(&stage, 48, 2, (const double[]){ 0, 0.1 }, 96);
    stage.gate.control = NULL;
    fb_gate_look(&stage.gate);
    fb_gate_confirm(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_EQUIVALENT, FB_GATE_PLAIN);
    spread(stage.values[0], 0.01);
    double q = fb_gate_share_needed(24, 0.025, 0.975);
    double expected = expm1(stage.gate.t + 0.01 * (49 - floor(96 * (1 - q))));
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), expected, 1e-12);
    /* Itself it is the only one. */
    spread(stage.values[1], 0.01);
    q = fb_gate_share_needed(24, 0.05, 0.975);
    expected = expm1(stage.gate.t + 0.01 * (49 - floor(96 * (1 - q))));
    assert_near(fb_gate_smallest_effect(&stage.gate, &stage.cells[1]), expected, 1e-12);
    /* It was decided at twelve pairs, but had it been slower, 48 were to come: with few fresh pairs
     * out of the way, the last planned look decides, at its level over both cells. */
    stage.gate.fresh_pairs = 4096;
    q = fb_gate_share_needed(48, stage.gate.looks.level[2] / 2, 0.975);
    expected = expm1(stage.gate.t + 0.01 * (49 - floor(96 * (1 - q))));
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), expected, 1e-12);
    stage.gate.fresh_pairs = 4;
    assert_true(isinf(fb_gate_smallest_effect(&stage.gate, stage.cells)));
    /* Never decided: its own last look. Twelve of twelve must be above t, which twelve values
     * cannot show. */
    set_stage(&stage, 12, 4, (const double[]){ 0.02, 0.02, 0.02, 0.02 }, 12);
    fb_gate_look(&stage.gate);
    fb_gate_confirm(&stage.gate);
    assert_near(stage.cells[0].tests[FB_GATE_ABOVE].level, stage.gate.looks.level[0] / 4, 1e-15);
    assert_true(isnan(fb_gate_smallest_effect(&stage.gate, stage.cells)));
    stage.cells[0].tests[FB_GATE_ABOVE].level = 0.0001;
    assert_true(isinf(fb_gate_smallest_effect(&stage.gate, stage.cells)));
}

/* Of a doubled cell it is the goal at the least: whether one is doubled, chance has a part in. */
static void test_smallest_effect_doubled(void **state)
{
    (void)state;
    struct stage stage;
    set_stage(&stage, 48, 1, (const double[]){ 0 }, 96);
    stage.gate.control = NULL;
    fb_gate_look(&stage.gate);
    assert_state(&stage.cells[0], FB_GATE_EQUIVALENT, FB_GATE_PLAIN);
    spread(stage.values[0], 0.001);
    double usual = fb_gate_smallest_effect(&stage.gate, stage.cells);
    assert_false(stage.cells[0].doubled);
    stage.gate.goal = usual - 0.0001;
    stage.cells[0].doubled = true;
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), stage.gate.goal, 1e-15);
    stage.gate.goal = 0;
    double q = fb_gate_share_needed(48, 0.05, 0.975);
    double expected = expm1(stage.gate.t + 0.001 * (49 - floor(96 * (1 - q))));
    assert_near(fb_gate_smallest_effect(&stage.gate, stage.cells), expected, 1e-12);
    assert_true(expected < usual - 0.0001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share_needed),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_smallest_effect),
        cmocka_unit_test(test_smallest_effect_stages),
        cmocka_unit_test(test_smallest_effect_doubled),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
