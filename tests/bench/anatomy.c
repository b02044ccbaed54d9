/* Anatomy adds up: what stays unexplained of a traced pass is small, and time that is wasted inside
 * one part shows up there and nowhere else. Real clock, real files, interleaved passes.
 */
#include "base/clock.h"
#include "bench/block.h"
#include "bench/execute.h"
#include "tests/bench/paired.h"
#include "tests/bench/setup.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define PASSES 15
#define PAIRS 41
#define UNEXPLAINED_MAX 0.15
/* Of the injected time: how much must show in its part, and how much may elsewhere. */
#define FOUND_MIN 0.90
#define ASTRAY_MAX 0.10

/* Wastes `ns` at the start of every span of a part. */
struct delay {
    enum fb_part part;
    uint64_t ns;
};

static void waste(void *context, enum fb_part part)
{
    const struct delay *delay = context;
    if (part != delay->part)
        return;
    for (uint64_t until = fb_clock_ns() + delay->ns; fb_clock_ns() < until;)
        ;
}

/* One pass on a fresh trace. */
static uint64_t pass_once(struct fb_execution *run, struct delay *delay, struct fb_trace *trace)
{
    uint64_t ns;
    struct fb_error err;
    *trace = (struct fb_trace){ 0 };
    if (delay) {
        trace->delay = waste;
        trace->delay_context = delay;
    }
    run->trace = trace;
    malloc_trim(0);
    if (fb_execute(run, &ns, &err))
        die(&err);
    run->delivery->hash_count = 0;
    fb_trace_free(trace);
    return ns;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

/* --- what stays unexplained ------------------------------------------------------------------- */

static double unexplained(struct fb_execution *run)
{
    double shares[PASSES];
    struct fb_trace trace;
    pass_once(run, NULL, &trace);
    for (size_t i = 0; i < PASSES; i++) {
        uint64_t explained = 0, ns = pass_once(run, NULL, &trace);
        for (int part = 0; part < FB_PART_COUNT; part++)
            explained += trace.ns[part];
        must(explained <= ns, "parts within the pass");
        shares[i] = (double)(ns - explained) / (double)ns;
    }
    return median(shares, PASSES);
}

/* --- injected delays -------------------------------------------------------------------------- */

/* Of the time injected into a part: what share shows up there, and the largest share by which
 * another part moves; bounds of the medians, on the unfavourable side. */
static void inject(struct fb_execution *run, enum fb_part part, double *found, double *astray)
{
    static double moved[FB_PART_COUNT][PAIRS];
    struct fb_trace plain, delayed;
    struct delay delay = { part, 0 };
    pass_once(run, NULL, &plain);
    /* As much as the whole pass takes, spread over the spans: above the noise of every part. */
    uint64_t ns = pass_once(run, NULL, &plain);
    must(plain.calls[part] > 0, "a span of the part");
    delay.ns = (ns < 20000000 ? 20000000 : ns) / plain.calls[part];
    for (size_t i = 0; i < PAIRS; i++) {
        bool first = i & 1;
        if (first)
            pass_once(run, &delay, &delayed);
        pass_once(run, NULL, &plain);
        if (!first)
            pass_once(run, &delay, &delayed);
        double injected = (double)(delay.ns * delayed.calls[part]);
        for (int p = 0; p < FB_PART_COUNT; p++)
            moved[p][i] = ((double)delayed.ns[p] - (double)plain.ns[p]) / injected;
    }
    *found = *astray = 0;
    for (int p = 0; p < FB_PART_COUNT; p++) {
        double upper = upper_bound_of_median(moved[p], PAIRS);
        for (size_t i = 0; i < PAIRS; i++)
            moved[p][i] = -moved[p][i];
        double lower = -upper_bound_of_median(moved[p], PAIRS);
        if (p == (int)part)
            *found = lower;
        else
            *astray = fmax(*astray, fmax(upper, -lower));
    }
}

static bool check_delays(struct fb_execution *run)
{
    static const enum fb_part parts[] = { FB_PART_RAW_IO, FB_PART_INFLATE, FB_PART_LOOKUP };
    bool pass = true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char check[64];
        double found, astray;
        inject(run, parts[i], &found, &astray);
        snprintf(check, sizeof check, "anatomy-delay-%s-found", fb_part_names[parts[i]]);
        pass &= report_least(check, found, FOUND_MIN);
        snprintf(check, sizeof check, "anatomy-delay-%s-astray", fb_part_names[parts[i]]);
        pass &= report(check, astray, ASTRAY_MAX);
    }
    return pass;
}

/* --- setting up ------------------------------------------------------------------------------- */

struct job {
    const char *workload;
    struct fb_plan plan;
    struct fb_delivery delivery;
};

static void make_job(struct job *job, const struct fb_catalog *catalog)
{
    struct fb_error err;
    make_plan(job->workload, catalog, &job->plan);
    if (fb_delivery_init(&job->delivery, fb_block_buffer(&job->plan), job->plan.count, -1, &err))
        die(&err);
}

int main(void)
{
    static const char *const specs[] = { "hdf5-contiguous", "hdf5-chunked:level=4",
                                         "hdf5-chunked:level=4,shuffle=1" };
    struct job jobs[] = { { .workload = "slicing" },
                          { .workload = "random-access" },
                          { .workload = "full-load" },
                          { .workload = "scan" } };
    const size_t job_count = sizeof jobs / sizeof *jobs;
    struct fb_source *source;
    struct fb_error err;
    struct bench_folder bench;
    double worst = 0;
    bool pass = true;
    bench_folder_make(&bench);
    if (fb_source_open("synth:samples=6", NULL, NULL, &source, &err))
        die(&err);
    for (size_t j = 0; j < job_count; j++)
        make_job(&jobs[j], fb_source_catalog(source));
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct fb_execution run = { .file = bench.data };
        struct fb_options options;
        make_file(specs[i], bench.data, source, &run.format, &options);
        run.options = &options;
        for (size_t j = 0; j < job_count; j++) {
            run.plan = &jobs[j].plan;
            run.delivery = &jobs[j].delivery;
            for (int handle = 0; handle < FB_HANDLE_COUNT; handle++) {
                run.handle = (enum fb_handle)handle;
                double share = unexplained(&run);
                fprintf(stderr, "%s %s %s: %.1f %% unexplained\n", specs[i], jobs[j].workload,
                        fb_handle_names[handle], 100 * share);
                worst = share > worst ? share : worst;
            }
        }
        run.plan = &jobs[0].plan;
        run.delivery = &jobs[0].delivery;
        run.handle = FB_HANDLE_ONCE;
        if (i == 1)
            pass &= check_delays(&run);
    }
    pass &= report("anatomy-unexplained-worst", worst, UNEXPLAINED_MAX);
    bench_folder_remove(&bench);
    for (size_t j = 0; j < job_count; j++) {
        fb_delivery_free(&jobs[j].delivery);
        fb_plan_free(&jobs[j].plan);
    }
    fb_source_close(source);
    return pass ? 0 : 1;
}
