/* `fmtbench gate`: is side B slower than side A? */
#include "bench/gate/gate.h"
#include "base/memory.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/gate/verdict.h"
#include "bench/run.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 64
#define TIMEOUT_S 60
#define MAX_BYTES_DEFAULT (UINT64_C(1) << 30)

enum key {
    KEY_CACHE = FB_ARG_FIRST_OWN,
    KEY_HANDLE,
    KEY_A_WORKER,
    KEY_B_WORKER,
    KEY_A_ENV,
    KEY_B_ENV,
    KEY_B_FORMAT,
    KEY_B_FILE,
    KEY_THRESHOLD,
    KEY_PAIRS,
    KEY_TIME_LIMIT,
    KEY_COUNTERS_ONLY,
    KEY_SEED,
    KEY_MAX_BYTES,
    KEY_MEMORY,
    KEY_TIMEOUT
};

static const struct argp_option options[] = {
    { NULL, 0, NULL, 0, "What differs on side B:", 1 },
    { "b-worker", KEY_B_WORKER, "COMMAND", 0,
      "Another program that speaks the worker protocol, as 'other/fmtbench worker'", 1 },
    { "b-env", KEY_B_ENV, "NAME=VALUE", 0,
      "A variable for its workers, as LD_LIBRARY_PATH=new/lib; may be given again", 1 },
    { "b-format", KEY_B_FORMAT, "FORMAT:opts", 0, "The format, and its options, in place of -f",
      1 },
    { "b-file", KEY_B_FILE, "FILE", 0,
      "Another file with the data of SOURCE; both are read as they are", 1 },
    { "a-worker", KEY_A_WORKER, "COMMAND", 0, "The same of side A", 1 },
    { "a-env", KEY_A_ENV, "NAME=VALUE", 0, "The same of side A", 1 },
    { NULL, 0, NULL, 0, "What is measured:", 2 },
    { "format", 'f', "FORMAT:opts", 0,
      "A format (default: hdf5-contiguous and hdf5-chunked; with --b-file, as-is); may be given "
      "again",
      2 },
    { "workload", 'w', "WORKLOAD:opts", 0,
      "A workload (default: the standard ones); may be given again", 2 },
    { "cache", KEY_CACHE, "LIST", 0, "warm, cold or both (default: warm)", 2 },
    { "handle", KEY_HANDLE, "LIST", 0, "once, each, keep (default: once)", 2 },
    { NULL, 0, NULL, 0, "How it is judged:", 3 },
    { "threshold", KEY_THRESHOLD, "PERCENT", 0, "A slow-down that matters, as +2% (default)", 3 },
    { "pairs", KEY_PAIRS, "N", 0,
      "Pairs of blocks a cell (default: 48); twice as many where they scatter so much that a "
      "slow-down of three thresholds might be missed",
      3 },
    { "time-limit", KEY_TIME_LIMIT, "SECONDS", 0, "End then; what is open stays inconclusive", 3 },
    { "counters-only", KEY_COUNTERS_ONLY, NULL, 0,
      "No clock: compare what is read and inflated, exactly", 3 },
    { NULL, 0, NULL, 0, "And:", 4 },
    { "seed", KEY_SEED, "N", 0, "Seed of plans and of the order of blocks (default: 1)", 4 },
    { "output", 'o', "DIR", 0, "Write gate.csv, pairs.csv and environment.json into DIR", 4 },
    { "max-bytes", KEY_MAX_BYTES, "SIZE", 0, "Of a file's arrays, no more (default: 1GiB)", 4 },
    { "memory-limit", KEY_MEMORY, "SIZE", 0, "Of a worker", 4 },
    { "block-timeout", KEY_TIMEOUT, "SECONDS", 0, "Of a worker (default: 60)", 4 },
    FB_COLOR_OPTION,
    { 0 },
};

struct arguments {
    struct fb_gate_config config;
    const char *formats[LIST_MAX], *workloads[LIST_MAX];
    enum fb_colour colour;
    struct fb_error *err;
    int rc;
};

static int add_to(const char **list, size_t *count, size_t most, const char *text,
                  struct fb_error *err)
{
    if (*count == most)
        return fb_fail(err, FB_EUSAGE, "more than %zu of one kind: %s", most, text);
    list[(*count)++] = text;
    return 0;
}

static int parse_one(int key, char *text, struct arguments *a)
{
    struct fb_run_config *run = &a->config.run;
    struct fb_gate_side *side = a->config.side;
    switch (key) {
    case 'f':
        return add_to(a->formats, &run->format_count, LIST_MAX, text, a->err);
    case 'w':
        return add_to(a->workloads, &run->workload_count, LIST_MAX, text, a->err);
    case 'o':
        run->out = text;
        return 0;
    case KEY_CACHE:
        return fb_argument_list(text, fb_cache_names, FB_CACHE_COUNT, run->cache, "cache", a->err);
    case KEY_HANDLE:
        return fb_argument_list(text, fb_handle_names, FB_HANDLE_COUNT, run->handle, "handle",
                                a->err);
    case KEY_A_WORKER:
        side[0].worker = text;
        return 0;
    case KEY_B_WORKER:
        side[1].worker = text;
        return 0;
    case KEY_A_ENV:
        return add_to(side[0].env, &side[0].env_count, FB_GATE_ENV_MAX, text, a->err);
    case KEY_B_ENV:
        return add_to(side[1].env, &side[1].env_count, FB_GATE_ENV_MAX, text, a->err);
    case KEY_B_FORMAT:
        side[1].format = text;
        return 0;
    case KEY_B_FILE:
        side[1].file = text;
        return 0;
    case KEY_THRESHOLD:
        return fb_argument_threshold(text, &a->config.threshold, a->err);
    case KEY_PAIRS:
        return fb_argument_number(text, "pairs", 1, FB_GATE_PAIRS_MOST, &a->config.pairs, a->err);
    case KEY_TIME_LIMIT:
        return fb_argument_seconds(text, "time-limit", &run->time_limit_ns, a->err);
    case KEY_COUNTERS_ONLY:
        a->config.counters_only = true;
        return 0;
    case KEY_SEED:
        return fb_argument_number(text, "seed", 0, INT64_MAX, &run->seed, a->err);
    case KEY_MAX_BYTES:
        return fb_argument_size(text, "max-bytes", &run->max_bytes, a->err);
    case KEY_MEMORY:
        return fb_argument_size(text, "memory-limit", &run->limits.memory_bytes, a->err);
    case KEY_TIMEOUT:
        return fb_argument_seconds(text, "block-timeout", &run->limits.timeout_ns, a->err);
    default:
        return 1;
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    const struct fb_positional table[] = { { "SOURCE", &a->config.run.source, false } };
    if (key == FB_ARG_COLOR)
        return fb_argument_color(state, text, &a->colour);
    int rc = parse_one(key, text, a);
    if (rc > 0)
        return fb_argument_positional(key, text, state, table, 1);
    if (a->rc == 0)
        a->rc = rc;
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[SOURCE]",
    .doc = "Tell whether side B reads SOURCE slower than side A.\v"
           "Fresh workers of both sides are measured in pairs until each cell is known to be "
           "slower than the threshold, or not, with one false alarm in twenty gates at the most; "
           "a slow-down is confirmed by pairs of its own, and pairs of A with itself show whether "
           "the machine can be trusted. Bytes and chunks that are read are compared exactly.\n\n"
           "Exit codes: 0 no regression, 1 error, 2 usage, 3 regression, 4 inconclusive or "
           "no data.",
};

/* --- the answer ------------------------------------------------------------------------------- */

static bool any(const struct fb_gate_records *records, enum fb_gate_verdict verdict)
{
    for (size_t i = 0; i < records->count; i++)
        if (fb_gate_verdict_of(&records->items[i]) == verdict &&
            !fb_gate_is_control(&records->items[i]))
            return true;
    return false;
}

static bool lacks_control(const struct fb_gate_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        if (fb_gate_is_control(&records->items[i]))
            return fb_gate_verdict_of(&records->items[i]) == FB_ROW_NO_DATA;
    return false; /* counters need none */
}

/* The exit code that the worst of the verdicts has: without a control, or with one that changed,
 * nothing is known but what was counted. */
static int verdict_code(const struct fb_gate_records *records)
{
    if (any(records, FB_ROW_REGRESSED))
        return 3;
    bool open = any(records, FB_ROW_NO_DATA) || any(records, FB_ROW_INCONCLUSIVE);
    return open || lacks_control(records) || fb_gate_control_differs(records) ? 4 : 0;
}

static void defaults(struct arguments *a, struct fb_progress *progress, struct fb_error *err)
{
    *a = (struct arguments){
        .err = err,
        .config = {
            .run = {
                .cache = { [FB_CACHE_WARM] = true },
                .handle = { [FB_HANDLE_ONCE] = true },
                .handles_given = true,
                .seed = 1,
                .max_bytes = MAX_BYTES_DEFAULT,
                .limits = { .timeout_ns = TIMEOUT_S * UINT64_C(1000000000),
                            .memory_bytes = fb_memory_limit() },
                .listener = progress,
                .say = fb_progress_say,
                .progress = fb_progress_update,
            },
            .threshold = FB_GATE_THRESHOLD,
            .pairs = FB_GATE_PAIRS,
        },
    };
    a->config.run.formats = a->formats;
    a->config.run.workloads = a->workloads;
}

int fb_command_gate(int argc, char **argv, struct fb_error *err)
{
    struct fb_progress progress = { 0 };
    struct fb_gate_result result;
    struct arguments a;
    defaults(&a, &progress, err);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.rc)
        return a.rc;
    if (a.config.run.format_count == 0) {
        a.formats[a.config.run.format_count++] =
            a.config.side[1].file ? "as-is" : "hdf5-contiguous";
        if (!a.config.side[1].file && !a.config.side[1].format)
            a.formats[a.config.run.format_count++] = "hdf5-chunked";
    }
    int rc = a.config.run.out ? fb_run_folder_is_free(a.config.run.out, err) : 0;
    if (rc)
        return rc;
    fb_progress_start(&progress);
    rc = fb_gate(&a.config, &result, err);
    fb_progress_end(&progress);
    if (rc)
        return rc;
    fb_gate_print(stdout, &result.records, fb_terminal_colour(stdout, a.colour),
                  fb_terminal_width(stdout));
    if (result.folder)
        printf("\n%s/gate.csv\n%s/pairs.csv\n", result.folder, result.folder);
    fflush(stdout);
    rc = verdict_code(&result.records);
    fb_gate_result_free(&result);
    return rc;
}
