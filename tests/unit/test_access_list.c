/* Lists of slabs, as a way to read. */
#include "access_stage.h"

static char list_path[] = "/tmp/fmtbench-slabs-XXXXXX";
static char list_spec[64];

static void write_list(const char *text, size_t length)
{
    FILE *file = fopen(list_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static int make_list(void **state)
{
    (void)state;
    strcpy(list_path + sizeof list_path - 7, "XXXXXX");
    int fd = mkstemp(list_path);
    snprintf(list_spec, sizeof list_spec, "slabs:file=%s", list_path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_list(void **state)
{
    (void)state;
    return unlink(list_path);
}

#define LIST(text) write_list(text, sizeof(text) - 1)

static void test_list(void **state)
{
    (void)state;
    static const char text[] = "# what the viewer reads\n"
                               "\n"
                               "a/face\t10 0 1\t5 68 1\r\n"
                               "/*/aus\t0  3\t300 1\n"
                               "#a/aus\tx\n"
                               "*\t7 0\t2 2";
    static const struct {
        const char *array;
        uint64_t start[3], count[3];
    } wants[] = {
        { "a/face", { 10, 0, 1 }, { 5, 68, 1 } }, { "a/aus", { 0, 3 }, { 300, 1 } },
        { "b/aus", { 0, 3 }, { 300, 1 } },        { "a/aus", { 7, 0 }, { 2, 2 } },
        { "a/short", { 7, 0 }, { 2, 2 } },        { "b/aus", { 7, 0 }, { 2, 2 } },
    };
    struct fb_catalog catalog;
    struct fb_plan plan;
    struct fb_error err = { 0 };
    char canonical[FB_ACCESS_TERM_MAX], reason[256];
    uint64_t count[FB_MAX_RANK];
    fill(&catalog);
    write_list(text, sizeof text - 1);
    make(list_spec, &catalog, &plan);
    assert_int_equal(plan.count, sizeof wants / sizeof *wants);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_request *r = &plan.requests[i];
        assert_string_equal(r->array, wants[i].array);
        assert_memory_equal(r->start, wants[i].start, r->rank * sizeof *r->start);
        assert_memory_equal(r->count, wants[i].count, r->rank * sizeof *r->count);
    }
    fb_plan_free(&plan);
    assert_int_equal(plan_of(list_spec, &catalog, 1, 2000, &plan, reason, &err), 0);
    assert_int_equal(plan.count, 1);
    fb_plan_free(&plan);
    struct fb_access access = parse(list_spec);
    assert_string_equal(fb_access_term_text(&access.terms[0], canonical, sizeof canonical),
                        list_spec);
    assert_int_equal(fb_access_check(&access, &catalog, &err), 0);
    assert_true(fb_access_extent(&access.terms[0], fb_catalog_find(&catalog, "b/aus"), count));
    assert_int_equal(count[0], 300);
    assert_int_equal(count[1], 2);
    assert_false(fb_access_extent(&access.terms[0], fb_catalog_find(&catalog, "b/face"), count));
    assert_int_equal(count[0], 0);
    fb_access_free(&access);
    fb_catalog_free(&catalog);
}

/* A path that looks like a pattern is that array alone. */
static void test_list_exact(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    struct fb_error err = { 0 };
    ADD(&catalog, "", "x[1]", 20);
    ADD(&catalog, "", "x1", 10);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    LIST("x[1]\t0\t1\nx[12]\t1\t1\n");
    make(list_spec, &catalog, &plan);
    assert_int_equal(plan.count, 2);
    assert_string_equal(plan.requests[0].array, "x[1]");
    assert_string_equal(plan.requests[1].array, "x1");
    fb_plan_free(&plan);
    /* The other one is too short for the slab, and not asked. */
    LIST("x[1]\t10\t10\n");
    struct fb_access access = parse(list_spec);
    assert_int_equal(fb_access_check(&access, &catalog, &err), 0);
    fb_access_free(&access);
    fb_catalog_free(&catalog);
}

/* The file's own array has 1000 x 80; what is measured is a piece of it. */
static void test_list_cropped(void **state)
{
    (void)state;
    struct fb_catalog whole = { 0 }, cropped = { 0 };
    struct fb_plan plan;
    struct fb_error err = { 0 };
    char reason[256];
    uint64_t count[FB_MAX_RANK];
    ADD(&whole, "", "x", 1000, 80);
    ADD(&cropped, "", "x", 100, 60);
    assert_int_equal(fb_catalog_finish(&whole, NULL), 0);
    assert_int_equal(fb_catalog_finish(&cropped, NULL), 0);
    LIST("x\t955 70\t30 10\nx\t0 0\t1 80\n");
    make(list_spec, &cropped, &plan);
    assert_int_equal(plan.requests[0].start[0], 955 % 71);
    assert_int_equal(plan.requests[0].start[1], 70 % 51);
    assert_int_equal(plan.requests[0].count[0], 30);
    assert_int_equal(plan.requests[1].start[1], 0);
    assert_int_equal(plan.requests[1].count[1], 60);
    fb_plan_free(&plan);
    struct fb_access access = parse(list_spec);
    assert_int_equal(fb_access_check(&access, &whole, &err), 0);
    assert_int_equal(fb_access_check(&access, &cropped, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, ":1: array x: 30 elements from 955 do not fit axis 0"));
    assert_true(fb_access_extent(&access.terms[0], &whole.arrays[0], count));
    assert_int_equal(count[0], 30);
    assert_int_equal(count[1], 80);
    fb_access_free(&access);
    /* None of its arrays: nothing to measure; before that, the check says what was meant. */
    LIST("# 1\nxx\t0 0\t1 1\n");
    assert_int_equal(plan_of(list_spec, &cropped, 1, 0, &plan, reason, &err), 0);
    assert_int_equal(plan.count, 0);
    assert_non_null(strstr(reason, "no slab"));
    access = parse(list_spec);
    assert_int_equal(fb_access_check(&access, &whole, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, ":2: there is no array 'xx' (did you mean x?)"));
    fb_access_free(&access);
    LIST("x\t0\t1\n");
    access = parse(list_spec);
    assert_int_equal(fb_access_check(&access, &whole, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, ":1: no array with elements that 'x' names has 1 axis"));
    fb_access_free(&access);
    fb_catalog_free(&whole);
    fb_catalog_free(&cropped);
}

static void refuse_list(const char *wants)
{
    struct fb_access access;
    struct fb_error err = { 0 };
    assert_int_equal(fb_access_parse(list_spec, &access, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, list_path));
    if (!strstr(err.message, wants))
        fail_msg("'%s' does not say '%s'", err.message, wants);
    assert_int_equal(access.count, 0);
}

static void test_list_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wants;
    } cases[] = {
        { "", "there is no slab" },
        { "# nothing\n\n", "there is no slab" },
        { "x 0 1\n", ":1: a slab is ARRAY<TAB>" },
        { "# a\nx\t0\n", ":2: a slab is" },
        { "x\t0\t1\t2\n", ":1: a slab is" },
        { "\t0\t1\n", ":1: the array has no name" },
        { "/\t0\t1\n", ":1: the array has no name" },
        { "x\t\t\n", ":1: START is not" },
        { "x\t0\t\n", ":1: COUNT is not" },
        { "x\t-1\t1\n", ":1: START is not" },
        { "x\t0\t1.5\n", ":1: COUNT is not" },
        { "x\t0\t99999999999999999999999\n", ":1: COUNT is not" },
        { "x\t0 0\t1\n", ":1: START and COUNT have" },
        { "x\t0 0\t1 0\n", ":1: a count is 0" },
        { "x\t1\t18446744073709551615\n", ":1: START and COUNT together" },
        { "x\t0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\t1\n",
          ":1: START is not 1 to 32" },
    };
    struct fb_access access;
    struct fb_error err = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_list(cases[i].text, strlen(cases[i].text));
        refuse_list(cases[i].wants);
    }
    LIST("x\t0\t1\nx\t0\t1\0\n");
    refuse_list(":2: not text");
    unlink(list_path);
    assert_int_equal(fb_access_parse(list_spec, &access, &err), FB_EIO);
    assert_non_null(strstr(err.message, list_path));
    LIST("x\t0\t1\n");
    assert_int_equal(fb_access_parse("slabs:file=/dev", &access, &err), FB_EIO);
    assert_int_equal(fb_access_parse("slabs:file=/nowhere/a*b: c", &access, &err), FB_EIO);
    assert_non_null(strstr(err.message, "/nowhere/a*b: c"));
    /* Lists that were read by then are freed. */
    char spec[128];
    snprintf(spec, sizeof spec, "%s + nonsense", list_spec);
    assert_int_equal(fb_access_parse(spec, &access, &err), FB_EUSAGE);
}

static void test_list_huge(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    size_t size = (1 << 20) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < 10001; i++)
        memcpy(text + 6 * i, "x\t0\t1\n", 6);
    ADD(&catalog, "", "x", 10);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    write_list(text, (size_t)6 * 10000);
    make(list_spec, &catalog, &plan);
    assert_int_equal(plan.count, 10000);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    write_list(text, (size_t)6 * 10001);
    refuse_list(":10001: a list of slabs has at the most 10000 lines");
    memset(text, 'x', size);
    write_list(text, size);
    refuse_list("1048577 bytes are more");
    write_list(text, size - 1);
    refuse_list(":1: a slab is");
    strcpy(text + size - 6, "\t0\t1\n");
    write_list(text, size - 1);
    refuse_list(":1: the name of the array is longer");
    free(text);
}

#define WITH_LIST(test) cmocka_unit_test_setup_teardown(test, make_list, remove_list)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_LIST(test_list),         WITH_LIST(test_list_exact), WITH_LIST(test_list_cropped),
        WITH_LIST(test_list_refused), WITH_LIST(test_list_huge),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
