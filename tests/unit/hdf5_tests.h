/* What the tests of the HDF5 formats share: a folder, writing a source, checking a reader. */
#ifndef FB_TESTS_HDF5_TESTS_H
#define FB_TESTS_HDF5_TESTS_H

#include "formats/format.h"
#include "pattern_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#define DIMS(...) ((const uint64_t[]){ __VA_ARGS__ })

extern const struct fb_format fb_format_hdf5_contiguous;
extern const struct fb_format fb_format_hdf5_chunked;
extern const struct fb_format fb_format_as_is;

/* *state is the folder's path while a test runs. */
static inline int make_folder(void **state)
{
    char *folder = strdup("/tmp/fmtbench-test-XXXXXX");
    *state = folder ? mkdtemp(folder) : NULL;
    return *state ? 0 : -1;
}

static inline char *in_folder(void **state, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", (const char *)*state, name);
    return path;
}

static inline int remove_folder(void **state)
{
    unlink(in_folder(state, "a.h5"));
    unlink(in_folder(state, "b.h5"));
    int rc = rmdir(*state);
    free(*state);
    return rc;
}

static inline int try_write(const struct fb_format *format, const char *options, const char *path,
                            struct fb_source *source, struct fb_error *err)
{
    struct fb_options parsed;
    int rc = fb_options_parse(format->options, format->name, options, &parsed, err);
    return rc ? rc : format->create(path, source, &parsed, err);
}

static inline void write_file(const struct fb_format *format, const char *options, const char *path,
                              struct fb_source *source)
{
    struct fb_error err = { 0 };
    if (try_write(format, options, path, source, &err) != 0)
        fail_msg("%s", err.message);
}

static inline struct fb_reader *open_file(const char *path)
{
    struct fb_reader *reader = NULL;
    struct fb_error err = { 0 };
    if (fb_format_as_is.open(path, NULL, &reader, &err) != 0)
        fail_msg("%s", err.message);
    return reader;
}

static inline void read_catalog(struct fb_reader *reader, struct fb_catalog *catalog)
{
    struct fb_error err = { 0 };
    *catalog = (struct fb_catalog){ 0 };
    if (fb_format_as_is.catalog(reader, catalog, &err) != 0)
        fail_msg("%s", err.message);
}

static inline struct fb_array *open_array(struct fb_reader *reader, const char *path)
{
    struct fb_array *array = NULL;
    struct fb_error err = { 0 };
    if (fb_format_as_is.array_open(reader, path, &array, &err) != 0)
        fail_msg("%s", err.message);
    return array;
}

/* The search in the file against the search in the catalog, for some globs, ranges and names. */
static inline void check_find(struct fb_reader *reader, const struct fb_catalog *catalog)
{
    static const struct fb_query queries[] = {
        { "*", 0, 0, UINT64_MAX, NULL },
        { "*/expert/face", 0, 5, 5, NULL },
        { "*", 0, 3, 5, NULL },
        { "*", 1, 2, 100, NULL },
        { "*", 0, 0, 0, "one" },
        { "*/novice/*", 0, 0, 0, "one" },
        { "*", 0, 0, 0, "" },
        { "nothing", 0, 0, UINT64_MAX, NULL },
        { "sample_00?/*", 9, 0, UINT64_MAX, NULL },
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct fb_matches got = { 0 }, want = { 0 };
        struct fb_error err = { 0 };
        assert_int_equal(fb_catalog_query(catalog, &queries[i], &want, &err), 0);
        assert_int_equal(fb_format_as_is.find(reader, &queries[i], &got, &err), 0);
        assert_int_equal(got.count, want.count);
        assert_string_equal(got.text ? got.text : "", want.text ? want.text : "");
        free(got.text);
        free(want.text);
    }
}

#endif
