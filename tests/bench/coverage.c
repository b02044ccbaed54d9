/* Does the reported 95 % interval hold the true median in 95 of 100 runs? Simulated runs of a few
 * cells go through the whole stopping rule: rounds of those that the scheduler chooses, until a
 * look finds a cell's interval within the precision or the time for all is used up. Their blocks
 * are skewed, heavy-tailed and correlated by 0.1 from one to the next; their true median is known.
 */
#include "base/random.h"
#include "bench/schedule.h"
#include "results/statistics.h"
#include "results/stopping.h"
#include "tests/bench/paired.h"

#include <math.h>

#define EXPERIMENTS 2000
#define CORRELATION 0.1
#define PRECISION 0.03
#define MEDIAN_NS 10000000.0

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

/* Rising functions of a standard normal, 0 at 0: what lies above the median, in parts of it. */
static double lognormal(double z)
{
    return exp(z) - 1;
}

/* Exponential: skewed, never far below. */
static double exponential(double z)
{
    return -log(erfc(z / M_SQRT2) / 2) - log(2);
}

/* Pareto with exponent 1.5: no variance. */
static double pareto(double z)
{
    return pow(erfc(z / M_SQRT2) / 2, -1 / 1.5) - pow(0.5, -1 / 1.5);
}

/* As blocks are found to be: narrow, but for one in twenty that takes up to twice as long. */
static double disturbed(double z)
{
    double u = 1 - erfc(z / M_SQRT2) / 2;
    return u < 0.95 ? 0.1 * z : 0.165 + 20 * (u - 0.95);
}

static const struct {
    const char *name;
    double (*shape)(double z);
} shapes[] = {
    { "lognormal", lognormal },
    { "exponential", exponential },
    { "pareto", pareto },
    { "disturbed", disturbed },
};

static const double scales[] = { 0.01, 0.03, 0.1, 0.3 };

/* Cells that share a time limit, as those of a run do: of different scatter, so that some are
 * precise early and what is left goes to others. */
#define CELLS 4
static const double spread[CELLS] = { 0.5, 1, 1, 4 };

struct cell {
    double scale, z;
    uint64_t values[FB_BLOCKS_MOST];
    size_t blocks;
    double imprecision;
    bool settled;
};

static void run_block(struct fb_random *random, struct cell *cell, double (*shape)(double))
{
    static uint64_t scratch[FB_BLOCKS_MOST];
    cell->values[cell->blocks++] =
        (uint64_t)(MEDIAN_NS * fmax(0.01, 1 + cell->scale * shape(cell->z)));
    cell->z = CORRELATION * cell->z + sqrt(1 - CORRELATION * CORRELATION) * normal(random);
    if (!fb_is_look(cell->blocks))
        return;
    cell->imprecision = fb_imprecision(cell->values, cell->blocks, scratch);
    cell->settled = cell->imprecision <= PRECISION || cell->blocks >= FB_BLOCKS_MOST;
}

/* One round as the runner's: who takes part is the scheduler's decision. False at the end. */
static bool run_round(struct fb_random *random, struct cell *cells, double (*shape)(double),
                      size_t *left)
{
    struct fb_candidate candidates[CELLS];
    size_t open[CELLS], order[CELLS], count = 0;
    for (size_t i = 0; i < CELLS; i++) {
        if (cells[i].settled || (*left == 0 && cells[i].blocks >= FB_BLOCKS_LEAST))
            continue;
        candidates[count] = (struct fb_candidate){ cells[i].blocks, cells[i].imprecision, 1 };
        open[count++] = i;
    }
    size_t chosen = fb_schedule(candidates, count, PRECISION, *left, order);
    for (size_t i = 0; i < chosen; i++) {
        struct cell *cell = &cells[open[order[i]]];
        if (*left == 0 && cell->blocks >= FB_BLOCKS_LEAST)
            continue;
        run_block(random, cell, shape);
        *left -= *left > 0;
    }
    return chosen > 0;
}

/* The number of cells whose interval holds the true median; *blocks counts all. */
static size_t experiment(struct fb_random *random, double (*shape)(double), double scale,
                         size_t *blocks)
{
    static struct cell cells[CELLS];
    /* Time for so many blocks: from less than the first look to more than most need. */
    size_t left = CELLS * (FB_BLOCKS_LEAST + (size_t)fb_random_below(random, 300)), held = 0;
    for (size_t i = 0; i < CELLS; i++) {
        cells[i].scale = scale * spread[i];
        cells[i].z = normal(random);
        cells[i].blocks = 0;
        cells[i].imprecision = INFINITY;
        cells[i].settled = false;
    }
    while (run_round(random, cells, shape, &left))
        ;
    for (size_t i = 0; i < CELLS; i++) {
        uint64_t lower = 0, upper = 0;
        double coverage;
        fb_sort_u64(cells[i].values, cells[i].blocks);
        fb_median_interval(cells[i].values, cells[i].blocks, FB_INTERVAL_LEVEL, &lower, &upper,
                           &coverage);
        held += (double)lower <= MEDIAN_NS && MEDIAN_NS <= (double)upper;
        *blocks += cells[i].blocks;
    }
    return held;
}

int main(void)
{
    bool pass = true;
    struct fb_random random;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
            char check[64];
            size_t held = 0, blocks = 0;
            fb_random_seed(&random, 100 * i + k);
            for (int e = 0; e < EXPERIMENTS; e++)
                held += experiment(&random, shapes[i].shape, scales[k], &blocks);
            double share = (double)held / (EXPERIMENTS * CELLS);
            fprintf(stderr, "%s, scale %.2f: %.1f blocks on average\n", shapes[i].name, scales[k],
                    (double)blocks / (EXPERIMENTS * CELLS));
            snprintf(check, sizeof check, "coverage-%s-%.2f-least", shapes[i].name, scales[k]);
            pass &= report_least(check, share, 0.93);
            snprintf(check, sizeof check, "coverage-%s-%.2f-most", shapes[i].name, scales[k]);
            pass &= report(check, share, 0.99);
        }
    }
    return pass ? 0 : 1;
}
