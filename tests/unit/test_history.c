/* A history: what makes a series, what makes a machine, and odd rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/history.h"
#include "results/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fb_history_record *add(struct fb_history *all, size_t run, const char *dataset)
{
    struct fb_history_record row;
    fb_history_record_init(&row);
    snprintf(row.run_id, sizeof row.run_id, "run-%zu", run);
    snprintf(row.time, sizeof row.time, "2026-01-01T00:00:%02zuZ", run % 60);
    strcpy(row.machine, "m00000000");
    strcpy(row.cell_id, "c000000000000");
    strcpy(row.dataset, dataset);
    strcpy(row.format, "raw");
    strcpy(row.workload, "slicing");
    strcpy(row.cache, "warm");
    strcpy(row.handle, "once");
    row.median_ns = 1000000 + run * 7 % 5;
    assert_int_equal(fb_history_records_add(all, &row, NULL), 0);
    return &all->items[all->count - 1];
}

static void test_names(void **state)
{
    (void)state;
    char a[24], b[24];
    static const uint64_t gib = UINT64_C(1) << 30;
    assert_string_equal(fb_history_dataset("synth:samples=24"), "synth:samples=24");
    assert_string_equal(fb_history_dataset("/a/b/c.h5"), "c.h5");
    assert_string_equal(fb_history_dataset("/a/b//"), "b//");
    assert_string_equal(fb_history_dataset(""), "");
    assert_string_equal(fb_history_dataset("/"), "/");
    fb_machine_id("cpu", 2, 8 * gib - 1000, "ext4", a, sizeof a);
    assert_int_equal(strlen(a), 9);
    assert_string_equal(fb_machine_id("cpu", 2, 8 * gib - 2000, "ext4", b, sizeof b), a);
    assert_string_not_equal(fb_machine_id("cpu", 3, 8 * gib, "ext4", b, sizeof b), a);
    assert_string_not_equal(fb_machine_id("cpu", 2, 9 * gib, "ext4", b, sizeof b), a);
    assert_string_not_equal(fb_machine_id("cpu", 2, 8 * gib, "tmpfs", b, sizeof b), a);
    assert_string_not_equal(fb_machine_id("cpv", 2, 8 * gib, "ext4", b, sizeof b), a);
    assert_string_not_equal(fb_machine_id("cpu", 2, FB_NA, "ext4", b, sizeof b), a);
    assert_true(fb_history_is_time("2026-01-01T00:00:00Z"));
    assert_false(fb_history_is_time("2026-01-01T00:00:00"));
    assert_false(fb_history_is_time("2026-01-01T00:00:00ZZ"));
    assert_false(fb_history_is_time(""));
}

/* By time, not by row; what differs in more than the folder is a series of its own. */
static void test_series(void **state)
{
    (void)state;
    struct fb_history all = { 0 };
    struct fb_history_view view;
    for (size_t i = 30; i-- > 0;)
        add(&all, i, i % 2 ? "/a/x.h5" : "x.h5")->median_ns *= i < 12 ? 1 : 2;
    add(&all, 1, "y.h5");
    strcpy(add(&all, 2, "x.h5")->machine, "m00000001");
    strcpy(add(&all, 3, "x.h5")->cache_state, "warm-unproven");
    add(&all, 4, "x.h5")->dataset_bytes = 5;
    assert_int_equal(fb_history_look(&all, &view, NULL), 0);
    assert_int_equal(view.count, 5);
    assert_int_equal(view.judged, 1);
    for (size_t i = 0; i < view.count; i++) {
        const struct fb_history_series *series = &view.items[i];
        assert_int_equal(series->judged, series->count == 30);
        assert_int_equal(series->changes.count, series->judged);
        if (!series->judged)
            continue;
        assert_string_equal(series->rows[0]->run_id, "run-0");
        assert_int_equal(series->changes.items[0].at, 12);
    }
    fb_history_view_free(&view);
    free(all.items);
}

/* More runs than are looked at: the latest. */
static void test_long(void **state)
{
    (void)state;
    struct fb_history all = { 0 };
    struct fb_history_view view;
    for (size_t i = 0; i < FB_CHANGES_MOST + 20; i++) {
        struct fb_history_record *row = add(&all, i, "x");
        snprintf(row->time, sizeof row->time, "2026-01-01T00:%02zu:%02zuZ", i / 60, i % 60);
    }
    assert_int_equal(fb_history_look(&all, &view, NULL), 0);
    assert_int_equal(view.items[0].count, FB_CHANGES_MOST);
    assert_string_equal(view.items[0].rows[0]->run_id, "run-20");
    fb_history_view_free(&view);
    all.count = 0;
    assert_int_equal(fb_history_look(&all, &view, NULL), 0);
    assert_int_equal(view.count, 0);
    fb_history_view_free(&view);
    free(all.items);
}

/* Text that fills every column, and the largest number: there and back, and printed. */
static void test_full(void **state)
{
    (void)state;
    char path[] = "/tmp/fmtbench-test-XXXXXX", folder[] = "/tmp/fmtbench-test-XXXXXX";
    struct fb_history all = { 0 }, back;
    struct fb_history_view view;
    struct fb_pictures pictures = { 0 };
    struct fb_error err = { 0 };
    struct fb_history_record *row = add(&all, 1, "x");
    for (const struct fb_column *c = fb_history_columns; c->name; c++)
        if (c->type == FB_COLUMN_TEXT && strcmp(c->name, "time") != 0)
            memset((char *)row + c->offset, c->offset % 2 ? '\033' : '"', c->size - 1);
    row->median_ns = row->upper_ns = UINT64_MAX - 1;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    unlink(path);
    assert_int_equal(fb_history_append(path, &all, &err), 0);
    assert_int_equal(fb_history_read(path, &back, &err), 0);
    assert_int_equal(back.count, 1);
    assert_memory_equal(&back.items[0], row, sizeof *row);
    assert_int_not_equal(fb_history_append(path, &all, &err), 0);
    for (size_t i = 2; i < 20; i++) {
        add(&all, i, "x")->median_ns = UINT64_MAX - 1;
        memcpy(all.items[i - 1].cell_id, all.items[0].cell_id, sizeof all.items->cell_id);
    }
    assert_int_equal(fb_history_look(&all, &view, NULL), 0);
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(fb_history_print(stream, &view, false, 60, NULL), 0);
    fclose(stream);
    assert_null(strchr(text, '\033'));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 60);
    free(text);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(fb_tidy_history(&view, folder, &pictures, &err), 0);
    assert_int_equal(pictures.count, 2);
    for (size_t i = 0; i < pictures.count; i++) {
        char table[200];
        snprintf(table, sizeof table, "%s/%s.csv", folder, pictures.items[i].name);
        assert_int_equal(unlink(table), 0);
    }
    assert_int_equal(rmdir(folder), 0);
    free(pictures.items);
    fb_history_view_free(&view);
    free(back.items);
    free(all.items);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_full),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
