#include "bench/runner.h"
#include "base/clock.h"
#include "base/random.h"
#include "bench/schedule.h"
#include "results/statistics.h"
#include "results/stopping.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* A run's rounds while they go on. */
struct rounds {
    const struct fb_run_config *config;
    struct fb_cells *cells;
    struct fb_measured *measured;
    struct fb_random random;
    uint64_t start_ns;
    uint64_t round;                  /* 1, 2, ... */
    uint64_t block;                  /* running number */
    struct fb_candidate *candidates; /* room for all cells, as everything below */
    size_t *open, *order;            /* cells that need blocks; numbers within open */
    uint64_t *scratch;               /* room for the blocks of any cell */
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
    take_text(storage, "fallback", record->fallback, sizeof record->fallback);
    fb_message_uint(storage, "stored_bytes", &record->stored_bytes);
    fb_message_uint(storage, "chunk_cache_bytes", &record->chunk_cache_bytes);
}

static int keep_iterations(const struct fb_cell *cell, const struct rounds *rounds,
                           const struct fb_block_result *result, uint64_t began_ns,
                           struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < result->count; i++) {
        struct fb_iteration iteration = {
            .schema_version = FB_SCHEMA_VERSION,
            .round = rounds->round,
            .block = rounds->block,
            .iteration = i,
            .warmup = i < result->warmups,
            .ns = result->ns[i],
            .start_ns = began_ns - rounds->start_ns,
        };
        SET(iteration.run_id, "%s", cell->record.run_id);
        SET(iteration.cell_id, "%s", cell->record.cell_id);
        rc = fb_iterations_add(&rounds->measured->iterations, &iteration, err);
    }
    return rc;
}

/* Those of timed iterations. */
static int keep_batches(const struct fb_cell *cell, const struct rounds *rounds,
                        const struct fb_block_result *result, struct fb_error *err)
{
    size_t batches = result->batches, count = result->count * batches;
    int rc = 0;
    for (size_t i = result->warmups * batches; rc == 0 && i < count; i++) {
        struct fb_batch_record batch = {
            .schema_version = FB_SCHEMA_VERSION,
            .round = rounds->round,
            .block = rounds->block,
            .iteration = i / batches,
            .batch = i % batches,
            .wait_ns = result->batches_ns[i],
        };
        SET(batch.run_id, "%s", cell->record.run_id);
        SET(batch.cell_id, "%s", cell->record.cell_id);
        rc = fb_batches_add(&rounds->measured->batches, &batch, err);
    }
    return rc;
}

static int keep_block(const struct fb_cell *cell, const struct rounds *rounds,
                      const struct fb_block_result *result, uint64_t began_ns, struct fb_error *err)
{
    struct fb_block_record block = {
        .schema_version = FB_SCHEMA_VERSION,
        .round = rounds->round,
        .block = rounds->block,
        .start_ns = began_ns - rounds->start_ns,
        .wall_ns = fb_clock_ns() - began_ns,
        .iterations = result->count - result->warmups,
        .counted = result->counted,
        .asked_bytes = result->counted * cell->record.request_bytes,
        .read_bytes = result->counters.read_bytes,
        .read_calls = result->counters.read_calls,
        .device_bytes = result->counters.device_bytes,
        .minor_faults = result->counters.minor_faults,
        .major_faults = result->counters.major_faults,
        .user_ns = result->counters.user_ns,
        .system_ns = result->counters.system_ns,
        .peak_bytes = result->peak_bytes,
        .resident_before = result->resident_before,
        .resident_after = result->resident_after,
        .steal_ns = result->machine.steal_ns,
        .pressure_ns = result->machine.pressure_ns,
        .floor_copy_ns = result->floor.copy_ns,
        .floor_read_ns = result->floor.read_ns,
        .floor_inflate_ns = result->floor.inflate_ns,
    };
    if (result->counted == 0)
        block.asked_bytes = block.counted = FB_NA;
    SET(block.run_id, "%s", cell->record.run_id);
    SET(block.cell_id, "%s", cell->record.cell_id);
    return fb_blocks_add(&rounds->measured->blocks, &block, err);
}

/* One unproven block makes the row unproven; the first one's reason stands. */
static void judge_cache(struct fb_cell *cell, const struct fb_block_result *result)
{
    char why[sizeof cell->record.cache_reason];
    struct fb_cache_evidence evidence = {
        .resident = result->resident_before,
        .device_bytes = result->counters.device_bytes,
        .read_bytes = result->counters.read_bytes,
        .asked_bytes = result->counted * cell->record.request_bytes,
        .file_bytes = cell->file->file_bytes == FB_NA ? 0 : cell->file->file_bytes,
    };
    if (fb_cache_proven(cell->file->path, cell->cache, &evidence, why, sizeof why)) {
        if (!cell->record.cache_state[0])
            SET(cell->record.cache_state, "proven");
    } else if (!cell->record.cache_reason[0]) {
        SET(cell->record.cache_state, "%s-unproven", fb_cache_names[cell->cache]);
        SET(cell->record.cache_reason, "%s", why);
    }
}

static void mark_failed(struct fb_cell *cell, bool wrong_data, const struct fb_error *why)
{
    SET(cell->record.status, "%s", wrong_data ? "wrong-data" : "failed");
    SET(cell->record.reason, "%.500s", why->message);
    SET(cell->record.verification, "not verified");
    cell->active = false;
}

/* --- enough? ---------------------------------------------------------------------------------- */

static int keep_value(struct fb_cell *cell, const struct fb_block_result *result, uint64_t wall_ns,
                      struct fb_error *err)
{
    size_t timed = result->count - result->warmups;
    if ((cell->blocks & (cell->blocks - 1)) == 0) {
        size_t room = cell->blocks ? 2 * cell->blocks : 1;
        uint64_t *grown = reallocarray(cell->values, room, sizeof *grown);
        if (!grown)
            return fb_fail_memory(err, "the blocks");
        cell->values = grown;
    }
    fb_sort_u64(result->ns + result->warmups, timed);
    cell->values[cell->blocks++] = fb_median_u64(result->ns + result->warmups, timed);
    cell->wall_ns += wall_ns;
    return 0;
}

static void settle(struct fb_cell *cell, const char *reason)
{
    cell->settled = true;
    SET(cell->record.stop_reason, "%s", reason);
}

/* Behind each block of a cell. */
static void consider(const struct rounds *rounds, struct fb_cell *cell)
{
    const struct fb_run_config *config = rounds->config;
    if (config->blocks) {
        if (cell->blocks >= config->blocks)
            settle(cell, "blocks");
        return;
    }
    if (!fb_is_look(cell->blocks))
        return;
    cell->record.looks++;
    cell->imprecision = fb_imprecision(cell->values, cell->blocks, rounds->scratch);
    if (cell->imprecision <= config->precision)
        settle(cell, "precision");
    else if (cell->blocks >= FB_BLOCKS_MOST)
        settle(cell, "most-blocks");
}

/* Time is up: the last look of those that were looked at before, and had blocks since. */
static void run_out(struct fb_cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        struct fb_cell *cell = &cells->items[i];
        if (!cell->active || cell->settled)
            continue;
        cell->record.looks += cell->record.looks > 0 && !fb_is_look(cell->blocks);
        settle(cell, "time-limit");
    }
}

static bool time_is_up(const struct rounds *rounds)
{
    return !rounds->config->blocks &&
           fb_clock_ns() - rounds->start_ns >= rounds->config->time_limit_ns;
}

/* A cell that has too few blocks for an interval gets them, however late it is. */
static bool wants_block(const struct rounds *rounds, const struct fb_cell *cell)
{
    return cell->active && !cell->settled &&
           (cell->blocks < FB_BLOCKS_LEAST || !time_is_up(rounds));
}

/* --- one block of a cell ---------------------------------------------------------------------- */

/* The floor is the same whatever the handle, and takes about as long as the cell: every third block
 * of `once` has it. */
static bool wants_floor(const struct fb_cell *cell)
{
    return cell->handle == FB_HANDLE_ONCE && cell->blocks % 3 == 0;
}

static int run_block(struct rounds *rounds, struct fb_cell *cell, struct fb_error *err)
{
    const struct fb_subject *subject = cell->subject;
    const struct fb_plan *plan = &cell->task->variant[subject->variant].plan;
    bool no_file = subject->flags & FB_NO_FILE;
    struct fb_block_result result;
    struct fb_error why;
    struct fb_block_job job = {
        .worker = &subject->worker,
        .limits = rounds->config->limits,
        .job = {
            .format = subject->name,
            .options = subject->options,
            .file = cell->file->path,
            .plan = cell->task->variant[subject->variant].path,
            .handle = cell->handle,
            .deliver_bytes = !subject->worker.own,
            .buffer = fb_block_buffer(plan),
            .storage = !cell->record.layout[0] && !no_file,
            .loading = plan->loading,
        },
        .no_file = no_file,
        .cache = cell->cache,
        .counters = !rounds->config->no_counters,
        .floor = wants_floor(cell),
        .plan = plan,
        .expected = no_file ? NULL : cell->task->variant[subject->variant].hashes,
    };
    job.job.loading.memory_bytes = job.limits.memory_bytes;
    uint64_t began = fb_clock_ns();
    int rc = fb_block_run(&job, &result, &why);
    if (rc == FB_EINTERRUPTED)
        return fb_fail(err, rc, "%s", why.message);
    if (rc) {
        mark_failed(cell, result.wrong_data, &why);
        return 0;
    }
    if (!no_file)
        judge_cache(cell, &result);
    take_storage(&cell->record, result.storage);
    rc = keep_iterations(cell, rounds, &result, began, err);
    if (rc == 0)
        rc = keep_batches(cell, rounds, &result, err);
    if (rc == 0)
        rc = keep_block(cell, rounds, &result, began, err);
    if (rc == 0)
        rc = keep_value(cell, &result, fb_clock_ns() - began, err);
    if (rc == 0)
        consider(rounds, cell);
    rounds->block++;
    fb_block_result_free(&result);
    return rc;
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* The cells of the next round into `order`, as numbers within `open`. */
static size_t choose(struct rounds *rounds)
{
    const struct fb_run_config *config = rounds->config;
    size_t count = 0;
    for (size_t i = 0; i < rounds->cells->count; i++) {
        const struct fb_cell *cell = &rounds->cells->items[i];
        if (!wants_block(rounds, cell))
            continue;
        rounds->candidates[count] = (struct fb_candidate){
            .blocks = cell->blocks,
            .imprecision = config->blocks ? INFINITY : cell->imprecision,
            .block_ns = cell->blocks ? cell->wall_ns / cell->blocks : 0,
        };
        rounds->open[count++] = i;
    }
    uint64_t elapsed = fb_clock_ns() - rounds->start_ns;
    uint64_t remaining = elapsed < config->time_limit_ns ? config->time_limit_ns - elapsed : 0;
    return fb_schedule(rounds->candidates, count, config->precision, remaining, rounds->order);
}

static uint64_t count_active(const struct fb_cells *cells)
{
    uint64_t count = 0;
    for (size_t i = 0; i < cells->count; i++)
        count += cells->items[i].active;
    return count;
}

/* How far the run is: by blocks where their number is fixed, else by time; the fewest blocks of
 * every cell may take longer than the time limit. */
static void show_progress(const struct rounds *rounds, size_t to_go)
{
    const struct fb_run_config *config = rounds->config;
    char what[96];
    uint64_t cells = count_active(rounds->cells);
    uint64_t done = rounds->block, total = cells * config->blocks;
    SET(what, "round %llu, %zu rows to go", (unsigned long long)rounds->round, to_go);
    if (!config->blocks) {
        uint64_t elapsed = fb_clock_ns() - rounds->start_ns;
        uint64_t least = cells * FB_BLOCKS_LEAST;
        uint64_t each = rounds->block ? elapsed / rounds->block : 0;
        done = elapsed;
        total = config->time_limit_ns > each * least ? config->time_limit_ns : each * least;
    }
    config->progress(config->listener, done < total ? done : total, total, what);
}

static int run_round(struct rounds *rounds, size_t count, struct fb_error *err)
{
    int rc = 0;
    rounds->round++;
    fb_random_shuffle(&rounds->random, rounds->order, count);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct fb_cell *cell = &rounds->cells->items[rounds->open[rounds->order[i]]];
        show_progress(rounds, count);
        if (wants_block(rounds, cell))
            rc = run_block(rounds, cell, err);
    }
    return rc;
}

/* Late rounds are short: they are saved together. */
#define SAVE_NS UINT64_C(3000000000)

int fb_cells_run(const struct fb_run_config *config, struct fb_cells *cells,
                 struct fb_measured *measured, int (*save)(void *context, struct fb_error *err),
                 void *context, struct fb_error *err)
{
    size_t count = cells->count + 1, chosen;
    uint64_t most = config->blocks > FB_BLOCKS_MOST ? config->blocks : FB_BLOCKS_MOST;
    struct rounds rounds = {
        .config = config,
        .cells = cells,
        .measured = measured,
        .start_ns = fb_clock_ns(),
        .candidates = calloc(count, sizeof *rounds.candidates),
        .open = calloc(count, sizeof *rounds.open),
        .order = calloc(count, sizeof *rounds.order),
        .scratch = calloc((size_t)most, sizeof *rounds.scratch),
    };
    int rc = 0;
    uint64_t saved = fb_clock_ns();
    if (!rounds.candidates || !rounds.open || !rounds.order || !rounds.scratch)
        rc = fb_fail_memory(err, "the rounds");
    fb_random_seed(&rounds.random, config->seed);
    while (rc == 0 && (chosen = choose(&rounds)) > 0) {
        rc = run_round(&rounds, chosen, err);
        if (rc == 0 && (rounds.round == 1 || fb_clock_ns() - saved > SAVE_NS)) {
            rc = save(context, err);
            saved = fb_clock_ns();
        }
    }
    if (rc == 0)
        run_out(cells);
    free(rounds.candidates);
    free(rounds.open);
    free(rounds.order);
    free(rounds.scratch);
    return rc;
}
