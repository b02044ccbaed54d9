#include "bench/claims/study.h"
#include "base/interrupt.h"
#include "base/number.h"
#include "base/output.h"
#include "bench/adapter.h"
#include "bench/claims/plan.h"
#include "bench/run.h"
#include "datasets/importers.h"
#include "formats/format.h"
#include "results/label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* The default dataset, which is made as large as a run needs it. */
#define DEFAULT_SOURCE "synth:samples=%zu,dtype=f64"
static const struct fb_claims_extents default_extents = { 24, 6, 48, { 1, 12, 48, 192 }, 4 };
static const struct fb_claims_extents quick_extents = { 8, 2, 32, { 1, 8, 32 }, 3 };

/* Time for rounds beyond the first six blocks of every row, a run. */
#define SECONDS 6
#define SECONDS_QUICK 1
#define PRECISION 0.03

/* Notes that runs repeat are told once. */
#define NOTES_MOST 64

struct state {
    const struct fb_run_config *config;
    struct fb_claims_study *study;
    struct fb_evidence evidence;
    struct fb_claims_extents extents;
    bool absent[FB_CONTESTANTS]; /* cannot be measured here */
    char *source;                /* SOURCE as the runs take it; NULL for the default */
    bool made_folder;
    size_t run, runs; /* the one under way, of all */
    char *notes[NOTES_MOST];
    size_t note_count;
};

/* --- the source ------------------------------------------------------------------------------- */

static bool has_dtype(const struct fb_option *options)
{
    while (options->name && strcmp(options->name, "dtype") != 0)
        options++;
    return options->name;
}

/* SPEC, made to deliver float64 where it could: the guide's pickle holds that, its HDF5 file
 * float32. What was asked for by name stays. */
static char *widen(const char *spec)
{
    char *wide = NULL;
    struct stat st;
    bool exists = stat(spec, &st) == 0;
    for (size_t i = 0; fb_importers[i]; i++) {
        const struct fb_importer *importer = fb_importers[i];
        size_t length = strlen(importer->name);
        bool named = !exists && strncmp(spec, importer->name, length) == 0 &&
                     (spec[length] == ':' || !spec[length]);
        bool found = exists && importer->recognises && importer->recognises(spec);
        if ((!named && !found) || !has_dtype(importer->options) || (found && strchr(spec, ',')))
            continue;
        if (named && strstr(spec, "dtype="))
            break;
        if (named ? asprintf(&wide, "%s%sdtype=f64", spec,
                             spec[length] && spec[length + 1] ? ","
                             : spec[length]                   ? ""
                                                              : ":")
                  : asprintf(&wide, "%s:%s,dtype=f64", importer->name, spec))
            return wide;
    }
    return strdup(spec);
}

/* Samples from the first on whose arrays have at most `limit` bytes together; one at least. */
static size_t samples_within(const struct fb_catalog *catalog, uint64_t limit)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < catalog->array_count; i++) {
        bytes += catalog->arrays[i].bytes;
        if (bytes > limit)
            return catalog->arrays[i].sample ? catalog->arrays[i].sample : 1;
    }
    return catalog->sample_count;
}

static int open_source(struct state *state, struct fb_error *err)
{
    const struct fb_run_config *config = state->config;
    struct fb_source *source;
    if (!config->source) {
        state->extents = config->quick ? quick_extents : default_extents;
        return asprintf(&state->study->dataset, DEFAULT_SOURCE, state->extents.main) < 0
                   ? fb_fail_memory(err, "a source")
                   : 0;
    }
    state->source = widen(config->source);
    if (!state->source)
        return fb_fail_memory(err, "a source");
    int rc = fb_source_open(state->source, NULL, NULL, &source, err);
    if (rc)
        return rc;
    const struct fb_catalog *catalog = fb_source_catalog(source);
    size_t there = samples_within(
        catalog, config->max_bytes > UINT64_MAX / 4 ? UINT64_MAX : 4 * config->max_bytes);
    size_t main_samples = samples_within(catalog, config->max_bytes);
    if (there < catalog->sample_count || main_samples < there)
        fb_config_say(config,
                      "taking %zu of %zu samples, and up to %zu where datasets grow "
                      "(--max-bytes)",
                      main_samples, catalog->sample_count, there);
    fb_claims_extents_of(there, main_samples, config->quick, &state->extents);
    state->study->dataset = strdup(source->name);
    if (catalog->sample_count == 0)
        rc = fb_fail(err, FB_ENOTHING, "%s has no arrays that can be read", config->source);
    else if (!state->study->dataset)
        rc = fb_fail_memory(err, "a source");
    fb_source_close(source);
    return rc;
}

/* --- the folder ------------------------------------------------------------------------------- */

static int make_folder(struct state *state, struct fb_error *err)
{
    const char *out = state->config->out;
    time_t now = time(NULL);
    struct tm utc;
    char stamp[32];
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &utc);
    if (asprintf(&state->study->folder, out ? "%s" : "results/runs/claims-%s", out ? out : stamp) <
        0) {
        state->study->folder = NULL;
        return fb_fail_memory(err, "a folder name");
    }
    int rc = fb_run_folder_is_free(state->study->folder, err);
    state->made_folder = rc == 0 && access(state->study->folder, F_OK) != 0;
    return rc ? rc : fb_make_folder(state->study->folder, err);
}

/* --- the contestants -------------------------------------------------------------------------- */

/* Those that cannot be measured here are told once, and their claims say why. */
static void find_contestants(struct state *state)
{
    struct fb_worker worker;
    struct fb_error why;
    bool told = false;
    for (size_t who = 0; who < FB_CONTESTANTS; who++) {
        const struct fb_format *format = fb_format_find(fb_contestants[who].format);
        if (!format->adapter || fb_adapter_worker(format, &worker, &why) == 0)
            continue;
        state->absent[who] = true;
        fb_evidence_explain(&state->evidence, format->name, why.message);
        if (!told)
            fb_config_say(state->config, "claims that need it are not measured: %s", why.message);
        told = true;
    }
}

/* --- one run ---------------------------------------------------------------------------------- */

static void on_say(void *listener, const char *message)
{
    struct state *state = listener;
    for (size_t i = 0; i < state->note_count; i++)
        if (strcmp(state->notes[i], message) == 0)
            return;
    if (state->note_count < NOTES_MOST && (state->notes[state->note_count] = strdup(message)))
        state->note_count++;
    state->config->say(state->config->listener, message);
}

/* Each run has the same share of the line; within it, making files and measuring. */
static void on_progress(void *listener, uint64_t done, uint64_t total, const char *what)
{
    struct state *state = listener;
    char text[160];
    uint64_t within = total ? done * 1000 / total : 0;
    SET(text, "%zu of %zu runs, %.100s", state->run + 1, state->runs, what);
    state->config->progress(state->config->listener, state->run * 1000 + within, state->runs * 1000,
                            text);
}

struct run_plan {
    const struct fb_claims_part *part;
    char name[32];
    size_t samples;
    uint64_t blocks;
    char specs[FB_CLAIMS_FORMATS_MOST][256]; /* of contestants */
    const char *formats[FB_CLAIMS_FORMATS_MOST];
    size_t format_count;
};

static void list_formats(const struct state *state, struct run_plan *plan)
{
    const struct fb_claims_part *part = plan->part;
    for (unsigned who = 0; who < FB_CONTESTANTS; who++) {
        if (!(part->contestants & (1u << who)) || state->absent[who])
            continue;
        char *spec = plan->specs[plan->format_count];
        snprintf(spec, sizeof plan->specs[0], "%s%s%s", fb_contestants[who].format,
                 *fb_contestants[who].options ? ":" : "", fb_contestants[who].options);
        plan->formats[plan->format_count++] = spec;
    }
    for (size_t i = 0; part->formats && part->formats[i]; i++)
        plan->formats[plan->format_count++] = part->formats[i];
}

/* What a run of the study is asked to do; the strings are the state's and the plan's. */
static struct fb_run_config configure(struct state *state, const struct run_plan *plan,
                                      const char *source, const char *folder)
{
    const struct fb_claims_part *part = plan->part;
    struct fb_run_config config = {
        .source = source,
        .samples = state->source ? plan->samples : 0,
        .formats = plan->formats,
        .format_count = plan->format_count,
        .workloads = part->workloads,
        .cache = { true, part->cold },
        .handles_given = true,
        .blocks = plan->blocks,
        .precision = PRECISION,
        .time_limit_ns = (state->config->quick ? SECONDS_QUICK : SECONDS) * UINT64_C(1000000000),
        .seed = state->config->seed,
        .max_bytes = UINT64_MAX,
        .limits = state->config->limits,
        .out = folder,
        .listener = state,
        .say = on_say,
        .progress = on_progress,
    };
    while (part->workloads[config.workload_count])
        config.workload_count++;
    for (int handle = 0; handle < FB_HANDLE_COUNT; handle++)
        config.handle[handle] = part->handles & (1u << handle);
    return config;
}

static void count_failures(struct fb_claims_study *study, const char *name,
                           const struct fb_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        if (strcmp(record->status, "failed") != 0 && strcmp(record->status, "wrong-data") != 0)
            continue;
        if (study->failed++ == 0)
            SET(study->failure, "%s: %.60s, %.60s: %.300s", name, record->format, record->workload,
                record->reason);
    }
}

static int make_run(struct state *state, struct run_plan *plan, struct fb_error *err)
{
    struct fb_run run = { 0 };
    char *source = NULL, *folder = NULL;
    int rc = 0;
    list_formats(state, plan);
    if (plan->format_count == 0)
        return 0;
    if (asprintf(&folder, "%s/%s", state->study->folder, plan->name) < 0 ||
        (state->source ? (source = strdup(state->source)) == NULL
                       : asprintf(&source, DEFAULT_SOURCE, plan->samples) < 0))
        rc = fb_fail_memory(err, "a run");
    if (rc == 0) {
        struct fb_run_config config = configure(state, plan, source, folder);
        rc = fb_run(&config, &run, err);
    }
    if (rc == 0) {
        state->study->interrupted |= run.interrupted;
        count_failures(state->study, plan->name, &run.records);
        rc = fb_evidence_read(&state->evidence, state->study->folder, plan->name, err);
    } else if (rc == FB_EINTERRUPTED) {
        state->study->interrupted = true; /* before anything was measured */
        rc = 0;
    } else {
        fb_fail_in(err, "%s", plan->name);
    }
    fb_run_free(&run);
    free(folder);
    free(source);
    return rc;
}

/* --- all runs --------------------------------------------------------------------------------- */

static size_t repeats_of(const struct state *state, const struct fb_claims_part *part)
{
    return part->extent == FB_EXTENT_GROWING ? state->extents.growing_count
           : part->extent == FB_EXTENT_TWO   ? 2
           : part->repeats                   ? part->repeats
                                             : 1;
}

static size_t samples_of(const struct fb_claims_extents *extents, enum fb_claims_extent extent,
                         size_t number)
{
    switch (extent) {
    case FB_EXTENT_SMALL:
        return extents->small;
    case FB_EXTENT_LARGE:
        return extents->large;
    case FB_EXTENT_GROWING:
        return extents->growing[number];
    case FB_EXTENT_TWO:
        return number == 0 ? extents->growing[0] : extents->large;
    default:
        return extents->main;
    }
}

static struct run_plan plan_run(const struct state *state, const struct fb_claims_part *part,
                                size_t number)
{
    struct run_plan plan = { .part = part, .blocks = part->blocks };
    if (repeats_of(state, part) > 1 || part->extent == FB_EXTENT_GROWING)
        SET(plan.name, "%s%zu", part->name, number + 1);
    else
        SET(plan.name, "%s", part->name);
    plan.samples = samples_of(&state->extents, part->extent, number);
    if (plan.blocks == 0)
        plan.blocks = state->config->blocks;
    if (part->repeats && number > 0)
        plan.blocks = 1;
    return plan;
}

static int make_runs(struct state *state, struct fb_error *err)
{
    int rc = 0;
    for (const struct fb_claims_part *part = fb_claims_parts; part->name; part++)
        state->runs += repeats_of(state, part);
    for (const struct fb_claims_part *part = fb_claims_parts; part->name; part++) {
        for (size_t k = 0; k < repeats_of(state, part); k++, state->run++) {
            if (rc || state->study->interrupted || fb_interrupted())
                return rc;
            struct run_plan plan = plan_run(state, part, k);
            rc = make_run(state, &plan, err);
        }
    }
    return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int write_claims(const struct state *state, struct fb_error *err)
{
    const struct fb_claims_study *study = state->study;
    char *csv = NULL, *markdown = NULL;
    int rc = 0;
    if (asprintf(&csv, "%s/claims.csv", study->folder) < 0 ||
        asprintf(&markdown, "%s/claims.md", study->folder) < 0)
        rc = fb_fail_memory(err, "file names");
    if (rc == 0)
        rc = fb_claims_markdown(&study->figures, study->dataset, markdown, err);
    if (rc == 0)
        rc = fb_figures_write(&study->figures, csv, err);
    free(csv);
    free(markdown);
    return rc;
}

int fb_claims_study(const struct fb_run_config *config, struct fb_claims_study *out,
                    struct fb_error *err)
{
    struct state state = { .config = config, .study = out };
    *out = (struct fb_claims_study){ 0 };
    int rc = open_source(&state, err);
    if (rc == 0)
        rc = make_folder(&state, err);
    if (rc == 0) {
        find_contestants(&state);
        rc = make_runs(&state, err);
    }
    if (rc == 0)
        rc = fb_claims_judge(&state.evidence, &out->figures, err);
    if (rc == 0)
        rc = write_claims(&state, err);
    if (rc && state.made_folder)
        rmdir(out->folder); /* goes only when it is empty */
    for (size_t i = 0; i < state.note_count; i++)
        free(state.notes[i]);
    fb_evidence_free(&state.evidence);
    free(state.source);
    if (rc)
        fb_claims_study_free(out);
    return rc;
}

void fb_claims_study_free(struct fb_claims_study *study)
{
    fb_figures_free(&study->figures);
    free(study->folder);
    free(study->dataset);
    *study = (struct fb_claims_study){ 0 };
}
