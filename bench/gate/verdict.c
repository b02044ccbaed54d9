#include "bench/gate/verdict.h"
#include "results/statistics.h"

#include <math.h>

/* --- the sign test ---------------------------------------------------------------------------- */

double fb_gate_p_above(const double *values, size_t n, double t)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += values[i] > t;
    return fb_binomial_half_upper(n, k);
}

double fb_gate_p_below(const double *values, size_t n, double t)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += values[i] < t;
    return fb_binomial_half_upper(n, k);
}

/* The test rejects when at least k of n are above t, which is when the (n - k + 1)-th is. */
double fb_gate_lower_bound(const double *sorted, size_t n, double level)
{
    size_t k = fb_binomial_half_critical(n, 1 - level);
    return k == 0 || k > n ? NAN : sorted[n - k];
}

double fb_gate_upper_bound(const double *sorted, size_t n, double level)
{
    size_t k = fb_binomial_half_critical(n, 1 - level);
    return k == 0 || k > n ? NAN : sorted[k - 1];
}

struct fb_gate_interval fb_gate_interval(double *values, size_t n, double level)
{
    struct fb_gate_interval interval = { NAN, fb_median_of_doubles(values, n), NAN };
    double side = (1 + level) / 2;
    interval.lower = fb_gate_lower_bound(values, n, side);
    interval.upper = fb_gate_upper_bound(values, n, side);
    return interval;
}

/* --- looks ------------------------------------------------------------------------------------ */

static double spent(double alpha, size_t pairs, size_t most)
{
    return alpha * log1p((M_E - 1) * (double)pairs / (double)most);
}

static void add_look(struct fb_gate_looks *looks, size_t pairs)
{
    looks->pairs[looks->count++] = pairs;
}

/* Spends alpha on the first so many looks. */
static void spend(const struct fb_gate_looks *looks, size_t count, double alpha, double *level)
{
    double before = 0;
    for (size_t i = 0; i < count; i++) {
        double now = i + 1 < count ? spent(alpha, looks->pairs[i], looks->pairs[count - 1]) : alpha;
        level[i] = now - before;
        before = now;
    }
}

void fb_gate_looks_make(struct fb_gate_looks *looks, size_t budget, double alpha)
{
    *looks = (struct fb_gate_looks){ 0 };
    if (budget > FB_GATE_PAIRS_MOST)
        budget = FB_GATE_PAIRS_MOST;
    if (budget == 0)
        return;
    for (size_t pairs = FB_GATE_LOOK_FIRST; 4 * pairs <= 3 * budget; pairs *= 2)
        add_look(looks, pairs);
    looks->usual = looks->count;
    add_look(looks, budget);
    bool doubles = budget >= 2 * FB_GATE_LOOK_FIRST && 2 * budget <= FB_GATE_PAIRS_MOST;
    spend(looks, looks->count, doubles ? 0.9 * alpha : alpha, looks->control);
    if (doubles) {
        looks->control[looks->count] = 0.1 * alpha;
        add_look(looks, 2 * budget);
    }
    spend(looks, looks->count, alpha, looks->level);
}

/* --- Holm's procedure ------------------------------------------------------------------------- */

static struct fb_gate_test *least_open(struct fb_gate_cell *cells, size_t count,
                                       enum fb_gate_test_kind kind)
{
    struct fb_gate_test *least = NULL;
    for (size_t i = 0; i < count; i++) {
        struct fb_gate_test *test = &cells[i].tests[kind];
        if (test->counted && test->open && !test->rejected && (!least || test->p < least->p))
            least = test;
    }
    return least;
}

void fb_gate_holm(struct fb_gate_cell *cells, size_t count, enum fb_gate_test_kind kind,
                  double level)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        left += cells[i].tests[kind].counted && !cells[i].tests[kind].rejected;
    struct fb_gate_test *test;
    while ((test = least_open(cells, count, kind)) && test->p <= level / (double)left) {
        test->rejected = true;
        test->level = level / (double)left--;
    }
    for (size_t i = 0; i < count; i++) {
        test = &cells[i].tests[kind];
        if (test->counted && test->open && !test->rejected)
            test->level = level / (double)left;
    }
}

/* --- the states of a cell --------------------------------------------------------------------- */

static const char *const states[] = {
    [FB_GATE_OPEN] = "open",
    [FB_GATE_SUSPECTED] = "suspected",
    [FB_GATE_REGRESSED] = "regressed",
    [FB_GATE_IMPROVED] = "improved",
    [FB_GATE_EQUIVALENT] = "equivalent",
    [FB_GATE_INCONCLUSIVE] = "inconclusive",
    [FB_GATE_NO_DATA] = "no data",
};

static const char *const reasons[] = {
    [FB_GATE_PLAIN] = "",
    [FB_GATE_BUDGET] = "budget",
    [FB_GATE_UNCONFIRMED] = "not confirmed",
    [FB_GATE_INCOMPLETE] = "incomplete",
    [FB_GATE_MACHINE] = "machine",
    [FB_GATE_FAILURE] = "failure",
    [FB_GATE_NO_PAIRS] = "no pairs",
};

const char *fb_gate_state_name(enum fb_gate_state state)
{
    return states[state];
}

const char *fb_gate_reason_name(enum fb_gate_reason reason)
{
    return reasons[reason];
}

static void settle(struct fb_gate_cell *cell, enum fb_gate_state state, enum fb_gate_reason reason)
{
    cell->state = state;
    cell->reason = reason;
}

void fb_gate_begin(struct fb_gate *gate, double threshold, size_t budget)
{
    *gate = (struct fb_gate){
        .t = log1p(threshold),
        .alpha = FB_GATE_ALPHA,
        .goal = FB_GATE_GOAL * threshold,
        .fresh_pairs = FB_GATE_FRESH_PAIRS,
    };
    fb_gate_looks_make(&gate->looks, budget, gate->alpha);
}

size_t fb_gate_pairs_wanted(const struct fb_gate *gate)
{
    if (gate->look >= gate->looks.count)
        return 0;
    for (size_t i = 0; i < gate->count; i++)
        if (gate->cells[i].state == FB_GATE_OPEN && !gate->cells[i].failed)
            return gate->looks.pairs[gate->look];
    return 0;
}

size_t fb_gate_control_pairs(size_t n)
{
    return n / 2 + n % 2;
}

static bool all_finite(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* A cell that failed is out even after a decision: half of its story is missing. */
static void find_failure(struct fb_gate_cell *cell)
{
    if (cell->failed || !all_finite(cell->values, cell->pairs) ||
        !all_finite(cell->fresh, cell->fresh_pairs))
        settle(cell, FB_GATE_NO_DATA, FB_GATE_FAILURE);
    else if (cell->pairs == 0)
        settle(cell, FB_GATE_NO_DATA, FB_GATE_NO_PAIRS);
}

static void prepare(struct fb_gate_cell *cell, size_t n, double t)
{
    find_failure(cell);
    bool open = cell->state == FB_GATE_OPEN && cell->pairs >= n;
    for (int kind = FB_GATE_ABOVE; kind <= FB_GATE_BETWEEN; kind++) {
        struct fb_gate_test *test = &cell->tests[kind];
        if (cell->judged == 0)
            test->p = test->level = NAN;
        test->counted = cell->state != FB_GATE_NO_DATA;
        test->open = open;
    }
    if (!open)
        return;
    cell->judged = n;
    cell->tests[FB_GATE_ABOVE].p = fb_gate_p_above(cell->values, n, t);
    cell->tests[FB_GATE_BELOW].p = fb_gate_p_below(cell->values, n, -t);
    cell->tests[FB_GATE_BETWEEN].p =
        fmax(fb_gate_p_below(cell->values, n, t), fb_gate_p_above(cell->values, n, -t));
}

static void decide(struct fb_gate_cell *cell)
{
    if (cell->tests[FB_GATE_ABOVE].rejected)
        settle(cell, FB_GATE_SUSPECTED, FB_GATE_PLAIN);
    else if (cell->tests[FB_GATE_BELOW].rejected)
        settle(cell, FB_GATE_IMPROVED, FB_GATE_PLAIN);
    else if (cell->tests[FB_GATE_BETWEEN].rejected)
        settle(cell, FB_GATE_EQUIVALENT, FB_GATE_PLAIN);
}

/* It is a family of its own, so that it is not made blind by the number of cells. */
static void look_at_control(struct fb_gate *gate, size_t n, double level)
{
    struct fb_gate_cell *control = gate->control;
    if (!control)
        return;
    prepare(control, fb_gate_control_pairs(n), gate->t);
    fb_gate_holm(control, 1, FB_GATE_ABOVE, level);
    fb_gate_holm(control, 1, FB_GATE_BELOW, level);
    gate->alarm |= control->tests[FB_GATE_ABOVE].rejected || control->tests[FB_GATE_BELOW].rejected;
}

/* Where there is a last look. */
static void double_if_wide(const struct fb_gate *gate, struct fb_gate_cell *cell)
{
    cell->doubled = gate->looks.usual + 1 < gate->looks.count &&
                    !(fb_gate_smallest_effect(gate, cell) <= gate->goal);
}

void fb_gate_look(struct fb_gate *gate)
{
    if (gate->look >= gate->looks.count)
        return;
    const bool usual = gate->look == gate->looks.usual;
    size_t n = gate->looks.pairs[gate->look];
    double level = gate->looks.level[gate->look], of_control = gate->looks.control[gate->look];
    gate->look++;
    for (size_t i = 0; i < gate->count; i++)
        prepare(&gate->cells[i], n, gate->t);
    for (int kind = FB_GATE_ABOVE; kind <= FB_GATE_BETWEEN; kind++)
        fb_gate_holm(gate->cells, gate->count, (enum fb_gate_test_kind)kind, level);
    look_at_control(gate, n, of_control);
    for (size_t i = 0; i < gate->count; i++) {
        struct fb_gate_cell *cell = &gate->cells[i];
        if (cell->state != FB_GATE_OPEN || cell->judged != n)
            continue;
        decide(cell);
        if (!cell->doubled && (cell->state != FB_GATE_OPEN || usual))
            double_if_wide(gate, cell);
        if (cell->state == FB_GATE_OPEN && usual && !cell->doubled)
            settle(cell, FB_GATE_INCONCLUSIVE, FB_GATE_BUDGET);
    }
}

size_t fb_gate_fresh_wanted(const struct fb_gate *gate, const struct fb_gate_cell *cell)
{
    if (cell->state != FB_GATE_SUSPECTED)
        return 0;
    return cell->doubled ? 2 * gate->fresh_pairs : gate->fresh_pairs;
}

static void confirm_control(struct fb_gate *gate, size_t n)
{
    struct fb_gate_cell *control = gate->control;
    if (!control)
        return;
    struct fb_gate_test *test = &control->tests[FB_GATE_CONFIRM];
    *test = (struct fb_gate_test){ .p = NAN, .level = NAN };
    if (control->state == FB_GATE_NO_DATA || n == 0 || control->fresh_pairs < n)
        return;
    test->p = fb_gate_p_above(control->fresh, n, gate->t);
    test->level = gate->alpha;
    gate->alarm |=
        test->p <= test->level || fb_gate_p_below(control->fresh, n, -gate->t) <= test->level;
}

void fb_gate_confirm(struct fb_gate *gate)
{
    size_t most = 0;
    for (size_t i = 0; i < gate->count; i++) {
        struct fb_gate_cell *cell = &gate->cells[i];
        struct fb_gate_test *test = &cell->tests[FB_GATE_CONFIRM];
        find_failure(cell);
        const size_t n = fb_gate_fresh_wanted(gate, cell);
        *test = (struct fb_gate_test){ .p = NAN, .level = NAN };
        test->counted = n > 0;
        test->open = test->counted && cell->fresh_pairs >= n;
        if (!test->open)
            continue;
        test->p = fb_gate_p_above(cell->fresh, n, gate->t);
        most = n > most ? n : most;
    }
    fb_gate_holm(gate->cells, gate->count, FB_GATE_CONFIRM, gate->alpha);
    for (size_t i = 0; i < gate->count; i++) {
        struct fb_gate_cell *cell = &gate->cells[i];
        if (cell->tests[FB_GATE_CONFIRM].rejected)
            settle(cell, FB_GATE_REGRESSED, FB_GATE_PLAIN);
        else if (cell->tests[FB_GATE_CONFIRM].open)
            settle(cell, FB_GATE_INCONCLUSIVE, FB_GATE_UNCONFIRMED);
    }
    confirm_control(gate, fb_gate_control_pairs(most));
}

void fb_gate_apply_control(struct fb_gate *gate)
{
    for (size_t i = 0; gate->alarm && i < gate->count; i++) {
        enum fb_gate_state state = gate->cells[i].state;
        if (state == FB_GATE_REGRESSED || state == FB_GATE_IMPROVED || state == FB_GATE_EQUIVALENT)
            settle(&gate->cells[i], FB_GATE_INCONCLUSIVE, FB_GATE_MACHINE);
    }
}

void fb_gate_finish(struct fb_gate *gate)
{
    size_t most = gate->looks.count > 0 ? gate->looks.pairs[gate->looks.count - 1] : 0;
    for (size_t i = 0; i < gate->count; i++) {
        struct fb_gate_cell *cell = &gate->cells[i];
        find_failure(cell);
        if (cell->state == FB_GATE_OPEN)
            settle(cell, FB_GATE_INCONCLUSIVE,
                   cell->judged >= most ? FB_GATE_BUDGET : FB_GATE_INCOMPLETE);
        else if (cell->state == FB_GATE_SUSPECTED)
            settle(cell, FB_GATE_INCONCLUSIVE, FB_GATE_INCOMPLETE);
    }
    fb_gate_apply_control(gate);
}
