/* Statistics: medians, their interval, the summary of a cell, ranking, and the stopping rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/schedule.h"
#include "results/statistics.h"
#include "results/stopping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Coverage by Pascal's triangle: another way than the code's. */
static double covered(size_t n, size_t rank)
{
    double row[65] = { 1 };
    for (size_t i = 1; i <= n; i++)
        for (size_t j = i; j > 0; j--)
            row[j] += row[j - 1];
    double sum = 0;
    for (size_t i = rank; i + rank <= n; i++)
        sum += row[i];
    return ldexp(sum, -(int)n);
}

/* Against the exact pairs: between the one above the level and the one below it, never beyond. */
static void test_median_interval(void **state)
{
    (void)state;
    uint64_t values[64];
    for (size_t i = 0; i < 64; i++)
        values[i] = 1000 * (i + 1);
    for (size_t n = 0; n <= 64; n++) {
        uint64_t lower = 0, upper = 0;
        double coverage = 0;
        size_t rank = 0;
        while (2 * (rank + 1) <= n && covered(n, rank + 1) >= FB_INTERVAL_LEVEL)
            rank++;
        bool found = fb_median_interval(values, n, FB_INTERVAL_LEVEL, &lower, &upper, &coverage);
        assert_int_equal(found, n >= 6);
        if (n == 6) {
            assert_int_equal(lower, 1000);
            assert_int_equal(upper, 6000);
            assert_true(coverage == 0.96875);
        }
        if (n < 7)
            continue;
        assert_true(coverage == FB_INTERVAL_LEVEL);
        assert_in_range(lower, values[rank - 1], values[rank]);
        assert_in_range(upper, values[n - rank - 1], values[n - rank]);
        assert_int_equal(lower - 1000, values[n - 1] - upper);
    }
}

/* Worked by hand for n = 8 and level 0.95: pairs of coverage 254/256 and 238/256, so that
 * I = (254/256 - 0.95) / (16/256) = 0.675 and the weight is 7 * 0.675 / (1 + 6 * 0.675) = 0.93564.
 */
static void test_interpolation(void **state)
{
    (void)state;
    const uint64_t values[] = { 0, 100000, 200000, 300000, 400000, 500000, 600000, 700000 };
    uint64_t lower, upper;
    double coverage;
    assert_true(fb_median_interval(values, 8, 0.95, &lower, &upper, &coverage));
    assert_int_equal(lower, 93564); /* rounded outwards */
    assert_int_equal(upper, 606436);
    assert_true(coverage == 0.95);
    /* A level that a pair has needs nothing between. */
    assert_true(fb_median_interval(values, 8, 0.9921875, &lower, &upper, &coverage));
    assert_int_equal(lower, 0);
    assert_int_equal(upper, 700000);
    /* Large values, equal values. */
    uint64_t large[8], equal[8];
    for (int i = 0; i < 8; i++) {
        large[i] = UINT64_MAX / 2 + (uint64_t)i;
        equal[i] = 7;
    }
    assert_true(fb_median_interval(large, 8, 0.98, &lower, &upper, &coverage));
    assert_true(lower >= large[0] && lower <= large[1] && upper <= large[7] && upper >= large[6]);
    assert_true(fb_median_interval(equal, 8, 0.98, &lower, &upper, &coverage));
    assert_true(lower == 7 && upper == 7);
}

static void test_median(void **state)
{
    (void)state;
    uint64_t odd[] = { 9, 1, 5 }, even[] = { UINT64_MAX - 1, UINT64_MAX - 3 };
    uint64_t holes[] = { FB_NA, 3, FB_NA, 1, 2 };
    double numbers[] = { NAN, 3, 1, NAN, 2, 6 };
    fb_sort_u64(odd, 3);
    assert_int_equal(fb_median_u64(odd, 3), 5);
    fb_sort_u64(even, 2);
    assert_true(fb_median_u64(even, 2) == UINT64_MAX - 2);
    assert_true(fb_median_u64(even, 0) == FB_NA);
    assert_int_equal(fb_median_of(holes, 5), 2);
    assert_true(fb_median_of(holes, 0) == FB_NA);
    assert_true(fb_median_of_doubles(numbers, 6) == 2.5);
    assert_true(isnan(fb_median_of_doubles(numbers, 0)));
}

static struct fb_record example_record(void)
{
    struct fb_record record;
    fb_record_init(&record);
    strcpy(record.format, "hdf5-chunked");
    strcpy(record.cache, "warm");
    strcpy(record.handle, "once");
    strcpy(record.status, "ok");
    strcpy(record.role, "contender");
    record.request_bytes = 700;
    fb_cell_id(&record);
    return record;
}

static void add_iteration(struct fb_iterations *iterations, const struct fb_record *record,
                          uint64_t block, uint64_t warmup, uint64_t ns)
{
    struct fb_iteration iteration;
    fb_iteration_init(&iteration);
    strcpy(iteration.cell_id, record->cell_id);
    iteration.block = block;
    iteration.warmup = warmup;
    iteration.ns = ns;
    assert_int_equal(fb_iterations_add(iterations, &iteration, NULL), 0);
}

static void add_block(struct fb_blocks *blocks, const struct fb_record *record, uint64_t number,
                      uint64_t iterations)
{
    struct fb_block_record block;
    fb_block_record_init(&block);
    strcpy(block.cell_id, record->cell_id);
    block.block = number;
    block.iterations = 2 * iterations;
    block.counted = iterations;
    block.resident_before = 1 - (double)number / 100;
    block.resident_after = (double)number / 10;
    block.peak_bytes = 1000 + number;
    block.read_bytes = 10 * number * iterations; /* 10, 20, ... 60 an iteration */
    block.steal_ns = 5;
    block.floor_copy_ns = number;
    block.floor_read_ns = number % 2 ? 10 * number : FB_NA; /* 10, 30, 50 */
    block.floor_inflate_ns = number % 2 ? 2 : FB_NA;
    assert_int_equal(fb_blocks_add(blocks, &block, NULL), 0);
}

static void test_summarise(void **state)
{
    (void)state;
    struct fb_iterations iterations = { 0 };
    struct fb_blocks blocks = { 0 };
    struct fb_record record = example_record(), other = record;
    strcpy(other.handle, "keep");
    fb_cell_id(&other);
    /* Blocks of medians 100, 200, ... 600, out of order, with rows of another cell between. */
    static const uint64_t order[] = { 3, 6, 1, 5, 2, 4 };
    for (size_t i = 0; i < 6; i++) {
        add_iteration(&iterations, &record, order[i], 1, 1);
        add_iteration(&iterations, &record, order[i], 0, 100 * order[i] + 50);
        add_iteration(&iterations, &other, 50, 0, 7);
        add_iteration(&iterations, &record, order[i], 0, 100 * order[i] - 50);
        add_iteration(&iterations, &record, order[i], 0, 100 * order[i]);
        add_block(&blocks, &record, order[i], 3);
    }
    add_block(&blocks, &other, 50, 0);
    assert_int_equal(fb_summarise(&record, &blocks, &iterations), 0);
    assert_int_equal(record.blocks, 6);
    assert_int_equal(record.iterations, 18);
    assert_int_equal(record.median_ns, 350);
    assert_int_equal(record.lower_ns, 100);
    assert_int_equal(record.upper_ns, 600);
    assert_int_equal(record.minimum_ns, 100);
    assert_true(record.interval_level == 0.96875);
    assert_true(record.resident_before == 0.94); /* warm: the lowest */
    assert_true(fabs(record.resident_after - 0.35) < 1e-12);
    assert_int_equal(record.peak_bytes, 1006);
    assert_int_equal(record.read_bytes, 35); /* median of the means of an iteration */
    assert_true(record.read_calls == FB_NA);
    assert_true(record.read_amplification == 0.05);
    assert_true(record.throughput == 2e9);
    assert_int_equal(record.steal_ns, 30);
    assert_true(record.pressure_ns == FB_NA);
    assert_int_equal(record.floor_copy_ns, 3);
    assert_int_equal(record.floor_read_ns, 30);
    assert_int_equal(record.floor_ns, 32);
    assert_true(record.times_floor == 350.0 / 32);
    strcpy(record.cache, "cold"); /* the highest; the id stays that of the iterations */
    strcpy(record.status, "wrong-data");
    assert_int_equal(fb_summarise(&record, &blocks, &iterations), 0);
    assert_true(record.resident_before == 0.99);
    assert_int_equal(record.blocks, 6);
    assert_true(record.median_ns == FB_NA && record.lower_ns == FB_NA);
    assert_true(isnan(record.times_floor) && isnan(record.throughput));
    assert_int_equal(fb_summarise(&other, &blocks, &iterations), 0);
    assert_int_equal(other.blocks, 1);
    assert_int_equal(other.median_ns, 7);
    assert_true(other.read_bytes == FB_NA); /* no iterations to divide by */
    assert_true(other.upper_ns == FB_NA && isnan(other.interval_level));
    free(iterations.items);
    free(blocks.items);
    assert_int_equal(fb_summarise(&record, &(struct fb_blocks){ 0 }, &(struct fb_iterations){ 0 }),
                     0);
    assert_int_equal(record.blocks, 0);
    assert_true(record.peak_bytes == FB_NA && record.floor_ns == FB_NA);
}

static void test_rank(void **state)
{
    (void)state;
    struct fb_records records = { 0 };
    static const struct {
        const char *role, *status, *handle;
        uint64_t median;
        double ratio; /* 0: n/a */
    } rows[] = {
        { "contender", "ok", "once", 200, 1 },       { "contender", "ok", "once", 300, 1.5 },
        { "reference", "ok", "once", 50, 0.25 },     { "contender", "wrong-data", "once", 10, 0 },
        { "contender", "ok", "once", FB_NA, 0 },     { "contender", "ok", "keep", 20, 1 },
        { "contender", "failed", "each", FB_NA, 0 }, { "reference", "ok", "each", 5, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fb_record record = example_record();
        strcpy(record.role, rows[i].role);
        strcpy(record.status, rows[i].status);
        strcpy(record.handle, rows[i].handle);
        record.median_ns = rows[i].median;
        fb_records_add(&records, &record, NULL);
    }
    fb_rank(&records);
    for (size_t i = 0; i < records.count; i++)
        if (rows[i].ratio > 0)
            assert_true(records.items[i].times_fastest == rows[i].ratio);
        else
            assert_true(isnan(records.items[i].times_fastest));
    free(records.items);
}

static void test_share_floors(void **state)
{
    (void)state;
    struct fb_records records = { 0 };
    struct fb_record once = example_record(), keep = once, cold = once;
    strcpy(keep.handle, "keep");
    strcpy(cold.cache, "cold");
    once.floor_copy_ns = 1;
    once.floor_read_ns = 20;
    once.floor_inflate_ns = 30;
    keep.median_ns = 100;
    assert_int_equal(fb_records_add(&records, &keep, NULL), 0);
    assert_int_equal(fb_records_add(&records, &cold, NULL), 0);
    assert_int_equal(fb_records_add(&records, &once, NULL), 0);
    fb_share_floors(&records);
    assert_int_equal(records.items[0].floor_ns, 50);
    assert_int_equal(records.items[0].floor_copy_ns, 1);
    assert_true(records.items[0].times_floor == 2);
    assert_true(records.items[1].floor_ns == FB_NA && isnan(records.items[1].times_floor));
    free(records.items);
}

/* --- stopping --------------------------------------------------------------------------------- */

static void test_looks(void **state)
{
    (void)state;
    static const size_t looks[] = { 8, 16, 32, 64, 128, 256, 512, 1024 };
    size_t found = 0;
    for (size_t n = 0; n <= FB_BLOCKS_MOST; n++)
        if (fb_is_look(n))
            assert_int_equal(n, looks[found++]);
    assert_int_equal(found, 8);
    assert_int_equal(fb_next_look(0), 8);
    assert_int_equal(fb_next_look(7), 8);
    assert_int_equal(fb_next_look(8), 16);
}

static void test_imprecision(void **state)
{
    (void)state;
    uint64_t values[] = { 103000, 100000, 97000, 100000, 100000, 101000, 99000, 100000 },
             scratch[8];
    /* Two thirds of the way in from 97,000 to 99,000, and from 103,000 to 101,000. */
    double imprecision = fb_imprecision(values, 8, scratch);
    assert_true(imprecision > 0.015 && imprecision < 0.02);
    assert_true(isinf(fb_imprecision(values, 5, scratch)));
    /* Too few for the level, though enough to be shown. */
    assert_true(isinf(fb_imprecision(values, 6, scratch)));
    values[0] = 1000000; /* skewed: the longer side counts */
    values[5] = 1000000;
    assert_true(fb_imprecision(values, 8, scratch) > 5);
    for (int i = 0; i < 8; i++)
        values[i] = 0;
    assert_true(fb_imprecision(values, 8, scratch) == 0);
    assert_int_equal(fb_blocks_expected(8, 0.06, 0.03), 32);
    assert_int_equal(fb_blocks_expected(8, 0.04, 0.03), 16);
    assert_int_equal(fb_blocks_expected(20, 0.03, 0.03), 32);
    assert_int_equal(fb_blocks_expected(8, 99, 0.03), FB_BLOCKS_MOST);
}

/* The numbers of the chosen as bits. */
static unsigned chosen(const struct fb_candidate *candidates, size_t count, uint64_t remaining)
{
    size_t order[8];
    unsigned bits = 0;
    size_t n = fb_schedule(candidates, count, 0.03, remaining, order);
    for (size_t i = 0; i < n; i++)
        bits |= 1u << order[i];
    return bits;
}

static void test_schedule(void **state)
{
    (void)state;
    const struct fb_candidate candidates[] = {
        { 8, 0.06, 1000 },     /* needs 24 blocks: 24,000 */
        { 8, 0.04, 1000 },     /* 8 blocks: 8,000 */
        { 8, 1.0, 1000 },      /* hopeless: 1,016,000 */
        { 3, INFINITY, 1000 }, /* not looked at: always */
    };
    assert_int_equal(chosen(candidates, 4, 0), 8);
    assert_int_equal(chosen(candidates, 4, 8000), 8 | 2);
    assert_int_equal(chosen(candidates, 4, 31999), 8 | 2);
    assert_int_equal(chosen(candidates, 4, 32000), 8 | 2 | 1);
    assert_int_equal(chosen(candidates, 4, 2000000), 15);
    /* What is left goes to the one that needs least, even if it will not do. */
    assert_int_equal(chosen(candidates, 3, 10), 2);
    assert_int_equal(chosen(candidates, 0, 10), 0);
}

/* Waits are pooled over all timed batches of the cell; another cell's do not count. */
static void test_batches(void **state)
{
    (void)state;
    struct fb_record record;
    struct fb_batches batches = { 0 };
    struct fb_iterations iterations = { 0 };
    fb_record_init(&record);
    strcpy(record.cell_id, "c1");
    record.requests = 400;
    record.median_ns = 2000000000;
    assert_int_equal(fb_summarise_batches(&record, &batches, &iterations), 0);
    assert_true(isnan(record.samples_per_s) && isnan(record.wait_share));
    assert_true(record.batch_p50_ns == FB_NA && record.batch_p99_ns == FB_NA);
    for (uint64_t i = 0; i < 400; i++) {
        struct fb_batch_record batch = { .cell_id = "c1", .wait_ns = (i * 7919) % 200 + 1 };
        if (i % 2)
            strcpy(batch.cell_id, "c2");
        assert_int_equal(fb_batches_add(&batches, &batch, NULL), 0);
    }
    for (uint64_t i = 0; i < 6; i++) {
        struct fb_iteration iteration;
        fb_iteration_init(&iteration);
        strcpy(iteration.cell_id, i == 5 ? "c2" : "c1");
        iteration.ns = 10000;
        iteration.warmup = i == 0;
        assert_int_equal(fb_iterations_add(&iterations, &iteration, NULL), 0);
    }
    /* Of 1, 3, ..., 199, each twice. */
    assert_int_equal(fb_summarise_batches(&record, &batches, &iterations), 0);
    assert_true(record.samples_per_s == 200);
    assert_int_equal(record.batch_p50_ns, 100);
    assert_int_equal(record.batch_p99_ns, 197);
    assert_true(record.wait_share == 2 * 100 * 100 / 40000.0);
    free(batches.items);
    free(iterations.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median_interval),
        cmocka_unit_test(test_interpolation),
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_summarise),
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_share_floors),
        cmocka_unit_test(test_imprecision),
        cmocka_unit_test(test_schedule),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
