#include "bench/runner.h"
#include "base/clock.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

struct round {
    uint64_t number;   /* 1, 2, ... */
    uint64_t start_ns; /* of the run */
    uint64_t *block;   /* running number */
};

/* --- one block -------------------------------------------------------------------------------- */

static void take_text(const json_t *object, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text)
        snprintf(to, size, "%s", text);
}

static void take_storage(struct fb_record *record, const json_t *storage)
{
    if (!storage)
        return;
    take_text(storage, "layout", record->layout, sizeof record->layout);
    take_text(storage, "chunk", record->chunk, sizeof record->chunk);
    take_text(storage, "filters", record->filters, sizeof record->filters);
    fb_message_uint(storage, "stored_bytes", &record->stored_bytes);
    fb_message_uint(storage, "chunk_cache_bytes", &record->chunk_cache_bytes);
}

static int keep_iterations(const struct fb_cell *cell, const struct round *round,
                           const struct fb_block_result *result, uint64_t began_ns,
                           struct fb_iterations *iterations, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < result->count; i++) {
        struct fb_iteration iteration = {
            .schema_version = FB_SCHEMA_VERSION,
            .round = round->number,
            .block = *round->block,
            .iteration = i,
            .warmup = i < result->warmups,
            .ns = result->ns[i],
            .start_ns = began_ns - round->start_ns,
            .resident_before = result->resident_before,
            .peak_bytes = result->peak_bytes,
        };
        SET(iteration.run_id, "%s", cell->record.run_id);
        SET(iteration.cell_id, "%s", cell->record.cell_id);
        rc = fb_iterations_add(iterations, &iteration, err);
    }
    return rc;
}

static void mark_failed(struct fb_cell *cell, bool wrong_data, const struct fb_error *why)
{
    SET(cell->record.status, "%s", wrong_data ? "wrong-data" : "failed");
    SET(cell->record.reason, "%.500s", why->message);
    SET(cell->record.verification, "not verified");
    cell->active = false;
}

static int run_block(const struct fb_run_config *config, struct fb_cell *cell,
                     const struct round *round, struct fb_iterations *iterations,
                     struct fb_error *err)
{
    const struct fb_subject *subject = cell->subject;
    const struct fb_plan *plan = &cell->task->variant[subject->variant].plan;
    bool no_file = subject->flags & FB_NO_FILE;
    struct fb_block_result result;
    struct fb_error why;
    struct fb_block_job job = {
        .worker = &subject->worker,
        .limits = config->limits,
        .job = {
            .format = subject->name,
            .options = subject->options,
            .file = cell->file->path,
            .plan = cell->task->variant[subject->variant].path,
            .handle = cell->handle,
            .deliver_bytes = !subject->worker.own,
            .buffer = fb_block_buffer(plan),
            .storage = !cell->record.layout[0] && !no_file,
        },
        .no_file = no_file,
        .cache = cell->cache,
        .plan = plan,
        .expected = no_file ? NULL : cell->task->variant[subject->variant].hashes,
    };
    uint64_t began = fb_clock_ns();
    int rc = fb_block_run(&job, &result, &why);
    if (rc == FB_EINTERRUPTED)
        return fb_fail(err, rc, "%s", why.message);
    if (rc) {
        mark_failed(cell, result.wrong_data, &why);
        return 0;
    }
    if (!no_file && !fb_cache_proven(cell->cache, result.resident_before))
        cell->unproven = true;
    take_storage(&cell->record, result.storage);
    rc = keep_iterations(cell, round, &result, began, iterations, err);
    ++*round->block;
    fb_block_result_free(&result);
    return rc;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static int run_round(const struct fb_run_config *config, struct fb_cells *cells, size_t *order,
                     size_t count, const struct round *round, uint64_t *done, uint64_t total,
                     struct fb_iterations *iterations, struct fb_error *err)
{
    char what[64];
    int rc = 0;
    SET(what, "round %llu of %llu", (unsigned long long)round->number,
        (unsigned long long)config->blocks);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct fb_cell *cell = &cells->items[order[i]];
        config->progress(config->listener, (*done)++, total, what);
        if (cell->active)
            rc = run_block(config, cell, round, iterations, err);
    }
    return rc;
}

int fb_cells_run(const struct fb_run_config *config, struct fb_cells *cells,
                 struct fb_iterations *iterations,
                 int (*after_round)(void *context, struct fb_error *err), void *context,
                 struct fb_error *err)
{
    struct fb_random random;
    uint64_t block = 0, done = 0, start = fb_clock_ns();
    size_t *order = calloc(cells->count + 1, sizeof *order), count = 0;
    if (!order)
        return fb_fail_memory(err, "the order of blocks");
    for (size_t i = 0; i < cells->count; i++)
        if (cells->items[i].active)
            order[count++] = i;
    fb_random_seed(&random, config->seed);
    int rc = 0;
    for (uint64_t number = 1; rc == 0 && number <= config->blocks; number++) {
        struct round round = { number, start, &block };
        fb_random_shuffle(&random, order, count);
        rc = run_round(config, cells, order, count, &round, &done, count * config->blocks,
                       iterations, err);
        if (rc == 0)
            rc = after_round(context, err);
    }
    free(order);
    return rc;
}
