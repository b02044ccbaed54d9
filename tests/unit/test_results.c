/* Records: CSV there and back, what the reader refuses, statistics, the schema page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/output.h"
#include "results/record.h"
#include "results/schema.h"
#include "results/statistics.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
    char folder[64], path[96];
};

static int make_scratch(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    strcpy(scratch->folder, "/tmp/fmtbench-test-XXXXXX");
    if (!mkdtemp(scratch->folder))
        return -1;
    snprintf(scratch->path, sizeof scratch->path, "%s/results.csv", scratch->folder);
    *state = scratch;
    return 0;
}

static int remove_scratch(void **state)
{
    struct scratch *scratch = *state;
    unlink(scratch->path);
    int rc = rmdir(scratch->folder); /* fails when a temporary file was left behind */
    free(scratch);
    return rc;
}

static struct fb_record example_record(void)
{
    struct fb_record record;
    fb_record_init(&record);
    strcpy(record.run_id, "2024-01-01");
    strcpy(record.dataset, " blanks, \"quotes\"\r\nand\nlines ");
    strcpy(record.format, "hdf5-chunked");
    strcpy(record.options, "level=4,shuffle=0");
    strcpy(record.workload, "slicing");
    strcpy(record.cache, "warm");
    strcpy(record.handle, "once");
    strcpy(record.clock, "inner");
    strcpy(record.status, "ok");
    strcpy(record.role, "contender");
    strcpy(record.reason, "\xc3\xa9t\xc3\xa9");
    memset(record.filters, 'f', sizeof record.filters - 1); /* as long as fits */
    record.median_ns = UINT64_MAX - 1;
    record.file_bytes = 0;
    record.times_fastest = 0.1;
    record.interval_level = 1.0 / 3;
    record.resident_before = 4.9406564584124654e-324;
    fb_cell_id(&record);
    return record;
}

static void check_column(const struct fb_column *column, const void *a, const void *b)
{
    const char *x = (const char *)a + column->offset, *y = (const char *)b + column->offset;
    if (column->type == FB_COLUMN_TEXT) {
        assert_string_equal(x, y);
    } else if (column->type == FB_COLUMN_U64) {
        assert_memory_equal(x, y, sizeof(uint64_t));
    } else {
        double p, q;
        memcpy(&p, x, sizeof p);
        memcpy(&q, y, sizeof q);
        assert_true((isnan(p) && isnan(q)) || p == q);
    }
}

static void test_round_trip(void **state)
{
    struct scratch *scratch = *state;
    struct fb_records written = { 0 }, read;
    struct fb_error err;
    struct fb_record record = example_record(), empty;
    fb_record_init(&empty);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fb_records_add(&written, i % 2 ? &empty : &record, &err), 0);
    assert_int_equal(fb_records_write(&written, scratch->path, &err), 0);
    assert_int_equal(fb_records_read(scratch->path, &read, &err), 0);
    assert_int_equal(read.count, 5);
    for (size_t i = 0; i < 5; i++)
        for (const struct fb_column *column = fb_record_columns; column->name; column++)
            check_column(column, &written.items[i], &read.items[i]);
    free(written.items);
    free(read.items);
}

/* What no run writes would keep tables and pictures busy for hours. */
static void test_too_many_rows(void **state)
{
    struct scratch *scratch = *state;
    struct fb_records written = { 0 }, read;
    struct fb_error err;
    struct fb_record record = example_record();
    for (int i = 0; i <= FB_RECORDS_MAX; i++)
        assert_int_equal(fb_records_add(&written, &record, &err), 0);
    assert_int_equal(fb_records_write(&written, scratch->path, &err), 0);
    assert_int_equal(fb_records_read(scratch->path, &read, &err), FB_EUNSUPPORTED);
    written.count--;
    assert_int_equal(fb_records_write(&written, scratch->path, &err), 0);
    assert_int_equal(fb_records_read(scratch->path, &read, &err), 0);
    free(read.items);
    free(written.items);
}

static void test_iterations_round_trip(void **state)
{
    struct scratch *scratch = *state;
    struct fb_iterations written = { 0 }, read;
    struct fb_error err;
    struct fb_iteration iteration;
    for (uint64_t i = 0; i < 100; i++) {
        fb_iteration_init(&iteration);
        iteration.block = i / 7;
        iteration.ns = i % 3 ? i * 1000 : FB_NA;
        iteration.resident_before = (double)i / 99;
        assert_int_equal(fb_iterations_add(&written, &iteration, &err), 0);
    }
    assert_int_equal(fb_iterations_write(&written, scratch->path, &err), 0);
    assert_int_equal(fb_iterations_read(scratch->path, &read, &err), 0);
    assert_int_equal(read.count, 100);
    for (size_t i = 0; i < 100; i++)
        for (const struct fb_column *column = fb_iteration_columns; column->name; column++)
            check_column(column, &written.items[i], &read.items[i]);
    free(written.items);
    free(read.items);
}

static void test_numbers_are_short(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    struct fb_record record = example_record();
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(fb_csv_write_row(stream, fb_record_columns, &record), 0);
    fclose(stream);
    assert_non_null(strstr(text, ",0.1,"));
    assert_non_null(strstr(text, ",0.3333333333333333,"));
    assert_non_null(strstr(text, ",\" blanks, \"\"quotes\"\"\r\nand\nlines \","));
    assert_null(strstr(text, "nan"));
    free(text);
}

/* The columns tell every member once, in order, without a gap that could hold another. */
static void test_columns_cover_struct(void **state)
{
    (void)state;
    const struct fb_column *tables[] = { fb_record_columns, fb_iteration_columns };
    const size_t sizes[] = { sizeof(struct fb_record), sizeof(struct fb_iteration) };
    for (size_t t = 0; t < 2; t++) {
        size_t end = 0;
        for (const struct fb_column *column = tables[t]; column->name; column++) {
            assert_in_range(column->offset, end, end + 7);
            end = column->offset + column->size;
            assert_true(column->help[0] != '\0' && !strchr(column->help, '|'));
        }
        assert_in_range(sizes[t], end, end + 7);
    }
}

static void put_file(const char *path, const char *text, size_t length)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

/* Iterations are the smaller table to write by hand: every column, so that a case can change one.
 */
#define HEADER                                                                                     \
    "schema_version,run_id,cell_id,round,block,iteration,warmup,ns,start_ns,resident_before,"      \
    "peak_bytes\n"
#define ROW "1,r,c1,0,0,0,0,5,6,0.5,7\n"

struct refusal {
    const char *text, *says;
};

static void test_reader_refuses(void **state)
{
    struct scratch *scratch = *state;
    static const struct refusal refusals[] = {
        { "", ":0: the file is empty" },
        { "\n", "the file is empty" },
        { HEADER ROW "1,r,c1,0,0,0,0,5,6,0.5,7", ":3: the last line has no end" },
        { HEADER ROW "1,r,c1,0,0,0", ":3: the last line has no end" },
        { HEADER ROW "1,r,c1,0,0,0\n", ":3: 6 fields where the header has 11" },
        { HEADER "1,r,c1,0,0,0,0,5,6,0.5,7,8\n", ":2: 12 fields" },
        { HEADER ROW "2,r,c1,0,0,0,0,5,6,0.5,7\n", ":3: schema_version" },
        { HEADER ",r,c1,0,0,0,0,5,6,0.5,7\n", ":2: schema_version" },
        { HEADER "1,r,c1,0,0,0,0,-5,6,0.5,7\n", ":2: ns is '-5'" },
        { HEADER "1,r,c1,0,0,0,0,5.5,6,0.5,7\n", ":2: ns is '5.5'" },
        { HEADER "1,r,c1,0,0,0,0,99999999999999999999,6,0.5,7\n", ":2: ns is" },
        { HEADER "1,r,c1,0,0,0,0,5,6,nan,7\n", ":2: resident_before is 'nan'" },
        { HEADER "1,r,c1,0,0,0,0,5,6,half,7\n", ":2: resident_before is 'half'" },
        { HEADER "1,r,ccccccccccccccccccccccccc,0,0,0,0,5,6,0.5,7\n",
          ":2: cell_id has 25 characters; at most 23 fit" },
        { HEADER "1,\"a\nb\",c1,0,0,0,0,x,6,0.5,7\n", ":3: ns is 'x'" },
        { HEADER "1,a\"b,c1,0,0,0,0,5,6,0.5,7\n", ":2: " },
        { HEADER "1,\"ab,c1,0,0,0,0,5,6,0.5,7\n", "a quoted field has no end" },
        { "schema_version,run_id\n1,r\n", ":1: the column cell_id is missing" },
        { "run_id," HEADER, ":1: the column run_id stands twice" },
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct fb_iterations read;
        struct fb_error err = { 0 };
        put_file(scratch->path, refusals[i].text, strlen(refusals[i].text));
        assert_int_equal(fb_iterations_read(scratch->path, &read, &err), FB_EFORMAT);
        if (!strstr(err.message, refusals[i].says) || !strstr(err.message, scratch->path))
            fail_msg("case %zu says: %s", i, err.message);
        assert_null(read.items);
    }
    struct fb_iterations read;
    struct fb_error err = { 0 };
    put_file(scratch->path, HEADER "1,a\0b,c1,0,0,0,0,5,6,0.5,7\n",
             sizeof HEADER - 1 + strlen("1,a_b,c1,0,0,0,0,5,6,0.5,7\n"));
    assert_int_equal(fb_iterations_read(scratch->path, &read, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, ":2: run_id holds a NUL byte"));
    assert_int_equal(fb_iterations_read(scratch->folder, &read, &err), FB_EIO);
    unlink(scratch->path);
    assert_int_equal(fb_iterations_read(scratch->path, &read, &err), FB_EIO);
    assert_non_null(strstr(err.message, scratch->path));
}

static void test_reader_takes(void **state)
{
    struct scratch *scratch = *state;
    struct fb_iterations read;
    struct fb_error err;
    const char text[] = "extra,peak_bytes,resident_before,start_ns,ns,warmup,iteration,block,round,"
                        "cell_id,run_id,schema_version\r\n"
                        "\"a,\nb\",7,,6,5,0,1,2,3,c1,\"r \"\"x\"\"\",1\r\n";
    put_file(scratch->path, text, strlen(text));
    assert_int_equal(fb_iterations_read(scratch->path, &read, &err), 0);
    assert_int_equal(read.count, 1);
    assert_int_equal(read.items[0].round, 3);
    assert_int_equal(read.items[0].peak_bytes, 7);
    assert_string_equal(read.items[0].run_id, "r \"x\"");
    assert_true(isnan(read.items[0].resident_before));
    free(read.items);
}

static void test_cell_id(void **state)
{
    (void)state;
    struct fb_record a = example_record(), b = a;
    assert_int_equal(strlen(a.cell_id), 13);
    assert_int_equal(a.cell_id[0], 'c');
    strcpy(b.run_id, "another");
    b.median_ns = 1;
    fb_cell_id(&b);
    assert_string_equal(a.cell_id, b.cell_id);
    strcpy(b.handle, "keep");
    fb_cell_id(&b);
    assert_string_not_equal(a.cell_id, b.cell_id);
    /* The same text, cut elsewhere. */
    b = a;
    strcpy(a.format, "raw");
    strcpy(a.options, "x");
    strcpy(b.format, "rawx");
    strcpy(b.options, "");
    fb_cell_id(&a);
    fb_cell_id(&b);
    assert_string_not_equal(a.cell_id, b.cell_id);
    /* Pinned: ids are compared between runs of different builds. */
    fb_record_init(&a);
    fb_cell_id(&a);
    assert_string_equal(a.cell_id, "ca6918fec1ae6");
}

static void test_schema_page(void **state)
{
    (void)state;
    char *text = NULL, *page = NULL;
    size_t size = 0, length;
    struct fb_error err;
    FILE *stream = open_memstream(&text, &size);
    fb_schema_print(stream);
    fclose(stream);
    if (fb_read_file("results/SCHEMA.md", 1 << 20, &page, &length, &err))
        fail_msg("%s", err.message);
    assert_string_equal(text, page);
    free(text);
    free(page);
}

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

static void test_median_interval(void **state)
{
    (void)state;
    uint64_t values[64];
    for (size_t i = 0; i < 64; i++)
        values[i] = 10 * (i + 1);
    for (size_t n = 0; n <= 64; n++) {
        uint64_t lower = 0, upper = 0;
        double coverage = 0;
        size_t rank = 0;
        while (2 * (rank + 1) <= n && covered(n, rank + 1) >= 0.95)
            rank++;
        bool found = fb_median_interval(values, n, 0.95, &lower, &upper, &coverage);
        assert_int_equal(found, rank > 0);
        assert_int_equal(found, n >= 6);
        if (!found)
            continue;
        assert_int_equal(lower, values[rank - 1]);
        assert_int_equal(upper, values[n - rank]);
        assert_true(fabs(coverage - covered(n, rank)) < 1e-9);
    }
    uint64_t lower, upper;
    double coverage;
    assert_true(fb_median_interval(values, 6, 0.95, &lower, &upper, &coverage));
    assert_true(coverage == 0.96875);
    assert_false(fb_median_interval(values, 6, 0.97, &lower, &upper, &coverage));
}

static void test_median(void **state)
{
    (void)state;
    uint64_t odd[] = { 9, 1, 5 }, even[] = { UINT64_MAX - 1, UINT64_MAX - 3 };
    fb_sort_u64(odd, 3);
    assert_int_equal(fb_median_u64(odd, 3), 5);
    fb_sort_u64(even, 2);
    assert_true(fb_median_u64(even, 2) == UINT64_MAX - 2);
    assert_true(fb_median_u64(even, 0) == FB_NA);
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
    iteration.resident_before = 1 - (double)block / 100;
    iteration.peak_bytes = 1000 + block;
    assert_int_equal(fb_iterations_add(iterations, &iteration, NULL), 0);
}

static void test_summarise(void **state)
{
    (void)state;
    struct fb_iterations iterations = { 0 };
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
    }
    assert_int_equal(fb_summarise(&record, &iterations), 0);
    assert_int_equal(record.blocks, 6);
    assert_int_equal(record.iterations, 18);
    assert_int_equal(record.median_ns, 350);
    assert_int_equal(record.lower_ns, 100);
    assert_int_equal(record.upper_ns, 600);
    assert_int_equal(record.minimum_ns, 100);
    assert_true(record.interval_level == 0.96875);
    assert_true(record.resident_before == 0.94); /* warm: the lowest */
    assert_int_equal(record.peak_bytes, 1006);
    strcpy(record.cache, "cold"); /* the highest; the id stays that of the iterations */
    strcpy(record.status, "wrong-data");
    assert_int_equal(fb_summarise(&record, &iterations), 0);
    assert_true(record.resident_before == 0.99);
    assert_int_equal(record.blocks, 6);
    assert_true(record.median_ns == FB_NA && record.lower_ns == FB_NA);
    assert_int_equal(fb_summarise(&other, &iterations), 0);
    assert_int_equal(other.blocks, 1);
    assert_int_equal(other.median_ns, 7);
    assert_true(other.upper_ns == FB_NA && isnan(other.interval_level));
    free(iterations.items);
    assert_int_equal(fb_summarise(&record, &(struct fb_iterations){ 0 }), 0);
    assert_int_equal(record.blocks, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_too_many_rows, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_iterations_round_trip, make_scratch, remove_scratch),
        cmocka_unit_test(test_numbers_are_short),
        cmocka_unit_test(test_columns_cover_struct),
        cmocka_unit_test_setup_teardown(test_reader_refuses, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_reader_takes, make_scratch, remove_scratch),
        cmocka_unit_test(test_cell_id),
        cmocka_unit_test(test_schema_page),
        cmocka_unit_test(test_median_interval),
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_summarise),
        cmocka_unit_test(test_rank),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
