#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Clopper & Pearson: of 0 of n the upper end is 1 - 0.025^(1/n), of n of n the lower 0.025^(1/n).
 */
static void test_share(void **state)
{
    (void)state;
    double lower, upper;
    fb_share_interval(0, 55, &lower, &upper);
    assert_true(lower == 0 && fabs(upper - (1 - pow(0.025, 1.0 / 55))) < 1e-9);
    fb_share_interval(30, 30, &lower, &upper);
    assert_true(upper == 1 && fabs(lower - pow(0.025, 1.0 / 30)) < 1e-9);
    /* Symmetric, and 8 of 20 as tables have it. */
    fb_share_interval(8, 20, &lower, &upper);
    assert_true(fabs(lower - 0.1912) < 1e-4 && fabs(upper - 0.6395) < 1e-4);
    fb_share_interval(0, 0, &lower, &upper);
    assert_true(lower == 0 && upper == 1);
}

static void add(struct fb_selftest_records *all, const char *kind, double injected, double effect,
                const char *verdict, const char *control)
{
    struct fb_selftest_record row;
    struct fb_error err;
    fb_selftest_record_init(&row);
    row.trial = all->count + 1;
    strcpy(row.kind, kind);
    row.injected = injected;
    row.smallest_effect = effect;
    strcpy(row.verdict, verdict);
    strcpy(row.control, control);
    row.wall_ns = 4000000000;
    row.load_permille = 500;
    if (strcmp(kind, "extra-read") == 0)
        strcpy(row.counters, "read calls 1 -> 2");
    assert_int_equal(fb_selftest_records_add(all, &row, &err), 0);
}

/* Ten of identical sides, that state 1 to 10 %: nine of ten state up to 9. */
static struct fb_selftest_records trials(void)
{
    struct fb_selftest_records all = { 0 };
    for (int i = 10; i >= 1; i--)
        add(&all, "identical", 0, i / 100.0, i == 3 ? "regressed" : "equivalent", "inconclusive");
    add(&all, "identical", 0, NAN, "inconclusive", "regressed");
    add(&all, "slow-down", 0.09, 0.08, "regressed", "equivalent");
    add(&all, "slow-down", 0.09, 0.10, "inconclusive", "improved");
    add(&all, "slow-down", 0.09, NAN, "regressed", "equivalent");
    add(&all, "extra-read", 0, 0.05, "regressed", "equivalent");
    return all;
}

static void test_rates(void **state)
{
    (void)state;
    struct fb_selftest_records all = trials(), none = { 0 };
    char *text;
    size_t size;
    assert_true(fb_selftest_effect(&all) == 0.09);
    assert_true(isnan(fb_selftest_effect(&none)));
    assert_int_equal(fb_selftest_count(&all, "identical", NULL), 11);
    assert_int_equal(fb_selftest_count(&all, "slow-down", "regressed"), 2);
    FILE *out = open_memstream(&text, &size);
    fb_selftest_print(out, &all);
    fclose(out);
    assert_non_null(strstr(text, "called regressed                1 of   11"));
    assert_non_null(strstr(text, "slow-downs found                                2 of    3"));
    /* Only what stated so much, and stated something, owes it. */
    assert_non_null(strstr(text, "at least as large as stated          1 of    1"));
    assert_non_null(strstr(text, "extra reads reported                            1 of    1"));
    assert_non_null(strstr(text, "alarms of A against A                           2 of   15"));
    assert_non_null(strstr(text, "took 4.0 s, the machine's load was 0.50"));
    free(text);
    free(all.items);
}

static void test_file(void **state)
{
    (void)state;
    struct fb_selftest_records all = trials(), back;
    struct fb_error err;
    char path[] = "/tmp/fmtbench-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(fb_selftest_records_write(&all, path, &err), 0);
    assert_int_equal(fb_selftest_records_read(path, &back, &err), 0);
    assert_int_equal(back.count, all.count);
    assert_string_equal(back.items[12].control, "improved");
    assert_true(isnan(back.items[10].smallest_effect) && back.items[11].injected == 0.09);
    free(back.items);
    assert_int_equal(truncate(path, 900), 0);
    assert_int_equal(fb_selftest_records_read(path, &back, &err), FB_EFORMAT);
    assert_true(back.items == NULL && back.count == 0);
    free(all.items);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_file),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
