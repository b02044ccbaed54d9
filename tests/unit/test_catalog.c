#include "bench/cli/values.h"
#include "datasets/catalog.h"
#include "datasets/source.h"
#include "formats/slab.h"
#include "pattern_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

static void test_natural_order(void **state)
{
    (void)state;
    static const char *const sorted[] = { "",           "a",           "a/b",    "a2/x",
                                          "a10/x",      "a10/z",       "a010/y", "ab",
                                          "sample_101", "sample_1000", "x7",     "x07" };
    size_t n = sizeof sorted / sizeof *sorted;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            int order = fb_natural_compare(sorted[i], sorted[k]);
            if ((order < 0) != (i < k) || (order == 0) != (i == k))
                fail_msg("%s against %s: %d", sorted[i], sorted[k], order);
        }
}

static void test_catalog(void **state)
{
    (void)state;
    struct pattern_source *source = pattern_many();
    const struct fb_catalog *catalog = &source->catalog;
    const struct fb_array_info *info;
    struct fb_error err;
    assert_int_equal(catalog->sample_count, 5);
    assert_int_equal(catalog->array_count, 11);
    for (size_t s = 0; s < catalog->sample_count; s++)
        for (size_t i = 0; i < catalog->samples[s].count; i++)
            assert_int_equal(catalog->arrays[catalog->samples[s].first + i].sample, s);
    for (size_t i = 0; i < catalog->array_count; i++)
        assert_ptr_equal(fb_catalog_find(catalog, catalog->arrays[i].path), &catalog->arrays[i]);
    assert_non_null(fb_catalog_find(catalog, "/g/7/data"));
    assert_null(fb_catalog_find(catalog, "g/7"));
    assert_int_equal(fb_catalog_require(catalog, "g/7/dat", &info, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, "did you mean g/7/data?"));
    assert_false(fb_catalog_is_noxire(catalog));
    struct fb_catalog copy;
    assert_int_equal(fb_catalog_copy(catalog, &copy, &err), 0);
    assert_int_equal(fb_catalog_bytes(&copy), fb_catalog_bytes(catalog));
    assert_string_equal(copy.samples[4].name, "t\xc3\xa4o");
    fb_catalog_free(&copy);
    fb_source_close(&source->base);
}

static void test_refused(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_error err;
    const struct fb_dtype f64 = { FB_FLOAT, 8 }, odd = { FB_FLOAT, 3 };
    const uint64_t huge[] = { UINT64_C(1) << 40, UINT64_C(1) << 40 }, none[] = { UINT64_MAX, 0 };
    const uint64_t half[] = { UINT64_C(1) << 59 };
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "s/x", f64, 2, huge, &err), FB_EFORMAT);
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "s/x", odd, 1, half, &err), FB_EFORMAT);
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "", f64, 1, half, &err), FB_EFORMAT);
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "s/x", f64, 33, half, &err), FB_EFORMAT);
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "s/e", f64, 2, none, &err), 0);
    assert_int_equal(catalog.arrays[0].bytes, 0);
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "s/y", f64, 1, half, &err), 0);
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "s/z", f64, 1, half, &err), 0);
    assert_int_equal(fb_catalog_finish(&catalog, &err), FB_EFORMAT); /* the sum */
    fb_catalog_free(&catalog);
    assert_int_equal(fb_catalog_add(&catalog, "s", NULL, "s/x", f64, 0, half, &err), 0);
    assert_int_equal(fb_catalog_add(&catalog, "t", NULL, "s/x", f64, 0, half, &err), 0);
    assert_int_equal(fb_catalog_finish(&catalog, &err), FB_EFORMAT); /* one path twice */
    assert_non_null(strstr(err.message, "s/x"));
    fb_catalog_free(&catalog);
}

static void test_query(void **state)
{
    (void)state;
    struct pattern_source *source = pattern_new();
    struct fb_error err;
    struct fb_matches matches = { 0 };
    pattern_add(source, "a", "one", "a/x", "int8", 1, (const uint64_t[]){ 5 });
    pattern_add(source, "a", "one", "a/y", "int8", 2, (const uint64_t[]){ 9, 3 });
    pattern_add(source, "b", "two", "b/x", "int8", 1, (const uint64_t[]){ 7 });
    pattern_add(source, "c", "three", "c/z", "int8", 0, (const uint64_t[]){ 0 });
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    static const struct {
        struct fb_query query;
        const char *text;
    } cases[] = {
        { { "*", 0, 0, 100, NULL }, "one\t5\ntwo\t7\n" },
        { { "*", 0, 6, 9, NULL }, "one\t9\ntwo\t7\n" },
        { { "*/x", 0, 6, 9, NULL }, "two\t7\n" },
        { { "*", 1, 0, 100, NULL }, "one\t3\n" },
        { { "*", 0, 99, 0, "two" }, "two\t7\n" },
        { { "*", 0, 0, 100, "three" }, NULL },
        { { "nope", 0, 0, 100, NULL }, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(fb_catalog_query(&source->catalog, &cases[i].query, &matches, &err), 0);
        if (cases[i].text)
            assert_string_equal(matches.text, cases[i].text);
        else
            assert_int_equal(matches.count, 0);
        free(matches.text);
        matches = (struct fb_matches){ 0 };
    }
    fb_source_close(&source->base);
}

/* The runs of a slab against the slow way, for every start and count of a small array. */
static void test_slabs(void **state)
{
    (void)state;
    struct fb_array_info info = {
        .path = (char *)"x", .dtype = { FB_UINT, 2 }, .rank = 3, .dims = { 3, 4, 2 }, .bytes = 48
    };
    uint16_t data[24], got[24];
    struct fb_error err;
    for (uint16_t i = 0; i < 24; i++)
        data[i] = i;
    for (unsigned code = 0; code < 4 * 4 * 5 * 5 * 3 * 3; code++) {
        uint64_t start[3] = { code % 4, code / 4 % 5, code / 20 % 3 };
        uint64_t count[3] = { code / 60 % 4, code / 240 % 5, code / 1200 % 3 };
        bool fits = true;
        for (int i = 0; i < 3; i++)
            fits &= start[i] + count[i] <= info.dims[i];
        size_t bytes;
        assert_int_equal(fb_slab_admit(&info, start, count, 48, &bytes, &err),
                         fits ? 0 : FB_EUSAGE);
        if (!fits)
            continue;
        memset(got, 0xff, sizeof got);
        fb_slab_copy(&info, start, count, data, got);
        size_t n = 0;
        for (uint64_t a = 0; a < count[0]; a++)
            for (uint64_t b = 0; b < count[1]; b++)
                for (uint64_t c = 0; c < count[2]; c++)
                    assert_int_equal(got[n++],
                                     ((start[0] + a) * 4 + start[1] + b) * 2 + start[2] + c);
        assert_int_equal(n * 2, bytes);
        assert_true(n == 24 || got[n] == 0xffff);
    }
    struct fb_slab_walk walk;
    uint64_t offset;
    fb_slab_begin(&walk, &info, (const uint64_t[]){ 1, 0, 0 }, (const uint64_t[]){ 2, 4, 2 });
    assert_true(fb_slab_next(&walk, &offset));
    assert_int_equal(offset, 16);
    assert_int_equal(walk.run_bytes, 32); /* whole rows are one run */
    assert_false(fb_slab_next(&walk, &offset));
    const uint64_t far[] = { UINT64_MAX, 0, 0 }, two[] = { 2, 4, 2 };
    assert_int_equal(fb_slab_check(&info, far, two, &err), FB_EUSAGE);
}

static bool keep_even(void *context, size_t array)
{
    (void)context;
    return array % 2 == 0;
}

/* Every array but its first index and its last one, along every axis that has four or more. */
static bool crop_ends(void *context, size_t array, uint64_t *start, uint64_t *count)
{
    const struct fb_catalog *catalog = context;
    for (unsigned k = 0; k < catalog->arrays[array].rank; k++)
        if (count[k] >= 4) {
            start[k] = 1;
            count[k] -= 2;
        }
    return true;
}

static bool crop_beyond(void *context, size_t array, uint64_t *start, uint64_t *count)
{
    (void)context;
    (void)array;
    (void)count;
    start[0] = 1;
    return true;
}

static void test_crop(void **state)
{
    (void)state;
    struct fb_source *cropped;
    struct fb_error err;
    struct pattern_source *source = pattern_many();
    size_t smaller = 0;
    assert_int_equal(fb_source_crop(&source->base, crop_ends, &source->catalog, &cropped, &err), 0);
    const struct fb_catalog *catalog = fb_source_catalog(cropped);
    assert_int_equal(catalog->array_count, source->catalog.array_count);
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *info = &catalog->arrays[i];
        const struct fb_array_info *from = fb_catalog_find(&source->catalog, info->path);
        uint64_t start[FB_MAX_RANK] = { 0 };
        const uint64_t zero[FB_MAX_RANK] = { 0 };
        for (unsigned k = 0; k < from->rank; k++) {
            start[k] = from->dims[k] >= 4;
            assert_int_equal(info->dims[k], from->dims[k] - 2 * start[k]);
        }
        smaller += info->bytes < from->bytes;
        unsigned char *all = pattern_bytes(from), *got = malloc((size_t)info->bytes + 1);
        unsigned char *want = malloc((size_t)info->bytes + 1);
        fb_slab_copy(from, start, info->dims, all, want);
        assert_int_equal(
            fb_source_read(cropped, i, zero, info->dims, got, (size_t)info->bytes, &err), 0);
        assert_memory_equal(got, want, (size_t)info->bytes);
        free(all);
        free(want);
        free(got);
    }
    assert_true(smaller > 2);
    fb_source_close(cropped);
    source = pattern_many();
    assert_int_equal(fb_source_crop(&source->base, crop_beyond, NULL, &cropped, &err), FB_EUSAGE);
}

/* narrow and select deliver what they say. */
static void test_sources(void **state)
{
    (void)state;
    struct fb_source *selected, *narrowed;
    struct fb_error err;
    struct pattern_source *source = pattern_many();
    assert_int_equal(fb_source_select(&source->base, keep_even, NULL, &selected, &err), 0);
    assert_int_equal(fb_source_narrow(selected, &narrowed, &err), 0);
    const struct fb_catalog *catalog = fb_source_catalog(narrowed);
    assert_int_equal(catalog->array_count, 6);
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *info = &catalog->arrays[i];
        const struct fb_array_info *from = fb_catalog_find(&source->catalog, info->path);
        assert_int_equal((from - source->catalog.arrays) % 2, 0);
        unsigned char *want = pattern_bytes(from), *got = malloc((size_t)info->bytes + 1);
        const uint64_t zero[FB_MAX_RANK] = { 0 };
        assert_int_equal(
            fb_source_read(narrowed, i, zero, info->dims, got, (size_t)info->bytes, &err), 0);
        if (fb_dtype_equal(info->dtype, from->dtype)) {
            assert_memory_equal(got, want, (size_t)info->bytes);
        } else {
            assert_int_equal(info->bytes * 2, from->bytes);
            for (size_t k = 0; k < info->bytes / 4; k++)
                assert_true(((float *)(void *)got)[k] == (float)((double *)(void *)want)[k]);
        }
        free(want);
        free(got);
    }
    fb_source_close(narrowed);
    fb_source_close(selected);
}

static void check_value(struct fb_dtype dtype, const void *element, const char *want)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fb_value_print(stream, dtype, element);
    fclose(stream);
    assert_string_equal(text, want);
    free(text);
}

static void test_values(void **state)
{
    (void)state;
    check_value((struct fb_dtype){ FB_INT, 1 }, "\x80", "-128");
    check_value((struct fb_dtype){ FB_INT, 8 }, &(int64_t){ INT64_MIN }, "-9223372036854775808");
    check_value((struct fb_dtype){ FB_UINT, 8 }, &(uint64_t){ UINT64_MAX }, "18446744073709551615");
    check_value((struct fb_dtype){ FB_BOOL, 1 }, "\x01", "1");
    check_value((struct fb_dtype){ FB_FLOAT, 4 }, &(float){ 0.1f }, "0.100000001");
    check_value((struct fb_dtype){ FB_FLOAT, 8 }, &(double){ 0.1 }, "0.10000000000000001");
    check_value((struct fb_dtype){ FB_FLOAT, 2 }, &(uint16_t){ 0x2e66 }, "0.099976");
    check_value((struct fb_dtype){ FB_OPAQUE, 3 }, "\x00\xff\x1b", "00ff1b");
    assert_true(fb_half_value(0x7bff) == 65504.0f);
    assert_true(fb_half_value(0x0001) == ldexpf(1, -24));
    assert_true(fb_half_value(0x0400) == ldexpf(1, -14));
    assert_true(fb_half_value(0xfc00) == -INFINITY);
    assert_true(isnan(fb_half_value(0x7e00)));
    assert_true(signbit(fb_half_value(0x8000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_natural_order), cmocka_unit_test(test_catalog),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_query),
        cmocka_unit_test(test_slabs),         cmocka_unit_test(test_sources),
        cmocka_unit_test(test_crop),          cmocka_unit_test(test_values),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
