/* Files that others made: every type, link and layout that HDF5 has is delivered or skipped with
 * the true reason. */
#include "hdf5_tests.h"

#include <hdf5.h>

#define MISSING_FILTER 300 /* of the range for testing */

static hid_t scalar(void)
{
    return H5Screate(H5S_SCALAR);
}

static void make(hid_t file, const char *path, hid_t type, hid_t space, hid_t creation,
                 hid_t memory, const void *data)
{
    hid_t parents = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(parents, 1);
    hid_t dataset = H5Dcreate2(file, path, type, space, parents, creation, H5P_DEFAULT);
    assert_true(dataset >= 0);
    if (data)
        assert_true(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset);
    H5Pclose(parents);
}

static void make_simple(hid_t file, const char *path)
{
    const int value = 7;
    hid_t space = scalar();
    make(file, path, H5T_STD_I32LE, space, H5P_DEFAULT, H5T_NATIVE_INT, &value);
    H5Sclose(space);
}

static hid_t new_file(const char *path)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static void set_text(hid_t file, const char *path, const char *name, size_t size, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = scalar();
    H5Tset_size(type, size);
    if (size != H5T_VARIABLE)
        H5Tset_strpad(type, H5T_STR_NULLPAD);
    hid_t attribute =
        H5Acreate_by_name(file, path, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, size == H5T_VARIABLE ? (const void *)&text : text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

/* The reason why `path` is skipped, or NULL. */
static const char *skipped(const struct fb_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->skipped_count; i++)
        if (strcmp(catalog->skipped[i].path, path) == 0)
            return catalog->skipped[i].reason;
    return NULL;
}

static void check_skipped(struct fb_reader *reader, const struct fb_catalog *catalog,
                          const char *path, const char *says)
{
    const char *reason = skipped(catalog, path);
    struct fb_array *array;
    struct fb_error err = { 0 };
    if (!reason || !strstr(reason, says))
        fail_msg("%s is skipped for '%s', not for '%s'", path, reason ? reason : "nothing", says);
    assert_true(fb_format_as_is.array_open(reader, path, &array, &err) < 0);
    assert_non_null(strstr(err.message, path));
    assert_null(strchr(err.message, '\n'));
}

static void check_bytes(struct fb_reader *reader, const struct fb_catalog *catalog,
                        const char *path, const char *dtype, const void *want, size_t bytes)
{
    char name[FB_DTYPE_NAME_MAX];
    unsigned char got[64];
    uint64_t start[1] = { 0 }, count[1];
    size_t delivered;
    struct fb_error err = { 0 };
    const struct fb_array_info *info = fb_catalog_find(catalog, path);
    assert_non_null(info);
    assert_string_equal(fb_dtype_name(info->dtype, name, sizeof name), dtype);
    count[0] = info->dims[0];
    struct fb_array *array = open_array(reader, path);
    assert_int_equal(
        fb_format_as_is.array_read(array, start, count, got, sizeof got, &delivered, &err), 0);
    assert_int_equal(delivered, bytes);
    assert_memory_equal(got, want, bytes);
    fb_format_as_is.array_close(array);
}

static hid_t enumeration(hid_t base, const char *zero, const char *one)
{
    hid_t type = H5Tenum_create(base);
    int value = 0;
    H5Tconvert(H5T_NATIVE_INT, base, 1, &value, NULL, H5P_DEFAULT);
    assert_true(H5Tenum_insert(type, zero, &value) >= 0);
    value = 1;
    H5Tconvert(H5T_NATIVE_INT, base, 1, &value, NULL, H5P_DEFAULT);
    assert_true(H5Tenum_insert(type, one, &value) >= 0);
    return type;
}

static hid_t half(hid_t from)
{
    hid_t type = H5Tcopy(from);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

/* One element of each type, of the bytes given, and what must be delivered. */
static void test_types(void **state)
{
    hid_t three = H5Tcopy(H5T_STD_I32LE), text = H5Tcopy(H5T_C_S1);
    hid_t pair = H5Tcreate(H5T_COMPOUND, 8), half_be = half(H5T_IEEE_F32BE);
    H5Tset_size(three, 3);
    H5Tset_size(text, 5);
    H5Tinsert(pair, "a", 0, H5T_STD_I16BE);
    H5Tinsert(pair, "b", 4, H5T_IEEE_F32BE);
    const hsize_t two = 2;
    const struct {
        const char *path;
        hid_t type;
        const char *stored, *dtype, *want;
        size_t bytes;
    } rows[] = {
        { "i16be", H5T_STD_I16BE, "\x01\x02", "int16", "\x02\x01", 2 },
        { "u64be", H5T_STD_U64BE, "\1\2\3\4\5\6\7\x08", "uint64", "\x08\7\6\5\4\3\2\1", 8 },
        { "i8", H5T_STD_I8BE, "\xfe", "int8", "\xfe", 1 },
        { "sample_names", H5T_STD_U8LE, "\xfe", "uint8", "\xfe", 1 }, /* no NoXiRe file */
        { "f32be", H5T_IEEE_F32BE, "\x40\x49\x0f\xdb", "float32", "\xdb\x0f\x49\x40", 4 },
        { "f16be", half_be, "\x3c\x01", "float16", "\x01\x3c", 2 },
        { "i24", three, "\1\2\3", "V3", "\1\2\3", 3 },
        { "bits", H5T_STD_B16BE, "\1\2", "V2", "\1\2", 2 },
        { "text", text, "ab\0cd", "V5", "ab\0cd", 5 },
        { "pair", pair, "\1\2\0\0\3\4\5\6", "V8", "\1\2\0\0\3\4\5\6", 8 },
        { "array", H5Tarray_create2(H5T_STD_I16BE, 1, &two), "\1\2\3\4", "V4", "\1\2\3\4", 4 },
        { "bool", enumeration(H5T_STD_I8LE, "FALSE", "TRUE"), "\1", "bool", "\1", 1 },
        { "swapped", enumeration(H5T_STD_I8LE, "TRUE", "FALSE"), "\1", "int8", "\1", 1 },
        { "enum", enumeration(H5T_STD_U8LE, "RED", "BLUE"), "\1", "uint8", "\1", 1 },
        { "enum16be", enumeration(H5T_STD_I16BE, "A", "B"), "\x00\x01", "int16", "\x01\x00", 2 },
    };
    const char *path = in_folder(state, "a.h5");
    hid_t file = new_file(path);
    const hsize_t one = 1;
    hid_t space = H5Screate_simple(1, &one, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        make(file, rows[i].path, rows[i].type, space, H5P_DEFAULT, rows[i].type, rows[i].stored);
    make(file, "long double", H5T_NATIVE_LDOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, NULL);
    H5Sclose(space);
    H5Fclose(file);
    struct fb_catalog catalog;
    struct fb_reader *reader = open_file(path);
    read_catalog(reader, &catalog);
    assert_int_equal(catalog.skipped_count, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_bytes(reader, &catalog, rows[i].path, rows[i].dtype, rows[i].want, rows[i].bytes);
    assert_int_equal(fb_catalog_find(&catalog, "long double")->dtype.size, sizeof(long double));
    fb_catalog_free(&catalog);
    fb_format_as_is.close(reader);
}

static size_t pass_through(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                           size_t *size, void **data)
{
    (void)flags, (void)count, (void)values, (void)size, (void)data;
    return bytes;
}

static hid_t chunked(const hsize_t *chunk, H5Z_filter_t filter)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, chunk);
    if (filter)
        assert_true(H5Pset_filter(creation, filter, H5Z_FLAG_MANDATORY, 0, NULL) >= 0);
    return creation;
}

static void make_undeliverable(hid_t file)
{
    const H5Z_class2_t filter = { H5Z_CLASS_T_VERS, MISSING_FILTER, 1,    1,
                                  "gone",           NULL,           NULL, pass_through };
    const hsize_t small = 4, large = (hsize_t)3 << 28, vast = (hsize_t)1 << 60;
    const hsize_t half_filled = (hsize_t)1 << 38;
    hid_t space = H5Screate_simple(1, &small, NULL), text = H5Tcopy(H5T_C_S1);
    hid_t pair = H5Tcreate(H5T_COMPOUND, 64), external = H5Pcreate(H5P_DATASET_CREATE);
    hid_t virtual = H5Pcreate(H5P_DATASET_CREATE);
    H5Tset_size(text, H5T_VARIABLE);
    H5Tinsert(pair, "a", 0, H5T_STD_I32LE);
    H5Tinsert(pair, "b", 8, H5Tarray_create2(text, 1, &small));
    H5Pset_external(external, "elsewhere.bin", 0, 1000);
    H5Pset_virtual(virtual, space, "elsewhere.h5", "x", space);
    H5Zregister(&filter);
    make(file, "vlen", H5Tvlen_create(H5T_STD_I32LE), space, H5P_DEFAULT, -1, NULL);
    make(file, "text", text, space, H5P_DEFAULT, -1, NULL);
    make(file, "deep", pair, space, H5P_DEFAULT, -1, NULL);
    make(file, "object", H5T_STD_REF_OBJ, space, H5P_DEFAULT, -1, NULL);
    make(file, "null", H5T_STD_I32LE, H5Screate(H5S_NULL), H5P_DEFAULT, -1, NULL);
    make(file, "external", H5T_STD_I32LE, space, external, -1, NULL);
    make(file, "virtual", H5T_STD_I32LE, space, virtual, -1, NULL);
    make(file, "filtered", H5T_STD_I32LE, space, chunked(&small, MISSING_FILTER), -1, NULL);
    make(file, "chunk", H5T_STD_I32LE, H5Screate_simple(1, &large, NULL), chunked(&large, 0), -1,
         NULL);
    make(file, "vast", H5T_STD_I32LE, H5Screate_simple(1, &vast, NULL), chunked(&small, 0), -1,
         NULL);
    make(file, "fine/terabyte", H5T_STD_I32LE, H5Screate_simple(1, &half_filled, NULL),
         chunked(&small, 0), -1, NULL);
    H5Zunregister(MISSING_FILTER);
}

static void test_what_cannot_be_delivered(void **state)
{
    static const char *const rows[][2] = {
        { "vlen", "variable-length data" },
        { "text", "variable-length strings" },
        { "deep", "variable-length strings" },
        { "object", "references" },
        { "null", "null dataspace" },
        { "external", "external file" },
        { "virtual", "virtual" },
        { "filtered", "filter(300)" },
        { "chunk", "1 GiB" },
        { "vast", "more bytes" },
    };
    const char *path = in_folder(state, "a.h5");
    hid_t file = new_file(path);
    make_undeliverable(file);
    H5Fclose(file);
    struct fb_catalog catalog;
    struct fb_reader *reader = open_file(path);
    read_catalog(reader, &catalog);
    check_find(reader, &catalog);
    assert_int_equal(catalog.array_count, 1);
    assert_int_equal(catalog.arrays[0].bytes, (uint64_t)1 << 40);
    assert_int_equal(catalog.skipped_count, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_skipped(reader, &catalog, rows[i][0], rows[i][1]);
    fb_catalog_free(&catalog);
    fb_format_as_is.close(reader);
}

/* Groups in a circle, aliases in every way, and links to nothing. */
static void test_links(void **state)
{
    const char *path = in_folder(state, "a.h5");
    hid_t file = new_file(path);
    make_simple(file, "b10/x");
    make_simple(file, "b9/y");
    H5Lcreate_hard(file, "b10", file, "b9/up", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "/", file, "b9/root", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "b9/y", file, "c", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/b9/y", file, "a_soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/b9", file, "a_group", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("nowhere", file, "b10/broken", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("loop", file, "loop", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("b.h5", "y", file, "out", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("out", file, "soft_out", H5P_DEFAULT, H5P_DEFAULT);
    hid_t committed = H5Tcopy(H5T_STD_I32LE);
    H5Tcommit2(file, "type", committed, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Tclose(committed);
    H5Fclose(file);
    file = new_file(in_folder(state, "b.h5"));
    make_simple(file, "y");
    H5Fclose(file);
    struct fb_catalog catalog;
    struct fb_reader *reader = open_file(in_folder(state, "a.h5"));
    read_catalog(reader, &catalog);
    check_find(reader, &catalog);
    assert_int_equal(catalog.array_count, 2);
    assert_string_equal(catalog.arrays[0].path, "b9/y");
    assert_string_equal(catalog.arrays[1].path, "b9/up/x");
    assert_int_equal(catalog.skipped_count, 4);
    check_skipped(reader, &catalog, "b9/up/broken", "soft link to nothing");
    check_skipped(reader, &catalog, "loop", "soft link to nothing");
    check_skipped(reader, &catalog, "out", "external link");
    check_skipped(reader, &catalog, "soft_out", "soft link to nothing in this file");
    /* Other ways to an array are not listed, but open. */
    fb_format_as_is.array_close(open_array(reader, "/a_soft"));
    fb_format_as_is.array_close(open_array(reader, "b9/root/c"));
    fb_catalog_free(&catalog);
    fb_format_as_is.close(reader);
}

static void test_sample_names(void **state)
{
    static const char *const want[][3] = {
        { "", "", "loose" },           { "a", "variable", "a/b/c/x" }, { "a", "variable", "a/x" },
        { "a/d", "fixed", "a/d/e/x" }, { "g", "g", "g/sample_names" }, { "g/h", "g/h", "g/h/x" },
        { "i", "", "i/j/x" },
    };
    const char *path = in_folder(state, "a.h5");
    const hsize_t one = 1;
    hid_t file = new_file(path), text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        make_simple(file, want[i][2]);
    make(file, "sample_names", text, H5Screate_simple(1, &one, NULL), H5P_DEFAULT, -1, NULL);
    set_text(file, "/", "num_samples", 2, "3");
    set_text(file, "/", "sample_name", 8, "not this");
    set_text(file, "a", "sample_name", H5T_VARIABLE, "variable");
    set_text(file, "a/d", "sample_name", 5, "fixed");
    set_text(file, "i", "sample_name", H5T_VARIABLE, "");
    hid_t number = H5Acreate_by_name(file, "g/h", "sample_name", H5T_STD_I32LE, scalar(),
                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Aclose(number);
    H5Fclose(file);
    struct fb_catalog catalog;
    struct fb_reader *reader = open_file(path);
    read_catalog(reader, &catalog);
    check_find(reader, &catalog);
    assert_int_equal(catalog.skipped_count, 0);
    assert_int_equal(catalog.array_count, sizeof want / sizeof *want);
    for (size_t i = 0; i < catalog.array_count; i++) {
        const struct fb_sample_info *sample = &catalog.samples[catalog.arrays[i].sample];
        assert_string_equal(catalog.arrays[i].path, want[i][2]);
        assert_string_equal(sample->path, want[i][0]);
        assert_string_equal(sample->name, want[i][1]);
    }
    fb_catalog_free(&catalog);
    fb_format_as_is.close(reader);
}

/* Names that are no text, and groups that nest far deeper than a path may be long. */
static void test_odd_names(void **state)
{
    static const char *const names[] = { "\xff\xfe", "new\nline\t", " ", "..", "a\\b", "%s%n" };
    const char *path = in_folder(state, "a.h5");
    hid_t file = new_file(path), group = H5Gopen2(file, "/", H5P_DEFAULT);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        make_simple(file, names[i]);
    for (int i = 0; i < 3000; i++) {
        hid_t next = H5Gcreate2(group, "d", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        make_simple(next, "x");
        H5Gclose(group);
        group = next;
    }
    H5Gclose(group);
    H5Fclose(file);
    struct fb_catalog catalog;
    struct fb_reader *reader = open_file(path);
    read_catalog(reader, &catalog);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_non_null(fb_catalog_find(&catalog, names[i]));
        fb_format_as_is.array_close(open_array(reader, names[i]));
    }
    assert_int_equal(catalog.array_count, 6 + 2047);
    assert_int_equal(catalog.skipped_count, 2);
    assert_non_null(strstr(catalog.skipped[0].reason, "too long"));
    fb_catalog_free(&catalog);
    fb_format_as_is.close(reader);
}

/* Two readers of one file, one of which is closed; and nothing of HDF5 is left open behind both. */
static void test_readers_are_independent(void **state)
{
    const char *path = in_folder(state, "a.h5");
    hid_t file = new_file(path);
    make_simple(file, "x");
    H5Fclose(file);
    struct fb_reader *first = open_file(path), *second = open_file(path);
    struct fb_array *one = open_array(first, "x"), *two = open_array(second, "x");
    size_t delivered;
    int value = 0;
    fb_format_as_is.array_close(one);
    fb_format_as_is.close(first);
    assert_int_equal(
        fb_format_as_is.array_read(two, NULL, NULL, &value, sizeof value, &delivered, NULL), 0);
    assert_int_equal(value, 7);
    fb_format_as_is.array_close(two);
    fb_format_as_is.close(second);
    fb_format_as_is.close(NULL);
    fb_format_as_is.array_close(NULL);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_readers_are_independent),
        TEST(test_types),
        TEST(test_what_cannot_be_delivered),
        TEST(test_links),
        TEST(test_sample_names),
        TEST(test_odd_names),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
