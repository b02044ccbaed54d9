/* Small HDF5 files whose chunk geometry says on paper what reading windows of them takes. Elements
 * are float32 (4 bytes), and each has its number in C order as its value. */
#ifndef FB_TESTS_GEOMETRY_H
#define FB_TESTS_GEOMETRY_H

#include "hdf5_tests.h"

#include <hdf5.h>

#define PLAIN (-1) /* no filter */
#define WINDOWS_MAX 4
#define RANK_MAX 4

struct window {
    uint64_t start[RANK_MAX], count[RANK_MAX];
};

struct geometry {
    const char *name;
    unsigned rank;
    uint64_t dims[RANK_MAX], chunk[RANK_MAX]; /* chunk[0] == 0: in one piece */
    int level;
    bool shuffle, compact, gaps; /* gaps: of the chunks of a line only number 1 is written */
    bool reopens;                /* the array is closed and opened between the windows */
    size_t requests;
    struct window windows[WINDOWS_MAX];
    /* On paper; raw_bytes only without gzip, whose lengths no paper tells. */
    uint64_t asked_bytes, touched, inflated, again, inflated_bytes, raw_reads, raw_bytes;
};

static const struct geometry geometries[] = {
    { .name = "aligned window", /* chunk 2 */
      .rank = 1,
      .dims = { 100 },
      .chunk = { 10 },
      .level = 4,
      .requests = 1,
      .windows = { { { 20 }, { 10 } } },
      .asked_bytes = 40,
      .touched = 1,
      .inflated = 1,
      .inflated_bytes = 40,
      .raw_reads = 1 },
    { .name = "over two chunks", /* 1 and 2 */
      .rank = 1,
      .dims = { 100 },
      .chunk = { 10 },
      .level = 4,
      .requests = 1,
      .windows = { { { 15 }, { 10 } } },
      .asked_bytes = 40,
      .touched = 2,
      .inflated = 2,
      .inflated_bytes = 80,
      .raw_reads = 2 },
    { .name = "edge chunk", /* 8 and 9, which is stored whole */
      .rank = 1,
      .dims = { 95 },
      .chunk = { 10 },
      .level = 4,
      .requests = 1,
      .windows = { { { 85 }, { 10 } } },
      .asked_bytes = 40,
      .touched = 2,
      .inflated = 2,
      .inflated_bytes = 80,
      .raw_reads = 2 },
    { .name = "whole matrix", /* 4 chunks of 10 rows */
      .rank = 2,
      .dims = { 40, 6 },
      .chunk = { 10, 6 },
      .level = 4,
      .requests = 1,
      .windows = { { { 0, 0 }, { 40, 6 } } },
      .asked_bytes = 960,
      .touched = 4,
      .inflated = 4,
      .inflated_bytes = 960,
      .raw_reads = 4 },
    { .name = "split columns", /* 2 x 2 chunks of 10 x 3 */
      .rank = 2,
      .dims = { 40, 6 },
      .chunk = { 10, 3 },
      .level = 4,
      .requests = 1,
      .windows = { { { 5, 0 }, { 10, 6 } } },
      .asked_bytes = 240,
      .touched = 4,
      .inflated = 4,
      .inflated_bytes = 480,
      .raw_reads = 4 },
    { .name = "corner of eight", /* 2 x 2 x 2 chunks of 8 x 8 x 8 */
      .rank = 3,
      .dims = { 16, 16, 16 },
      .chunk = { 8, 8, 8 },
      .level = 4,
      .requests = 1,
      .windows = { { { 4, 4, 4 }, { 8, 8, 8 } } },
      .asked_bytes = 2048,
      .touched = 8,
      .inflated = 8,
      .inflated_bytes = 16384,
      .raw_reads = 8 },
    { .name = "within a chunk", /* the last of eight */
      .rank = 3,
      .dims = { 16, 16, 16 },
      .chunk = { 8, 8, 8 },
      .level = 4,
      .requests = 1,
      .windows = { { { 9, 9, 9 }, { 6, 6, 6 } } },
      .asked_bytes = 864,
      .touched = 1,
      .inflated = 1,
      .inflated_bytes = 2048,
      .raw_reads = 1 },
    { .name = "uneven, rank three", /* rows 2-4 of 3, 1-3 of 2, 1-2 of 2: 2 x 2 x 2 chunks */
      .rank = 3,
      .dims = { 7, 5, 3 },
      .chunk = { 3, 2, 2 },
      .level = 1,
      .requests = 1,
      .windows = { { { 2, 1, 1 }, { 3, 3, 2 } } },
      .asked_bytes = 72,
      .touched = 8,
      .inflated = 8,
      .inflated_bytes = 384,
      .raw_reads = 8 },
    { .name = "rank four", /* 2 x 1 x 1 x 2 chunks of 16 elements */
      .rank = 4,
      .dims = { 4, 4, 4, 4 },
      .chunk = { 2, 2, 2, 2 },
      .level = 9,
      .requests = 1,
      .windows = { { { 1, 0, 2, 1 }, { 2, 2, 2, 2 } } },
      .asked_bytes = 64,
      .touched = 4,
      .inflated = 4,
      .inflated_bytes = 256,
      .raw_reads = 4 },
    { .name = "uncompressed chunks", /* 1 and 2, which go to the cache whole */
      .rank = 2,
      .dims = { 40, 6 },
      .chunk = { 10, 6 },
      .level = PLAIN,
      .requests = 1,
      .windows = { { { 15, 0 }, { 10, 6 } } },
      .asked_bytes = 240,
      .touched = 2,
      .raw_reads = 2,
      .raw_bytes = 480 },
    { .name = "shuffle and gzip", /* 1 and 2 */
      .rank = 1,
      .dims = { 100 },
      .chunk = { 10 },
      .level = 4,
      .shuffle = true,
      .requests = 1,
      .windows = { { { 15 }, { 10 } } },
      .asked_bytes = 40,
      .touched = 2,
      .inflated = 2,
      .inflated_bytes = 80,
      .raw_reads = 2 },
    { .name = "chunk larger than the cache", /* 1.2 MB against 1 MiB: inflated each time */
      .rank = 2,
      .dims = { 4, 300000 },
      .chunk = { 1, 300000 },
      .level = 1,
      .requests = 3,
      .windows = { { { 0, 0 }, { 1, 10 } }, { { 0, 10 }, { 1, 10 } }, { { 0, 20 }, { 1, 10 } } },
      .asked_bytes = 120,
      .touched = 3,
      .inflated = 3,
      .again = 2,
      .inflated_bytes = 3600000,
      .raw_reads = 3 },
    { .name = "two chunks where one fits", /* 0.6 MB each: the second drives out the first */
      .rank = 2,
      .dims = { 2, 150000 },
      .chunk = { 1, 150000 },
      .level = 1,
      .requests = 3,
      .windows = { { { 0, 0 }, { 1, 10 } }, { { 1, 0 }, { 1, 10 } }, { { 0, 10 }, { 1, 10 } } },
      .asked_bytes = 120,
      .touched = 3,
      .inflated = 3,
      .again = 1,
      .inflated_bytes = 1800000,
      .raw_reads = 3 },
    { .name = "two chunks where both fit", /* 0.4 MB each: the third window hits the cache */
      .rank = 2,
      .dims = { 2, 100000 },
      .chunk = { 1, 100000 },
      .level = 1,
      .requests = 3,
      .windows = { { { 0, 0 }, { 1, 10 } }, { { 1, 0 }, { 1, 10 } }, { { 0, 10 }, { 1, 10 } } },
      .asked_bytes = 120,
      .touched = 3,
      .inflated = 2,
      .inflated_bytes = 800000,
      .raw_reads = 2 },
    { .name = "same chunk twice", /* the second window hits the cache */
      .rank = 1,
      .dims = { 100 },
      .chunk = { 10 },
      .level = 4,
      .requests = 2,
      .windows = { { { 20 }, { 5 } }, { { 25 }, { 5 } } },
      .asked_bytes = 40,
      .touched = 2,
      .inflated = 1,
      .inflated_bytes = 40,
      .raw_reads = 1 },
    { .name = "same chunk, array opened again", /* whose cache went with its closing */
      .rank = 1,
      .dims = { 100 },
      .chunk = { 10 },
      .level = 4,
      .reopens = true,
      .requests = 2,
      .windows = { { { 20 }, { 5 } }, { { 25 }, { 5 } } },
      .asked_bytes = 40,
      .touched = 2,
      .inflated = 2,
      .again = 1,
      .inflated_bytes = 80,
      .raw_reads = 2 },
    { .name = "chunks missing", /* 1 of 4 is there */
      .rank = 1,
      .dims = { 40 },
      .chunk = { 10 },
      .level = 4,
      .gaps = true,
      .requests = 1,
      .windows = { { { 0 }, { 40 } } },
      .asked_bytes = 160,
      .touched = 4,
      .inflated = 1,
      .inflated_bytes = 40,
      .raw_reads = 1 },
    { .name = "uncompressed chunks missing",
      .rank = 1,
      .dims = { 40 },
      .chunk = { 10 },
      .level = PLAIN,
      .gaps = true,
      .requests = 1,
      .windows = { { { 5 }, { 30 } } },
      .asked_bytes = 120,
      .touched = 4,
      .raw_reads = 1,
      .raw_bytes = 40 },
    { .name = "no elements",
      .rank = 1,
      .dims = { 100 },
      .chunk = { 10 },
      .level = 4,
      .requests = 1,
      .windows = { { { 20 }, { 0 } } } },
    { .name = "contiguous, whole",
      .rank = 1,
      .dims = { 100 },
      .level = PLAIN,
      .requests = 1,
      .windows = { { { 0 }, { 100 } } },
      .asked_bytes = 400,
      .raw_reads = 1,
      .raw_bytes = 400 },
    { .name = "contiguous window", /* the library's sieve buffer reads on to the array's end */
      .rank = 2,
      .dims = { 25, 4 },
      .level = PLAIN,
      .requests = 1,
      .windows = { { { 10, 1 }, { 2, 2 } } },
      .asked_bytes = 16,
      .raw_reads = 1,
      .raw_bytes = 236 },
    { .name = "single value",
      .rank = 0,
      .level = PLAIN,
      .requests = 1,
      .asked_bytes = 4,
      .raw_reads = 1,
      .raw_bytes = 4 },
    { .name = "compact", /* lies in the object's header */
      .rank = 1,
      .dims = { 10 },
      .level = PLAIN,
      .compact = true,
      .requests = 1,
      .windows = { { { 0 }, { 10 } } },
      .asked_bytes = 40 },
};
static const size_t geometry_count = sizeof geometries / sizeof *geometries;

static inline const struct geometry *geometry_named(const char *name)
{
    for (size_t i = 0; i < geometry_count; i++)
        if (strcmp(geometries[i].name, name) == 0)
            return &geometries[i];
    fail_msg("no geometry %s", name);
    return NULL;
}

static inline uint64_t product(unsigned rank, const uint64_t *counts)
{
    uint64_t n = 1;
    for (unsigned i = 0; i < rank; i++)
        n *= counts[i];
    return n;
}

/* Position number `n` of a window, in C order, in the array. */
static inline void position(const struct geometry *geometry, const struct window *window,
                            uint64_t n, uint64_t *at)
{
    for (unsigned i = geometry->rank; i-- > 0;) {
        at[i] = window->start[i] + n % window->count[i];
        n /= window->count[i];
    }
}

/* What must be delivered for the element there. */
static inline float value_at(const struct geometry *geometry, const uint64_t *at)
{
    uint64_t number = 0;
    if (geometry->gaps && at[0] / geometry->chunk[0] != 1)
        return 0;
    for (unsigned i = 0; i < geometry->rank; i++)
        number = number * geometry->dims[i] + at[i];
    return (float)number;
}

/* --- files ------------------------------------------------------------------------------------ */

/* The same in the old format, in the newest, and behind a user block. */
#define VARIANTS 3

static inline hid_t geometry_create(int variant, const char *path)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    if (variant == 1)
        assert_true(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0);
    if (variant == 2)
        assert_true(H5Pset_userblock(creation, 512) >= 0);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    assert_true(file >= 0);
    H5Pclose(creation);
    H5Pclose(access);
    return file;
}

static inline hid_t geometry_properties(const struct geometry *geometry)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[RANK_MAX];
    for (unsigned i = 0; i < geometry->rank; i++)
        chunk[i] = geometry->chunk[i];
    if (geometry->chunk[0])
        assert_true(H5Pset_chunk(creation, (int)geometry->rank, chunk) >= 0);
    if (geometry->compact)
        assert_true(H5Pset_layout(creation, H5D_COMPACT) >= 0);
    if (geometry->shuffle)
        assert_true(H5Pset_shuffle(creation) >= 0);
    if (geometry->level != PLAIN)
        assert_true(H5Pset_deflate(creation, (unsigned)geometry->level) >= 0);
    return creation;
}

/* Writes chunk 1 alone where there shall be gaps, else everything. */
static inline void geometry_fill(const struct geometry *geometry, hid_t dataset, hid_t space)
{
    uint64_t n = product(geometry->rank, geometry->dims);
    hsize_t start = geometry->chunk[0], count = geometry->chunk[0];
    hid_t memory = H5S_ALL, to = H5S_ALL;
    float *values = malloc(n * sizeof *values);
    for (uint64_t i = 0; i < n; i++)
        values[i] = (float)i;
    if (geometry->gaps) {
        memory = H5Scopy(space);
        to = space;
        H5Sselect_hyperslab(memory, H5S_SELECT_SET, &start, NULL, &count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    }
    assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, to, H5P_DEFAULT, values) >= 0);
    if (geometry->gaps)
        H5Sclose(memory);
    free(values);
}

/* Dataset "x" in a new file. */
static inline void geometry_write(const struct geometry *geometry, int variant, const char *path)
{
    hsize_t dims[RANK_MAX];
    for (unsigned i = 0; i < geometry->rank; i++)
        dims[i] = geometry->dims[i];
    hid_t file = geometry_create(variant, path), creation = geometry_properties(geometry);
    hid_t space = H5Screate_simple((int)geometry->rank, dims, NULL);
    hid_t dataset =
        H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(dataset >= 0);
    geometry_fill(geometry, dataset, space);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    assert_true(H5Fclose(file) >= 0);
}

/* Reads a window and looks at every value. */
static inline void check_window(struct fb_array *array, const struct geometry *geometry,
                                const struct window *window)
{
    uint64_t n = product(geometry->rank, window->count), at[RANK_MAX];
    size_t delivered = 0;
    struct fb_error err = { 0 };
    float *values = calloc(n + 1, sizeof *values);
    if (fb_format_as_is.array_read(array, window->start, window->count, values, n * sizeof *values,
                                   &delivered, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(delivered, n * sizeof *values);
    for (uint64_t i = 0; i < n; i++) {
        position(geometry, window, i, at);
        assert_true(values[i] == value_at(geometry, at));
    }
    free(values);
}

#endif
