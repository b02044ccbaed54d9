#include "document_tests.h"

static const struct fb_format *format(void)
{
    return fb_format_find("msgpack");
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip(format(), format());
}

static void test_damage(void **state)
{
    (void)state;
    check_damage(format());
}

#define ABOUT "\xa7@sample\x82\xa4path\xa1s\xa4name\xa1n"
#define LEAF(shape, data)                                                                          \
    "\x83\xa5"                                                                                     \
    "dtype\xa4int8\xa5shape" shape "\xa4"                                                          \
    "data" data

static void test_documents(void **state)
{
    (void)state;
#define TEXT(text) text, sizeof text - 1
    static const struct {
        const char *bytes;
        size_t length;
        bool fine;
    } cases[] = {
        { TEXT("\x91\x82" ABOUT "\xa1x" LEAF("\x91\x02", "\xc4\x02xy")), true },
        { TEXT("\x91\x82" ABOUT "\xa1g\x81\xa1x" LEAF("\x91\x02", "\xc4\x02xy")), true },
        { TEXT("\x91\x82" ABOUT "\xa1x" LEAF("\x90", "\xc4\x01x")), true },
        { TEXT("\x91\x82" ABOUT "\xa1x" LEAF("\x91\x02", "\xc4\x02xy") "\xc0"), false },
        { TEXT("\x91\x82" ABOUT "\xa1x" LEAF("\x91\x03", "\xc4\x02xy")), false },
        { TEXT("\x91\x82" ABOUT "\xa1x" LEAF("\x91\xff", "\xc4\x02xy")), false },
        { TEXT("\x91\x82" ABOUT "\xa1x" LEAF("\x02", "\xc4\x02xy")), false },
        { TEXT("\x91\x82" ABOUT "\xa1x" LEAF("\x91\x02", "\xa2xy")), false },
        { TEXT("\x91\x82" ABOUT "\xa1\0" LEAF("\x91\x02", "\xc4\x02xy")), false },
        { TEXT("\x91\x82" ABOUT "\x07" LEAF("\x91\x02", "\xc4\x02xy")), false },
        { TEXT("\x91\x83" ABOUT
               "\xa1x" LEAF("\x90", "\xc4\x01x") "\xa1x" LEAF("\x90", "\xc4\x01x")),
          false },
        { TEXT("\x91\x82" ABOUT "\xa1x\xc0"), false },
        { TEXT("\x91\x81" ABOUT), false },
        { TEXT("\x91\x81\xa7@sample\xc0"), false },
        /* Four thousand million elements or bytes that are not there, in every way to say so. */
        { TEXT("\xdd\xff\xff\xff\xff\x82" ABOUT), false },
        { TEXT("\x91\xdf\xff\xff\xff\xff" ABOUT), false },
        { TEXT("\x91\x82" ABOUT "\xa1x\xdd\xff\xff\xff\xff"), false },
        { TEXT("\x91\x82" ABOUT "\xa1x\xc6\xff\xff\xff\xff"), false },
        { TEXT("\x91\x82" ABOUT "\xdb\xff\xff\xff\xffx"), false },
        { TEXT("\x91\x82" ABOUT "\xc1x"), false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        replace_file(cases[i].bytes, cases[i].length);
        int rc = try_file(format());
        if (rc != (cases[i].fine ? 0 : FB_EFORMAT))
            fail_msg("document %zu gives %d", i, rc);
    }
}

static void test_depth(void **state)
{
    (void)state;
    static unsigned char deep[100000];
    memset(deep, 0x91, sizeof deep - 1);
    deep[sizeof deep - 1] = 0xc0;
    replace_file(deep, sizeof deep);
    assert_int_equal(try_file(format()), FB_EFORMAT);

    /* As deep as we write, we read. */
    for (int levels = 22; levels <= 25; levels++) {
        struct pattern_source *source = pattern_new();
        struct fb_options options;
        struct fb_error err = { 0 };
        char path[128] = "s";
        for (int i = 0; i < levels; i++)
            strcat(path, "/g");
        pattern_add(source, "s", "n", path, "int8", 1, (const uint64_t[]){ 3 });
        assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
        assert_int_equal(fb_options_parse(format()->options, "", "", &options, &err), 0);
        int rc = format()->create(file_path, &source->base, &options, &err);
        assert_int_equal(rc, levels <= 24 ? 0 : FB_EUNSUPPORTED);
        if (rc == 0)
            assert_int_equal(try_file(format()), 0);
        fb_source_close(&source->base);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sample, *path, *type, *other, *word;
        uint64_t length;
    } cases[] = {
        { "s", "s/@sample", "int8", NULL, "reserved", 1 },
        { "s", "s/@sample/x", "int8", NULL, "reserved", 1 },
        { "s", "t/x", "int8", NULL, "not below", 1 },
        { "s", "sx", "int8", NULL, "not below", 1 },
        { "s", "s/x", "int8", "s/x/y", "array and a group", 1 },
        { "s", "s/x", "int8", NULL, "4 GiB", UINT64_C(1) << 32 },
        { "s", "s/x", "float64", NULL, "4 GiB", UINT64_C(1) << 59 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pattern_source *source = pattern_new();
        struct fb_options options;
        struct fb_error err = { 0 };
        pattern_add(source, cases[i].sample, "n", cases[i].path, cases[i].type, 1,
                    &cases[i].length);
        if (cases[i].other)
            pattern_add(source, cases[i].sample, "n", cases[i].other, "int8", 0, &cases[i].length);
        assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
        assert_int_equal(fb_options_parse(format()->options, "", "", &options, &err), 0);
        assert_int_equal(format()->create(file_path, &source->base, &options, &err),
                         FB_EUNSUPPORTED);
        assert_non_null(strstr(err.message, cases[i].word));
        assert_non_null(strstr(err.message, cases[i].path));
        fb_source_close(&source->base);
    }
}

static void test_recognises(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        bool is;
    } cases[] = {
        { TEXT("\x91\x82" ABOUT), true },
        { TEXT("\xdc\x00\x10\x82" ABOUT), true },
        { TEXT("\xdd\x00\x10\x00\x00\xde\x00\x10" ABOUT), true },
        { TEXT("\x90"), true },
        { TEXT("\x90 plain"), false },
        { TEXT("\x91\x82\xa7@samples"), true },
        { TEXT("\x91\x82\xa6@sample"), false },
        { TEXT("\x91\x82\xa7@sam"), false },
        { TEXT("\x91\x80\xa7@sample"), false },
        { TEXT("\x91"), false },
        { TEXT(""), false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (format()->recognises((const unsigned char *)cases[i].bytes, cases[i].length) !=
            cases[i].is)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_documents),  cmocka_unit_test(test_depth),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_recognises),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
