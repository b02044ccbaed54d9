/* Records: CSV there and back, what the reader refuses, the schema page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/output.h"
#include "results/record.h"
#include "results/schema.h"

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

/* Of a file from before a column came: n/a there. One that was always there must be. */
static void test_later_columns(void **state)
{
    struct scratch *scratch = *state;
    struct fb_records read;
    struct fb_error err;
    struct fb_record record = example_record();
    record.samples_per_s = 17;
    record.batch_p99_ns = 18;
    for (int lacking = 0; lacking < 2; lacking++) {
        struct fb_column older[128];
        size_t count = 0;
        for (const struct fb_column *column = fb_record_columns; column->name; column++)
            if (!column->later && !(lacking && strcmp(column->name, "times_floor") == 0))
                older[count++] = *column;
        older[count] = (struct fb_column){ 0 };
        FILE *stream = fopen(scratch->path, "w");
        assert_int_equal(fb_csv_write_header(stream, older), 0);
        assert_int_equal(fb_csv_write_row(stream, older, &record), 0);
        fclose(stream);
        assert_int_equal(fb_records_read(scratch->path, &read, &err), lacking ? FB_EFORMAT : 0);
        if (lacking)
            assert_non_null(strstr(err.message, "times_floor is missing"));
        else
            assert_true(read.count == 1 && isnan(read.items[0].samples_per_s) &&
                        read.items[0].batch_p99_ns == FB_NA && read.items[0].file_bytes == 0);
        free(read.items);
    }
}

static void test_batches_round_trip(void **state)
{
    struct scratch *scratch = *state;
    struct fb_batches written = { 0 }, read;
    struct fb_error err;
    for (uint64_t i = 0; i < 50; i++) {
        struct fb_batch_record batch = { FB_SCHEMA_VERSION, "r", "c1", i / 20, i / 10, i / 5, i % 5,
                                         i * 1000 };
        assert_int_equal(fb_batches_add(&written, &batch, &err), 0);
    }
    assert_int_equal(fb_batches_write(&written, scratch->path, &err), 0);
    assert_int_equal(fb_batches_read(scratch->path, &read, &err), 0);
    assert_int_equal(read.count, 50);
    for (size_t i = 0; i < 50; i++)
        for (const struct fb_column *column = fb_batch_columns; column->name; column++)
            check_column(column, &written.items[i], &read.items[i]);
    free(written.items);
    free(read.items);
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
    const struct fb_column *tables[] = { fb_record_columns, fb_block_columns,
                                         fb_iteration_columns };
    const size_t sizes[] = { sizeof(struct fb_record), sizeof(struct fb_block_record),
                             sizeof(struct fb_iteration) };
    for (size_t t = 0; t < 3; t++) {
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
#define HEADER "schema_version,run_id,cell_id,round,block,iteration,warmup,ns,start_ns\n"
#define ROW "2,r,c1,0,0,0,0,5,6\n"

struct refusal {
    const char *text, *says;
};

static void test_reader_refuses(void **state)
{
    struct scratch *scratch = *state;
    static const struct refusal refusals[] = {
        { "", ":0: the file is empty" },
        { "\n", "the file is empty" },
        { HEADER ROW "2,r,c1,0,0,0,0,5,6", ":3: the last line has no end" },
        { HEADER ROW "2,r,c1,0,0,0", ":3: the last line has no end" },
        { HEADER ROW "2,r,c1,0,0,0\n", ":3: 6 fields where the header has 9" },
        { HEADER "2,r,c1,0,0,0,0,5,6,6\n", ":2: 10 fields" },
        { HEADER ROW "1,r,c1,0,0,0,0,5,6\n", ":3: schema_version" },
        { HEADER ",r,c1,0,0,0,0,5,6\n", ":2: schema_version" },
        { HEADER "2,r,c1,0,0,0,0,-5,6\n", ":2: ns is '-5'" },
        { HEADER "2,r,c1,0,0,0,0,5.5,6\n", ":2: ns is '5.5'" },
        { HEADER "2,r,c1,0,0,0,0,99999999999999999999,6\n", ":2: ns is" },
        { HEADER "2,r,ccccccccccccccccccccccccc,0,0,0,0,5,6\n",
          ":2: cell_id has 25 characters; at most 23 fit" },
        { HEADER "2,\"a\nb\",c1,0,0,0,0,x,6\n", ":3: ns is 'x'" },
        { HEADER "2,a\"b,c1,0,0,0,0,5,6\n", ":2: " },
        { HEADER "2,\"ab,c1,0,0,0,0,5,6\n", "a quoted field has no end" },
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
    put_file(scratch->path, HEADER "2,a\0b,c1,0,0,0,0,5,6\n",
             sizeof HEADER - 1 + strlen("2,a_b,c1,0,0,0,0,5,6\n"));
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
    const char text[] = "extra,start_ns,ns,warmup,iteration,block,round,"
                        "cell_id,run_id,schema_version\r\n"
                        "\"a,\nb\",6,5,0,1,2,3,c1,\"r \"\"x\"\"\",2\r\n";
    put_file(scratch->path, text, strlen(text));
    assert_int_equal(fb_iterations_read(scratch->path, &read, &err), 0);
    assert_int_equal(read.count, 1);
    assert_int_equal(read.items[0].round, 3);
    assert_int_equal(read.items[0].start_ns, 6);
    assert_string_equal(read.items[0].run_id, "r \"x\"");
    free(read.items);
}

/* Doubles, in the table of blocks: a value, n/a, and what is none. */
static void test_blocks_round_trip(void **state)
{
    struct scratch *scratch = *state;
    struct fb_blocks written = { 0 }, read;
    struct fb_error err = { 0 };
    struct fb_block_record block;
    for (uint64_t i = 0; i < 20; i++) {
        fb_block_record_init(&block);
        block.block = i;
        block.resident_before = i % 2 ? (double)i / 19 : NAN;
        assert_int_equal(fb_blocks_add(&written, &block, &err), 0);
    }
    assert_int_equal(fb_blocks_write(&written, scratch->path, &err), 0);
    assert_int_equal(fb_blocks_read(scratch->path, &read, &err), 0);
    assert_int_equal(read.count, 20);
    for (size_t i = 0; i < 20; i++)
        for (const struct fb_column *column = fb_block_columns; column->name; column++)
            check_column(column, &written.items[i], &read.items[i]);
    free(written.items);
    free(read.items);
    char *text;
    size_t length;
    assert_int_equal(fb_read_file(scratch->path, 1 << 20, &text, &length, &err), 0);
    char *value = strstr(text, "0.0526");
    assert_non_null(value);
    memcpy(value, "half", 4);
    put_file(scratch->path, text, length);
    free(text);
    assert_int_equal(fb_blocks_read(scratch->path, &read, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, ":3: resident_before is 'half"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_later_columns, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_batches_round_trip, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_round_trip, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_too_many_rows, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_iterations_round_trip, make_scratch, remove_scratch),
        cmocka_unit_test(test_numbers_are_short),
        cmocka_unit_test(test_columns_cover_struct),
        cmocka_unit_test_setup_teardown(test_reader_refuses, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_reader_takes, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_blocks_round_trip, make_scratch, remove_scratch),
        cmocka_unit_test(test_cell_id),
        cmocka_unit_test(test_schema_page),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
