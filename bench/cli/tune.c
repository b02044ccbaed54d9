/* `fmtbench tune`: the chunk shape and compression with which a file is read best. */
#include "base/memory.h"
#include "base/number.h"
#include "base/output.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/json.h"
#include "bench/cli/tune_means.h"
#include "bench/cli/tune_show.h"
#include "bench/environment.h"
#include "bench/run.h"
#include "bench/tune/apply.h"
#include "bench/tune/contest.h"
#include "plots/plot.h"
#include "results/stopping.h"

#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 64
#define TIMEOUT_S 300
#define SAMPLE_BYTES UINT64_C(16000000)

enum key {
    KEY_ARRAY = FB_ARG_FIRST_OWN,
    KEY_ACCESS,
    KEY_QUICK,
    KEY_WEIGHTS,
    KEY_MAX_SIZE,
    KEY_MAX_READ,
    KEY_HANDLE,
    KEY_SAMPLE,
    KEY_TMP,
    KEY_SEED,
    KEY_PLUGINS,
    KEY_CANDIDATES,
    KEY_ROUNDS,
    KEY_SETTING,
    KEY_APPLY,
    KEY_JSON,
    KEY_NO_PLOTS
};

static const struct argp_option options[] = {
    { "array", KEY_ARRAY, "GLOB", 0, "Tune these arrays only; may be given again", 0 },
    { "access", KEY_ACCESS, "SPEC", 0,
      "How the arrays are read, see below (default: as the standard workloads do)", 0 },
    { "quick", KEY_QUICK, NULL, 0, "Fewer codings and blocks, a third of the time", 0 },
    { "weights", KEY_WEIGHTS, "A,B,C", 0,
      "Cost is size^A x read^B x write^C, each over the present file's (default: 1,2,0)", 0 },
    { "max-size", KEY_MAX_SIZE, "PERCENT", 0,
      "Nothing larger than this part of the present size, "
      "as 60%",
      0 },
    { "max-read", KEY_MAX_READ, "TIMES", 0,
      "Nothing slower than so many times the present file, as 2x", 0 },
    { "handle", KEY_HANDLE, "POLICY", 0, "once, each or keep (default: once)", 0 },
    { "sample", KEY_SAMPLE, "SIZE", 0,
      "Data that settings are tried on, and as much again to measure on (default: 16MB)", 0 },
    { "tmp", KEY_TMP, "DIR", 0, "Folder for temporary files (default: TMPDIR or /tmp)", 0 },
    { "seed", KEY_SEED, "N", 0, "Seed of requests and of the order of blocks (default: 1)", 0 },
    { "plugins", KEY_PLUGINS, NULL, 0,
      "Recommend filters too that whoever reads the file needs a plugin for", 0 },
    { "candidates", KEY_CANDIDATES, "LIST", 0,
      "Search nothing: measure the settings in this file, one FORMAT:opts a line", 0 },
    { "rounds", KEY_ROUNDS, "N", 0,
      "Blocks a setting in the last stage (default: as many as tell the best apart, 15 of a list)",
      0 },
    { "setting", KEY_SETTING, "FORMAT:opts", 0,
      "Search nothing: take this setting, as hdf5-chunked:level=4,chunk=100x68x2", 0 },
    { "apply", KEY_APPLY, "OUT", 0,
      "Write OUT, a copy of FILE with the recommended settings, by h5repack, checked by h5diff",
      0 },
    { "output", 'o', "DIR", 0,
      "Write tune.csv, pictures, and the means to apply the settings into DIR", 0 },
    { "json", KEY_JSON, NULL, 0, "Print the recommendation as JSON, and nothing else", 0 },
    { "no-plots", KEY_NO_PLOTS, NULL, 0, "Draw no pictures", 0 },
    FB_COLOR_OPTION,
    { 0 },
};

struct arguments {
    struct fb_tune_config config;
    const char *arrays[LIST_MAX];
    const char *out, *apply, *setting, *candidates;
    bool json, no_plots;
    enum fb_colour colour;
};

static void parse_weights(struct fb_tune_config *config, const char *text, struct argp_state *state)
{
    double *weights[] = { &config->size_weight, &config->read_weight, &config->write_weight };
    const char *at = text;
    for (int i = 0; i < 3; i++) {
        size_t length = strcspn(at, ",");
        bool last = i == 2;
        if (!fb_parse_double(at, length, weights[i]) || *weights[i] < 0 || *weights[i] > 100 ||
            (at[length] == '\0') != last)
            argp_error(state, "--weights=%s is not three numbers from 0 to 100, as in 1,2,0", text);
        at += length + 1;
    }
    if (*weights[0] + *weights[1] + *weights[2] == 0)
        argp_error(state, "--weights=%s: one of them must be above 0", text);
}

/* A number with a sign behind it. */
static void parse_ratio(const char *option, const char *text, char sign, double unit, double *out,
                        struct argp_state *state)
{
    size_t length = strlen(text);
    if (length < 2 || text[length - 1] != sign || !fb_parse_double(text, length - 1, out) ||
        *out <= 0 || *out > 1e6)
        argp_error(state, "%s=%s is not a number above 0 with %c behind it", option, text, sign);
    *out *= unit;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct fb_tune_config *config = &a->config;
    const struct fb_positional table[] = { { "FILE", &config->file, true } };
    switch (key) {
    case KEY_ARRAY:
        if (config->array_count == LIST_MAX)
            argp_error(state, "more than %d globs", LIST_MAX);
        else
            a->arrays[config->array_count++] = text;
        return 0;
    case KEY_ACCESS:
        config->access = text;
        return 0;
    case KEY_QUICK:
        config->quick = true;
        return 0;
    case KEY_WEIGHTS:
        parse_weights(config, text, state);
        return 0;
    case KEY_MAX_SIZE:
        parse_ratio("--max-size", text, '%', 0.01, &config->max_size, state);
        return 0;
    case KEY_MAX_READ:
        parse_ratio("--max-read", text, 'x', 1, &config->max_read, state);
        return 0;
    case KEY_HANDLE:
        if (!fb_handle_parse(text, &config->handle))
            argp_error(state, "--handle=%s is not one of once, each, keep", text);
        return 0;
    case KEY_SAMPLE:
        if (!fb_parse_size(text, &config->sample_bytes) || config->sample_bytes < 100000 ||
            config->sample_bytes > UINT64_C(4) << 30)
            argp_error(state, "--sample=%s is not a size from 100kB to 4GiB", text);
        return 0;
    case KEY_TMP:
        config->tmp = text;
        return 0;
    case KEY_PLUGINS:
        config->plugins = true;
        return 0;
    case KEY_SETTING:
        a->setting = text;
        return 0;
    case KEY_CANDIDATES:
        a->candidates = text;
        return 0;
    case KEY_ROUNDS:
        if (!fb_parse_u64(text, &config->rounds) || config->rounds < FB_BLOCKS_LEAST ||
            config->rounds > FB_ROUNDS_MOST)
            argp_error(state, "--rounds=%s is not a number from %d to %d", text, FB_BLOCKS_LEAST,
                       FB_ROUNDS_MOST);
        return 0;
    case KEY_APPLY:
        a->apply = text;
        return 0;
    case KEY_SEED:
        if (!fb_parse_u64(text, &config->seed) || config->seed > INT64_MAX)
            argp_error(state, "--seed=%s is not a whole number", text);
        return 0;
    case 'o':
        a->out = text;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case KEY_NO_PLOTS:
        a->no_plots = true;
        return 0;
    case FB_ARG_COLOR:
        return fb_argument_color(state, text, &a->colour);
    default:
        return fb_argument_positional(key, text, state, table, 1);
    }
}

/* The patterns stand in their own table. */
static char *help_filter(int key, const char *text, void *input)
{
    char *help = NULL;
    size_t size;
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    FILE *out = open_memstream(&help, &size);
    if (!out)
        return (char *)(uintptr_t)text;
    fputs("SPEC is a weighted mix, [WEIGHT*]PATTERN[:key=value,...] + ..., as in\n"
          "  3*window:length=100 + index:axis=1\n"
          "A weight says how much of the present time of reading goes there. Patterns:\n",
          out);
    for (const struct fb_access_pattern *p = fb_access_patterns; p->name; p++) {
        fprintf(out, "  %-7s %s\n", p->name, p->summary);
        for (const struct fb_option *o = p->options; o->name; o++)
            fprintf(out, "          %s: %s%s%s%s\n", o->name, o->help, *o->fallback ? " (" : "",
                    o->fallback, *o->fallback ? ")" : "");
    }
    fprintf(out, "\n%s", text ? text : "");
    fclose(out);
    return help;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Find the chunk shape and compression with which an HDF5 file is read best.\v"
           "Settings are tried on a part of the data and measured on another; FILE is only read. "
           "\n\nExit codes: 0 fine, also when the present setting is the best, 1 error, 2 usage, "
           "4 nothing to tune.",
    .help_filter = help_filter,
};

/* --- the whole -------------------------------------------------------------------------------- */

static json_t *facts(const struct fb_tune *tune, const struct fb_tune_config *config)
{
    const char *handle = fb_handle_names[config->handle];
    json_t *json = json_pack(
        "{s:s, s:[f,f,f], s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "tuned_by", "fmtbench tune",
        "weights", config->size_weight, config->read_weight, config->write_weight, "handle", handle,
        "seed", (json_int_t)config->seed, "sample_bytes", (json_int_t)config->sample_bytes,
        "rounds", (json_int_t)config->rounds, "candidates", (json_int_t)config->candidate_count,
        "quick", config->quick, "plugins", config->plugins, "interrupted", tune->interrupted);
    json_object_set_new(json, "access", fb_json_text(tune->access));
    json_object_set_new(json, "max_size", fb_json_double(config->max_size));
    json_object_set_new(json, "max_read", fb_json_double(config->max_read));
    return json;
}

static int store_environment(const struct fb_tune *tune, const struct arguments *a,
                             struct fb_error *err)
{
    char *path;
    if (asprintf(&path, "%s/environment.json", a->out) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = fb_environment_write(path, a->config.tmp, facts(tune, &a->config), NULL, err);
    free(path);
    return rc;
}

static int store(const struct fb_tune *tune, const struct arguments *a, struct fb_error *err)
{
    struct fb_error plot_error;
    char *path;
    int rc = fb_make_folder(a->out, err);
    if (rc)
        return rc;
    if (asprintf(&path, "%s/tune.csv", a->out) < 0)
        return fb_fail_memory(err, "a file name");
    rc = fb_tune_records_write(&tune->records, path, err);
    if (rc == 0)
        rc = store_environment(tune, a, err);
    if (rc == 0 && !a->json)
        printf("\n%s\n", path);
    free(path);
    fflush(stdout);
    if (rc == 0 && !a->no_plots &&
        fb_plots_make(a->out, a->json ? stderr : stdout, &plot_error) != 0)
        fprintf(stderr, "fmtbench: no pictures: %s\n", plot_error.message);
    return rc;
}

static int show_means(const struct fb_tune *tune, const struct arguments *a, struct fb_error *err)
{
    FILE *stream = a->json ? stderr : stdout;
    char *name = a->apply ? strdup(a->apply) : fb_means_name(a->config.file);
    if (!name)
        return fb_fail_memory(err, "a file name");
    int rc =
        a->json && !a->out ? 0 : fb_means_show(stream, a->config.file, name, tune, a->out, err);
    if (rc == 0 && a->apply)
        rc = fb_means_apply(stream, a->config.file, name, tune, &a->config.limits, err);
    free(name);
    return rc;
}

/* Every array that could be tuned gets the setting that was given. */
static int take_setting(const struct arguments *a, struct fb_tune *out, struct fb_error *err)
{
    struct fb_setting setting;
    int rc = fb_means_parse(a->setting, &setting, err);
    return rc ? rc : fb_tune_given(&a->config, &setting, out, err);
}

int fb_command_tune(int argc, char **argv, struct fb_error *err)
{
    struct fb_progress progress = { 0 };
    struct fb_tune tune;
    struct fb_setting *candidates = NULL;
    const char *tmp = getenv("TMPDIR");
    struct arguments a = {
        .config = {
            .size_weight = 1,
            .read_weight = 2,
            .max_size = INFINITY,
            .max_read = INFINITY,
            .handle = FB_HANDLE_ONCE,
            .seed = 1,
            .sample_bytes = SAMPLE_BYTES,
            .tmp = tmp && *tmp ? tmp : "/tmp",
            .limits = { .timeout_ns = TIMEOUT_S * UINT64_C(1000000000),
                        .memory_bytes = fb_memory_limit() },
            .listener = &progress,
            .say = fb_progress_say,
            .progress = fb_progress_update,
        },
    };
    a.config.arrays = a.arrays;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int rc = a.out ? fb_run_folder_is_free(a.out, err) : 0;
    if (rc == 0 && a.setting && (a.candidates || a.config.access || a.config.rounds))
        rc = fb_fail(err, FB_EUSAGE,
                     "--setting measures nothing: leave out --access, --candidates and --rounds");
    if (rc == 0 && a.apply)
        rc = fb_apply_check(a.config.file, a.apply, err);
    if (rc == 0 && a.candidates)
        rc = fb_means_list(a.candidates, &candidates, &a.config.candidate_count, err);
    if (rc)
        return rc;
    a.config.candidates = candidates;
    fb_progress_start(&progress);
    rc = a.setting ? take_setting(&a, &tune, err) : fb_tune_file(&a.config, &tune, err);
    fb_progress_end(&progress);
    free(candidates);
    if (rc)
        return rc;
    if (a.json)
        rc = fb_tune_show_json(&tune, err);
    else if (!a.setting)
        fb_tune_show(&tune, a.colour);
    else
        fb_tune_show_left_out(&tune);
    if (rc == 0 && a.out)
        rc = store(&tune, &a, err);
    if (rc == 0 && fb_means_any(&tune))
        rc = show_means(&tune, &a, err);
    if (rc == 0 && tune.interrupted)
        rc = fb_fail(err, FB_EINTERRUPTED, "interrupted: groups that were finished are shown");
    fb_tune_free(&tune);
    return rc;
}
