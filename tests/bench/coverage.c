/* Does the reported 95 % interval hold the true median in 95 of 100 runs? Simulated cells go
 * through the whole stopping rule: blocks until a look finds the interval within the precision, or
 * until a time limit that has nothing to do with the values. Their blocks are skewed, heavy-tailed
 * and correlated by 0.1 from one to the next; their true median is known. */
#include "base/random.h"
#include "results/statistics.h"
#include "results/stopping.h"
#include "tests/bench/paired.h"

#include <math.h>
#include <string.h>

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

struct outcome {
    bool held;
    size_t blocks;
};

static struct outcome experiment(struct fb_random *random, double (*shape)(double), double scale)
{
    static uint64_t values[FB_BLOCKS_MOST], scratch[FB_BLOCKS_MOST];
    /* Time for so many blocks: from less than the first look to more than most need. */
    size_t limit = FB_BLOCKS_LEAST + (size_t)fb_random_below(random, 300);
    double z = normal(random), coverage;
    uint64_t lower = 0, upper = 0;
    size_t n = 0;
    for (;;) {
        values[n++] = (uint64_t)(MEDIAN_NS * fmax(0.01, 1 + scale * shape(z)));
        z = CORRELATION * z + sqrt(1 - CORRELATION * CORRELATION) * normal(random);
        if (n >= limit || (fb_is_look(n) && fb_imprecision(values, n, scratch) <= PRECISION))
            break;
    }
    memcpy(scratch, values, n * sizeof *values);
    fb_sort_u64(scratch, n);
    fb_median_interval(scratch, n, FB_INTERVAL_LEVEL, &lower, &upper, &coverage);
    return (struct outcome){ (double)lower <= MEDIAN_NS && MEDIAN_NS <= (double)upper, n };
}

int main(void)
{
    bool pass = true;
    struct fb_random random;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
            char check[64];
            double held = 0, blocks = 0;
            fb_random_seed(&random, 100 * i + k);
            for (int e = 0; e < EXPERIMENTS; e++) {
                struct outcome outcome = experiment(&random, shapes[i].shape, scales[k]);
                held += outcome.held;
                blocks += (double)outcome.blocks;
            }
            held /= EXPERIMENTS;
            fprintf(stderr, "%s, scale %.2f: %.1f blocks on average\n", shapes[i].name, scales[k],
                    blocks / EXPERIMENTS);
            snprintf(check, sizeof check, "coverage-%s-%.2f-least", shapes[i].name, scales[k]);
            pass &= report_least(check, held, 0.93);
            snprintf(check, sizeof check, "coverage-%s-%.2f-most", shapes[i].name, scales[k]);
            pass &= report(check, held, 0.99);
        }
    }
    return pass ? 0 : 1;
}
