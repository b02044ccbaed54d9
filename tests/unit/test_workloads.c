/* What the workloads that are taken on request ask for, and the buffer that it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/block.h"
#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIMS(...)                                                                                  \
    (const uint64_t[])                                                                             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct fb_dtype f32 = { FB_FLOAT, 4 };

static void add(struct fb_catalog *catalog, const char *sample, const char *path,
                struct fb_dtype dtype, unsigned rank, const uint64_t *dims)
{
    assert_int_equal(fb_catalog_add(catalog, sample, NULL, path, dtype, rank, dims, NULL), 0);
}

/* Samples as NoXiRe has them, of 500 frames and one more each. */
static void fill_noxire(struct fb_catalog *catalog, unsigned samples)
{
    for (unsigned i = 0; i < samples; i++) {
        char sample[32], path[64];
        snprintf(sample, sizeof sample, "sample_%03u", i);
        for (int p = 0; p < 2; p++) {
            const char *person = p ? "novice" : "expert";
            snprintf(path, sizeof path, "%s/%s/face", sample, person);
            add(catalog, sample, path, f32, 3, DIMS(500 + i, 68, 2));
            snprintf(path, sizeof path, "%s/%s/aus", sample, person);
            add(catalog, sample, path, f32, 2, DIMS(500 + i, 17));
        }
    }
    assert_int_equal(fb_catalog_finish(catalog, NULL), 0);
}

/* One array of each kind that a workload may stumble over. */
static void fill_odd(struct fb_catalog *catalog)
{
    add(catalog, "", "bool", (struct fb_dtype){ FB_BOOL, 1 }, 2, DIMS(9, 40));
    add(catalog, "", "empty", f32, 2, DIMS(0, 40));
    add(catalog, "", "line", f32, 1, DIMS(100));
    add(catalog, "", "narrow", f32, 2, DIMS(5, 30));
    add(catalog, "", "record", (struct fb_dtype){ FB_OPAQUE, 12 }, 2, DIMS(4, 50));
    add(catalog, "", "scalar", f32, 0, DIMS(0));
    add(catalog, "", "whole", (struct fb_dtype){ FB_INT, 2 }, 4, DIMS(3, 31, 5, 2));
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
    assert_int_equal(plan->count == 0, *reason != '\0');
}

/* The same seed reads one column of the arrays that random-access reads whole. */
static void test_column(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan, whole;
    char reason[256];
    fill_noxire(&catalog, 24);
    make("column:seed=5", &catalog, &plan, reason);
    make("random-access:seed=5", &catalog, &whole, reason);
    assert_int_equal(plan.count, 10);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_request *request = &plan.requests[i];
        uint64_t frames = fb_catalog_find(&catalog, request->array)->dims[0];
        assert_int_equal(request->op, FB_OP_READ);
        assert_string_equal(request->array, whole.requests[i].array);
        assert_memory_equal(request->start, DIMS(0, 30, 0), 24);
        assert_memory_equal(request->count, DIMS(frames, 1, 2), 24);
        assert_int_equal(request->bytes, frames * 8);
    }
    fb_plan_free(&plan);
    fb_plan_free(&whole);
    make("column:axis=2,index=1,n=0", &catalog, &plan, reason);
    assert_int_equal(plan.count, 24);
    assert_memory_equal(plan.requests[0].start, DIMS(0, 0, 1), 24);
    assert_memory_equal(plan.requests[0].count + 1, DIMS(68, 1), 16);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
}

/* Arrays without the axis or the index are left out, and do not count towards n. */
static void test_column_odd(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    char reason[256];
    fill_odd(&catalog);
    make("column:n=3", &catalog, &plan, reason);
    assert_int_equal(plan.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_non_null(strstr("bool record whole", plan.requests[i].array));
    fb_plan_free(&plan);
    make("column:axis=3,index=1", &catalog, &plan, reason);
    assert_int_equal(plan.count, 1);
    assert_string_equal(plan.requests[0].array, "whole");
    fb_plan_free(&plan);
    make("column:index=50", &catalog, &plan, reason);
    assert_non_null(strstr(reason, "index 50 along axis 1"));
    make("column:array=nothing", &catalog, &plan, reason);
    assert_non_null(strstr(reason, "nothing"));
    fb_catalog_free(&catalog);
}

static void test_feature(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 }, odd = { 0 };
    struct fb_plan plan;
    char reason[256];
    fill_noxire(&catalog, 12);
    make("feature", &catalog, &plan, reason);
    assert_int_equal(plan.count, 24);
    assert_false(plan.one_buffer);
    for (size_t i = 0; i < plan.count; i++) {
        char path[64];
        snprintf(path, sizeof path, "sample_%03zu/%s/aus", i / 2, i % 2 ? "novice" : "expert");
        assert_string_equal(plan.requests[i].array, path);
        assert_int_equal(plan.requests[i].op, FB_OP_READ);
        assert_int_equal(plan.requests[i].bytes, (500 + i / 2) * 17 * 4);
    }
    fb_plan_free(&plan);
    make("feature:n=5", &catalog, &plan, reason);
    assert_int_equal(plan.count, 5);
    fb_plan_free(&plan);
    fill_odd(&odd);
    make("feature", &odd, &plan, reason);
    assert_int_equal(plan.count, odd.array_count);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    fb_catalog_free(&odd);
}

static void test_batch_stats(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 }, odd = { 0 };
    struct fb_plan plan;
    char reason[256];
    fill_noxire(&catalog, 12);
    make("batch-stats", &catalog, &plan, reason);
    assert_int_equal(plan.count, 24);
    for (size_t i = 0; i < plan.count; i++) {
        assert_true(fb_glob_match("*/aus", plan.requests[i].array));
        assert_int_equal(plan.requests[i].op, FB_OP_MEAN);
        assert_int_equal(plan.requests[i].bytes, 17 * 8);
        assert_int_equal(fb_request_slab_bytes(&plan.requests[i]), (500 + i / 2) * 17 * 4);
    }
    /* One array and its mean: the longest has 511 rows, and 17 means take three cache lines. */
    assert_int_equal(fb_block_buffer(&plan), 511 * 17 * 4 + 192);
    fb_plan_free(&plan);
    fill_odd(&odd);
    make("batch-stats", &odd, &plan, reason);
    assert_int_equal(plan.count, 3);
    assert_string_equal(plan.requests[0].array, "line");
    assert_int_equal(plan.requests[0].bytes, 8);
    assert_string_equal(plan.requests[2].array, "whole");
    assert_int_equal(plan.requests[2].bytes, 31 * 5 * 2 * 8);
    fb_plan_free(&plan);
    make("batch-stats:n=1", &odd, &plan, reason);
    assert_int_equal(plan.count, 1);
    fb_plan_free(&plan);
    make("batch-stats:array=bool", &odd, &plan, reason);
    assert_non_null(strstr(reason, "numbers"));
    fb_catalog_free(&catalog);
    fb_catalog_free(&odd);
}

/* Every selected array once, all of one length. */
static void test_epoch(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 }, odd = { 0 };
    struct fb_plan plan, again, other, retyped;
    char reason[256];
    bool seen[24] = { false }, moved = false, differs = false;
    fill_noxire(&catalog, 24);
    make("epoch:seed=3", &catalog, &plan, reason);
    make("epoch:seed=3,workers=4,prefetch=5,batch=7,step_us=9", &catalog, &again, reason);
    make("epoch:seed=4", &catalog, &other, reason);
    assert_int_equal(plan.count, 24);
    for (size_t i = 0; i < plan.count; i++) {
        const struct fb_request *request = &plan.requests[i];
        unsigned number = (unsigned)atoi(request->array + strlen("sample_"));
        assert_true(fb_glob_match("*/expert/face", request->array) && number < 24 && !seen[number]);
        seen[number] = true;
        moved = moved || number != i;
        differs = differs || strcmp(request->array, other.requests[i].array) != 0;
        assert_string_equal(request->array, again.requests[i].array);
        assert_int_equal(request->op, FB_OP_SAMPLE);
        /* The lower one of the two in the middle of 500..523. */
        assert_int_equal(request->max, 511);
        assert_memory_equal(request->count, DIMS(number < 11 ? 500 + number : 511, 68, 2), 24);
        assert_int_equal(request->bytes, 511 * 68 * 2 * 4);
    }
    assert_true(moved && differs);
    const struct fb_loading *loading = &again.loading;
    assert_true(loading->workers == 4 && loading->prefetch == 5 && loading->batch == 7 &&
                loading->step_ns == 9000);
    loading = &plan.loading;
    assert_true(loading->workers == 0 && loading->prefetch == 2 && loading->batch == 4 &&
                loading->step_ns == 0);
    assert_int_equal(fb_plan_retype(&again, &catalog, &retyped, NULL), 0);
    assert_memory_equal(&retyped.loading, &again.loading, sizeof again.loading);
    assert_int_equal(retyped.requests[0].max, 511);
    assert_int_equal(retyped.requests[0].bytes, 511 * 68 * 2 * 4);
    fb_plan_free(&plan);
    fb_plan_free(&again);
    fb_plan_free(&other);
    fb_plan_free(&retyped);
    make("epoch:length=600,n=5", &catalog, &plan, reason);
    assert_int_equal(plan.count, 5);
    assert_true(plan.requests[0].count[0] < 600 && plan.requests[0].max == 600);
    fb_plan_free(&plan);
    static const struct {
        const char *spec, *word;
    } refused[] = {
        { "epoch:array=*", "differ in element type" },
        { "epoch:array=*,length=5", "choose with array=" },
        { "epoch:array=nosuch", "no array matches" },
        { "epoch:length=4294967295", "shorter length=" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        make(refused[i].spec, &catalog, &plan, reason);
        assert_int_equal(plan.count, 0);
        assert_non_null(strstr(reason, refused[i].word));
    }
    fill_odd(&odd);
    make("epoch", &odd, &plan, reason);
    assert_non_null(strstr(reason, "bool and empty differ"));
    make("epoch:array=scalar", &odd, &plan, reason);
    assert_non_null(strstr(reason, "single value"));
    make("epoch:array=empty", &odd, &plan, reason);
    assert_non_null(strstr(reason, "no rows"));
    make("epoch:array=empty,length=2", &odd, &plan, reason);
    assert_int_equal(plan.requests[0].count[0], 0);
    assert_int_equal(plan.requests[0].bytes, 2 * 40 * 4);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    fb_catalog_free(&odd);
}

static void test_open(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 }, odd = { 0 };
    struct fb_plan plan, other;
    char reason[256];
    fill_noxire(&catalog, 24);
    make("open:seed=3", &catalog, &plan, reason);
    make("random-access:seed=3", &catalog, &other, reason);
    assert_int_equal(plan.count, 1);
    assert_string_equal(plan.requests[0].array, other.requests[0].array);
    assert_int_equal(plan.requests[0].op, FB_OP_READ);
    assert_memory_equal(plan.requests[0].count, DIMS(0, 68, 2), 24);
    assert_int_equal(plan.requests[0].bytes, 0);
    assert_int_equal(fb_block_buffer(&plan), 0);
    fb_plan_free(&plan);
    fb_plan_free(&other);
    fill_odd(&odd);
    make("open:array=scalar", &odd, &plan, reason);
    assert_non_null(strstr(reason, "axis"));
    make("open:array=empty", &odd, &plan, reason);
    assert_int_equal(plan.count, 1);
    fb_plan_free(&plan);
    fb_catalog_free(&catalog);
    fb_catalog_free(&odd);
}

static void test_metadata(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan, retyped;
    char reason[256];
    fill_odd(&catalog);
    make("metadata", &catalog, &plan, reason);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.requests[0].op, FB_OP_CATALOG);
    assert_string_equal(plan.requests[0].array, "");
    assert_int_equal(fb_block_buffer(&plan), 0);
    assert_int_equal(fb_plan_retype(&plan, &catalog, &retyped, NULL), 0);
    assert_int_equal(retyped.requests[0].op, FB_OP_CATALOG);
    fb_plan_free(&plan);
    fb_plan_free(&retyped);
    fb_catalog_free(&catalog);
}

/* Groups in random order, their arrays together, each at most once. */
static void test_load_sample(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 }, odd = { 0 };
    struct fb_plan plan;
    char reason[256], seen[24] = { 0 };
    fill_noxire(&catalog, 24);
    make("load-sample", &catalog, &plan, reason);
    assert_int_equal(plan.count, 20);
    assert_int_equal(fb_plan_calls(&plan), 10);
    bool sorted = true;
    int last = -1;
    for (size_t i = 0; i < plan.count; i += 2) {
        const struct fb_request *pair = &plan.requests[i];
        int sample = -1;
        char aus[64], face[64];
        assert_int_equal(sscanf(pair->array, "sample_%d/", &sample), 1);
        snprintf(aus, sizeof aus, "sample_%03d/expert/aus", sample);
        snprintf(face, sizeof face, "sample_%03d/expert/face", sample);
        assert_string_equal(pair[0].array, aus);
        assert_string_equal(pair[1].array, face);
        assert_false(pair[0].joined);
        assert_true(pair[1].joined);
        assert_int_equal(pair[1].bytes, (500 + (uint64_t)sample) * 68 * 2 * 4);
        assert_int_equal(seen[sample]++, 0);
        sorted = sorted && sample > last;
        last = sample;
    }
    assert_false(sorted);
    fb_plan_free(&plan);
    make("load-sample:n=0,array=*", &catalog, &plan, reason);
    assert_int_equal(plan.count, catalog.array_count);
    assert_int_equal(fb_plan_calls(&plan), 48);
    fb_plan_free(&plan);
    /* All in the root: one call. */
    fill_odd(&odd);
    make("load-sample", &odd, &plan, reason);
    assert_int_equal(plan.count, odd.array_count);
    assert_int_equal(fb_plan_calls(&plan), 1);
    fb_plan_free(&plan);
    make("load-sample:array=nothing", &odd, &plan, reason);
    assert_non_null(strstr(reason, "nothing"));
    fb_catalog_free(&catalog);
    fb_catalog_free(&odd);
}

/* The ring grows with the reads up to a limit, or to the largest of them. */
static void test_buffer(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_plan plan;
    char reason[256];
    const uint64_t ring = UINT64_C(64) << 20;
    add(&catalog, "", "a", f32, 2, DIMS(1000, 2));
    add(&catalog, "", "b", f32, 2, DIMS(2000, 2));
    add(&catalog, "", "c", f32, 2, DIMS(10000000, 1));
    add(&catalog, "", "d", f32, 2, DIMS(10000000, 1));
    add(&catalog, "", "e", f32, 2, DIMS(20000000, 1));
    add(&catalog, "", "f", (struct fb_dtype){ FB_INT, 1 }, 2, DIMS(1, UINT64_C(1) << 62));
    assert_int_equal(fb_catalog_finish(&catalog, NULL), 0);
    static const struct {
        const char *spec;
        uint64_t bytes;
    } cases[] = {
        { "feature:array=[ab]", 8000 + 64 + 16000 + 64 },
        { "feature:array=[cd]", ring },
        { "feature:array=[ce]", 80000000 },
        { "scan:array=[ab]", 16000 },
        { "batch-stats:array=[ab]", 64 + 16000 },
        { "full-load:array=[abc]", 0 },
        { "search:array=a", 0 },
        { "feature:array=[f]", UINT64_C(1) << 62 },
        { "batch-stats:array=[f]", INT64_MAX },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(cases[i].spec, &catalog, &plan, reason);
        if (fb_block_buffer(&plan) != cases[i].bytes)
            fail_msg("%s: %llu", cases[i].spec, (unsigned long long)fb_block_buffer(&plan));
        fb_plan_free(&plan);
    }
    fb_catalog_free(&catalog);
}

/* A run without -w must end soon. */
static void test_standard(void **state)
{
    (void)state;
    static const char *const names[] = { "full-load", "scan", "random-access", "slicing",
                                         "search" };
    size_t standard = 0, all = 0;
    for (; fb_workloads[all]; all++) {
        assert_string_not_equal(fb_workloads[all]->name, FB_WORKLOAD_ALL);
        if (fb_workloads[all]->standard)
            assert_string_equal(fb_workloads[all]->name, names[standard++]);
    }
    assert_int_equal(standard, 5);
    assert_true(all >= 10);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_column),      cmocka_unit_test(test_column_odd),
        cmocka_unit_test(test_feature),     cmocka_unit_test(test_batch_stats),
        cmocka_unit_test(test_open),        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_buffer),      cmocka_unit_test(test_standard),
        cmocka_unit_test(test_load_sample),
        cmocka_unit_test(test_epoch),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
