/* How often does the gate's verdict err, and does it find what it says that it would have found?
 * Simulated gates of ten cells and a control go through the looks and the second stage. The noise
 * of a pair is heavy-tailed, with a standard deviation of 10 %, and both sides share a slow drift.
 * Nothing is timed.
 */
#include "base/random.h"
#include "bench/gate/judges.h"
#include "bench/gate/verdict.h"
#include "tests/bench/paired.h"

#include <math.h>
#include <string.h>

#define GATES 4000
#define CELLS 10
#define BUDGET 96
#define NOISE 0.10
#define DRIFT 0.005 /* of one block to the next, of all that follow */

/* Standard normal, by the polar method of Marsaglia. */
static double normal(struct fb_random *random)
{
    for (;;) {
        double x = 2 * fb_random_unit(random) - 1, y = 2 * fb_random_unit(random) - 1;
        double s = x * x + y * y;
        if (s > 0 && s < 1)
            return x * sqrt(-2 * log(s) / s);
    }
}

/* What is added to the logarithm of a block's time; the difference of two has the standard
 * deviation
 * 1. Blocks are skewed, and their difference is Laplace's. */
static double exponential(struct fb_random *random)
{
    return -log(1 - fb_random_unit(random)) / M_SQRT2;
}

/* Student's with three degrees of freedom, whose variance is 3: extremes are large and often. */
static double student(struct fb_random *random)
{
    double squares = 0;
    for (int i = 0; i < 3; i++) {
        double z = normal(random);
        squares += z * z;
    }
    return normal(random) / sqrt(squares / 3) / sqrt(6);
}

static const struct shape {
    const char *name;
    double (*draw)(struct fb_random *random);
} shapes[] = { { "laplace", exponential }, { "student", student } };

/* --- one gate --------------------------------------------------------------------------------- */

struct world {
    struct fb_random random;
    const struct shape *shape;
    double effect[CELLS + 1]; /* ratio less 1; the last is the control's */
    double noise[CELLS + 1];
    double drift;
};

struct trial {
    struct fb_gate gate;
    struct fb_gate_cell cells[CELLS + 1];
    double values[CELLS + 1][2 * BUDGET], fresh[CELLS + 1][2 * FB_GATE_FRESH_PAIRS];
    double scratch[3 * BUDGET];
};

/* A pair of blocks, next to each other in time, in random order: logarithms of their times. */
static void run_pair(struct world *world, size_t cell, double *a, double *b)
{
    bool a_first = fb_random_below(&world->random, 2) == 0;
    for (int i = 0; i < 2; i++) {
        double time = world->drift + world->noise[cell] * world->shape->draw(&world->random);
        if ((i == 0) == a_first)
            *a = time;
        else
            *b = time + log1p(world->effect[cell]);
        world->drift += DRIFT * normal(&world->random);
    }
}

static double pair_value(struct world *world, size_t cell)
{
    double a = 0, b = 0;
    run_pair(world, cell, &a, &b);
    return b - a;
}

/* Rounds of all that take part, as a runner interleaves them. */
static void run_gate(struct world *world, struct trial *trial, size_t budget)
{
    struct fb_gate *gate = &trial->gate;
    memset(trial->cells, 0, sizeof trial->cells);
    fb_gate_begin(gate, FB_GATE_THRESHOLD, budget);
    gate->cells = trial->cells;
    gate->count = CELLS;
    gate->control = &trial->cells[CELLS];
    gate->scratch = trial->scratch;
    for (size_t i = 0; i <= CELLS; i++) {
        trial->cells[i].values = trial->values[i];
        trial->cells[i].fresh = trial->fresh[i];
    }
    for (size_t wanted, n = 0; (wanted = fb_gate_pairs_wanted(gate)) > 0; fb_gate_look(gate))
        for (; n < wanted; n++)
            for (size_t i = 0; i <= CELLS; i++)
                if (trial->cells[i].state == FB_GATE_OPEN && (i < CELLS || n % 2 == 0))
                    trial->values[i][trial->cells[i].pairs++] = pair_value(world, i);
    for (size_t n = 0; n < 2 * gate->fresh_pairs; n++)
        for (size_t i = 0; i < CELLS; i++)
            if (n < fb_gate_fresh_wanted(gate, &trial->cells[i]))
                trial->fresh[i][trial->cells[i].fresh_pairs++] = pair_value(world, i);
    fb_gate_confirm(gate);
}

static size_t count_state(const struct trial *trial, enum fb_gate_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < CELLS; i++)
        count += trial->cells[i].state == state;
    return count;
}

static void make_world(struct world *world, const struct shape *shape, uint64_t seed)
{
    *world = (struct world){ .shape = shape };
    fb_random_seed(&world->random, seed);
    for (size_t i = 0; i <= CELLS; i++)
        world->noise[i] = NOISE;
}

/* --- rates ------------------------------------------------------------------------------------ */

/* The upper 95 % limit of a share of which `hits` of n were seen (Clopper & Pearson): the largest
 * that would show so few in one of twenty. */
static double upper_limit(size_t hits, size_t n)
{
    double low = (double)hits / (double)n, high = 1;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        if (1 - fb_binomial_upper(n, hits + 1, middle) > 0.05)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static bool report_share(const char *name, const char *shape, size_t hits, double bound)
{
    char check[96];
    snprintf(check, sizeof check, "%s-%s", name, shape);
    fprintf(stderr, "%s: %zu of %d\n", check, hits, GATES);
    return report(check, upper_limit(hits, GATES), bound);
}

/* Nothing has changed, or, where the tests have least to spare, all by just the threshold. */
static bool false_alarms(const struct shape *shape, double effect, uint64_t seed)
{
    static struct trial trial;
    struct world world;
    size_t regressed = 0, suspected = 0, improved = 0, alarms = 0, equal = 0, pairs = 0;
    make_world(&world, shape, seed);
    for (size_t i = 0; i < CELLS; i++)
        world.effect[i] = effect;
    for (int g = 0; g < GATES; g++) {
        run_gate(&world, &trial, BUDGET);
        bool any = false;
        for (size_t i = 0; i < CELLS; i++) {
            any |= trial.cells[i].tests[FB_GATE_ABOVE].rejected;
            pairs += trial.cells[i].pairs;
        }
        suspected += any;
        alarms += trial.gate.alarm;
        equal += count_state(&trial, FB_GATE_EQUIVALENT) > 0;
        /* Before the rule of the control, which could only hide some. */
        regressed += count_state(&trial, FB_GATE_REGRESSED) > 0;
        improved += count_state(&trial, FB_GATE_IMPROVED) > 0;
    }
    fprintf(stderr, "%s, all %g %% slower: %.1f pairs a cell, any equivalent in %zu\n", shape->name,
            100 * effect, (double)pairs / (GATES * CELLS), equal);
    if (effect > 0) {
        bool pass = report_share("at-threshold-suspected", shape->name, suspected, 0.05);
        return report_share("at-threshold-equivalent", shape->name, equal, 0.05) & pass;
    }
    bool pass = report_share("identical-regressed", shape->name, regressed, 0.05);
    pass &= report_share("identical-improved", shape->name, improved, 0.05);
    return report_share("identical-control", shape->name, alarms, 0.05) & pass;
}

/* How often one slower cell among ten ends as regressed. */
static double detection(struct world *world, size_t budget, double effect)
{
    static struct trial trial;
    size_t found = 0;
    world->effect[0] = effect;
    for (int g = 0; g < GATES; g++) {
        run_gate(world, &trial, budget);
        fb_gate_finish(&trial.gate);
        found += trial.cells[0].state == FB_GATE_REGRESSED;
    }
    world->effect[0] = 0;
    return (double)found / GATES;
}

/* One run says what it would have found, another of the same kind shows whether it does. */
static bool smallest_effect(struct world *world, size_t budget, const char *name)
{
    static struct trial trial;
    size_t found = 0, known = 0, doubled = 0;
    double effects = 0;
    for (int g = 0; g < GATES; g++) {
        run_gate(world, &trial, budget);
        double effect = fb_gate_smallest_effect(&trial.gate, &trial.cells[0]);
        doubled += trial.cells[0].doubled;
        if (!isfinite(effect))
            continue;
        known++;
        effects += effect;
        world->effect[0] = effect;
        run_gate(world, &trial, budget);
        fb_gate_finish(&trial.gate);
        found += trial.cells[0].state == FB_GATE_REGRESSED;
        world->effect[0] = 0;
    }
    char check[96];
    fprintf(stderr,
            "%s, %s, %zu pairs: smallest effect %.1f %% on average, known in %zu of %d, "
            "pairs doubled in %zu\n",
            name, world->shape->name, budget, 100 * effects / (double)known, known, GATES, doubled);
    snprintf(check, sizeof check, "smallest-found-%s-%zu-%s", name, budget, world->shape->name);
    return report_least(check, (double)found / (double)known, 0.93);
}

static bool found_effects(const struct shape *shape, uint64_t seed)
{
    struct world world;
    make_world(&world, shape, seed);
    for (size_t budget = 24; budget <= BUDGET; budget *= 2)
        fprintf(stderr, "%s, %zu pairs: of 5 %% %.3f found, of 10 %% %.3f, of 20 %% %.3f\n",
                shape->name, budget, detection(&world, budget, 0.05),
                detection(&world, budget, 0.10), detection(&world, budget, 0.20));
    char check[96];
    snprintf(check, sizeof check, "found-5-percent-96-%s", shape->name);
    bool pass = report_least(check, detection(&world, BUDGET, 0.05), 0.15);
    snprintf(check, sizeof check, "found-10-percent-96-%s", shape->name);
    pass &= report_least(check, detection(&world, BUDGET, 0.10), 0.93);
    pass &= smallest_effect(&world, 24, "usual");
    pass &= smallest_effect(&world, BUDGET, "usual");
    /* Where it is chance whether a cell is given twice the pairs. */
    for (size_t i = 0; i <= CELLS; i++)
        world.noise[i] = NOISE * 0.45;
    pass &= smallest_effect(&world, BUDGET / 2, "half-doubled");
    for (size_t i = 0; i < CELLS; i++)
        world.noise[i] = NOISE;
    world.noise[CELLS] = NOISE / 5;
    return smallest_effect(&world, BUDGET, "calm-control") & pass;
}

/* Of identical sides, and of one cell that is 10 % slower, each judge by 24 pairs. */
static void compare_judges(const struct shape *shape, uint64_t seed)
{
    double a[24], b[24];
    size_t any[FB_JUDGES] = { 0 }, found[FB_JUDGES] = { 0 };
    struct world world;
    make_world(&world, shape, seed);
    for (int g = 0; g < GATES; g++) {
        bool alarmed[FB_JUDGES] = { false };
        for (size_t c = 0; c <= CELLS; c++) {
            world.effect[c] = c == CELLS ? 0.10 : 0;
            for (size_t i = 0; i < 24; i++) {
                run_pair(&world, c, &a[i], &b[i]);
                a[i] = exp(a[i]);
                b[i] = exp(b[i]);
            }
            for (size_t j = 0; j < FB_JUDGES; j++)
                if (c < CELLS)
                    alarmed[j] |= fb_judges[j].alarms(a, b, 24);
                else
                    found[j] += fb_judges[j].alarms(a, b, 24);
        }
        for (size_t j = 0; j < FB_JUDGES; j++)
            any[j] += alarmed[j];
    }
    for (size_t j = 0; j < FB_JUDGES; j++)
        fprintf(stderr, "%s, %s, 24 pairs: a false alarm in %.3f of runs, of 10 %% %.3f found\n",
                shape->name, fb_judges[j].name, (double)any[j] / GATES, (double)found[j] / GATES);
}

int main(void)
{
    bool pass = true;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        pass &= false_alarms(&shapes[i], 0, 10 + i);
        pass &= false_alarms(&shapes[i], FB_GATE_THRESHOLD, 20 + i);
        pass &= found_effects(&shapes[i], 30 + i);
        compare_judges(&shapes[i], 40 + i);
    }
    return pass ? 0 : 1;
}
