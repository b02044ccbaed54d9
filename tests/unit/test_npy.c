#include "datasets/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The text of a header, checked for what its bytes must be; the caller frees it. */
static char *header_of(struct fb_dtype dtype, unsigned rank, const uint64_t *dims)
{
    char *bytes;
    size_t size;
    FILE *stream = open_memstream(&bytes, &size);
    assert_int_equal(fb_npy_write_header(stream, dtype, rank, dims), 0);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(size % 64, 0);
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00", 8);
    assert_int_equal((unsigned char)bytes[8] | (unsigned char)bytes[9] << 8, size - 10);
    assert_int_equal(bytes[size - 1], '\n');
    char *text = strndup(bytes + 10, size - 11);
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    free(bytes);
    return text;
}

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        struct fb_dtype dtype;
        unsigned rank;
        uint64_t dims[3];
        const char *text;
    } cases[] = {
        { { FB_FLOAT, 4 },
          3,
          { 2851, 68, 2 },
          "{'descr': '<f4', 'fortran_order': False, 'shape': (2851, 68, 2,), }" },
        { { FB_FLOAT, 2 }, 1, { 7 }, "{'descr': '<f2', 'fortran_order': False, 'shape': (7,), }" },
        { { FB_BOOL, 1 }, 0, { 0 }, "{'descr': '|b1', 'fortran_order': False, 'shape': (), }" },
        { { FB_INT, 1 },
          2,
          { 0, 3 },
          "{'descr': '|i1', 'fortran_order': False, 'shape': (0, 3,), }" },
        { { FB_UINT, 8 }, 1, { 1 }, "{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }" },
        { { FB_OPAQUE, 12 },
          1,
          { 3 },
          "{'descr': '|V12', 'fortran_order': False, 'shape': (3,), }" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = header_of(cases[i].dtype, cases[i].rank, cases[i].dims);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

static void test_longest(void **state)
{
    (void)state;
    uint64_t dims[32];
    for (unsigned i = 0; i < 32; i++)
        dims[i] = UINT64_MAX;
    char *text = header_of((struct fb_dtype){ FB_OPAQUE, UINT32_MAX }, 32, dims);
    assert_non_null(strstr(text, "18446744073709551615,), }"));
    free(text);
}

static void test_full_disk(void **state)
{
    (void)state;
    const uint64_t dims[] = { 3 };
    FILE *stream = fopen("/dev/full", "w");
    if (!stream)
        return;
    setvbuf(stream, NULL, _IONBF, 0);
    assert_int_equal(fb_npy_write_header(stream, (struct fb_dtype){ FB_INT, 4 }, 1, dims), -1);
    fclose(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_full_disk),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
