/* Reading on through a file: what is read, what is not, and that it comes to an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/cache.h"
#include "formats/direct/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP ((uint64_t)1 << 20)

static int make_file(uint64_t bytes)
{
    char path[] = "/tmp/fmtbench-ahead-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    unlink(path);
    assert_int_equal(ftruncate(descriptor, (off_t)bytes), 0);
    return descriptor;
}

/* Bytes that this process has had from read calls. */
static uint64_t read_so_far(void)
{
    unsigned long long bytes = 0;
    FILE *io = fopen("/proc/self/io", "r");
    assert_non_null(io);
    assert_int_equal(fscanf(io, "rchar: %llu", &bytes), 1);
    fclose(io);
    return bytes;
}

/* Where it has come to once it has nothing left to do. */
static uint64_t come_to_rest(struct fb_direct_ahead *ahead)
{
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&ahead->lock);
        uint64_t at = ahead->at;
        bool rests = at >= ahead->end;
        pthread_mutex_unlock(&ahead->lock);
        if (rests)
            return at;
        usleep(1000);
    }
    fail_msg("it does not come to rest");
    return 0;
}

/* The bytes it reads for one request; looking at the counter costs some hundred. */
static uint64_t cost_of(struct fb_direct_ahead *ahead, int descriptor, uint64_t from, uint64_t end)
{
    uint64_t before = read_so_far();
    assert_true(fb_direct_ahead_read(ahead, descriptor, from, end));
    come_to_rest(ahead);
    uint64_t bytes = read_so_far() - before;
    assert_true(bytes % STEP < 4096);
    return bytes / STEP;
}

static void test_in_order(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    int descriptor = make_file(64 * STEP);
    fb_direct_ahead_begin(&ahead);
    assert_int_equal(cost_of(&ahead, descriptor, 2 * STEP, 6 * STEP), 4);
    /* What was read is not read again, and what has been passed by not at all. */
    assert_int_equal(cost_of(&ahead, descriptor, 3 * STEP, 7 * STEP), 1);
    assert_int_equal(cost_of(&ahead, descriptor, 3 * STEP, 7 * STEP), 0);
    assert_int_equal(cost_of(&ahead, descriptor, 40 * STEP, 42 * STEP), 2);
    assert_int_equal(cost_of(&ahead, descriptor, 0, 3 * STEP), 3);
    /* Small steps: what was read beyond the last one is not read again. */
    uint64_t steps = 0;
    for (uint64_t end = 3 * STEP; end < 5 * STEP; end += STEP / 20)
        steps += cost_of(&ahead, descriptor, end - STEP / 20, end);
    assert_int_equal(steps, 2);
    fb_direct_ahead_end(&ahead);
    close(descriptor);
}

static void test_end_of_file(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    int descriptor = make_file(3 * STEP);
    fb_direct_ahead_begin(&ahead);
    assert_int_equal(cost_of(&ahead, descriptor, STEP, 9 * STEP), 2);
    assert_int_equal(come_to_rest(&ahead), 3 * STEP);
    /* One that was cut off below where it stands. */
    assert_int_equal(ftruncate(descriptor, STEP), 0);
    assert_int_equal(cost_of(&ahead, descriptor, 2 * STEP, 9 * STEP), 0);
    fb_direct_ahead_end(&ahead);
    close(descriptor);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    fb_direct_ahead_begin(&ahead);
    assert_int_equal(cost_of(&ahead, -1, 0, 9 * STEP), 0);
    assert_false(fb_direct_ahead_read(&ahead, -1, 0, 9 * STEP));
    fb_direct_ahead_end(&ahead);
}

/* Neither one that was never asked nor one that is at work is waited for. */
static void test_ends_at_once(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    int descriptor = make_file(STEP << 14);
    fb_direct_ahead_begin(&ahead);
    fb_direct_ahead_end(&ahead);
    fb_direct_ahead_begin(&ahead);
    assert_true(fb_direct_ahead_read(&ahead, descriptor, 0, STEP << 14));
    uint64_t at = 0;
    for (int i = 0; i < 10000 && at == 0; i++) {
        usleep(100);
        pthread_mutex_lock(&ahead.lock);
        at = ahead.at;
        pthread_mutex_unlock(&ahead.lock);
    }
    fb_direct_ahead_end(&ahead);
    assert_true(at > 0 && ahead.at < ahead.end);
    close(descriptor);
}

/* --- where it is asked ------------------------------------------------------------------------ */

/* Noise, which gzip leaves as long as it is, in chunks of 16 KiB. */
static void write_array(hid_t file, const char *name, hsize_t rows)
{
    const hsize_t dims[2] = { rows, 8192 }, chunk[2] = { 64, 64 };
    int32_t *values = malloc(rows * 8192 * sizeof *values);
    uint32_t noise = 1;
    assert_non_null(values);
    for (size_t i = 0; i < rows * 8192; i++)
        values[i] = (int32_t)(noise = noise * 1664525 + 1013904223);
    hid_t space = H5Screate_simple(2, dims, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    H5Pset_deflate(creation, 1);
    hid_t set = H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    free(values);
}

static void read_array(struct fb_direct_file *file, const char *name, uint64_t rows,
                       uint64_t columns)
{
    const uint64_t start[2] = { 0, 0 }, count[2] = { rows, columns };
    const size_t bytes = rows * columns * sizeof(int32_t);
    void *values = malloc(bytes);
    struct fb_direct_array *array;
    char why[FB_DIRECT_WHY];
    assert_int_equal(fb_direct_array_open(file, name, &array, why), 0);
    assert_int_equal(fb_direct_read(array, start, count, values, bytes, why), 0);
    fb_direct_array_close(array);
    free(values);
}

/* Behind an array that was read whole, 24 chunks of another, 2 MiB apart: what lies between them
 * stays where it is. */
static void test_scattered_chunks(void **state)
{
    (void)state;
    char path[] = "/tmp/fmtbench-ahead-XXXXXX", why[FB_DIRECT_WHY];
    struct fb_direct_file *file;
    close(mkstemp(path));
    hid_t made = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    write_array(made, "a", 64);
    write_array(made, "b", 24 * 64);
    H5Fclose(made);
    fb_cache_forget(path);
    assert_int_equal(fb_direct_open(path, 2, &file, why), 0);
    read_array(file, "a", 64, 8192);
    come_to_rest(&file->ahead);
    uint64_t before = read_so_far();
    read_array(file, "b", 24 * 64, 64);
    come_to_rest(&file->ahead);
    assert_true(read_so_far() - before < 4 * STEP);
    fb_direct_close(file);
    unlink(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),         cmocka_unit_test(test_end_of_file),
        cmocka_unit_test(test_unreadable),       cmocka_unit_test(test_ends_at_once),
        cmocka_unit_test(test_scattered_chunks),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
