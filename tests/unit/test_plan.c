/* Plans: what workloads ask for, and that a worker reads what the runner wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/plan.h"
#include "bench/workload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct fb_dtype f32 = { FB_FLOAT, 4 };

/* Samples as NoXiRe has them, with `frames` + the sample's number of frames. */
static void fill_noxire(struct fb_catalog *catalog, unsigned samples, uint64_t frames)
{
    static const char *const people[] = { "expert", "novice" };
    for (unsigned i = 0; i < samples; i++) {
        for (int p = 0; p < 2; p++) {
            char sample[32], name[32], path[64];
            uint64_t dims[3] = { frames + i, 68, 2 };
            snprintf(sample, sizeof sample, "sample_%03u", i);
            snprintf(name, sizeof name, "session %u", i);
            snprintf(path, sizeof path, "%s/%s/face", sample, people[p]);
            assert_int_equal(fb_catalog_add(catalog, sample, name, path, f32, 3, dims, NULL), 0);
        }
    }
    assert_int_equal(fb_catalog_finish(catalog, NULL), 0);
}

static void make(const char *spec, const struct fb_catalog *catalog, struct fb_plan *plan,
                 char *reason)
{
    const struct fb_workload *workload;
    struct fb_options options;
    struct fb_error err;
    *plan = (struct fb_plan){ 0 };
    reason[0] = '\0';
    assert_int_equal(fb_workload_parse(spec, &workload, &options, &err), 0);
    fb_workload_settle(workload, catalog, &options);
    assert_int_equal(workload->plan(catalog, &options, plan, reason, 256, &err), 0);
}

static void assert_same(const struct fb_request *a, const struct fb_request *b)
{
    assert_int_equal(a->op, b->op);
    assert_string_equal(a->array, b->array);
    assert_int_equal(a->rank, b->rank);
    assert_memory_equal(a->start, b->start, a->rank * sizeof *a->start);
    assert_memory_equal(a->count, b->count, a->rank * sizeof *a->count);
    assert_int_equal(a->axis, b->axis);
    assert_int_equal(a->min, b->min);
    assert_int_equal(a->max, b->max);
    assert_string_equal(a->name ? a->name : "", b->name ? b->name : "");
    if (!fb_request_is_search(a))
        assert_int_equal(a->bytes, b->bytes);
}

static void test_csv(void **state)
{
    (void)state;
    char path[] = "/tmp/fmtbench-plan-XXXXXX";
    struct fb_plan plan = { 0 }, back;
    struct fb_error err;
    struct fb_request requests[] = {
        { .op = FB_OP_READ,
          .array = "a,\"b\"\nc d",
          .dtype = f32,
          .rank = 2,
          .start = { 1, 2 },
          .count = { 3, 4 },
          .bytes = 48 },
        { .op = FB_OP_LOAD,
          .array = "scalar",
          .dtype = { FB_OPAQUE, 12 },
          .bytes = 12,
          .joined = true },
        { .op = FB_OP_MEAN,
          .array = "mean",
          .dtype = { FB_INT, 2 },
          .rank = 3,
          .start = { 1 },
          .count = { 7, 5, 3 },
          .bytes = 5 * 3 * 8 },
        { .op = FB_OP_SAMPLE,
          .array = "sample",
          .dtype = f32,
          .rank = 2,
          .count = { 3, 5 },
          .max = 7,
          .bytes = 7 * 5 * 4 },
        { .op = FB_OP_CATALOG, .array = "" },
        { .op = FB_OP_SEARCH_RANGE, .array = "*/face", .axis = 3, .min = 5, .max = UINT64_MAX },
        { .op = FB_OP_SEARCH_NAME, .array = "*", .name = "Jane, \"J\"" },
        { .op = FB_OP_WRITE,
          .array = "x",
          .dtype = f32,
          .rank = 1,
          .count = { 0 },
          .sample = "s",
          .name = "n" },
    };
    size_t n = sizeof requests / sizeof *requests;
    close(mkstemp(path));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fb_plan_add(&plan, &requests[i], &err), 0);
    assert_int_equal(fb_plan_write(&plan, path, &err), 0);
    assert_int_equal(fb_plan_read(path, &back, &err), 0);
    assert_int_equal(back.count, n);
    assert_int_equal(fb_plan_calls(&back), n - 1);
    for (size_t i = 0; i < n; i++)
        assert_same(&back.requests[i], &requests[i]);
    fb_plan_free(&plan);
    fb_plan_free(&back);
    unlink(path);
}

static void test_csv_refused(void **state)
{
    (void)state;
    static const char header[] = "op,array,dtype,start,count,axis,min,max,sample,name,joined\n";
    static const char *const rows[] = {
        "read,a,float32,0,1,,,,,\n",
        "read,a,float32,0,1,,,,,,,\n",
        "reed,a,float32,0,1,,,,,,\n",
        "read,a,float33,0,1,,,,,,\n",
        "read,a,float32,0 0,1,,,,,,\n",
        "read,a,float32,0,1,,,,,,",
        "read,a,float32,-1,1,,,,,,\n",
        "read,\"a,float32,0,1,,,,,,\n",
        "search-range,a,,,,x,0,1,,,\n",
        "search-range,a,,,,99,0,1,,,\n",
        "read,a,float64,0 0,4294967296 4294967296,,,,,,\n",
        "read,a,float32,0,99999999999999999999,,,,,,\n",
        "mean,a,float32,,,,,,,,\n",
        "mean,a,float32,0,0,,,,,,\n",
        "mean,a,float32,0 0,0 17,,,,,,\n",
        "mean,a,bool,0,5,,,,,,\n",
        "mean,a,V8,0,5,,,,,,\n",
        "mean,a,,0,5,,,,,,\n",
        "mean,a,float32,0,5 5,,,,,,\n",
        "mean,a,float64,0 0,4294967296 4294967296,,,,,,\n",
        "mean,a,float32,0,-5,,,,,,\n",
        "sample,a,float32,,,,,5,,,\n",
        "sample,a,float32,0,5,,,,,,\n",
        "sample,a,float32,0,5,,,4,,,\n",
        "sample,a,float32,1,5,,,6,,,\n",
        "sample,a,float32,0,5,,,-6,,,\n",
        "sample,a,float64,0 0,1 4294967296,,,4294967296,,,\n",
        "catalog,a,,,,,,,,,\n",
        "catalog,,float32,,,,,,,,\n",
        "catalog,,,0,,,,,,,\n",
        "catalog,,,,1,,,,,,\n",
        "catalog,,,,,1,,,,,\n",
        "catalog,,,,,,,,s,,\n",
        "catalog,,,,,,,,,n,\n",
        "catalog,,,,,,,,,\n",
        "catalog\n",
        "read,a,float32,0,1,,,,,,2\n",
        "read,a,float32,0,1,,,,,,1\n", /* joined to nothing */
        "catalog,,,,,,,,,,1\n",
    };
    char path[] = "/tmp/fmtbench-plan-XXXXXX";
    struct fb_plan plan;
    struct fb_error err;
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FILE *file = fopen(path, "w");
        fprintf(file, "%s%s", header, rows[i]);
        fclose(file);
        assert_int_equal(fb_plan_read(path, &plan, &err), FB_EFORMAT);
        assert_non_null(strstr(err.message, ":2:"));
    }
    /* What follows a NUL must not be dropped in silence. */
    FILE *file = fopen(path, "w");
    fprintf(file, "%sread,a,int8,0,1,,,,,,\n%cread,a,int8,0,1,,,,,,\n", header, '\0');
    fclose(file);
    assert_int_equal(fb_plan_read(path, &plan, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, ":3:"));
    file = fopen(path, "w");
    fprintf(file, "something else\n");
    fclose(file);
    assert_int_equal(fb_plan_read(path, &plan, &err), FB_EFORMAT);
    unlink(path);
}

static void test_random_access(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan, again, other;
    char reason[256];
    fill_noxire(&catalog, 24, 500);
    make("random-access", &catalog, &plan, reason);
    make("random-access", &catalog, &again, reason);
    make("random-access:seed=2", &catalog, &other, reason);
    assert_int_equal(plan.count, 10);
    bool differs = false;
    for (size_t i = 0; i < plan.count; i++) {
        assert_true(fb_glob_match("*/expert/face", plan.requests[i].array));
        assert_same(&plan.requests[i], &again.requests[i]);
        differs |= strcmp(plan.requests[i].array, other.requests[i].array) != 0;
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(plan.requests[i].array, plan.requests[k].array);
    }
    assert_true(differs);
    fb_plan_free(&plan);
    fb_plan_free(&again);
    fb_plan_free(&other);
    fb_catalog_free(&catalog);
}

/* All windows of all arrays: disjoint, inside the array, each once. */
static void test_slicing(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    char reason[256];
    fill_noxire(&catalog, 5, 1003);
    make("slicing:window=100,n=0", &catalog, &plan, reason);
    assert_int_equal(plan.count, 5 * 10);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_request *a = &plan.requests[i];
        assert_int_equal(a->count[0], 100);
        assert_int_equal(a->count[1], 68);
        assert_true(a->start[0] + 100 <= fb_catalog_find(&catalog, a->array)->dims[0]);
        for (size_t k = 0; k < i; k++) {
            const struct fb_request *b = &plan.requests[k];
            if (strcmp(a->array, b->array) == 0)
                assert_true(a->start[0] + 100 <= b->start[0] || b->start[0] + 100 <= a->start[0]);
        }
    }
    fb_plan_free(&plan);
    make("slicing:window=5000,n=3", &catalog, &plan, reason);
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan.requests[0].start[0], 0);
    assert_true(plan.requests[0].count[0] >= 1003);
    fb_plan_free(&plan);
    make("slicing:axis=1,window=10,n=4,array=*003*", &catalog, &plan, reason);
    assert_int_equal(plan.count, 4);
    assert_int_equal(plan.requests[0].count[1], 10);
    assert_int_equal(plan.requests[0].count[0], 1006);
    fb_plan_free(&plan);
    make("slicing:axis=7", &catalog, &plan, reason);
    assert_int_equal(plan.count, 0);
    assert_non_null(strstr(reason, "axis 7"));
    fb_catalog_free(&catalog);
}

/* An array of billions of frames has more windows than fit in memory; ten of them do not. */
static void test_slicing_huge(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    struct fb_options options;
    const struct fb_workload *workload;
    struct fb_error err;
    char reason[256] = "";
    uint64_t dims[] = { UINT64_C(1) << 50, 2 };
    assert_int_equal(fb_catalog_add(&catalog, "", NULL, "huge", f32, 2, dims, &err), 0);
    assert_int_equal(fb_catalog_finish(&catalog, &err), 0);
    make("slicing", &catalog, &plan, reason);
    assert_int_equal(plan.count, 10);
    fb_plan_free(&plan);
    plan = (struct fb_plan){ 0 };
    assert_int_equal(fb_workload_parse("slicing:n=0,window=1", &workload, &options, &err), 0);
    fb_workload_settle(workload, &catalog, &options);
    assert_int_equal(workload->plan(&catalog, &options, &plan, reason, sizeof reason, &err),
                     FB_EUSAGE);
    assert_non_null(strstr(err.message, "requests"));
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

static void test_scan(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    char reason[256];
    uint64_t dims[] = { 40000000, 2 }, nothing[] = { 0, 3 };
    fb_catalog_add(&catalog, "", NULL, "large", f32, 2, dims, NULL);
    fb_catalog_add(&catalog, "", NULL, "none", f32, 2, nothing, NULL);
    fb_catalog_add(&catalog, "", NULL, "one", f32, 0, nothing, NULL);
    fb_catalog_finish(&catalog, NULL);
    make("scan", &catalog, &plan, reason);
    assert_true(plan.one_buffer);
    uint64_t next = 0;
    for (size_t i = 0; i < plan.count; i++) {
        assert_true(plan.requests[i].bytes <= UINT64_C(64) << 20);
        if (strcmp(plan.requests[i].array, "large") == 0) {
            assert_int_equal(plan.requests[i].start[0], next);
            next += plan.requests[i].count[0];
        }
    }
    assert_int_equal(next, 40000000);
    assert_int_equal(fb_plan_bytes(&plan), 40000000 * 8 + 4);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

static void test_search(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    struct fb_matches matches = { 0 };
    char reason[256];
    fill_noxire(&catalog, 24, 500);
    make("search", &catalog, &plan, reason);
    assert_int_equal(plan.count, 2);
    struct fb_query range = fb_request_query(&plan.requests[0]);
    struct fb_query name = fb_request_query(&plan.requests[1]);
    assert_int_equal(fb_catalog_query(&catalog, &range, &matches, NULL), 0);
    assert_int_equal(matches.count, 12);
    free(matches.text);
    matches = (struct fb_matches){ 0 };
    assert_int_equal(fb_catalog_query(&catalog, &name, &matches, NULL), 0);
    assert_int_equal(matches.count, 1);
    assert_non_null(strstr(matches.text, "session "));
    free(matches.text);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

static void test_retype(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 }, wide = { 0 };
    struct fb_plan plan, retyped;
    struct fb_error err;
    char reason[256];
    fill_noxire(&catalog, 3, 500);
    assert_int_equal(fb_catalog_copy(&catalog, &wide, &err), 0);
    for (size_t i = 0; i < wide.array_count; i++) {
        wide.arrays[i].dtype.size = 8;
        wide.arrays[i].bytes *= 2;
    }
    make("slicing", &catalog, &plan, reason);
    assert_int_equal(fb_plan_retype(&plan, &wide, &retyped, &err), 0);
    assert_int_equal(fb_plan_bytes(&retyped), 2 * fb_plan_bytes(&plan));
    assert_int_equal(retyped.requests[0].start[0], plan.requests[0].start[0]);
    fb_plan_free(&retyped);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    fb_catalog_free(&wide);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),           cmocka_unit_test(test_csv_refused),
        cmocka_unit_test(test_random_access), cmocka_unit_test(test_slicing),
        cmocka_unit_test(test_slicing_huge),  cmocka_unit_test(test_scan),
        cmocka_unit_test(test_search),        cmocka_unit_test(test_retype),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
