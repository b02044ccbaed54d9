/* What gzip makes of pieces of data: how much is stored, whatever the times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/tune/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LENGTH (64 << 10)

static double expected(const unsigned char *data, size_t bytes, size_t piece, size_t count)
{
    unsigned char packed[2 * LENGTH];
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        uLongf length = sizeof packed;
        size_t at = (bytes - piece) / count * i / 4 * 4;
        assert_int_equal(compress2(packed, &length, data + at, piece, 4), Z_OK);
        sum += (double)length;
    }
    return sum / (double)(count * piece);
}

/* A sine in 32-bit integers: its high bytes repeat, its low ones do not. */
static void wave(unsigned char *data)
{
    for (int i = 0; i < LENGTH / 4; i++) {
        int32_t value = (int32_t)(1e6 * sin(i / 50.0));
        memcpy(data + 4 * (size_t)i, &value, sizeof value);
    }
}

static void test_stored(void **state)
{
    (void)state;
    static unsigned char data[LENGTH];
    struct fb_pieces plain, shuffled;
    struct fb_error err = { 0 };
    wave(data);
    assert_int_equal(fb_pieces_measure(data, LENGTH, 4, false, &plain, &err), 0);
    assert_int_equal(fb_pieces_measure(data, LENGTH, 4, true, &shuffled, &err), 0);
    assert_true(fabs(plain.stored[0] - expected(data, LENGTH, 32, 64)) < 1e-12);
    assert_true(fabs(plain.stored[5] - expected(data, LENGTH, 1024, 32)) < 1e-12);
    assert_true(fabs(plain.stored[11] - expected(data, LENGTH, LENGTH, 1)) < 1e-12);
    /* Of 32 bytes nothing is to be gained; long ones gain, and shuffled ones more. */
    assert_true(plain.stored[0] > 1 && plain.stored[11] < plain.stored[5]);
    assert_true(shuffled.stored[11] < 0.8 * plain.stored[11]);
    for (size_t k = 0; k < FB_PIECE_SIZES; k++)
        assert_true(isfinite(plain.ns[k]) && plain.ns[k] > 0);
    /* There is no piece longer than the data. */
    assert_true(plain.stored[12] == plain.stored[11] && plain.stored[15] == plain.stored[11]);
    assert_true(plain.ns[12] == 2 * plain.ns[11] && plain.ns[15] == 16 * plain.ns[11]);
}

static void test_between(void **state)
{
    (void)state;
    struct fb_pieces pieces;
    for (size_t k = 0; k < FB_PIECE_SIZES; k++) {
        pieces.stored[k] = 1 - 0.05 * (double)k;
        pieces.ns[k] = 10 * pow(3, (double)k);
    }
    assert_true(fabs(fb_pieces_stored(&pieces, 32) - 1) < 1e-12);
    assert_true(fabs(fb_pieces_stored(&pieces, 64) - 0.95) < 1e-12);
    assert_true(fabs(fb_pieces_stored(&pieces, 32 * sqrt(2)) - 0.975) < 1e-12);
    assert_true(fabs(fb_pieces_stored(&pieces, 1) - 1) < 1e-12);
    assert_true(fabs(fb_pieces_stored(&pieces, 1 << 25) - 0.25) < 1e-12);
    assert_true(fabs(fb_pieces_ns(&pieces, 128) - 90) < 1e-9);
    assert_true(fabs(fb_pieces_ns(&pieces, 32 * sqrt(2)) - 10 * sqrt(3)) < 1e-9);
    /* Beyond the ends, as much a byte as there. */
    assert_true(fabs(fb_pieces_ns(&pieces, 8) - 2.5) < 1e-9);
    assert_true(fabs(fb_pieces_ns(&pieces, 2 << 20) / (20 * pow(3, 15)) - 1) < 1e-12);
}

/* Data of any length, elements that it does not hold a whole number of. */
static void test_little(void **state)
{
    (void)state;
    const unsigned char data[48] = { 0 };
    struct fb_pieces pieces;
    struct fb_error err = { 0 };
    for (size_t bytes = 0; bytes <= sizeof data; bytes++)
        for (size_t element = 1; element <= 8; element++) {
            assert_int_equal(fb_pieces_measure(data, bytes, element, true, &pieces, &err), 0);
            for (size_t k = 0; k < FB_PIECE_SIZES; k++)
                assert_true(pieces.stored[k] > 0 && pieces.ns[k] > 0 && isfinite(pieces.ns[k]));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_little),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
