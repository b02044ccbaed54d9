#include "bench/schedule.h"
#include "results/stopping.h"

#include <math.h>
#include <stdlib.h>

struct ranking {
    const struct fb_candidate *candidates;
    double precision;
};

static double need(const struct ranking *ranking, size_t i)
{
    const struct fb_candidate *candidate = &ranking->candidates[i];
    if (isinf(candidate->imprecision))
        return 0; /* before all others */
    size_t expected =
        fb_blocks_expected(candidate->blocks, candidate->imprecision, ranking->precision);
    return (double)(expected - candidate->blocks) * (double)candidate->block_ns;
}

static int compare(const void *a, const void *b, void *context)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    double p = need(context, x), q = need(context, y);
    if (p != q)
        return p < q ? -1 : 1;
    return x < y ? -1 : x > y;
}

size_t fb_schedule(const struct fb_candidate *candidates, size_t count, double precision,
                   uint64_t remaining_ns, size_t *order)
{
    struct ranking ranking = { candidates, precision };
    double sum = 0;
    size_t taken = 0;
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    if (count > 1)
        qsort_r(order, count, sizeof *order, compare, &ranking);
    while (taken < count) {
        sum += need(&ranking, order[taken]);
        if (taken > 0 && sum > (double)remaining_ns)
            break;
        taken++;
    }
    return taken;
}
