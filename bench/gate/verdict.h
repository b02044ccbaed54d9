/* Whether side B of a comparison is slower than side A: the verdict on every cell, from pairs of
 * fresh worker processes. Pure functions over values that the caller holds.
 *
 * A cell has one value a pair, v = ln(median of B's block / median of A's block). Pairs are
 * independent, iterations are not, so the pair is the unit. Nothing is assumed of the distribution
 * of v but that its median is what is asked for: the test is the sign test, exact at any number of
 * pairs. A threshold of 2 % is t = ln(1.02); against it a cell may be
 *
 *     regressed    the median of v is above +t     improved    it is below -t
 *     equivalent   it is between the two (two one-sided tests)
 *
 * Cells are judged at looks, numbers of pairs that are set before the first pair is run. Each of
 * the three hypotheses has alpha = 0.05 to spend on all its looks and all cells of the run: what a
 * look may spend is given by a spending function (Lan & DeMets, Biometrika 70, 1983), and divided
 * among the cells by Holm's procedure (Scandinavian Journal of Statistics 6, 1979). The parts of
 * the looks are simply added up: by the union bound their sum is the chance of a false rejection
 * at any look, whatever the dependence between looks. It is a little less sharp than boundaries
 * computed from the joint distribution, and needs none.
 *
 * The function is the one of Pocock's type, alpha ln(1 + (e - 1) f), where f is the look's part of
 * the most pairs, and not the one of O'Brien & Fleming's type (Biometrics 35, 1979), 2 - 2
 * Phi(z / sqrt(f)): of 12 pairs the smallest p is 2^-12 = 0.00024, and the latter gives the first
 * of looks at 12, 24, 48, 96 only 3e-8, at which no cell can be found. The first gives it 0.0097,
 * so that a cell all of whose 12 values are above t is found at the first look among up to 39
 * cells. That is one whose slow-down is beyond t by more than nearly all of its scatter; 94 of 100
 * values above t make it an even chance.
 *
 * A cell rejected for +t is only suspected. It goes to a second stage of fresh pairs, their number
 * fixed before the first of them, with one test at alpha, by Holm over the suspected cells: only
 * then is it regressed.
 *
 * A machine that is busier for a while hides more. A cell that scatters so much that the usual
 * number of pairs might miss a slow-down of FB_GATE_GOAL thresholds is given twice as many in
 * either stage: the last look, of twice the budget, is for such cells only. It is among the looks
 * that alpha is spent on whether it is held or not. How it is used:
 *
 *     fb_gate_begin(&gate, 0.02, budget);
 *     gate.cells = ...; gate.count = ...; gate.control = ...; gate.scratch = ...;
 *     while (fb_gate_pairs_wanted(&gate) > 0) {
 *         run pairs of the cells that are FB_GATE_OPEN up to that number, and of the control;
 *         fb_gate_look(&gate);
 *     }
 *     if any is FB_GATE_SUSPECTED: run fb_gate_fresh_wanted() more of each, into `fresh`;
 *     fb_gate_confirm(&gate);
 *     fb_gate_finish(&gate);
 */
#ifndef FB_BENCH_GATE_VERDICT_H
#define FB_BENCH_GATE_VERDICT_H

#include "results/distribution.h"

#include <stdbool.h>
#include <stddef.h>

#define FB_GATE_ALPHA 0.05
#define FB_GATE_THRESHOLD 0.02
#define FB_GATE_LOOK_FIRST 12
#define FB_GATE_PAIRS 48       /* the budget unless told otherwise: looks at 12, 24, 48, 96 */
#define FB_GATE_FRESH_PAIRS 36 /* of the second stage: 24 of 36 confirm one cell */
#define FB_GATE_GOAL 3         /* thresholds that a cell's smallest effect may have: 6 % of 2 % */
#define FB_GATE_PAIRS_MOST FB_TRIALS_MOST
#define FB_GATE_LOOKS_MOST 10

/* --- the sign test ---------------------------------------------------------------------------- */

/* Of n values in any order, the exact one-sided p of "the median is not above t": P(B >= k), B ~
 * Binomial(n, 1/2), k of them above t. A value equal to t, or NAN, counts against. 1 for n = 0; n
 * is at most FB_GATE_PAIRS_MOST. */
double fb_gate_p_above(const double *values, size_t n, double t);
/* The same of "the median is not below t". */
double fb_gate_p_below(const double *values, size_t n, double t);

/* One-sided confidence bounds of the median of n values in rising order, of at least that level
 * (0.95): the outermost order statistics that the sign test leaves, so that the lower bound is
 * above t just when fb_gate_p_above <= 1 - level. NAN where n is too small. */
double fb_gate_lower_bound(const double *sorted, size_t n, double level);
double fb_gate_upper_bound(const double *sorted, size_t n, double level);

/* The median and its two-sided interval, of (1 + level) / 2 at either end. Sorts the values. */
struct fb_gate_interval {
    double lower, median, upper; /* NAN where there are too few */
};
struct fb_gate_interval fb_gate_interval(double *values, size_t n, double level);

/* --- looks ------------------------------------------------------------------------------------ */

struct fb_gate_looks {
    size_t count;
    size_t usual;                     /* the one at the budget; those behind it are for cells that
                                       * scatter too much */
    size_t pairs[FB_GATE_LOOKS_MOST]; /* rising */
    double level[FB_GATE_LOOKS_MOST]; /* what each spends on the cells; together alpha */
    /* The same on the control. Its pairs are half as many, and of six the smallest p is 0.016: the
     * last look has a tenth of alpha, so that the first can alarm. */
    double control[FB_GATE_LOOKS_MOST];
};

/* Looks at 12, 24, 48, ... pairs as far as they are within three quarters of the budget, then at
 * the budget, which is cut to FB_GATE_PAIRS_MOST, then at twice the budget, where that is 48 or
 * more (of fewer pairs too little is known of their scatter) and at most FB_GATE_PAIRS_MOST. None
 * for a budget of 0. */
void fb_gate_looks_make(struct fb_gate_looks *looks, size_t budget, double alpha);

/* --- cells ------------------------------------------------------------------------------------ */

enum fb_gate_state {
    FB_GATE_OPEN,      /* wants more pairs */
    FB_GATE_SUSPECTED, /* wants the second stage */
    FB_GATE_REGRESSED,
    FB_GATE_IMPROVED,
    FB_GATE_EQUIVALENT,
    FB_GATE_INCONCLUSIVE,
    FB_GATE_NO_DATA,
};

enum fb_gate_reason {
    FB_GATE_PLAIN,
    FB_GATE_BUDGET,      /* inconclusive: all pairs run, nothing shown */
    FB_GATE_UNCONFIRMED, /* inconclusive: suspected, and the fresh pairs do not show it */
    FB_GATE_INCOMPLETE,  /* inconclusive: the looks or the second stage were not all held */
    FB_GATE_MACHINE,     /* inconclusive: the control alarmed */
    FB_GATE_FAILURE,     /* no data: a block failed, or a value is not a finite number */
    FB_GATE_NO_PAIRS,    /* no data */
};

/* As they are printed: "regressed", "no data"; "budget", "not confirmed", "" for none. */
const char *fb_gate_state_name(enum fb_gate_state state);
const char *fb_gate_reason_name(enum fb_gate_reason reason);

enum fb_gate_test_kind {
    FB_GATE_ABOVE,
    FB_GATE_BELOW,
    FB_GATE_BETWEEN,
    FB_GATE_CONFIRM,
    FB_GATE_TESTS,
};

/* A cell's place in one family of tests. */
struct fb_gate_test {
    double p, level; /* at the last look; NAN before the first */
    bool counted;    /* among those that the level is divided by */
    bool open;       /* may be rejected now */
    bool rejected;
};

struct fb_gate_cell {
    /* The caller's, in the order of execution. Its arrays may grow and move between the calls. */
    const double *values;
    size_t pairs;
    const double *fresh; /* of the second stage */
    size_t fresh_pairs;
    bool failed;
    /* The verdict's; all 0 at first. */
    enum fb_gate_state state;
    enum fb_gate_reason reason;
    size_t judged; /* pairs at its last look */
    bool doubled;  /* it scatters so much that it is given twice as many, in either stage */
    struct fb_gate_test tests[FB_GATE_TESTS];
};

struct fb_gate {
    double t;           /* ln(1 + threshold) */
    double alpha;       /* of each family */
    double goal;        /* the smallest effect that a cell is to have, as a ratio less 1 */
    size_t fresh_pairs; /* of a cell that is not doubled */
    struct fb_gate_looks looks;
    size_t look; /* looks held so far */
    struct fb_gate_cell *cells;
    size_t count;
    struct fb_gate_cell *control; /* pairs of A with A; not among `cells`; NULL for none */
    bool alarm;                   /* the control was rejected for +t or -t */
    double *scratch; /* the caller's: room for the pairs of a cell's first stage and of the
                      * control's, so for twice the budget and half as many */
};

/* Everything but the cells, by the defaults. */
void fb_gate_begin(struct fb_gate *gate, double threshold, size_t budget);

/* Holm's procedure at `level` over those of the cells that are counted. Rejections stand: a cell
 * rejected earlier goes before the others and keeps the level that it was held against. Every open
 * one is given its level and is rejected or not; those not rejected were all held against level /
 * (counted - rejected). Cells that were decided otherwise stay counted: leaving them out, chosen by
 * the data as they are, would spend more than the level. */
void fb_gate_holm(struct fb_gate_cell *cells, size_t count, enum fb_gate_test_kind kind,
                  double level);

/* The number of pairs that open cells are to have at the next look; 0 when no look is left or no
 * cell is open. */
size_t fb_gate_pairs_wanted(const struct fb_gate *gate);
/* Those that the control is to have where cells have n: it goes along in every second round. */
size_t fb_gate_control_pairs(size_t n);

/* Holds the next look, over the first so many values of each open cell: a cell that has fewer is
 * not judged, one without any or with a failure has no data. The control is tested in both
 * directions at its own level, over half as many. At the budget, a cell that is neither
 * decided nor doubled is inconclusive. */
void fb_gate_look(struct fb_gate *gate);

/* The fresh pairs that a cell is to have in the second stage; 0 for one that is not suspected. */
size_t fb_gate_fresh_wanted(const struct fb_gate *gate, const struct fb_gate_cell *cell);

/* Holds the second stage over the suspected cells, from their first fb_gate_fresh_wanted() fresh
 * values; one that has fewer is inconclusive. The control is tested at alpha, if it has half as
 * many as the cell with the most of those that are tested. */
void fb_gate_confirm(struct fb_gate *gate);

/* No cell is open or suspected after it; then the rule of the control. Once, at the end. */
void fb_gate_finish(struct fb_gate *gate);

/* The rule of the control: when pairs of A with itself differ by more than the threshold, so may
 * the others without a cause in B, or hide one; what says regressed, improved or equivalent becomes
 * inconclusive. */
void fb_gate_apply_control(struct fb_gate *gate);

/* --- what could have been found (effect.c) ---------------------------------------------------- */

#define FB_GATE_POWER 0.95 /* of both stages together */

/* The share q of values that must truly be above t for a sign test of n pairs at that level to
 * reject with at least that power: the smallest q with P(Binomial(n, q) >= k) >= power, k being the
 * fewest that reject. INFINITY where even n of n do not. */
double fb_gate_share_needed(size_t n, double level, double power);

/* The lower quantile of n residuals in rising order that at least the share q of them is above: the
 * r-th smallest, r = floor((1 - q) n). NAN where r is 0: so few cannot show what is so rare. */
double fb_gate_residual(const double *sorted, size_t n, double share);

/* The smallest true slow-down of the cell, as a ratio less 1 (0.08 for 8 %), that this run would
 * have called regressed with a probability of at least FB_GATE_POWER. After fb_gate_confirm.
 *
 * With v = d + e, where e is the scatter, of median 0, a value is above t when e > -(d - t). A
 * stage of n pairs rejects with probability P(Binomial(n, q) >= k), q = P(e > -(d - t)); for 0.95
 * over two independent stages each is given 0.975, which asks for a share q of each and so for d =
 * t - Q(1 - q), Q being the lower quantile of e. The larger d of the two stages is what both need,
 * and the result is exp(d) - 1. The first stage counts as its last look alone: earlier looks can
 * only add to it. It is that of the cell if it was never decided, or, as a slower one would not
 * have been decided otherwise, the last that was planned for it, among all the cells. The second
 * has the level that Holm gives the cell when all that are suspected were rejected after it.
 *
 * Of a doubled cell it is not less than gate->goal: another of the same scatter may by chance not
 * look so and not be doubled, and then the goal is what it finds.
 *
 * Q is taken from the residuals of the cell's values about their median together with those of the
 * control, and from its own alone (their smallest, if they are too few): the lower of both, as a
 * calm control says nothing of a cell that scatters more. INFINITY where a stage could not reject
 * at all, NAN where there are too few residuals for the quantile, or no data. */
double fb_gate_smallest_effect(const struct fb_gate *gate, const struct fb_gate_cell *cell);

#endif
