/* Every format of the registry that writes: what goes in comes out, through every function of the
 * interface. A new format is in here by its line in the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "formats/write.h"
#include "pattern_source.h"

#include <stdio.h>
#include <unistd.h>

static char path[] = "/tmp/fmtbench-formats-XXXXXX";

static const char *const types[] = { "int8",    "int16",  "int32",  "int64",   "uint8",
                                     "uint16",  "uint32", "uint64", "float16", "float32",
                                     "float64", "bool",   "V5" };

/* Arrays of every type, ranks 0 to 5, empty ones, samples with names and without. */
static struct pattern_source *all_kinds(void)
{
    struct pattern_source *source = pattern_new();
    struct fb_error err;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char array[64];
        const uint64_t dims[5] = { 3 + i, 4, 2, 3, 2 };
        snprintf(array, sizeof array, "group_%zu/sub/array_%s", i % 4, types[i]);
        char sample[32], name[32];
        snprintf(sample, sizeof sample, "group_%zu", i % 4);
        snprintf(name, sizeof name, "name of %zu", i % 4);
        pattern_add(source, sample, name, array, types[i], (unsigned)(i % 6), dims);
    }
    const uint64_t none[3] = { 0, 4, 2 }, flat[3] = { 5, 0, 2 };
    pattern_add(source, "", NULL, "empty", "float32", 3, none);
    pattern_add(source, "", NULL, "flat", "int16", 3, flat);
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    return source;
}

/* A slab without rows is a read too: it delivers nothing, and takes nothing from the file. */
static void read_no_rows(const struct fb_format *format, struct fb_array *array,
                         const struct fb_array_info *info)
{
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    unsigned char untouched = 0x5a;
    struct fb_error err;
    memcpy(count, info->dims, sizeof count);
    count[0] = 0;
    for (start[0] = 0; info->rank && start[0] <= info->dims[0]; start[0]++) {
        size_t delivered = 99;
        assert_int_equal(format->array_read(array, start, count, &untouched, 0, &delivered, &err),
                         0);
        assert_int_equal(delivered, 0);
        assert_int_equal(untouched, 0x5a);
    }
    /* Not even so may an axis be longer than the array's. */
    if (info->rank > 1) {
        size_t delivered;
        start[0] = 0;
        count[1]++;
        assert_true(format->array_read(array, start, count, &untouched, 0, &delivered, &err) < 0);
    }
}

static void read_slab(const struct fb_format *format, struct fb_array *array,
                      const struct fb_array_info *info, const unsigned char *whole,
                      struct fb_random *random)
{
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    struct fb_error err;
    for (unsigned i = 0; i < info->rank; i++) {
        start[i] = random && info->dims[i] ? fb_random_below(random, info->dims[i]) : 0;
        count[i] = info->dims[i] - start[i];
        if (random && count[i])
            count[i] = 1 + fb_random_below(random, count[i]);
    }
    size_t bytes = (size_t)fb_slab_bytes(info, count), delivered = 99;
    unsigned char *want = calloc(1, bytes + 1), *got = calloc(1, bytes + 1);
    if (bytes)
        fb_slab_copy(info, start, count, whole, want);
    assert_int_equal(format->array_read(array, start, count, got, bytes, &delivered, &err), 0);
    assert_int_equal(delivered, bytes);
    assert_memory_equal(got, want, bytes);
    if (bytes)
        assert_true(format->array_read(array, start, count, got, bytes - 1, &delivered, &err) < 0);
    read_no_rows(format, array, info);
    if (info->rank) {
        start[0] = info->dims[0];
        count[0] = 1;
        assert_true(format->array_read(array, start, count, got, bytes, &delivered, &err) < 0);
    }
    free(want);
    free(got);
}

static void check_array(const struct fb_format *format, struct fb_reader *reader,
                        const struct fb_array_info *info)
{
    struct fb_array *array;
    struct fb_error err;
    struct fb_storage storage;
    struct fb_random random;
    const void *resident;
    size_t bytes;
    unsigned char *whole = pattern_bytes(info);
    fb_random_seed(&random, info->bytes);
    assert_int_equal(format->array_open(reader, info->path, &array, &err), 0);
    read_slab(format, array, info, whole, NULL);
    for (int i = 0; i < 10; i++)
        read_slab(format, array, info, whole, &random);
    if (format->array_resident) {
        assert_int_equal(format->array_resident(array, &resident, &bytes, &err), 0);
        assert_int_equal(bytes, info->bytes);
        assert_memory_equal(resident, whole, bytes);
    }
    if (format->storage) {
        assert_int_equal(format->storage(array, &storage, &err), 0);
        assert_true(storage.layout[0]);
    }
    format->array_close(array);
    free(whole);
}

static void check_catalog(const struct fb_catalog *got, const struct fb_catalog *want)
{
    assert_int_equal(got->array_count, want->array_count);
    assert_int_equal(got->sample_count, want->sample_count);
    for (size_t i = 0; i < want->array_count; i++) {
        const struct fb_array_info *a = &got->arrays[i], *b = &want->arrays[i];
        assert_string_equal(a->path, b->path);
        assert_true(fb_dtype_equal(a->dtype, b->dtype));
        assert_int_equal(a->rank, b->rank);
        assert_memory_equal(a->dims, b->dims, b->rank * sizeof *b->dims);
        assert_string_equal(got->samples[a->sample].path, want->samples[b->sample].path);
        assert_string_equal(got->samples[a->sample].name, want->samples[b->sample].name);
    }
}

static void check_find(const struct fb_format *format, struct fb_reader *reader,
                       const struct fb_catalog *catalog)
{
    const struct fb_query queries[] = {
        { "*", 0, 0, UINT64_MAX, NULL },
        { "*int*", 0, 4, 9, NULL },
        { "*", 0, 0, 0, "name of 2" },
        { "*", 0, 0, 0, "nobody" },
    };
    for (size_t i = 0; format->find && i < sizeof queries / sizeof *queries; i++) {
        struct fb_matches got = { 0 }, want = { 0 };
        struct fb_error err;
        assert_int_equal(format->find(reader, &queries[i], &got, &err), 0);
        assert_int_equal(fb_catalog_query(catalog, &queries[i], &want, &err), 0);
        assert_int_equal(got.count, want.count);
        assert_string_equal(got.text ? got.text : "", want.text ? want.text : "");
        free(got.text);
        free(want.text);
    }
}

/* Reads what `writer` wrote by way of `format`. */
static void check_reader(const struct fb_format *format, const struct fb_options *options,
                         const struct fb_catalog *want)
{
    struct fb_reader *reader;
    struct fb_array *array = NULL;
    struct fb_catalog got = { 0 };
    struct fb_error err;
    assert_int_equal(format->open(path, options, &reader, &err), 0);
    assert_int_equal(format->catalog(reader, &got, &err), 0);
    check_catalog(&got, want);
    check_find(format, reader, want);
    for (size_t i = 0; i < want->array_count; i++)
        check_array(format, reader, &want->arrays[i]);
    assert_true(format->array_open(reader, "no/such/array", &array, &err) < 0);
    assert_non_null(strstr(err.message, "no/such/array"));
    fb_catalog_free(&got);
    format->close(reader);
    format->close(NULL);
    format->array_close(NULL);
    assert_true(format->open("/tmp/no such file", options, &reader, &err) < 0);
    assert_non_null(strstr(err.message, "no such file"));
}

static void check_writer(const struct fb_format *writer, const char *option_text)
{
    struct pattern_source *source = all_kinds();
    struct fb_options options;
    struct fb_source *back;
    struct fb_error err;
    assert_int_equal(fb_options_parse(writer->options, writer->name, option_text, &options, &err),
                     0);
    assert_int_equal(fb_file_write(writer, &options, path, &source->base, NULL, &err), 0);
    for (size_t i = 0; fb_formats[i]; i++) {
        bool reads = fb_formats[i]->open && fb_formats[i]->writer &&
                     strcmp(fb_formats[i]->writer, writer->name) == 0;
        if (reads)
            check_reader(fb_formats[i], &options, &source->catalog);
    }
    /* As a source, chosen by its content. */
    assert_int_equal(fb_source_open(path, NULL, NULL, &back, &err), 0);
    check_catalog(fb_source_catalog(back), &source->catalog);
    fb_source_close(back);
    fb_source_close(&source->base);
}

static void test_all(void **state)
{
    (void)state;
    static const char *const defaults[] = { "", NULL };
    unsigned written = 0;
    for (size_t i = 0; fb_formats[i]; i++) {
        const char *const *presets = fb_formats[i]->presets ? fb_formats[i]->presets : defaults;
        for (; fb_formats[i]->create && *presets; presets++, written++)
            check_writer(fb_formats[i], *presets);
    }
    assert_true(written >= 4);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_files(void **state)
{
    (void)state;
    char manifest[sizeof path + 16];
    snprintf(manifest, sizeof manifest, "%s.manifest.json", path);
    unlink(manifest);
    return unlink(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_file, remove_files);
}
