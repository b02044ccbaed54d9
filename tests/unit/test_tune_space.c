/* The space of settings: shapes of other programs against their published formulas, and what holds
 * of every space whatever the array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/tune/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST (UINT64_C(8) << 20)
#define LEAST 512

static const struct fb_coding codings[] = {
    { "none", 0, false }, { "gzip", 4, false }, { "gzip", 4, true }, { "gzip", 9, true }
};
static const struct fb_coding usual = { "gzip", 4, false };

struct example {
    unsigned rank;
    uint64_t element;
    uint64_t dims[FB_MAX_RANK], chunk[FB_MAX_RANK];
};

static void check_shape(const struct example *e, const uint64_t *chunk)
{
    for (unsigned k = 0; k < e->rank; k++)
        if (chunk[k] != e->chunk[k])
            fail_msg("%ju x ...: axis %u has %ju, not %ju", (uintmax_t)e->dims[0], k,
                     (uintmax_t)chunk[k], (uintmax_t)e->chunk[k]);
}

/* From the formula, by a program of another language:
 * max(1, int((4194304 / bytes) ** (1 / rank) * length - 0.5)), at most the length, then less by the
 * overhang over the number of chunks. */
static void test_netcdf(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { 2, 4, { 1000, 1000 }, { 1000, 1000 } },
        { 2, 8, { 2000, 2000 }, { 667, 667 } },
        { 3, 4, { 365, 180, 360 }, { 122, 60, 120 } },
        { 2, 8, { 7, 11 }, { 7, 11 } },
        { 2, 4, { UINT64_C(1) << 40, 4 }, { 536608896, 1 } },
        { 3, 4, { 2851, 68, 2 }, { 2851, 68, 2 } },
        { 3, 4, { 10, 1000, 1000 }, { 4, 334, 334 } },
        { 12, 8, { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3 }, { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 } },
        { 1, 4, { 10000000 }, { 1000000 } },
        { 3, 4, { 98128, 277, 349 }, { 4673, 12, 16 } },
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        uint64_t chunk[FB_MAX_RANK];
        fb_shape_netcdf(examples[i].rank, examples[i].dims, examples[i].element, chunk);
        check_shape(&examples[i], chunk);
    }
}

/* For chunks of 4096 bytes. Without a short axis the article's estimate, rounded up on some axes:
 * 2.40 x 14.6 x 29.2, 32.2 x 5.02 x 6.33. Axes shorter than their share by hand: the ten planes
 * leave 9765.6 / 10 cuts, 31.25 for each of the other two. */
static void test_balanced(void **state)
{
    (void)state;
    static const struct example examples[] = {
        { 3, 4, { 365, 180, 360 }, { 2, 14, 30 } },
        { 3, 4, { 98128, 277, 349 }, { 32, 5, 6 } },
        { 3, 4, { 10, 1000, 1000 }, { 1, 32, 32 } },
        { 3, 4, { 2851, 68, 2 }, { 146, 6, 1 } },
        { 3, 4, { 100000, 2, 5000 }, { 101, 1, 10 } },
        { 2, 4, { 1024, 1024 }, { 32, 32 } },
        { 2, 4, { 10, 20 }, { 10, 20 } },
        { 1, 4, { 1024000 }, { 1024 } },
        { 1, 4, { 7 }, { 7 } },
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        uint64_t chunk[FB_MAX_RANK], bytes = examples[i].element;
        fb_shape_balanced(examples[i].rank, examples[i].dims, examples[i].element, 4096, chunk);
        check_shape(&examples[i], chunk);
        for (unsigned k = 0; k < examples[i].rank; k++)
            bytes *= chunk[k];
        assert_true(bytes <= 4096);
    }
}

static struct fb_array_info array_of(unsigned rank, size_t element, const uint64_t *dims)
{
    struct fb_array_info array = {
        .path = (char *)"x", .dtype = { FB_UINT, element }, .rank = rank, .bytes = element
    };
    memcpy(array.dims, dims, rank * sizeof *dims);
    for (unsigned k = 0; k < rank; k++)
        array.bytes *= dims[k];
    return array;
}

static void check_candidate(const struct fb_array_info *array, const struct fb_candidate *item)
{
    const struct fb_setting *setting = &item->setting;
    uint64_t bytes = fb_setting_chunk_bytes(setting, array->dtype.size);
    if (setting->rank == 0)
        return;
    assert_int_equal(setting->rank, array->rank);
    for (unsigned k = 0; k < setting->rank; k++)
        assert_in_range(setting->chunk[k], 1, array->dims[k]);
    assert_true(bytes <= array->bytes);
}

/* Everything that holds of any space. Returns the number of settings. */
static size_t check_space(const struct fb_array_info *array, const uint64_t *dims,
                          const uint64_t (*slabs)[FB_MAX_RANK], size_t slab_count)
{
    struct fb_space space = { 0 };
    struct fb_error err = { 0 };
    unsigned names = 0;
    assert_int_equal(fb_space_make(array, dims, slabs, slab_count, codings,
                                   sizeof codings / sizeof *codings, &usual, &space, &err),
                     0);
    assert_true(space.count > 0 && space.items[0].setting.rank == 0);
    for (size_t i = 0; i < space.count; i++) {
        uint64_t bytes = fb_setting_chunk_bytes(&space.items[i].setting, array->dtype.size);
        check_candidate(array, &space.items[i]);
        for (size_t k = 0; k < i; k++)
            assert_false(fb_setting_equal(&space.items[i].setting, &space.items[k].setting));
        names |= space.items[i].names;
        bool proposed = false; /* such a shape comes in all codings */
        for (size_t k = 0; k < space.count; k++)
            proposed |= space.items[k].names &&
                        !memcmp(space.items[k].setting.chunk, space.items[i].setting.chunk,
                                sizeof space.items[k].setting.chunk);
        if (space.items[i].setting.rank && !proposed)
            assert_true(bytes <= MOST && (bytes >= LEAST || bytes == array->bytes));
    }
    bool chunked = array->rank > 0 && array->bytes > 0;
    assert_int_equal(names, chunked ? 1u << FB_PROPOSER_H5PY | 1u << FB_PROPOSER_NETCDF |
                                          1u << FB_PROPOSER_UNIDATA
                                    : 0);
    free(space.items);
    return space.count;
}

#define DIMS(...)                                                                                  \
    (const uint64_t[FB_MAX_RANK])                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void test_every_space(void **state)
{
    (void)state;
    static const struct {
        unsigned rank;
        size_t element;
        uint64_t dims[FB_MAX_RANK];
    } arrays[] = {
        { 1, 4, { 1 } },
        { 1, 8, { 100 } },
        { 1, 1, { UINT64_C(1) << 40 } },
        { 1, 100000, { 50 } },
        { 2, 4, { 1000, 60 } },
        { 2, 8, { UINT64_C(1) << 40, 4 } },
        { 2, 4, { 4, UINT64_C(1) << 40 } },
        { 2, 1, { UINT64_C(1) << 31, UINT64_C(1) << 31 } },
        { 3, 4, { 2851, 68, 2 } },
        { 3, 4, { 1, 1, 1 } },
        { 3, 4, { 100000, 1, 1 } },
        { 4, 2, { 3, 1, 1000, 7 } },
        { 5, 8, { 84, 23, 2, 135, 2 } },
        { 5, 8000000, { 2, 1, 2, 1, 2 } },
        { 32, 1, { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
                   2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 } },
        { 32, 4, { 1000, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                   1,    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1000 } },
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        struct fb_array_info array = array_of(arrays[i].rank, arrays[i].element, arrays[i].dims);
        uint64_t slabs[3][FB_MAX_RANK];
        memcpy(slabs[0], array.dims, sizeof slabs[0]);
        slabs[0][0] = array.dims[0] > 100 ? 100 : 1;
        memcpy(slabs[1], array.dims, sizeof slabs[1]);
        slabs[1][array.rank - 1] = 1;
        memcpy(slabs[2], array.dims, sizeof slabs[2]);
        check_space(&array, array.dims, (const uint64_t(*)[FB_MAX_RANK])slabs, 3);
        check_space(&array, array.dims, NULL, 0);
    }
}

/* Without elements, or a single value: in one piece, as no chunk has a length. */
static void test_nothing_to_chunk(void **state)
{
    (void)state;
    struct fb_array_info none = array_of(2, 4, DIMS(0, 17)), one = array_of(0, 4, DIMS(0));
    assert_int_equal(check_space(&none, none.dims, NULL, 0), 1);
    assert_int_equal(check_space(&one, one.dims, NULL, 0), 1);
}

/* A proposer's shape is made for the whole array, and clipped to the part. */
static void test_part(void **state)
{
    (void)state;
    struct fb_array_info part = array_of(2, 8, DIMS(100, 2000));
    struct fb_space space = { 0 };
    struct fb_error err = { 0 };
    bool found = false;
    assert_int_equal(
        fb_space_make(&part, DIMS(2000, 2000), NULL, 0, codings, 1, &usual, &space, &err), 0);
    for (size_t i = 0; i < space.count; i++)
        if (space.items[i].names & 1u << FB_PROPOSER_NETCDF) {
            found = true;
            assert_int_equal(space.items[i].setting.chunk[0], 100);
            assert_int_equal(space.items[i].setting.chunk[1], 667);
            assert_string_equal(space.items[i].setting.filter, "gzip");
        }
    assert_true(found);
    free(space.items);
}

static void test_names_come_together(void **state)
{
    (void)state;
    struct fb_space space = { 0 };
    struct fb_setting a = { .rank = 1, .chunk = { 5 }, .filter = "gzip", .level = 4 }, b = a;
    struct fb_setting piece = { .filter = "none" }, other = { .filter = "gzip", .level = 3 };
    size_t at;
    b.chunk[7] = 9; /* beyond its rank */
    assert_int_equal(fb_space_add(&space, &a, 1, &at, NULL), 0);
    assert_int_equal(fb_space_add(&space, &piece, 2, &at, NULL), 0);
    assert_int_equal(fb_space_add(&space, &b, 4, &at, NULL), 0);
    assert_int_equal(at, 0);
    assert_int_equal(space.items[0].names, 5);
    assert_int_equal(fb_space_add(&space, &other, 0, &at, NULL), 0); /* in one piece too */
    assert_int_equal(at, 1);
    for (unsigned level = 0; level < 9; level++) {
        a.level = level;
        assert_int_equal(fb_space_add(&space, &a, 0, &at, NULL), 0);
        assert_int_equal(space.items[at].setting.level, level);
    }
    assert_int_equal(space.count, 10);
    free(space.items);
}

static void test_chunk_bytes(void **state)
{
    (void)state;
    struct fb_setting huge = { .rank = 2, .chunk = { UINT64_C(1) << 40, UINT64_C(1) << 30 } };
    assert_true(fb_setting_chunk_bytes(&huge, 4) == UINT64_MAX);
    assert_true(fb_setting_chunk_bytes(&(struct fb_setting){ .rank = 1, .chunk = { 3 } }, 4) == 12);
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        struct fb_setting setting;
        const char *options, *text;
    } cases[] = {
        { { .filter = "none" }, "", "in one piece" },
        { { 3, { 100, 68, 2 }, "gzip", 4, true, false },
          "level=4,shuffle=1,chunk=100x68x2",
          "100x68x2, shuffle, gzip 4" },
        { { 1, { 7 }, "none", 0, false, false }, "level=0,shuffle=0,chunk=7", "7" },
        { { 1, { 7 }, "none", 0, true, false }, "level=0,shuffle=1,chunk=7", "7, shuffle" },
        { { 2, { 1, 7 }, "lzf", 0, false, false },
          "shuffle=0,chunk=1x7,filter=lzf",
          "1x7, lzf" },
        { { 0, { 0 }, "none", 0, false, true }, "libver=latest", "in one piece, libver latest" },
        { { 1, { 7 }, "gzip", 1, false, true },
          "level=1,shuffle=0,chunk=7,libver=latest",
          "7, gzip 1, libver latest" },
    };
    char buf[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(fb_setting_options(&cases[i].setting, buf, sizeof buf),
                            cases[i].options);
        assert_string_equal(fb_setting_text(&cases[i].setting, buf, sizeof buf), cases[i].text);
    }
}

/* Nothing is written beyond a buffer, however long the shape. */
static void test_texts_too_long(void **state)
{
    (void)state;
    struct fb_setting setting = { .rank = FB_MAX_RANK, .filter = "lzf", .latest = true };
    for (unsigned k = 0; k < FB_MAX_RANK; k++)
        setting.chunk[k] = UINT64_MAX;
    for (size_t size = 1; size < 900; size += 7) {
        char *buf = malloc(size + 1);
        buf[size] = '#';
        assert_true(strlen(fb_setting_options(&setting, buf, size)) < size);
        assert_true(strlen(fb_setting_text(&setting, buf, size)) < size);
        assert_int_equal(buf[size], '#');
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netcdf),         cmocka_unit_test(test_balanced),
        cmocka_unit_test(test_every_space),    cmocka_unit_test(test_nothing_to_chunk),
        cmocka_unit_test(test_part),           cmocka_unit_test(test_names_come_together),
        cmocka_unit_test(test_chunk_bytes),    cmocka_unit_test(test_texts),
        cmocka_unit_test(test_texts_too_long),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
