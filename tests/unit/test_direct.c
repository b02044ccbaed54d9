/* The library of formats/direct: what is read directly, what is left to H5Dread and why, missing
 * and unfiltered chunks, the kept ones, several threads, and the formats on top of it. */
#include "hdf5_tests.h"

#include "formats/direct/internal.h"

#include <pthread.h>

extern const struct fb_format fb_format_hdf5_direct, fb_format_hdf5_direct_as_is;

#define ROWS 60
#define COLUMNS 14
#define ELEMENTS (ROWS * COLUMNS)

static char path[] = "/tmp/fmtbench-direct-XXXXXX";

static int32_t value_at(uint64_t row, uint64_t column)
{
    return (int32_t)(row * 1000 + column) - 20000;
}

/* --- files ------------------------------------------------------------------------------------ */

static hid_t deflated(hsize_t rows, hsize_t columns)
{
    const hsize_t chunk[2] = { rows, columns };
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(creation, 2, chunk) >= 0);
    assert_true(H5Pset_deflate(creation, 4) >= 0);
    return creation;
}

/* Writes rows from..to of "x"; takes over the creation list. */
static void write_rows(hid_t type, hid_t creation, hsize_t from, hsize_t to)
{
    const hsize_t dims[2] = { ROWS, COLUMNS }, start[2] = { from, 0 };
    const hsize_t count[2] = { to - from, COLUMNS };
    static int32_t values[ELEMENTS];
    for (uint64_t i = 0; i < ELEMENTS; i++)
        values[i] = value_at(from + i / COLUMNS, i % COLUMNS);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dims, NULL), memory = H5Screate_simple(2, count, NULL);
    hid_t set = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(set >= 0);
    if (to > from) {
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        assert_true(H5Dwrite(set, H5T_NATIVE_INT32, memory, space, H5P_DEFAULT, values) >= 0);
    }
    H5Dclose(set);
    H5Sclose(memory);
    H5Sclose(space);
    H5Pclose(creation);
    H5Fclose(file);
}

static void write_all(hid_t type, hid_t creation)
{
    write_rows(type, creation, 0, ROWS);
}

struct opened {
    struct fb_direct_file *file;
    struct fb_direct_array *array;
};

/* Eager: all that pays for large arrays is done for small ones. */
static struct opened open_x(unsigned threads, bool eager)
{
    struct opened opened;
    char why[FB_DIRECT_WHY] = "";
    if (fb_direct_open(path, threads, &opened.file, why) != 0 ||
        fb_direct_array_open(opened.file, "x", &opened.array, why) != 0)
        fail_msg("%s", why);
    if (eager)
        opened.file->limits = (struct fb_direct_limits){ 0 };
    return opened;
}

static void close_x(struct opened *opened)
{
    fb_direct_array_close(opened->array);
    fb_direct_close(opened->file);
    /* Types are counted at the end: some are the test's own. */
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE | H5F_OBJ_DATASET), 0);
}

static void read_slab(struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                      int32_t *values)
{
    char why[FB_DIRECT_WHY] = "";
    if (fb_direct_read(array, start, count, values, (size_t)(count[0] * count[1]) * 4, why) != 0)
        fail_msg("%s", why);
}

static void check_slab(struct fb_direct_array *array, uint64_t row, uint64_t column, uint64_t rows,
                       uint64_t columns)
{
    int32_t values[ELEMENTS];
    read_slab(array, DIMS(row, column), DIMS(rows, columns), values);
    for (uint64_t i = 0; i < rows * columns; i++)
        assert_int_equal(values[i], value_at(row + i / columns, column + i % columns));
}

static struct fb_direct_counts counts_of(struct fb_direct_array *array)
{
    struct fb_direct_counts counts;
    fb_direct_array_counts(array, &counts);
    return counts;
}

/* --- what is read directly -------------------------------------------------------------------- */

static void check_all_ways(hid_t type)
{
    write_all(type, deflated(8, 5)); /* 8 by 3 chunks, with some beyond both edges */
    for (unsigned threads = 1; threads <= 4; threads++) {
        for (int eager = 0; eager < 2; eager++) {
            struct opened x = open_x(threads, eager);
            assert_null(fb_direct_fallback(x.array));
            check_slab(x.array, 0, 0, ROWS, COLUMNS);
            check_slab(x.array, 7, 4, 2, 2);
            check_slab(x.array, 0, 13, ROWS, 1);
            check_slab(x.array, 59, 0, 1, COLUMNS);
            check_slab(x.array, 8, 5, 8, 5);
            check_slab(x.array, 0, 0, ROWS, COLUMNS);
            assert_int_equal(counts_of(x.array).handed_over, 0);
            close_x(&x);
        }
    }
}

static void test_slabs(void **state)
{
    (void)state;
    check_all_ways(H5T_STD_I32LE);
    check_all_ways(H5T_STD_I32BE);
}

/* Whole rows in chunks of whole rows: they are decoded where they belong. */
static void test_runs(void **state)
{
    (void)state;
    write_all(H5T_STD_I32LE, deflated(7, COLUMNS));
    for (int eager = 0; eager < 2; eager++) {
        struct opened x = open_x(2, eager);
        check_slab(x.array, 0, 0, ROWS, COLUMNS);
        check_slab(x.array, 7, 0, 14, COLUMNS);
        check_slab(x.array, 3, 0, 22, COLUMNS);
        check_slab(x.array, 7, 1, 14, COLUMNS - 1);
        close_x(&x);
    }
}

/* Nothing is written behind the slab, nor before it. */
static void test_nothing_else_is_touched(void **state)
{
    (void)state;
    write_all(H5T_STD_I32LE, deflated(7, COLUMNS));
    struct opened x = open_x(1, false);
    int32_t values[3 * COLUMNS];
    char why[FB_DIRECT_WHY];
    memset(values, 0x5a, sizeof values);
    assert_int_equal(
        fb_direct_read(x.array, DIMS(14, 0), DIMS(1, COLUMNS), values + COLUMNS, COLUMNS * 4, why),
        0);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_int_equal(values[i], 0x5a5a5a5a);
        assert_int_equal(values[2 * COLUMNS + i], 0x5a5a5a5a);
    }
    close_x(&x);
}

static void test_refusals(void **state)
{
    (void)state;
    int32_t value = 7;
    char why[FB_DIRECT_WHY] = "";
    struct fb_direct_file *none;
    struct fb_direct_array *no_array;
    write_all(H5T_STD_I32LE, deflated(8, 5));
    struct opened x = open_x(1, false);
    assert_true(fb_direct_read(x.array, DIMS(60, 0), DIMS(1, 1), &value, 4, why) < 0);
    assert_non_null(strstr(why, "beyond the array: axis 0 has 60 elements"));
    assert_true(fb_direct_read(x.array, DIMS(1, UINT64_MAX), DIMS(1, 1), &value, 4, why) < 0);
    assert_true(fb_direct_read(x.array, DIMS(0, 0), DIMS(1, 2), &value, 4, why) < 0);
    assert_non_null(strstr(why, "the slab has 8 bytes, and the buffer 4"));
    assert_int_equal(fb_direct_read(x.array, DIMS(60, 0), DIMS(0, 1), NULL, 0, why), 0);
    assert_int_equal(value, 7);
    assert_true(fb_direct_array_open(x.file, "nowhere", &no_array, why) < 0);
    assert_non_null(strstr(why, "the array does not open"));
    assert_true(fb_direct_open("/nowhere/x.h5", 1, &none, why) < 0);
    close_x(&x);
    fb_direct_array_close(NULL);
    fb_direct_close(NULL);
}

/* --- what is left to H5Dread ------------------------------------------------------------------ */

static void check_fallback(hid_t type, hid_t creation, const char *reason)
{
    write_all(type, creation);
    struct opened x = open_x(2, true);
    assert_string_equal(fb_direct_fallback(x.array), reason);
    assert_int_equal(counts_of(x.array).decoded, 0);
    close_x(&x);
}

static void test_fallbacks(void **state)
{
    (void)state;
    const hsize_t chunk[2] = { 8, 5 };
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    check_fallback(H5T_STD_I32LE, H5Pcopy(creation), "contiguous layout");
    H5Pset_layout(creation, H5D_COMPACT);
    check_fallback(H5T_STD_I32LE, creation, "compact layout");
    creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    check_fallback(H5T_STD_I32LE, H5Pcopy(creation), "chunks without filters");
    H5Pset_nbit(creation);
    check_fallback(H5T_STD_I32LE, H5Pcopy(creation), "filter 5");
    H5Pclose(creation);
    creation = deflated(8, 5);
    H5Pset_shuffle(creation);
    check_fallback(H5T_STD_I32LE, creation, "order of filters");
    const unsigned level = 12; /* optional, it is passed over by whoever writes */
    creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    assert_true(H5Pset_filter(creation, H5Z_FILTER_DEFLATE, H5Z_FLAG_OPTIONAL, 1, &level) >= 0);
    check_fallback(H5T_STD_I32LE, creation, "a gzip level that HDF5 refuses");
    hid_t odd = H5Tcopy(H5T_STD_I32BE);
    H5Tset_precision(odd, 25);
    check_fallback(odd, deflated(8, 5), "elements are converted");
    H5Tclose(odd);
    hid_t pair = H5Tcreate(H5T_COMPOUND, 4);
    H5Tinsert(pair, "value", 0, H5T_STD_I32LE);
    write_rows(pair, deflated(8, 5), 0, 0);
    H5Tclose(pair);
    struct opened x = open_x(1, false);
    assert_string_equal(fb_direct_fallback(x.array), "elements of class compound");
    close_x(&x);
}

/* They are delivered nevertheless, and counted. */
static void test_fallback_delivers(void **state)
{
    (void)state;
    write_all(H5T_STD_I32LE, H5Pcreate(H5P_DATASET_CREATE));
    struct opened x = open_x(2, true);
    check_slab(x.array, 0, 0, ROWS, COLUMNS);
    check_slab(x.array, 3, 2, 5, 7);
    assert_int_equal(counts_of(x.array).handed_over, 2);
    close_x(&x);
}

static void test_converted(void **state)
{
    (void)state;
    double value = 0;
    char why[FB_DIRECT_WHY];
    struct fb_direct_array *array;
    write_all(H5T_STD_I32LE, deflated(8, 5));
    struct opened x = open_x(1, true);
    hid_t set = H5Dopen2(fb_direct_file_id(x.file), "x", H5P_DEFAULT);
    assert_int_equal(fb_direct_array_attach(x.file, set, H5T_NATIVE_DOUBLE, &array, why), 0);
    assert_int_equal(fb_direct_array_id(array), set);
    assert_string_equal(fb_direct_fallback(array), "elements are converted");
    assert_int_equal(fb_direct_read(array, DIMS(9, 3), DIMS(1, 1), &value, 8, why), 0);
    assert_true(value == value_at(9, 3));
    fb_direct_array_close(array);
    H5Dclose(set);
    close_x(&x);
}

static void test_open_for_writing(void **state)
{
    (void)state;
    struct opened x;
    char why[FB_DIRECT_WHY];
    write_all(H5T_STD_I32LE, deflated(8, 5));
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_int_equal(fb_direct_attach(file, path, 1, &x.file, why), 0);
    assert_int_equal(fb_direct_array_open(x.file, "x", &x.array, why), 0);
    assert_non_null(strstr(fb_direct_fallback(x.array), "open for writing"));
    check_slab(x.array, 0, 0, ROWS, COLUMNS);
    fb_direct_array_close(x.array);
    fb_direct_close(x.file);
    assert_true(H5Fclose(file) >= 0); /* still the caller's */
}

/* --- chunks that are not there, or not filtered ----------------------------------------------- */

static void check_fill(hid_t creation, hid_t type, int32_t expected, uint64_t handed_over)
{
    write_rows(type, creation, 24, 32);
    for (int eager = 0; eager < 2; eager++) {
        struct opened x = open_x(2, eager);
        int32_t values[ELEMENTS];
        memset(values, 0x5a, sizeof values);
        read_slab(x.array, DIMS(0, 0), DIMS(ROWS, COLUMNS), values);
        for (uint64_t i = 0; i < ELEMENTS; i++) {
            uint64_t row = i / COLUMNS;
            if (row >= 24 && row < 32)
                assert_int_equal(values[i], value_at(row, i % COLUMNS));
            else
                assert_int_equal(values[i], expected);
        }
        assert_null(fb_direct_fallback(x.array));
        assert_int_equal(counts_of(x.array).handed_over, handed_over);
        close_x(&x);
    }
}

static void test_missing_chunks(void **state)
{
    (void)state;
    const int32_t fill = -77;
    hid_t creation = deflated(8, 5);
    check_fill(H5Pcopy(creation), H5T_STD_I32LE, 0, 0);
    H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC);
    H5Pset_fill_value(creation, H5T_NATIVE_INT32, &fill);
    check_fill(H5Pcopy(creation), H5T_STD_I32LE, fill, 0);
    check_fill(H5Pcopy(creation), H5T_STD_I32BE, fill, 0);
    /* What lies there then is the caller's own: H5Dread leaves it. */
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    check_fill(creation, H5T_STD_I32LE, 0x5a5a5a5a, 1);
}

static void test_nothing_written(void **state)
{
    (void)state;
    int32_t values[ELEMENTS];
    write_rows(H5T_STD_I32LE, deflated(8, 5), 0, 0);
    struct opened x = open_x(2, true);
    memset(values, 0x5a, sizeof values);
    read_slab(x.array, DIMS(0, 0), DIMS(ROWS, COLUMNS), values);
    for (size_t i = 0; i < ELEMENTS; i++)
        assert_int_equal(values[i], 0);
    close_x(&x);
}

/* One chunk past all filters, and those at the edges that are never filtered. */
static void test_unfiltered_chunks(void **state)
{
    (void)state;
    const hsize_t first[2] = { 8, 5 };
    int32_t chunk[8 * 5];
    hid_t creation = deflated(8, 5);
    H5Pset_fletcher32(creation);
    H5Pset_chunk_opts(creation, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
    write_all(H5T_STD_I32LE, creation);
    for (int i = 0; i < 8 * 5; i++)
        chunk[i] = value_at(8 + (uint64_t)i / 5, 5 + (uint64_t)i % 5);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "x", H5P_DEFAULT);
    assert_true(H5Dwrite_chunk(set, H5P_DEFAULT, 3, first, sizeof chunk, chunk) >= 0);
    H5Dclose(set);
    H5Fclose(file);
    for (int eager = 0; eager < 2; eager++) {
        struct opened x = open_x(2, eager);
        check_slab(x.array, 0, 0, ROWS, COLUMNS);
        assert_int_equal(counts_of(x.array).handed_over, 0);
        assert_int_equal(counts_of(x.array).decoded, 8 * 3);
        close_x(&x);
    }
}

/* --- damage ----------------------------------------------------------------------------------- */

/* The whole slab goes to H5Dread, which has the last word. */
static void test_damaged_chunk(void **state)
{
    (void)state;
    int32_t values[ELEMENTS];
    char why[FB_DIRECT_WHY] = "";
    hsize_t first[2], length;
    unsigned mask;
    haddr_t address;
    write_all(H5T_STD_I32LE, deflated(8, 5));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = H5Dopen2(file, "x", H5P_DEFAULT), space = H5Dget_space(set);
    assert_true(H5Dget_chunk_info(set, space, 4, first, &mask, &address, &length) >= 0);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(file);
    FILE *stream = fopen(path, "r+b");
    assert_int_equal(fseek(stream, (long)(address + length - 1), SEEK_SET), 0);
    assert_int_equal(fputc(0x13, stream), 0x13);
    fclose(stream);
    for (int eager = 0; eager < 2; eager++) {
        struct opened x = open_x(2, eager);
        assert_true(fb_direct_read(x.array, DIMS(0, 0), DIMS(ROWS, COLUMNS), values, sizeof values,
                                   why) < 0);
        assert_non_null(strstr(why, "inflate() failed"));
        assert_int_equal(counts_of(x.array).handed_over, 1);
        check_slab(x.array, 40, 0, 20, COLUMNS); /* what is whole is read on */
        close_x(&x);
    }
}

/* The path leads to another file by the time that the file would be opened again. */
static void test_replaced_file(void **state)
{
    (void)state;
    char other[64];
    write_all(H5T_STD_I32LE, deflated(8, 5));
    struct opened x = open_x(2, true);
    snprintf(other, sizeof other, "%s.old", path);
    assert_int_equal(rename(path, other), 0);
    write_rows(H5T_STD_I32LE, deflated(8, 5), 0, 0);
    check_slab(x.array, 0, 0, ROWS, COLUMNS);
    assert_false(x.file->scouts);
    assert_int_equal(counts_of(x.array).handed_over, 0);
    close_x(&x);
    unlink(other);
}

/* --- kept chunks ------------------------------------------------------------------------------ */

static void test_kept_chunks(void **state)
{
    (void)state;
    write_all(H5T_STD_I32LE, deflated(8, 5));
    for (int eager = 0; eager < 2; eager++) {
        struct opened x = open_x(2, eager);
        for (uint64_t row = 0; row < ROWS; row++)
            check_slab(x.array, row, 0, 1, COLUMNS);
        assert_int_equal(counts_of(x.array).decoded, 8 * 3);
        check_slab(x.array, 1, 1, ROWS - 2, COLUMNS - 2);
        assert_int_equal(counts_of(x.array).decoded, 8 * 3);
        close_x(&x);
    }
}

/* Whole ones are not kept the first time: few ask twice. */
static void test_kept_whole_chunks(void **state)
{
    (void)state;
    write_all(H5T_STD_I32LE, deflated(8, 5));
    struct opened x = open_x(1, false);
    check_slab(x.array, 0, 0, ROWS, COLUMNS);
    assert_int_equal(x.array->cache.count, 0);
    for (int i = 0; i < 3; i++)
        check_slab(x.array, 0, 0, ROWS, COLUMNS);
    assert_in_range(counts_of(x.array).decoded, 8 * 3, 2 * 8 * 3);
    close_x(&x);
}

/* The one that was not asked for longest goes. */
static void test_cache(void **state)
{
    (void)state;
    struct fb_direct_cache cache = { 0 };
    fb_direct_cache_begin(&cache, FB_DIRECT_CACHE_BYTES / 3);
    for (uint64_t number = 0; number < 4; number++) {
        unsigned char *bytes = fb_direct_cache_take(&cache);
        assert_non_null(bytes);
        bytes[0] = (unsigned char)number;
        fb_direct_cache_put(&cache, bytes, number, number == 3);
        assert_non_null(fb_direct_cache_find(&cache, 0));
    }
    assert_null(fb_direct_cache_find(&cache, 1));
    assert_int_equal(fb_direct_cache_find(&cache, 2)->bytes[0], 2);
    assert_true(fb_direct_cache_find(&cache, 3)->shuffled);
    unsigned char *a = fb_direct_cache_take(&cache), *b = fb_direct_cache_take(&cache);
    unsigned char *c = fb_direct_cache_take(&cache);
    assert_null(fb_direct_cache_take(&cache));
    fb_direct_cache_put(&cache, a, 9, false);
    fb_direct_cache_put(&cache, b, 9, false); /* two threads decoded the same one */
    fb_direct_cache_give_back(&cache, c);
    assert_non_null(fb_direct_cache_find(&cache, 9));
    assert_int_equal(cache.held, 1);
    fb_direct_cache_end(&cache);
    cache = (struct fb_direct_cache){ 0 };
    fb_direct_cache_begin(&cache, FB_DIRECT_CACHE_BYTES + 1);
    assert_null(fb_direct_cache_take(&cache));
    fb_direct_cache_end(&cache);
}

/* A chunk that is too large for it: the thread's own is the last one. */
#define WIDE 1000

/* Numbers in chunks that are too large to be kept. */
static void write_large(hsize_t rows)
{
    const hsize_t dims[2] = { rows, WIDE };
    int32_t *values = calloc(rows * WIDE, sizeof *values);
    for (hsize_t i = 0; i < rows * WIDE; i++)
        values[i] = (int32_t)i;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dims, NULL), creation = deflated(300, WIDE);
    hid_t set = H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    free(values);
}

static void test_large_chunks(void **state)
{
    (void)state;
    int32_t values[6];
    write_large(600);
    struct opened x = open_x(1, false);
    for (uint64_t row = 0; row < 600; row += 50) {
        read_slab(x.array, DIMS(row, 10), DIMS(3, 2), values);
        assert_int_equal(values[5], (row + 2) * WIDE + 11);
    }
    assert_int_equal(counts_of(x.array).decoded, 2);
    close_x(&x);
}

/* The chunk in which one slab ends and the next begins is decoded once, whoever decodes the others.
 */
static void test_reads_on(void **state)
{
    (void)state;
    int32_t *values = calloc(750 * WIDE, sizeof *values);
    write_large(3000);
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct opened x = open_x(threads, true);
        for (uint64_t row = 0; row < 3000; row += 750) {
            read_slab(x.array, DIMS(row, 10), DIMS(750, 500), values);
            assert_int_equal(values[749 * 500 + 499], (row + 749) * WIDE + 509);
        }
        assert_int_equal(counts_of(x.array).decoded, 10);
        close_x(&x);
    }
    free(values);
}

/* --- threads ---------------------------------------------------------------------------------- */

#define CALLERS 3

struct caller {
    pthread_t thread;
    struct fb_direct_array *array;
    uint64_t seed;
    bool fine;
};

static void *call(void *context)
{
    struct caller *caller = context;
    int32_t values[ELEMENTS];
    char why[FB_DIRECT_WHY];
    caller->fine = true;
    for (uint64_t i = 0; i < 60; i++) {
        uint64_t row = (i * 7 + caller->seed) % ROWS, rows = 1 + (i * 13) % (ROWS - row);
        caller->fine &= fb_direct_read(caller->array, DIMS(row, 2), DIMS(rows, 11), values,
                                       sizeof values, why) == 0;
        for (uint64_t k = 0; k < rows * 11; k++)
            caller->fine &= values[k] == value_at(row + k / 11, 2 + k % 11);
    }
    return NULL;
}

static void test_several_callers(void **state)
{
    (void)state;
    hbool_t safe = false;
    H5is_library_threadsafe(&safe);
    if (!safe)
        skip();
    write_all(H5T_STD_I32LE, deflated(8, 5));
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct opened x = open_x(threads, true);
        struct caller callers[CALLERS];
        for (size_t i = 0; i < CALLERS; i++) {
            callers[i] = (struct caller){ .array = x.array, .seed = i };
            assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
        }
        for (size_t i = 0; i < CALLERS; i++) {
            pthread_join(callers[i].thread, NULL);
            assert_true(callers[i].fine);
        }
        assert_int_equal(counts_of(x.array).handed_over, 0);
        assert_int_equal(x.file->pool.count, threads - 1);
        close_x(&x);
    }
}

/* No thread is started for what does not need one. */
static void test_lazy(void **state)
{
    (void)state;
    write_all(H5T_STD_I32LE, deflated(8, 5));
    struct opened x = open_x(4, false);
    check_slab(x.array, 0, 0, ROWS, COLUMNS);
    assert_false(x.file->pool.started);
    assert_false(x.file->scouting_tried);
    assert_null(x.array->table);
    close_x(&x);
}

/* --- the formats ------------------------------------------------------------------------------ */

static void check_storage(const char *options, const char *fallback)
{
    struct pattern_source *source = pattern_new();
    struct fb_reader *reader;
    struct fb_array *array;
    struct fb_storage storage;
    struct fb_error err = { 0 };
    size_t delivered;
    const uint64_t dims[2] = { 50, 6 }, start[2] = { 0, 0 };
    pattern_add(source, "s", NULL, "s/x", "float32", 2, dims);
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    write_file(&fb_format_hdf5_chunked, options, path, &source->base);
    assert_int_equal(fb_format_hdf5_direct_as_is.open(path, NULL, &reader, &err), 0);
    assert_int_equal(fb_format_hdf5_direct_as_is.array_open(reader, "s/x", &array, &err), 0);
    assert_int_equal(fb_format_hdf5_direct_as_is.storage(array, &storage, &err), 0);
    assert_string_equal(storage.fallback, fallback);
    const struct fb_array_info *info = &source->catalog.arrays[0];
    unsigned char *want = pattern_bytes(info), *got = malloc(info->bytes);
    assert_int_equal(fb_format_hdf5_direct_as_is.array_read(array, start, dims, got, info->bytes,
                                                            &delivered, &err),
                     0);
    assert_int_equal(delivered, info->bytes);
    assert_memory_equal(got, want, info->bytes);
    assert_int_equal(fb_format_hdf5_direct_as_is.array_read(array, start, dims, got,
                                                            info->bytes - 1, &delivered, &err),
                     FB_EUSAGE);
    free(got);
    free(want);
    fb_format_hdf5_direct_as_is.array_close(array);
    fb_format_hdf5_direct_as_is.close(reader);
    fb_source_close(&source->base);
}

static void test_formats(void **state)
{
    (void)state;
    struct fb_options options, written;
    struct fb_error err;
    char text[512];
    check_storage("level=4", "");
    check_storage("level=0", "chunked, no filters");
    check_storage("filter=szip", "filter 4");
    assert_int_equal(
        fb_options_parse(fb_format_hdf5_direct.options, "x", "threads=3,level=9", &options, &err),
        0);
    fb_options_restrict(&options, fb_format_hdf5_chunked.options, &written);
    assert_null(strstr(fb_options_canonical(&written, text, sizeof text), "threads"));
    assert_non_null(strstr(text, "level=9"));
    assert_int_equal(
        fb_options_parse(fb_format_hdf5_direct.options, "x", "threads=0", &options, &err),
        FB_EUSAGE);
}

static int prepare(void **state)
{
    (void)state;
    int descriptor = mkstemp(path);
    close(descriptor);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return descriptor < 0;
}

static int clean_up(void **state)
{
    (void)state;
    return unlink(path) < 0 || H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slabs),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_nothing_else_is_touched),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_fallback_delivers),
        cmocka_unit_test(test_converted),
        cmocka_unit_test(test_open_for_writing),
        cmocka_unit_test(test_missing_chunks),
        cmocka_unit_test(test_nothing_written),
        cmocka_unit_test(test_unfiltered_chunks),
        cmocka_unit_test(test_damaged_chunk),
        cmocka_unit_test(test_replaced_file),
        cmocka_unit_test(test_kept_chunks),
        cmocka_unit_test(test_kept_whole_chunks),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_large_chunks),
        cmocka_unit_test(test_reads_on),
        cmocka_unit_test(test_several_callers),
        cmocka_unit_test(test_lazy),
        cmocka_unit_test(test_formats),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
