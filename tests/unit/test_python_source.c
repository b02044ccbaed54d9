/* Pickles, .npy and .npz as sources, seen from the C side: whatever the Python worker answers is
 * checked, and whatever becomes of it is a clear error. The files themselves are looked at in
 * tests/cli/pickle_sources.py and hostile_pickles.py. */
#include "base/share.h"
#include "datasets/importers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES 8

static const uint64_t start[] = { 0, 0 }, count[] = { 4, 2 };

/* A file of any content: the lying worker does not look into it. */
static const char *file_of(const char *name, const char *content, size_t length)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/fmtbench-test-%d%s", (int)getpid(), name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    fwrite(content, 1, length, stream);
    fclose(stream);
    return path;
}

static int open_lying(const char *fault, struct fb_source **out, struct fb_error *err)
{
    char script[4096];
    const char *path = file_of(".pkl", "\x80\x04N.", 4);
    assert_int_equal(fb_share_find("tests/workers/faulty_source.py", script, sizeof script, err),
                     0);
    setenv("PYTHON", script, 1);
    setenv("FAULT", fault, 1);
    *err = (struct fb_error){ 0 };
    int rc = fb_importer_pickle.open(path, NULL, NULL, NULL, out, err);
    unlink(path);
    return rc;
}

static void test_an_honest_worker(void **state)
{
    (void)state;
    struct fb_source *source;
    struct fb_error err;
    unsigned char data[BYTES];
    assert_int_equal(open_lying("", &source, &err), 0);
    const struct fb_catalog *catalog = fb_source_catalog(source);
    assert_int_equal(catalog->array_count, 2);
    assert_string_equal(catalog->arrays[0].path, "s/a");
    assert_int_equal(catalog->skipped_count, 1);
    assert_string_equal(catalog->skipped[0].reason, "text");
    /* The worker's numbers are not ours: it listed s/b first. */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fb_source_read(source, i, start, count, data, BYTES, &err), 0);
        assert_int_equal(data[0], 1 - i);
        assert_int_equal(data[BYTES - 1], BYTES - 1);
    }
    fb_source_close(source);
}

static void test_opening(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *words;
    } cases[] = {
        { "no-numpy", "source pickle needs a Python 3 with numpy" },
        { "hello-protocol", "speaks another protocol than 1" },
        { "catalog-dtype", "array s/b has no valid dtype" },
        { "catalog-shape", "array s/b has no valid shape" },
        { "catalog-huge", "more bytes than can be counted" },
        { "catalog-rank", "array s/b has no valid shape" },
        { "catalog-sample", "no valid path and sample" },
        { "catalog-twice", "two arrays have the path s/a" },
        { "catalog-path", "no valid path and sample" },
        { "catalog-none", "it lists no samples and arrays" },
        { "open-death", "killed by signal 9" },
        { "open-exit", "worker exited with code 1: MemoryError: no more" },
        { "open-end", "ended in the middle of its job" },
        { "open-garbage", "the Python worker's answer is damaged" },
        { "open-list", "answer is no object" },
        { "open-endless", "a line without an end" },
        { "open-noise", "bytes or more where 0 were asked for" },
        { "error", ".pkl: the pickle asks for os.system??[31m" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_source *source = NULL;
        struct fb_error err;
        assert_true(open_lying(cases[i].fault, &source, &err) < 0);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: %s", cases[i].fault, err.message);
    }
}

static void test_reading(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *words;
    } cases[] = {
        { "death", "killed by signal 9" },
        { "exit", "worker exited with code 1: MemoryError: no more" },
        { "end", "ended in the middle of its job" },
        { "garbage", "the Python worker's answer is damaged" },
        { "endless", "a line without an end" },
        { "noise", "delivered 1000 bytes or more where 8 were asked for" },
        { "short", "delivered 7 bytes or more where 8 were asked for" },
        { "long", "delivered 9 bytes or more where 8 were asked for" },
        { "more", "8 bytes or more where 8 were asked for" },
        { "huge", "9223372036854775808 bytes or more where 8 were asked for" },
        { "cut", "array s/a: the Python worker delivered 3 bytes of 8" },
        { "nothing", "array s/a: the Python worker delivered 0 bytes of 8" },
        { "why", "array s/a cannot be read: damaged" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_source *source = NULL;
        struct fb_error err;
        unsigned char data[BYTES];
        assert_int_equal(open_lying(cases[i].fault, &source, &err), 0);
        assert_true(fb_source_read(source, 0, start, count, data, BYTES, &err) < 0);
        if (!strstr(err.message, cases[i].words))
            fail_msg("%s: %s", cases[i].fault, err.message);
        fb_source_close(source);
    }
}

/* Who goes on after a failure gets another, and waits for nobody; an array that cannot be read takes
 * no other with it. */
static void test_reading_on(void **state)
{
    (void)state;
    static const char *const faults[] = { "death", "more", "cut", "noise", "nothing", "why" };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct fb_source *source = NULL;
        struct fb_error err;
        unsigned char data[BYTES];
        assert_int_equal(open_lying(faults[i], &source, &err), 0);
        assert_true(fb_source_read(source, 0, start, count, data, BYTES, &err) < 0);
        assert_true(fb_source_read(source, 1, start, count, data, BYTES, &err) < 0);
        bool kept = strcmp(faults[i], "why") == 0;
        if (!strstr(err.message, kept ? "s/b cannot be read" : "the Python worker has ended"))
            fail_msg("%s: %s", faults[i], err.message);
        fb_source_close(source);
    }
}

static void test_what_is_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *name, *content;
        size_t length;
        const struct fb_importer *importer;
    } cases[] = {
        { "", "\x80\x02", 2, &fb_importer_pickle },
        { "", "\x80\x05\x95", 3, &fb_importer_pickle },
        { "", "\x80\x06\x95", 3, NULL },
        { "", "\x80", 1, NULL },
        { ".pkl", "(lp0\n.", 6, &fb_importer_pickle },
        { ".pickle", "(lp0\n.", 6, &fb_importer_pickle },
        { "", "(lp0\n.", 6, NULL },
        { ".pkl", "\0\0", 2, NULL },
        { ".pkl", "", 0, NULL },
        { "", "\x93NUMPY\1\0", 8, &fb_importer_npy },
        { "", "\x93NUMP", 5, NULL },
        { "", "PK\3\4......................\5\0\0\0x.npy", 35, &fb_importer_npz },
        { "", "PK\3\4......................\5\0\0\0x.txt", 35, NULL },
        { "", "PK\3\4......................\xff\xff\0\0x.npy", 35, NULL },
        { "", "PK\3\4......................", 26, NULL },
        { ".npz", "PK\5\6..................", 22, &fb_importer_npz },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = file_of(cases[i].name, cases[i].content, cases[i].length);
        if (fb_importer_of(path) != cases[i].importer)
            fail_msg("case %zu", i);
        unlink(path);
    }
    assert_null(fb_importer_of("/dev/zero"));
    assert_null(fb_importer_of("/nowhere/x.pkl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_honest_worker),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_reading_on),
        cmocka_unit_test(test_what_is_recognised),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
