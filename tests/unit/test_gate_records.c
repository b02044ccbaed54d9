/* Records of a gate: CSV there and back, their order, and the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/gate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fb_gate_record *add(struct fb_gate_records *all, const char *cell,
                                  const char *verdict, double change)
{
    struct fb_gate_record record;
    fb_gate_record_init(&record);
    strcpy(record.gate_id, "g1");
    strcpy(record.arm, "A/B");
    strcpy(record.cell, cell);
    strcpy(record.verdict, verdict);
    record.change = change;
    assert_int_equal(fb_gate_records_add(all, &record, NULL), 0);
    return &all->items[all->count - 1];
}

static void temporary(char *path)
{
    strcpy(path, "/tmp/fmtbench-test-XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
}

static void test_round_trip(void **state)
{
    (void)state;
    char path[64];
    struct fb_gate_records all = { 0 }, back;
    struct fb_error err = { 0 };
    struct fb_gate_record *record = add(&all, "two\nlines, \"x\" | \xc3\xa9 \xff", "no data", NAN);
    strcpy(record->b_options, "level=4,shuffle=1");
    strcpy(record->counters, "read calls 12 -> 13");
    strcpy(record->reason, " blanks around ");
    record->b_file_bytes = UINT64_MAX - 1;
    record->a_median_ns = 0;
    record = add(&all, "plain", "regressed", 1.0 / 3);
    record->change_lower = -2e-9;
    record->p_value = 1e-300;
    temporary(path);
    assert_int_equal(fb_gate_records_write(&all, path, &err), 0);
    assert_int_equal(fb_gate_records_read(path, &back, &err), 0);
    assert_int_equal(back.count, 2);
    assert_memory_equal(&back.items[0], &all.items[0], offsetof(struct fb_gate_record, change));
    assert_memory_equal(&back.items[0].a_read_bytes, &all.items[0].a_read_bytes,
                        sizeof all.items[0] - offsetof(struct fb_gate_record, a_read_bytes));
    assert_true(isnan(back.items[0].change) && isnan(back.items[0].smallest_effect));
    assert_true(back.items[1].change == 1.0 / 3 && back.items[1].change_lower == -2e-9);
    assert_true(back.items[1].p_value == 1e-300);
    assert_int_equal(back.items[1].pairs, FB_NA);
    free(back.items);
    all.items[1].schema_version++;
    assert_int_equal(fb_gate_records_write(&all, path, &err), 0);
    assert_int_not_equal(fb_gate_records_read(path, &back, &err), 0);
    assert_null(back.items);
    unlink(path);
    free(all.items);
}

static void test_pairs_round_trip(void **state)
{
    (void)state;
    char path[64];
    struct fb_gate_pairs all = { 0 }, back;
    struct fb_gate_pair pair;
    struct fb_error err = { 0 };
    for (uint64_t i = 1; i <= 9; i++) {
        fb_gate_pair_init(&pair);
        strcpy(pair.arm, i == 9 ? "A/A" : "A/B");
        strcpy(pair.cell, "c, \"d\"");
        strcpy(pair.order, i % 2 ? "AB" : "BA");
        pair.stage = 1 + i / 5;
        pair.pair = i;
        pair.a_ns = i * 1000;
        pair.b_ns = i == 3 ? FB_NA : i;
        assert_int_equal(fb_gate_pairs_add(&all, &pair, &err), 0);
    }
    temporary(path);
    assert_int_equal(fb_gate_pairs_write(&all, path, &err), 0);
    assert_int_equal(fb_gate_pairs_read(path, &back, &err), 0);
    assert_int_equal(back.count, 9);
    assert_memory_equal(back.items, all.items, 9 * sizeof *all.items);
    free(back.items);
    assert_int_not_equal(fb_gate_records_read(path, &(struct fb_gate_records){ 0 }, &err), 0);
    all.items[0].schema_version++;
    assert_int_equal(fb_gate_pairs_write(&all, path, &err), 0);
    assert_int_not_equal(fb_gate_pairs_read(path, &back, &err), 0);
    assert_null(back.items);
    unlink(path);
    free(all.items);
}

static struct fb_gate_records mixed(void)
{
    struct fb_gate_records all = { 0 };
    strcpy(add(&all, "control", "regressed", 9)->arm, "A/A");
    add(&all, "same", "equivalent", 0.001);
    add(&all, "faster", "improved", -0.4);
    add(&all, "slower", "regressed", 0.1);
    add(&all, "much slower", "regressed", 0.5);
    add(&all, "slower of no number", "regressed", NAN);
    add(&all, "broken", "no data", NAN);
    add(&all, "of another time", "puzzled", 0.3);
    add(&all, "noisy", "inconclusive", 0.02);
    add(&all, "same again", "equivalent", 0.001);
    return all;
}

static void test_order(void **state)
{
    (void)state;
    static const char *const want[] = { "much slower",     "slower", "slower of no number",
                                        "of another time", "broken", "noisy",
                                        "faster",          "same",   "same again",
                                        "control" };
    struct fb_gate_records all = mixed();
    const struct fb_gate_record *rows[16];
    char text[256];
    fb_gate_sort(&all, rows);
    for (size_t i = 0; i < all.count; i++)
        assert_string_equal(rows[i]->cell, want[i]);
    assert_string_equal(
        fb_gate_sentence(&all, text, sizeof text),
        "9 cells: 3 regressed, 2 without data, 1 inconclusive, 1 improved, 2 equivalent");
    assert_true(fb_gate_control_differs(&all));
    strcpy(all.items[0].verdict, "equivalent");
    assert_false(fb_gate_control_differs(&all));
    free(all.items);
    all = (struct fb_gate_records){ 0 };
    fb_gate_sort(&all, rows);
    assert_string_equal(fb_gate_sentence(&all, text, sizeof text), "0 cells");
    assert_false(fb_gate_control_differs(&all));
}

static char *print(const struct fb_gate_records *all, bool colour, unsigned width)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fb_gate_print(stream, all, colour, width);
    fclose(stream);
    return text;
}

static size_t widest(const char *text)
{
    size_t most = 0, at = 0;
    for (; *text; text++) {
        at = *text == '\n' ? 0 : at + (((unsigned char)*text & 0xc0) != 0x80);
        most = at > most ? at : most;
    }
    return most;
}

static void test_table(void **state)
{
    (void)state;
    struct fb_gate_records all = mixed();
    struct fb_gate_record *slow = &all.items[4];
    slow->a_median_ns = 2000000;
    slow->b_median_ns = 3000000;
    slow->change_lower = 0.412;
    slow->change_upper = 0.6;
    slow->smallest_effect = 0.05;
    strcpy(slow->counters, "read calls 12 -> 13");
    strcpy(all.items[6].reason, "the worker of B died");
    char *text = print(&all, false, 100);
    assert_non_null(strstr(text, "much slower  "));
    assert_non_null(
        strstr(text, " 2.00 ms 3.00 ms  +50.0 %   +41.2 to +60.0   +5.0 %  regressed\n    read"));
    assert_non_null(
        strstr(text, "n/a                -      n/a  no data\n    the worker of B died\n"));
    assert_non_null(strstr(text, "\ncontrol A/A: control "));
    assert_true(strstr(text, "control A/A") > strstr(text, "same again"));
    assert_non_null(strstr(text, "\n\n9 cells: 3 regressed"));
    assert_non_null(strstr(text, "trust no row"));
    assert_null(strchr(text, '\033'));
    free(text);
    text = print(&all, false, 70);
    assert_null(strstr(text, "2.00 ms"));
    assert_non_null(strstr(text, "+50.0 %"));
    free(text);
    text = print(&all, true, 100);
    assert_non_null(strstr(text, "\033[31mmuch slower"));
    assert_non_null(strstr(text, "\033[32mfaster"));
    free(text);
    strcpy(all.items[0].verdict, "equivalent");
    text = print(&all, false, 100);
    assert_null(strstr(text, "trust no row"));
    free(text);
    free(all.items);
}

/* Text from files of ill will and numbers that are none, in every width. */
static void test_odd_table(void **state)
{
    (void)state;
    static const unsigned widths[] = { 0, 1, 60, 79, 80, 100, 160, 500, UINT32_MAX };
    static const double odd[] = { NAN,      0,      -1,      1e-300,  1e300, -INFINITY,
                                  INFINITY, 0.9994, 999.994, 999.996, 1e9 };
    struct fb_gate_records all = { 0 };
    for (size_t i = 0; i < 2 * sizeof odd / sizeof *odd; i++) {
        double value = odd[i / 2];
        struct fb_gate_record *record = add(&all, "", i % 2 ? "regressed" : "no data", value);
        record->change_lower = -value;
        record->change_upper = value;
        record->a_median_ns = i % 2 ? 0 : UINT64_MAX - 1;
        memset(record->cell, i % 3 ? '\033' : 'x', sizeof record->cell - 1);
        memset(record->verdict + (i % 2 ? 9 : 7), i % 5 ? '\0' : 'z', 4);
        memset(record->counters, i % 2 ? '\n' : 'y', sizeof record->counters - 1);
        memset(record->reason, i % 2 ? 'r' : '\t', sizeof record->reason - 1);
        strcpy(record->arm, i % 7 ? "A/B" : "A/A");
        for (size_t k = 0; i % 3 == 1 && k + 2 < sizeof record->cell; k += 2)
            memcpy(record->cell + k, "\xc3\xa9", 2);
    }
    for (size_t i = 0; i < 2000; i++)
        add(&all, "x", fb_gate_verdict_names[i % FB_ROW_VERDICTS], 0);
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        char *text = print(&all, false, widths[w]);
        size_t most = widths[w] == 0    ? 100
                      : widths[w] < 60  ? 60
                      : widths[w] > 160 ? 160
                                        : widths[w];
        assert_null(strchr(text, '\033'));
        assert_null(strchr(text, '\t'));
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        if (widest(text) > most)
            fail_msg("width %u: a line of %zu", widths[w], widest(text));
        free(text);
    }
    free(all.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_pairs_round_trip),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_table),
        cmocka_unit_test(test_odd_table),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
