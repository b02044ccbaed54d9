#include "results/stopping.h"
#include "results/statistics.h"

#include <math.h>
#include <string.h>

bool fb_is_look(size_t blocks)
{
    return blocks >= FB_LOOK_FIRST && (blocks & (blocks - 1)) == 0;
}

size_t fb_next_look(size_t blocks)
{
    size_t look = FB_LOOK_FIRST;
    while (look <= blocks)
        look *= 2;
    return look;
}

double fb_imprecision(const uint64_t *values, size_t n, uint64_t *scratch)
{
    uint64_t lower, upper;
    double coverage;
    memcpy(scratch, values, n * sizeof *values);
    fb_sort_u64(scratch, n);
    if (!fb_median_interval(scratch, n, FB_INTERVAL_LEVEL, &lower, &upper, &coverage) ||
        coverage < FB_INTERVAL_LEVEL)
        return INFINITY;
    uint64_t median = fb_median_u64(scratch, n);
    uint64_t below = median - lower, above = upper - median;
    uint64_t reach = below > above ? below : above;
    return reach == 0 ? 0 : (double)reach / (double)median;
}

size_t fb_blocks_expected(size_t blocks, double imprecision, double precision)
{
    double wanted = (double)blocks * (imprecision / precision) * (imprecision / precision);
    size_t look = fb_next_look(blocks);
    while (look < FB_BLOCKS_MOST && (double)look < wanted)
        look *= 2;
    return look;
}
