#include "bench/gate/sides.h"
#include "base/clock.h"
#include "base/output.h"
#include "bench/anatomy/pass.h"
#include "results/statistics.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* --- workers ---------------------------------------------------------------------------------- */

/* The command is parted at blanks. */
static int check_words(const struct fb_gate_side *side, const char *program, struct fb_error *err)
{
    for (size_t i = 0; i < side->env_count; i++) {
        const char *sign = strchr(side->env[i], '=');
        if (!sign || sign == side->env[i] || strchr(side->env[i], ' '))
            return fb_fail(err, FB_EUSAGE, "'%s' is not NAME=VALUE, without blanks", side->env[i]);
    }
    if (side->env_count && strchr(program, ' ') && !side->worker)
        return fb_fail(err, FB_EUSAGE,
                       "variables cannot be set for %s, which has a blank in its path", program);
    return 0;
}

/* `env NAME=VALUE ... PROGRAM worker`. Both sides deliver in the same manner: where one's hashes
 * cannot be believed, both give their bytes. */
static int make_worker(const struct fb_gate_side *side, bool plain, struct fb_worker *worker,
                       struct fb_error *err)
{
    const struct fb_worker own = fb_own_worker();
    const char *program = side->worker ? side->worker : own.command;
    size_t used = 0;
    if (plain && !side->worker && side->env_count == 0)
        return 0;
    int rc = check_words(side, program, err);
    *worker = (struct fb_worker){ .own = false };
    if (side->env_count)
        used = (size_t)SET(worker->command, "env");
    for (size_t i = 0; i < side->env_count && used < sizeof worker->command; i++)
        used += (size_t)snprintf(worker->command + used, sizeof worker->command - used, " %s",
                                 side->env[i]);
    if (used < sizeof worker->command)
        used += (size_t)snprintf(worker->command + used, sizeof worker->command - used, "%s%s%s",
                                 used ? " " : "", program, side->worker ? "" : " worker");
    if (rc == 0 && used >= sizeof worker->command)
        rc = fb_fail(err, FB_EUSAGE, "the worker's command is too long");
    return rc;
}

static int make_subjects(const struct fb_run_config *config, const struct fb_gate_side *side,
                         bool plain, const struct fb_dataset *dataset, struct fb_subjects *out,
                         struct fb_error *err)
{
    struct fb_run_config own = *config;
    if (side->format) {
        own.formats = &side->format;
        own.format_count = 1;
    }
    int rc = fb_subjects_make(&own, dataset, out, err);
    for (size_t i = 0; rc == 0 && i < out->count; i++)
        rc = make_worker(side, plain, &out->items[i].worker, err);
    return rc;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool same_file(const struct fb_subject *a, const struct fb_subject *b)
{
    return strcmp(a->writer, b->writer) == 0 && strcmp(a->written, b->written) == 0 &&
           strcmp(a->suffix, b->suffix) == 0;
}

/* B's own files, and where it reads what A reads, A's. */
static int make_b_files(const struct fb_run_config *config, struct fb_gate_ground *ground,
                        struct fb_error *err)
{
    const struct fb_subjects *a = &ground->side[FB_SIDE_A].subjects;
    const struct fb_subjects *b = &ground->side[FB_SIDE_B].subjects;
    struct fb_files *files = &ground->side[FB_SIDE_B].files;
    char *folder;
    bool all = true;
    for (size_t i = 0; i < b->count; i++)
        all &= same_file(&a->items[i], &b->items[i]);
    if (!all) {
        if (asprintf(&folder, "%s/b", ground->folder) < 0)
            return fb_fail_memory(err, "a folder name");
        int rc = fb_make_folder(folder, err);
        if (rc == 0)
            rc = fb_files_make(config, &ground->dataset, b, folder, files, err);
        free(folder);
        return rc;
    }
    const struct fb_files *from = &ground->side[FB_SIDE_A].files;
    files->items = calloc(from->count + 1, sizeof *files->items);
    files->by_subject = calloc(b->count + 1, sizeof *files->by_subject);
    if (!files->items || !files->by_subject)
        return fb_fail_memory(err, "the files");
    memcpy(files->by_subject, from->by_subject, b->count * sizeof *files->by_subject);
    for (; files->count < from->count; files->count++) {
        struct fb_file *file = &files->items[files->count];
        *file = from->items[files->count];
        file->made = false; /* by A */
        if (!file->path)
            continue; /* the reason why there is none is copied */
        file->path = strdup(file->path);
        if (!file->path)
            return fb_fail_memory(err, "a file name");
    }
    return 0;
}

/* A file that stands in for SOURCE: its format reads files as they are. */
static int put_file(const struct fb_gate_side *side, const struct fb_subjects *subjects,
                    struct fb_files *files, struct fb_error *err)
{
    for (size_t i = 0; side->file && i < subjects->count; i++) {
        struct fb_file *file = &files->items[files->by_subject[i]];
        if (!(subjects->items[i].flags & FB_AS_IS))
            return fb_fail(err, FB_EUSAGE,
                           "%s is read as it is: leave out %s, or give no file for a side",
                           side->file, subjects->items[i].name);
        free(file->path);
        file->path = strdup(side->file);
        if (!file->path)
            return fb_fail_memory(err, "a file name");
        if (fb_path_bytes(file->path, &file->file_bytes, err))
            return FB_EIO;
    }
    return 0;
}

/* --- cells ------------------------------------------------------------------------------------ */

/* Options of a format of ours that somebody gave; those of others as they are. */
static void given_options(const struct fb_record *record, char *buf, size_t size)
{
    char spec[sizeof record->format + sizeof record->options + 1];
    const struct fb_format *format;
    struct fb_options options;
    struct fb_error ignored;
    SET(spec, "%s:%s", record->format, record->options);
    if (fb_format_parse(spec, &format, &options, &ignored) == 0)
        fb_options_given(&options, buf, size);
    else
        snprintf(buf, size, "%.100s", record->options);
}

static void name_match(struct fb_gate_match *match, bool in_full)
{
    const struct fb_record *record = &match->side[FB_SIDE_A]->record;
    char options[101];
    given_options(record, options, sizeof options);
    SET(match->name, "%.40s%s%s %.30s%s%.50s %.6s %.6s", record->format, *options ? ":" : "",
        options, record->workload, in_full && *record->workload_options ? ":" : "",
        in_full ? record->workload_options : "", record->cache, record->handle);
}

/* Names are short, and where that leaves two alike, with the workload's options. */
static void name_matches(struct fb_gate_ground *ground)
{
    for (size_t i = 0; i < ground->count; i++)
        name_match(&ground->matches[i], false);
    for (size_t i = 0; i < ground->count; i++) {
        bool alike = false;
        char name[sizeof ground->matches[i].name];
        SET(name, "%s", ground->matches[i].name);
        for (size_t k = i + 1; k < ground->count; k++)
            if (strcmp(ground->matches[k].name, name) == 0) {
                name_match(&ground->matches[k], true);
                alike = true;
            }
        if (alike)
            name_match(&ground->matches[i], true);
    }
}

static void judge_match(struct fb_gate_match *match)
{
    for (int s = 0; s < 2 && !*match->reason; s++)
        if (!match->side[s]->active)
            SET(match->reason, "side %c: %.480s", "AB"[s], match -> side[s] -> record.reason);
}

static int make_matches(struct fb_gate_ground *ground, struct fb_error *err)
{
    const struct fb_cells *a = &ground->side[FB_SIDE_A].cells, *b = &ground->side[FB_SIDE_B].cells;
    if (a->count != b->count)
        return fb_fail(err, FB_EUSAGE, "side A has %zu cells and side B %zu", a->count, b->count);
    ground->matches = calloc(a->count + 1, sizeof *ground->matches);
    if (!ground->matches)
        return fb_fail_memory(err, "the cells");
    for (size_t i = 0; i < a->count; i++) {
        struct fb_gate_match match = { .side = { &a->items[i], &b->items[i] } };
        judge_match(&match);
        /* What can be read on neither side is no cell of the gate. */
        if (match.side[0]->active || match.side[1]->active ||
            strcmp(match.side[0]->record.status, "not-applicable") != 0)
            ground->matches[ground->count++] = match;
    }
    name_matches(ground);
    if (ground->count)
        return 0;
    return fb_fail(err, FB_ENOTHING, "there is nothing to compare%s%s", a->count ? ": " : "",
                   a->count ? a->items[0].record.reason : "");
}

int fb_gate_ground_make(const struct fb_run_config *config, const struct fb_gate_side sides[2],
                        const char *folder, struct fb_gate_ground *out, struct fb_error *err)
{
    const bool plain =
        !sides[0].worker && !sides[1].worker && sides[0].env_count == 0 && sides[1].env_count == 0;
    bool needed[FB_VARIANT_COUNT] = { false };
    *out = (struct fb_gate_ground){ .folder = strdup(folder) };
    int rc = out->folder ? fb_dataset_open(config, &out->dataset, err)
                         : fb_fail_memory(err, "a folder name");
    for (int s = 0; rc == 0 && s < 2; s++)
        rc = make_subjects(config, &sides[s], plain, &out->dataset, &out->side[s].subjects, err);
    if (rc == 0 && out->side[0].subjects.count != out->side[1].subjects.count)
        rc = fb_fail(err, FB_EUSAGE,
                     "a format for one side stands for the one format of the gate: "
                     "give one -f");
    for (int s = 0; rc == 0 && s < 2; s++)
        for (size_t i = 0; i < out->side[s].subjects.count; i++)
            needed[out->side[s].subjects.items[i].variant] = true;
    if (rc == 0)
        rc = fb_tasks_make(config, &out->dataset, needed, folder, &out->tasks, err);
    if (rc == 0)
        rc = fb_files_make(config, &out->dataset, &out->side[FB_SIDE_A].subjects, folder,
                           &out->side[FB_SIDE_A].files, err);
    if (rc == 0)
        rc = make_b_files(config, out, err);
    for (int s = 0; rc == 0 && s < 2; s++)
        rc = put_file(&sides[s], &out->side[s].subjects, &out->side[s].files, err);
    for (int s = 0; rc == 0 && s < 2; s++)
        rc = fb_cells_make(config, &out->side[s].subjects, &out->side[s].files, &out->tasks,
                           &out->dataset, "gate", &out->side[s].cells, err);
    if (rc == 0)
        rc = make_matches(out, err);
    if (rc)
        fb_gate_ground_free(out);
    else
        fb_dataset_close_sources(&out->dataset);
    for (int s = 0; rc == 0 && s < 2; s++)
        fb_files_forget(&out->side[s].files);
    return rc;
}

void fb_gate_ground_free(struct fb_gate_ground *ground)
{
    free(ground->matches);
    for (int s = 1; s >= 0; s--) {
        fb_cells_free(&ground->side[s].cells);
        fb_files_free(&ground->side[s].files, false);
        fb_subjects_free(&ground->side[s].subjects);
    }
    fb_tasks_free(&ground->tasks);
    fb_dataset_close(&ground->dataset);
    free(ground->folder);
    *ground = (struct fb_gate_ground){ 0 };
}

/* --- a block ---------------------------------------------------------------------------------- */

static void mean_counters(const struct fb_block_result *result, struct fb_counters *out)
{
    for (const struct fb_counter_name *name = fb_counter_names; name->name; name++) {
        uint64_t value;
        memcpy(&value, (const char *)&result->counters + name->offset, sizeof value);
        value = result->counted && value != FB_NA ? value / result->counted : FB_NA;
        memcpy((char *)out + name->offset, &value, sizeof value);
    }
}

static struct fb_block_job make_job(const struct fb_run_config *config,
                                    const struct fb_gate_side *side, const struct fb_cell *cell)
{
    const struct fb_subject *subject = cell->subject;
    const struct fb_plan *plan = &cell->task->variant[subject->variant].plan;
    const bool no_file = subject->flags & FB_NO_FILE;
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
            .loading = plan->loading,
            .handicap = side->handicap,
        },
        .no_file = no_file,
        .cache = cell->cache,
        .counters = true,
        .plan = plan,
        .expected = no_file ? NULL : cell->task->variant[subject->variant].hashes,
    };
    job.job.loading.memory_bytes = job.limits.memory_bytes;
    return job;
}

/* A block of either side under way. */
struct half {
    struct fb_block_job job;
    bool threaded;
    struct fb_block *block;
    struct fb_block_result result;
};

/* Cold is cold once, and one file may be that of both: one block behind the other. The counters are
 * evidence of the cold, and looked at in every one. */
static int run_apart(struct half halves[2], const int order[2], int *failed, struct fb_error *err)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < 2; i++) {
        *failed = order[i];
        rc = fb_block_run(&halves[order[i]].job, &halves[order[i]].result, err);
    }
    return rc;
}

/* Both workers of a pair run on one processor, by turns on each: two of them may differ by a third
 * in what a neighbour leaves them. Children have what their parent has when they are started. What
 * is to run side by side, a loader's workers and a reader's threads, is left alone. */
static bool pin(const struct half halves[2], cpu_set_t *before)
{
    cpu_set_t one;
    if (halves[0].job.plan->loading.batch || halves[0].threaded || halves[1].threaded ||
        sched_getaffinity(0, sizeof *before, before) != 0)
        return false;
    int count = CPU_COUNT(before),
        nth = count > 0 ? (int)(fb_clock_ns() / 1000 % (unsigned)count) : 0;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, before) && nth-- == 0)
            CPU_SET(cpu, &one);
    return count > 1 && sched_setaffinity(0, sizeof one, &one) == 0;
}

/* Iterations of either side in a pair of warm blocks last so long together. With three of 2.7 ms
 * the middle half of pairs of identical sides lay within 3.8 %, with nine within 2.3 %: starting
 * the workers takes 50 ms in any case. */
#define BLOCK_NS UINT64_C(25000000)
#define ITERATIONS_MAX 50

static uint64_t repeats(uint64_t ns)
{
    return BLOCK_NS / (ns ? ns : 1) < ITERATIONS_MAX ? BLOCK_NS / (ns ? ns : 1) + 1
                                                     : ITERATIONS_MAX;
}

/* Warm blocks take turns, iteration by iteration, so that both see the same machine: A B B A A B.
 */
static int run_together(struct half halves[2], const int order[2], bool counted, int *failed,
                        struct fb_error *err)
{
    int rc = 0;
    uint64_t slower = 0, counts = 0;
    cpu_set_t before;
    const bool pinned = pin(halves, &before);
    for (int i = 0; rc == 0 && i < 2; i++) {
        struct half *half = &halves[ *failed = order[i]];
        rc = fb_block_open(&half->job, &half->block, &half->result, err);
        if (rc == 0)
            rc = fb_block_iterate(half->block, 1, false, &half->result, err);
        half->result.warmups = 1;
        if (rc == 0 && half->result.ns[0] > slower)
            slower = half->result.ns[0];
    }
    if (pinned)
        sched_setaffinity(0, sizeof before, &before);
    if (rc == 0)
        counts = repeats(slower);
    for (uint64_t i = 0; rc == 0 && i < 2 * counts; i++) {
        struct half *half = &halves[ *failed = order[(i + 1) / 2 % 2]];
        rc = fb_block_iterate(half->block, 1, false, &half->result, err);
    }
    /* Looking at counters would make a short iteration longer: one of their own. */
    for (int i = 0; rc == 0 && counted && i < 2; i++) {
        struct half *half = &halves[ *failed = order[i]];
        rc = fb_block_iterate(half->block, 1, true, &half->result, err);
        half->result.count -= rc == 0;
    }
    for (int i = 0; i < 2; i++) {
        struct fb_error why;
        int closed = fb_block_close(halves[i].block, rc, &halves[i].result, rc ? &why : err);
        if (rc == 0 && closed) {
            rc = closed;
            *failed = i;
        }
    }
    return rc;
}

/* "" where the cache state of a side's block is proven. */
static void prove_cache(const struct half *half, const struct fb_cell *cell, char *why, size_t size)
{
    const struct fb_block_result *result = &half->result;
    struct fb_cache_evidence evidence = {
        .resident = result->resident_before,
        .device_bytes = result->counters.device_bytes,
        .read_bytes = result->counters.read_bytes,
        .asked_bytes = result->counted * cell->record.request_bytes,
        .file_bytes = cell->file->file_bytes == FB_NA ? 0 : cell->file->file_bytes,
    };
    if (half->job.no_file || fb_cache_proven(half->job.job.file, cell->cache, &evidence, why, size))
        why[0] = '\0';
}

int fb_gate_pair(const struct fb_run_config *config, const struct fb_gate_side *const sides[2],
                 const struct fb_cell *const cells[2], bool b_first, bool counted,
                 struct fb_gate_block out[2], int *failed, struct fb_error *err)
{
    const int order[2] = { b_first, !b_first };
    struct half halves[2] = { { .job = make_job(config, sides[0], cells[0]) },
                              { .job = make_job(config, sides[1], cells[1]) } };
    const bool cold = cells[0]->cache == FB_CACHE_COLD;
    for (int s = 0; s < 2; s++)
        halves[s].threaded = cells[s]->subject->flags & FB_THREADED;
    int rc = cold ? run_apart(halves, order, failed, err)
                  : run_together(halves, order, counted, failed, err);
    for (int s = 0; rc == 0 && s < 2; s++) {
        const struct fb_block_result *result = &halves[s].result;
        out[s].ns = fb_median_of(result->ns + result->warmups, result->count - result->warmups);
        mean_counters(result, &out[s].counters);
        prove_cache(&halves[s], cells[s], out[s].unproven, sizeof out[s].unproven);
    }
    for (int s = 0; s < 2; s++)
        fb_block_result_free(&halves[s].result);
    return rc;
}

int fb_gate_inflated(const struct fb_run_config *config, const struct fb_gate_side *side,
                     const struct fb_cell *cell, uint64_t *chunks, uint64_t *bytes,
                     struct fb_error *err)
{
    struct fb_block_job job = make_job(config, side, cell);
    struct fb_anatomy anatomy;
    const struct fb_format *format = fb_format_find(job.job.format);
    *chunks = *bytes = FB_NA;
    if (!format || !format->open_traced || job.job.loading.batch)
        return 0;
    job.cache = FB_CACHE_WARM; /* what is inflated does not depend on it */
    int rc = fb_anatomy_run(&job, 1, &anatomy, err);
    if (rc == 0 && !anatomy.filters_hidden) {
        *chunks = anatomy.counts.chunks_inflated;
        *bytes = anatomy.counts.inflated_bytes;
    }
    return rc == FB_EUNSUPPORTED ? 0 : rc;
}
