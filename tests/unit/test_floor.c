/* The floor does the work that it says: the very bytes, each piece once, and damage is no time. */
#include "hdf5_tests.h"

#include "bench/floor.h"

#include <fcntl.h>

#define ROWS 10
#define ROOM UINT64_C(1000000)

struct setting {
    struct fb_plan plan;
    struct fb_execution execution;
    struct fb_floor_run floor;
    struct pattern_source *source;
};

static int rows(struct setting *setting, uint64_t first, uint64_t count, struct fb_error *err)
{
    const struct fb_array_info *array = &setting->source->catalog.arrays[0];
    return fb_plan_add_slab(&setting->plan, FB_OP_READ, array, DIMS(first, 0), DIMS(count, 8), err);
}

/* One array of 10 x 8 float32 in a.h5, chunks of 4 x 8. */
static void set_up(struct setting *setting, void **state, const char *options)
{
    struct fb_error err;
    char *path = in_folder(state, "a.h5");
    const struct fb_format *format = options ? &fb_format_hdf5_chunked : &fb_format_hdf5_contiguous;
    *setting = (struct setting){ .source = pattern_new(), .floor = { .fd = -1 } };
    pattern_add(setting->source, "s", NULL, "s/x", "float32", 2, DIMS(ROWS, 8));
    assert_int_equal(fb_catalog_finish(&setting->source->catalog, &err), 0);
    write_file(format, options, path, &setting->source->base);
    setting->execution =
        (struct fb_execution){ .format = &fb_format_as_is, .file = path, .plan = &setting->plan };
}

static void tear_down(struct setting *setting)
{
    fb_floor_free(&setting->floor);
    fb_plan_free(&setting->plan);
    fb_source_close(&setting->source->base);
}

static void test_contiguous(void **state)
{
    struct setting setting;
    struct fb_floor floor;
    struct fb_error err = { 0 };
    set_up(&setting, state, NULL);
    assert_int_equal(rows(&setting, 2, 3, &err), 0);
    assert_int_equal(fb_floor_prepare(&setting.execution, ROOM, &setting.floor, &err), 0);
    assert_int_equal(setting.floor.count, 1);
    assert_int_equal(setting.floor.asked_bytes, 3 * 8 * 4);
    assert_int_equal(fb_floor_measure(&setting.floor, true, &floor, &err), 0);
    unsigned char *bytes = pattern_bytes(&setting.source->catalog.arrays[0]);
    assert_memory_equal(setting.floor.out, bytes + 2 * 8 * 4, 3 * 8 * 4);
    free(bytes);
    tear_down(&setting);
}

/* Rows 2 to 8 lie in all three chunks, rows 5 and 6 in the second: three pieces, inflated to just
 * what the file holds, the edge chunk whole. */
static void test_chunked(void **state)
{
    struct setting setting;
    struct fb_floor floor;
    struct fb_error err = { 0 };
    set_up(&setting, state, "level=6,chunk=4x8");
    assert_int_equal(rows(&setting, 5, 2, &err), 0);
    assert_int_equal(rows(&setting, 2, 7, &err), 0);
    if (fb_floor_prepare(&setting.execution, ROOM, &setting.floor, &err))
        fail_msg("%s", err.message);
    assert_int_equal(setting.floor.count, 3);
    assert_int_equal(setting.floor.asked_bytes, 9 * 8 * 4);
    for (size_t i = 0; i < 3; i++)
        assert_true(setting.floor.extents[i].deflated && setting.floor.extents[i].bytes == 128);
    assert_int_equal(fb_floor_measure(&setting.floor, true, &floor, &err), 0);
    assert_int_equal(setting.floor.out_bytes, 3 * 128);
    unsigned char *bytes = pattern_bytes(&setting.source->catalog.arrays[0]);
    /* Pieces stand in file order, which is that of the rows: HDF5 wrote them so. */
    assert_memory_equal(setting.floor.out, bytes, ROWS * 8 * 4);
    free(bytes);
    tear_down(&setting);
}

/* A byte of the compressed data is flipped: no time is told. */
static void test_damage(void **state)
{
    struct setting setting;
    struct fb_floor floor;
    struct fb_error err = { 0 };
    unsigned char byte;
    set_up(&setting, state, "level=6,chunk=4x8");
    assert_int_equal(rows(&setting, 0, ROWS, &err), 0);
    assert_int_equal(fb_floor_prepare(&setting.execution, ROOM, &setting.floor, &err), 0);
    off_t at = (off_t)(setting.floor.extents[1].offset + setting.floor.extents[1].stored_bytes - 1);
    int fd = open(setting.execution.file, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 1;
    assert_true(pwrite(fd, &byte, 1, at) == 1);
    assert_int_equal(fb_floor_measure(&setting.floor, true, &floor, &err), FB_EFORMAT);
    assert_int_equal(ftruncate(fd, at), 0);
    assert_int_equal(fb_floor_measure(&setting.floor, true, &floor, &err), FB_EFORMAT);
    close(fd);
    tear_down(&setting);
}

/* A column of long rows: a piece each. Buffers that do not fit are none. */
static void test_strided(void **state)
{
    struct setting setting;
    struct fb_floor floor;
    struct fb_error err = { 0 };
    set_up(&setting, state, NULL);
    fb_source_close(&setting.source->base);
    setting.source = pattern_new();
    pattern_add(setting.source, "s", NULL, "s/x", "float32", 2, DIMS(3, 5000));
    assert_int_equal(fb_catalog_finish(&setting.source->catalog, &err), 0);
    write_file(&fb_format_hdf5_contiguous, NULL, setting.execution.file, &setting.source->base);
    const struct fb_array_info *array = &setting.source->catalog.arrays[0];
    assert_int_equal(
        fb_plan_add_slab(&setting.plan, FB_OP_READ, array, DIMS(0, 7), DIMS(3, 1), &err), 0);
    assert_int_equal(fb_floor_prepare(&setting.execution, 11, &setting.floor, &err),
                     FB_EUNSUPPORTED);
    fb_floor_free(&setting.floor);
    assert_int_equal(fb_floor_prepare(&setting.execution, ROOM, &setting.floor, &err), 0);
    assert_int_equal(setting.floor.count, 3);
    assert_int_equal(fb_floor_measure(&setting.floor, true, &floor, &err), 0);
    unsigned char *bytes = pattern_bytes(array);
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(setting.floor.out + 4 * i, bytes + 4 * (5000 * i + 7), 4);
    free(bytes);
    tear_down(&setting);
}

/* What reads no data, or a format that does not tell, has no floor. */
static void test_none(void **state)
{
    struct setting setting;
    struct fb_error err = { 0 };
    set_up(&setting, state, NULL);
    assert_int_equal(fb_floor_prepare(&setting.execution, ROOM, &setting.floor, &err),
                     FB_EUNSUPPORTED);
    fb_floor_free(&setting.floor);
    assert_int_equal(rows(&setting, 2, 0, &err), 0);
    assert_int_equal(fb_floor_prepare(&setting.execution, ROOM, &setting.floor, &err),
                     FB_EUNSUPPORTED);
    fb_floor_free(&setting.floor);
    setting.execution.format = fb_format_find("null");
    assert_int_equal(rows(&setting, 2, 1, &err), 0);
    assert_int_equal(fb_floor_prepare(&setting.execution, ROOM, &setting.floor, &err),
                     FB_EUNSUPPORTED);
    tear_down(&setting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_contiguous, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_chunked, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_damage, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_strided, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_none, make_folder, remove_folder),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
