/* What hyperfine is told and what it answers, honest or not; no hyperfine is needed for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/hyperfine.h"

#include <stdlib.h>
#include <string.h>

static void test_version(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool right, no_shell;
    } cases[] = {
        { "hyperfine 1.15.0\n", true, true },  { "hyperfine 1.13.0", true, true },
        { "hyperfine 1.12.0\n", true, false }, { "hyperfine 2.0.0\n", true, true },
        { "hyperfine 1\n", false, false },     { "hyperfine x.y\n", false, false },
        { "sh: not found\n", false, false },   { "", false, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_hyperfine found;
        assert_int_equal(fb_hyperfine_parse_version(cases[i].text, &found), cases[i].right);
        assert_int_equal(cases[i].right && found.no_shell, cases[i].no_shell);
    }
}

/* What a shell makes of quoted words is what they were. */
static void test_quote(void **state)
{
    (void)state;
    static const char *const words[] = { "plain",       "two words",      "",      "it's",
                                         "'",           "a\"b\\c$(d)`e`", "-dash", "{brace}",
                                         "line\nbreak", "*?~#;&|" };
    size_t count = sizeof words / sizeof *words;
    char *text, *command, got[512] = "", expected[512] = "";
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    for (size_t i = 0; i < count; i++) {
        fb_hyperfine_quote(stream, words[i]);
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "<%s>", words[i]);
    }
    fclose(stream);
    assert_true(asprintf(&command, "printf '<%%s>' %s", text) > 0);
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    got[fread(got, 1, sizeof got - 1, shell)] = '\0';
    assert_int_equal(pclose(shell), 0);
    assert_string_equal(got, expected);
    free(command);
    free(text);
}

static int take(const char *json, uint64_t runs, uint64_t **ns)
{
    struct fb_error err = { 0 };
    int rc = fb_hyperfine_times(json, strlen(json), runs, ns, &err);
    assert_int_equal(rc, rc ? FB_EFORMAT : 0);
    assert_int_equal(err.message[0] != '\0', rc != 0);
    return rc;
}

static void test_times(void **state)
{
    (void)state;
    uint64_t *ns;
    assert_int_equal(
        take("{\"results\":[{\"command\":\"x\",\"mean\":0.5,\"times\":[0.0025009424, 1,"
             "0.0],\"exit_codes\":[0,0,0],\"more\":{}}]}",
             3, &ns),
        0);
    assert_int_equal(ns[0], 2500942);
    assert_int_equal(ns[1], 1000000000);
    assert_int_equal(ns[2], 0);
    free(ns);
    /* An older one tells no exit codes. */
    assert_int_equal(take("{\"results\":[{\"times\":[0.25]}]}", 1, &ns), 0);
    assert_int_equal(ns[0], 250000000);
    free(ns);
}

static void test_hostile(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "null",
        "[]",
        "\"results\"",
        "{}",
        "{\"results\":{}}",
        "{\"results\":[]}",
        "{\"results\":[[]]}",
        "{\"results\":[{}]}",
        "{\"results\":[{\"times\":0.1}]}",
        "{\"results\":[{\"times\":{}}]}",
        "{\"results\":[{\"times\":[]}]}",
        "{\"results\":[{\"times\":[0.1]}]}",
        "{\"results\":[{\"times\":[0.1,0.1,0.1]}]}",
        "{\"results\":[{\"times\":[0.1,0.1]},{\"times\":[0.1,0.1]}]}",
        "{\"results\":[{\"times\":[0.1,-0.1]}]}",
        "{\"results\":[{\"times\":[0.1,1e10]}]}",
        "{\"results\":[{\"times\":[0.1,1e308]}]}",
        "{\"results\":[{\"times\":[0.1,1e999]}]}",
        "{\"results\":[{\"times\":[0.1,99999999999999999999]}]}",
        "{\"results\":[{\"times\":[0.1,NaN]}]}",
        "{\"results\":[{\"times\":[0.1,\"NaN\"]}]}",
        "{\"results\":[{\"times\":[0.1,\"0.1\"]}]}",
        "{\"results\":[{\"times\":[0.1,null]}]}",
        "{\"results\":[{\"times\":[0.1,[0.1]]}]}",
        "{\"results\":[{\"times\":[0.1,true]}]}",
        "{\"results\":[{\"times\":[0.1,0.1],\"exit_codes\":[0,1]}]}",
        "{\"results\":[{\"times\":[0.1,0.1],\"exit_codes\":[0,null]}]}",
        "{\"results\":[{\"times\":[0.1,0.1],\"exit_codes\":[\"0\",0]}]}",
        "{\"results\":[{\"times\":[0.1,0.1]}]} and more",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t *ns = (uint64_t *)(void *)state;
        if (take(texts[i], 2, &ns) == 0)
            fail_msg("taken: %s", texts[i]);
        assert_null(ns);
    }
    /* A text that ends early, wherever that is. */
    static const char whole[] = "{\"results\":[{\"times\":[0.1,0.2],\"exit_codes\":[0,0]}]}";
    for (size_t length = 0; length + 1 < sizeof whole; length++) {
        uint64_t *ns;
        assert_int_equal(fb_hyperfine_times(whole, length, 2, &ns, NULL),
                         length + 1 == sizeof whole ? 0 : FB_EFORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_hostile),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
