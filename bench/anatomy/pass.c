#include "bench/anatomy/pass.h"
#include "bench/talk.h"
#include "results/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool fb_anatomy_offered(const json_t *hello, const char *format)
{
    const json_t *formats = json_object_get(hello, "formats"), *item;
    size_t i;
    json_array_foreach(formats, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name && strcmp(name, format) == 0)
            return json_is_true(json_object_get(item, "anatomy"));
    }
    return false;
}

/* --- what the worker says --------------------------------------------------------------------- */

static bool take_parts(const json_t *facts, struct fb_anatomy *out)
{
    bool fine = true;
    for (int i = 0; i < FB_PART_COUNT; i++) {
        const json_t *part = json_object_get(facts, fb_part_names[i]);
        fine = fine && fb_message_uint(part, "ns", &out->ns[i]) &&
               fb_message_uint(part, "calls", &out->calls[i]);
    }
    return fine;
}

static bool take_counts(const json_t *counts, struct fb_anatomy *out)
{
    bool fine = true;
    for (const struct fb_trace_count_field *field = fb_trace_count_fields; field->name; field++) {
        uint64_t value = 0;
        fine = fine && fb_message_uint(counts, field->name, &value);
        memcpy((char *)&out->counts + field->offset, &value, sizeof value);
    }
    return fine;
}

/* Parts lie inside the clock, and none within another: together they cannot be longer than it. */
static bool take_rest(struct fb_anatomy *out)
{
    out->unexplained_ns = out->total_ns;
    for (int i = 0; i < FB_PART_COUNT; i++) {
        if (out->ns[i] > out->unexplained_ns)
            return false;
        out->unexplained_ns -= out->ns[i];
    }
    return true;
}

static int take_anatomy(const json_t *message, struct fb_anatomy *out, struct fb_error *err)
{
    const json_t *facts = json_object_get(message, "anatomy");
    *out = (struct fb_anatomy){ 0 };
    out->filters_hidden = json_is_true(json_object_get(facts, "filters_hidden"));
    if (!fb_message_uint(message, "ns", &out->total_ns) || !take_parts(facts, out) ||
        !take_counts(json_object_get(facts, "counts"), out))
        return fb_fail(err, FB_EFORMAT,
                       "worker broke the protocol: an iteration without its anatomy");
    if (!take_rest(out))
        return fb_fail(err, FB_EFORMAT,
                       "worker broke the protocol: the parts of a pass are longer than it");
    return 0;
}

/* --- the pass --------------------------------------------------------------------------------- */

static int take_iterations(struct fb_process *process, const struct fb_block_job *job,
                           unsigned count, struct fb_anatomy *out, struct fb_error *err)
{
    bool wrong_data = false;
    int rc = fb_talk_send(process,
                          json_pack("{s:b, s:I}", "go", 1, "iterations", (json_int_t)count), err);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        json_t *message;
        rc = fb_talk_receive(process, &message, err);
        if (rc)
            return rc;
        rc = fb_talk_check_hashes(job->plan, job->expected, message, &wrong_data, err);
        if (rc == 0)
            rc = take_anatomy(message, &out[i], err);
        json_decref(message);
    }
    return rc;
}

/* What was done must not depend on when it was done. */
static int compare_counts(const struct fb_anatomy *items, unsigned count, struct fb_error *err)
{
    for (unsigned i = 1; i < count; i++)
        for (const struct fb_trace_count_field *f = fb_trace_count_fields; f->name; f++)
            if (memcmp((const char *)&items[0].counts + f->offset,
                       (const char *)&items[i].counts + f->offset, sizeof(uint64_t)) != 0)
                return fb_fail(err, FB_EFORMAT,
                               "the anatomy does not hold: %s differs from one pass to the next",
                               f->name);
    return 0;
}

static int by_total(const void *a, const void *b)
{
    uint64_t x = ((const struct fb_anatomy *)a)->total_ns;
    uint64_t y = ((const struct fb_anatomy *)b)->total_ns;
    return x < y ? -1 : x > y;
}

static int take_pass(struct fb_process *process, const struct fb_block_job *job,
                     unsigned iterations, struct fb_anatomy *out, struct fb_error *err)
{
    json_t *done;
    struct fb_anatomy *items = calloc(iterations, sizeof *items);
    if (!items)
        return fb_fail_memory(err, "the anatomy");
    int rc = 0;
    if (job->cache != FB_CACHE_COLD)
        rc = take_iterations(process, job, 1, items, err);
    if (rc == 0)
        rc = take_iterations(process, job, iterations, items, err);
    if (rc == 0)
        rc = compare_counts(items, iterations, err);
    if (rc == 0)
        rc = fb_talk_send(process, json_pack("{s:b}", "go", 0), err);
    if (rc == 0)
        rc = fb_talk_receive_true(process, "done", &done, err);
    if (rc == 0) {
        json_decref(done);
        rc = fb_process_finish(process, err);
    }
    if (rc == 0) {
        qsort(items, iterations, sizeof *items, by_total);
        *out = items[(iterations - 1) / 2];
    }
    free(items);
    return rc;
}

static int start(struct fb_process *process, const struct fb_block_job *job,
                 const struct fb_job *trace, struct fb_error *err)
{
    json_t *hello;
    int rc = fb_talk_start(process, job->worker, &job->limits, err);
    if (rc == 0)
        rc = fb_talk_greet(process, &hello, err);
    if (rc)
        return rc;
    bool offered = fb_anatomy_offered(hello, trace->format);
    json_decref(hello);
    return offered ? fb_talk_give_job(process, trace, err)
                   : fb_fail(err, FB_EUNSUPPORTED,
                             "format %s has no anatomy: its worker cannot "
                             "trace it",
                             trace->format);
}

/* What was said to be cold must have been. */
static int prepare_cache(struct fb_process *process, const struct fb_block_job *job,
                         const char *file, struct fb_error *err)
{
    struct fb_cache_evidence evidence = { .device_bytes = FB_NA, .read_bytes = FB_NA };
    char why[1024];
    int rc = fb_talk_prepare_cache(process, file, job->cache, err);
    if (rc || job->cache != FB_CACHE_COLD)
        return rc;
    rc = fb_cache_resident(file, &evidence.resident, err);
    if (rc || fb_cache_proven(file, FB_CACHE_COLD, &evidence, why, sizeof why))
        return rc;
    return fb_fail(err, FB_EUNSUPPORTED, "no cold pass: %s", why);
}

int fb_anatomy_run(const struct fb_block_job *job, unsigned iterations, struct fb_anatomy *out,
                   struct fb_error *err)
{
    struct fb_process process;
    struct fb_job trace = job->job;
    trace.create = trace.deliver_bytes = trace.storage = false;
    trace.trace = true;
    *out = (struct fb_anatomy){ 0 };
    if (iterations == 0 || (job->cache == FB_CACHE_COLD && iterations > 1))
        return fb_fail(err, FB_EUSAGE, "a pass has an iteration or more, and a cold one just one");
    int rc = start(&process, job, &trace, err);
    if (rc == 0 && !job->no_file)
        rc = prepare_cache(&process, job, trace.file, err);
    if (rc == 0)
        rc = take_pass(&process, job, iterations, out, err);
    fb_process_close(&process);
    if (job->cache == FB_CACHE_COLD && !job->no_file)
        fb_cache_forget(trace.file);
    return rc;
}
