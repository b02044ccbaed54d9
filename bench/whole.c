#include "bench/whole.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* As many runs as half a second takes, within these bounds: ten give an interval with a rank to
 * spare at each end. */
#define RUNS_LEAST 10
#define RUNS_MOST 20
#define RUNS_NS UINT64_C(500000000)
#define START_NS                                                                                   \
    UINT64_C(25000000) /* of two processes, about: the command and what prepares it                \
                        */

/* --- which cells ------------------------------------------------------------------------------ */

static void wait_or_decline(struct fb_cell *cell)
{
    struct fb_record *record = &cell->record;
    bool active = cell->active;
    SET(record->clock, "process");
    SET(record->verification, "none");
    fb_cell_id(record);
    cell->active = false;
    if (!active)
        return; /* for the reason of its inner row */
    SET(record->status, "not-applicable");
    if (cell->subject->flags & FB_NO_FILE)
        SET(record->reason, "a whole process is timed with a file to read");
    else if (cell->task->variant[cell->subject->variant].plan.loading.batch)
        SET(record->reason, "an epoch is timed by its own clock: it has processes of its own");
    else if (!cell->subject->worker.own)
        SET(record->reason, "an external worker is no command that could be timed as a whole");
    else {
        SET(record->status, "not-run");
        SET(record->reason, "the run ended before its turn");
    }
}

int fb_whole_add(struct fb_whole *whole, struct fb_cells *cells, struct fb_error *err)
{
    size_t count = cells->count;
    struct fb_cell *items = reallocarray(cells->items, 2 * count + 1, sizeof *items);
    if (!items)
        return fb_fail_memory(err, "the cells");
    memcpy(items + count, items, count * sizeof *items);
    for (size_t i = count; i < 2 * count; i++)
        wait_or_decline(&items[i]);
    *cells = (struct fb_cells){ items, 2 * count };
    whole->first = count;
    return 0;
}

/* --- commands --------------------------------------------------------------------------------- */

static void put_option(FILE *stream, const char *name, const char *value)
{
    char *word;
    if (asprintf(&word, "--%s=%s", name, value) < 0)
        return; /* seen as a stream without memory would be: the command is incomplete and fails */
    fb_hyperfine_quote(stream, word);
    free(word);
}

static char *execute_command(const struct fb_cell *cell)
{
    const struct fb_subject *subject = cell->subject;
    char *text = NULL, buffer[32];
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    SET(buffer, "%" PRIu64, fb_block_buffer(&cell->task->variant[subject->variant].plan));
    fb_hyperfine_quote(stream, subject->worker.command);
    fb_hyperfine_quote(stream, "execute");
    put_option(stream, "format", subject->name);
    put_option(stream, "options", subject->options);
    put_option(stream, "file", cell->file->path);
    put_option(stream, "plan", cell->task->variant[subject->variant].path);
    put_option(stream, "handle", fb_handle_names[cell->handle]);
    put_option(stream, "buffer", buffer);
    fclose(stream);
    return text;
}

static char *prepare_command(const struct fb_cell *cell)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    fb_hyperfine_quote(stream, cell->subject->worker.command);
    fb_hyperfine_quote(stream, "evict");
    if (cell->cache == FB_CACHE_WARM)
        fb_hyperfine_quote(stream, "--warm");
    fb_hyperfine_quote(stream, "--");
    fb_hyperfine_quote(stream, cell->file->path);
    fclose(stream);
    return text;
}

/* --- one cell --------------------------------------------------------------------------------- */

static void mark(struct fb_cell *cell, const char *status, const char *why)
{
    SET(cell->record.status, "%s", status);
    SET(cell->record.reason, "%.500s", why);
    cell->active = false;
}

static uint64_t runs_for(const char *inner_id, const struct fb_iterations *iterations)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < iterations->count; i++)
        if (strcmp(iterations->items[i].cell_id, inner_id) == 0)
            ns = iterations->items[i].ns;
    uint64_t runs = RUNS_NS / (ns + START_NS);
    return runs < RUNS_LEAST ? RUNS_LEAST : runs > RUNS_MOST ? RUNS_MOST : runs;
}

/* Each run is a process of its own, and so a block of one iteration. */
static int keep_runs(const struct fb_cell *cell, const uint64_t *ns, uint64_t count, uint64_t block,
                     struct fb_iterations *iterations, struct fb_error *err)
{
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        struct fb_iteration iteration;
        fb_iteration_init(&iteration);
        SET(iteration.run_id, "%s", cell->record.run_id);
        SET(iteration.cell_id, "%s", cell->record.cell_id);
        iteration.round = i + 1;
        iteration.block = block + i;
        iteration.iteration = 0;
        iteration.warmup = 0;
        iteration.ns = ns[i];
        rc = fb_iterations_add(iterations, &iteration, err);
    }
    return rc;
}

static uint64_t next_block(const struct fb_iterations *iterations)
{
    uint64_t next = 0;
    for (size_t i = 0; i < iterations->count; i++)
        if (iterations->items[i].block >= next)
            next = iterations->items[i].block + 1;
    return next;
}

/* Once before hyperfine starts: where the cache state cannot be had, there is nothing to time. */
static bool can_prepare(struct fb_cell *cell)
{
    struct fb_error why;
    struct fb_cache_evidence evidence = { .device_bytes = FB_NA, .read_bytes = FB_NA };
    struct fb_record *record = &cell->record;
    char reason[sizeof record->cache_reason];
    int rc = fb_cache_prepare(cell->file->path, cell->cache, &why);
    if (rc == 0)
        rc = fb_cache_resident(cell->file->path, &evidence.resident, &why);
    if (rc) {
        mark(cell, "failed", why.message);
        return false;
    }
    bool proven = fb_cache_proven(cell->file->path, cell->cache, &evidence, reason, sizeof reason);
    if (!proven && !isnan(evidence.resident) && !fb_cache_settled(cell->cache, evidence.resident)) {
        mark(cell, "not-applicable", reason);
        return false;
    }
    SET(record->cache_state, "%s%s", proven ? "proven" : fb_cache_names[cell->cache],
        proven ? "" : "-unproven");
    SET(record->cache_reason, "%s", reason);
    return true;
}

static int time_cell(const struct fb_run_config *config, const struct fb_hyperfine *hyperfine,
                     struct fb_cell *cell, const char *inner_id, const char *export_path,
                     struct fb_iterations *iterations, struct fb_error *err)
{
    struct fb_error why;
    struct fb_process_limits limits = config->limits;
    char *command = execute_command(cell), *prepare = prepare_command(cell);
    uint64_t *ns = NULL;
    struct fb_hyperfine_job job = {
        .command = command,
        .prepare = prepare,
        .runs = runs_for(inner_id, iterations),
        .warmups = cell->cache == FB_CACHE_WARM,
        .export_path = export_path,
    };
    int rc = 0;
    if (!command || !prepare) {
        rc = fb_fail_memory(err, "a command");
        goto out;
    }
    /* Each run may take as long as a block. */
    limits.timeout_ns *= job.runs + job.warmups;
    rc = fb_hyperfine_run(hyperfine, &job, &limits, &ns, &why);
    if (cell->cache == FB_CACHE_COLD)
        fb_cache_forget(cell->file->path);
    if (rc == FB_EINTERRUPTED) {
        fb_fail(err, rc, "%s", why.message);
    } else if (rc) {
        mark(cell, "failed", why.message);
        rc = 0;
    } else {
        cell->active = true;
        SET(cell->record.stop_reason, "hyperfine");
        rc = keep_runs(cell, ns, job.runs, next_block(iterations), iterations, err);
    }
out:
    free(ns);
    free(command);
    free(prepare);
    return rc;
}

/* --- all -------------------------------------------------------------------------------------- */

/* How the data is stored has been found out while the inner cell was measured. */
static void take_storage(struct fb_record *record, const struct fb_record *inner)
{
    memcpy(record->layout, inner->layout, sizeof record->layout);
    memcpy(record->chunk, inner->chunk, sizeof record->chunk);
    memcpy(record->filters, inner->filters, sizeof record->filters);
    memcpy(record->fallback, inner->fallback, sizeof record->fallback);
    record->stored_bytes = inner->stored_bytes;
    record->chunk_cache_bytes = inner->chunk_cache_bytes;
}

int fb_whole_run(const struct fb_run_config *config, const struct fb_whole *whole,
                 struct fb_cells *cells, const char *folder, struct fb_iterations *iterations,
                 struct fb_error *err)
{
    char *export_path;
    if (asprintf(&export_path, "%s/hyperfine.json", folder) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < whole->first; i++) {
        const struct fb_cell *inner = &cells->items[i];
        struct fb_cell *cell = &cells->items[whole->first + i];
        if (strcmp(cell->record.status, "not-run") != 0)
            continue;
        config->progress(config->listener, i, whole->first, "whole processes");
        take_storage(&cell->record, &inner->record);
        if (!inner->active)
            mark(cell, "not-run", "the worker failed at the same reads");
        else if (can_prepare(cell))
            rc = time_cell(config, &whole->hyperfine, cell, inner->record.cell_id, export_path,
                           iterations, err);
    }
    free(export_path);
    return rc;
}
