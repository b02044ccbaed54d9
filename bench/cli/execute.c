/* `fmtbench execute`: one plan in this process, without checks and without a word: the command that
 * `run --whole-process` has timed from outside. Not for people. */
#include "base/number.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/worker.h"

#include <argp.h>

enum key { KEY_OPTIONS = FB_ARG_FIRST_OWN, KEY_FILE, KEY_PLAN, KEY_HANDLE, KEY_BUFFER, KEY_COUNT };

static const struct argp_option options[] = {
    { "format", 'f', "FORMAT", 0, "Format that reads the file", 0 },
    { "options", KEY_OPTIONS, "OPTIONS", 0, "Its options, as key=value,key=value", 0 },
    { "file", KEY_FILE, "FILE", 0, "The dataset file", 0 },
    { "plan", KEY_PLAN, "PLAN", 0, "What to read, as a worker is given it (bench/plan.h)", 0 },
    { "handle", KEY_HANDLE, "HANDLE", 0, "once, each or keep (default: once)", 0 },
    { "buffer", KEY_BUFFER, "BYTES", 0, "Room for results, touched beforehand", 0 },
    { "count", KEY_COUNT, "N", 0, "Executions (default: 1)", 0 },
    { 0 },
};

struct arguments {
    struct fb_job job;
    uint64_t count;
    bool buffer_given;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'f':
        a->job.format = text;
        return 0;
    case KEY_OPTIONS:
        a->job.options = text;
        return 0;
    case KEY_FILE:
        a->job.file = text;
        return 0;
    case KEY_PLAN:
        a->job.plan = text;
        return 0;
    case KEY_HANDLE:
        if (!fb_handle_parse(text, &a->job.handle))
            argp_error(state, "--handle=%s is not one of once, each, keep", text);
        return 0;
    case KEY_BUFFER:
        if (!fb_parse_u64(text, &a->job.buffer))
            argp_error(state, "--buffer=%s is not a number of bytes", text);
        a->buffer_given = true;
        return 0;
    case KEY_COUNT:
        if (!fb_parse_u64(text, &a->count) || a->count == 0)
            argp_error(state, "--count=%s is not a number from 1 on", text);
        return 0;
    case ARGP_KEY_END:
        fb_argument_require(state, a->job.format, "--format");
        fb_argument_require(state, a->job.file, "--file");
        fb_argument_require(state, a->job.plan, "--plan");
        fb_argument_require(state, a->buffer_given ? a : NULL, "--buffer");
        return 0;
    default:
        return fb_argument_positional(key, text, state, NULL, 0);
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc = "Execute a plan of reads once, without verification, and print nothing.",
};

int fb_command_execute(int argc, char **argv, struct fb_error *err)
{
    struct arguments a = { .job = { .options = "" }, .count = 1 };
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return fb_worker_execute(&a.job, a.count, err);
}
