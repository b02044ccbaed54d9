/* Searching HDF5 files by their metadata where they say that it holds, and by a walk where not. */
#include "hdf5_tests.h"

#include <hdf5.h>

static const char *const people[] = { "expert", "novice" };
static const char *const features[] = { "aus", "face" };

/* Three sessions; `odd` makes one of them unlike the others. */
enum odd { NONE, LENGTH, FEATURE, PERSON, GAP };

static struct pattern_source *sessions(enum odd odd)
{
    static const char *const names[] = { "one", "two", "three" };
    struct pattern_source *source = pattern_new();
    struct fb_error err = { 0 };
    for (uint64_t i = 0; i < 3; i++)
        for (size_t p = 0; p < 2; p++)
            for (size_t f = 0; f < 2; f++) {
                char sample[16], path[64];
                bool last = i == 2 && p == 1 && f == 1;
                if ((odd == FEATURE && last) || (odd == PERSON && i == 1 && p == 0))
                    continue;
                snprintf(sample, sizeof sample, "sample_%03u",
                         (unsigned)(odd == GAP && i == 2 ? 7 : i));
                snprintf(path, sizeof path, "%s/%s/%s", sample, people[p], features[f]);
                pattern_add(source, sample, names[i], path, "float32", 2,
                            DIMS(5 + i + 3 * p + (odd == LENGTH && last), 4));
            }
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    return source;
}

static bool has_marker(const char *path)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool has = H5Aexists(file, "uniform_frames") > 0;
    H5Fclose(file);
    return has;
}

/* The answer to a range (name NULL) or a name, over one feature of one person. */
static char *ask(const char *path, const char *array, uint64_t min, uint64_t max, const char *name)
{
    const struct fb_query query = { array, 0, min, max, name };
    struct fb_matches found = { 0 };
    struct fb_error err = { 0 };
    struct fb_reader *reader = open_file(path);
    assert_int_equal(fb_format_as_is.find(reader, &query, &found, &err), 0);
    fb_format_as_is.close(reader);
    return found.text ? found.text : strdup("");
}

static void expect(const char *path, const char *array, uint64_t min, uint64_t max,
                   const char *name, const char *want)
{
    char *got = ask(path, array, min, max, name);
    assert_string_equal(got, want);
    free(got);
}

static void set_frames(const char *path, const char *object, const char *attribute, int64_t frames)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t group = H5Gopen2(file, object, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
    assert_true(H5Adelete(group, attribute) >= 0);
    hid_t handle = H5Acreate2(group, attribute, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(handle, H5T_NATIVE_INT64, &frames) >= 0);
    H5Aclose(handle);
    H5Sclose(space);
    H5Gclose(group);
    H5Fclose(file);
}

static void test_same_as_a_walk(void **state)
{
    char *path = in_folder(state, "a.h5");
    static const enum odd kinds[] = { NONE, LENGTH, FEATURE, PERSON, GAP };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct pattern_source *source = sessions(kinds[i]);
        struct fb_catalog catalog;
        write_file(i % 2 ? &fb_format_hdf5_chunked : &fb_format_hdf5_contiguous, "", path,
                   &source->base);
        assert_int_equal(has_marker(path), kinds[i] == NONE);
        struct fb_reader *reader = open_file(path);
        read_catalog(reader, &catalog);
        check_find(reader, &catalog);
        for (size_t q = 0; q < 8; q++) {
            const struct fb_query query = { q & 1 ? "*/novice/face" : "*/expert/aus", 0, 6, 9,
                                            q < 4   ? NULL
                                            : q & 2 ? "two"
                                                    : "nobody" };
            struct fb_matches got = { 0 }, want = { 0 };
            struct fb_error err = { 0 };
            assert_int_equal(fb_catalog_query(&catalog, &query, &want, &err), 0);
            assert_int_equal(fb_format_as_is.find(reader, &query, &got, &err), 0);
            assert_string_equal(got.text ? got.text : "", want.text ? want.text : "");
            free(got.text);
            free(want.text);
        }
        fb_catalog_free(&catalog);
        fb_format_as_is.close(reader);
        fb_source_close(&source->base);
    }
}

/* What the attributes say is believed where the file says that it may be, and nowhere else. */
static void test_attributes(void **state)
{
    char *path = in_folder(state, "a.h5");
    struct pattern_source *source = sessions(NONE);
    write_file(&fb_format_hdf5_contiguous, "", path, &source->base);
    expect(path, "*/expert/face", 6, 9, NULL, "two\t6\nthree\t7\n");
    set_frames(path, "sample_001", "num_frames_expert", 9);
    expect(path, "*/expert/face", 6, 9, NULL, "two\t9\nthree\t7\n");
    expect(path, "*/expert/face", 0, 0, "two", "two\t9\n");
    /* Another pattern, or a feature that nobody has, is walked for. */
    expect(path, "*/expert/fac?", 6, 9, NULL, "two\t6\nthree\t7\n");
    expect(path, "*/expert/gaze", 0, 9, NULL, "");
    set_frames(path, "/", "uniform_frames", 0);
    expect(path, "*/expert/face", 6, 9, NULL, "two\t6\nthree\t7\n");
    expect(path, "*/expert/face", 0, 0, "two", "two\t6\n");
    fb_source_close(&source->base);
}

static void test_what_is_not_as_it_says_is_walked(void **state)
{
    char *path = in_folder(state, "a.h5");
    struct pattern_source *source = sessions(NONE);
    write_file(&fb_format_hdf5_contiguous, "", path, &source->base);
    set_frames(path, "sample_001", "num_frames_expert", -3);
    expect(path, "*/expert/face", 6, 9, NULL, "two\t6\nthree\t7\n");
    set_frames(path, "sample_001", "num_frames_expert", 9);
    set_frames(path, "/", "num_samples", INT64_MAX);
    expect(path, "*/expert/face", 6, 9, NULL, "two\t6\nthree\t7\n");
    set_frames(path, "/", "num_samples", 3);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(file, "more", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
    expect(path, "*/expert/face", 6, 9, NULL, "two\t6\nthree\t7\n");
    fb_source_close(&source->base);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_same_as_a_walk),
        TEST(test_attributes),
        TEST(test_what_is_not_as_it_says_is_walked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
