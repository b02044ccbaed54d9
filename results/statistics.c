#include "results/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void fb_sort_u64(uint64_t *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof *values, compare_u64);
}

uint64_t fb_median_u64(const uint64_t *sorted, size_t n)
{
    if (n == 0)
        return FB_NA;
    uint64_t low = sorted[(n - 1) / 2], high = sorted[n / 2];
    return low + (high - low) / 2;
}

/* P(B = i) for B ~ Binomial(n, 1/2), without overflow for any n. */
static double binomial_half(size_t n, size_t i)
{
    double total = (double)n, chosen = (double)i;
    return exp(lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1) -
               total * log(2));
}

bool fb_median_interval(const uint64_t *sorted, size_t n, double level, uint64_t *lower,
                        uint64_t *upper, double *coverage)
{
    size_t rank = 0;
    double tail = 0;
    for (size_t r = 1; 2 * r <= n; r++) {
        tail += binomial_half(n, r - 1);
        /* Rounded, so that 31/32 is just that and not what exp and lgamma leave of it. */
        double covered = round((1 - 2 * tail) * 1e12) / 1e12;
        if (covered < level)
            break;
        rank = r;
        *coverage = covered;
    }
    if (rank == 0)
        return false;
    *lower = sorted[rank - 1];
    *upper = sorted[n - rank];
    return true;
}

struct timed {
    uint64_t block, ns;
};

static int compare_timed(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

/* The timed iterations of a cell by block, those of a block in rising order; also notes what holds
 * for all of them in the record. */
static size_t collect(struct fb_record *record, const struct fb_iterations *iterations,
                      struct timed *out)
{
    size_t n = 0;
    bool warm = strcmp(record->cache, "warm") == 0;
    for (size_t i = 0; i < iterations->count; i++) {
        const struct fb_iteration *it = &iterations->items[i];
        if (it->warmup == 1 || it->ns == FB_NA || strcmp(it->cell_id, record->cell_id) != 0)
            continue;
        double worst = record->resident_before;
        if (!isnan(it->resident_before))
            record->resident_before = isnan(worst) ? it->resident_before
                                      : warm       ? fmin(worst, it->resident_before)
                                                   : fmax(worst, it->resident_before);
        if (it->peak_bytes != FB_NA &&
            (record->peak_bytes == FB_NA || it->peak_bytes > record->peak_bytes))
            record->peak_bytes = it->peak_bytes;
        out[n++] = (struct timed){ it->block, it->ns };
    }
    if (n > 1)
        qsort(out, n, sizeof *out, compare_timed);
    return n;
}

/* One value a block, its median iteration; returns the number of blocks. */
static size_t block_medians(const struct timed *timed, size_t n, uint64_t *out)
{
    size_t blocks = 0;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && timed[end].block == timed[first].block; end++)
            ;
        uint64_t low = timed[first + (end - first - 1) / 2].ns;
        uint64_t high = timed[first + (end - first) / 2].ns;
        out[blocks++] = low + (high - low) / 2;
    }
    return blocks;
}

int fb_summarise(struct fb_record *record, const struct fb_iterations *iterations)
{
    int rc = 0;
    struct timed *timed = calloc(iterations->count + 1, sizeof *timed);
    uint64_t *blocks = calloc(iterations->count + 1, sizeof *blocks);
    if (!timed || !blocks) {
        rc = FB_EMEMORY;
        goto out;
    }
    record->resident_before = NAN;
    record->peak_bytes = record->median_ns = record->minimum_ns = FB_NA;
    record->lower_ns = record->upper_ns = FB_NA;
    record->interval_level = NAN;
    record->iterations = collect(record, iterations, timed);
    record->blocks = block_medians(timed, record->iterations, blocks);
    if (record->blocks == 0 || (record->status[0] && strcmp(record->status, "ok") != 0))
        goto out;
    fb_sort_u64(blocks, record->blocks);
    record->minimum_ns = blocks[0];
    record->median_ns = fb_median_u64(blocks, record->blocks);
    fb_median_interval(blocks, record->blocks, FB_INTERVAL_LEVEL, &record->lower_ns,
                       &record->upper_ns, &record->interval_level);
out:
    free(blocks);
    free(timed);
    return rc;
}

bool fb_same_race(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->workload, b->workload) == 0 &&
           strcmp(a->workload_options, b->workload_options) == 0 &&
           strcmp(a->cache, b->cache) == 0 && strcmp(a->handle, b->handle) == 0 &&
           strcmp(a->clock, b->clock) == 0;
}

static bool finished(const struct fb_record *record)
{
    return strcmp(record->status, "ok") == 0 && record->median_ns != FB_NA &&
           strcmp(record->cache_state, "unproven") != 0;
}

void fb_rank(struct fb_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        struct fb_record *record = &records->items[i];
        uint64_t best = FB_NA;
        record->times_fastest = NAN;
        for (size_t j = 0; finished(record) && j < records->count; j++) {
            const struct fb_record *other = &records->items[j];
            if (finished(other) && strcmp(other->role, "contender") == 0 &&
                other->median_ns < best && fb_same_race(record, other))
                best = other->median_ns;
        }
        if (best != FB_NA && best > 0)
            record->times_fastest = (double)record->median_ns / (double)best;
    }
}
