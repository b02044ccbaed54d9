#include "bench/gate/verdict.h"
#include "results/statistics.h"

#include <math.h>
#include <string.h>

/* The power rises with q: halving, and the upper end, so that it is never short of it. */
double fb_gate_share_needed(size_t n, double level, double power)
{
    size_t k = fb_binomial_half_critical(n, level);
    if (k > n)
        return INFINITY;
    double low = 0, high = 1;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (fb_binomial_upper(n, k, middle) >= power)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static size_t residual_rank(size_t n, double share)
{
    return (size_t)floor((1 - share) * (double)n);
}

double fb_gate_residual(const double *sorted, size_t n, double share)
{
    size_t rank = residual_rank(n, share);
    return rank == 0 ? NAN : sorted[rank - 1];
}

/* What lies about the median, in rising order. */
static size_t add_residuals(const struct fb_gate_cell *cell, double *out)
{
    if (cell->pairs == 0)
        return 0;
    memcpy(out, cell->values, cell->pairs * sizeof *out);
    double median = fb_median_of_doubles(out, cell->pairs);
    for (size_t i = 0; i < cell->pairs; i++)
        out[i] -= median;
    return cell->pairs;
}

static bool decided(const struct fb_gate_cell *cell)
{
    const struct fb_gate_test *tests = cell->tests;
    return tests[FB_GATE_ABOVE].rejected || tests[FB_GATE_BELOW].rejected ||
           tests[FB_GATE_BETWEEN].rejected;
}

/* The larger share of the two stages: what it asks of the scatter, both have. */
static double share_of_stages(const struct fb_gate *gate, const struct fb_gate_cell *cell)
{
    const struct fb_gate_looks *looks = &gate->looks;
    size_t counted = 0, suspected = 1;
    for (size_t i = 0; i < gate->count; i++) {
        counted += gate->cells[i].tests[FB_GATE_ABOVE].counted;
        suspected += &gate->cells[i] != cell && gate->cells[i].tests[FB_GATE_ABOVE].rejected;
    }
    size_t last = cell->doubled ? looks->count - 1 : looks->usual;
    size_t pairs = looks->pairs[last], fresh = gate->fresh_pairs << cell->doubled;
    double level = looks->level[last] / (double)counted;
    if (!decided(cell)) {
        pairs = cell->judged;
        level = cell->tests[FB_GATE_ABOVE].level;
    }
    double each = (1 + FB_GATE_POWER) / 2;
    return fmax(fb_gate_share_needed(pairs, level, each),
                fb_gate_share_needed(fresh, gate->alpha / (double)suspected, each));
}

double fb_gate_smallest_effect(const struct fb_gate *gate, const struct fb_gate_cell *cell)
{
    double *values = gate->scratch;
    if (cell->state == FB_GATE_NO_DATA || cell->judged == 0)
        return NAN;
    double share = share_of_stages(gate, cell);
    if (isinf(share))
        return INFINITY;
    size_t own = add_residuals(cell, values), all = own;
    size_t rank = residual_rank(own, share);
    double lowest = values[rank > 0 ? rank - 1 : 0];
    if (gate->control && gate->control->state != FB_GATE_NO_DATA) {
        all += add_residuals(gate->control, values + own);
        (void)fb_median_of_doubles(values, all); /* sorts */
    }
    /* Not fmin, which would take the other for a NAN. */
    double pooled = fb_gate_residual(values, all, share);
    double effect = expm1(gate->t - (lowest < pooled ? lowest : pooled));
    return cell->doubled && effect < gate->goal ? gate->goal : effect;
}
