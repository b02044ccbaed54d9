/* A dataset on paper and plans of it, for the tests of bench/tune/access.h. */
#ifndef FB_TESTS_ACCESS_STAGE_H
#define FB_TESTS_ACCESS_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/tune/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct fb_dtype f32 = { FB_FLOAT, 4 };

static inline struct fb_access parse(const char *spec)
{
    struct fb_access access;
    struct fb_error err = { 0 };
    if (fb_access_parse(spec, &access, &err))
        fail_msg("%s: %s", spec, err.message);
    return access;
}

static inline void add(struct fb_catalog *catalog, const char *sample, const char *path,
                       unsigned rank, const uint64_t *dims)
{
    assert_int_equal(fb_catalog_add(catalog, sample, NULL, path, f32, rank, dims, NULL), 0);
}

#define ADD(catalog, sample, path, ...)                                                            \
    add(catalog, sample, path, sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),             \
        (uint64_t[]){ __VA_ARGS__ })

/* Two samples of three arrays each, one of them short, one without elements; a single value. */
static inline void fill(struct fb_catalog *catalog)
{
    *catalog = (struct fb_catalog){ 0 };
    ADD(catalog, "a", "a/face", 300, 68, 2);
    ADD(catalog, "a", "a/aus", 300, 17);
    ADD(catalog, "a", "a/short", 50, 3);
    ADD(catalog, "b", "b/face", 400, 68, 2);
    ADD(catalog, "b", "b/aus", 400, 17);
    ADD(catalog, "b", "b/none", 0, 17);
    add(catalog, "c", "c/one", 0, (uint64_t[]){ 0 });
    assert_int_equal(fb_catalog_finish(catalog, NULL), 0);
}

/* The plan of a mix of one term. */
static inline int plan_of(const char *spec, const struct fb_catalog *catalog, uint64_t seed,
                          uint64_t bytes_max, struct fb_plan *plan, char *reason,
                          struct fb_error *err)
{
    struct fb_access access = parse(spec);
    assert_int_equal(access.count, 1);
    *plan = (struct fb_plan){ 0 };
    reason[0] = '\0';
    int rc = fb_access_plan(&access.terms[0], catalog, seed, bytes_max, plan, reason, 256, err);
    fb_access_free(&access);
    return rc;
}

static inline void make(const char *spec, const struct fb_catalog *catalog, struct fb_plan *plan)
{
    char reason[256];
    struct fb_error err = { 0 };
    if (plan_of(spec, catalog, 1, UINT64_MAX, plan, reason, &err))
        fail_msg("%s: %s", spec, err.message);
    assert_string_equal(reason, "");
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_request *r = &plan->requests[i];
        const struct fb_array_info *array = fb_catalog_find(catalog, r->array);
        assert_non_null(array);
        assert_int_equal(r->op, FB_OP_READ);
        assert_int_equal(r->rank, array->rank);
        assert_int_equal(fb_slab_check(array, r->start, r->count, &err), 0);
        assert_int_equal(r->bytes, fb_slab_bytes(array, r->count));
        assert_true(r->bytes > 0);
    }
}

static inline bool same(const struct fb_request *a, const struct fb_request *b)
{
    return strcmp(a->array, b->array) == 0 && a->rank == b->rank && a->joined == b->joined &&
           memcmp(a->start, b->start, a->rank * sizeof *a->start) == 0 &&
           memcmp(a->count, b->count, a->rank * sizeof *a->count) == 0;
}

static inline size_t times(const struct fb_plan *plan, const char *array)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->count; i++)
        n += strcmp(plan->requests[i].array, array) == 0;
    return n;
}

/* Requests that are the same as an earlier one. */
static inline size_t repeats(const struct fb_plan *plan, size_t first, size_t end)
{
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        size_t k = first;
        while (k < i && !same(&plan->requests[i], &plan->requests[k]))
            k++;
        n += k < i;
    }
    return n;
}

#endif
