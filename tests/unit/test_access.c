/* The mix of ways to read that `tune` is told: its text, what is refused, what is the default. */
#include "access_stage.h"

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *text;
    } cases[] = {
        { "whole", "whole" },
        { "whole:", "whole" },
        { "window", "window:axis=0,length=100,n=20" },
        { "index", "index:axis=0,n=20" },
        { "point", "point:n=100" },
        { "sample", "sample:n=10" },
        { " \t3 * window:length=64 \t", "3*window:axis=0,length=64,n=20" },
        { "3*window:axis=0,length=100 + index:axis=1 + point:n=50 + whole",
          "3*window:axis=0,length=100,n=20 + index:axis=1,n=20 + point:n=50 + whole" },
        { "whole+whole", "whole + whole" },
        { "1*whole+1.0*whole+01*whole", "whole + whole + whole" },
        { ".5*whole+2.*whole+0.25*whole", "0.5*whole + 2*whole + 0.25*whole" },
        { "0.000001*whole+1000000*whole", "0.000001*whole + 1000000*whole" },
        { "0.33333333333333*whole", "0.333333*whole" },
        { "999999.999999*whole", "999999.999999*whole" },
        { "0.9999999*whole", "whole" },
        { "100*whole", "100*whole" },
        { "index:axis=2x01", "index:axis=1x2,n=20" },
        { "index:n=007,axis=31", "index:axis=31,n=7" },
        { "window:axis=1,axis=2", "window:axis=2,length=100,n=20" },
        { "window:length=9223372036854775807", "window:axis=0,length=9223372036854775807,n=20" },
    };
    char text[FB_ACCESS_TEXT_MAX], again[FB_ACCESS_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_access access = parse(cases[i].spec);
        assert_string_equal(fb_access_text(&access, text, sizeof text), cases[i].text);
        struct fb_access back = parse(text);
        assert_string_equal(fb_access_text(&back, again, sizeof again), text);
        assert_int_equal(back.count, access.count);
        for (size_t k = 0; k < back.count; k++) {
            assert_ptr_equal(back.terms[k].pattern, access.terms[k].pattern);
            assert_true(back.terms[k].weight == access.terms[k].weight);
        }
        fb_access_free(&access);
        fb_access_free(&back);
    }
    struct fb_access access = parse("2*point + whole");
    assert_string_equal(fb_access_term_text(&access.terms[0], text, sizeof text), "2*point:n=100");
    assert_true(access.terms[0].weight == 2 && access.terms[1].weight == 1);
    fb_access_free(&access);
    assert_int_equal(access.count, 0);
}

/* The longest text that there can be fits, and is taken again. */
static void test_text_longest(void **state)
{
    (void)state;
    char spec[FB_ACCESS_TEXT_MAX] = "", text[FB_ACCESS_TEXT_MAX];
    for (int i = 0; i < FB_ACCESS_TERMS_MAX; i++) {
        strcat(spec, i ? "+" : "");
        strcat(spec, "999999.999999*window:axis=0");
        for (int k = 1; k < FB_MAX_RANK; k++)
            sprintf(spec + strlen(spec), "x%d", k);
        strcat(spec, ",length=9223372036854775807,n=1000000");
    }
    struct fb_access access = parse(spec);
    fb_access_text(&access, text, sizeof text);
    struct fb_access back = parse(text);
    assert_int_equal(back.count, FB_ACCESS_TERMS_MAX);
    assert_non_null(strstr(text + strlen(text) - 8, "1000000"));
    fb_access_free(&access);
    fb_access_free(&back);
}

static void test_patterns(void **state)
{
    (void)state;
    for (const struct fb_access_pattern *p = fb_access_patterns; p->name; p++) {
        assert_true(strlen(p->name) < 32 && *p->summary);
        assert_non_null(p->plan);
        assert_non_null(p->extent);
        for (const struct fb_option *option = p->options; option->name; option++)
            assert_true(*option->help);
        if (strcmp(p->name, "slabs") == 0)
            continue;
        struct fb_access access = parse(p->name);
        assert_ptr_equal(access.terms[0].pattern, p);
        fb_access_free(&access);
    }
}

static void refuse(const char *spec, const char *wants)
{
    struct fb_access access;
    struct fb_error err = { 0 };
    assert_int_equal(fb_access_parse(spec, &access, &err), FB_EUSAGE);
    if (!strstr(err.message, wants))
        fail_msg("'%.60s' is refused with '%s', which does not say '%s'", spec, err.message, wants);
    assert_int_equal(access.count, 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *wants;
    } cases[] = {
        { "", "term 1 is empty" },
        { "  ", "term 1 is empty" },
        { "+", "term 1 is empty" },
        { "whole+", "term 2 is empty" },
        { "whole + + whole", "term 2 is empty" },
        { "whole whole", "no pattern 'whole whole'" },
        { "whole + windw", "term 2: there is no pattern 'windw' (did you mean window?)" },
        { "whole + xylophonic", "window, index, point, whole, sample, slabs" },
        { "*window", "term 1: the weight before the * is missing" },
        { " * window", "weight before the * is missing" },
        { "3*", "term 1 has no pattern" },
        { "3*:n=1", "term 1 has no pattern" },
        { ":n=1", "term 1 has no pattern" },
        { "2*3*window", "no pattern '3*window'" },
        { "0*window", "is 0" },
        { "0.0000001*window", "is 0 when rounded to millionths" },
        { "-1*window", "'-1' is not a positive decimal number" },
        { "nan*window", "'nan' is not a positive" },
        { "inf*window", "'inf' is not a positive" },
        { "0x10*window", "not a positive" },
        { "1e3*window", "not a positive" },
        { "1,5*window", "'1,5' is not a positive" },
        { "1 0*window", "'1 0' is not a positive" },
        { "1.2.3*window", "not a positive" },
        { ".*window", "not a positive" },
        { "1000001*window", "at the most 1000000" },
        { "99999999999999999999999999999999999*window", "at the most 1000000" },
        { "whole + window:lenght=5",
          "term 2 (window) has no option 'lenght' (did you mean length" },
        { "whole:n=3", "term 1 (whole) takes no options" },
        { "window:length=0", "term 1 (window): length=0 is not an integer from 1" },
        { "window:length=9223372036854775808", "length=9223372036854775808 is not" },
        { "window:length=99999999999999999999999", "is not an integer" },
        { "window:length=-1", "is not an integer" },
        { "window:length=", "needs a value" },
        { "window:length", "needs a value" },
        { "window:n=0", "n=0 is not" },
        { "window:n=1000001", "is not an integer from 1 to 1000000" },
        { "window:axis=32", "cannot take axis=32" },
        { "index:axis=1x1", "none twice" },
        { "index:axis=1x", "cannot take axis=1x" },
        { "index:axis=x1", "cannot take" },
        { "index:axis=1y2", "cannot take" },
        { "index:axis=-1", "cannot take" },
        { "index:axis=99999999999999999999", "cannot take" },
        { "window:n=3,", "end in a comma" },
        { "slabs", "term 1 (slabs) needs a list, as in slabs:file=" },
        { "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "too long" },
        { "a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a", "no pattern 'a'" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(cases[i].spec, cases[i].wants);
    refuse(NULL, "term 1 is empty");
    refuse("whole+whole+whole+whole+whole+whole+whole+whole+whole+whole+whole+whole+whole+whole+"
           "whole+whole+whole",
           "more than 16 terms");
}

/* A megabyte of one character, as a whole spec and inside a term. */
static void test_refused_huge(void **state)
{
    (void)state;
    static const struct {
        char filling;
        const char *before, *wants;
    } cases[] = {
        { '+', "", "term 1 is empty" },
        { '*', "", "too long" },
        { 'a', "", "too long" },
        { '9', "", "too long" },
        { ' ', "", "term 1 is empty" },
        { 'a', "whole + window:", "term 2" },
        { '1', "window:length=", "too long" },
        { ',', "window:n=3", "too long" },
    };
    size_t size = 1 << 20;
    char *spec = malloc(size + 64);
    assert_non_null(spec);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t used = (size_t)sprintf(spec, "%s", cases[i].before);
        memset(spec + used, cases[i].filling, size);
        spec[used + size] = '\0';
        refuse(spec, cases[i].wants);
    }
    free(spec);
    /* Blanks around a term are none of it. */
    char wide[2000];
    snprintf(wide, sizeof wide, "%900s%900s", "whole", "");
    struct fb_access access = parse(wide);
    assert_int_equal(access.count, 1);
    fb_access_free(&access);
}

static void test_default(void **state)
{
    (void)state;
    struct fb_catalog catalog;
    struct fb_access access;
    struct fb_error err = { 0 };
    char text[FB_ACCESS_TEXT_MAX];
    fill(&catalog);
    assert_int_equal(fb_access_default(&catalog, &access, &err), 0);
    assert_string_equal(fb_access_text(&access, text, sizeof text),
                        "window:axis=0,length=100,n=20 + sample:n=10 + whole");
    assert_int_equal(fb_access_check(&access, &catalog, &err), 0);
    fb_access_free(&access);
    fb_catalog_free(&catalog);
    ADD(&catalog, "", "stack", 31, 512, 512);
    ADD(&catalog, "", "none", 4000, 0);
    ADD(&catalog, "x", "x/none", 4000, 0);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    assert_int_equal(fb_access_default(&catalog, &access, &err), 0);
    assert_string_equal(fb_access_text(&access, text, sizeof text),
                        "window:axis=0,length=16,n=20 + whole");
    assert_int_equal(fb_access_check(&access, &catalog, &err), 0);
    fb_access_free(&access);
    fb_catalog_free(&catalog);
    add(&catalog, "", "one", 0, (uint64_t[]){ 0 });
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    assert_int_equal(fb_access_default(&catalog, &access, &err), 0);
    assert_string_equal(fb_access_text(&access, text, sizeof text), "whole");
    fb_access_free(&access);
    fb_catalog_free(&catalog);
    assert_int_equal(fb_access_default(&catalog, &access, &err), 0);
    assert_int_equal(fb_access_check(&access, &catalog, &err), 0);
    fb_access_free(&access);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),         cmocka_unit_test(test_text_longest),
        cmocka_unit_test(test_patterns),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_huge), cmocka_unit_test(test_default),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
