/* Damaged files end in a message. Each is tried in a child of its own with little memory and time,
 * so that a fault within libhdf5 itself is counted instead of ending the test. */
#include "base/output.h"
#include "base/random.h"
#include "bench/isolate.h"
#include "hdf5_tests.h"

#include <hdf5.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHILD_BYTES ((uint64_t)1 << 30)
#define CHILD_SECONDS 10

enum outcome { FINE, REFUSED, SILENT };

/* What an error must be: a code and one line of text. */
static enum outcome refused(const struct fb_error *err)
{
    return err->code < 0 && err->message[0] && !strchr(err->message, '\n') ? REFUSED : SILENT;
}

/* A piece that is handed out lies in the file. */
static int check_piece(void *context, const struct fb_extent *piece, struct fb_error *err)
{
    uint64_t file_bytes = *(const uint64_t *)context;
    if (piece->offset <= file_bytes && piece->stored_bytes <= file_bytes - piece->offset)
        return 0;
    return fb_fail(err, FB_EUSAGE, "\n"); /* which no error may have: SILENT */
}

static enum outcome try_array(struct fb_reader *reader, const struct fb_array_info *info,
                              uint64_t file_bytes)
{
    struct fb_array *array;
    struct fb_storage storage;
    struct fb_error err = { 0 };
    uint64_t start[FB_MAX_RANK] = { 0 };
    size_t delivered;
    int rc = fb_format_as_is.array_open(reader, info->path, &array, &err);
    if (rc)
        return refused(&err);
    rc = fb_format_as_is.storage(array, &storage, &err);
    if (rc == 0 && info->bytes < (1 << 24))
        rc = fb_format_as_is.extents(array, start, info->dims, check_piece, &file_bytes, &err);
    if (rc == 0 && info->bytes < (1 << 24)) {
        void *data = malloc((size_t)info->bytes + 1);
        rc = fb_format_as_is.array_read(array, start, info->dims, data, (size_t)info->bytes,
                                        &delivered, &err);
        free(data);
    }
    fb_format_as_is.array_close(array);
    return rc ? refused(&err) : FINE;
}

static uint64_t bytes_of_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Does all that can be done with a file; nothing of it may stay open. NULL trace: untraced. */
static enum outcome try_file(const char *path, struct fb_trace *trace)
{
    const struct fb_query query = { "*", 0, 0, UINT64_MAX, NULL };
    struct fb_reader *reader;
    struct fb_catalog catalog = { 0 };
    struct fb_matches matches = { 0 };
    struct fb_error err = { 0 };
    enum outcome outcome = FINE;
    int rc = trace ? fb_format_as_is.open_traced(path, NULL, trace, &reader, &err)
                   : fb_format_as_is.open(path, NULL, &reader, &err);
    if (rc)
        return refused(&err);
    if (fb_format_as_is.catalog(reader, &catalog, &err) != 0)
        outcome = refused(&err);
    for (size_t i = 0; outcome != SILENT && i < catalog.array_count; i++) {
        enum outcome one = try_array(reader, &catalog.arrays[i], bytes_of_file(path));
        outcome = one > outcome ? one : outcome;
    }
    if (outcome == FINE && fb_format_as_is.find(reader, &query, &matches, &err) != 0)
        outcome = refused(&err);
    free(matches.text);
    fb_catalog_free(&catalog);
    fb_format_as_is.close(reader);
    return H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0 ? outcome : SILENT;
}

/* An exit code that nothing but try_file gives. */
#define OUTCOME_CODE 40

static int try_work(void *path)
{
    const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    /* cmocka would go on with the tests in the child. */
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        signal(faults[i], SIG_DFL);
    fb_isolate_patience(CHILD_SECONDS);
    struct fb_trace trace = { 0 };
    enum outcome plain = try_file(path, NULL), traced = try_file(path, &trace);
    /* Watching changes nothing, and ends as it began. */
    _exit(OUTCOME_CODE + (int)(plain == traced && trace.depth == 0 ? plain : SILENT));
}

/* The outcome, or -1 when the child was killed. */
static int try_in_child(char *path)
{
    struct fb_error err;
    int code = fb_isolate(try_work, path, CHILD_BYTES, path, NULL, 0, &err);
    assert_true(code < 0 || code >= OUTCOME_CODE);
    return code < 0 ? -1 : code - OUTCOME_CODE;
}

static void replace_file(const char *path, const char *data, size_t length)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

/* A small file in the NoXiRe layout: nearly all of its bytes are metadata. */
static void small_file(const char *path, char **data, size_t *length)
{
    struct pattern_source *source = pattern_new();
    struct fb_error err = { 0 };
    pattern_add(source, "sample_000", "one", "sample_000/expert/face", "float32", 3, DIMS(9, 2, 2));
    pattern_add(source, "sample_000", "one", "sample_000/novice/head", "bool", 2, DIMS(2, 2));
    pattern_add(source, "sample_001", "two", "sample_001/expert/aus", "V6", 1, DIMS(5));
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    write_file(&fb_format_hdf5_chunked, "shuffle=1,rows=4", path, &source->base);
    assert_int_equal(fb_read_file(path, 1 << 20, data, length, &err), 0);
    fb_source_close(&source->base);
}

static void test_truncated(void **state)
{
    char *path = in_folder(state, "a.h5"), *data;
    size_t length;
    small_file(path, &data, &length);
    assert_int_equal(try_in_child(path), FINE);
    for (size_t i = 0; i < 20; i++) {
        replace_file(path, data, length * i / 20);
        assert_int_equal(try_in_child(path), REFUSED);
    }
    free(data);
}

static void test_flipped(void **state)
{
    char *path = in_folder(state, "a.h5"), *data;
    size_t length;
    int outcomes[3] = { 0 }, killed = 0;
    struct fb_random random;
    small_file(path, &data, &length);
    fb_random_seed(&random, 11);
    for (int i = 0; i < 500; i++) {
        size_t at = 0;
        /* Most of a small file is room for more: zeros that nobody reads. */
        do
            at = (size_t)fb_random_below(&random, length);
        while (data[at] == 0);
        char flip = (char)(1 << fb_random_below(&random, 8));
        data[at] ^= flip;
        replace_file(path, data, length);
        data[at] ^= flip;
        int outcome = try_in_child(path);
        if (outcome < 0)
            killed++;
        else
            outcomes[outcome]++;
    }
    print_message("# %d files were refused, %d were not, %d ended within libhdf5\n",
                  outcomes[REFUSED], outcomes[FINE], killed);
    assert_int_equal(outcomes[SILENT], 0);
    assert_true(outcomes[REFUSED] > 20);
    assert_true(killed <= 5);
    free(data);
}

static void test_not_hdf5(void **state)
{
    struct fb_reader *reader;
    struct fb_error err = { 0 };
    char *path = in_folder(state, "a.h5");
    assert_int_equal(fb_format_as_is.open(path, NULL, &reader, &err), FB_EIO);
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(fb_format_as_is.open(*state, NULL, &reader, &err), FB_EIO);
    replace_file(path, "", 0);
    assert_int_equal(fb_format_as_is.open(path, NULL, &reader, &err), FB_EFORMAT);
    replace_file(path, "this is a text, and no more", 27);
    assert_int_equal(fb_format_as_is.open(path, NULL, &reader, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(fb_format_as_is.open("/dev/null", NULL, &reader, &err), FB_EIO);
}

/* The signature may stand behind a user block; a short or foreign head is not HDF5. */
static void test_recognises(void **state)
{
    static const unsigned char signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
    static const size_t places[] = { 0, 512, 1024, 2048 };
    unsigned char head[4096];
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        memset(head, 0, sizeof head);
        memcpy(head + places[i], signature, sizeof signature);
        assert_true(fb_format_as_is.recognises(head, sizeof head));
        assert_true(fb_format_as_is.recognises(head, places[i] + 8));
        assert_false(fb_format_as_is.recognises(head, places[i] + 7));
    }
    memset(head, 0, sizeof head);
    memcpy(head + 256, signature, sizeof signature);
    assert_false(fb_format_as_is.recognises(head, sizeof head));
    assert_null(fb_format_hdf5_chunked.recognises);
    assert_null(fb_format_hdf5_contiguous.recognises);
}

static void test_start(void **state)
{
    struct fb_error err = { 0 };
    char version[32];
    (void)state;
    assert_int_equal(fb_format_as_is.start(NULL, &err), 0);
    assert_int_equal(fb_format_as_is.start(NULL, &err), 0);
    assert_non_null(strchr(fb_format_as_is.version(version, sizeof version), '.'));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start), cmocka_unit_test(test_recognises),
        TEST(test_not_hdf5),          TEST(test_truncated),
        TEST(test_flipped),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
