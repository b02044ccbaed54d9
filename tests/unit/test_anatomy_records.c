/* Records of anatomies: CSV there and back, the table, the tidy table and the picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/output.h"
#include "plots/plot.h"
#include "results/anatomy.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fb_anatomy_record example(void)
{
    struct fb_anatomy_record record;
    fb_anatomy_record_init(&record);
    strcpy(record.run_id, "r");
    strcpy(record.cell_id, "c0");
    strcpy(record.dataset, "/d's \"q\" `touch y` & <b>.h5");
    strcpy(record.format, "hdf5-chunked");
    strcpy(record.options, "level=4,chunk=h5py");
    strcpy(record.workload, "slicing");
    strcpy(record.workload_options, "array=*/face,window=100");
    strcpy(record.cache, "warm");
    strcpy(record.handle, "once");
    strcpy(record.chunk, "357x17x1");
    strcpy(record.layout, "chunked");
    strcpy(record.filters, "gzip(4)");
    record.total_ns = 10000000;
    record.open_ns = 500000;
    record.lookup_ns = 500000;
    record.metadata_io_ns = 0;
    record.raw_io_ns = 1000000;
    record.inflate_ns = 6000000;
    record.unshuffle_ns = 0;
    record.library_ns = 1500000;
    record.unexplained_ns = 500000;
    record.requests = 10;
    record.asked_bytes = 544000;
    record.metadata_reads = 12;
    record.metadata_bytes = 9000;
    record.raw_reads = 80;
    record.raw_bytes = 1000000;
    record.chunks_touched = 90;
    record.chunks_inflated = 80;
    record.chunks_again = 7;
    record.chunk_cache_hits = 10;
    record.inflated_bytes = 1942080;
    record.deflated_bytes = 1000000;
    record.inflate_amplification = 3.57;
    record.stored_bytes = 900000;
    record.chunk_cache_bytes = 1048576;
    return record;
}

static struct fb_anatomies examples(void)
{
    struct fb_anatomies all = { 0 };
    struct fb_anatomy_record record = example();
    assert_int_equal(fb_anatomies_add(&all, &record, NULL), 0);
    record.total_ns = 20000000;
    record.inflate_ns = FB_NA; /* filters that cannot be seen apart */
    record.library_ns = 17500000;
    record.chunks_inflated = record.chunk_cache_hits = FB_NA;
    record.inflate_amplification = NAN;
    strcpy(record.handle, "each");
    assert_int_equal(fb_anatomies_add(&all, &record, NULL), 0);
    return all;
}

static int make_scratch(void **state)
{
    char *folder = strdup("/tmp/fmtbench-test-XXXXXX");
    *state = folder;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_scratch(void **state)
{
    static const char *const names[] = {
        "anatomy.csv", "plots/anatomy.csv", "plots/anatomy.svg", "plots/anatomy.png", "plots", ""
    };
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
        remove(path);
    }
    free(*state);
    return 0;
}

static void test_round_trip(void **state)
{
    char path[PATH_MAX];
    struct fb_error err = { 0 };
    struct fb_anatomies all = examples(), back;
    snprintf(path, sizeof path, "%s/anatomy.csv", (char *)*state);
    assert_int_equal(fb_anatomies_write(&all, path, &err), 0);
    assert_int_equal(fb_anatomies_read(path, &back, &err), 0);
    assert_int_equal(back.count, 2);
    assert_memory_equal(&back.items[0], &all.items[0], sizeof back.items[0]);
    assert_int_equal(back.items[1].inflate_ns, FB_NA);
    assert_true(isnan(back.items[1].inflate_amplification));
    free(back.items);
    free(all.items);
}

static void test_largest(void **state)
{
    (void)state;
    struct fb_anatomy_record record = example();
    uint64_t sum = 0;
    assert_string_equal(fb_anatomy_parts[fb_anatomy_largest(&record)].key, "inflate");
    for (size_t i = 0; i < FB_ANATOMY_PARTS; i++)
        sum += fb_anatomy_part_ns(&record, i);
    assert_int_equal(sum, record.total_ns);
    record.inflate_ns = FB_NA;
    assert_string_equal(fb_anatomy_parts[fb_anatomy_largest(&record)].key, "library");
}

static char *print(const struct fb_anatomies *all, bool one, bool colour, unsigned width)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (one)
        fb_anatomy_print(stream, &all->items[0], colour, width);
    else
        fb_anatomies_print(stream, all, colour, width);
    fclose(stream);
    return text;
}

static size_t widest(const char *text)
{
    size_t most = 0;
    while (*text) {
        size_t length = strcspn(text, "\n");
        most = length > most ? length : most;
        text += length + (text[length] == '\n');
    }
    return most;
}

static void test_table(void **state)
{
    (void)state;
    struct fb_anatomies all = examples();
    memset(all.items[0].workload_options, 'x', 900);
    char *text = print(&all, true, false, 0);
    assert_non_null(strstr(text, "\n> inflate         6.00 ms   60 %  ################## "));
    assert_non_null(strstr(text, "\n  open             500 us    5 %  ## "));
    assert_non_null(strstr(text, "90 touched, 80 inflated, 7 of them again; 10 cache hits\n"));
    assert_non_null(strstr(text, "1.94 MB out of 1.00 MB: 3.6 times the bytes asked for\n"));
    assert_true(widest(text) <= 100);
    assert_null(strchr(text, '\033'));
    free(text);
    text = print(&all, true, true, 70);
    assert_non_null(strstr(text, "\033[33m> inflate"));
    free(text);
    text = print(&all, false, false, 0);
    assert_non_null(strstr(text, " 60<"));
    assert_true(widest(text) <= 100);
    free(text);
    free(all.items);
}

static char *read_text(const char *folder, const char *name)
{
    char path[PATH_MAX], *text = NULL;
    size_t length;
    struct fb_error err;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fb_read_file(path, 1 << 20, &text, &length, &err) ? NULL : text;
}

static void test_picture(void **state)
{
    char path[PATH_MAX], scripts[PATH_MAX], *said;
    size_t size;
    struct fb_error err = { 0 };
    struct fb_anatomies all = examples();
    snprintf(path, sizeof path, "%s/anatomy.csv", (char *)*state);
    assert_int_equal(fb_anatomies_write(&all, path, &err), 0);
    assert_non_null(realpath("plots", scripts));
    FILE *say = open_memstream(&said, &size);
    if (fb_plots_make_with(scripts, *state, say, &err))
        fail_msg("%s", err.message);
    fclose(say);
    char *text = read_text(*state, "plots/anatomy.csv");
    assert_string_equal(
        text, "label,total_text,total_ms,open_ms,lookup_ms,metadata_io_ms,raw_io_ms,inflate_ms,"
              "unshuffle_ms,library_ms,unexplained_ms,place\n"
              "hdf5-chunked level=4 357x17x1 once,10.0 ms,10.000000,0.500000,0.500000,0.000000,"
              "1.000000,6.000000,0.000000,1.500000,0.500000,0\n"
              "hdf5-chunked level=4 357x17x1 each,20.0 ms,20.000000,0.500000,0.500000,0.000000,"
              "1.000000,0.000000,0.000000,17.500000,0.500000,1\n");
    free(text);
    text = read_text(*state, "plots/anatomy.svg");
    assert_non_null(strstr(text, "/d's \"q\" `touch y` &amp; &lt;b"));
    assert_non_null(strstr(text, "metadata I/O"));
    free(text);
    assert_non_null(strstr(said, "plots/anatomy.png\n"));
    free(said);
    free(all.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, make_scratch, remove_scratch),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_table),
        cmocka_unit_test_setup_teardown(test_picture, make_scratch, remove_scratch),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
