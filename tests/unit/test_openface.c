/* The importer of OpenFace files: what it refuses and how it says so, warnings, slabs. The values
 * themselves are checked against numpy in tests/interop/openface_numpy.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/output.h"
#include "datasets/features.h"
#include "datasets/importers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS 4

/* Replaces one field of the file (row 0 is the header); text NULL: the row ends before it. */
struct edit {
    unsigned row, column;
    const char *text;
};

static void field_text(unsigned row, unsigned column, char *buf, size_t size)
{
    static const unsigned aus[] = { 1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45 };
    if (row > 0)
        snprintf(buf, size, "%u.%u", (row * 37 + column * 11) % 400, row % 10);
    else if (column < FB_COLUMN_AU)
        snprintf(buf, size, "%c_%u", column < FB_COLUMN_Y ? 'x' : 'y', column % FB_POINTS);
    else if (column < FB_COLUMN_T)
        snprintf(buf, size, "AU%02u_r", aus[column - FB_COLUMN_AU]);
    else
        snprintf(buf, size, "pose_%c%c", column < FB_COLUMN_R ? 'T' : 'R',
                 'x' + (column - FB_COLUMN_T) % 3);
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    return stream;
}

static void write_table(const char *folder, const char *name, unsigned rows, const char *end,
                        const struct edit *edit)
{
    FILE *stream = open_in(folder, name);
    for (unsigned row = 0; row <= rows; row++) {
        for (unsigned column = 0; column < FB_COLUMNS; column++) {
            char text[32];
            bool edited = edit && edit->row == row && edit->column == column;
            if (edited && !edit->text)
                break;
            field_text(row, column, text, sizeof text);
            fprintf(stream, "%s%s", column ? ", " : "", edited ? edit->text : text);
        }
        fputs(end, stream);
    }
    assert_int_equal(fclose(stream), 0);
}

static void write_bytes(const char *folder, const char *name, const char *bytes, size_t length)
{
    FILE *stream = open_in(folder, name);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

static int folder_new(void **state)
{
    char template[] = "/tmp/fmtbench-openface-XXXXXX";
    *state = mkdtemp(template) ? strdup(template) : NULL;
    return *state ? 0 : -1;
}

static int folder_remove(void **state)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    int rc = system(command);
    free(*state);
    return rc;
}

struct warnings {
    unsigned count;
    char last[1024];
};

static void on_warning(void *context, const char *message)
{
    struct warnings *warnings = context;
    warnings->count++;
    snprintf(warnings->last, sizeof warnings->last, "%s", message);
}

static int open_folder(const char *folder, const char *options, struct warnings *warnings,
                       struct fb_source **out, struct fb_error *err)
{
    struct fb_options parsed;
    assert_int_equal(
        fb_options_parse(fb_importer_openface.options, "openface", options, &parsed, err), 0);
    return fb_importer_openface.open(folder, &parsed, on_warning, warnings, out, err);
}

/* Opening must fail, and the message hold each of the texts. */
static void refuse(const char *folder, int code, const char *text, const char *more)
{
    struct warnings warnings = { 0 };
    struct fb_error err = { 0 };
    struct fb_source *source = NULL;
    assert_int_equal(open_folder(folder, NULL, &warnings, &source, &err), code);
    if (!strstr(err.message, text) || !strstr(err.message, more))
        fail_msg("'%s' lacks '%s' or '%s'", err.message, text, more);
}

/* --- damaged tables --------------------------------------------------------------------------- */

static void test_damaged_rows(void **state)
{
    static const struct {
        struct edit edit;
        const char *text;
    } cases[] = {
        { { 2, 5, "nan" }, ":3: column x_5: 'nan' is no finite number" },
        { { 2, 5, "-inf" }, ":3: column x_5: '-inf'" },
        { { 4, 70, "1e999" }, ":5: column y_2: '1e999'" },
        { { 1, 136, "1e31" }, ":2: column AU01_r: '1e31'" },
        { { 1, 158, "" }, ":2: column pose_Rz: ''" },
        { { 1, 153, "0x10" }, ":2: column pose_Tx: '0x10'" },
        { { 1, 153, "12;5" }, ":2: column pose_Tx: '12;5'" },
        { { 1, 0, "\x1b[31m" }, ":2: column x_0: '?[31m'" },
        { { 3, 9, "1, 2" }, ":4: has 160 fields, but the header has 159" },
        { { 4, 140, NULL }, ":5: has 140 fields, but the header has 159" },
    };
    const char *folder = *state;
    write_table(folder, "a_expert.csv", ROWS, "\n", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_table(folder, "a_novice.csv", ROWS, i % 2 ? "\n" : "\r\n", &cases[i].edit);
        refuse(folder, FB_EFORMAT, "a_novice.csv:", cases[i].text);
        refuse(folder, FB_EFORMAT, "bad-rows=skip", "--skip-bad-rows");
    }
}

static void test_damaged_headers(void **state)
{
    static const struct {
        struct edit edit;
        const char *text;
    } cases[] = {
        { { 0, 5, "x5" }, "lacks 1 of the 159 columns needed: x_5; run" },
        { { 0, 137, "x_0" }, "two columns are called x_0" },
        { { 0, 100, NULL }, "lacks 59 of the 159 columns needed: y_32, y_33" },
    };
    const char *folder = *state;
    write_table(folder, "a_expert.csv", ROWS, "\n", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_table(folder, "a_novice.csv", ROWS, "\n", &cases[i].edit);
        refuse(folder, FB_EFORMAT, "a_novice.csv: ", cases[i].text);
    }
}

static void test_lines_are_counted(void **state)
{
    static const struct edit two_lines = { 0, FB_COLUMNS - 1, "pose_Rz, \"a\nb\"" };
    static const struct edit bad = { 3, 3, "x" };
    const char *folder = *state;
    write_table(folder, "a_novice.csv", ROWS, "\n", NULL);
    write_table(folder, "a_expert.csv", ROWS, "\n\n", &bad);
    refuse(folder, FB_EFORMAT, "a_expert.csv:7: ", "'x'");
    write_table(folder, "a_expert.csv", ROWS, "\r\n\r\n", &bad);
    refuse(folder, FB_EFORMAT, "a_expert.csv:7: ", "'x'");
    write_table(folder, "a_expert.csv", ROWS, "\r", &bad);
    refuse(folder, FB_EFORMAT, "a_expert.csv:4: ", "'x'");
    /* Rows keep their lines behind a field that spans two. */
    write_table(folder, "a_expert.csv", ROWS, "\n", &two_lines);
    refuse(folder, FB_EFORMAT, "a_expert.csv:3: ", "has 159 fields, but the header has 160");
}

static void test_no_csv(void **state)
{
    const char *folder = *state;
    char big[200000];
    write_table(folder, "a_expert.csv", ROWS, "\n", NULL);
    write_bytes(folder, "a_novice.csv", "", 0);
    refuse(folder, FB_EFORMAT, "a_novice.csv: ", "is empty");
    write_bytes(folder, "a_novice.csv", "\n\n  \n", 5);
    refuse(folder, FB_EFORMAT, "a_novice.csv: ", "is empty");
    write_bytes(folder, "a_novice.csv", "\x89HDF\r\n\x1a\n\0\0\0\0", 12);
    refuse(folder, FB_EFORMAT, "a_novice.csv: ", "lacks 159 of");
    write_bytes(folder, "a_novice.csv", "\0\0\1\2\3\n", 6);
    refuse(folder, FB_EFORMAT, "a_novice.csv: ", "NUL bytes");
    memset(big, 'x', sizeof big);
    write_bytes(folder, "a_novice.csv", big, sizeof big);
    refuse(folder, FB_EFORMAT, "a_novice.csv:1: ", "more than 65536 bytes");
    memset(big, ',', sizeof big);
    write_bytes(folder, "a_novice.csv", big, sizeof big);
    refuse(folder, FB_EFORMAT, "a_novice.csv: ", "more than 100000 columns");
}

/* As spreadsheets put it before UTF-8: here x_0 is the first column's name. */
static void test_byte_order_mark(void **state)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *folder = *state;
    char path[512], *text, *marked;
    size_t length;
    struct warnings warnings = { 0 };
    struct fb_error err = { 0 };
    struct fb_source *source = NULL;
    write_table(folder, "a_expert.csv", ROWS, "\n", NULL);
    write_table(folder, "a_novice.csv", ROWS, "\n", NULL);
    snprintf(path, sizeof path, "%s/a_novice.csv", folder);
    assert_int_equal(fb_read_file(path, 1 << 20, &text, &length, &err), 0);
    assert_true(asprintf(&marked, "%s%s", mark, text) > 0);
    write_bytes(folder, "a_novice.csv", marked, length + 3);
    assert_int_equal(open_folder(folder, NULL, &warnings, &source, &err), 0);
    fb_source_close(source);
    free(text);
    free(marked);
}

/* --- the folder ------------------------------------------------------------------------------- */

static void test_folders(void **state)
{
    const char *folder = *state;
    char path[512];
    assert_false(fb_importer_openface.recognises(folder));
    refuse(folder, FB_EFORMAT, folder, "holds no OpenFace files");
    write_table(folder, "s1_novice.csv", ROWS, "\n", NULL);
    assert_true(fb_importer_openface.recognises(folder));
    refuse(folder, FB_EFORMAT, "/s1_expert.csv: is missing", "s1_novice.csv is there");
    snprintf(path, sizeof path, "%s/s1_expert.csv", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse(folder, FB_EIO, "s1_expert.csv", "is no regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    refuse(folder, FB_EIO, "s1_expert.csv", "No such file");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
    refuse(folder, FB_EIO, "s1_expert.csv", "is no regular file");
    assert_int_equal(unlink(path), 0);
    write_table(folder, "s1_expert.csv", ROWS, "\n", NULL);
    write_bytes(folder, "._s1_expert.csv", "resource fork", 13);
    write_bytes(folder, "notes.csv", "not ours", 8);
    struct warnings warnings = { 0 };
    struct fb_source *source;
    assert_int_equal(open_folder(folder, NULL, &warnings, &source, NULL), 0);
    assert_int_equal(fb_source_catalog(source)->sample_count, 1);
    assert_string_equal(fb_source_catalog(source)->samples[0].name, "s1");
    assert_string_equal(source->name, folder);
    fb_source_close(source);
    write_bytes(folder, "s\t2_expert.csv", "", 0);
    refuse(folder, FB_EFORMAT, folder, "control character");
    assert_false(fb_importer_openface.recognises(path)); /* a file, not a folder */
    refuse("/nonexistent/folder", FB_EIO, "/nonexistent/folder", "No such file");
}

static void test_skipping(void **state)
{
    static const struct edit bad = { 2, 5, "nan" };
    const char *folder = *state;
    struct warnings warnings = { 0 };
    struct fb_source *source;
    char text[600];
    write_table(folder, "a_expert.csv", ROWS, "\n", &bad);
    write_table(folder, "a_novice.csv", ROWS, "\n", NULL);
    assert_int_equal(open_folder(folder, "dtype=f64,bad-rows=skip", &warnings, &source, NULL), 0);
    assert_int_equal(warnings.count, 1);
    snprintf(text, sizeof text,
             "%s/a_expert.csv: skipped 1 bad row (first at line 3: column x_5: "
             "'nan' is no finite number within +-1e30)",
             folder);
    assert_string_equal(warnings.last, text);
    snprintf(text, sizeof text, "openface:%s,dtype=f64,bad-rows=skip", folder);
    assert_string_equal(source->name, text);
    const struct fb_catalog *catalog = fb_source_catalog(source);
    assert_int_equal(fb_catalog_find(catalog, "sample_000/expert/face")->dims[0], ROWS - 1);
    assert_int_equal(fb_catalog_find(catalog, "sample_000/novice/head")->dims[0], ROWS);
    /* The row behind the skipped one follows the row before it. */
    double row[FB_AUS];
    uint64_t start[2] = { 1, 0 }, count[2] = { 1, FB_AUS };
    size_t aus = (size_t)(fb_catalog_find(catalog, "sample_000/expert/aus") - catalog->arrays);
    assert_int_equal(fb_source_read(source, aus, start, count, row, sizeof row, NULL), 0);
    field_text(3, FB_COLUMN_AU, text, sizeof text);
    assert_true(row[0] == strtod(text, NULL) / 5);
    fb_source_close(source);
    assert_int_equal(warnings.count, 1); /* reading again warns no more */
}

/* --- slabs ------------------------------------------------------------------------------------ */

static void test_slabs(void **state)
{
    const char *folder = *state;
    struct warnings warnings = { 0 };
    struct fb_source *source;
    static float whole[6][ROWS * 2 * FB_POINTS], part[ROWS * 2 * FB_POINTS];
    write_table(folder, "a_expert.csv", ROWS, "\n", NULL);
    write_table(folder, "a_novice.csv", ROWS - 1, "\n", NULL);
    assert_int_equal(open_folder(folder, NULL, &warnings, &source, NULL), 0);
    const struct fb_catalog *catalog = fb_source_catalog(source);
    assert_int_equal(catalog->array_count, 6);
    uint64_t zero[3] = { 0 };
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(fb_source_read(source, i, zero, catalog->arrays[i].dims, whole[i],
                                        sizeof whole[i], NULL),
                         0);
    /* Alternating persons, single columns, single coordinates. */
    for (size_t k = 0; k < 12; k++) {
        size_t i = k * 5 % 6;
        const struct fb_array_info *array = &catalog->arrays[i];
        uint64_t start[3] = { 1, 3, 1 }, count[3] = { 2, 2, 1 };
        size_t last = array->rank == 3 ? 2 : 1, at = 0;
        assert_int_equal(fb_source_read(source, i, start, count, part, sizeof part, NULL), 0);
        for (uint64_t row = 1; row < 3; row++)
            for (uint64_t column = 3; column < 5; column++) {
                uint64_t from = (row * array->dims[1] + column) * last + (last == 2);
                assert_true(part[at++] == whole[i][from]);
            }
    }
    fb_source_close(source);
}

static void test_changed_file(void **state)
{
    const char *folder = *state;
    struct warnings warnings = { 0 };
    struct fb_source *source;
    struct fb_error err;
    static float values[ROWS * 2 * FB_POINTS];
    uint64_t zero[3] = { 0 };
    for (unsigned rows = ROWS - 1; rows <= ROWS + 1; rows += 2) {
        write_table(folder, "a_expert.csv", ROWS, "\n", NULL);
        write_table(folder, "a_novice.csv", ROWS, "\n", NULL);
        assert_int_equal(open_folder(folder, NULL, &warnings, &source, NULL), 0);
        write_table(folder, "a_expert.csv", rows, "\n", NULL);
        const struct fb_array_info *array = &fb_source_catalog(source)->arrays[0];
        assert_int_equal(fb_source_read(source, 0, zero, array->dims, values, sizeof values, &err),
                         FB_EFORMAT);
        assert_non_null(
            strstr(err.message, rows < ROWS ? "a_expert.csv: shrank" : "a_expert.csv: grew"));
        fb_source_close(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_damaged_rows, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_damaged_headers, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_lines_are_counted, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_no_csv, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_byte_order_mark, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_folders, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_skipping, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_slabs, folder_new, folder_remove),
        cmocka_unit_test_setup_teardown(test_changed_file, folder_new, folder_remove),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
