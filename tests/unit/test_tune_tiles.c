/* What gzip makes of chunks as they would be cut: how much is stored, whatever the times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/tune/tiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LENGTH 40000

static int32_t wave[LENGTH];

/* Its high bytes repeat, its low ones do not. */
static int make_wave(void **state)
{
    (void)state;
    for (int i = 0; i < LENGTH; i++)
        wave[i] = (int32_t)(1e6 * sin(i / 50.0));
    return 0;
}

/* A source with one array, which is the beginning of the wave. */
struct scene {
    struct fb_source source;
    struct fb_array_info array;
    struct fb_catalog catalog;
};

static const struct fb_catalog *scene_catalog(const struct fb_source *source)
{
    return &((const struct scene *)(const void *)source)->catalog;
}

static int scene_read(struct fb_source *source, size_t array, const uint64_t *start,
                      const uint64_t *count, void *dst, struct fb_error *err)
{
    const struct fb_array_info *info = &((struct scene *)(void *)source)->array;
    uint64_t elements = 1;
    (void)array;
    (void)err;
    for (unsigned k = 0; k < info->rank; k++)
        elements *= count[k];
    for (uint64_t n = 0; n < elements; n++) {
        uint64_t rest = n, at = 0, stride = 1;
        for (unsigned k = info->rank; k-- > 0;) {
            at += (start[k] + rest % count[k]) * stride;
            rest /= count[k];
            stride *= info->dims[k];
        }
        ((int32_t *)dst)[n] = wave[at];
    }
    return 0;
}

static void scene_close(struct fb_source *source)
{
    (void)source;
}

static const struct fb_source_ops scene_ops = { scene_catalog, scene_read, scene_close };

static void scene_make(struct scene *scene, unsigned rank, const uint64_t *dims)
{
    static char path[] = "wave";
    *scene = (struct scene){
        .source = { .ops = &scene_ops },
        .array = { .path = path, .dtype = { FB_INT, 4 }, .rank = rank, .bytes = 4 },
    };
    for (unsigned k = 0; k < rank; k++) {
        scene->array.dims[k] = dims[k];
        scene->array.bytes *= dims[k];
    }
    scene->catalog.arrays = &scene->array;
    scene->catalog.array_count = 1;
}

static size_t packed(const void *data, size_t bytes, int level)
{
    static unsigned char to[2 * sizeof wave];
    uLongf length = sizeof to;
    assert_int_equal(compress2(to, &length, data, bytes, level), Z_OK);
    return length;
}

/* A tile of a 2-dimensional array, zeros beyond its ends. */
static size_t packed_tile(const uint64_t *dims, uint64_t row, uint64_t column, uint64_t rows,
                          uint64_t columns, int level)
{
    int32_t tile[4096] = { 0 };
    assert_true(rows * columns <= 4096);
    for (uint64_t i = 0; i < rows && row + i < dims[0]; i++)
        for (uint64_t k = 0; k < columns && column + k < dims[1]; k++)
            tile[i * columns + k] = wave[(row + i) * dims[1] + column + k];
    return packed(tile, rows * columns * 4, level);
}

static double stored(struct scene *scene, unsigned rank, const uint64_t *chunk, unsigned level,
                     bool shuffle, size_t bytes)
{
    struct fb_setting setting = { .rank = rank, .level = level, .shuffle = shuffle };
    struct fb_error err = { 0 };
    struct fb_tile tile;
    memcpy(setting.chunk, chunk, rank * sizeof *chunk);
    assert_int_equal(fb_tiles_measure(&scene->source, &setting, 1, bytes, &tile, &err), 0);
    assert_true(tile.inflate_byte > 0 && tile.pack_byte > 0);
    return tile.stored;
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void test_cut(void **state)
{
    (void)state;
    const uint64_t dims[] = { 40, 60 }, chunk[] = { 20, 30 };
    struct scene scene;
    scene_make(&scene, 2, dims);
    size_t sum = 0, low = 0;
    for (uint64_t i = 0; i < 40; i += 20)
        for (uint64_t k = 0; k < 60; k += 30) {
            sum += packed_tile(dims, i, k, 20, 30, 4);
            low += packed_tile(dims, i, k, 20, 30, 1);
        }
    assert_true(low != sum);
    NEAR(stored(&scene, 2, chunk, 0, false, 65536), (double)sum / (40 * 60 * 4));
    NEAR(stored(&scene, 2, chunk, 1, false, 65536), (double)low / (40 * 60 * 4));
    /* Half as many tiles: at 0.31 and 0.93 of them, the second and the fourth. */
    sum = packed_tile(dims, 0, 30, 20, 30, 4) + packed_tile(dims, 20, 30, 20, 30, 4);
    NEAR(stored(&scene, 2, chunk, 0, false, 4800), (double)sum / (20 * 60 * 4));
}

static void test_ends(void **state)
{
    (void)state;
    const uint64_t dims[] = { 40, 50 }, chunk[] = { 32, 40 };
    struct scene scene;
    size_t across = packed_tile(dims, 0, 0, 32, 40, 4) + packed_tile(dims, 0, 40, 32, 40, 4);
    size_t below = packed_tile(dims, 32, 0, 32, 40, 4) + packed_tile(dims, 32, 40, 32, 40, 4);
    scene_make(&scene, 2, dims);
    NEAR(stored(&scene, 2, chunk, 0, false, 65536), (double)(across + below) / (40 * 50 * 4));
}

static void test_shuffle(void **state)
{
    (void)state;
    const uint64_t dims[] = { 1000 }, chunk[] = { 1000 };
    unsigned char planes[4000];
    struct scene scene;
    scene_make(&scene, 1, dims);
    for (size_t i = 0; i < 4000; i++)
        planes[i] = ((const unsigned char *)wave)[i % 1000 * 4 + i / 1000];
    NEAR(stored(&scene, 1, chunk, 0, true, 65536), (double)packed(planes, 4000, 4) / 4000);
    assert_true(fb_unshuffle_byte(4) > 0);
}

/* No more than 32 KiB of a chunk: 5000 of 40000 elements are left after three halvings, and of one
 * such tile the third of eight is taken. */
static void test_long(void **state)
{
    (void)state;
    const uint64_t dims[] = { LENGTH };
    struct scene scene;
    scene_make(&scene, 1, dims);
    NEAR(stored(&scene, 1, dims, 0, false, 1), (double)packed(wave + 10000, 20000, 4) / 20000);
}

/* Of every shape, longer than the array too. */
static void test_shapes(void **state)
{
    (void)state;
    const uint64_t dims[] = { 5, 7, 3 };
    struct scene scene;
    scene_make(&scene, 3, dims);
    for (uint64_t i = 1; i <= 8; i++)
        for (uint64_t j = 1; j <= 8; j++)
            for (uint64_t k = 1; k <= 4; k++) {
                const uint64_t chunk[] = { i, j, k };
                assert_true(stored(&scene, 3, chunk, 0, (i + j) % 2, 65536) > 0);
            }
    scene_make(&scene, 0, dims);
    assert_true(stored(&scene, 0, dims, 0, true, 65536) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),  cmocka_unit_test(test_ends),   cmocka_unit_test(test_shuffle),
        cmocka_unit_test(test_long), cmocka_unit_test(test_shapes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_wave, NULL);
}
