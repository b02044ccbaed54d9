/* Every filter that is to be had here writes what is read back, and one that is not says what is
 * missing; also through a worker, which is this program. */
#include "bench/block.h"
#include "bench/worker.h"
#include "formats/hdf5/filters.h"
#include "hdf5_round_trip.h"

#include <signal.h>

static void test_choices_are_the_table(void **state)
{
    (void)state;
    char choices[] = FB_HDF5_FILTER_CHOICES;
    size_t count = 0, written = 0;
    for (char *name = strtok(choices, "|"); name; name = strtok(NULL, "|"), count++) {
        const struct fb_hdf5_filter *filter = fb_hdf5_filter_named(name);
        assert_non_null(filter);
        assert_string_equal(filter->name, name);
        assert_true(filter->count <= FB_HDF5_PARAMETERS_MAX && filter->level_at <= filter->count &&
                    filter->shuffle_at <= filter->count && filter->block_at <= filter->count);
    }
    for (const struct fb_hdf5_filter *filter = fb_hdf5_filter_table; filter->name; filter++) {
        written += filter->written;
        for (const struct fb_hdf5_filter *other = fb_hdf5_filter_table; other < filter; other++)
            assert_true(other->id != filter->id && strcmp(other->name, filter->name) != 0);
    }
    assert_int_equal(count, written);
}

/* --- round trips ------------------------------------------------------------------------------ */

static void round_trip(void **state, const struct fb_hdf5_filter *filter, const char *more,
                       bool long_too)
{
    char options[128], *path = in_folder(state, "a.h5");
    struct pattern_source *sources[] = { all_types(!filter->numbers),
                                         filter->numbers || !long_too ? NULL : pattern_many() };
    snprintf(options, sizeof options, "filter=%s%s", filter->name, more);
    for (size_t k = 0; k < 2 && sources[k]; k++) {
        sources[k]->catalog.description = strdup("as it was");
        write_file(&fb_format_hdf5_chunked, options, path, &sources[k]->base);
        check_round_trip(path, sources[k]);
        fb_source_close(&sources[k]->base);
    }
}

/* Chunks that reach over the edge on every axis, and chunks of one element. */
static void test_round_trips(void **state)
{
    unsigned here = 0;
    for (const struct fb_hdf5_filter *filter = fb_hdf5_filter_table; filter->name; filter++) {
        if (!filter->written)
            continue;
        if (!fb_hdf5_filter_writes(filter->id)) {
            printf("# not installed: %s\n", filter->name);
            continue;
        }
        here++;
        round_trip(state, filter, "", true);
        round_trip(state, filter, ",shuffle=1,rows=2", true);
        round_trip(state, filter, ",chunk=5x3x2", true);
        round_trip(state, filter, ",shuffle=1,chunk=1x1,libver=latest", false);
        if (filter->level_at > 0) {
            round_trip(state, filter, ",level=1", true);
            round_trip(state, filter, ",level=9,shuffle=1", true);
        }
    }
    assert_true(here >= 2); /* gzip and none */
}

/* The option text of a filter with the parameters that follow, and what stands in the file. */
static void test_storage(void **state)
{
    static const struct {
        const char *filter, *options, *says;
        bool smaller;
    } rows[] = {
        { "gzip", "filter=gzip", "gzip(4)", true },
        { "gzip", "level=0", "", false },
        { "none", "filter=none", "", false },
        { "none", "filter=none,shuffle=1", "shuffle", false },
        { "lzf", "filter=lzf,shuffle=1", "shuffle+lzf", true },
        { "szip", "filter=szip", "szip", true },
        { "szip", "filter=szip,rows=1", "szip", true },
        { "lz4", "filter=lz4,shuffle=1", "shuffle+lz4", true },
        { "bzip2", "filter=bzip2,level=9", "bzip2(9)", true },
        { "blosc", "filter=blosc,level=7", "blosc(7)", true },
        { "blosc", "filter=blosc,shuffle=1", "blosc(4,shuffle)", true },
        { "bitshuffle", "filter=bitshuffle", "bitshuffle", true },
    };
    struct pattern_source *source = pattern_new();
    struct fb_error err = { 0 };
    char *path = in_folder(state, "a.h5");
    pattern_add(source, "", "", "x", "bool", 2, DIMS(500, 64));
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fb_storage storage;
        if (!fb_hdf5_filter_writes(fb_hdf5_filter_named(rows[i].filter)->id))
            continue;
        write_file(&fb_format_hdf5_chunked, rows[i].options, path, &source->base);
        struct fb_reader *reader = open_file(path);
        struct fb_array *array = open_array(reader, "x");
        assert_int_equal(fb_format_as_is.storage(array, &storage, &err), 0);
        assert_string_equal(storage.layout, "chunked");
        assert_string_equal(storage.filters, rows[i].says);
        if (rows[i].smaller != (storage.stored_bytes < 500 * 64))
            fail_msg("%s: %llu bytes", rows[i].options, (unsigned long long)storage.stored_bytes);
        fb_format_as_is.array_close(array);
        fb_format_as_is.close(reader);
    }
    fb_source_close(&source->base);
}

/* --- refusals --------------------------------------------------------------------------------- */

static void test_levels(void **state)
{
    static const struct {
        const char *options, *says;
    } rows[] = {
        { "filter=lzf,level=5", "filter=lzf has no levels" },
        { "filter=none,level=0", "filter=none has no levels" },
        { "filter=bzip2,level=0", "1 to 9" },
        { "filter=blosc,level=0", "1 to 9" },
        { "filter=zstd", "gzip|none" },
        { "filter=shuffle", "gzip|none" },
        { "libver=v110", "earliest|latest" },
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

static void test_numbers_alone(void **state)
{
    struct pattern_source *source = pattern_many();
    struct fb_error err = { 0 };
    char *path = in_folder(state, "a.h5");
    assert_int_equal(try_write(&fb_format_hdf5_chunked, "filter=szip", path, &source->base, &err),
                     FB_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "array records is of V12"));
    assert_int_not_equal(access(path, F_OK), 0);
    fb_source_close(&source->base);
}

/* A worker whose library finds no plugin: which one it wants is told as it is told here. */
static void test_missing(void **state)
{
    struct fb_worker worker = { .own = true };
    const struct fb_process_limits limits = { UINT64_C(60000000000), (uint64_t)4 << 30 };
    struct pattern_source *source = pattern_many();
    char file[256], plan[256];
    unsigned missing = 0;
    snprintf(file, sizeof file, "%s", in_folder(state, "a.h5"));
    snprintf(plan, sizeof plan, "%s", in_folder(state, "b.h5"));
    assert_true(readlink("/proc/self/exe", worker.command, sizeof worker.command - 1) > 0);
    setenv("HDF5_PLUGIN_PATH", *state, 1);
    for (const struct fb_hdf5_filter *filter = fb_hdf5_filter_table; filter->name; filter++) {
        struct fb_create_result result;
        struct fb_error err = { 0 };
        char options[64], words[512];
        snprintf(options, sizeof options, "filter=%s", filter->name);
        const struct fb_job job = {
            .create = true, .format = "hdf5-chunked", .options = options, .file = file, .plan = plan
        };
        if (!filter->written || !filter->package)
            continue;
        missing++;
        assert_int_equal(fb_block_create_file(&worker, &limits, &job, &source->base, &result, &err),
                         FB_EUNSUPPORTED);
        snprintf(words, sizeof words,
                 "%s: cannot write with filter=%s: it needs the HDF5 filter "
                 "%s (id %d), which is not installed (Debian: %s)",
                 file, filter->name, filter->name, (int)filter->id, filter->package);
        assert_string_equal(err.message, words);
        assert_int_not_equal(access(file, F_OK), 0);
    }
    unsetenv("HDF5_PLUGIN_PATH");
    assert_int_equal(missing, 5);
    fb_source_close(&source->base);
}

/* --- versions of the file format -------------------------------------------------------------- */

static int add_stored(void *context, const struct fb_extent *extent, struct fb_error *err)
{
    (void)err;
    *(uint64_t *)context += extent->stored_bytes;
    return 0;
}

/* The version of the superblock is the byte behind the signature. Where the pieces lie is known in
 * the newer chunk indexes too. */
static void test_libver(void **state)
{
    static const struct {
        const struct fb_format *format;
        const char *options;
        int version;
    } rows[] = {
        { &fb_format_hdf5_contiguous, "", 0 },
        { &fb_format_hdf5_contiguous, "libver=latest", 3 },
        { &fb_format_hdf5_chunked, "libver=earliest", 0 },
        { &fb_format_hdf5_chunked, "libver=latest", 3 },
        { &fb_format_hdf5_chunked, "libver=latest,filter=none,rows=3", 3 },
        /* Each array is one chunk, which HDF5 loses unless it is told when to make room for it. */
        { &fb_format_hdf5_chunked, "libver=latest,filter=none,rows=3000", 3 },
        { &fb_format_hdf5_chunked, "libver=latest,level=0,rows=3000", 3 },
        { &fb_format_hdf5_chunked, "libver=latest,rows=3000", 3 },
    };
    struct pattern_source *source = pattern_many();
    char *path = in_folder(state, "a.h5");
    source->catalog.description = strdup("as it was");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fb_error err = { 0 };
        struct fb_storage storage;
        uint64_t stored = 0, start[2] = { 0 };
        write_file(rows[i].format, rows[i].options, path, &source->base);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        assert_int_equal(fseek(file, 8, SEEK_SET), 0);
        assert_int_equal(fgetc(file), rows[i].version);
        fclose(file);
        check_round_trip(path, source);
        struct fb_reader *reader = open_file(path);
        struct fb_array *array = open_array(reader, "long");
        assert_int_equal(fb_format_as_is.storage(array, &storage, &err), 0);
        assert_int_equal(
            fb_format_as_is.extents(array, start, DIMS(3000, 100), add_stored, &stored, &err), 0);
        assert_int_equal(stored, storage.stored_bytes);
        fb_format_as_is.array_close(array);
        fb_format_as_is.close(reader);
    }
    fb_source_close(&source->base);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices_are_the_table),
        TEST(test_round_trips),
        TEST(test_storage),
        TEST(test_levels),
        TEST(test_numbers_alone),
        TEST(test_missing),
        TEST(test_libver),
    };
    if (argc > 1 && strcmp(argv[1], "worker") == 0) {
        struct fb_error err;
        return fb_worker_main(&err) != 0;
    }
    fb_format_as_is.start(NULL, NULL);
    signal(SIGPIPE, SIG_IGN); /* of a worker that refuses, and is fed */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
