/* What the tests of the gate's verdicts share: a gate over a few cells and a control. */
#ifndef FB_TESTS_UNIT_GATE_STAGE_H
#define FB_TESTS_UNIT_GATE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/gate/verdict.h"

#include <math.h>
#include <string.h>

static inline void assert_near(double value, double expected, double within)
{
    if (!(fabs(value - expected) <= within))
        fail_msg("%.17g is not within %g of %.17g", value, within, expected);
}

#define MOST 96
struct stage {
    struct fb_gate gate;
    struct fb_gate_cell cells[4], control;
    double values[5][MOST], fresh[5][MOST], scratch[2 * MOST];
};

/* Cells of n values each at `center`, 0.001 apart; the fifth is the control, at 0. */
static inline void set_stage(struct stage *stage, size_t budget, size_t count,
                             const double *centers, size_t n)
{
    memset(stage, 0, sizeof *stage);
    fb_gate_begin(&stage->gate, FB_GATE_THRESHOLD, budget);
    stage->gate.fresh_pairs = 24; /* the figures below are of so many */
    stage->gate.cells = stage->cells;
    stage->gate.count = count;
    stage->gate.control = &stage->control;
    stage->gate.scratch = stage->scratch;
    for (size_t c = 0; c < 5; c++) {
        struct fb_gate_cell *cell = c < 4 ? &stage->cells[c] : &stage->control;
        double center = c < count ? centers[c] : 0;
        for (size_t i = 0; i < MOST; i++)
            stage->values[c][i] = stage->fresh[c][i] = center + 0.001 * ((double)(i % 5) - 2);
        cell->values = stage->values[c];
        cell->fresh = stage->fresh[c];
        cell->pairs = n;
    }
}

static inline void assert_state(const struct fb_gate_cell *cell, enum fb_gate_state state,
                                enum fb_gate_reason reason)
{
    assert_string_equal(fb_gate_state_name(cell->state), fb_gate_state_name(state));
    assert_string_equal(fb_gate_reason_name(cell->reason), fb_gate_reason_name(reason));
}

#endif
