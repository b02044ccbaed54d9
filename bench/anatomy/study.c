#include "bench/anatomy/study.h"
#include "bench/anatomy/calibrate.h"
#include "bench/anatomy/collect.h"
#include "bench/anatomy/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

struct fb_study {
    const struct fb_run_config *config;
    enum fb_handle handle;
    enum fb_cache cache;
    char *folder; /* of the workers' plans, removed at the end */
    struct fb_dataset dataset;
    struct fb_subjects subjects; /* one */
    const struct fb_format *format;
    struct fb_options options;
    struct fb_tasks tasks;
    struct fb_rates rates;
    struct fb_finding *findings;
    size_t count;
};

/* --- what is explained ------------------------------------------------------------------------ */

static int no_anatomy(const char *name, const char *file, struct fb_error *err)
{
    char names[256] = "";
    for (size_t i = 0; fb_formats[i]; i++)
        if (fb_formats[i]->open_traced) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                     fb_formats[i]->name);
        }
    if (file)
        return fb_fail(err, FB_EUNSUPPORTED,
                       "%s is a %s file, which has no anatomy; files of these formats have one: %s",
                       file, name, names);
    return fb_fail(err, FB_EUNSUPPORTED, "format %s has no anatomy; these formats have one: %s",
                   name, names);
}

/* The file's own format, by its content: what cannot be traced is told before it is opened. */
static int choose_format(struct fb_study *study, struct fb_error *err)
{
    const struct fb_run_config *config = study->config;
    const struct fb_format *own;
    int rc = fb_format_of_file(config->source, &own, err);
    if (rc)
        return rc;
    if (!own->open_traced)
        return no_anatomy(own->name, config->source, err);
    rc = fb_format_parse(config->format_count ? config->formats[0] : own->name, &study->format,
                         &study->options, err);
    if (rc == 0 && !study->format->open_traced)
        return no_anatomy(study->format->name, NULL, err);
    return rc;
}

const struct fb_format *fb_study_writer(const struct fb_study *study, bool chunked)
{
    for (size_t i = 0; fb_formats[i]; i++) {
        struct fb_options options = { .table = fb_formats[i]->options };
        if (fb_formats[i]->create && fb_formats[i]->open_traced == study->format->open_traced &&
            fb_options_has(&options, "chunk") == chunked)
            return fb_formats[i];
    }
    return NULL;
}

static int make_folder(struct fb_study *study, struct fb_error *err)
{
    const char *tmp = getenv("TMPDIR");
    if (asprintf(&study->folder, "%s/fmtbench-explain-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
        study->folder = NULL;
    if (!study->folder)
        return fb_fail_memory(err, "a folder name");
    if (!mkdtemp(study->folder)) {
        int rc = fb_fail_errno(err, "cannot make a folder like %s", study->folder);
        free(study->folder);
        study->folder = NULL;
        return rc;
    }
    return 0;
}

static int prepare(struct fb_study *study, struct fb_error *err)
{
    bool needed[FB_VARIANT_COUNT] = { [FB_VARIANT_AS_IS] = true };
    int rc = choose_format(study, err);
    if (rc == 0)
        rc = fb_dataset_open(study->config, &study->dataset, err);
    if (rc == 0) {
        /* The subject tells how a worker is started; the format has been chosen. */
        struct fb_run_config config = *study->config;
        const char *spec[] = { study->config->format_count ? study->config->formats[0]
                                                           : study->format->name };
        config.formats = spec;
        config.format_count = 1;
        rc = fb_subjects_make(&config, &study->dataset, &study->subjects, err);
    }
    if (rc == 0)
        rc = make_folder(study, err);
    if (rc == 0)
        rc = fb_tasks_make(study->config, &study->dataset, needed, study->folder, &study->tasks,
                           err);
    /* HDF5 shares what is open twice in one process, caches too: nothing else may hold the file. */
    if (rc == 0)
        fb_dataset_close_sources(&study->dataset);
    return rc;
}

/* --- how it is stored ------------------------------------------------------------------------- */

static int add_stored(struct fb_study *study, struct fb_finding *finding, struct fb_reader *reader,
                      const struct fb_request *request, struct fb_error *err)
{
    const struct fb_format *format = study->format;
    const struct fb_array_info *info = fb_catalog_find(&study->dataset.whole, request->array);
    struct fb_array *array = NULL;
    if (!info)
        return fb_fail(err, FB_EFORMAT, "%s has no array %s", study->config->source,
                       request->array);
    struct fb_stored *grown =
        reallocarray(finding->arrays, finding->what.array_count + 1, sizeof *finding->arrays);
    if (!grown)
        return fb_fail_memory(err, "the arrays");
    finding->arrays = grown;
    struct fb_stored *stored = &grown[finding->what.array_count];
    *stored = (struct fb_stored){ .info = *info };
    int rc = format->array_open(reader, request->array, &array, err);
    if (rc == 0)
        rc = format->storage(array, &stored->storage, err);
    format->array_close(array);
    finding->what.array_count += rc == 0;
    return rc;
}

/* Requests for one array often follow each other; else all that are known are looked through. */
static size_t find_stored(const struct fb_finding *finding, const char *path, size_t hint)
{
    size_t count = finding->what.array_count;
    if (hint < count && strcmp(finding->arrays[hint].info.path, path) == 0)
        return hint;
    for (size_t a = 0; a < count; a++)
        if (strcmp(finding->arrays[a].info.path, path) == 0)
            return a;
    return SIZE_MAX;
}

/* Where chunks are too short to tell, some of the data is asked how it would do in long ones. What
 * keeps it from telling, keeps nothing else. */
static void probe(const struct fb_study *study, struct fb_finding *finding,
                  struct fb_reader *reader)
{
    struct fb_case *what = &finding->what;
    for (size_t a = 0; a < what->array_count; a++)
        if (fb_probe_needed(&what->arrays[a])) {
            fb_probe_long_chunks(what, a, study->format, reader, &what->long_compressed,
                                 &finding->rates.inflate_byte);
            return;
        }
}

static int look_at_storage(struct fb_study *study, struct fb_finding *finding,
                           const struct fb_plan *plan, struct fb_error *err)
{
    const struct fb_format *format = study->format;
    struct fb_reader *reader = NULL;
    size_t array = 0;
    finding->array_of = calloc(plan->count + 1, sizeof *finding->array_of);
    if (!finding->array_of)
        return fb_fail_memory(err, "the plan");
    int rc = format->open(study->config->source, &study->options, &reader, err);
    for (size_t i = 0; rc == 0 && i < plan->count; i++) {
        const struct fb_request *request = &plan->requests[i];
        finding->array_of[i] = SIZE_MAX;
        if (!fb_request_is_slab(request))
            continue;
        array = find_stored(finding, request->array, array);
        if (array == SIZE_MAX) {
            rc = add_stored(study, finding, reader, request, err);
            array = finding->what.array_count - 1;
        }
        finding->array_of[i] = array;
    }
    finding->rates = study->rates;
    finding->what.plan = plan;
    finding->what.array_of = finding->array_of;
    finding->what.arrays = finding->arrays;
    finding->what.handle = study->handle;
    finding->what.catalog = &study->dataset.whole;
    if (rc == 0)
        probe(study, finding, reader);
    format->close(reader);
    return rc;
}

/* --- passes ----------------------------------------------------------------------------------- */

static void describe(const struct fb_study *study, const struct fb_task *task,
                     struct fb_finding *finding)
{
    struct fb_anatomy_record *record = &finding->record;
    const struct fb_subject *subject = &study->subjects.items[0];
    struct fb_record cell;
    fb_anatomy_record_init(record);
    fb_record_init(&cell);
    SET(cell.format, "%s", subject->name);
    SET(cell.options, "%s", subject->options);
    SET(cell.workload, "%s", task->workload->name);
    SET(cell.workload_options, "%s", task->options);
    SET(cell.cache, "%s", fb_cache_names[study->cache]);
    SET(cell.handle, "%s", fb_handle_names[study->handle]);
    SET(cell.clock, "inner");
    fb_cell_id(&cell);
    SET(record->run_id, "explain");
    SET(record->cell_id, "%s", cell.cell_id);
    SET(record->dataset, "%.500s", study->dataset.name);
    SET(record->format, "%s", cell.format);
    SET(record->options, "%s", cell.options);
    SET(record->workload, "%s", cell.workload);
    SET(record->workload_options, "%s", cell.workload_options);
    SET(record->cache, "%s", cell.cache);
    SET(record->handle, "%s", cell.handle);
    SET(record->verification, "%s", study->dataset.self_reference ? "repeatable" : "verified");
    record->requests = finding->what.plan->count;
    if (finding->what.array_count > 0) {
        const struct fb_storage *storage = &finding->arrays[0].storage;
        SET(record->layout, "%s", storage->layout);
        SET(record->filters, "%s", storage->filters);
        if (storage->chunk_rank)
            fb_shape_text(storage->chunk_rank, storage->chunk, record->chunk, sizeof record->chunk);
        record->stored_bytes = storage->stored_bytes;
        record->chunk_cache_bytes = storage->cache_bytes;
    }
}

static struct fb_block_job make_job(const struct fb_study *study, const struct fb_task *task,
                                    enum fb_handle handle)
{
    const struct fb_subject *subject = &study->subjects.items[0];
    const struct fb_plan *plan = &task->variant[FB_VARIANT_AS_IS].plan;
    return (struct fb_block_job){
        .worker = &subject->worker,
        .limits = study->config->limits,
        .job = { .format = subject->name,
                 .options = subject->options,
                 .file = study->config->source,
                 .plan = task->variant[FB_VARIANT_AS_IS].path,
                 .handle = handle,
                 .buffer = fb_block_buffer(plan) },
        .cache = study->cache,
        .plan = plan,
        .expected = task->variant[FB_VARIANT_AS_IS].hashes,
    };
}

static int take_pass(const struct fb_study *study, const struct fb_task *task,
                     enum fb_handle handle, struct fb_anatomy *out, struct fb_error *err)
{
    const struct fb_block_job job = make_job(study, task, handle);
    return fb_anatomy_take(&job, out, err);
}

/* Other readers differ in how they decode. */
static int measure_beside(const struct fb_study *study, const struct fb_task *task,
                          struct fb_finding *finding, struct fb_error *err)
{
    const struct fb_block_job job = make_job(study, task, study->handle);
    if (finding->anatomy.counts.chunks_inflated == 0)
        return 0;
    return fb_beside_measure(&job, &finding->beside, err);
}

/* A pass more is worth it only where opening could matter. */
static bool may_gain_by_keeping(const struct fb_study *study, const struct fb_task *task,
                                const struct fb_anatomy *anatomy)
{
    uint64_t most = anatomy->ns[FB_PART_OPEN] + anatomy->ns[FB_PART_META_IO];
    if (study->handle == FB_HANDLE_EACH)
        most = anatomy->total_ns;
    return study->handle != FB_HANDLE_KEEP && study->cache == FB_CACHE_WARM &&
           !task->workload->once_only && most > anatomy->total_ns / 10;
}

static int study_task(struct fb_study *study, const struct fb_task *task,
                      struct fb_finding *finding, struct fb_error *err)
{
    struct fb_anatomy kept = { 0 };
    struct fb_error why;
    if (*task->reason) {
        SET(finding->reason, "%s", task->reason);
        return 0;
    }
    if (study->handle != FB_HANDLE_ONCE && task->workload->once_only) {
        SET(finding->reason, "%s", task->workload->once_only);
        return 0;
    }
    int rc = look_at_storage(study, finding, &task->variant[FB_VARIANT_AS_IS].plan, err);
    if (rc)
        return rc;
    describe(study, task, finding);
    fb_cache_forget(study->config->source); /* what looking at it has read, too */
    rc = take_pass(study, task, study->handle, &finding->anatomy, err);
    if (rc)
        return rc;
    fb_anatomy_fill(&finding->anatomy, &finding->record);
    if (may_gain_by_keeping(study, task, &finding->anatomy))
        rc = take_pass(study, task, FB_HANDLE_KEEP, &kept, err);
    if (rc == 0)
        rc = measure_beside(study, task, finding, err);
    if (rc)
        return rc;
    if (fb_advise(&finding->what, &finding->anatomy, kept.total_ns, &finding->rates,
                  &finding->advice, &why))
        SET(finding->no_advice, "%.500s", why.message);
    return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void finding_free(struct fb_finding *finding)
{
    free(finding->array_of);
    free(finding->arrays);
}

void fb_study_free(struct fb_study *study)
{
    if (!study)
        return;
    for (size_t i = 0; i < study->count; i++)
        finding_free(&study->findings[i]);
    free(study->findings);
    fb_tasks_free(&study->tasks);
    fb_subjects_free(&study->subjects);
    fb_dataset_close(&study->dataset);
    if (study->folder)
        rmdir(study->folder);
    free(study->folder);
    free(study);
}

int fb_study_make(const struct fb_run_config *config, struct fb_study **out, struct fb_error *err)
{
    struct fb_error why;
    struct fb_study *study = calloc(1, sizeof *study);
    if (!study)
        return fb_fail_memory(err, "the study");
    study->config = config;
    while (!config->handle[study->handle])
        study->handle++;
    while (!config->cache[study->cache])
        study->cache++;
    study->rates = fb_rates_typical;
    int rc = prepare(study, err);
    if (rc == 0) {
        study->findings = calloc(study->tasks.count + 1, sizeof *study->findings);
        if (!study->findings)
            rc = fb_fail_memory(err, "the findings");
    }
    const struct fb_format *writer = rc == 0 ? fb_study_writer(study, true) : NULL;
    if (writer && fb_calibrate(&study->subjects.items[0].worker, &config->limits, writer,
                               study->folder, &study->rates, &why)) {
        study->rates = fb_rates_typical;
        fb_config_say(config, "what a call costs is taken from another machine: %s", why.message);
    }
    for (size_t i = 0; rc == 0 && i < study->tasks.count; i++) {
        config->progress(config->listener, i, study->tasks.count, "reading");
        study->count++;
        rc = study_task(study, &study->tasks.items[i], &study->findings[i], err);
    }
    if (rc) {
        fb_study_free(study);
        return rc;
    }
    *out = study;
    return 0;
}

size_t fb_study_count(const struct fb_study *study)
{
    return study->count;
}

const struct fb_finding *fb_study_finding(const struct fb_study *study, size_t i)
{
    return &study->findings[i];
}
