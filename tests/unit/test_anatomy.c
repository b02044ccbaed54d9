/* The anatomy pass, with this program as its worker: a real one, or one that lies. */
#include "base/interrupt.h"
#include "bench/anatomy/collect.h"
#include "bench/worker.h"
#include "hdf5_tests.h"

#include <signal.h>
#include <stdlib.h>

/* 30 rows in chunks of 10: a window of 10 rows from 5 touches two. */
#define ROWS 30
#define REQUESTS 3

struct setting {
    struct fb_worker worker;
    struct fb_plan plan;
    struct fb_hash expected[REQUESTS];
    struct fb_block_job job;
    char file[256], plan_file[256];
};

static void add_request(struct setting *setting, const struct fb_array_info *info, enum fb_op op)
{
    size_t i = setting->plan.count;
    const uint64_t start[] = { op == FB_OP_LOAD ? 0 : 5 * i, 0 };
    const uint64_t count[] = { op == FB_OP_LOAD ? ROWS : 10, 4 };
    unsigned char *bytes = pattern_bytes(info), slab[ROWS * 16];
    fb_slab_copy(info, start, count, bytes, slab);
    fb_hash_bytes(slab, (size_t)count[0] * 16, &setting->expected[i]);
    assert_int_equal(fb_plan_add_slab(&setting->plan, op, info, start, count, NULL), 0);
    free(bytes);
}

/* A file, a plan of reads or of one load, and what it must deliver. */
static void prepare(void **state, struct setting *setting, enum fb_op op, enum fb_handle handle)
{
    struct pattern_source *source = pattern_new();
    struct fb_error err = { 0 };
    *setting = (struct setting){ .worker = { .own = true } };
    snprintf(setting->file, sizeof setting->file, "%s", in_folder(state, "a.h5"));
    snprintf(setting->plan_file, sizeof setting->plan_file, "%s", in_folder(state, "b.h5"));
    ssize_t n =
        readlink("/proc/self/exe", setting->worker.command, sizeof setting->worker.command - 1);
    assert_true(n > 0);
    pattern_add(source, "sample_000", "one", "sample_000/a", "float32", 2, DIMS(ROWS, 4));
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    write_file(&fb_format_hdf5_chunked, "rows=10,shuffle=1", setting->file, &source->base);
    for (size_t i = 0; i < (op == FB_OP_LOAD ? 1 : REQUESTS); i++)
        add_request(setting, &source->catalog.arrays[0], op);
    assert_int_equal(fb_plan_write(&setting->plan, setting->plan_file, &err), 0);
    fb_source_close(&source->base);
    setting->job = (struct fb_block_job){
        .worker = &setting->worker,
        .limits = { UINT64_C(60000000000), (uint64_t)4 << 30 },
        .job = { .format = "as-is",
                 .options = "",
                 .file = setting->file,
                 .plan = setting->plan_file,
                 .handle = handle,
                 .buffer = fb_block_buffer(&setting->plan) },
        .plan = &setting->plan,
        .expected = setting->expected,
    };
}

static void check_sum(const struct fb_anatomy *anatomy)
{
    uint64_t sum = anatomy->unexplained_ns;
    for (int i = 0; i < FB_PART_COUNT; i++)
        sum += anatomy->ns[i];
    assert_int_equal(sum, anatomy->total_ns);
    assert_true(anatomy->total_ns > 0);
    assert_false(anatomy->filters_hidden);
}

/* Rows 0-9, 5-14 and 10-19: chunks 0; 0 and 1; 1. Opened once, they are inflated once each. */
static void test_handles(void **state)
{
    static const struct {
        enum fb_handle handle;
        enum fb_op op;
        uint64_t opens, lookups, touched, inflated, again;
    } cases[] = {
        { FB_HANDLE_ONCE, FB_OP_READ, 2, 2, 4, 2, 0 },
        { FB_HANDLE_KEEP, FB_OP_READ, 0, 2, 4, 2, 0 }, /* opened and closed off the clock */
        { FB_HANDLE_EACH, FB_OP_READ, 6, 6, 4, 4, 2 },
        { FB_HANDLE_ONCE, FB_OP_LOAD, 1, 2, 3, 3, 0 }, /* done when all is resident */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting setting;
        struct fb_anatomy anatomy;
        struct fb_error err = { 0 };
        prepare(state, &setting, cases[i].op, cases[i].handle);
        if (fb_anatomy_run(&setting.job, 4, &anatomy, &err) != 0)
            fail_msg("%s", err.message);
        check_sum(&anatomy);
        assert_int_equal(anatomy.calls[FB_PART_OPEN], cases[i].opens);
        assert_int_equal(anatomy.calls[FB_PART_LOOKUP], cases[i].lookups);
        assert_int_equal(anatomy.calls[FB_PART_LIBRARY], setting.plan.count);
        assert_int_equal(anatomy.counts.asked_bytes, 480);
        assert_int_equal(anatomy.counts.chunks_touched, cases[i].touched);
        assert_int_equal(anatomy.counts.chunks_inflated, cases[i].inflated);
        assert_int_equal(anatomy.counts.chunks_again, cases[i].again);
        assert_int_equal(anatomy.counts.inflated_bytes, 160 * cases[i].inflated);
        assert_int_equal(anatomy.calls[FB_PART_UNSHUFFLE], cases[i].inflated);
        fb_plan_free(&setting.plan);
    }
}

static void test_cold(void **state)
{
    struct setting setting;
    struct fb_anatomy anatomy;
    struct fb_error err = { 0 };
    prepare(state, &setting, FB_OP_READ, FB_HANDLE_ONCE);
    setting.job.cache = FB_CACHE_COLD;
    int rc = fb_anatomy_run(&setting.job, 1, &anatomy, &err);
    /* The folder may lie in memory. */
    if (rc && !strstr(err.message, "no cold pass"))
        fail_msg("%s", err.message);
    if (rc == 0) {
        check_sum(&anatomy);
        assert_int_equal(anatomy.counts.chunks_inflated, 2);
    }
    assert_int_equal(fb_anatomy_run(&setting.job, 2, &anatomy, &err), FB_EUSAGE);
    setting.job.cache = FB_CACHE_WARM;
    assert_int_equal(fb_anatomy_run(&setting.job, 0, &anatomy, &err), FB_EUSAGE);
    fb_plan_free(&setting.plan);
}

/* A trace of wrong bytes is no trace. */
static void test_wrong_bytes(void **state)
{
    struct setting setting;
    struct fb_anatomy anatomy;
    struct fb_error err = { 0 };
    prepare(state, &setting, FB_OP_READ, FB_HANDLE_ONCE);
    setting.expected[1].hex[0] ^= 1;
    assert_int_equal(fb_anatomy_run(&setting.job, 2, &anatomy, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, "wrong bytes"));
    fb_plan_free(&setting.plan);
}

static void test_no_anatomy(void **state)
{
    struct setting setting;
    struct fb_anatomy anatomy;
    struct fb_error err = { 0 };
    prepare(state, &setting, FB_OP_READ, FB_HANDLE_ONCE);
    setting.job.job.format = "raw";
    assert_int_equal(fb_anatomy_run(&setting.job, 2, &anatomy, &err), FB_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "raw"));
    fb_plan_free(&setting.plan);
}

/* --- workers that lie ------------------------------------------------------------------------- */

static void say_iteration(unsigned total, unsigned ns, unsigned touched)
{
    json_t *facts = json_object(), *counts = json_object();
    for (int i = 0; i < FB_PART_COUNT; i++)
        json_object_set_new(facts, fb_part_names[i], json_pack("{s:i, s:i}", "ns", ns, "calls", 1));
    for (const struct fb_trace_count_field *field = fb_trace_count_fields; field->name; field++)
        json_object_set_new(counts, field->name, json_integer(7));
    json_object_set_new(counts, "chunks_touched", json_integer(touched));
    json_object_set_new(facts, "counts", counts);
    char *text = fb_message_text(
        json_pack("{s:i, s:[s], s:o}", "ns", total, "hashes", "x", "anatomy", facts));
    puts(text);
    free(text);
}

/* Totals of the five iterations; parts are a tenth of it. */
static const unsigned totals[] = { 5000, 1000, 3000, 4000, 2000 };

static int lie(const char *what)
{
    char line[4096];
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("{\"protocol\":1, \"formats\":[{\"name\":\"as-is\", \"anatomy\":true}]}");
    while (fgets(line, sizeof line, stdin)) {
        bool warm_up = strstr(line, "\"iterations\":1") != NULL;
        if (strstr(line, "\"job\""))
            puts(strstr(line, "\"trace\"") ? "{\"ready\":true}" : "{\"error\":\"no trace\"}");
        else if (strstr(line, "false"))
            return puts("{\"done\":true}") < 0;
        else if (strcmp(what, "nothing") == 0)
            puts("{\"ns\":1, \"hashes\":[\"x\"]}");
        else
            for (unsigned i = 0; i < (warm_up ? 1 : 5); i++)
                say_iteration(totals[i], strcmp(what, "parts") == 0 ? totals[i] : totals[i] / 10,
                              strcmp(what, "counts") == 0 ? i : 1);
    }
    return 1;
}

static void test_lies(void **state)
{
    static const struct {
        const char *lie, *message;
    } cases[] = { { "nothing", "without its anatomy" },
                  { "parts", "longer than it" },
                  { "counts", "chunks_touched" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting setting;
        struct fb_anatomy anatomy;
        struct fb_error err = { 0 };
        prepare(state, &setting, FB_OP_LOAD, FB_HANDLE_ONCE);
        setting.job.expected = NULL;
        setenv("FMTBENCH_TEST_LIE", cases[i].lie, 1);
        int rc = fb_anatomy_run(&setting.job, 5, &anatomy, &err);
        unsetenv("FMTBENCH_TEST_LIE");
        assert_int_equal(rc, FB_EFORMAT);
        assert_non_null(strstr(err.message, cases[i].message));
        fb_plan_free(&setting.plan);
    }
}

/* Whole, so that parts and rest add up. */
static void test_median_iteration(void **state)
{
    struct setting setting;
    struct fb_anatomy anatomy;
    struct fb_error err = { 0 };
    prepare(state, &setting, FB_OP_LOAD, FB_HANDLE_ONCE);
    setting.job.expected = NULL;
    setenv("FMTBENCH_TEST_LIE", "no", 1);
    int rc = fb_anatomy_run(&setting.job, 5, &anatomy, &err);
    unsetenv("FMTBENCH_TEST_LIE");
    if (rc)
        fail_msg("%s", err.message);
    assert_int_equal(anatomy.total_ns, 3000);
    assert_int_equal(anatomy.ns[FB_PART_INFLATE], 300);
    assert_int_equal(anatomy.unexplained_ns, 3000 - FB_PART_COUNT * 300);
    assert_int_equal(anatomy.counts.raw_reads, 7);
    fb_plan_free(&setting.plan);
}

/* --- the passes of a run ---------------------------------------------------------------------- */

static void say_nothing(void *listener, const char *message)
{
    (void)listener;
    (void)message;
}

static void interrupt_at_third(void *listener, uint64_t done, uint64_t total, const char *what)
{
    (void)listener;
    (void)total;
    (void)what;
    if (done == 2)
        raise(SIGINT);
}

/* Runs last: an interruption is for good. */
static void test_interrupted(void **state)
{
    struct setting setting;
    struct fb_anatomies anatomies = { 0 };
    struct fb_error err = { 0 };
    struct fb_cell cells[3];
    char path[256];
    prepare(state, &setting, FB_OP_READ, FB_HANDLE_ONCE);
    struct fb_subject subject = { .name = "as-is", .worker = setting.worker };
    struct fb_file file = { .path = setting.file };
    struct fb_task task = { .variant[0] = { .plan = setting.plan,
                                            .hashes = setting.expected,
                                            .path = setting.plan_file } };
    const struct fb_run_config config = { .limits = setting.job.limits,
                                          .say = say_nothing,
                                          .progress = interrupt_at_third };
    for (size_t i = 0; i < 3; i++) {
        cells[i] =
            (struct fb_cell){ .subject = &subject, .file = &file, .task = &task, .active = true };
        fb_record_init(&cells[i].record);
    }
    fb_interrupt_catch();
    assert_int_equal(fb_anatomy_collect(&config, &(struct fb_cells){ cells, 3 }, *state, &err),
                     FB_EINTERRUPTED);
    assert_string_equal(err.message, "interrupted");
    snprintf(path, sizeof path, "%s", in_folder(state, "anatomy.csv"));
    assert_int_equal(fb_anatomies_read(path, &anatomies, &err), 0);
    assert_int_equal(anatomies.count, 2);
    assert_int_equal(anatomies.items[1].chunks_touched, 4);
    unlink(path);
    free(anatomies.items);
    fb_plan_free(&setting.plan);
}

static void test_offered(void **state)
{
    (void)state;
    json_t *hello = json_pack("{s:[{s:s}, {s:s, s:b}, {s:s, s:b}]}", "formats", "name", "old",
                              "name", "no", "anatomy", 0, "name", "yes", "anatomy", 1);
    assert_true(fb_anatomy_offered(hello, "yes"));
    assert_false(fb_anatomy_offered(hello, "no"));
    assert_false(fb_anatomy_offered(hello, "old"));
    assert_false(fb_anatomy_offered(hello, "unheard of"));
    json_decref(hello);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_handles),
        TEST(test_cold),
        TEST(test_wrong_bytes),
        TEST(test_no_anatomy),
        TEST(test_lies),
        TEST(test_median_iteration),
        cmocka_unit_test(test_offered),
        TEST(test_interrupted),
    };
    if (argc > 1 && strcmp(argv[1], "worker") == 0) {
        struct fb_error err;
        const char *what = getenv("FMTBENCH_TEST_LIE");
        return what ? lie(what) : fb_worker_main(&err) != 0;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
