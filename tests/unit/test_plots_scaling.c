/* The tables of how a rate grows: over worker processes, and over threads. */
#include "plots_stage.h"
#include "results/table.h"

/* A row of an epoch with so many workers. */
static struct fb_record *add_epoch(struct fb_records *run, const char *format, const char *handle,
                                   unsigned workers, uint64_t us, uint64_t half)
{
    struct fb_record *record = add(run, format, "", "epoch", "warm", handle, us, half, 9);
    snprintf(record->workload_options, sizeof record->workload_options,
             "array=*,batch=4,workers=%u,prefetch=2", workers);
    record->samples_per_s = 10e6 / (double)us;
    record->batch_p50_ns = 1500;
    record->batch_p99_ns = 2500000;
    record->wait_share = 0.755;
    record->peak_bytes = 42000000;
    return record;
}

static void test_epoch(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    struct fb_records run = { 0 };
    struct fb_pictures pictures;
    struct fb_error err;
    char *text;
    size_t length;
    add(&run, "raw", "", "full-load", "warm", "once", 5, 0, 9);
    add_epoch(&run, "raw", "once", 4, 4000, 1000);
    add_epoch(&run, "raw", "once", 0, 10000, 0);
    strcpy(add_epoch(&run, "null", "once", 0, 1, 0)->role, "reference");
    strcpy(add_epoch(&run, "raw", "once", 2, 5000, 0)->workload_options,
           "array=*,batch=5,workers=2");
    add_epoch(&run, "hdf5-chunked", "each", 4, 8000, 0);
    set_status(add_epoch(&run, "hdf5-chunked", "each", 0, 8000, 0), "failed", "x");
    strcpy(add_epoch(&run, "hdf5-chunked", "once", 0, 20000, 0)->cache, "cold");
    assert_int_equal(fb_tidy_write(&run, folder, &pictures, &err), 0);
    text = read_tidy(folder, "epoch-scaling.csv");
    assert_string_equal(text, "workers,samples_per_s,lower,upper,series,label\n"
                              "0,1000.000,,,0,raw once\n"
                              "4,2500.000,2000.000,3333.333,0,raw once\n"
                              "4,1250.000,,,1,hdf5-chunked each\n");
    free(text);
    free(pictures.items);
    FILE *stream = open_memstream(&text, &length);
    fb_table_print(stream, &run, false, 80);
    fclose(stream);
    assert_non_null(strstr(text, "  samples  check\n"));
    assert_non_null(strstr(text,
                           "   2500/s  verified\n    batch p50 1.50 us, p99 2.50 ms; waited 76 %"
                           " of the time; peak 42.0 MB\n"));
    assert_non_null(strstr(text, "   1000/s  verified\n"));
    assert_non_null(strstr(text, "samples: delivered in a second"));
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        assert_true(end - line <= 80);
    free(text);
    /* Of one number of workers nothing can be seen. */
    run.count = 2;
    assert_int_equal(fb_tidy_write(&run, folder, &pictures, &err), 0);
    assert_int_equal(pictures.count, 2);
    free(pictures.items);
    free(run.items);
}

/* Reads of one file: by as-is where threads is 0, else by hdf5-direct. */
static struct fb_record *add_threads(struct fb_records *run, const char *workload,
                                     const char *handle, unsigned threads, uint64_t us,
                                     uint64_t half)
{
    struct fb_record *record =
        add(run, threads ? "hdf5-direct" : "as-is", "", workload, "warm", handle, us, half, 9);
    if (threads)
        snprintf(record->options, sizeof record->options, "threads=%u", threads);
    return record;
}

#define HEADER "threads,times,lower,upper,series,label\n"

/* Writes the tables; checks that of threads (NULL: there is none) and its picture's title. */
static void check_threads(const char *folder, const struct fb_records *run, const char *table,
                          const char *title)
{
    struct fb_pictures pictures;
    struct fb_error err;
    assert_int_equal(fb_tidy_write(run, folder, &pictures, &err), 0);
    char *text = read_tidy(folder, "threads-scaling.csv");
    if (!table) {
        assert_null(text);
        for (size_t i = 0; i < pictures.count; i++)
            assert_string_not_equal(pictures.items[i].name, "threads-scaling");
    } else {
        const struct fb_picture *last = &pictures.items[pictures.count - 1];
        assert_string_equal(text, table);
        assert_string_equal(last->name, "threads-scaling");
        assert_string_equal(last->script, "scaling.gp");
        assert_string_equal(last->title, title);
        assert_string_equal(last->subtitle, "synth:samples=24,seed=1, 25.0 MB of arrays; medians, "
                                            "too few blocks for an interval");
    }
    free(text);
    free(pictures.items);
}

static void test_threads(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    struct fb_records run = { 0 };
    /* References that are none: another format's file, null, cold, not verified, another handle. */
    add(&run, "raw", "", "full-load", "warm", "once", 1000, 0, 25);
    strcpy(add(&run, "null", "", "full-load", "warm", "once", 1, 0, 9)->role, "reference");
    strcpy(add_threads(&run, "full-load", "once", 0, 10, 0)->cache, "cold");
    strcpy(add_threads(&run, "full-load", "once", 0, 20, 0)->verification, "not verified");
    add_threads(&run, "full-load", "keep", 0, 30, 0);
    add_threads(&run, "full-load", "once", 0, 8000, 0);
    add_threads(&run, "full-load", "once", 0, 40, 0);
    /* Points that are none. */
    strcpy(add_threads(&run, "full-load", "once", 4, 10, 0)->cache, "cold");
    strcpy(add_threads(&run, "full-load", "once", 4, 10, 0)->clock, "process");
    set_status(add_threads(&run, "full-load", "once", 4, 10, 0), "failed", "x");
    strcpy(add_threads(&run, "full-load", "once", 4, 10, 0)->dataset, "another");
    strcpy(add_threads(&run, "full-load", "once", 16, 10, 0)->options, "threads=0");
    add_threads(&run, "full-load", "keep", 4, 10, 0);
    /* By rising number, not as text. */
    add_threads(&run, "full-load", "once", 16, 1000, 0);
    add_threads(&run, "full-load", "once", 2, 4000, 1000);
    add_threads(&run, "full-load", "once", 1, 10000, 0);
    check_threads(folder, &run,
                  HEADER "1,0.800000,,,0,full-load once\n"
                         "2,2.000000,1.600000,2.666667,0,full-load once\n"
                         "16,8.000000,,,0,full-load once\n",
                  "Times as fast as as-is, over threads of hdf5-direct (warm)");
    free(run.items);
}

static void test_threads_of_several(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    struct fb_records run = { 0 };
    static const char *const options[] = { "array=*/a,n=10", "array=*/a,n=100" };
    for (unsigned i = 0; i < 4; i++) {
        strcpy(add_threads(&run, "slicing", "each", i % 2 ? 2 : 1, 6000 / (1 + i), 0)
                   ->workload_options,
               options[i / 2]);
    }
    add_threads(&run, "scan", "once", 1, 3000, 0);
    add_threads(&run, "scan", "once", 2, 1500, 0);
    check_threads(folder, &run,
                  HEADER "1,1.000000,,,0,slicing n=10 each\n2,2.000000,,,0,slicing n=10 each\n"
                         "1,1.000000,,,1,slicing n=100 each\n2,1.333333,,,1,slicing n=100 each\n"
                         "1,1.000000,,,2,scan once\n2,2.000000,,,2,scan once\n",
                  "Times as fast as with 1 thread, over threads of hdf5-direct (warm)");
    /* One reference for some of them, and a reader that differs in more than threads. */
    add_threads(&run, "scan", "once", 0, 6000, 0);
    strcpy(run.items[4].options, "threads=1,queue=8");
    strcpy(run.items[5].options, "threads=2,queue=8");
    check_threads(folder, &run,
                  HEADER "1,1.000000,,,0,slicing n=10 hdf5-direct each (1x: 1 thread)\n"
                         "2,2.000000,,,0,slicing n=10 hdf5-direct each (1x: 1 thread)\n"
                         "1,1.000000,,,1,slicing n=100 hdf5-direct each (1x: 1 thread)\n"
                         "2,1.333333,,,1,slicing n=100 hdf5-direct each (1x: 1 thread)\n"
                         "1,2.000000,,,2,scan hdf5-direct queue=8 once (1x: as-is)\n"
                         "2,4.000000,,,2,scan hdf5-direct queue=8 once (1x: as-is)\n",
                  "Times as fast as each line's reference, over threads (warm)");
    free(run.items);
}

static void test_no_threads(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    struct fb_records run = { 0 };
    add_threads(&run, "scan", "once", 0, 3000, 0);
    add_threads(&run, "scan", "once", 2, 3000, 0);
    add_threads(&run, "scan", "keep", 4, 1500, 0);
    add_threads(&run, "slicing", "once", 4, 1500, 0);
    check_threads(folder, &run, NULL, NULL);
    free(run.items);
}

/* Both tables, by the script that they share. */
static void test_drawings(void **state)
{
    const char *folder = ((struct scratch *)*state)->folder;
    char path[PATH_MAX], scripts[PATH_MAX], *said = NULL;
    size_t size = 0;
    struct fb_records run = { 0 };
    struct fb_error err = { 0 };
    add_epoch(&run, "raw", "once", 0, 10000, 0);
    add_epoch(&run, "raw", "once", 4, 4000, 1000);
    add_threads(&run, "scan", "once", 0, 6000, 0);
    add_threads(&run, "scan", "once", 1, 5000, 0);
    add_threads(&run, "scan", "once", 8, 1000, 100);
    snprintf(path, sizeof path, "%s/results.csv", folder);
    assert_int_equal(fb_records_write(&run, path, &err), 0);
    assert_non_null(realpath("plots", scripts));
    FILE *say = open_memstream(&said, &size);
    if (fb_plots_make_with(scripts, folder, say, &err))
        fail_msg("%s", err.message);
    fclose(say);
    char *svg = read_tidy(folder, "plots/threads-scaling.svg");
    assert_non_null(strstr(svg, "times as fast (log scale)"));
    assert_non_null(strstr(svg, "scan once"));
    free(svg);
    svg = read_tidy(folder, "plots/epoch-scaling.svg");
    assert_non_null(strstr(svg, "samples per second (log scale)"));
    assert_non_null(strstr(svg, "raw once"));
    free(svg);
    free(said);
    free(run.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_epoch, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_threads, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_threads_of_several, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_no_threads, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(test_drawings, make_scratch, remove_scratch),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
