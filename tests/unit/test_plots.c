/* Records for people: labels, the table, the sentences, the tidy tables and the pictures. */
#include "plots_stage.h"
#include "results/label.h"
#include "results/statistics.h"
#include "results/table.h"

#include <sys/stat.h>

/* A run with everything in it that a table or a picture has to bear. */
static struct fb_records example_run(void)
{
    struct fb_records run = { 0 };
    static const char *const workloads[] = { "full-load", "slicing" };
    for (size_t w = 0; w < 2; w++) {
        const char *name = workloads[w];
        for (size_t c = 0; c < 2; c++) {
            const char *cache = c ? "cold" : "warm";
            add(&run, "raw", "dtype=source", name, cache, "once", 20000, 500, 25000);
            add(&run, "hdf5-contiguous", "dtype=source", name, cache, "once", 1000, 50, 25200)
                ->times_floor = 2.5;
            add(&run, "hdf5-chunked", "level=1,chunk=h5py", name, cache, "once", 4000, 50, 9000);
            add(&run, "hdf5-chunked", "level=9,chunk=h5py", name, cache, "once", 5000, 0, 8000);
            strcpy(add(&run, "null", "", name, cache, "once", 1, 0, 0)->role, "reference");
        }
    }
    set_status(add(&run, "msgpack", "", "slicing", "warm", "once", 1, 0, 25000), "wrong-data",
               "request 3 (sample_001/expert/face) differs from its source\033[31m; the file is "
               "damaged somewhere, write it again and look at the disk that it is on");
    set_status(add(&run, "raw", "", "slicing", "warm", "keep", 1, 0, 25000), "not-applicable",
               "loads the whole file");
    set_status(add(&run, "raw", "", "slicing", "warm", "each", 1, 0, 25000), "not-applicable",
               "loads the whole file");
    set_status(add(&run, "raw", "", "search", "warm", "once", 1, 0, 25000), "not-applicable",
               "the dataset has no array that matches */expert/face");
    add(&run, "hdf5-contiguous", "dtype=source", "slicing", "warm", "keep", 100, 5, 25200);
    strcpy(add(&run, "as-is", "", "slicing", "cold", "keep", 2000, 5, 25200)->cache_state,
           "cold-unproven");
    fb_rank(&run);
    return run;
}

static char *print_table(const struct fb_records *run, bool colour, unsigned width)
{
    static const size_t room = 65536;
    char *text = calloc(1, room);
    FILE *stream = fmemopen(text, room, "w");
    fb_table_print(stream, run, colour, width);
    fclose(stream);
    return text;
}

static void test_labels(void **state)
{
    (void)state;
    char label[FB_LABEL_SIZE], text[16];
    struct fb_records run = example_run();
    assert_string_equal(fb_label(&run, &run.items[1], label, sizeof label), "hdf5-contiguous");
    assert_string_equal(fb_label(&run, &run.items[2], label, sizeof label), "hdf5-chunked level=1");
    strcpy(run.items[2].options, "level=1,chunk=\"a\nb\"");
    assert_string_equal(fb_label(&run, &run.items[2], label, sizeof label),
                        "hdf5-chunked level=1 chunk=_a?b_");
    assert_string_equal(fb_label(&run, &run.items[2], label, 20), "hdf5-chunked lev...");
    assert_string_equal(fb_plain_text("aaaaaaaaaa\xc3\xa9\xc3\xa9\xc3\xa9", text, 15),
                        "aaaaaaaaaa...");
    assert_string_equal(fb_option_value("xlevel=3,level=7", "level", text, sizeof text), "7");
    assert_null(fb_option_value("xlevel=3,level", "level", text, sizeof text));
    free(run.items);
}

static void check_widths(const char *text, size_t width)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (n > width)
            fail_msg("%zu columns: %.*s", n, (int)n, text);
        text += n + 1;
    }
}

static void test_table(void **state)
{
    (void)state;
    struct fb_records run = example_run();
    char *text = print_table(&run, false, 0);
    check_widths(text, 100);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "slicing: 10 requests, 544 kB  (n=10,seed=1)\n"));
    /* The reference is the quickest, and is not called the fastest. */
    const char *slicing = strstr(text, "slicing:");
    const char *reference = strstr(slicing, "null (reference)");
    const char *fastest = strstr(slicing, "fastest    2.50x  25.2 MB  verified\n");
    assert_true(reference && fastest && reference < fastest);
    assert_memory_equal(strchr(reference, '\n') + 1, "hdf5-contiguous ", 16);
    assert_non_null(strstr(slicing, "    < 0.01x        -        -  verified\n"));
    assert_non_null(strstr(slicing, "19.5-20.5 ms      20.0x        -  25.0 MB  verified\n"));
    /* No time for wrong data, its reason in full, over several lines. */
    const char *wrong = strstr(slicing, "wrong-data: request 3");
    assert_non_null(wrong);
    assert_non_null(strstr(wrong, "source?[31m;"));
    assert_non_null(strstr(wrong, "that it is on\n"));
    static const char *const words[] = { "differs", "damaged", "somewhere,", "again",
                                         "write",   "look",    "disk",       "file" };
    for (size_t i = 0; i < 8; i++)
        assert_non_null(strstr(wrong, words[i]));
    assert_non_null(strstr(text, "not applicable: raw (warm; handle keep, each): loads the whole "
                                 "file\n"));
    assert_non_null(strstr(text, "\nnot applicable: the dataset has no array that matches "
                                 "*/expert/face\n"));
    assert_non_null(strstr(text, "cold? keep"));
    assert_non_null(strstr(text, "\n?: the cache state"));
    assert_non_null(strstr(text, "\n-: fewer than 6 blocks"));
    assert_non_null(strstr(text, "\nx floor: "));
    free(text);
    text = print_table(&run, true, 0);
    assert_non_null(strchr(text, '\033'));
    free(text);
    text = print_table(&run, false, 80);
    check_widths(text, 80);
    assert_null(strstr(text, "x floor"));
    free(text);
    free(run.items);
}

static void test_long_label_is_not_cut(void **state)
{
    (void)state;
    struct fb_records run = { 0 };
    add(&run, "hdf5-chunked", "level=1,shuffle=1,chunk=1000x68x2", "scan", "warm", "once", 5, 0, 9);
    add(&run, "hdf5-chunked", "level=2,shuffle=0,chunk=1000x68x1", "scan", "warm", "once", 6, 0, 9);
    char *text = print_table(&run, false, 100);
    check_widths(text, 100);
    assert_non_null(strstr(text, "\nhdf5-chunked level=2 shuffle=0 chunk=1000x68x1\n      "));
    free(text);
    free(run.items);
}

static void check_sentence(struct fb_records *run, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fb_sentences_print(stream, run);
    fclose(stream);
    assert_string_equal(text, expected);
    free(text);
}

static void test_sentences(void **state)
{
    (void)state;
    struct fb_records run = { 0 };
    check_sentence(&run, "");
    add(&run, "hdf5-chunked", "level=1", "slicing", "cold", "once", 1, 0, 10);
    check_sentence(&run, "slicing: nothing to compare, no checked warm `once` time\n");
    add(&run, "raw", "", "slicing", "warm", "once", 12000, 100, 25000);
    check_sentence(&run, "slicing: raw takes 12.0 ms; nothing to compare it with\n");
    add(&run, "hdf5-chunked", "level=9", "slicing", "warm", "once", 5000, 100, 10000);
    check_sentence(&run, "slicing: hdf5-chunked level=9 is 2.4x as fast as raw; its file is 0.40x "
                         "as large\n");
    /* Faster ones that do not count: a reference, wrong data, unverified data. */
    strcpy(add(&run, "null", "", "slicing", "warm", "once", 1, 0, 0)->role, "reference");
    set_status(add(&run, "msgpack", "", "slicing", "warm", "once", 1, 0, 9), "wrong-data", "x");
    strcpy(add(&run, "msgpack", "", "slicing", "warm", "once", 1, 0, 9)->verification,
           "not verified");
    add(&run, "hdf5-contiguous", "", "slicing", "warm", "once", 1000, 50, 25000);
    check_sentence(&run, "slicing: hdf5-contiguous is 12x as fast as raw; its file is 1.0x as "
                         "large\n");
    strcpy(add(&run, "as-is", "", "slicing", "warm", "once", 1010, 50, 25000)->verification,
           "repeatable");
    check_sentence(&run, "slicing: hdf5-contiguous is 12x as fast as raw, not told apart from "
                         "as-is; its file is 1.0x as large\n");
    strcpy(add(&run, "raw-fast", "", "slicing", "warm", "once", 2, 0, 9)->cache_state,
           "warm-unproven");
    check_sentence(&run, "slicing: hdf5-contiguous is 12x as fast as raw, not told apart from "
                         "as-is; its file is 1.0x as large\n");
    free(run.items);
}

static void test_sentences_around_raw(void **state)
{
    (void)state;
    struct fb_records run = { 0 };
    add(&run, "raw", "", "full-load", "warm", "once", 1000, 100, 25000);
    add(&run, "hdf5-chunked", "", "full-load", "warm", "once", 30000, 100, 10000);
    add(&run, "hdf5-contiguous", "", "full-load", "warm", "once", 1400, 100, 25000);
    check_sentence(&run, "full-load: raw is 1.4x as fast as hdf5-contiguous, the next; its file "
                         "is 1.0x as large\n");
    run.items[2].median_ns = 1050000;
    run.items[2].lower_ns = 950000;
    check_sentence(&run, "full-load: raw is the fastest, not told apart from hdf5-contiguous; its "
                         "file is 1.0x as large\n");
    run.items[2].lower_ns = run.items[2].upper_ns = FB_NA;
    run.items[2].dataset_bytes = 12500000;
    check_sentence(&run, "full-load: raw is about 1.05x as fast as hdf5-contiguous, the next; its "
                         "file is 1.0x as large (2x of that by its element type)\n");
    strcpy(run.items[0].format, "msgpack");
    check_sentence(&run, "full-load: msgpack is 30x as fast as hdf5-chunked, the slowest; its file "
                         "is 2.5x as large\n");
    strcpy(add(&run, "msgpack", "", "full-load", "warm", "once", 5, 0, 1)->workload_options, "n=3");
    check_sentence(&run, "full-load (n=10,seed=1): msgpack is 30x as fast as hdf5-chunked, the "
                         "slowest; its file is 2.5x as large\n"
                         "full-load (n=3): msgpack takes 5.00 us; nothing to compare it with\n");
    free(run.items);
}

static void test_tidy(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    struct fb_records run = example_run();
    struct fb_pictures pictures;
    struct fb_error err;
    /* A name that must not lead out of the folder, and a workload with a second set of options. */
    add(&run, "raw", "", "../../x", "warm", "once", 5, 0, 1);
    strcpy(add(&run, "raw", "", "slicing", "warm", "once", 5, 0, 1)->workload_options, "n=3");
    assert_int_equal(fb_tidy_write(&run, folder, &pictures, &err), 0);
    static const char *const names[] = { "workload-full-load", "workload-slicing",
                                         "workload-______x",   "workload-slicing-2",
                                         "size-time",          "gzip" };
    assert_int_equal(pictures.count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(pictures.items[i].name, names[i]);
    assert_string_equal(pictures.items[1].title, "slicing: 10 requests, 544 kB");
    char *text = read_tidy(folder, "gzip.csv");
    assert_string_equal(text, "size_MB,ratio,full_load_median_ms,full_load_lower_ms,"
                              "full_load_upper_ms,slicing_median_ms,slicing_lower_ms,"
                              "slicing_upper_ms,level\n"
                              "9,2.77778,4,3.95,4.05,4,3.95,4.05,1\n"
                              "8,3.125,5,,,5,,,9\n");
    free(text);
    text = read_tidy(folder, "size-time.csv");
    assert_string_equal(text, "file_MB,median_ms,lower_ms,upper_ms,role,label\n"
                              "25.2,1,0.95,1.05,contender,hdf5-contiguous\n"
                              "9,4,3.95,4.05,contender,hdf5-chunked level=1\n"
                              "8,5,,,contender,hdf5-chunked level=9\n"
                              "25,20,19.5,20.5,contender,raw dtype=source\n");
    free(text);
    text = read_tidy(folder, "workload-slicing.csv");
    assert_non_null(strstr(text, "\nnull,reference,warm,once,0,0,0.001,,,1.00 us\n"));
    assert_non_null(strstr(text, "\nmsgpack,contender,warm,once,0,5,,,,wrong data\n"));
    assert_non_null(
        strstr(text, "\nhdf5-contiguous,contender,cold,once,0,1,1,0.95,1.05,1.00 ms\n"));
    assert_non_null(strstr(text, "\nhdf5-contiguous,contender,warm,keep,1,0,0.1,"));
    free(text);
    assert_null(read_tidy(folder, "workload-search.csv"));
    free(pictures.items);
    free(run.items);
}

/* Bytes that would break an SVG: no UTF-8, and what XML forbids in text. */
static void test_tidy_is_plain(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    struct fb_records run = example_run();
    struct fb_pictures pictures;
    struct fb_error err;
    add(&run, "a\xff]]>\xc3\xa9", "", "full-load", "warm", "once", 5, 0, 1);
    assert_int_equal(fb_tidy_write(&run, folder, &pictures, &err), 0);
    char *text = read_tidy(folder, "workload-full-load.csv");
    assert_non_null(strstr(text, "\na??]>??,contender,"));
    free(text);
    text = read_tidy(folder, "size-time.csv");
    assert_non_null(strstr(text, ",contender,a??]>??\n"));
    free(text);
    free(pictures.items);
    free(run.items);
}

static void test_no_gzip_of_one_level(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    struct fb_records run = { 0 };
    struct fb_pictures pictures;
    struct fb_error err;
    add(&run, "hdf5-chunked", "level=1,shuffle=0", "full-load", "warm", "once", 5, 0, 9);
    add(&run, "hdf5-chunked", "level=9,shuffle=1", "full-load", "warm", "once", 6, 0, 9);
    add(&run, "hdf5-chunked", "level=9,shuffle=0,rows=5", "full-load", "warm", "once", 6, 0, 9);
    strcpy(add(&run, "hdf5-chunked", "level=2,shuffle=0", "full-load", "warm", "once", 7, 0, 9)
               ->verification,
           "not verified");
    assert_int_equal(fb_tidy_write(&run, folder, &pictures, &err), 0);
    assert_int_equal(pictures.count, 2);
    assert_null(read_tidy(folder, "gzip.csv"));
    char *text = read_tidy(folder, "workload-full-load.csv");
    assert_non_null(strstr(text, ",7.00 us (unverified)\n"));
    free(text);
    free(pictures.items);
    free(run.items);
}

/* In a folder of the nastiest name: gnuplot gets no part of it to interpret. */
static void test_pictures(void **state)
{
    char folder[PATH_MAX], path[PATH_MAX + 32], scripts[PATH_MAX], *said = NULL;
    size_t size = 0;
    struct fb_records run = example_run();
    struct fb_error err = { 0 };
    snprintf(folder, sizeof folder, "%s/it's \"a\" `touch x` $(y); %%s\n|z",
             ((struct scratch *)*state)->folder);
    snprintf(path, sizeof path, "%s/results.csv", folder);
    for (size_t i = 0; i < run.count; i++)
        strcpy(run.items[i].dataset, "/d's \"q\" `touch y` & <b> \\n @x.h5");
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(fb_records_write(&run, path, &err), 0);
    assert_non_null(realpath("plots", scripts));
    FILE *say = open_memstream(&said, &size);
    if (fb_plots_make_with(scripts, folder, say, &err))
        fail_msg("%s", err.message);
    fclose(say);
    static const char *const names[] = { "workload-full-load", "workload-slicing", "size-time",
                                         "gzip" };
    for (size_t i = 0; i < 8; i++) {
        struct stat st;
        snprintf(path, sizeof path, "%s/plots/%s.%s", folder, names[i / 2], i % 2 ? "png" : "svg");
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size > 1000);
        assert_non_null(strstr(said, path));
    }
    char *svg = read_tidy(folder, "plots/gzip.svg");
    assert_non_null(strstr(svg, "/d's \"q\" `touch y` &amp; &lt;b"));
    assert_null(read_tidy(folder, "plots/y"));
    free(svg);
    free(said);
    free(run.items);
}

static void test_pictures_fail(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    char path[PATH_MAX], scripts[PATH_MAX];
    struct fb_records run = { 0 };
    struct fb_error err = { 0 };
    FILE *say = tmpfile();
    assert_non_null(realpath("plots", scripts));
    assert_int_equal(fb_plots_make_with(scripts, folder, say, &err), FB_EIO);
    assert_non_null(strstr(err.message, "results.csv"));
    snprintf(path, sizeof path, "%s/results.csv", folder);
    set_status(add(&run, "raw", "", "scan", "warm", "once", 5, 0, 1), "failed", "x");
    assert_int_equal(fb_records_write(&run, path, &err), 0);
    assert_int_equal(fb_plots_make_with(scripts, folder, say, &err), FB_ENOTHING);
    add(&run, "raw", "", "scan", "warm", "once", 5, 0, 1);
    assert_int_equal(fb_records_write(&run, path, &err), 0);
    assert_int_equal(fb_plots_make_with("/nowhere", folder, say, &err), FB_EIO);
    assert_non_null(strstr(err.message, "gnuplot failed: "));
    assert_non_null(strstr(err.message, "/nowhere/common.gp"));
    assert_null(read_tidy(folder, "plots/workload-scan.svg"));
    char *search = strdup(getenv("PATH"));
    setenv("PATH", folder, 1);
    assert_int_equal(fb_plots_make_with(scripts, folder, say, &err), FB_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "gnuplot is not installed"));
    setenv("PATH", search, 1);
    free(search);
    assert_int_equal(ftell(say), 0);
    fclose(say);
    free(run.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_long_label_is_not_cut),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_sentences_around_raw),
        cmocka_unit_test_setup_teardown(test_tidy, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_tidy_is_plain, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_no_gzip_of_one_level, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_pictures, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_pictures_fail, make_scratch, remove_scratch),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
