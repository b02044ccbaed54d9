/* Two runs compared: the words, and what the machine did meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/compare.h"
#include "results/label.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- rows ------------------------------------------------------------------------------------- */

static void begin(struct fb_compare_side *side, const char *run_id)
{
    *side = (struct fb_compare_side){ 0 };
    strcpy(side->run_id, run_id);
    strcpy(side->machine.cpu, "cpu");
    strcpy(side->machine.filesystem, "ext4");
    strcpy(side->machine.kernel, "Linux 1");
    side->machine.cores = 2;
    side->machine.memory_bytes = UINT64_C(8) << 30;
}

/* A cell of `blocks` blocks of three iterations each, whose medians are ns, ns + step, ... */
static struct fb_record *add(struct fb_compare_side *side, const char *format, size_t blocks,
                             uint64_t ns, uint64_t step)
{
    struct fb_record record;
    struct fb_iteration iteration;
    fb_record_init(&record);
    strcpy(record.run_id, side->run_id);
    strcpy(record.dataset, "/some/where/x.h5");
    record.dataset_bytes = 1000;
    strcpy(record.format, format);
    strcpy(record.workload, "slicing");
    strcpy(record.cache, "warm");
    strcpy(record.handle, "once");
    strcpy(record.status, "ok");
    fb_cell_id(&record);
    assert_int_equal(fb_records_add(&side->records, &record, NULL), 0);
    fb_iteration_init(&iteration);
    memcpy(iteration.cell_id, record.cell_id, sizeof iteration.cell_id);
    for (size_t b = 0; b < blocks; b++)
        for (size_t i = 0; i < 4; i++) {
            iteration.block = b + 1;
            iteration.iteration = i;
            iteration.warmup = i == 0;
            /* The warm-up and the third are far off, and must not matter. */
            iteration.ns = i == 0 ? 1 : ns + b * step + (i == 3 ? 100 * ns : 0);
            assert_int_equal(fb_iterations_add(&side->iterations, &iteration, NULL), 0);
        }
    return &side->records.items[side->records.count - 1];
}

static const struct fb_compare_record *row_of(const struct fb_comparison *all, const char *format)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].format, format) == 0)
            return &all->items[i];
    fail_msg("no row of %s", format);
    return NULL;
}

static void make(struct fb_compare_side *old, struct fb_compare_side *new, double threshold,
                 struct fb_comparison *out)
{
    struct fb_error err = { 0 };
    fb_compare_side_sort(old);
    fb_compare_side_sort(new);
    if (fb_compare(old, new, threshold, "", out, &err))
        fail_msg("%s", err.message);
}

static void release(struct fb_compare_side *old, struct fb_compare_side *new,
                    struct fb_comparison *comparison)
{
    free(comparison->items);
    fb_compare_side_free(old);
    fb_compare_side_free(new);
}

static void test_words(void **state)
{
    (void)state;
    struct fb_compare_side old, new;
    struct fb_comparison all;
    begin(&old, "old");
    begin(&new, "new");
    add(&old, "slow", 8, 1000000, 100);
    add(&new, "slow", 8, 1300000, 130);
    add(&old, "fast", 8, 1300000, 130);
    add(&new, "fast", 9, 1000000, 100);
    add(&old, "same", 8, 1000000, 100);
    add(&new, "same", 8, 1010000, 100);
    add(&old, "wide", 8, 1000000, 100000);
    add(&new, "wide", 8, 1010000, 100000);
    add(&old, "few", 8, 1000000, 100);
    add(&new, "few", 5, 1300000, 100);
    add(&old, "fewer", 5, 1000000, 100);
    add(&new, "fewer", 8, 1300000, 100);
    add(&old, "gone", 8, 1000000, 100);
    add(&new, "come", 8, 1000000, 100);
    add(&old, "broke", 8, 1000000, 100);
    struct fb_record *record = add(&new, "broke", 0, 0, 0);
    strcpy(record->status, "wrong-data");
    strcpy(record->reason, "request 3 delivered another byte");
    add(&old, "skipped", 8, 1000000, 100);
    record = add(&new, "skipped", 0, 0, 0);
    strcpy(record->status, "not-run");
    strcpy(record->reason, "the run ended before its turn");
    strcpy(add(&old, "never", 0, 0, 0)->status, "not-applicable");
    strcpy(add(&new, "never", 0, 0, 0)->status, "not-applicable");
    add(&old, "other", 8, 1000000, 100);
    strcpy(add(&new, "other", 8, 1300000, 100)->cache_state, "warm-unproven");
    add(&old, "zero", 8, 0, 0);
    add(&new, "zero", 8, 0, 0);
    make(&old, &new, 0.02, &all);
    static const struct {
        const char *format, *word;
    } expected[] = {
        { "slow", "slower" },      { "fast", "faster" },   { "same", "alike" },
        { "wide", "unclear" },     { "few", "unclear" },   { "fewer", "unclear" },
        { "gone", "only old" },    { "come", "only new" }, { "broke", "failed" },
        { "skipped", "only old" }, { "other", "unclear" }, { "zero", "unclear" },
    };
    assert_int_equal(all.count, COUNT(expected));
    assert_int_equal(all.matched, COUNT(expected) - 3);
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(row_of(&all, expected[i].format)->word, expected[i].word);
    const struct fb_compare_record *row = row_of(&all, "slow");
    assert_ptr_equal(row, &all.items[0]);
    assert_float_equal(row->change, 0.3, 1e-6);
    assert_true(0.299 < row->change_lower && row->change_lower < 0.3);
    assert_true(0.3 < row->change_upper && row->change_upper < 0.302);
    assert_true(row->interval_level >= 0.95);
    assert_int_equal(row->old_blocks, 8);
    assert_int_equal(row->old_median_ns, 1000350);
    assert_string_equal(row->cell, "slow, slicing, warm, once");
    row = row_of(&all, "few");
    assert_float_equal(row->change, 0.3, 1e-3);
    assert_true(isnan(row->change_lower) && isnan(row->change_upper));
    assert_string_equal(row->reason, "8 and 5 blocks; an interval needs 6 of each");
    row = row_of(&all, "broke");
    assert_string_equal(row->reason, "NEW: wrong-data, request 3 delivered another byte");
    assert_int_equal(row->new_median_ns, FB_NA);
    assert_string_equal(row_of(&all, "skipped")->reason, "the run ended before its turn");
    assert_non_null(strstr(row_of(&all, "other")->reason, "warm-unproven in NEW"));
    assert_string_equal(all.items[1].word, "failed");
    assert_string_equal(all.items[all.count - 1].word, "alike");
    release(&old, &new, &all);
}

/* Exactly 1.3 times, 8 and 6 blocks; and a threshold above that. */
static void test_exact(void **state)
{
    (void)state;
    struct fb_compare_side old, new;
    struct fb_comparison all;
    for (int i = 0; i < 3; i++) {
        begin(&old, "old");
        begin(&new, "new");
        add(&old, "x", 8, i == 1 ? 1300000 : 1000000, 0);
        add(&new, "x", 6, i == 1 ? 1000000 : 1300000, 0);
        make(&old, &new, i == 2 ? 0.31 : 0.02, &all);
        assert_string_equal(all.items[0].word, i == 0 ? "slower" : i == 1 ? "faster" : "alike");
        assert_float_equal(all.items[0].change, i == 1 ? 1 / 1.3 - 1 : 0.3, 1e-12);
        assert_float_equal(all.items[0].change_lower, all.items[0].change, 1e-9);
        assert_float_equal(all.items[0].change_upper, all.items[0].change, 1e-9);
        release(&old, &new, &all);
    }
}

/* Two modes, of which the median takes one or the other: it says what the interval does not. */
static void test_forms(void **state)
{
    (void)state;
    struct fb_compare_side old, new;
    struct fb_comparison all;
    begin(&old, "old");
    begin(&new, "new");
    add(&old, "x", 8, 1000000, 0);
    add(&new, "x", 8, 1000000, 0);
    /* Slow are 20 of 41 blocks of OLD, 21 of NEW. */
    for (size_t i = 0; i < 2; i++) {
        struct fb_compare_side *side = i == 0 ? &old : &new;
        side->iterations.count = 0;
        for (size_t b = 0; b < 41; b++) {
            struct fb_iteration it;
            fb_iteration_init(&it);
            memcpy(it.cell_id, side->records.items[0].cell_id, sizeof it.cell_id);
            it.block = b;
            it.iteration = it.warmup = 0;
            it.ns = b < 20 + i ? 2000000 : 1000000;
            assert_int_equal(fb_iterations_add(&side->iterations, &it, NULL), 0);
        }
    }
    make(&old, &new, 0.02, &all);
    assert_float_equal(all.items[0].change, 1, 1e-9);
    assert_string_equal(all.items[0].word, "unclear");
    release(&old, &new, &all);
}

static void test_counters(void **state)
{
    (void)state;
    struct fb_compare_side old, new;
    struct fb_comparison all;
    begin(&old, "old");
    begin(&new, "new");
    struct fb_record *a = add(&old, "x", 8, 1000, 1), *b = add(&new, "x", 8, 1000, 1);
    a->file_bytes = 1000, b->file_bytes = 1500;
    a->read_bytes = b->read_bytes = 77;
    a->read_calls = 12, b->read_calls = 9;
    make(&old, &new, 0.02, &all);
    assert_string_equal(all.items[0].counters,
                        "file bytes 1000 -> 1500 (+50 %), read calls 12 -> 9 (-25 %)");
    free(all.items);
    a->file_bytes = FB_NA, a->read_calls = 0;
    make(&old, &new, 0.02, &all);
    assert_string_equal(all.items[0].counters, "read calls 0 -> 9");
    free(all.items);
    a->read_calls = 9;
    make(&old, &new, 0.02, &all);
    assert_string_equal(all.items[0].counters, "");
    release(&old, &new, &all);
}

static void test_nothing(void **state)
{
    (void)state;
    struct fb_compare_side old, new;
    struct fb_comparison all;
    struct fb_error err = { 0 };
    begin(&old, "old");
    begin(&new, "new");
    add(&old, "x", 8, 1000, 1);
    add(&new, "y", 8, 1000, 1);
    assert_int_equal(fb_compare(&old, &new, 0.02, "", &all, &err), FB_ENOTHING);
    assert_non_null(strstr(err.message, "no cell was measured in both"));
    assert_null(all.items);
    release(&old, &new, &all);
}

/* --- what else differs ------------------------------------------------------------------------ */

static void test_obstacles(void **state)
{
    (void)state;
    struct fb_compare_side old, new;
    struct fb_comparison none = { 0 };
    char text[512];
    begin(&old, "old");
    begin(&new, "new");
    add(&old, "x", 0, 0, 0);
    struct fb_record *record = add(&new, "x", 0, 0, 0);
    strcpy(record->dataset, "/else/where/x.h5");
    new.machine.memory_bytes -= 100000; /* no other GiB */
    assert_string_equal(fb_compare_obstacle(&old, &new, text, sizeof text), "");
    record->dataset_bytes = FB_NA;
    assert_string_equal(fb_compare_obstacle(&old, &new, text, sizeof text), "");
    record->dataset_bytes = 1001;
    assert_string_equal(fb_compare_obstacle(&old, &new, text, sizeof text),
                        "dataset (x.h5 of 1000 and 1001 bytes)");
    strcpy(record->dataset, "y.h5");
    new.machine.cores = FB_NA;
    assert_string_equal(fb_compare_obstacle(&old, &new, text, sizeof text),
                        "cores (2, n/a) and dataset (x.h5, y.h5)");
    strcpy(record->dataset, "x.h5");
    record->dataset_bytes = 1000;
    new.machine.cores = 2;
    strcpy(new.machine.kernel, "Linux 2");
    assert_string_equal(fb_compare_obstacle(&old, &new, text, sizeof text),
                        "kernel (Linux 1, Linux 2)");
    new.machine.memory_bytes *= 2;
    strcpy(new.machine.cpu, "other");
    strcpy(new.machine.filesystem, "tmpfs");
    assert_string_equal(fb_compare_obstacle(&old, &new, text, sizeof text),
                        "processor (cpu, other) and memory (8 GiB, 16 GiB) and file system (ext4, "
                        "tmpfs) and kernel (Linux 1, Linux 2)");
    release(&old, &new, &none);
}

static void test_drift(void **state)
{
    (void)state;
    struct fb_compare_side old, new;
    struct fb_comparison all;
    struct fb_compare_drift drift;
    char text[1024];
    begin(&old, "old");
    begin(&new, "new");
    for (size_t i = 0; i < 5; i++) {
        char format[8];
        snprintf(format, sizeof format, "f%zu", i);
        struct fb_record *a = add(&old, format, 8, 1000000, 1);
        struct fb_record *b = add(&new, format, 8, 1000000 + 100000 * i, 1);
        a->floor_copy_ns = a->floor_read_ns = 1000;
        b->floor_copy_ns = 800 + 100 * i; /* 0.8, 0.9, 1, 1.1, 1.2 */
        b->floor_read_ns = 1000;
        a->file_bytes = 7;
        b->file_bytes = i == 4 ? 8 : 7; /* other bytes are read then */
    }
    make(&old, &new, 0.02, &all);
    assert_int_equal(fb_compare_drift(&all, &drift, NULL), 0);
    assert_int_equal(drift.copy.cells, 5);
    assert_float_equal(drift.copy.ratio, 1, 1e-12);
    assert_float_equal(drift.copy.lower, 0.9, 1e-12);
    assert_float_equal(drift.copy.upper, 1.1, 1e-12);
    assert_int_equal(drift.read.cells, 4);
    assert_float_equal(drift.share, 1 / 0.9 - 1, 1e-12);
    /* 10, 20, 30 and 40 %, of which one is below 11.1 %. */
    assert_int_equal(drift.told, 4);
    assert_int_equal(drift.doubted, 1);
    fb_compare_caution(&drift, text, sizeof text);
    assert_non_null(strstr(text, "1.00x as long (0.90x to 1.10x in the middle half of 5 cells)"));
    assert_non_null(strstr(text, " 11 % is no proof. Of 4 slower or faster cells, 1 changed"));
    assert_non_null(strstr(text, "fmtbench gate"));
    for (size_t i = 0; i < all.count; i++)
        all.items[i].new_floor_copy_ns = all.items[i].old_floor_read_ns = FB_NA;
    assert_int_equal(fb_compare_drift(&all, &drift, NULL), 0);
    assert_true(isnan(drift.share) && drift.doubted == 0);
    fb_compare_caution(&drift, text, sizeof text);
    assert_non_null(strstr(text, "is not recorded"));
    assert_null(strstr(text, "nan"));
    assert_non_null(strstr(text, "fmtbench gate"));
    release(&old, &new, &all);
}

/* --- files and pages -------------------------------------------------------------------------- */

/* Text that fills every column: there and back, and printed within the width. */
static void test_full(void **state)
{
    (void)state;
    char path[] = "/tmp/fmtbench-test-XXXXXX", *text;
    size_t size;
    struct fb_compare_record rows[2];
    struct fb_comparison all = { .items = rows, .count = 2 }, back;
    struct fb_compare_drift drift;
    struct fb_error err = { 0 };
    for (size_t i = 0; i < 2; i++) {
        fb_compare_record_init(&rows[i]);
        for (const struct fb_column *c = fb_compare_columns; c->name; c++) {
            char *member = (char *)&rows[i] + c->offset;
            if (c->type == FB_COLUMN_TEXT)
                memset(member, c->offset % 2 ? '\033' : '"', c->size - 1);
            else if (c->type == FB_COLUMN_DOUBLE)
                *(double *)(void *)member = i ? 1e300 : -1;
            else if (strcmp(c->name, "schema_version") != 0)
                *(uint64_t *)(void *)member = UINT64_MAX - 1;
        }
        memset(rows[i].word, 0, sizeof rows[i].word);
        strcpy(rows[i].word, i ? "slower" : "no word");
        memset(rows[i].cell, ' ', 20);
    }
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(fb_comparison_write(&all, path, &err), 0);
    assert_int_equal(fb_comparison_read(path, &back, &err), 0);
    assert_int_equal(back.count, 2);
    assert_memory_equal(back.items, rows, sizeof rows);
    assert_int_equal(fb_compare_word_of(&rows[0]), FB_COMPARE_UNCLEAR);
    assert_int_equal(fb_compare_drift(&all, &drift, &err), 0);
    static const unsigned widths[] = { 60, 79, 80, 160 };
    memset(rows[0].forced, 'x', 30);
    for (size_t i = 30; i < sizeof rows[0].forced - 1; i++)
        rows[0].forced[i] = i % 20 ? 'x' : ' ';
    for (size_t w = 0; w < COUNT(widths); w++) {
        FILE *stream = open_memstream(&text, &size);
        fb_compare_print(stream, &all, &drift, false, widths[w]);
        fclose(stream);
        assert_null(strchr(text, '\033'));
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
            assert_true(fb_columns_of(line) <= (int)widths[w]);
        free(text);
    }
    free(back.items);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_exact),
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_counters),
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_obstacles),
        cmocka_unit_test(test_drift),   cmocka_unit_test(test_full),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
