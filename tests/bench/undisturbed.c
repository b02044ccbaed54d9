/* Timed blocks are undisturbed: the same block with and without counters, and with and without an
 * anatomy pass and a floor right before it, in interleaved pairs of fresh workers in random order.
 */
#include "base/random.h"
#include "bench/anatomy/pass.h"
#include "bench/reference.h"
#include "results/statistics.h"
#include "tests/bench/paired.h"
#include "tests/bench/setup.h"

#include <string.h>

#define PAIRS 800
#define RATIO_MAX 1.02

/* What the one side has and the other has not. */
struct difference {
    const char *name;
    bool counters, anatomy, floor;
};

static uint64_t run_block(struct fb_block_job job, const struct difference *with)
{
    struct fb_block_result result;
    struct fb_anatomy anatomy;
    struct fb_error err;
    if (with && with->anatomy && fb_anatomy_run(&job, 1, &anatomy, &err))
        die(&err);
    /* A block with a floor comes before: its own iterations are over when it is measured. */
    job.floor = with && with->floor;
    if (job.floor) {
        if (fb_block_run(&job, &result, &err))
            die(&err);
        fb_block_result_free(&result);
    }
    job.floor = false;
    job.counters = with && with->counters;
    if (fb_block_run(&job, &result, &err))
        die(&err);
    uint64_t ns = fb_median_of(result.ns + result.warmups, result.count - result.warmups);
    fb_block_result_free(&result);
    return ns;
}

static bool compete(const struct fb_block_job *job, const struct difference *with, const char *cell)
{
    static double ratios[PAIRS];
    struct fb_random random;
    char check[96];
    fb_random_seed(&random, 1);
    for (size_t i = 0; i < PAIRS; i++) {
        bool first = fb_random_below(&random, 2);
        uint64_t a = first ? run_block(*job, with) : 0;
        uint64_t b = run_block(*job, NULL);
        if (!first)
            a = run_block(*job, with);
        ratios[i] = (double)a / (double)b;
    }
    double bound = upper_bound_of_median(ratios, PAIRS);
    fprintf(stderr, "%s, %s: median %.4f over %d pairs\n", with->name, cell, ratios[PAIRS / 2],
            PAIRS);
    snprintf(check, sizeof check, "undisturbed-by-%s-%s", with->name, cell);
    return report(check, bound, RATIO_MAX);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name, *format, *workload;
        enum fb_handle handle;
    } cells[] = {
        { "contiguous-slicing-keep", "hdf5-contiguous", "slicing", FB_HANDLE_KEEP },
        { "gzip-slicing-once", "hdf5-chunked:level=4", "slicing", FB_HANDLE_ONCE },
    };
    static const struct difference differences[] = {
        { .name = "counters", .counters = true },
        { .name = "anatomy-and-floor", .anatomy = true, .floor = true },
    };
    struct fb_source *source;
    struct bench_folder bench;
    struct fb_error err;
    bool pass = true;
    must(argc == 2, "the call: undisturbed FMTBENCH");
    bench_folder_make(&bench);
    if (fb_source_open("synth:samples=6", NULL, NULL, &source, &err))
        die(&err);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        const struct fb_format *format;
        struct fb_options options;
        struct fb_plan plan;
        struct fb_worker worker = { .own = true };
        char text[1024];
        make_plan(cells[i].workload, fb_source_catalog(source), &plan);
        make_file(cells[i].format, bench.data, source, &format, &options);
        struct fb_hash *expected = calloc(plan.count, sizeof *expected);
        must(expected, "calloc");
        if (fb_reference_hash(&plan, source, fb_source_catalog(source), expected, &err) ||
            fb_plan_write(&plan, bench.plan, &err))
            die(&err);
        snprintf(worker.command, sizeof worker.command, "%s", argv[1]);
        struct fb_block_job job = {
            .worker = &worker,
            .limits = { .timeout_ns = UINT64_C(60000000000), .memory_bytes = UINT64_C(1) << 32 },
            .job = { .format = format->name,
                     .options = fb_options_canonical(&options, text, sizeof text),
                     .file = bench.data,
                     .plan = bench.plan,
                     .handle = cells[i].handle,
                     .buffer = fb_block_buffer(&plan) },
            .cache = FB_CACHE_WARM,
            .plan = &plan,
            .expected = expected,
        };
        for (size_t d = 0; d < sizeof differences / sizeof *differences; d++)
            pass &= compete(&job, &differences[d], cells[i].name);
        free(expected);
        fb_plan_free(&plan);
    }
    fb_source_close(source);
    bench_folder_remove(&bench);
    return pass ? 0 : 1;
}
