#include "bench/anatomy/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

#define ENOUGH_NS UINT64_C(500000000)
#define ITERATIONS_MOST 15
#define PROCESSES 3

/* The fastest of three processes: what else the machine does only ever adds. */
int fb_anatomy_take(const struct fb_block_job *job, struct fb_anatomy *out, struct fb_error *err)
{
    int rc = fb_anatomy_run(job, 1, out, err);
    if (rc || job->cache == FB_CACHE_COLD || out->total_ns > ENOUGH_NS)
        return rc;
    uint64_t count = ENOUGH_NS / PROCESSES / (out->total_ns + 1);
    count = count > ITERATIONS_MOST ? ITERATIONS_MOST : count | 1;
    for (int i = 0; rc == 0 && i < PROCESSES; i++) {
        struct fb_anatomy another;
        rc = fb_anatomy_run(job, (unsigned)count, &another, err);
        if (rc == 0 && (i == 0 || another.total_ns < out->total_ns))
            *out = another;
    }
    return rc;
}

void fb_anatomy_fill(const struct fb_anatomy *anatomy, struct fb_anatomy_record *record)
{
    const struct fb_trace_counts *counts = &anatomy->counts;
    record->total_ns = anatomy->total_ns;
    record->open_ns = anatomy->ns[FB_PART_OPEN];
    record->lookup_ns = anatomy->ns[FB_PART_LOOKUP];
    record->metadata_io_ns = anatomy->ns[FB_PART_META_IO];
    record->raw_io_ns = anatomy->ns[FB_PART_RAW_IO];
    record->library_ns = anatomy->ns[FB_PART_LIBRARY];
    record->unexplained_ns = anatomy->unexplained_ns;
    record->asked_bytes = counts->asked_bytes;
    record->metadata_reads = counts->meta_reads;
    record->metadata_bytes = counts->meta_bytes;
    record->raw_reads = counts->raw_reads;
    record->raw_bytes = counts->raw_bytes;
    record->chunks_touched = counts->chunks_touched;
    if (anatomy->filters_hidden)
        return;
    record->inflate_ns = anatomy->ns[FB_PART_INFLATE];
    record->unshuffle_ns = anatomy->ns[FB_PART_UNSHUFFLE];
    record->chunks_inflated = counts->chunks_inflated;
    record->chunks_again = counts->chunks_again;
    record->inflated_bytes = counts->inflated_bytes;
    record->deflated_bytes = counts->deflated_bytes;
    if (counts->asked_bytes > 0)
        record->inflate_amplification =
            (double)counts->inflated_bytes / (double)counts->asked_bytes;
    /* Plain chunks are not inflated, whether the cache has them or not. */
    if (counts->chunks_inflated > 0 && counts->chunks_touched >= counts->chunks_inflated)
        record->chunk_cache_hits = counts->chunks_touched - counts->chunks_inflated;
}

/* --- cells of a run --------------------------------------------------------------------------- */

static void describe(const struct fb_cell *cell, struct fb_anatomy_record *record)
{
    const struct fb_record *from = &cell->record;
    fb_anatomy_record_init(record);
    SET(record->run_id, "%s", from->run_id);
    SET(record->cell_id, "%s", from->cell_id);
    SET(record->dataset, "%s", from->dataset);
    SET(record->format, "%s", from->format);
    SET(record->options, "%s", from->options);
    SET(record->workload, "%s", from->workload);
    SET(record->workload_options, "%s", from->workload_options);
    SET(record->cache, "%s", from->cache);
    SET(record->handle, "%s", from->handle);
    SET(record->verification, "%s", from->verification);
    SET(record->layout, "%s", from->layout);
    SET(record->chunk, "%s", from->chunk);
    SET(record->filters, "%s", from->filters);
    record->requests = from->requests;
    record->stored_bytes = from->stored_bytes;
    record->chunk_cache_bytes = from->chunk_cache_bytes;
}

static int take_cell(const struct fb_run_config *config, const struct fb_cell *cell,
                     struct fb_anatomy_record *record, struct fb_error *err)
{
    const struct fb_subject *subject = cell->subject;
    const struct fb_plan *plan = &cell->task->variant[subject->variant].plan;
    struct fb_anatomy anatomy;
    struct fb_block_job job = {
        .worker = &subject->worker,
        .limits = config->limits,
        .job = {
            .format = subject->name,
            .options = subject->options,
            .file = cell->file->path,
            .plan = cell->task->variant[subject->variant].path,
            .handle = cell->handle,
            .buffer = fb_block_buffer(plan),
        },
        .cache = cell->cache,
        .plan = plan,
        .expected = cell->task->variant[subject->variant].hashes,
    };
    describe(cell, record);
    int rc = fb_anatomy_take(&job, &anatomy, err);
    if (rc == 0)
        fb_anatomy_fill(&anatomy, record);
    return rc;
}

static bool has_anatomy(const struct fb_cell *cell)
{
    const struct fb_format *format = fb_format_find(cell->subject->name);
    return cell->active && cell->cache == FB_CACHE_WARM && cell->subject->worker.own && format &&
           format->open_traced;
}

/* `ended` is how the passes ended; err speaks of that unless writing fails. */
static int write_anatomies(const struct fb_anatomies *anatomies, const char *folder, int ended,
                           struct fb_error *err)
{
    struct fb_error why;
    char *path;
    if (asprintf(&path, "%s/anatomy.csv", folder) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = fb_anatomies_write(anatomies, path, &why);
    free(path);
    return rc ? fb_fail(err, rc, "%s", why.message) : ended;
}

int fb_anatomy_collect(const struct fb_run_config *config, const struct fb_cells *cells,
                       const char *folder, struct fb_error *err)
{
    struct fb_anatomies anatomies = { 0 };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < cells->count; i++) {
        struct fb_anatomy_record record;
        struct fb_error why;
        if (!has_anatomy(&cells->items[i]))
            continue;
        config->progress(config->listener, i, cells->count, "anatomy");
        int failed = take_cell(config, &cells->items[i], &record, &why);
        if (failed == FB_EINTERRUPTED)
            rc = fb_fail(err, failed, "%s", why.message);
        else if (failed)
            fb_config_say(config, "no anatomy of %s, %s, %s: %s", record.format, record.workload,
                          record.handle, why.message);
        else
            rc = fb_anatomies_add(&anatomies, &record, err);
    }
    if (rc == 0 && anatomies.count == 0)
        fb_config_say(config, "no anatomy: no warm row of a format that has one was measured");
    if ((rc == 0 || rc == FB_EINTERRUPTED) && anatomies.count > 0)
        rc = write_anatomies(&anatomies, folder, rc, err);
    free(anatomies.items);
    return rc;
}
