#include "bench/run.h"
#include "base/clock.h"
#include "base/output.h"
#include "base/random.h"
#include "bench/anatomy/collect.h"
#include "bench/environment.h"
#include "bench/runner.h"
#include "bench/whole.h"
#include "results/statistics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* All that a run holds while it works. */
struct state {
    const struct fb_run_config *config;
    char run_id[64];
    char *folder, *files_folder;
    bool made_folder; /* by this run: removed again if nothing comes of it */
    struct fb_dataset dataset;
    struct fb_subjects subjects;
    struct fb_files files;
    struct fb_tasks tasks;
    struct fb_cells cells;
    struct fb_whole whole; /* with --whole-process */
    struct fb_measured measured;
};

/* --- the run folder --------------------------------------------------------------------------- */

static char *in_folder(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* Time and a few random digits: sorted by age, and two runs of one second do not meet. */
void fb_run_id(char *buf, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    char stamp[32];
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &utc);
    snprintf(buf, size, "%s-%04x", stamp,
             (unsigned)(fb_random_stream(fb_clock_ns(), (uint64_t)getpid()) & 0xffff));
}

int fb_run_folder_is_free(const char *folder, struct fb_error *err)
{
    static const struct {
        const char *file, *what;
    } taken[] = { { "results.csv", "a run" }, { "anatomy.csv", "an explanation" },
                  { "claims.csv", "claims" }, { "tune.csv", "a search" },
                  { "gate.csv", "a gate" },   { "compare.csv", "a comparison" } };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof taken / sizeof *taken; i++) {
        char *path = in_folder(folder, taken[i].file);
        if (!path)
            rc = fb_fail_memory(err, "a file name");
        else if (access(path, F_OK) == 0)
            rc = fb_fail(err, FB_EUSAGE,
                         "%s holds %s already; name another folder with -o, or remove it", folder,
                         taken[i].what);
        free(path);
    }
    return rc;
}

static int make_folder(struct state *state, struct fb_error *err)
{
    fb_run_id(state->run_id, sizeof state->run_id);
    if (state->config->out)
        state->folder = strdup(state->config->out);
    else if (asprintf(&state->folder, "results/runs/%s", state->run_id) < 0)
        state->folder = NULL;
    state->files_folder = state->folder ? in_folder(state->folder, "files") : NULL;
    if (!state->files_folder)
        return fb_fail_memory(err, "a folder name");
    int rc = fb_run_folder_is_free(state->folder, err);
    state->made_folder = access(state->folder, F_OK) != 0;
    return rc ? rc : fb_make_folder(state->files_folder, err);
}

/* --- records ---------------------------------------------------------------------------------- */

/* The cell's record with what has been measured until now. */
static int finish_record(const struct fb_cell *cell, const struct fb_measured *measured,
                         struct fb_record *record, struct fb_error *err)
{
    *record = cell->record;
    if (cell->active) {
        SET(record->status, "ok");
        record->reason[0] = '\0';
    }
    if (fb_summarise(record, &measured->blocks, &measured->iterations) ||
        fb_summarise_batches(record, &measured->batches, &measured->iterations))
        return fb_fail_memory(err, "statistics");
    if (cell->active && (record->blocks == 0 || record->blocks == FB_NA)) {
        SET(record->status, "not-run");
        SET(record->reason, "the run ended before its turn");
    }
    bool ok = strcmp(record->status, "ok") == 0;
    if (!ok)
        record->stop_reason[0] = '\0';
    if (!ok && strcmp(record->verification, "none") != 0)
        SET(record->verification, "not verified");
    return 0;
}

static bool has_failed(const struct fb_cells *cells, const char *cell_id)
{
    for (size_t c = 0; c < cells->count; c++)
        if (!cells->items[c].active && strcmp(cells->items[c].record.cell_id, cell_id) == 0)
            return true;
    return false;
}

/* Times of cells that failed are not reported, not even one by one. */
static void withhold(const struct fb_cells *cells, struct fb_measured *measured)
{
    size_t kept = 0;
    for (size_t i = 0; i < measured->iterations.count; i++)
        if (!has_failed(cells, measured->iterations.items[i].cell_id))
            measured->iterations.items[kept++] = measured->iterations.items[i];
    measured->iterations.count = kept;
    kept = 0;
    for (size_t i = 0; i < measured->blocks.count; i++)
        if (!has_failed(cells, measured->blocks.items[i].cell_id))
            measured->blocks.items[kept++] = measured->blocks.items[i];
    measured->blocks.count = kept;
    kept = 0;
    for (size_t i = 0; i < measured->batches.count; i++)
        if (!has_failed(cells, measured->batches.items[i].cell_id))
            measured->batches.items[kept++] = measured->batches.items[i];
    measured->batches.count = kept;
}

static int make_records(struct state *state, struct fb_run *out, struct fb_error *err)
{
    int rc = 0;
    withhold(&state->cells, &state->measured);
    for (size_t i = 0; rc == 0 && i < state->cells.count; i++) {
        struct fb_record record;
        rc = finish_record(&state->cells.items[i], &state->measured, &record, err);
        if (rc == 0)
            rc = fb_records_add(&out->records, &record, err);
    }
    if (rc == 0)
        fb_rank(&out->records);
    if (rc == 0)
        fb_share_floors(&out->records);
    return rc;
}

/* --- writing ---------------------------------------------------------------------------------- */

static json_t *run_facts(const struct state *state, bool interrupted)
{
    const struct fb_run_config *config = state->config;
    json_t *facts = json_pack(
        "{s:s, s:I, s:I, s:f, s:I, s:b, s:I, s:I, s:I, s:b, s:s}", "run_id", state->run_id, "seed",
        (json_int_t)config->seed, "blocks", (json_int_t)config->blocks, "precision",
        config->precision, "time_limit_ns", (json_int_t)config->time_limit_ns, "counters",
        !config->no_counters, "block_timeout_ns", (json_int_t)config->limits.timeout_ns,
        "memory_limit_bytes", (json_int_t)config->limits.memory_bytes, "max_bytes",
        (json_int_t)config->max_bytes, "interrupted", interrupted, "cold",
        "cold means this machine's page cache; a host below may still hold the data");
    /* The one text that comes from outside, and may be no UTF-8. */
    json_t *dataset = json_string(state->dataset.name);
    if (config->whole_process)
        json_object_set_new(facts, "hyperfine", json_string(state->whole.hyperfine.version));
    json_object_set_new(facts, "dataset", dataset ? dataset : json_string("n/a"));
    return facts;
}

static int write_all(const struct state *state, const struct fb_run *run, struct fb_error *err)
{
    char *results = in_folder(state->folder, "results.csv");
    char *iterations = in_folder(state->folder, "iterations.csv");
    char *blocks = in_folder(state->folder, "blocks.csv");
    char *batches = in_folder(state->folder, "batches.csv");
    char *plan = in_folder(state->folder, "plan.csv");
    char *environment = in_folder(state->folder, "environment.json");
    int rc = 0;
    if (!results || !iterations || !blocks || !batches || !plan || !environment)
        rc = fb_fail_memory(err, "file names");
    if (rc == 0)
        rc = fb_tasks_write(&state->tasks, plan, err);
    if (rc == 0)
        rc = fb_environment_write(environment, state->folder, run_facts(state, run->interrupted),
                                  state->subjects.libraries, err);
    if (rc == 0)
        rc = fb_iterations_write(&state->measured.iterations, iterations, err);
    if (rc == 0)
        rc = fb_blocks_write(&state->measured.blocks, blocks, err);
    if (rc == 0 && state->measured.batches.count > 0)
        rc = fb_batches_write(&state->measured.batches, batches, err);
    if (rc == 0)
        rc = fb_records_write(&run->records, results, err);
    free(results);
    free(iterations);
    free(blocks);
    free(batches);
    free(plan);
    free(environment);
    return rc;
}

/* Behind each round, so that whatever stops the run later costs one round at the most. */
static int save(void *context, struct fb_error *err)
{
    struct fb_run so_far = { 0 };
    int rc = make_records(context, &so_far, err);
    if (rc == 0)
        rc = write_all(context, &so_far, err);
    fb_run_free(&so_far);
    return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void variants_needed(const struct fb_subjects *subjects, bool needed[FB_VARIANT_COUNT])
{
    for (size_t i = 0; i < subjects->count; i++)
        needed[subjects->items[i].variant] = true;
}

static int prepare(struct state *state, struct fb_error *err)
{
    const struct fb_run_config *config = state->config;
    bool needed[FB_VARIANT_COUNT] = { false };
    int rc = config->whole_process ? fb_hyperfine_find(&state->whole.hyperfine, err) : 0;
    if (rc == 0)
        rc = fb_dataset_open(config, &state->dataset, err);
    if (rc == 0)
        rc = fb_subjects_make(config, &state->dataset, &state->subjects, err);
    if (rc)
        return rc;
    variants_needed(&state->subjects, needed);
    /* Plans come before files: a workload that is spelled wrongly should not cost a conversion. */
    rc = make_folder(state, err);
    if (rc == 0)
        rc =
            fb_tasks_make(config, &state->dataset, needed, state->files_folder, &state->tasks, err);
    if (rc == 0)
        rc = fb_files_make(config, &state->dataset, &state->subjects, state->files_folder,
                           &state->files, err);
    if (rc == 0)
        rc = fb_cells_make(config, &state->subjects, &state->files, &state->tasks, &state->dataset,
                           state->run_id, &state->cells, err);
    if (rc == 0 && config->whole_process)
        rc = fb_whole_add(&state->whole, &state->cells, err);
    return rc;
}

static void release(struct state *state)
{
    fb_cells_free(&state->cells);
    fb_tasks_free(&state->tasks);
    fb_files_free(&state->files, state->config->keep_files);
    fb_subjects_free(&state->subjects);
    fb_dataset_close(&state->dataset);
    free(state->measured.blocks.items);
    free(state->measured.iterations.items);
    free(state->measured.batches.items);
    /* Both go only when they are empty. */
    if (state->files_folder)
        rmdir(state->files_folder);
    if (state->folder && state->made_folder)
        rmdir(state->folder);
    free(state->files_folder);
    free(state->folder);
}

int fb_run(const struct fb_run_config *config, struct fb_run *out, struct fb_error *err)
{
    struct state state = { .config = config };
    *out = (struct fb_run){ 0 };
    int rc = prepare(&state, err);
    if (rc == 0) {
        fb_dataset_close_sources(&state.dataset);
        fb_files_forget(&state.files);
        rc = fb_cells_run(config, &state.cells, &state.measured, save, &state, err);
        /* What comes now may take long, and may fail: the rounds are safe. */
        if (rc == 0)
            rc = save(&state, err);
        if (rc == 0 && config->anatomy)
            rc = fb_anatomy_collect(config, &state.cells, state.folder, err);
        if (rc == 0 && config->whole_process)
            rc = fb_whole_run(config, &state.whole, &state.cells, state.files_folder,
                              &state.measured.iterations, err);
        out->interrupted = rc == FB_EINTERRUPTED;
        if (out->interrupted)
            rc = 0;
    }
    if (rc == 0)
        rc = make_records(&state, out, err);
    if (rc == 0)
        rc = write_all(&state, out, err);
    if (rc == 0) {
        out->folder = strdup(state.folder);
        if (!out->folder)
            rc = fb_fail_memory(err, "a folder name");
    }
    release(&state);
    if (rc)
        fb_run_free(out);
    return rc;
}

void fb_run_free(struct fb_run *run)
{
    free(run->records.items);
    free(run->folder);
    *run = (struct fb_run){ 0 };
}

size_t fb_run_count(const struct fb_run *run, const char *status)
{
    size_t count = 0;
    for (size_t i = 0; i < run->records.count; i++)
        count += strcmp(run->records.items[i].status, status) == 0;
    return count;
}
