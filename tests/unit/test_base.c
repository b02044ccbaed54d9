#include "base/error.h"
#include "base/number.h"
#include "base/options.h"
#include "base/output.h"
#include "base/random.h"
#include "base/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_errors(void **state)
{
    (void)state;
    struct fb_error err;
    assert_int_equal(fb_fail(&err, FB_EFORMAT, "a %s\n\033[1mb", "x"), FB_EFORMAT);
    assert_string_equal(err.message, "a x??[1mb");
    assert_int_equal(fb_fail_in(&err, "file %d", 7), FB_EFORMAT);
    assert_string_equal(err.message, "file 7: a x??[1mb");
    errno = ENOENT;
    assert_int_equal(fb_fail_errno(&err, "cannot open"), FB_EIO);
    assert_string_equal(err.message, "cannot open: No such file or directory");
    errno = ENOMEM;
    assert_int_equal(fb_fail_errno(NULL, "cannot open"), FB_EMEMORY);
    assert_int_equal(fb_exit_code(0), 0);
    assert_int_equal(fb_exit_code(FB_EIO), 1);
    assert_int_equal(fb_exit_code(FB_EUSAGE), 2);
    assert_int_equal(fb_exit_code(FB_ENOTHING), 4);
}

static void test_parse_numbers(void **state)
{
    (void)state;
    uint64_t n, last;
    double d;
    assert_true(fb_parse_u64("18446744073709551615", &n) && n == UINT64_MAX);
    static const char *const bad[] = { "", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(fb_parse_u64(bad[i], &n));
    assert_true(fb_parse_size("256MB", &n) && n == 256000000);
    assert_true(fb_parse_size("2GiB", &n) && n == UINT64_C(2) << 30);
    assert_true(fb_parse_size("7", &n) && n == 7);
    assert_false(fb_parse_size("99999999TB", &n));
    assert_false(fb_parse_size("1.5GB", &n));
    assert_false(fb_parse_size("GB", &n));
    assert_true(fb_parse_range("3:5", &n, &last) && n == 3 && last == 5);
    assert_true(fb_parse_range(":", &n, &last) && n == 0 && last == UINT64_MAX);
    assert_false(fb_parse_range("5:3", &n, &last));
    assert_false(fb_parse_range("5", &n, &last));
    assert_false(fb_parse_range("1:2:3", &n, &last));
    assert_true(fb_parse_double(" 0.1\tx", 5, &d) && d == 0.1);
    assert_true(fb_parse_double("-1e-3", 5, &d) && d == -1e-3);
    assert_false(fb_parse_double("nan", 3, &d));
    assert_false(fb_parse_double("1e999", 5, &d));
    assert_false(fb_parse_double("0x10", 4, &d));
    assert_false(fb_parse_double("1 2", 3, &d));
    assert_false(fb_parse_double("", 0, &d));
}

static void test_arithmetic_and_units(void **state)
{
    (void)state;
    char buf[32];
    uint64_t n;
    assert_false(fb_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 32, &n));
    assert_true(fb_mul_u64(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &n));
    assert_false(fb_add_u64(UINT64_MAX, 1, &n));
    assert_string_equal(fb_format_bytes(999, buf, sizeof buf), "999 B");
    assert_string_equal(fb_format_bytes(25100000, buf, sizeof buf), "25.1 MB");
    assert_string_equal(fb_format_bytes(999600, buf, sizeof buf), "1.00 MB");
    assert_string_equal(fb_format_ns(1234567, buf, sizeof buf), "1.23 ms");
}

static bool no_x(const char *value)
{
    return !strchr(value, 'x');
}

static const struct fb_option table[] = {
    { "level", FB_OPTION_UINT, "4", 0, 9, NULL, NULL, "gzip level" },
    { "mode", FB_OPTION_CHOICE, "a", 0, 0, "a|bc", NULL, "how" },
    { "text", FB_OPTION_TEXT, "", 0, 0, NULL, no_x, "anything without x" },
    { "later", FB_OPTION_LATER_CHOICE, "old", 0, 0, "old|new", NULL, "what came after records" },
    { 0 },
};

static void test_options(void **state)
{
    (void)state;
    struct fb_options options;
    struct fb_error err;
    char buf[128];
    assert_int_equal(fb_options_parse(table, "format f", "", &options, &err), 0);
    assert_string_equal(fb_options_canonical(&options, buf, sizeof buf), "level=4,mode=a");
    assert_int_equal(fb_options_parse(table, "format f", "text=t,level=9,mode=bc", &options, &err),
                     0);
    assert_string_equal(fb_options_canonical(&options, buf, sizeof buf), "level=9,mode=bc,text=t");
    assert_int_equal(fb_options_parse(table, "format f", "later=new", &options, &err), 0);
    assert_string_equal(fb_options_canonical(&options, buf, sizeof buf),
                        "level=4,mode=a,later=new");
    assert_int_equal(fb_options_parse(table, "format f", "level=9,later=old", &options, &err), 0);
    assert_string_equal(fb_options_canonical(&options, buf, sizeof buf), "level=9,mode=a");
    assert_string_equal(fb_options_text(&options, "later"), "old");
    assert_int_equal(fb_options_uint(&options, "level"), 9);
    assert_true(fb_options_has(&options, "mode"));
    assert_false(fb_options_has(&options, "nope"));
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "level=10", "0 to 9" },
        { "level=", "needs a value" },
        { "mode=b", "a|bc" },
        { "later=next", "old|new" },
        { "text=x", "anything without x" },
        { "levle=1", "did you mean level" },
        { "level=1,", "end in a comma" },
        { "zzzzzzzz=1", "level, mode, text, later" },
        { "level", "needs a value" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fb_options_parse(table, "format f", bad[i].text, &options, &err),
                         FB_EUSAGE);
        if (!strstr(err.message, bad[i].says) || !strstr(err.message, "format f"))
            fail_msg("%s: %s", bad[i].text, err.message);
    }
    char name[8];
    const char *rest;
    assert_int_equal(fb_spec_split("raw:a=b:c", name, sizeof name, &rest, &err), 0);
    assert_string_equal(name, "raw");
    assert_string_equal(rest, "a=b:c");
    assert_int_equal(fb_spec_split(":a", name, sizeof name, &rest, &err), FB_EUSAGE);
    assert_int_equal(fb_spec_split("12345678", name, sizeof name, &rest, &err), FB_EUSAGE);
}

static char folder[] = "/tmp/fmtbench-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static char *inside(const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

static void put_text(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
}

static void check_text(const char *path, const char *want)
{
    char *text;
    size_t length;
    assert_int_equal(fb_read_file(path, 100, &text, &length, NULL), 0);
    assert_string_equal(text, want);
    free(text);
}

static void test_output(void **state)
{
    (void)state;
    struct fb_output output;
    struct fb_error err;
    char *path = inside("x"), *below = inside("no/x"), *deep = inside("a/b//c"), pid[32];
    put_text(path, "old");
    assert_int_equal(fb_output_begin(&output, path, &err), 0);
    snprintf(pid, sizeof pid, "x.tmp-%ld-", (long)getpid());
    assert_non_null(strstr(output.temp, pid));
    put_text(output.temp, "new");
    check_text(path, "old");
    fb_output_abort(&output);
    check_text(path, "old");
    assert_int_equal(fb_output_begin(&output, path, &err), 0);
    put_text(output.temp, "new");
    assert_int_equal(fb_output_commit(&output, &err), 0);
    fb_output_abort(&output);
    check_text(path, "new");
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666 & ~mask);
    assert_int_equal(fb_output_begin(&output, folder, &err), FB_EIO);
    fb_output_abort(&output);
    assert_int_equal(fb_output_begin(&output, below, &err), FB_EIO);
    assert_int_equal(fb_output_begin(&output, "", &err), FB_EUSAGE);
    char *text;
    size_t length;
    assert_int_equal(fb_read_file(path, 2, &text, &length, &err), FB_EFORMAT);
    assert_int_equal(fb_read_file(folder, 2, &text, &length, &err), FB_EIO);
    char *pipe_path = inside("pipe");
    FILE *stream;
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    alarm(20); /* opening it would wait for a writer */
    assert_int_equal(fb_read_file(pipe_path, 2, &text, &length, &err), FB_EIO);
    assert_int_equal(fb_open_regular(pipe_path, &stream, &err), FB_EIO);
    assert_int_equal(fb_open_regular("/dev/zero", &stream, &err), FB_EIO);
    assert_non_null(strstr(err.message, "/dev/zero: it is no regular file"));
    alarm(0);
    unlink(pipe_path);
    free(pipe_path);
    assert_int_equal(fb_make_folder(deep, &err), 0);
    assert_int_equal(fb_make_folder(deep, &err), 0);
    assert_int_equal(fb_make_folder(path, &err), FB_EIO);
    unlink(path);
    /* Files go, also without a suffix, and a folder that has a folder stays. */
    char *file = inside("a/b/.hidden");
    FILE *hidden = fopen(file, "w");
    assert_non_null(hidden);
    fclose(hidden);
    free(deep);
    deep = inside("a/b");
    fb_remove_folder(deep);
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(access(deep, F_OK), 0);
    free(file);
    free(deep);
    deep = inside("a/b/c");
    fb_remove_folder(deep);
    deep[strlen(deep) - 2] = '\0';
    fb_remove_folder(deep);
    assert_int_equal(access(deep, F_OK), -1);
    deep[strlen(deep) - 2] = '\0';
    fb_remove_folder(deep);
    fb_remove_folder(deep);
    assert_int_equal(access(deep, F_OK), -1);
    free(path);
    free(below);
    free(deep);
}

/* The reference implementation's output for splitmix64-seeded xoshiro256**, seed 1. */
static void test_random(void **state)
{
    (void)state;
    struct fb_random a, b;
    fb_random_seed(&a, 1);
    assert_int_equal(fb_random_next(&a), UINT64_C(0xb3f2af6d0fc710c5));
    assert_int_equal(fb_random_next(&a), UINT64_C(0x853b559647364cea));
    fb_random_seed(&a, 5);
    fb_random_seed(&b, 5);
    size_t items[50], seen = 0;
    for (size_t i = 0; i < 50; i++)
        items[i] = i;
    fb_random_shuffle(&a, items, 50);
    for (size_t i = 0; i < 50; i++)
        seen |= (size_t)1 << items[i];
    assert_int_equal(seen, ((size_t)1 << 50) - 1);
    unsigned counts[3] = { 0 };
    for (int i = 0; i < 30000; i++) {
        counts[fb_random_below(&b, 3)]++;
        double unit = fb_random_unit(&b);
        assert_true(unit >= 0 && unit < 1);
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(counts[i], 9700, 10300);
    assert_int_not_equal(fb_random_stream(1, 0), fb_random_stream(1, 1));
}

static void test_colour(void **state)
{
    (void)state;
    enum fb_colour mode;
    assert_true(fb_colour_parse("never", &mode) && mode == FB_COLOUR_NEVER);
    assert_false(fb_colour_parse("", &mode));
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_false(fb_terminal_colour(file, FB_COLOUR_AUTO));
    assert_true(fb_terminal_colour(file, FB_COLOUR_ALWAYS));
    assert_int_equal(fb_terminal_width(file), 0);
    fb_print_text(file, "a\033\n\x7f\xc3\xa4");
    rewind(file);
    char buf[16] = "";
    assert_non_null(fgets(buf, sizeof buf, file));
    assert_string_equal(buf, "a???\xc3\xa4");
    fclose(file);
}

static void test_time_left(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        uint64_t done, total;
        const char *left;
    } cases[] = { { 1.9, 50, 100, "" },      { 10, 2, 100, "" },      { 10, 0, 0, "" },
                  { 10, 101, 100, "" },      { 10, 50, 100, "10 s" }, { 10, 100, 100, "0 s" },
                  { 89, 1, 2, "89 s" },      { 91, 1, 2, "2 min" },   { 30, 3, 10, "70 s" },
                  { 5399, 1, 2, "90 min" },  { 5401, 1, 2, "2 h" },   { 1e9, 1, 2, "277778 h" },
                  { 1e9, 0, UINT64_MAX, "" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char left[32];
        fb_time_left((uint64_t)(cases[i].seconds * 1e9), cases[i].done, cases[i].total, left,
                     sizeof left);
        assert_string_equal(left, cases[i].left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_parse_numbers),
        cmocka_unit_test(test_arithmetic_and_units),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_time_left),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
