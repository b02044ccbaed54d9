/* The rows of a run: which combinations there are, and what stands in their records before anything
 * is measured. */
#include "base/number.h"
#include "bench/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

static void not_applicable(struct fb_record *record, const char *reason)
{
    SET(record->status, "not-applicable");
    SET(record->reason, "%s", reason);
}

static bool delivers_nothing(const struct fb_cell *cell)
{
    const struct fb_plan *plan = &cell->task->variant[cell->subject->variant].plan;
    return plan->count > 0 && fb_plan_bytes(plan) == 0;
}

static const char *verification(const struct fb_cell *cell, const struct fb_dataset *dataset)
{
    /* A request for nothing delivers nothing that could be checked. */
    if ((cell->subject->flags & FB_NO_FILE) || delivers_nothing(cell))
        return "none";
    if ((cell->subject->flags & FB_AS_IS) && dataset->self_reference)
        return "repeatable";
    return "verified";
}

static void describe(struct fb_cell *cell, const struct fb_dataset *dataset, const char *run_id)
{
    struct fb_record *record = &cell->record;
    const struct fb_subject *subject = cell->subject;
    const struct fb_file *file = cell->file;
    const struct fb_plan *plan = &cell->task->variant[subject->variant].plan;
    fb_record_init(record);
    record->schema_version = FB_SCHEMA_VERSION;
    SET(record->run_id, "%s", run_id);
    SET(record->dataset, "%.500s", dataset->name);
    record->dataset_bytes =
        fb_catalog_bytes(fb_source_catalog(fb_dataset_source(dataset, subject->variant)));
    SET(record->format, "%s", subject->name);
    SET(record->options, "%s", subject->options);
    SET(record->workload, "%s", cell->task->workload->name);
    SET(record->workload_options, "%s", cell->task->options);
    SET(record->cache, "%s", fb_cache_names[cell->cache]);
    SET(record->handle, "%s", fb_handle_names[cell->handle]);
    SET(record->clock, "inner");
    SET(record->role, "%s", subject->flags & FB_REFERENCE ? "reference" : "contender");
    SET(record->verification, "%s", verification(cell, dataset));
    record->requests = plan->count;
    record->request_bytes = fb_plan_asked_bytes(plan);
    record->write_ns = file->write_ns;
    record->write_cpu_ns = file->write_cpu_ns;
    record->file_bytes = file->file_bytes;
    fb_cell_id(record);
}

/* Why the plan cannot be loaded in batches; "" where it can, or need not be. */
static void judge_loading(const struct fb_cell *cell, uint64_t memory_bytes, char *why, size_t size)
{
    const struct fb_plan *plan = &cell->task->variant[cell->subject->variant].plan;
    char needed[32], limit[32];
    why[0] = '\0';
    if (plan->loading.batch == 0)
        return;
    if (!cell->subject->epoch)
        snprintf(why, size, "its worker has no loader: its hello does not say \"epoch\":true");
    else if (fb_block_buffer(plan) > memory_bytes)
        snprintf(why, size,
                 "the batches that are under way together take %s, the memory limit is %s; take a "
                 "smaller batch=, length= or prefetch=, or raise --memory-limit",
                 fb_format_bytes(fb_block_buffer(plan), needed, sizeof needed),
                 fb_format_bytes(memory_bytes, limit, sizeof limit));
}

static void judge(struct fb_cell *cell, uint64_t memory_bytes)
{
    char why[sizeof cell->record.reason];
    struct fb_record *record = &cell->record;
    unsigned flags = cell->subject->flags;
    judge_loading(cell, memory_bytes, why, sizeof why);
    if (*cell->file->reason && cell->file->failed) {
        SET(record->status, "failed");
        SET(record->reason, "%s", cell->file->reason);
    } else if (*cell->file->reason) {
        not_applicable(record, cell->file->reason);
    } else if (*cell->task->reason) {
        not_applicable(record, cell->task->reason);
    } else if (*why) {
        not_applicable(record, why);
    } else if (cell->cache == FB_CACHE_COLD && (flags & FB_NO_FILE)) {
        not_applicable(record, "it has no file that could be cold");
    } else if (cell->handle != FB_HANDLE_ONCE && (flags & FB_LOADS_WHOLE)) {
        not_applicable(record,
                       "it loads the whole file when it opens: keep would time memcpy, each "
                       "would load the file for every request");
    } else if (cell->handle != FB_HANDLE_ONCE && cell->task->workload->once_only) {
        not_applicable(record, cell->task->workload->once_only);
    } else {
        SET(record->status, "not-run");
        SET(record->reason, "the run ended before its turn");
        SET(record->stop_reason, "interrupted");
        record->looks = 0;
        cell->active = true;
    }
}

/* Without --handle, `each` and `keep` are measured where they say something. Of one call `each`
 * would be `once` again. */
static bool wanted(const struct fb_run_config *config, const struct fb_subject *subject,
                   const struct fb_task *task, enum fb_handle handle)
{
    if (handle == FB_HANDLE_ONCE || config->handles_given)
        return config->handle[handle];
    if (handle == FB_HANDLE_EACH && fb_plan_calls(&task->variant[subject->variant].plan) == 1)
        return false;
    return config->handle[handle] && task->workload->handles && !(subject->flags & FB_LOADS_WHOLE);
}

int fb_cells_make(const struct fb_run_config *config, const struct fb_subjects *subjects,
                  const struct fb_files *files, const struct fb_tasks *tasks,
                  const struct fb_dataset *dataset, const char *run_id, struct fb_cells *out,
                  struct fb_error *err)
{
    size_t most = subjects->count * tasks->count * FB_CACHE_COUNT * FB_HANDLE_COUNT;
    *out = (struct fb_cells){ .items = calloc(most + 1, sizeof *out->items) };
    if (!out->items)
        return fb_fail_memory(err, "the cells");
    for (size_t t = 0; t < tasks->count; t++) {
        for (size_t s = 0; s < subjects->count; s++) {
            for (int cache = 0; cache < FB_CACHE_COUNT; cache++) {
                for (int handle = 0; handle < FB_HANDLE_COUNT; handle++) {
                    if (!config->cache[cache] || !wanted(config, &subjects->items[s],
                                                         &tasks->items[t], (enum fb_handle)handle))
                        continue;
                    struct fb_cell *cell = &out->items[out->count++];
                    *cell = (struct fb_cell){
                        .subject = &subjects->items[s],
                        .file = &files->items[files->by_subject[s]],
                        .task = &tasks->items[t],
                        .cache = (enum fb_cache)cache,
                        .handle = (enum fb_handle)handle,
                        .imprecision = INFINITY,
                    };
                    describe(cell, dataset, run_id);
                    judge(cell, config->limits.memory_bytes);
                }
            }
        }
    }
    return 0;
}

void fb_cells_free(struct fb_cells *cells)
{
    for (size_t i = 0; i < cells->count; i++)
        free(cells->items[i].values);
    free(cells->items);
    *cells = (struct fb_cells){ 0 };
}
