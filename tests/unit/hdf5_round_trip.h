/* What goes into an HDF5 file comes out of it: catalog, searches, and slabs of every array. */
#ifndef FB_TESTS_HDF5_ROUND_TRIP_H
#define FB_TESTS_HDF5_ROUND_TRIP_H

#include "base/random.h"
#include "hdf5_tests.h"

/* Every element type with every rank from 0 to 5, and an axis without elements in each place; with
 * opaque types or without. */
static inline struct pattern_source *all_types(bool opaque)
{
    static const char *const types[] = { "int8",    "int16",  "int32",  "int64",   "uint8",
                                         "uint16",  "uint32", "uint64", "float16", "float32",
                                         "float64", "bool",   "V1",     "V7" };
    struct pattern_source *source = pattern_new();
    struct fb_error err = { 0 };
    uint64_t dims[5] = { 6, 5, 4, 3, 2 };
    char path[64], name[FB_DTYPE_NAME_MAX + 8];
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        if (!opaque && *types[t] == 'V')
            continue;
        snprintf(name, sizeof name, "t/%s", types[t]);
        for (unsigned rank = 0; rank <= 5; rank++) {
            snprintf(path, sizeof path, "%s/rank%u", name, rank);
            pattern_add(source, name, "shared name", path, types[t], rank, dims);
            if (rank == 0)
                continue;
            uint64_t saved = dims[rank / 2];
            dims[rank / 2] = 0;
            snprintf(path, sizeof path, "%s/empty%u", name, rank);
            pattern_add(source, name, "shared name", path, types[t], rank, dims);
            dims[rank / 2] = saved;
        }
    }
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    return source;
}

static inline void check_catalog(const struct fb_catalog *got, const struct fb_catalog *want)
{
    assert_int_equal(got->skipped_count, 0);
    assert_string_equal(got->description, want->description);
    assert_int_equal(got->sample_count, want->sample_count);
    assert_int_equal(got->array_count, want->array_count);
    for (size_t i = 0; i < want->sample_count; i++) {
        assert_string_equal(got->samples[i].path, want->samples[i].path);
        assert_string_equal(got->samples[i].name, want->samples[i].name);
        assert_int_equal(got->samples[i].count, want->samples[i].count);
    }
    for (size_t i = 0; i < want->array_count; i++) {
        const struct fb_array_info *a = &got->arrays[i], *b = &want->arrays[i];
        assert_string_equal(a->path, b->path);
        assert_true(fb_dtype_equal(a->dtype, b->dtype));
        assert_int_equal(a->rank, b->rank);
        assert_memory_equal(a->dims, b->dims, b->rank * sizeof *b->dims);
    }
}

static inline void check_slabs(struct fb_array *array, const struct fb_array_info *info,
                               struct fb_random *random)
{
    unsigned char *whole = pattern_bytes(info), *want = malloc((size_t)info->bytes + 1),
                  *got = malloc((size_t)info->bytes + 1);
    for (int n = 0; n < 12; n++) {
        uint64_t start[FB_MAX_RANK], count[FB_MAX_RANK];
        struct fb_error err = { 0 };
        size_t delivered = 99;
        for (unsigned i = 0; i < info->rank; i++) {
            start[i] = n ? fb_random_below(random, info->dims[i] + 1) : 0;
            count[i] = n ? fb_random_below(random, info->dims[i] - start[i] + 1) : info->dims[i];
        }
        size_t bytes = (size_t)fb_slab_bytes(info, count);
        got[bytes] = 0xA5;
        assert_int_equal(
            fb_format_as_is.array_read(array, start, count, got, bytes, &delivered, &err), 0);
        assert_int_equal(delivered, bytes);
        assert_int_equal(got[bytes], 0xA5);
        if (bytes == 0)
            continue;
        fb_slab_copy(info, start, count, whole, want);
        assert_memory_equal(got, want, bytes);
        assert_int_equal(
            fb_format_as_is.array_read(array, start, count, got, bytes - 1, &delivered, &err),
            FB_EUSAGE);
        assert_int_equal(delivered, 0);
    }
    free(whole);
    free(want);
    free(got);
}

static inline void check_round_trip(const char *path, struct pattern_source *source)
{
    struct fb_catalog catalog;
    struct fb_random random;
    struct fb_reader *reader = open_file(path);
    fb_random_seed(&random, 3);
    read_catalog(reader, &catalog);
    check_catalog(&catalog, &source->catalog);
    check_find(reader, &catalog);
    for (size_t i = 0; i < catalog.array_count; i++) {
        struct fb_array *array = open_array(reader, catalog.arrays[i].path);
        check_slabs(array, &catalog.arrays[i], &random);
        fb_format_as_is.array_close(array);
    }
    fb_catalog_free(&catalog);
    fb_format_as_is.close(reader);
}

#endif
