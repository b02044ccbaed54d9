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

uint64_t fb_median_of(uint64_t *values, size_t n)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (values[i] != FB_NA)
            values[known++] = values[i];
    fb_sort_u64(values, known);
    return fb_median_u64(values, known);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double fb_median_of_doubles(double *values, size_t n)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[known++] = values[i];
    if (known == 0)
        return NAN;
    qsort(values, known, sizeof *values, compare_doubles);
    return (values[(known - 1) / 2] + values[known / 2]) / 2;
}

/* Weight of the inner pair, of rank r + 1, for a level between `outer`, the coverage of the pair of
 * rank r, and `inner`, its own. */
static double inner_weight(size_t n, size_t r, double outer, double inner, double level)
{
    double part = (outer - level) / (outer - inner), total = (double)n, rank = (double)r;
    return (total - rank) * part / (rank + (total - 2 * rank) * part);
}

bool fb_median_interval(const uint64_t *sorted, size_t n, double level, uint64_t *lower,
                        uint64_t *upper, double *coverage)
{
    size_t rank = 0;
    double tail = 0, outer = 0, inner = 0;
    for (size_t r = 1; 2 * r <= n; r++) {
        tail += binomial_half(n, r - 1);
        /* Rounded, so that 31/32 is just that and not what exp and lgamma leave of it. */
        inner = round((1 - 2 * tail) * 1e12) / 1e12;
        if (inner < level && (r > 1 || inner < FB_INTERVAL_LEAST))
            break;
        rank = r;
        outer = inner;
        if (inner < level)
            break;
    }
    if (rank == 0)
        return false;
    *lower = sorted[rank - 1];
    *upper = sorted[n - rank];
    *coverage = outer;
    if (outer > level && inner < level) {
        double weight = inner_weight(n, rank, outer, inner, level);
        *lower += (uint64_t)floor(weight * (double)(sorted[rank] - *lower));
        *upper -= (uint64_t)floor(weight * (double)(*upper - sorted[n - rank - 1]));
        *coverage = level;
    }
    return true;
}

double fb_median_of_ratios(double *values, size_t n, double level, double *lower, double *upper)
{
    uint64_t low, high, *millionths = malloc((n + 1) * sizeof *millionths);
    double coverage, median = fb_median_of_doubles(values, n);
    *lower = *upper = NAN;
    for (size_t i = 0; millionths && i < n; i++)
        millionths[i] = (uint64_t)(values[i] * 1e6);
    if (millionths && fb_median_interval(millionths, n, level, &low, &high, &coverage)) {
        *lower = (double)low / 1e6;
        *upper = (double)high / 1e6;
    }
    free(millionths);
    return median;
}

/* --- blocks ----------------------------------------------------------------------------------- */

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

/* The timed iterations of a cell by block, those of a block in rising order. */
static size_t collect(const char *cell_id, const struct fb_iterations *iterations,
                      struct timed *out)
{
    size_t n = 0;
    for (size_t i = 0; i < iterations->count; i++) {
        const struct fb_iteration *it = &iterations->items[i];
        if (it->warmup != 1 && it->ns != FB_NA && strcmp(it->cell_id, cell_id) == 0)
            out[n++] = (struct timed){ it->block, it->ns };
    }
    if (n > 1)
        qsort(out, n, sizeof *out, compare_timed);
    return n;
}

int fb_block_medians(const char *cell_id, const struct fb_iterations *iterations, uint64_t **out,
                     size_t *count)
{
    struct timed *timed = calloc(iterations->count + 1, sizeof *timed);
    *out = calloc(iterations->count + 1, sizeof **out);
    *count = 0;
    if (!timed || !*out) {
        free(timed);
        free(*out);
        *out = NULL;
        return FB_EMEMORY;
    }
    size_t n = collect(cell_id, iterations, timed);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && timed[end].block == timed[first].block; end++)
            ;
        uint64_t low = timed[first + (end - first - 1) / 2].ns;
        uint64_t high = timed[first + (end - first) / 2].ns;
        (*out)[(*count)++] = low + (high - low) / 2;
    }
    free(timed);
    return 0;
}

/* --- one cell --------------------------------------------------------------------------------- */

static uint64_t timed_iterations(const char *cell_id, const struct fb_iterations *iterations)
{
    uint64_t n = 0;
    for (size_t i = 0; i < iterations->count; i++)
        n += iterations->items[i].warmup != 1 && iterations->items[i].ns != FB_NA &&
             strcmp(iterations->items[i].cell_id, cell_id) == 0;
    return n;
}

/* A column of blocks.csv of which results.csv holds the median: of one iteration, where the blocks
 * hold the sum. */
static const struct {
    size_t from, to;
    bool sum;
} medians[] = {
#define MEDIAN(member, sum)                                                                        \
    {                                                                                              \
        offsetof(struct fb_block_record, member), offsetof(struct fb_record, member), sum          \
    }
    MEDIAN(read_bytes, true),        MEDIAN(read_calls, true),     MEDIAN(device_bytes, true),
    MEDIAN(minor_faults, true),      MEDIAN(major_faults, true),   MEDIAN(user_ns, true),
    MEDIAN(system_ns, true),         MEDIAN(floor_copy_ns, false), MEDIAN(floor_read_ns, false),
    MEDIAN(floor_inflate_ns, false),
#undef MEDIAN
};

static uint64_t *member(void *row, size_t offset)
{
    return (uint64_t *)(void *)((char *)row + offset);
}

static void fill_medians(struct fb_record *record, struct fb_block_record *const *own, size_t n,
                         uint64_t *scratch)
{
    for (size_t m = 0; m < sizeof medians / sizeof *medians; m++) {
        for (size_t i = 0; i < n; i++) {
            uint64_t value = *member(own[i], medians[m].from), times = own[i]->counted;
            scratch[i] = value == FB_NA || !medians[m].sum ? value
                         : times == 0 || times == FB_NA    ? FB_NA
                                                           : value / times;
        }
        *member(record, medians[m].to) = fb_median_of(scratch, n);
    }
}

static void add_known(uint64_t *sum, uint64_t value)
{
    if (value != FB_NA)
        *sum = *sum == FB_NA ? value : *sum + value;
}

/* What holds for all blocks together: the worst state before, the peak, the machine's troubles. */
static void fill_extremes(struct fb_record *record, struct fb_block_record *const *own, size_t n)
{
    bool warm = strcmp(record->cache, "warm") == 0;
    record->resident_before = NAN;
    record->peak_bytes = record->steal_ns = record->pressure_ns = FB_NA;
    for (size_t i = 0; i < n; i++) {
        double before = own[i]->resident_before, worst = record->resident_before;
        if (!isnan(before))
            record->resident_before = isnan(worst) ? before
                                      : warm       ? fmin(worst, before)
                                                   : fmax(worst, before);
        if (own[i]->peak_bytes != FB_NA &&
            (record->peak_bytes == FB_NA || own[i]->peak_bytes > record->peak_bytes))
            record->peak_bytes = own[i]->peak_bytes;
        add_known(&record->steal_ns, own[i]->steal_ns);
        add_known(&record->pressure_ns, own[i]->pressure_ns);
    }
}

static int fill_counters(struct fb_record *record, const struct fb_blocks *blocks)
{
    struct fb_block_record **own = calloc(blocks->count + 1, sizeof(struct fb_block_record *));
    uint64_t *scratch = calloc(blocks->count + 1, sizeof *scratch);
    double *after = calloc(blocks->count + 1, sizeof *after);
    size_t n = 0;
    int rc = own && scratch && after ? 0 : FB_EMEMORY;
    for (size_t i = 0; rc == 0 && i < blocks->count; i++)
        if (strcmp(blocks->items[i].cell_id, record->cell_id) == 0)
            own[n++] = &blocks->items[i];
    if (rc == 0) {
        for (size_t i = 0; i < n; i++)
            after[i] = own[i]->resident_after;
        record->resident_after = fb_median_of_doubles(after, n);
        fill_extremes(record, own, n);
        fill_medians(record, own, n, scratch);
    }
    free(after);
    free(scratch);
    free(own);
    return rc;
}

static double ratio(uint64_t a, uint64_t b)
{
    return a == FB_NA || b == FB_NA || b == 0 ? NAN : (double)a / (double)b;
}

static void fill_times(struct fb_record *record, uint64_t *blocks)
{
    fb_sort_u64(blocks, record->blocks);
    record->minimum_ns = blocks[0];
    record->median_ns = fb_median_u64(blocks, record->blocks);
    fb_median_interval(blocks, record->blocks, FB_INTERVAL_LEVEL, &record->lower_ns,
                       &record->upper_ns, &record->interval_level);
}

static void fill_derived(struct fb_record *record)
{
    record->floor_ns = record->floor_read_ns;
    if (record->floor_ns != FB_NA && record->floor_inflate_ns != FB_NA)
        record->floor_ns += record->floor_inflate_ns;
    record->times_floor = ratio(record->median_ns, record->floor_ns);
    record->read_amplification = ratio(record->read_bytes, record->request_bytes);
    record->throughput =
        record->request_bytes ? ratio(record->request_bytes, record->median_ns) * 1e9 : NAN;
}

int fb_summarise(struct fb_record *record, const struct fb_blocks *blocks,
                 const struct fb_iterations *iterations)
{
    uint64_t *medians_of_blocks;
    size_t count;
    int rc = fb_block_medians(record->cell_id, iterations, &medians_of_blocks, &count);
    if (rc)
        return rc;
    record->median_ns = record->minimum_ns = record->lower_ns = record->upper_ns = FB_NA;
    record->interval_level = NAN;
    record->iterations = timed_iterations(record->cell_id, iterations);
    record->blocks = count;
    rc = fill_counters(record, blocks);
    if (rc == 0 && count > 0 && (!record->status[0] || strcmp(record->status, "ok") == 0))
        fill_times(record, medians_of_blocks);
    fill_derived(record);
    free(medians_of_blocks);
    return rc;
}

/* The smallest value that `share` of n sorted ones do not exceed. */
static uint64_t quantile(const uint64_t *sorted, size_t n, double share)
{
    size_t rank = (size_t)ceil(share * (double)n);
    return sorted[rank ? rank - 1 : 0];
}

static uint64_t timed_ns(const char *cell_id, const struct fb_iterations *iterations)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < iterations->count; i++)
        if (iterations->items[i].warmup != 1 && iterations->items[i].ns != FB_NA &&
            strcmp(iterations->items[i].cell_id, cell_id) == 0)
            ns += iterations->items[i].ns;
    return ns;
}

int fb_summarise_batches(struct fb_record *record, const struct fb_batches *batches,
                         const struct fb_iterations *iterations)
{
    size_t count = 0;
    uint64_t sum = 0, *waits = calloc(batches->count + 1, sizeof *waits);
    if (!waits)
        return FB_EMEMORY;
    for (size_t i = 0; i < batches->count; i++)
        if (strcmp(batches->items[i].cell_id, record->cell_id) == 0)
            sum += waits[count++] = batches->items[i].wait_ns;
    record->samples_per_s = record->wait_share = NAN;
    record->batch_p50_ns = record->batch_p99_ns = FB_NA;
    if (count > 0) {
        fb_sort_u64(waits, count);
        record->samples_per_s = ratio(record->requests, record->median_ns) * 1e9;
        record->batch_p50_ns = fb_median_u64(waits, count);
        record->batch_p99_ns = quantile(waits, count, 0.99);
        record->wait_share = ratio(sum, timed_ns(record->cell_id, iterations));
    }
    free(waits);
    return 0;
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
           (!record->cache_state[0] || strcmp(record->cache_state, "proven") == 0);
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

static bool same_floor(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->format, b->format) == 0 && strcmp(a->options, b->options) == 0 &&
           strcmp(a->workload, b->workload) == 0 &&
           strcmp(a->workload_options, b->workload_options) == 0 &&
           strcmp(a->cache, b->cache) == 0 && strcmp(a->clock, b->clock) == 0;
}

void fb_share_floors(struct fb_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        struct fb_record *record = &records->items[i];
        for (size_t j = 0; record->floor_read_ns == FB_NA && j < records->count; j++) {
            const struct fb_record *other = &records->items[j];
            if (other->floor_read_ns == FB_NA || !same_floor(record, other))
                continue;
            record->floor_copy_ns = other->floor_copy_ns;
            record->floor_read_ns = other->floor_read_ns;
            record->floor_inflate_ns = other->floor_inflate_ns;
            fill_derived(record);
        }
    }
}
