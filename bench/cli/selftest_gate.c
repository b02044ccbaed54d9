/* `fmtbench selftest-gate`: how often the gate is right on this machine. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/output.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/environment.h"
#include "bench/gate/gate.h"
#include "bench/gate/verdict.h"
#include "results/selftest.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

#define TIMEOUT_S 60
#define MAX_BYTES_DEFAULT (UINT64_C(1) << 30)
#define TRIALS_MOST 100000

enum key { KEY_IDENTICAL = FB_ARG_FIRST_OWN, KEY_SLOW, KEY_EXTRA, KEY_HANDLE, KEY_PAIRS };

static const struct argp_option options[] = {
    { "format", 'f', "FORMAT:opts", 0, "The format (default: hdf5-chunked)", 0 },
    { "workload", 'w', "WORKLOAD:opts", 0, "The workload (default: slicing:n=2)", 0 },
    { "handle", KEY_HANDLE, "POLICY", 0, "once, each or keep (default: keep)", 0 },
    { "identical", KEY_IDENTICAL, "N", 0, "Trials of identical sides (default: 200)", 0 },
    { "slow-downs", KEY_SLOW, "N", 0,
      "Trials of a side B that waits: as long as the smallest effect that the identical ones "
      "stated, nine of ten (default: 100)",
      0 },
    { "extra-reads", KEY_EXTRA, "N", 0, "Trials of a side B that reads once more (default: 5)", 0 },
    { "pairs", KEY_PAIRS, "N", 0, "Pairs of a gate, as in fmtbench gate (default: 48)", 0 },
    { "output", 'o', "DIR", 0,
      "Keep the rows in DIR/selftest.csv as they come, and each gate in DIR/trials; where there "
      "are "
      "some, go on from them",
      0 },
    { 0 },
};

struct arguments {
    struct fb_gate_config config;
    const char *format, *workload, *out;
    uint64_t identical, slow, extra;
    struct fb_error *err;
    int rc;
};

static int parse_one(int key, char *text, struct arguments *a)
{
    switch (key) {
    case 'f':
        a->format = text;
        return 0;
    case 'w':
        a->workload = text;
        return 0;
    case 'o':
        a->out = text;
        return 0;
    case KEY_HANDLE:
        return fb_argument_list(text, fb_handle_names, FB_HANDLE_COUNT, a->config.run.handle,
                                "handle", a->err);
    case KEY_IDENTICAL:
        return fb_argument_number(text, "identical", 1, TRIALS_MOST, &a->identical, a->err);
    case KEY_SLOW:
        return fb_argument_number(text, "slow-downs", 0, TRIALS_MOST, &a->slow, a->err);
    case KEY_EXTRA:
        return fb_argument_number(text, "extra-reads", 0, TRIALS_MOST, &a->extra, a->err);
    case KEY_PAIRS:
        return fb_argument_number(text, "pairs", 1, FB_GATE_PAIRS_MOST, &a->config.pairs, a->err);
    default:
        return 1;
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    const struct fb_positional table[] = { { "SOURCE", &a->config.run.source, false } };
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
    .doc =
        "Try the gate on this machine: how often does it call identical sides slower, and how "
        "often does it find a slow-down that was put in on purpose?\v"
        "Each trial is a gate of one cell. Exit codes: 0 all that was asked is known, 1 error, 2 "
        "usage, 4 identical sides were called slower, or less than 95 of 100 slow-downs were "
        "found.",
};

/* --- trials ----------------------------------------------------------------------------------- */

static uint64_t load_permille(void)
{
    double load;
    return getloadavg(&load, 1) == 1 ? (uint64_t)(load * 1000) : FB_NA;
}

/* What comes next, by what there is: false when all is done. */
static bool choose(const struct arguments *a, const struct fb_selftest_records *records,
                   struct fb_selftest_record *next)
{
    fb_selftest_record_init(next);
    next->trial = records->count + 1;
    next->injected = 0;
    if (fb_selftest_count(records, "identical", NULL) < a->identical) {
        SET(next->kind, "identical");
    } else if (fb_selftest_count(records, "slow-down", NULL) < a->slow) {
        SET(next->kind, "slow-down");
        next->injected = fb_selftest_effect(records);
    } else if (fb_selftest_count(records, "extra-read", NULL) < a->extra) {
        SET(next->kind, "extra-read");
    } else {
        return false;
    }
    return true;
}

static int run_trial(const struct arguments *a, struct fb_selftest_record *record,
                     struct fb_error *err)
{
    struct fb_gate_config config = a->config;
    struct fb_gate_result result;
    const uint64_t started = fb_clock_ns();
    record->load_permille = load_permille();
    config.run.seed = record->trial;
    config.side[1].handicap.slow_down_ppm = (uint64_t)(record->injected * 1e6);
    config.side[1].handicap.extra_read = strcmp(record->kind, "extra-read") == 0;
    char *folder = NULL;
    if (a->out &&
        asprintf(&folder, "%s/trials/%04llu", a->out, (unsigned long long)record->trial) < 0)
        return fb_fail_memory(err, "a folder name");
    config.run.out = folder;
    int rc = fb_gate(&config, &result, err);
    free(folder);
    if (rc)
        return rc;
    record->wall_ns = fb_clock_ns() - started;
    if (result.interrupted)
        rc = fb_fail(err, FB_EINTERRUPTED, "interrupted");
    for (size_t i = 0; rc == 0 && i < result.records.count; i++) {
        const struct fb_gate_record *row = &result.records.items[i];
        if (fb_gate_is_control(row)) {
            SET(record->control, "%s", row->verdict);
            continue;
        }
        SET(record->cell, "%s", row->cell);
        record->change = row->change;
        record->change_lower = row->change_lower;
        record->change_upper = row->change_upper;
        record->smallest_effect = row->smallest_effect;
        record->pairs = row->pairs;
        record->confirm_pairs = row->confirm_pairs;
        SET(record->verdict, "%s", row->verdict);
        SET(record->counters, "%s", row->counters);
        SET(record->reason, "%s", row->reason);
        if (strcmp(row->verdict, "no data") == 0)
            rc = fb_fail(err, FB_EIO, "trial %llu: %s", (unsigned long long)record->trial,
                         row->reason);
    }
    fb_gate_result_free(&result);
    return rc;
}

static void no_progress(void *listener, uint64_t done, uint64_t total, const char *what)
{
    (void)listener;
    (void)done;
    (void)total;
    (void)what;
}

static int run_trials(const struct arguments *a, const char *path, struct fb_progress *progress,
                      struct fb_selftest_records *records, struct fb_error *err)
{
    struct fb_selftest_record next;
    const uint64_t total = a->identical + a->slow + a->extra;
    int rc = 0;
    while (rc == 0 && choose(a, records, &next)) {
        if (isnan(next.injected))
            return fb_fail(err, FB_ENOTHING,
                           "no trial of identical sides could state the smallest "
                           "effect: give more --pairs");
        fb_progress_update(progress, records->count, total, next.kind);
        rc = run_trial(a, &next, err);
        if (rc == 0)
            rc = fb_selftest_records_add(records, &next, err);
        if (rc == 0 && path)
            rc = fb_selftest_records_write(records, path, err);
    }
    return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool is_right(const struct fb_selftest_records *records)
{
    const size_t slow = fb_selftest_count(records, "slow-down", NULL);
    return fb_selftest_count(records, "identical", "regressed") == 0 &&
           100 * fb_selftest_count(records, "slow-down", "regressed") >= 95 * slow;
}

static int go_on(const char *path, struct fb_selftest_records *records, struct fb_error *err)
{
    return access(path, F_OK) == 0 ? fb_selftest_records_read(path, records, err) : 0;
}

static int store_environment(const struct arguments *a, struct fb_error *err)
{
    char *path;
    if (asprintf(&path, "%s/environment.json", a->out) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = fb_environment_write(path, a->out,
                                  json_pack("{s:s, s:s, s:I}", "format", a->format, "workload",
                                            a->workload, "pairs", (json_int_t)a->config.pairs),
                                  NULL, err);
    free(path);
    return rc;
}

static void defaults(struct arguments *a, struct fb_error *err)
{
    *a = (struct arguments){
        .err = err,
        .format = "hdf5-chunked",
        .workload = "slicing:n=2",
        .identical = 200,
        .slow = 100,
        .extra = 5,
        .config = {
            .run = {
                .source = "synth:samples=2",
                .cache = { [FB_CACHE_WARM] = true },
                .handle = { [FB_HANDLE_KEEP] = true },
                .handles_given = true,
                .max_bytes = MAX_BYTES_DEFAULT,
                .limits = { .timeout_ns = TIMEOUT_S * UINT64_C(1000000000),
                            .memory_bytes = fb_memory_limit() },
                .say = fb_progress_say,
                .progress = no_progress,
            },
            .threshold = FB_GATE_THRESHOLD,
            .pairs = FB_GATE_PAIRS,
        },
    };
}

int fb_command_selftest_gate(int argc, char **argv, struct fb_error *err)
{
    struct fb_progress progress = { 0 };
    struct fb_selftest_records records = { 0 };
    struct arguments a;
    char *path = NULL;
    defaults(&a, err);
    a.config.run.listener = &progress;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.rc)
        return a.rc;
    a.config.run.formats = &a.format;
    a.config.run.workloads = &a.workload;
    a.config.run.format_count = a.config.run.workload_count = 1;
    int rc = a.out ? fb_make_folder(a.out, err) : 0;
    if (rc == 0 && a.out && asprintf(&path, "%s/selftest.csv", a.out) < 0) {
        path = NULL;
        rc = fb_fail_memory(err, "a file name");
    }
    if (rc == 0 && path)
        rc = go_on(path, &records, err);
    if (rc == 0 && path)
        rc = store_environment(&a, err);
    fb_progress_start(&progress);
    if (rc == 0)
        rc = run_trials(&a, path, &progress, &records, err);
    fb_progress_end(&progress);
    if (rc == 0 || rc == FB_EINTERRUPTED)
        fb_selftest_print(stdout, &records);
    if (rc == 0 && !is_right(&records))
        rc = 4;
    free(records.items);
    free(path);
    return rc;
}
