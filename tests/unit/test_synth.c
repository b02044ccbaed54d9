/* The generator: the same bytes everywhere and always, prefixes that agree, and arrays that look
 * like OpenFace features. Its statistics are checked in tests/interop/synth_calibration.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datasets/features.h"
#include "datasets/importers.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static int try_open(const char *options, struct fb_source **out, struct fb_error *err)
{
    struct fb_options parsed;
    int rc = fb_options_parse(fb_importer_synth.options, "source synth", options, &parsed, err);
    return rc ? rc : fb_importer_synth.open(NULL, &parsed, NULL, NULL, out, err);
}

static struct fb_source *open_synth(const char *options)
{
    struct fb_source *source;
    struct fb_error err = { 0 };
    if (try_open(options, &source, &err))
        fail_msg("%s: %s", options, err.message);
    return source;
}

/* The whole array in fresh memory. */
static void *read_whole(struct fb_source *source, size_t array)
{
    const struct fb_array_info *info = &fb_source_catalog(source)->arrays[array];
    uint64_t zero[3] = { 0 };
    void *data = malloc((size_t)info->bytes + 1);
    assert_non_null(data);
    assert_int_equal(
        fb_source_read(source, array, zero, info->dims, data, (size_t)info->bytes, NULL), 0);
    return data;
}

static void test_pinned_bytes(void **state)
{
    static const struct {
        const char *options;
        XXH64_hash_t high, low; /* XXH3-128 of all arrays, one after another */
    } cases[] = {
        { "samples=3,frames=90:120", UINT64_C(0x58d13911c64e4cd0), UINT64_C(0xbdacef94221749d8) },
        { "samples=3,frames=90:120,dtype=f64", UINT64_C(0xdedc8015925a1e5c),
          UINT64_C(0x40b0b7a1f8b92e6d) },
        { "samples=2,frames=5:5,seed=18446744073709551615", UINT64_C(0x6636957776ee4ff5),
          UINT64_C(0x813a32cfc1395db5) },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_source *source = open_synth(cases[i].options);
        const struct fb_catalog *catalog = fb_source_catalog(source);
        XXH3_state_t *hash = XXH3_createState();
        XXH3_128bits_reset(hash);
        for (size_t k = 0; k < catalog->array_count; k++) {
            void *data = read_whole(source, k);
            XXH3_128bits_update(hash, data, (size_t)catalog->arrays[k].bytes);
            free(data);
        }
        XXH128_hash_t got = XXH3_128bits_digest(hash);
        XXH3_freeState(hash);
        fb_source_close(source);
        if (got.high64 != cases[i].high || got.low64 != cases[i].low)
            fail_msg("%s: 0x%016llx, 0x%016llx", cases[i].options, (unsigned long long)got.high64,
                     (unsigned long long)got.low64);
    }
}

static void test_more_samples_extend(void **state)
{
    (void)state;
    struct fb_source *small = open_synth("samples=2,frames=10:40,seed=7");
    struct fb_source *large = open_synth("samples=9,frames=10:40,seed=7");
    struct fb_source *other = open_synth("samples=2,frames=10:40,seed=8");
    bool differs = false;
    for (size_t i = 0; i < fb_source_catalog(small)->array_count; i++) {
        const struct fb_array_info *a = &fb_source_catalog(small)->arrays[i];
        const struct fb_array_info *b = &fb_source_catalog(large)->arrays[i];
        const struct fb_array_info *c = &fb_source_catalog(other)->arrays[i];
        void *left = read_whole(small, i), *right = read_whole(large, i);
        void *third = read_whole(other, i);
        assert_string_equal(a->path, b->path);
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(left, right, (size_t)a->bytes);
        differs |= c->bytes != a->bytes || memcmp(left, third, (size_t)a->bytes) != 0;
        free(left);
        free(right);
        free(third);
    }
    assert_true(differs);
    fb_source_close(small);
    fb_source_close(large);
    fb_source_close(other);
}

static void test_narrowing(void **state)
{
    (void)state;
    struct fb_source *narrow = open_synth("samples=1,frames=30:30");
    struct fb_source *wide = open_synth("samples=1,frames=30:30,dtype=f64");
    for (size_t i = 0; i < 6; i++) {
        float *floats = read_whole(narrow, i);
        double *doubles = read_whole(wide, i);
        size_t n = (size_t)fb_source_catalog(narrow)->arrays[i].bytes / sizeof *floats;
        assert_int_equal(fb_source_catalog(wide)->arrays[i].bytes, n * sizeof *doubles);
        for (size_t k = 0; k < n; k++)
            assert_true(floats[k] == (float)doubles[k]);
        free(floats);
        free(doubles);
    }
    fb_source_close(narrow);
    fb_source_close(wide);
}

static void test_catalog(void **state)
{
    (void)state;
    struct fb_source *source = open_synth("samples=1200,frames=100:200");
    const struct fb_catalog *catalog = fb_source_catalog(source);
    uint64_t low = UINT64_MAX, high = 0, unequal = 0;
    assert_true(fb_catalog_is_noxire(catalog));
    assert_int_equal(catalog->sample_count, 1200);
    assert_string_equal(catalog->samples[0].name, "001.001.001.001");
    assert_string_equal(catalog->samples[998].name, "001.001.001.999");
    assert_string_equal(catalog->samples[999].name, "001.001.002.001");
    assert_string_equal(catalog->samples[1001].path, "sample_1001");
    for (size_t i = 0; i < catalog->array_count; i += 3) {
        uint64_t frames = catalog->arrays[i].dims[0];
        assert_int_equal(catalog->arrays[i + 1].dims[0], frames);
        assert_int_equal(catalog->arrays[i + 2].dims[0], frames);
        low = frames < low ? frames : low;
        high = frames > high ? frames : high;
        unequal += i % 6 && catalog->arrays[i - 3].dims[0] != frames;
    }
    assert_int_equal(low, 100); /* both ends are included */
    assert_int_equal(high, 200);
    assert_true(unequal > 300);
    fb_source_close(source);
}

static void test_canonical_name(void **state)
{
    (void)state;
    struct fb_source *source = open_synth("seed=5,frames=3:9");
    assert_string_equal(source->name, "synth:samples=24,frames=3:9,dtype=f32,seed=5");
    struct fb_source *again = open_synth(strchr(source->name, ':') + 1);
    assert_string_equal(again->name, source->name);
    fb_source_close(again);
    fb_source_close(source);
}

static void test_frame_ranges(void **state)
{
    static const struct {
        const char *options, *text;
    } refused[] = {
        { "frames=5", "frames=5" },           { "frames=9:3", "frames=9:3" },
        { "frames=5:", "frames=5:" },         { "frames=a:b", "MIN:MAX" },
        { "frames=1:1000000000", "at most" }, { "frames=1:18446744073709551616", "frames=" },
        { "samples=0", "samples=0" },         { "samples=100001", "100000" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct fb_source *source;
        struct fb_error err = { 0 };
        assert_int_equal(try_open(refused[i].options, &source, &err), FB_EUSAGE);
        if (!strstr(err.message, refused[i].text))
            fail_msg("'%s' lacks '%s'", err.message, refused[i].text);
    }
    struct fb_source *empty = open_synth("samples=2,frames=0:0");
    assert_int_equal(fb_catalog_bytes(fb_source_catalog(empty)), 0);
    free(read_whole(empty, 1));
    fb_source_close(empty);
    struct fb_source *one = open_synth("samples=1,frames=1:1");
    float *head = read_whole(one, FB_FEATURE_HEAD);
    for (size_t i = 0; i < 3; i++)
        assert_true(head[i] == 0); /* no range over time */
    free(head);
    fb_source_close(one);
    /* The longest person is only made when it is asked for. */
    fb_source_close(open_synth("samples=100,frames=800000:844000"));
}

/* --- what the arrays look like ---------------------------------------------------------------- */

/* `n` values from `step` apart: all within [0, 1], both ends reached. */
static void assert_unit_range(const double *values, size_t step, size_t n)
{
    bool zero = false, one = false;
    for (size_t i = 0; i < n; i++) {
        double value = values[i * step], ticks = value * 1e4;
        assert_true(value >= 0 && value <= 1);
        assert_true(ticks - (double)(int)(ticks + 0.5) < 1e-8); /* four decimals */
        assert_true((double)(int)(ticks + 0.5) - ticks < 1e-8);
        zero |= value == 0;
        one |= value == 1;
    }
    assert_true(zero && one);
}

static void test_looks_like_features(void **state)
{
    (void)state;
    struct fb_source *source = open_synth("samples=3,frames=200:300,dtype=f64,seed=3");
    const struct fb_catalog *catalog = fb_source_catalog(source);
    for (size_t person = 0; person < 6; person++) {
        double *aus = read_whole(source, person * 3 + FB_FEATURE_AUS);
        double *face = read_whole(source, person * 3 + FB_FEATURE_FACE);
        double *head = read_whole(source, person * 3 + FB_FEATURE_HEAD);
        size_t frames = (size_t)catalog->arrays[person * 3].dims[0];
        for (size_t i = 0; i < frames * FB_AUS; i++) {
            double hundredths = aus[i] * 500;
            assert_true(aus[i] >= 0 && aus[i] <= 1);
            assert_true(hundredths - (double)(int)(hundredths + 0.5) < 1e-8);
        }
        for (size_t frame = 0; frame < frames; frame++) {
            assert_unit_range(face + frame * 2 * FB_POINTS, 2, FB_POINTS);
            assert_unit_range(face + frame * 2 * FB_POINTS + 1, 2, FB_POINTS);
        }
        for (size_t column = 0; column < 3; column++)
            assert_unit_range(head + column, 6, frames);
        free(aus);
        free(face);
        free(head);
    }
    fb_source_close(source);
}

static void test_slabs(void **state)
{
    (void)state;
    struct fb_source *source = open_synth("samples=2,frames=50:60");
    const struct fb_catalog *catalog = fb_source_catalog(source);
    for (size_t k = 0; k < catalog->array_count; k++) {
        size_t i = k * 7 % catalog->array_count; /* never the person that was read last */
        const struct fb_array_info *array = &catalog->arrays[i];
        float *whole = read_whole(source, i), part[20 * 3];
        uint64_t start[3] = { 11, 2, 1 }, count[3] = { 20, 3, 1 };
        size_t each = array->rank == 3 ? 2 : 1;
        free(read_whole(source, (i + 4) % catalog->array_count));
        assert_int_equal(fb_source_read(source, i, start, count, part, sizeof part, NULL), 0);
        for (size_t at = 0; at < 60; at++) {
            size_t row = 11 + at / 3, column = 2 + at % 3;
            assert_true(part[at] == whole[(row * array->dims[1] + column) * each + each - 1]);
        }
        free(whole);
    }
    fb_source_close(source);
}

static void test_rounding(void **state)
{
    static const double cases[][2] = {
        { 0.5, 0 },        { 1.5, 2 },
        { 2.5, 2 },        { -0.5, 0 },
        { -1.5, -2 },      { 0.49999999999999994, 0 },
        { 9999.5, 10000 }, { 1234.5000000000002, 1235 },
        { -7, -7 },        { 1e15, 1e15 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(fb_round(cases[i][0]) == cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pinned_bytes),
        cmocka_unit_test(test_more_samples_extend),
        cmocka_unit_test(test_narrowing),
        cmocka_unit_test(test_catalog),
        cmocka_unit_test(test_canonical_name),
        cmocka_unit_test(test_frame_ranges),
        cmocka_unit_test(test_looks_like_features),
        cmocka_unit_test(test_slabs),
        cmocka_unit_test(test_rounding),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
