/* The mean over rows: to the last bit, for every type; and a catalog as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/catalog_text.h"
#include "bench/mean.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t bits(double value)
{
    uint64_t out;
    memcpy(&out, &value, sizeof out);
    return out;
}

static struct fb_dtype type_of(const char *name)
{
    struct fb_dtype dtype;
    assert_true(fb_dtype_parse(name, &dtype));
    assert_true(fb_mean_possible(dtype));
    return dtype;
}

static void assert_means(const char *type, const void *data, uint64_t rows, double a, double b)
{
    double means[2];
    fb_mean_rows(type_of(type), data, rows, 2, means);
    assert_int_equal(bits(means[0]), bits(a));
    assert_int_equal(bits(means[1]), bits(b));
}

/* Three rows of two: what a wrong sign, width or row order would give differs in each. */
static void test_types(void **state)
{
    (void)state;
    const int8_t i8[] = { -128, 1, 127, 2, -2, 6 };
    const int16_t i16[] = { -32768, 1, 32767, 2, -2, 6 };
    const int32_t i32[] = { INT32_MIN, 1, INT32_MAX, 2, -2, 6 };
    const int64_t i64[] = { INT64_MIN, 1, INT64_MIN, 2, INT64_MIN, 6 };
    const uint8_t u8[] = { 255, 1, 255, 2, 255, 6 };
    const uint16_t u16[] = { 65535, 1, 65535, 2, 65535, 6 };
    const uint32_t u32[] = { UINT32_MAX, 1, UINT32_MAX, 2, UINT32_MAX, 6 };
    const uint64_t u64[] = { UINT64_MAX, 1, UINT64_MAX, 2, UINT64_MAX, 6 };
    const uint16_t f16[] = { 0x3c00, 0x4000, 0xbc00, 0x4400, 0x0001, 0x4600 };
    const float f32[] = { 0.1f, 1, 0.2f, 2, 0.4f, 6 };
    const double f64[] = { 0.1, 1, 0.2, 2, 0.4, 6 };
    assert_means("int8", i8, 3, -1, 3);
    assert_means("int16", i16, 3, -1, 3);
    assert_means("int32", i32, 3, -1, 3);
    assert_means("int64", i64, 3, -0x1p63, 3);
    assert_means("uint8", u8, 3, 255, 3);
    assert_means("uint16", u16, 3, 65535, 3);
    assert_means("uint32", u32, 3, 4294967295.0, 3);
    assert_means("uint64", u64, 3, 0x1p64, 3);
    assert_means("float16", f16, 3, 0x1p-24 / 3, 4);
    assert_means("float32", f32, 3, ((double)0.1f + (double)0.2f + (double)0.4f) / 3, 3);
    assert_means("float64", f64, 3, (0.1 + 0.2 + 0.4) / 3, 3);
}

static void test_types_without(void **state)
{
    (void)state;
    assert_false(fb_mean_possible((struct fb_dtype){ FB_BOOL, 1 }));
    assert_false(fb_mean_possible((struct fb_dtype){ FB_OPAQUE, 8 }));
}

/* Row after row: any other order of adding loses or keeps the ones. */
static void test_order(void **state)
{
    (void)state;
    const double rows[] = { 1, 0x1p53, 0x1p53, 1, -0x1p53, 1, 1, -0x1p53 };
    assert_means("float64", rows, 4, 0.25, 0);
}

static void test_specials(void **state)
{
    (void)state;
    const double zeros[] = { -0.0, -0.0, -0.0, 0.0 };
    const double infinite[] = { INFINITY, INFINITY, INFINITY, -INFINITY };
    static const uint64_t patterns[] = { 0xfff8000000000000, 0x7ff8000000000123, 0, 0 };
    double one;
    assert_means("float64", zeros, 1, -0.0, -0.0);
    assert_means("float64", zeros, 2, -0.0, 0.0);
    double means[2];
    fb_mean_rows(type_of("float64"), infinite, 2, 2, means);
    assert_true(means[0] == INFINITY);
    assert_int_equal(bits(means[1]), 0x7ff8000000000000);
    fb_mean_rows(type_of("float64"), patterns, 2, 2, means);
    assert_int_equal(bits(means[0]), 0x7ff8000000000000);
    assert_int_equal(bits(means[1]), 0x7ff8000000000000);
    fb_mean_rows(type_of("float64"), zeros, 4, 1, &one);
    assert_int_equal(bits(one), bits(0.0));
    fb_mean_rows(type_of("float64"), NULL, 4, 0, NULL);
}

static void test_catalog_text(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_error err;
    char *text;
    size_t length;
    uint64_t face[] = { 2851, 68, 2 }, none[] = { 0 };
    assert_int_equal(fb_catalog_text(&catalog, &text, &length, &err), 0);
    assert_non_null(text);
    assert_int_equal(length, 0);
    free(text);
    const struct fb_dtype f32 = { FB_FLOAT, 4 }, record = { FB_OPAQUE, 12 };
    assert_int_equal(fb_catalog_add(&catalog, "s_10", NULL, "s_10/face", f32, 3, face, &err), 0);
    assert_int_equal(fb_catalog_add(&catalog, "s_9", NULL, "s_9/b\tc\nd", record, 1, none, &err),
                     0);
    assert_int_equal(fb_catalog_add(&catalog, "s_9", NULL, "s_9/a", f32, 0, none, &err), 0);
    assert_int_equal(fb_catalog_finish(&catalog, &err), 0);
    assert_int_equal(fb_catalog_text(&catalog, &text, &length, &err), 0);
    assert_string_equal(text,
                        "s_9/a\tfloat32\t\ns_9/b\tc\nd\tV12\t0\ns_10/face\tfloat32\t2851x68x2\n");
    assert_int_equal(length, strlen(text));
    free(text);
    fb_catalog_free(&catalog);
}

/* 32 axes of the largest numbers are not cut off. */
static void test_catalog_text_wide(void **state)
{
    (void)state;
    struct fb_catalog catalog = { 0 };
    struct fb_error err;
    char *text;
    size_t length;
    uint64_t dims[FB_MAX_RANK] = { 0 };
    for (int i = 1; i < FB_MAX_RANK; i++)
        dims[i] = UINT64_C(9000000000000000000);
    assert_int_equal(fb_catalog_add(&catalog, "", NULL, "x", (struct fb_dtype){ FB_INT, 1 },
                                    FB_MAX_RANK, dims, &err),
                     0);
    assert_int_equal(fb_catalog_finish(&catalog, &err), 0);
    assert_int_equal(fb_catalog_text(&catalog, &text, &length, &err), 0);
    assert_int_equal(length, strlen("x\tint8\t0\n") + (FB_MAX_RANK - 1) * 20);
    free(text);
    fb_catalog_free(&catalog);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),        cmocka_unit_test(test_types_without),
        cmocka_unit_test(test_order),        cmocka_unit_test(test_specials),
        cmocka_unit_test(test_catalog_text), cmocka_unit_test(test_catalog_text_wide),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
