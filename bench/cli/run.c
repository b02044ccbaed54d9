/* `fmtbench run`: measure, show the table, say it in plain sentences, draw the pictures. */
#include "bench/run.h"
#include "base/memory.h"
#include "base/number.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "plots/plot.h"
#include "results/anatomy.h"
#include "results/table.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRECISION_DEFAULT 0.03
#define TIME_LIMIT_S_DEFAULT 60
#define MAX_BYTES_DEFAULT UINT64_C(256000000)
#define TIMEOUT_S_DEFAULT 60
#define LIST_MAX 64
#define UNKNOWN_KEY 1

/* A first table in ten seconds. */
#define QUICK_SOURCE "synth:samples=8"
#define QUICK_S 6

enum key {
    KEY_CACHE = FB_ARG_FIRST_OWN,
    KEY_HANDLE,
    KEY_QUICK,
    KEY_SEED,
    KEY_BLOCKS,
    KEY_PRECISION,
    KEY_TIME_LIMIT,
    KEY_NO_COUNTERS,
    KEY_MAX_BYTES,
    KEY_FILES,
    KEY_KEEP_FILES,
    KEY_WORKER,
    KEY_TIMEOUT,
    KEY_MEMORY,
    KEY_SKIP,
    KEY_ANATOMY,
    KEY_WHOLE,
    KEY_NO_PLOTS
};

static const struct argp_option options[] = {
    { "format", 'f', "FORMAT[:opts]", 0, "Format to measure; may be given again (default: all)",
      0 },
    { "workload", 'w', "WORKLOAD[:opts]", 0,
      "Workload, or all; may be given again (default: the standard ones)", 0 },
    { "cache", KEY_CACHE, "LIST", 0, "warm, cold or both (default: warm,cold)", 0 },
    { "handle", KEY_HANDLE, "LIST", 0,
      "once, each, keep (default: once for all, each and keep where they tell something)", 0 },
    { "quick", KEY_QUICK, NULL, 0, "A first table in about 10 s: warm, once, a small dataset", 0 },
    { "seed", KEY_SEED, "N", 0, "Seed of plans and of the order of blocks (default: 1)", 0 },
    { "precision", KEY_PRECISION, "PERCENT", 0,
      "Measure a row until the 95 % interval of its median is within this (default: 3)", 0 },
    { "time-limit", KEY_TIME_LIMIT, "SECONDS", 0,
      "Time for that, all rows together; each gets 6 blocks at least (default: 60)", 0 },
    { "blocks", KEY_BLOCKS, "N", 0, "Instead: exactly N timed blocks a row", 0 },
    { "no-counters", KEY_NO_COUNTERS, NULL, 0, "Do not count reads, faults and processor time", 0 },
    { "output", 'o', "DIR", 0, "Run folder (default: results/runs/RUN-ID)", 0 },
    { "files", KEY_FILES, "DIR", 0, "Measure the files there against their manifests", 0 },
    { "keep-files", KEY_KEEP_FILES, NULL, 0, "Keep the files that the run writes, in DIR/files",
      0 },
    { "worker", KEY_WORKER, "COMMAND", 0,
      "External worker whose formats take part: a program, or a program and words for it", 0 },
    { "max-bytes", KEY_MAX_BYTES, "SIZE", 0, "Arrays taken from a file (default: 256MB)", 0 },
    { "memory-limit", KEY_MEMORY, "SIZE", 0,
      "Memory of a worker (default: half of the machine's, 2 GiB at least)", 0 },
    { "block-timeout", KEY_TIMEOUT, "SECONDS", 0, "Longest time of a block (default: 60)", 0 },
    { "skip-bad-rows", KEY_SKIP, NULL, 0, "Leave out damaged rows of OpenFace files, and say so",
      0 },
    { "anatomy", KEY_ANATOMY, NULL, 0,
      "Tell where the time goes, from a traced pass of each warm HDF5 row behind all blocks", 0 },
    { "whole-process", KEY_WHOLE, NULL, 0,
      "Have hyperfine time whole commands too, as rows of clock=process", 0 },
    { "no-plots", KEY_NO_PLOTS, NULL, 0, "Draw no pictures", 0 },
    FB_COLOR_OPTION,
    { 0 },
};

struct arguments {
    struct fb_run_config config;
    const char *formats[LIST_MAX], *workloads[LIST_MAX];
    bool no_plots, cache_given, precision_given, limit_given;
    enum fb_colour colour;
    struct fb_error *err;
    int rc;
};

static int add_to(const char **list, size_t *count, const char *text, struct fb_error *err)
{
    if (*count == LIST_MAX)
        return fb_fail(err, FB_EUSAGE, "more than %d formats or workloads", LIST_MAX);
    list[(*count)++] = text;
    return 0;
}

static int parse_one(int key, char *text, struct arguments *a)
{
    struct fb_run_config *config = &a->config;
    switch (key) {
    case 'f':
        return add_to(a->formats, &config->format_count, text, a->err);
    case 'w':
        return add_to(a->workloads, &config->workload_count, text, a->err);
    case 'o':
        config->out = text;
        return 0;
    case KEY_CACHE:
        a->cache_given = true;
        return fb_argument_list(text, fb_cache_names, FB_CACHE_COUNT, config->cache, "cache",
                                a->err);
    case KEY_HANDLE:
        config->handles_given = true;
        return fb_argument_list(text, fb_handle_names, FB_HANDLE_COUNT, config->handle, "handle",
                                a->err);
    case KEY_QUICK:
        config->quick = true;
        return 0;
    case KEY_SEED:
        return fb_argument_number(text, "seed", 0, INT64_MAX, &config->seed, a->err);
    case KEY_PRECISION:
        a->precision_given = true;
        return fb_argument_percent(text, "precision", &config->precision, a->err);
    case KEY_TIME_LIMIT:
        a->limit_given = true;
        return fb_argument_seconds(text, "time-limit", &config->time_limit_ns, a->err);
    case KEY_NO_COUNTERS:
        config->no_counters = true;
        return 0;
    case KEY_BLOCKS:
        return fb_argument_number(text, "blocks", 1, 100000, &config->blocks, a->err);
    case KEY_MAX_BYTES:
        return fb_argument_size(text, "max-bytes", &config->max_bytes, a->err);
    case KEY_MEMORY:
        return fb_argument_size(text, "memory-limit", &config->limits.memory_bytes, a->err);
    case KEY_TIMEOUT:
        return fb_argument_seconds(text, "block-timeout", &config->limits.timeout_ns, a->err);
    case KEY_FILES:
        config->files = text;
        return 0;
    case KEY_KEEP_FILES:
        config->keep_files = true;
        return 0;
    case KEY_WORKER:
        config->worker = text;
        return 0;
    case KEY_SKIP:
        config->skip_bad_rows = true;
        return 0;
    case KEY_ANATOMY:
        config->anatomy = true;
        return 0;
    case KEY_WHOLE:
        config->whole_process = true;
        return 0;
    case KEY_NO_PLOTS:
        a->no_plots = true;
        return 0;
    default:
        return UNKNOWN_KEY;
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    if (key == ARGP_KEY_ARG) {
        if (a->config.source)
            argp_error(state, "one SOURCE at a time, but got %s and %s", a->config.source, text);
        a->config.source = text;
        return 0;
    }
    if (key == FB_ARG_COLOR)
        return fb_argument_color(state, text, &a->colour);
    /* An option's own message is better than argp's; it is given when parsing is through. */
    int rc = parse_one(key, text, a);
    if (rc == UNKNOWN_KEY)
        return ARGP_ERR_UNKNOWN;
    if (a->rc == 0)
        a->rc = rc;
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[SOURCE]",
    .doc = "Measure how fast SOURCE can be read back from different formats.\v"
           "SOURCE is a file (raw, msgpack, HDF5, pickle, .npy or .npz), a folder of OpenFace CSV "
           "pairs, or "
           "a generated "
           "dataset such as synth:samples=24,seed=1 (the default). 'fmtbench list' shows formats, "
           "workloads and their options.\n\nExit codes: 0 fine, 1 something failed or was wrong, 2 "
           "usage, 4 nothing to measure.",
};

static void defaults(struct arguments *a, struct fb_error *err)
{
    *a = (struct arguments){
        .config = {
            .cache = { true, true },
            .handle = { true, true, true },
            .precision = PRECISION_DEFAULT,
            .time_limit_ns = TIME_LIMIT_S_DEFAULT * UINT64_C(1000000000),
            .seed = 1,
            .max_bytes = MAX_BYTES_DEFAULT,
            .limits = {
                .timeout_ns = TIMEOUT_S_DEFAULT * UINT64_C(1000000000),
                .memory_bytes = fb_memory_limit(),
            },
        },
        .err = err,
    };
    a->config.formats = a->formats;
    a->config.workloads = a->workloads;
}

static void apply_quick(struct arguments *a)
{
    struct fb_run_config *config = &a->config;
    if (!config->source && !config->files)
        config->source = QUICK_SOURCE;
    if (!a->limit_given)
        config->time_limit_ns = QUICK_S * UINT64_C(1000000000);
    if (!a->cache_given)
        config->cache[FB_CACHE_COLD] = false;
    if (!config->handles_given)
        config->handle[FB_HANDLE_EACH] = config->handle[FB_HANDLE_KEEP] = false;
}

/* --- telling people --------------------------------------------------------------------------- */

static void print_paths(const struct fb_run *run)
{
    static const char *const names[] = { "results.csv", "blocks.csv", "iterations.csv", "plan.csv",
                                         "environment.json" };
    char *anatomy;
    printf("\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        printf("%s/%s\n", run->folder, names[i]);
    if (asprintf(&anatomy, "%s/anatomy.csv", run->folder) < 0)
        return;
    if (access(anatomy, F_OK) == 0)
        printf("%s\n", anatomy);
    free(anatomy);
}

static void show_anatomy(const struct fb_run *run, bool colour)
{
    struct fb_anatomies anatomies;
    struct fb_error ignored;
    char *path;
    if (asprintf(&path, "%s/anatomy.csv", run->folder) < 0)
        return;
    if (access(path, F_OK) == 0 && fb_anatomies_read(path, &anatomies, &ignored) == 0) {
        fb_anatomies_print(stdout, &anatomies, colour, fb_terminal_width(stdout));
        free(anatomies.items);
    }
    free(path);
}

static int show(const struct fb_run *run, const struct arguments *a, struct fb_error *err)
{
    struct fb_error plot_error;
    bool colour = fb_terminal_colour(stdout, a->colour);
    fb_table_print(stdout, &run->records, colour, fb_terminal_width(stdout));
    show_anatomy(run, colour);
    fb_sentences_print(stdout, &run->records);
    print_paths(run);
    fflush(stdout);
    if (!a->no_plots && fb_run_count(run, "ok") > 0 &&
        fb_plots_make(run->folder, stdout, &plot_error) != 0)
        fprintf(stderr, "fmtbench: no pictures: %s\n", plot_error.message);
    size_t bad = fb_run_count(run, "failed") + fb_run_count(run, "wrong-data");
    if (run->interrupted)
        return fb_fail(err, FB_EINTERRUPTED, "interrupted: everything measured until then is in %s",
                       run->folder);
    if (bad)
        return fb_fail(err, FB_EFORMAT,
                       "%zu of %zu rows failed or delivered wrong data; the table "
                       "and results.csv say why",
                       bad, run->records.count);
    if (fb_run_count(run, "ok") == 0)
        return fb_fail(err, FB_ENOTHING, "nothing could be measured; the table says why");
    return 0;
}

int fb_command_run(int argc, char **argv, struct fb_error *err)
{
    struct arguments a;
    struct fb_run run;
    struct fb_progress progress = { 0 };
    defaults(&a, err);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.rc)
        return a.rc;
    if (a.config.quick)
        apply_quick(&a);
    a.config.listener = &progress;
    a.config.say = fb_progress_say;
    a.config.progress = fb_progress_update;
    if (a.config.blocks && (a.precision_given || a.limit_given))
        return fb_fail(err, FB_EUSAGE,
                       "--blocks fixes how often each row is measured; --%s would decide it too: "
                       "give one of them",
                       a.precision_given ? "precision" : "time-limit");
    if (a.config.files && a.config.skip_bad_rows)
        return fb_fail(err, FB_EUSAGE,
                       "--skip-bad-rows is for a folder of OpenFace files, not for "
                       "--files");
    fb_progress_start(&progress);
    int rc = fb_run(&a.config, &run, err);
    fb_progress_end(&progress);
    if (rc)
        return rc;
    rc = show(&run, &a, err);
    fb_run_free(&run);
    return rc;
}
