/* What holds for every format of our own that is one file: used by test_raw and test_msgpack. */
#ifndef FB_TESTS_DOCUMENT_TESTS_H
#define FB_TESTS_DOCUMENT_TESTS_H

#include "base/output.h"
#include "base/random.h"
#include "formats/format.h"
#include "pattern_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

static char folder[] = "/tmp/fmtbench-test-XXXXXX";
static char file_path[sizeof folder + 16];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file_path, sizeof file_path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file_path);
    return rmdir(folder);
}

static void write_pattern(const struct fb_format *format, struct pattern_source *source)
{
    struct fb_options options;
    struct fb_error err = { 0 };
    assert_int_equal(fb_options_parse(format->options, "", "", &options, &err), 0);
    int rc = format->create(file_path, &source->base, &options, &err);
    if (rc)
        fail_msg("%s", err.message);
}

static void check_catalog(const struct fb_catalog *got, const struct fb_catalog *want)
{
    assert_int_equal(got->array_count, want->array_count);
    assert_int_equal(got->sample_count, want->sample_count);
    for (size_t i = 0; i < want->sample_count; i++) {
        assert_string_equal(got->samples[i].path, want->samples[i].path);
        assert_string_equal(got->samples[i].name, want->samples[i].name);
    }
    for (size_t i = 0; i < want->array_count; i++) {
        assert_string_equal(got->arrays[i].path, want->arrays[i].path);
        assert_true(fb_dtype_equal(got->arrays[i].dtype, want->arrays[i].dtype));
        assert_int_equal(got->arrays[i].rank, want->arrays[i].rank);
        assert_memory_equal(got->arrays[i].dims, want->arrays[i].dims, 8 * want->arrays[i].rank);
        assert_int_equal(got->arrays[i].bytes, want->arrays[i].bytes);
    }
}

/* A whole array, and a slab that is partial on every axis, element by element. */
static void check_array(const struct fb_format *format, struct fb_reader *reader,
                        const struct fb_array_info *info)
{
    struct fb_array *array;
    struct fb_error err = { 0 };
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    size_t delivered, bytes = (size_t)info->bytes;
    unsigned char *want = pattern_bytes(info), *got = malloc(bytes + 1);
    assert_int_equal(format->array_open(reader, info->path, &array, &err), 0);
    assert_int_equal(format->array_read(array, start, info->dims, got, bytes, &delivered, &err), 0);
    assert_int_equal(delivered, bytes);
    assert_memory_equal(got, want, bytes);
    if (bytes > 0)
        assert_int_equal(
            format->array_read(array, start, info->dims, got, bytes - 1, &delivered, &err),
            FB_EUSAGE);
    for (unsigned i = 0; i < info->rank; i++) {
        start[i] = info->dims[i] / 3;
        count[i] = (info->dims[i] - start[i] + 1) / 2;
    }
    size_t slab = (size_t)fb_slab_bytes(info, count), size = info->dtype.size;
    assert_int_equal(format->array_read(array, start, count, got, slab, &delivered, &err), 0);
    assert_int_equal(delivered, slab);
    for (size_t e = 0; e < slab / size; e++) {
        uint64_t rest = e, offset = 0, stride = 1;
        for (unsigned i = info->rank; i-- > 0;) {
            offset += (start[i] + rest % count[i]) * stride;
            rest /= count[i];
            stride *= info->dims[i];
        }
        assert_memory_equal(got + e * size, want + offset * size, size);
    }
    if (info->rank > 0) {
        start[0] = info->dims[0];
        count[0] = 1;
        assert_int_equal(format->array_read(array, start, count, got, bytes, &delivered, &err),
                         FB_EUSAGE);
    }
    if (format->array_resident) {
        const void *data;
        assert_int_equal(format->array_resident(array, &data, &delivered, &err), 0);
        assert_int_equal(delivered, bytes);
        assert_memory_equal(data, want, bytes);
    }
    format->array_close(array);
    free(want);
    free(got);
}

static void check_reader(const struct fb_format *format, struct fb_reader *reader,
                         const struct fb_catalog *want)
{
    struct fb_catalog catalog = { 0 };
    struct fb_error err = { 0 };
    struct fb_array *array;
    assert_int_equal(format->catalog(reader, &catalog, &err), 0);
    check_catalog(&catalog, want);
    for (size_t i = 0; i < want->array_count; i++)
        check_array(format, reader, &want->arrays[i]);
    assert_int_equal(format->array_open(reader, "no/such", &array, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, "no/such"));
    fb_catalog_free(&catalog);
    format->close(reader);
}

/* `writer` writes, `format` opens in its ways, and everything is there. */
static void check_round_trip(const struct fb_format *writer, const struct fb_format *format)
{
    struct pattern_source *source = pattern_many();
    struct fb_reader *reader;
    struct fb_error err = { 0 };
    write_pattern(writer, source);
    assert_int_equal(format->open(file_path, NULL, &reader, &err), 0);
    check_reader(format, reader, &source->catalog);
    if (format->open_streaming) {
        /* Nothing is resident in a streaming reader but what is mapped. */
        assert_int_equal(format->open_streaming(file_path, &reader, &err), 0);
        check_reader(format, reader, &source->catalog);
    }
    const struct fb_format *found;
    assert_int_equal(fb_format_of_file(file_path, &found, &err), 0);
    assert_ptr_equal(found, writer);
    fb_source_close(&source->base);
}

static void replace_file(const void *data, size_t bytes)
{
    FILE *stream = fopen(file_path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, bytes, stream), bytes);
    assert_int_equal(fclose(stream), 0);
}

/* Opens what stands in the file and reads all of it; damaged files must end in a message. */
static int try_file(const struct fb_format *format)
{
    struct fb_source *source;
    struct fb_error err = { 0 };
    int rc = fb_source_from_file(format, file_path, &source, &err);
    if (rc) {
        assert_true(strlen(err.message) > 0);
        return rc;
    }
    const struct fb_catalog *catalog = fb_source_catalog(source);
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++) {
        uint64_t start[FB_MAX_RANK] = { 0 };
        void *data = malloc((size_t)catalog->arrays[i].bytes + 1);
        rc = fb_source_read(source, i, start, catalog->arrays[i].dims, data,
                            (size_t)catalog->arrays[i].bytes, &err);
        free(data);
    }
    fb_source_close(source);
    return rc;
}

/* Every shorter file is refused; no flipped bit is more than a message. */
static void check_damage(const struct fb_format *format)
{
    struct pattern_source *source = pattern_new();
    struct fb_error err = { 0 };
    char *data;
    size_t bytes;
    pattern_add(source, "s", "n", "s/a/x", "float32", 2, (const uint64_t[]){ 3, 2 });
    pattern_add(source, "s", "n", "s/y", "V3", 1, (const uint64_t[]){ 40 });
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    write_pattern(format, source);
    assert_int_equal(fb_read_file(file_path, 1 << 20, &data, &bytes, &err), 0);
    for (size_t n = 0; n < bytes; n++) {
        replace_file(data, n);
        assert_int_equal(try_file(format), FB_EFORMAT);
    }
    struct fb_random random;
    fb_random_seed(&random, 7);
    for (int i = 0; i < 2000; i++) {
        size_t at = (size_t)fb_random_below(&random, bytes);
        char saved = data[at];
        data[at] = (char)fb_random_below(&random, 256);
        replace_file(data, bytes);
        try_file(format);
        data[at] = saved;
    }
    free(data);
    fb_source_close(&source->base);
}

#endif
