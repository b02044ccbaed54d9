/* Settings are applied to copies, and nothing half done is left, whatever goes wrong. */
#include "hdf5_tests.h"

#include "base/interrupt.h"
#include "base/output.h"
#include "bench/tune/apply.h"
#include "bench/tune/repack.h"

#include <dirent.h>
#include <hdf5.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct fb_process_limits limits = { UINT64_C(120000000000), UINT64_C(2) << 30 };

static const struct fb_setting gzip_rows = {
    .rank = 2, .chunk = { 50, 3 }, .filter = "gzip", .level = 4, .shuffle = true
};
static const struct fb_setting plain_rows = { .rank = 2, .chunk = { 7, 6 }, .filter = "none" };
static const struct fb_setting one_piece = { .rank = 0 };

/* --- files and folders ------------------------------------------------------------------------ */

static void add(struct pattern_source *source, const char *path, const char *type, uint64_t rows)
{
    char group[16];
    snprintf(group, sizeof group, "%.*s", (int)strcspn(path, "/"), path);
    pattern_add(source, group, group, path, type, 2, DIMS(rows, 6));
}

/* a.h5: three float arrays of 100, 20 and 100 rows, stored with gzip, and one of bytes. */
static void write_source(void **state)
{
    struct pattern_source *source = pattern_new();
    add(source, "g/long", "float64", 100);
    add(source, "g/short", "float64", 20);
    add(source, "h/long one", "float64", 100);
    add(source, "h/bytes", "uint8", 3000);
    assert_int_equal(fb_catalog_finish(&source->catalog, NULL), 0);
    write_file(&fb_format_hdf5_chunked, "level=1,chunk=20x6", in_folder(state, "a.h5"),
               &source->base);
    fb_source_close(&source->base);
}

static int empty_folder(void **state)
{
    char command[300];
    snprintf(command, sizeof command, "/bin/rm -rf '%s'", (const char *)*state);
    int rc = system(command);
    free(*state);
    return rc;
}

static int set_up(void **state)
{
    int rc = make_folder(state);
    setenv("PATH", getenv("USUAL_PATH"), 1);
    if (rc == 0)
        write_source(state);
    return rc;
}

static void read_all(const char *path, char **data, size_t *length)
{
    assert_int_equal(fb_read_file(path, 1 << 24, data, length, NULL), 0);
}

/* Names in the folder, but for a.h5 and programs of the test. */
static unsigned count_others(void **state)
{
    unsigned count = 0;
    DIR *folder = opendir(*state);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "a.h5") != 0 &&
                 strcmp(entry->d_name, "bin") != 0;
    closedir(folder);
    return count;
}

/* Applies to a.h5, which must stay the same to the byte. */
static int apply(void **state, const struct fb_change *changes, size_t count, struct fb_error *err)
{
    char file[256], *before, *after;
    size_t before_length, after_length;
    snprintf(file, sizeof file, "%s", in_folder(state, "a.h5"));
    read_all(file, &before, &before_length);
    int rc = fb_apply(file, in_folder(state, "b.h5"), changes, count, &limits, err);
    read_all(file, &after, &after_length);
    assert_int_equal(before_length, after_length);
    assert_memory_equal(before, after, before_length);
    free(before);
    free(after);
    return rc;
}

static int apply_one(void **state, const char *path, const struct fb_setting *setting,
                     struct fb_error *err)
{
    char *const paths[] = { (char *)path };
    const struct fb_change change = { paths, 1, *setting };
    return apply(state, &change, 1, err);
}

static void check_stored(const char *file, const char *path, const char *layout, unsigned rank,
                         const uint64_t *chunk, const char *filters)
{
    struct fb_storage storage;
    struct fb_reader *reader = open_file(file);
    struct fb_array *array = open_array(reader, path);
    assert_int_equal(fb_format_as_is.storage(array, &storage, NULL), 0);
    assert_string_equal(storage.layout, layout);
    assert_int_equal(storage.chunk_rank, rank);
    assert_memory_equal(storage.chunk, chunk, rank * sizeof *chunk);
    assert_string_equal(storage.filters, filters);
    fb_format_as_is.array_close(array);
    fb_format_as_is.close(reader);
}

/* --- what is done ----------------------------------------------------------------------------- */

static void test_stores_as_told(void **state)
{
    char *const packed[] = { "g/long", "g/short" }, *const plain[] = { "h/long one" },
                *const whole[] = { "/h/bytes" };
    const struct fb_change changes[] = { { packed, 2, gzip_rows },
                                         { plain, 1, plain_rows },
                                         { whole, 1, one_piece } };
    struct fb_error err = { 0 };
    if (apply(state, changes, 3, &err) != 0)
        fail_msg("%s", err.message);
    const char *out = in_folder(state, "b.h5");
    check_stored(out, "g/long", "chunked", 2, DIMS(50, 3), "shuffle+gzip(4)");
    check_stored(out, "g/short", "chunked", 2, DIMS(20, 3), "shuffle+gzip(4)");
    check_stored(out, "h/long one", "chunked", 2, DIMS(7, 6), "");
    check_stored(out, "h/bytes", "contiguous", 0, NULL, "");
    assert_int_equal(count_others(state), 1);
}

static void test_newest_version(void **state)
{
    struct fb_setting setting = gzip_rows;
    struct fb_error err = { 0 };
    char *data;
    size_t length;
    setting.latest = true;
    assert_int_equal(apply_one(state, "g/long", &setting, &err), 0);
    read_all(in_folder(state, "b.h5"), &data, &length);
    assert_true(data[8] >= 2); /* version of the superblock */
    free(data);
}

/* Thousands of paths, which no command line that is to be read would hold. */
static void test_many_arrays(void **state)
{
    enum { COUNT = 1500 };
    static char names[COUNT][48], *paths[COUNT];
    struct pattern_source *source = pattern_new();
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "group/%s%04d",
                 i % 100 ? "an_array_of_a_long_name_" : "with a blank ", i);
        paths[i] = names[i];
        add(source, names[i], "uint8", 8);
    }
    assert_int_equal(fb_catalog_finish(&source->catalog, NULL), 0);
    write_file(&fb_format_hdf5_contiguous, "", in_folder(state, "a.h5"), &source->base);
    fb_source_close(&source->base);
    const struct fb_change change = { paths, COUNT, plain_rows };
    struct fb_error err = { 0 };
    if (apply(state, &change, 1, &err) != 0)
        fail_msg("%s", err.message);
    check_stored(in_folder(state, "b.h5"), names[COUNT - 1], "chunked", 2, DIMS(7, 6), "");
    check_stored(in_folder(state, "b.h5"), names[0], "chunked", 2, DIMS(7, 6), "");
    assert_int_equal(count_others(state), 1);
}

/* h5repack knows an array by one of its names, and does nothing under another. */
static void test_several_names(void **state)
{
    struct fb_error err = { 0 };
    hid_t file = H5Fopen(in_folder(state, "a.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Lcreate_hard(file, "g/long", file, "g/Zlong", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_hard(file, "g/short", file, "g/short10", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_hard(file, "g/short", file, "g/short9", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Ldelete(file, "g/short", H5P_DEFAULT) >= 0);
    H5Fclose(file);
    if (apply_one(state, "g/short9", &plain_rows, &err) != 0)
        fail_msg("%s", err.message);
    check_stored(in_folder(state, "b.h5"), "g/short10", "chunked", 2, DIMS(7, 6), "");
}

static void test_not_a_number(void **state)
{
    const hsize_t dims[2] = { 40, 6 };
    double values[240];
    uint64_t bits = UINT64_C(0x7ff800000000beef);
    struct fb_error err = { 0 };
    for (int i = 0; i < 240; i++)
        memcpy(&values[i], &bits, sizeof bits);
    hid_t file = H5Fopen(in_folder(state, "a.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dims, NULL);
    hid_t data =
        H5Dcreate2(file, "nan", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(data), H5Sclose(space), H5Fclose(file);
    if (apply_one(state, "nan", &gzip_rows, &err) != 0)
        fail_msg("%s", err.message);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void check_refused(void **state, const char *path, const struct fb_setting *setting,
                          int code, const char *says)
{
    struct fb_error err = { 0 };
    int rc = apply_one(state, path, setting, &err);
    if (rc != code || !strstr(err.message, says))
        fail_msg("'%s' (%d) does not say '%s' (%d)", err.message, rc, says, code);
    assert_null(strchr(err.message, '\n'));
    assert_int_equal(count_others(state), 0);
}

static void test_wrong_words(void **state)
{
    struct fb_setting setting = gzip_rows;
    setting.rank = 3;
    check_refused(state, "g/long", &setting, FB_EUSAGE, "has 2 axes");
    setting = gzip_rows;
    snprintf(setting.filter, sizeof setting.filter, "gzop");
    check_refused(state, "g/long", &setting, FB_EUSAGE, "no filter 'gzop'");
    setting = gzip_rows;
    setting.chunk[1] = 0;
    check_refused(state, "g/long", &setting, FB_EUSAGE, "length 0 on axis 1");
    check_refused(state, "g/lung", &gzip_rows, FB_EUSAGE, "g/long");
    char *const paths[] = { "g/long", "/g/long" };
    const struct fb_change twice = { paths, 2, gzip_rows };
    struct fb_error err = { 0 };
    assert_int_equal(apply(state, &twice, 1, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, "twice"));
}

static void test_the_file_itself(void **state)
{
    static const char *const names[] = { "a.h5", "soft.h5", "hard.h5" };
    char file[256], out[256];
    char *const paths[] = { "g/long" };
    const struct fb_change change = { paths, 1, gzip_rows };
    struct fb_error err;
    snprintf(file, sizeof file, "%s", in_folder(state, "a.h5"));
    assert_int_equal(symlink(file, in_folder(state, "soft.h5")), 0);
    assert_int_equal(link(file, in_folder(state, "hard.h5")), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(out, sizeof out, "%s", in_folder(state, names[i]));
        assert_int_equal(fb_apply(file, out, &change, 1, &limits, &err), FB_EUSAGE);
        assert_non_null(strstr(err.message, "another name"));
    }
}

static void make_dataset(hid_t file, const char *path, hid_t type, hid_t creation,
                         const hsize_t *most)
{
    const hsize_t dims[2] = { 40, 6 };
    hid_t space = H5Screate_simple(2, dims, most);
    hid_t data = H5Dcreate2(file, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(data >= 0);
    H5Dclose(data);
    H5Sclose(space);
}

static void test_what_would_be_lost(void **state)
{
    hid_t file = H5Fopen(in_folder(state, "a.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate(H5S_SCALAR);
    hid_t record = H5Tcreate(H5T_COMPOUND, 8), nested = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(record, "r", 0, H5T_STD_REF_OBJ);
    H5Tinsert(nested, "n", 0, record);
    make_dataset(file, "records", record, H5P_DEFAULT, NULL);
    H5Pset_external(creation, "beside.bin", 0, 240);
    make_dataset(file, "outside", H5T_STD_U8LE, creation, NULL);
    H5Pset_layout(creation, H5D_VIRTUAL);
    H5Oset_comment_by_name(file, "g", "a comment", H5P_DEFAULT);
    hid_t type = H5Tcopy(H5T_NATIVE_INT);
    H5Tcommit2(file, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Aclose(H5Acreate2(type, "to", H5T_STD_REF_OBJ, space, H5P_DEFAULT, H5P_DEFAULT));
    H5Aclose(
        H5Acreate_by_name(file, "h", "deep", nested, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Aclose(
        H5Acreate_by_name(file, "h", "kept", record, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space), H5Pclose(creation), H5Tclose(type), H5Tclose(record), H5Tclose(nested);
    H5Fclose(file);
    static const char *const says[] = { "records (it has references inside its elements)",
                                        "outside (its data lies in an external file)",
                                        "g (it has a comment)", "type (its attribute to refers",
                                        "h (its attribute deep has references deep" };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        check_refused(state, "g/long", &gzip_rows, FB_EUNSUPPORTED, says[i]);
    struct fb_error err = { 0 };
    apply_one(state, "g/long", &gzip_rows, &err);
    assert_null(strstr(err.message, "kept has"));
}

static void test_virtual(void **state)
{
    const hsize_t dims[2] = { 40, 6 };
    hid_t file = H5Fopen(in_folder(state, "a.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dims, NULL);
    assert_true(H5Pset_virtual(creation, space, "x.h5", "x", space) >= 0);
    make_dataset(file, "virtual", H5T_STD_U8LE, creation, NULL);
    H5Pclose(creation), H5Sclose(space), H5Fclose(file);
    check_refused(state, "g/long", &gzip_rows, FB_EUNSUPPORTED,
                  "virtual (it is a virtual dataset)");
}

static void test_what_cannot_be_stored(void **state)
{
    const hsize_t most[2] = { H5S_UNLIMITED, 6 }, chunk[2] = { 10, 6 };
    hid_t file = H5Fopen(in_folder(state, "a.h5"), H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    make_dataset(file, "growing", H5T_STD_U8LE, creation, most);
    make_dataset(file, "a,b", H5T_STD_U8LE, creation, NULL);
    make_dataset(file, "a:b", H5T_STD_U8LE, creation, NULL);
    H5Pclose(creation), H5Fclose(file);
    check_refused(state, "growing", &one_piece, FB_EUNSUPPORTED, "can grow");
    check_refused(state, "a,b", &gzip_rows, FB_EUNSUPPORTED, "comma or a colon");
    check_refused(state, "a:b", &gzip_rows, FB_EUNSUPPORTED, "comma or a colon");
}

/* --- what goes wrong -------------------------------------------------------------------------- */

/* PATH has nothing but programs of the test, until its end. */
static void put_program(void **state, const char *name, const char *script)
{
    char path[300];
    mkdir(in_folder(state, "bin"), 0777);
    snprintf(path, sizeof path, "%s/%s", in_folder(state, "bin"), name);
    FILE *stream = fopen(path, "w");
    fprintf(stream, "#!/bin/sh\nPATH=/usr/bin:/bin\nfor out; do file=$last; last=$out; done\n%s\n",
            script);
    fclose(stream);
    chmod(path, 0777);
    setenv("PATH", in_folder(state, "bin"), 1);
}

static void check_with_program(void **state, const char *name, const char *script, int code,
                               const char *says)
{
    char *path = strdup(getenv("PATH"));
    put_program(state, name, script);
    check_refused(state, "g/long", &gzip_rows, code, says);
    setenv("PATH", path, 1);
    free(path);
}

static void test_programs_that_fail(void **state)
{
    static const char half[] = "head -c 1000 \"$file\" >\"$out\"";
    char script[200];
    check_with_program(state, "nothing", "", FB_EUNSUPPORTED, "hdf5-tools");
    snprintf(script, sizeof script, "%s; kill -9 $$", half);
    check_with_program(state, "h5repack", script, FB_EIO, "h5repack was killed by signal 9");
    snprintf(script, sizeof script, "%s; echo 'it has its reasons' >&2; exit 3", half);
    check_with_program(state, "h5repack", script, FB_EIO,
                       "h5repack exited with code 3: it has its reasons");
    check_with_program(state, "h5repack", "exec h5repack \"$@\"", FB_EUNSUPPORTED, "no h5diff");
    put_program(state, "h5diff", "exec h5diff \"$@\"");
    check_with_program(state, "h5repack", half, FB_EIO, "h5diff");
    check_with_program(
        state, "h5repack", "cp \"$file\" \"$out\"", FB_EUNSUPPORTED,
        "did not store array g/long as it was told to (it is chunked 20x6, gzip(1))");
}

/* h5diff ends with 0 where it cannot compare. */
static void test_differences_that_are_none_to_h5diff(void **state)
{
    hid_t file = H5Fcreate(in_folder(state, "bin.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    make_dataset(file, "x", H5T_STD_U8LE, H5P_DEFAULT, NULL);
    H5Fclose(file);
    rename(in_folder(state, "bin.h5"), "/tmp/fmtbench-test-other.h5");
    file = H5Fcreate(in_folder(state, "a.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    make_dataset(file, "x", H5T_IEEE_F32LE, H5P_DEFAULT, NULL);
    H5Fclose(file);
    put_program(state, "h5repack", "cp /tmp/fmtbench-test-other.h5 \"$out\"");
    put_program(state, "h5diff", "exec h5diff \"$@\"");
    check_refused(state, "x", &gzip_rows, FB_EFORMAT, "Not comparable");
    unlink("/tmp/fmtbench-test-other.h5");
}

static void test_full_disk(void **state)
{
    struct rlimit old, small;
    struct fb_error err;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 2000;
    void (*handlers[])(int) = { SIG_DFL, SIG_IGN };
    for (int i = 0; i < 2; i++) {
        signal(SIGXFSZ, handlers[i]);
        setrlimit(RLIMIT_FSIZE, &small);
        int rc = apply_one(state, "g/long", &gzip_rows, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        if (rc != FB_EIO || !strstr(err.message, "h5repack"))
            fail_msg("%d: %s", rc, err.message);
        assert_int_equal(count_others(state), 0);
    }
    signal(SIGXFSZ, SIG_DFL);
}

/* The signal comes while h5repack has written half of the file; what had the name keeps it. */
static void test_interrupted(void **state)
{
    char *data;
    size_t length;
    int status;
    FILE *stream = fopen(in_folder(state, "b.h5"), "w");
    fputs("of old", stream);
    fclose(stream);
    pid_t pid = fork();
    if (pid == 0) {
        struct fb_error err = { 0 };
        fb_interrupt_catch();
        put_program(state, "h5repack", "echo half >\"$out\"; kill -INT $PPID; sleep 100");
        _exit(apply_one(state, "g/long", &gzip_rows, &err) == FB_EINTERRUPTED ? 42 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_int_equal(count_others(state), 1);
    read_all(in_folder(state, "b.h5"), &data, &length);
    assert_string_equal(data, "of old");
    free(data);
}

/* --- text ------------------------------------------------------------------------------------- */

static void test_shell_words(void **state)
{
    static const char *const words[][2] = { { "a/b", "a/b" },       { "", "''" },
                                            { "a b", "'a b'" },     { "it's", "'it'\\''s'" },
                                            { "$x`\n", "'$x`\n'" }, { "~", "'~'" } };
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *text;
        size_t size;
        FILE *stream = open_memstream(&text, &size);
        fb_shell_word(stream, words[i][0]);
        fclose(stream);
        assert_string_equal(text, words[i][1]);
        free(text);
    }
}

#define APPLY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, empty_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        APPLY_TEST(test_stores_as_told),
        APPLY_TEST(test_newest_version),
        APPLY_TEST(test_many_arrays),
        APPLY_TEST(test_several_names),
        APPLY_TEST(test_not_a_number),
        APPLY_TEST(test_wrong_words),
        APPLY_TEST(test_the_file_itself),
        APPLY_TEST(test_what_would_be_lost),
        APPLY_TEST(test_virtual),
        APPLY_TEST(test_what_cannot_be_stored),
        APPLY_TEST(test_programs_that_fail),
        APPLY_TEST(test_differences_that_are_none_to_h5diff),
        APPLY_TEST(test_full_disk),
        APPLY_TEST(test_interrupted),
        cmocka_unit_test(test_shell_words),
    };
    setenv("USUAL_PATH", getenv("PATH"), 1);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
