/* The library of formats/direct in files that are not left alone: links to other files, arrays that
 * grow, others who read what the scout has open, chunks without bytes, paths that lead elsewhere.
 */
#include "formats/direct/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH 640
#define CHUNK 64

static char path[] = "/tmp/fmtbench-direct-XXXXXX";
static char other_path[64];

/* --- files ------------------------------------------------------------------------------------ */

/* "x", numbers from `first` on, in chunks that went through gzip; it may grow. */
static void write_numbers(const char *to, int32_t first)
{
    const hsize_t length = LENGTH, most = H5S_UNLIMITED, chunk = CHUNK;
    int32_t values[LENGTH];
    for (int32_t i = 0; i < LENGTH; i++)
        values[i] = first + i;
    unlink(to); /* a test that failed may have it open */
    hid_t file = H5Fcreate(to, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &length, &most), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_deflate(creation, 1);
    hid_t set = H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
}

static struct fb_direct_file *open_file(bool eager)
{
    struct fb_direct_file *file;
    char why[FB_DIRECT_WHY] = "";
    if (fb_direct_open(path, 2, &file, why) != 0)
        fail_msg("%s", why);
    if (eager)
        file->limits = (struct fb_direct_limits){ 0 };
    return file;
}

static struct fb_direct_array *open_array(struct fb_direct_file *file, const char *name)
{
    struct fb_direct_array *array;
    char why[FB_DIRECT_WHY] = "";
    if (fb_direct_array_open(file, name, &array, why) != 0)
        fail_msg("%s", why);
    return array;
}

static void check_numbers(struct fb_direct_array *array, uint64_t from, uint64_t count,
                          int32_t first)
{
    int32_t values[LENGTH];
    char why[FB_DIRECT_WHY] = "";
    if (fb_direct_read(array, &from, &count, values, sizeof values, why) != 0)
        fail_msg("%s", why);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(values[i], first + (int32_t)(from + i));
}

static void check_array(struct fb_direct_file *file, const char *name, int32_t first)
{
    struct fb_direct_array *array = open_array(file, name);
    check_numbers(array, 0, LENGTH, first);
    fb_direct_array_close(array);
}

/* --- two files -------------------------------------------------------------------------------- */

/* The array that it leads to lies at the same address of its file as "x" does here. */
static void test_external_link(void **state)
{
    (void)state;
    write_numbers(path, 0);
    write_numbers(other_path, 5000);
    hid_t id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Lcreate_external(other_path, "x", id, "away", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(id);
    struct fb_direct_file *file = open_file(true);
    check_array(file, "away", 5000);
    check_array(file, "x", 0);
    assert_non_null(file->scout);
    check_array(file, "away", 5000);
    struct fb_direct_array *away = open_array(file, "away");
    assert_string_equal(fb_direct_fallback(away), "it lies in another file");
    fb_direct_array_close(away);
    fb_direct_close(file);
}

/* So does this one, and its file has the other's id. */
static void test_mounted_file(void **state)
{
    (void)state;
    struct fb_direct_file *file;
    char why[FB_DIRECT_WHY];
    write_numbers(path, 0);
    write_numbers(other_path, 5000);
    hid_t id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(id, "m", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(id);
    id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t other = H5Fopen(other_path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(H5Fmount(id, "m", other, H5P_DEFAULT) >= 0);
    assert_int_equal(fb_direct_attach(id, path, 1, &file, why), 0);
    file->limits = (struct fb_direct_limits){ 0 };
    check_array(file, "m/x", 5000);
    check_array(file, "x", 0);
    fb_direct_close(file);
    assert_true(H5Funmount(id, "m") >= 0);
    H5Fclose(other);
    H5Fclose(id);
}

/* While the process writes the other file, a link to it leads to what it has of it. */
static void test_link_to_written_file(void **state)
{
    (void)state;
    const hsize_t length = LENGTH;
    int32_t values[LENGTH];
    write_numbers(path, 0);
    write_numbers(other_path, 5000);
    hid_t id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Lcreate_external(other_path, "x", id, "away", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(id);
    hid_t other = H5Fopen(other_path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t set = H5Dopen2(other, "x", H5P_DEFAULT), space = H5Screate_simple(1, &length, NULL);
    for (int32_t i = 0; i < LENGTH; i++)
        values[i] = 9000 + i;
    assert_true(H5Dwrite(set, H5T_NATIVE_INT32, space, H5S_ALL, H5P_DEFAULT, values) >= 0);
    struct fb_direct_file *file = open_file(true);
    assert_null(file->scout);
    check_array(file, "away", 9000);
    check_array(file, "x", 0);
    assert_null(file->scout);
    fb_direct_close(file);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(other);
}

/* What is opened in the file, and stays open, keeps the file open. */
static void test_outlived(void **state)
{
    (void)state;
    int32_t values[LENGTH];
    write_numbers(path, 30);
    struct fb_direct_file *file = open_file(true);
    check_array(file, "x", 30);
    hid_t set = H5Dopen2(fb_direct_file_id(file), "x", H5P_DEFAULT);
    fb_direct_close(file);
    assert_true(H5Dread(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (int32_t i = 0; i < LENGTH; i++)
        assert_int_equal(values[i], 30 + i);
    H5Dclose(set);
}

/* HDF5 1.10 calls a driver's close after the file has given back the driver. */
static void test_driver_outlives_file(void **state)
{
    (void)state;
    write_numbers(path, 30);
    struct fb_direct_file *file = open_file(true);
    hid_t access = H5Fget_access_plist(fb_direct_file_id(file)), driver = H5Pget_driver(access);
    H5Pclose(access);
    fb_direct_close(file);
    assert_int_equal(H5Iget_type(driver), H5I_VFL);
    assert_int_equal(H5Iget_ref(driver), 1);
}

/* Another id of an attached file is no other file. One that the library opened by a driver of its
 * own is another for HDF5. */
static void test_other_id(void **state)
{
    (void)state;
    write_numbers(path, 70);
    hid_t id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t again = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = H5Dopen2(again, "x", H5P_DEFAULT);
    for (int attached = 0; attached < 2; attached++) {
        struct fb_direct_file *file = NULL;
        struct fb_direct_array *array;
        char why[FB_DIRECT_WHY];
        if (attached)
            assert_int_equal(fb_direct_attach(id, path, 1, &file, why), 0);
        else
            file = open_file(true);
        assert_int_equal(fb_direct_array_attach(file, set, H5I_INVALID_HID, &array, why), 0);
        assert_int_equal(fb_direct_fallback(array) == NULL, attached);
        check_numbers(array, 0, LENGTH, 70);
        fb_direct_array_close(array);
        fb_direct_close(file);
    }
    H5Dclose(set);
    H5Fclose(again);
    H5Fclose(id);
}

/* --- others at work --------------------------------------------------------------------------- */

/* An array that grows, or shrinks, between two slabs: no more is delivered than was asked for. */
static void test_growing(void **state)
{
    (void)state;
    const hsize_t longer = 3 * LENGTH, shorter = CHUNK;
    struct fb_direct_file *file;
    struct fb_direct_array *array;
    int32_t values[LENGTH + 1];
    uint64_t start = 0, count = LENGTH;
    char why[FB_DIRECT_WHY] = "";
    write_numbers(path, 1);
    hid_t id = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(id, "x", H5P_DEFAULT);
    assert_int_equal(fb_direct_attach(id, path, 1, &file, why), 0);
    assert_int_equal(fb_direct_array_attach(file, set, H5I_INVALID_HID, &array, why), 0);
    check_numbers(array, 0, LENGTH, 1);
    assert_true(H5Dset_extent(set, &longer) >= 0);
    start = 2 * LENGTH;
    assert_int_equal(fb_direct_read(array, &start, &count, values, sizeof values, why), 0);
    assert_int_equal(values[0], 0);
    start = 0;
    values[LENGTH] = 0x5a5a5a5a;
    assert_int_equal(fb_direct_read(array, &start, &count, values, LENGTH * 4, why), 0);
    assert_int_equal(values[LENGTH - 1], LENGTH);
    assert_int_equal(values[LENGTH], 0x5a5a5a5a);
    assert_true(H5Dset_extent(set, &shorter) >= 0);
    assert_true(fb_direct_read(array, &start, &count, values, LENGTH * 4, why) < 0);
    assert_non_null(strstr(why, "axis 0 has 64 elements"));
    fb_direct_array_close(array);
    fb_direct_close(file);
    H5Dclose(set);
    H5Fclose(id);
}

/* Other threads may read what is open in the scout's file while it is out for a chunk. */
static void test_others_reads(void **state)
{
    (void)state;
    static const char nowhere;
    const hsize_t first = CHUNK;
    struct fb_direct_watch watch = { .raw_address = HADDR_UNDEF, .nowhere = &nowhere };
    int32_t values[LENGTH];
    uint32_t mask;
    write_numbers(path, 3);
    hid_t access = fb_direct_driver_access(&watch), id = H5Fopen(path, H5F_ACC_RDONLY, access);
    hid_t set = H5Dopen2(id, "x", H5P_DEFAULT);
    assert_true(H5Dread_chunk(set, H5P_DEFAULT, &first, &mask, (void *)(uintptr_t)&nowhere) >= 0);
    const haddr_t address = watch.raw_address;
    const size_t bytes = watch.raw_bytes;
    assert_true(address != HADDR_UNDEF);
    assert_true(H5Dread(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    assert_int_equal(watch.raw_address, address);
    assert_int_equal(watch.raw_bytes, bytes);
    H5Dclose(set);
    H5Fclose(id);
    H5Pclose(access);
}

/* --- what lies on the disk -------------------------------------------------------------------- */

/* Puts 0 for the stored bytes of the chunk into the key of the B-tree: its size, its filter mask,
 * its first element in two axes, and then its address. */
static void take_bytes_away(hsize_t number)
{
    unsigned char bytes[1 << 16];
    const uint32_t none = 0;
    unsigned mask;
    hsize_t first, length;
    haddr_t address;
    int changed = 0;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = H5Dopen2(file, "x", H5P_DEFAULT), space = H5Dget_space(set);
    assert_true(H5Dget_chunk_info(set, space, number, &first, &mask, &address, &length) >= 0);
    H5Sclose(space);
    H5Dclose(set);
    H5Fclose(file);
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    ssize_t end = pread(descriptor, bytes, sizeof bytes, 0);
    for (ssize_t i = 0; i + 32 <= end; i++)
        if (memcmp(bytes + i, &(uint32_t){ (uint32_t)length }, 4) == 0 &&
            memcmp(bytes + i + 8, &first, 8) == 0 && memcmp(bytes + i + 24, &address, 8) == 0)
            changed += pwrite(descriptor, &none, sizeof none, i) == sizeof none;
    close(descriptor);
    assert_int_equal(changed, 1);
}

/* It is stored, so that there is no fill value to deliver; H5Dread refuses it. */
static void test_chunk_without_bytes(void **state)
{
    (void)state;
    const uint64_t start = 0, count = LENGTH;
    write_numbers(path, 1);
    take_bytes_away(3);
    for (int eager = 0; eager < 2; eager++) {
        int32_t values[LENGTH];
        char why[FB_DIRECT_WHY];
        struct fb_direct_file *file = open_file(eager);
        struct fb_direct_array *array = open_array(file, "x");
        assert_null(fb_direct_fallback(array));
        assert_true(fb_direct_read(array, &start, &count, values, sizeof values, why) < 0);
        check_numbers(array, 0, 3 * CHUNK, 1);
        fb_direct_array_close(array);
        fb_direct_close(file);
    }
}

/* A pipe has come to where the file lay: to open it would wait for a writer. */
static void test_pipe_in_its_place(void **state)
{
    (void)state;
    write_numbers(path, 9);
    struct fb_direct_file *file = open_file(true);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);
    check_array(file, "x", 9);
    alarm(0);
    assert_false(file->scouts);
    fb_direct_close(file);
    unlink(path);
    write_numbers(path, 0);
}

/* --- the caller's HDF5 ------------------------------------------------------------------------ */

static herr_t count_error(void *context)
{
    ++*(int *)context;
    return 0;
}

/* Programs written for HDF5 1.6 have a printer of another kind. */
static void test_old_printer(void **state)
{
    (void)state;
    int printed = 0;
    void *context = NULL;
    H5E_auto1_t printer = NULL;
    struct fb_direct_array *array;
    char why[FB_DIRECT_WHY];
    write_numbers(path, 2);
    H5Eset_auto1(count_error, &printed);
    struct fb_direct_file *file = open_file(false);
    assert_true(fb_direct_array_open(file, "nowhere", &array, why) < 0);
    check_array(file, "x", 2);
    fb_direct_close(file);
    assert_int_equal(printed, 0);
    assert_true(H5Eget_auto1(&printer, &context) >= 0);
    assert_true(printer == count_error && context == &printed);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static int prepare(void **state)
{
    (void)state;
    int descriptor = mkstemp(path);
    close(descriptor);
    snprintf(other_path, sizeof other_path, "%s.other", path);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return descriptor < 0;
}

static int clean_up(void **state)
{
    (void)state;
    unlink(other_path);
    return unlink(path) < 0 || H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_external_link),
        cmocka_unit_test(test_mounted_file),
        cmocka_unit_test(test_link_to_written_file),
        cmocka_unit_test(test_outlived),
        cmocka_unit_test(test_driver_outlives_file),
        cmocka_unit_test(test_other_id),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_others_reads),
        cmocka_unit_test(test_chunk_without_bytes),
        cmocka_unit_test(test_pipe_in_its_place),
        cmocka_unit_test(test_old_printer),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
