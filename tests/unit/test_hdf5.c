/* What fmtbench writes as HDF5 comes back: catalogs, bytes, chunks; and errors for the rest. */
#include "base/output.h"
#include "formats/hdf5/chunk.h"
#include "h5py_chunks.h"
#include "hdf5_round_trip.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void test_guess_is_h5pys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof h5py_chunks / sizeof *h5py_chunks; i++) {
        uint64_t chunk[FB_MAX_RANK] = { 0 };
        unsigned rank = h5py_chunks[i].rank;
        fb_chunk_guess(rank, h5py_chunks[i].shape, h5py_chunks[i].element, chunk);
        assert_memory_equal(chunk, h5py_chunks[i].chunk, rank * sizeof *chunk);
    }
}

static void test_round_trip(void **state)
{
    static const struct {
        const struct fb_format *format;
        const char *options;
    } ways[] = {
        { &fb_format_hdf5_contiguous, "" },
        { &fb_format_hdf5_chunked, "" },
        { &fb_format_hdf5_chunked, "level=0" },
        { &fb_format_hdf5_chunked, "level=9,shuffle=1,rows=2" },
        { &fb_format_hdf5_chunked, "level=1,chunk=5x3x2" },
        { &fb_format_hdf5_chunked, "level=0,shuffle=1,chunk=1x1" },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct pattern_source *sources[] = { pattern_many(), all_types(true) };
        for (size_t k = 0; k < 2; k++) {
            sources[k]->catalog.description = strdup("as it was");
            char *path = in_folder(state, "a.h5");
            write_file(ways[i].format, ways[i].options, path, &sources[k]->base);
            check_round_trip(path, sources[k]);
            fb_source_close(&sources[k]->base);
        }
    }
}

static void test_same_input_same_bytes(void **state)
{
    struct pattern_source *source = pattern_many();
    struct fb_error err = { 0 };
    char *data[2];
    size_t length[2];
    for (int i = 0; i < 2; i++) {
        char *path = in_folder(state, i ? "b.h5" : "a.h5");
        write_file(&fb_format_hdf5_chunked, "chunk=7x3", path, &source->base);
        assert_int_equal(fb_read_file(path, 1 << 28, &data[i], &length[i], &err), 0);
        if (i == 0)
            sleep(1);
    }
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(data[0], data[1], length[0]);
    free(data[0]);
    free(data[1]);
    fb_source_close(&source->base);
}

static void test_storage(void **state)
{
    static const struct {
        const char *options, *path, *layout, *filters;
        uint64_t chunk[3];
        unsigned rank;
    } rows[] = {
        { "", "sample_000/expert/face", "chunked", "gzip(4)", { 5, 68, 2 }, 3 },
        { "level=9,shuffle=1,rows=3",
          "sample_000/expert/face",
          "chunked",
          "shuffle+gzip(9)",
          { 3, 68, 2 },
          3 },
        { "level=0,chunk=6x2x1", "sample_000/expert/face", "chunked", "", { 5, 2, 1 }, 3 },
        { "level=0,chunk=6x2x1", "sample_001/expert/face", "chunked", "", { 6, 2, 1 }, 3 },
        { "level=0,chunk=6x2x1", "sample_000/novice/aus", "chunked", "", { 4, 17 }, 2 },
        { "shuffle=1,level=0", "records", "chunked", "shuffle", { 1000 }, 1 },
        { "", "g/07/empty", "contiguous", "", { 0 }, 0 },
        { "", "scalar", "contiguous", "", { 0 }, 0 },
    };
    struct pattern_source *source = pattern_many();
    char *path = in_folder(state, "a.h5");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fb_storage storage;
        struct fb_error err = { 0 };
        write_file(&fb_format_hdf5_chunked, rows[i].options, path, &source->base);
        struct fb_reader *reader = open_file(path);
        struct fb_array *array = open_array(reader, rows[i].path);
        assert_int_equal(fb_format_as_is.storage(array, &storage, &err), 0);
        assert_string_equal(storage.layout, rows[i].layout);
        assert_string_equal(storage.filters, rows[i].filters);
        assert_int_equal(storage.chunk_rank, rows[i].rank);
        assert_memory_equal(storage.chunk, rows[i].chunk, rows[i].rank * sizeof(uint64_t));
        assert_int_equal(storage.cache_bytes, rows[i].rank ? 1 << 20 : 0);
        if (strcmp(rows[i].path, "records") == 0)
            assert_int_equal(storage.stored_bytes, 12000);
        fb_format_as_is.array_close(array);
        fb_format_as_is.close(reader);
    }
    fb_source_close(&source->base);
}

/* A prime number, and the one that advice reckons with. */
static void test_cache_slots(void **state)
{
    static const struct {
        const char *option;
        uint64_t bytes, slots;
    } rows[] = {
        { "cache=1", 1, 521 },
        { "cache=8388608", 8388608, 12809 }, /* 12807 is 3 * 3 * 1423 */
        { "cache=1099511627776", UINT64_C(1) << 40, 1000003 },
    };
    struct pattern_source *source = pattern_many();
    char *path = in_folder(state, "a.h5");
    write_file(&fb_format_hdf5_chunked, "", path, &source->base);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fb_options options;
        struct fb_storage storage;
        struct fb_reader *reader;
        struct fb_error err = { 0 };
        assert_int_equal(
            fb_options_parse(fb_format_as_is.options, "as-is", rows[i].option, &options, &err), 0);
        assert_int_equal(fb_format_as_is.open(path, &options, &reader, &err), 0);
        struct fb_array *array = open_array(reader, "sample_000/expert/face");
        assert_int_equal(fb_format_as_is.storage(array, &storage, &err), 0);
        assert_int_equal(storage.cache_bytes, rows[i].bytes);
        assert_int_equal(storage.cache_slots, rows[i].slots);
        assert_int_equal(fb_chunk_cache_slots(rows[i].bytes), rows[i].slots);
        fb_format_as_is.array_close(array);
        fb_format_as_is.close(reader);
    }
    fb_source_close(&source->base);
}

static void test_option_errors(void **state)
{
    static const struct {
        const char *options, *says;
    } rows[] = {
        { "level=10", "level" },
        { "chunk=0x2", "chunk=0x2" },
        { "chunk=2x", "chunk=2x" },
        { "chunk=axb", "chunk=axb" },
        { "rows=0", "rows=0" },
        { "rows=2,chunk=2x2", "exclude" },
        { "chunk=1x1x1x1x1x1", "no array has that many" },
        { "chunk=1x68x3", "5x68x2" },
        { "chunk=8x68x2", "longest" },
        { "rows=3001", "3000" },
    };
    struct pattern_source *source = pattern_many();
    char *path = in_folder(state, "a.h5");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fb_error err = { 0 };
        assert_int_equal(
            try_write(&fb_format_hdf5_chunked, rows[i].options, path, &source->base, &err),
            FB_EUSAGE);
        assert_non_null(strstr(err.message, rows[i].says));
        assert_int_not_equal(access(path, F_OK), 0);
    }
    fb_source_close(&source->base);
}

/* A chunk of 1 GiB is the largest; nothing is read from the source before that is known. */
static void test_chunk_limit(void **state)
{
    struct pattern_source *source = pattern_new();
    struct fb_error err = { 0 };
    pattern_add(source, "", "", "wide", "float64", 2, DIMS(1000, 1 << 20));
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    source->fail_after = 0;
    char *path = in_folder(state, "a.h5");
    assert_int_equal(try_write(&fb_format_hdf5_chunked, "rows=129", path, &source->base, &err),
                     FB_EUSAGE);
    assert_non_null(strstr(err.message, "wide"));
    assert_int_equal(try_write(&fb_format_hdf5_chunked, "rows=128", path, &source->base, &err),
                     FB_EIO);
    fb_source_close(&source->base);
}

static void test_what_hdf5_cannot_hold(void **state)
{
    static const struct {
        const char *sample, *path, *other;
    } rows[] = {
        { "a", "a//b", NULL },  { "a", "a/./b", NULL }, { "a", "b/c", NULL },
        { "a/b", "a/x", NULL }, { "", "a/b", NULL },    { "a", "a/b/x", "a/b" },
        { "x", "x/y/", NULL },
    };
    char *path = in_folder(state, "a.h5");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pattern_source *source = pattern_new();
        struct fb_error err = { 0 };
        pattern_add(source, rows[i].sample, rows[i].sample, rows[i].path, "int8", 1, DIMS(3));
        if (rows[i].other)
            pattern_add(source, rows[i].other, "named", "a/b/y", "int8", 1, DIMS(3));
        assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
        assert_int_equal(try_write(&fb_format_hdf5_contiguous, "", path, &source->base, &err),
                         FB_EUNSUPPORTED);
        assert_non_null(strstr(err.message, rows[i].path));
        assert_int_not_equal(access(path, F_OK), 0);
        fb_source_close(&source->base);
    }
}

/* What stood there before stays, and no temporary file is left (the folder can be removed). */
static void test_failed_write_changes_nothing(void **state)
{
    struct pattern_source *source = pattern_many();
    struct fb_error err = { 0 };
    char *path = in_folder(state, "a.h5"), *before, *after;
    size_t length, length_after;
    write_file(&fb_format_hdf5_contiguous, "", path, &source->base);
    assert_int_equal(fb_read_file(path, 1 << 28, &before, &length, &err), 0);
    source->fail_after = 4;
    assert_int_equal(try_write(&fb_format_hdf5_chunked, "", path, &source->base, &err), FB_EIO);
    assert_non_null(strstr(err.message, "the test source fails here"));
    source->fail_after = (unsigned)-1;
    /* A file that may not grow stands for a full disk. */
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = { 100000, 100000 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(try_write(&fb_format_hdf5_contiguous, "", path, &source->base, &err) == FB_EIO ? 0
                                                                                             : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(fb_read_file(path, 1 << 28, &after, &length_after, &err), 0);
    assert_int_equal(length, length_after);
    assert_memory_equal(before, after, length);
    free(before);
    free(after);
    fb_source_close(&source->base);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guess_is_h5pys),
        TEST(test_round_trip),
        TEST(test_same_input_same_bytes),
        TEST(test_storage),
        TEST(test_cache_slots),
        TEST(test_option_errors),
        TEST(test_chunk_limit),
        TEST(test_what_hdf5_cannot_hold),
        TEST(test_failed_write_changes_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
