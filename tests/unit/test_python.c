#include "base/python.h"
#include "base/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_an_interpreter_is_found(void **state)
{
    (void)state;
    char python[64];
    struct fb_error err;
    unsetenv("PYTHON");
    assert_int_equal(fb_python_find("sys, json", "a test", python, sizeof python, &err), 0);
    assert_non_null(strstr(python, "python3"));
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    char python[64];
    struct fb_error err;
    unsetenv("PYTHON");
    assert_int_equal(fb_python_find("sys, no_such", "a test", python, sizeof python, &err),
                     FB_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "a test needs a Python 3 with sys, no_such"));
    assert_non_null(strstr(err.message, "No module named 'no_such'"));
    assert_non_null(strstr(err.message, "python3-sys python3-no_such)"));
}

/* Who names an interpreter gets that one or a word about it, never another. */
static void test_a_named_one_is_the_only_one(void **state)
{
    (void)state;
    char python[64];
    struct fb_error err;
    setenv("PYTHON", "/nowhere/python3", 1);
    assert_int_equal(fb_python_find("sys", "a test", python, sizeof python, &err), FB_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "/nowhere/python3"));
    unsetenv("PYTHON");
}

static void test_what_is_shipped_is_found(void **state)
{
    (void)state;
    char path[4096];
    struct fb_error err;
    assert_int_equal(fb_share_find("formats/python/worker.py", path, sizeof path, &err), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(fb_share_find("formats/python/none.py", path, sizeof path, &err), FB_EIO);
    assert_non_null(strstr(err.message, "make install"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_interpreter_is_found),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_a_named_one_is_the_only_one),
        cmocka_unit_test(test_what_is_shipped_is_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
