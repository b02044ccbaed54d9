/* The plans that come of a mix of ways to read, on paper. */
#include "access_stage.h"

static void test_window(void **state)
{
    (void)state;
    struct fb_catalog catalog;
    struct fb_plan plan;
    fill(&catalog);
    make("window:length=100,n=20", &catalog, &plan);
    assert_int_equal(plan.count, 20);
    assert_int_equal(repeats(&plan, 0, 20), 0);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_request *r = &plan.requests[i];
        assert_int_equal(r->count[0], 100);
        assert_int_equal(r->count[1], fb_catalog_find(&catalog, r->array)->dims[1]);
        assert_int_equal(r->start[1], 0);
        assert_false(r->joined);
    }
    /* Of the four arrays that are long enough, each as often. */
    assert_int_equal(times(&plan, "a/face"), 5);
    assert_int_equal(times(&plan, "a/aus"), 5);
    assert_int_equal(times(&plan, "b/face"), 5);
    assert_int_equal(times(&plan, "b/aus"), 5);
    fb_plan_free(&plan);
    /* Only b's are this long. */
    make("window:length=400,n=4", &catalog, &plan);
    assert_int_equal(times(&plan, "b/face") + times(&plan, "b/aus"), 4);
    assert_int_equal(repeats(&plan, 0, 4), 2);
    fb_plan_free(&plan);
    make("window:axis=1,length=10,n=8", &catalog, &plan);
    assert_int_equal(times(&plan, "a/short") + times(&plan, "c/one"), 0);
    assert_int_equal(plan.requests[0].count[1], 10);
    assert_true(plan.requests[0].count[0] >= 300);
    fb_plan_free(&plan);
    /* A tile. */
    make("window:axis=0x1,length=20,n=6", &catalog, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        assert_int_equal(plan.requests[i].count[0], 20);
        assert_int_equal(plan.requests[i].count[1], 20);
        assert_int_equal(plan.requests[i].count[2], 2);
    }
    assert_int_equal(repeats(&plan, 0, 6), 0);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

/* Every start comes once before one comes again, and the first and the last of them do come. */
static void test_window_places(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    ADD(&catalog, "", "x", 29);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    make("window:length=10,n=45", &catalog, &plan);
    bool seen[20] = { false }, ordered = true;
    for (size_t i = 0; i < 20; i++) {
        assert_in_range(plan.requests[i].start[0], 0, 19);
        seen[plan.requests[i].start[0]] = true;
        ordered &= i == 0 || plan.requests[i].start[0] > plan.requests[i - 1].start[0];
    }
    for (size_t i = 0; i < 20; i++)
        assert_true(seen[i]);
    assert_false(ordered);
    assert_int_equal(repeats(&plan, 20, 40), 0);
    assert_int_equal(repeats(&plan, 0, 45), 25);
    bool differs = false;
    for (size_t i = 0; i < 20; i++)
        differs |= plan.requests[i].start[0] != plan.requests[20 + i].start[0];
    assert_true(differs);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

/* An array that has been taken whole waits for the others. */
static void test_turns(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    ADD(&catalog, "", "short", 3);
    ADD(&catalog, "", "long", 7);
    add(&catalog, "", "one", 0, (uint64_t[]){ 0 });
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    make("point:n=22", &catalog, &plan);
    assert_int_equal(repeats(&plan, 0, 11), 0);
    assert_int_equal(repeats(&plan, 11, 22), 0);
    assert_int_equal(times(&plan, "one"), 2);
    assert_int_equal(times(&plan, "short"), 6);
    /* In the first three requests each array has its turn. */
    plan.count = 3;
    assert_int_equal(times(&plan, "one") * times(&plan, "short") * times(&plan, "long"), 1);
    plan.count = 22;
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    /* Whichever of many drops out first. */
    for (uint64_t length = 1; length <= 9; length++) {
        char name[2] = { (char)('0' + length), '\0' };
        ADD(&catalog, "", name, length);
    }
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    make("point:n=135", &catalog, &plan);
    for (size_t round = 0; round < 3; round++)
        assert_int_equal(repeats(&plan, 45 * round, 45 * (round + 1)), 0);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(times(&plan, catalog.arrays[i].path), 3 * catalog.arrays[i].dims[0]);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

static void test_index(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    fill(&catalog);
    make("index:axis=1,n=30", &catalog, &plan);
    assert_int_equal(plan.count, 30);
    assert_int_equal(repeats(&plan, 0, 30), 0);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_array_info *array = fb_catalog_find(&catalog, plan.requests[i].array);
        assert_int_equal(plan.requests[i].count[1], 1);
        assert_int_equal(plan.requests[i].count[0], array->dims[0]);
        assert_int_equal(plan.requests[i].bytes, array->bytes / array->dims[1]);
    }
    assert_int_equal(times(&plan, "a/short"), 3);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    /* A stack of images, read by pixel through time. */
    ADD(&catalog, "", "stack", 40, 5, 6);
    ADD(&catalog, "", "flat", 40, 5);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    make("index:axis=1x2,n=30", &catalog, &plan);
    assert_int_equal(times(&plan, "stack"), 30);
    assert_int_equal(repeats(&plan, 0, 30), 0);
    for (size_t i = 0; i < plan.count; i++)
        assert_int_equal(plan.requests[i].bytes, 40 * 4);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

static void test_whole_and_sample(void **state)
{
    (void)state;
    struct fb_catalog catalog;
    struct fb_plan plan;
    fill(&catalog);
    make("whole", &catalog, &plan);
    assert_int_equal(plan.count, 6);
    assert_int_equal(repeats(&plan, 0, 6), 0);
    assert_int_equal(times(&plan, "b/none"), 0);
    assert_int_equal(fb_plan_bytes(&plan), fb_catalog_bytes(&catalog));
    fb_plan_free(&plan);
    make("sample", &catalog, &plan);
    assert_int_equal(plan.count, 6);
    assert_int_equal(repeats(&plan, 0, 6), 0);
    assert_int_equal(fb_plan_calls(&plan), 3);
    for (size_t i = 1; i < plan.count; i++)
        assert_int_equal(plan.requests[i].joined,
                         plan.requests[i].array[0] == plan.requests[i - 1].array[0]);
    fb_plan_free(&plan);
    make("sample:n=1", &catalog, &plan);
    assert_int_equal(fb_plan_calls(&plan), 1);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

static void test_scalar(void **state)
{
    (void)state;
    static const char *const apply[] = { "point:n=3", "whole", "sample" };
    static const char *const lack[] = { "window", "index" };
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    struct fb_error err = { 0 };
    char reason[256];
    add(&catalog, "", "one", 0, (uint64_t[]){ 0 });
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        make(apply[i], &catalog, &plan);
        assert_int_equal(plan.count, i == 0 ? 3 : 1);
        assert_int_equal(plan.requests[0].rank, 0);
        assert_int_equal(plan.requests[0].bytes, 4);
        fb_plan_free(&plan);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(plan_of(lack[i], &catalog, 1, UINT64_MAX, &plan, reason, &err), FB_EUSAGE);
        assert_non_null(strstr(err.message, "axis 0"));
        assert_int_equal(plan.count, 0);
    }
    fb_catalog_free(&catalog);
}

static void test_no_fit(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *wants[3];
    } cases[] = {
        { "window:length=401", { "length=401", "axis 0", "400" } },
        { "window:axis=1,length=69", { "length=69", "axis 1", "68" } },
        { "window:axis=0x1,length=69", { "length=69", "axis 1", "68" } },
        { "window:axis=3", { "axis 3", "face", "3" } },
        { "index:axis=31", { "axis 31", "face", "3" } },
        { "index:axis=0x4x2", { "axis 4", "index:axis=0x2x4", "3" } },
        { "window:length=9223372036854775807", { "9223372036854775807", "axis 0", "400" } },
    };
    struct fb_catalog catalog;
    struct fb_plan plan;
    struct fb_error err = { 0 };
    char reason[256];
    fill(&catalog);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(plan_of(cases[i].spec, &catalog, 1, UINT64_MAX, &plan, reason, &err),
                         FB_EUSAGE);
        for (size_t k = 0; k < 3; k++)
            assert_non_null(strstr(err.message, cases[i].wants[k]));
        assert_int_equal(plan.count, 0);
        struct fb_access access = parse(cases[i].spec);
        err.message[0] = '\0';
        assert_int_equal(fb_access_check(&access, &catalog, &err), FB_EUSAGE);
        assert_non_null(strstr(err.message, cases[i].wants[0]));
        fb_access_free(&access);
    }
    fb_catalog_free(&catalog);
}

/* Rows without elements are no place for a window. */
static void test_no_fit_but_empty(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan = { 0 };
    struct fb_error err = { 0 };
    char reason[256];
    ADD(&catalog, "", "none", 400, 0, 1, 1);
    ADD(&catalog, "", "short", 50);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    struct fb_access access = parse("window + index:axis=3");
    assert_int_equal(fb_access_check(&access, &catalog, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, "the longest is that of short, 50"));
    assert_int_equal(fb_access_plan(&access.terms[0], &catalog, 1, 0, &plan, reason, 256, &err),
                     FB_EUSAGE);
    assert_int_equal(fb_access_plan(&access.terms[1], &catalog, 1, 0, &plan, reason, 256, &err),
                     FB_EUSAGE);
    assert_non_null(strstr(err.message, "short has the most axes, 1"));
    fb_access_free(&access);
    fb_catalog_free(&catalog);
}

static void test_no_target(void **state)
{
    (void)state;
    static const char *const specs[] = { "window", "index", "point", "whole", "sample" };
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    struct fb_error err = { 0 };
    char reason[256];
    for (int filled = 0; filled < 2; filled++) {
        if (filled) {
            ADD(&catalog, "", "none", 0, UINT64_C(1) << 63);
            ADD(&catalog, "", "nothing", UINT64_MAX, UINT64_MAX, 0);
            assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
        }
        for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
            assert_int_equal(plan_of(specs[i], &catalog, 1, UINT64_MAX, &plan, reason, &err), 0);
            assert_int_equal(plan.count, 0);
            assert_non_null(strstr(reason, "no array has elements"));
        }
    }
    fb_catalog_free(&catalog);
}

static void test_bytes_max(void **state)
{
    (void)state;
    static const char *const specs[] = { "window", "index", "point", "whole", "sample" };
    struct fb_catalog catalog;
    struct fb_plan plan;
    struct fb_error err = { 0 };
    char reason[256];
    fill(&catalog);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        assert_int_equal(plan_of(specs[i], &catalog, 1, 0, &plan, reason, &err), 0);
        assert_int_equal(plan.count, 1);
        fb_plan_free(&plan);
    }
    assert_int_equal(plan_of("point", &catalog, 1, 43, &plan, reason, &err), 0);
    assert_int_equal(plan.count, 10);
    fb_plan_free(&plan);
    assert_int_equal(plan_of("point", &catalog, 1, 44, &plan, reason, &err), 0);
    assert_int_equal(plan.count, 11);
    /* Another term of the mix has a room of its own, and at least one request. */
    struct fb_access access = parse("whole");
    assert_int_equal(fb_access_plan(&access.terms[0], &catalog, 1, 0, &plan, reason, 256, &err), 0);
    assert_int_equal(plan.count, 12);
    fb_access_free(&access);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    /* Of ten samples as many as fit whole. */
    for (char name[8] = "a"; name[0] < 'k'; name[0]++) {
        char path[16];
        snprintf(path, sizeof path, "%s/x", name);
        ADD(&catalog, name, path, 10);
        snprintf(path, sizeof path, "%s/y", name);
        ADD(&catalog, name, path, 20);
    }
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    assert_int_equal(plan_of("sample", &catalog, 1, 3 * 120 + 80, &plan, reason, &err), 0);
    assert_int_equal(plan.count, 6);
    assert_int_equal(fb_plan_calls(&plan), 3);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

static void test_seed(void **state)
{
    (void)state;
    static const char *const specs[] = { "window", "index:axis=1", "point", "whole", "sample" };
    struct fb_catalog catalog;
    struct fb_plan plan, again, other;
    struct fb_error err = { 0 };
    char reason[256];
    fill(&catalog);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        bool differs = false;
        assert_int_equal(plan_of(specs[i], &catalog, 7, UINT64_MAX, &plan, reason, &err), 0);
        assert_int_equal(plan_of(specs[i], &catalog, 7, UINT64_MAX, &again, reason, &err), 0);
        assert_int_equal(plan_of(specs[i], &catalog, 9, UINT64_MAX, &other, reason, &err), 0);
        assert_int_equal(plan.count, again.count);
        assert_int_equal(plan.count, other.count);
        for (size_t k = 0; k < plan.count; k++) {
            assert_true(same(&plan.requests[k], &again.requests[k]));
            differs |= !same(&plan.requests[k], &other.requests[k]);
        }
        assert_true(differs);
        fb_plan_free(&plan);
        fb_plan_free(&again);
        fb_plan_free(&other);
    }
    fb_catalog_free(&catalog);
}

/* The same on every machine, and from one version to the next. */
static void test_pinned(void **state)
{
    (void)state;
    static const uint64_t wants[] = { 918, 817, 165, 668, 793 };
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    ADD(&catalog, "", "x", 1000);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    make("point:n=5", &catalog, &plan);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(plan.requests[i].start[0], wants[i]);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

/* The most axes, and more places than a list could hold. */
static void test_extremes(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    struct fb_error err = { 0 };
    uint64_t dims[FB_MAX_RANK], count[FB_MAX_RANK];
    char reason[256];
    for (unsigned k = 0; k < FB_MAX_RANK; k++)
        dims[k] = 2;
    add(&catalog, "", "deep", FB_MAX_RANK, dims);
    ADD(&catalog, "", "long", UINT64_C(1) << 60);
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    make("point:n=200", &catalog, &plan);
    assert_int_equal(repeats(&plan, 0, 200), 0);
    /* Uniform: half of the positions lie in the upper half. */
    size_t upper = 0;
    for (size_t i = 0; i < plan.count; i++)
        upper += plan.requests[i].rank == 1 && plan.requests[i].start[0] >> 59;
    assert_in_range(upper, 30, 70);
    fb_plan_free(&plan);
    make("index:axis=31,n=4", &catalog, &plan);
    assert_int_equal(times(&plan, "deep"), 4);
    assert_int_equal(plan.requests[0].bytes, UINT64_C(1) << 33);
    fb_plan_free(&plan);
    make("window:length=1152921504606846976,n=2", &catalog, &plan);
    assert_int_equal(times(&plan, "long"), 2);
    fb_plan_free(&plan);
    assert_int_equal(plan_of("whole", &catalog, 1, 5, &plan, reason, &err), 0);
    assert_int_equal(plan.count, 1);
    fb_plan_free(&plan);
    struct fb_access access = parse("index:axis=31");
    assert_true(fb_access_extent(&access.terms[0], fb_catalog_find(&catalog, "deep"), count));
    assert_int_equal(count[30], 2);
    assert_int_equal(count[31], 1);
    assert_false(fb_access_extent(&access.terms[0], fb_catalog_find(&catalog, "long"), count));
    fb_access_free(&access);
    fb_catalog_free(&catalog);
}

static void test_extent(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *array;
        bool reads;
        uint64_t count[3];
    } cases[] = {
        { "window:length=60", "a/face", true, { 60, 68, 2 } },
        { "window:length=60", "a/short", false, { 0, 0 } },
        { "window:axis=1x2,length=2", "a/face", true, { 300, 2, 2 } },
        { "window:axis=2,length=2", "a/aus", false, { 0, 0 } },
        { "index:axis=1x2", "b/face", true, { 400, 1, 1 } },
        { "index", "b/none", false, { 0, 0 } },
        { "point", "b/face", true, { 1, 1, 1 } },
        { "point", "c/one", true, { 0 } },
        { "index", "c/one", false, { 0 } },
        { "whole", "a/aus", true, { 300, 17 } },
        { "whole", "b/none", false, { 0, 0 } },
        { "sample", "a/short", true, { 50, 3 } },
    };
    struct fb_catalog catalog;
    fill(&catalog);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_access access = parse(cases[i].spec);
        const struct fb_array_info *array = fb_catalog_find(&catalog, cases[i].array);
        uint64_t count[FB_MAX_RANK];
        memset(count, 0xff, sizeof count);
        assert_int_equal(fb_access_extent(&access.terms[0], array, count), cases[i].reads);
        assert_memory_equal(count, cases[i].count, array->rank * sizeof *count);
        fb_access_free(&access);
    }
    fb_catalog_free(&catalog);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_places),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_whole_and_sample),
        cmocka_unit_test(test_scalar),
        cmocka_unit_test(test_no_fit),
        cmocka_unit_test(test_no_fit_but_empty),
        cmocka_unit_test(test_no_target),
        cmocka_unit_test(test_bytes_max),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_extent),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
