#include "document_tests.h"

static void put_file(const char *header, size_t data_bytes)
{
    char buf[4096] = "FMTBRAW1";
    uint64_t length = strlen(header);
    memcpy(buf + 8, &length, 8);
    strcpy(buf + 16, header);
    replace_file(buf, (16 + length + 63) / 64 * 64 + data_bytes);
}

#define HEADER(arrays, data_bytes)                                                                 \
    "{\"samples\":[{\"path\":\"s\",\"name\":\"s\"}],\"arrays\":[" arrays                           \
    "],\"data_bytes\":" data_bytes "}"
#define ARRAY(sample, dtype, shape, offset)                                                        \
    "{\"path\":\"s/x\",\"sample\":" sample ",\"dtype\":" dtype ",\"shape\":" shape                 \
    ",\"offset\":" offset "}"

#define SECOND(shape, offset)                                                                      \
    "{\"path\":\"s/y\",\"sample\":0,\"dtype\":\"int8\",\"shape\":" shape ",\"offset\":" offset "}"

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip(fb_format_find("raw"), fb_format_find("raw"));
    check_round_trip(fb_format_find("raw"), fb_format_find("raw-mmap"));
}

static void test_alignment(void **state)
{
    (void)state;
    const struct fb_format *raw = fb_format_find("raw"), *mapped = fb_format_find("raw-mmap");
    struct pattern_source *source = pattern_many();
    struct fb_reader *reader;
    struct fb_array *array;
    struct fb_storage storage = { 0 };
    struct fb_error err;
    write_pattern(raw, source);
    assert_null(mapped->array_resident);
    assert_null(mapped->recognises);
    assert_int_equal(raw->open_streaming(file_path, &reader, &err), 0);
    for (size_t i = 0; i < source->catalog.array_count; i++) {
        const void *data;
        size_t bytes;
        assert_int_equal(raw->array_open(reader, source->catalog.arrays[i].path, &array, &err), 0);
        assert_int_equal(raw->array_resident(array, &data, &bytes, &err), 0);
        assert_int_equal((uintptr_t)data % 64, 0);
        assert_int_equal(raw->storage(array, &storage, &err), 0);
        assert_string_equal(storage.layout, "contiguous");
        raw->array_close(array);
    }
    raw->close(reader);
    fb_source_close(&source->base);
}

static void test_damage(void **state)
{
    (void)state;
    check_damage(fb_format_find("raw"));
}

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool fine;
    } cases[] = {
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "0"), "8"), true },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "1"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "-8"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "0.0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "9223372036854775807"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "18446744073709551615"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "0"), "7"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "0"), "-1"), false },
        { HEADER(ARRAY("1", "\"int8\"", "[8]", "0"), "8"), false },
        { HEADER(ARRAY("-1", "\"int8\"", "[8]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int9\"", "[8]", "0"), "8"), false },
        { HEADER(ARRAY("0", "8", "[8]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"V0\"", "[8]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[-8]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[-8,0]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8.5]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "8", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[4294967296,4294967296]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[9223372036854775807,2]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8],\"shape\":[8]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "0") "," ARRAY("0", "\"int8\"", "[8]", "0"), "8"),
          false },
        { HEADER(ARRAY("0", "\"int8\"", "[4]", "0") "," SECOND("[4]", "4"), "8"), true },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "0") "," SECOND("[0]", "8"), "8"), true },
        { HEADER(ARRAY("0", "\"int8\"", "[8]", "0") "," SECOND("[8]", "0"), "8"), false },
        { HEADER(ARRAY("0", "\"int8\"", "[4]", "0") "," SECOND("[4]", "3"), "8"), false },
        { HEADER("", "8"), false },
        { HEADER("7", "8"), false },
        { "[]", false },
        { "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_file(cases[i].header, 8);
        int rc = try_file(fb_format_find("raw"));
        if (rc != (cases[i].fine ? 0 : FB_EFORMAT))
            fail_msg("header %zu gives %d: %s", i, rc, cases[i].header);
    }
}

/* A length far beyond the file is not allocated. */
static void test_header_length(void **state)
{
    (void)state;
    static const uint64_t lengths[] = { 1, 64, UINT64_C(1) << 28, UINT64_C(1) << 62, UINT64_MAX };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char buf[4096]; /* one page, full of what JSON skips: behind it lies nothing */
        memset(buf, ' ', sizeof buf);
        memcpy(buf, "FMTBRAW1", 8);
        memcpy(buf + 8, &lengths[i], 8);
        replace_file(buf, sizeof buf);
        struct fb_reader *reader;
        struct fb_error err = { 0 };
        assert_int_equal(fb_format_find("raw")->open(file_path, NULL, &reader, &err), FB_EFORMAT);
        assert_int_equal(strstr(err.message, "a header of") != NULL, lengths[i] > sizeof buf);
    }
}

/* A source that fails half-way leaves what was there. */
static void test_failing_source(void **state)
{
    (void)state;
    const struct fb_format *raw = fb_format_find("raw");
    struct pattern_source *source = pattern_many();
    struct fb_options options;
    struct fb_error err = { 0 };
    replace_file("before", 6);
    source->fail_after = 3;
    assert_int_equal(fb_options_parse(raw->options, "", "", &options, &err), 0);
    assert_int_equal(raw->create(file_path, &source->base, &options, &err), FB_EIO);
    assert_non_null(strstr(err.message, "the test source fails here"));
    char *data;
    size_t bytes;
    assert_int_equal(fb_read_file(file_path, 100, &data, &bytes, &err), 0);
    assert_string_equal(data, "before");
    free(data);
    fb_source_close(&source->base);
    /* remove_folder fails when a temporary file is left. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_header_length), cmocka_unit_test(test_failing_source),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
