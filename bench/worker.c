#include "bench/worker.h"
#include "base/clock.h"
#include "base/memory.h"
#include "bench/epoch/epoch.h"
#include "bench/execute.h"
#include "bench/floor.h"
#include "bench/receive.h"
#include "formats/format.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MMAP_THRESHOLD (128 * 1024) /* malloc's own, in a process that has freed nothing yet */

#ifndef FB_VERSION
#define FB_VERSION "0.1.0"
#endif

/* JSON is UTF-8, and names in a message may be anything. */
static json_t *error_text(const char *message)
{
    char text[sizeof((struct fb_error *)0)->message];
    snprintf(text, sizeof text, "%s", message);
    json_t *out = json_string(text);
    for (char *p = text; !out && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return out ? out : json_string(text);
}

static int say(json_t *message, struct fb_error *err)
{
    char *text = fb_message_text(message);
    if (!text)
        return fb_fail_memory(err, "a message");
    int rc = 0;
    if (printf("%s\n", text) < 0 || fflush(stdout) != 0)
        rc = fb_fail_errno(err, "cannot speak to the runner");
    free(text);
    return rc;
}

static int hear(json_t **message, struct fb_error *err)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, stdin);
    int rc = length <= 0 ? fb_fail(err, FB_EIO, "the runner has gone")
                         : fb_message_parse(line, (size_t)length, message, err);
    free(line);
    return rc;
}

/* What the runner wants next. */
struct order {
    enum { ORDER_END, ORDER_GO, ORDER_FLOOR_PREPARE, ORDER_FLOOR_MEASURE } what;
    uint64_t iterations; /* 0 where it said none */
    uint64_t room;       /* for a floor's buffers */
    bool counters;       /* with each of these iterations */
    bool copy;           /* with each of these floors */
};

static int hear_order(struct order *order, struct fb_error *err)
{
    json_t *message;
    int rc = hear(&message, err);
    if (rc)
        return rc;
    const json_t *go = json_object_get(message, "go");
    const char *floor = json_string_value(json_object_get(message, "floor"));
    *order = (struct order){ .what = ORDER_END };
    fb_message_uint(message, "iterations", &order->iterations);
    fb_message_uint(message, "room", &order->room);
    order->counters = json_is_true(json_object_get(message, "counters"));
    order->copy = json_is_true(json_object_get(message, "copy"));
    if (floor && strcmp(floor, "prepare") == 0)
        order->what = ORDER_FLOOR_PREPARE;
    else if (floor && strcmp(floor, "measure") == 0)
        order->what = ORDER_FLOOR_MEASURE;
    else if (json_is_boolean(go))
        order->what = json_is_true(go) ? ORDER_GO : ORDER_END;
    else
        rc = fb_fail(err, FB_EFORMAT, "expected go, true or false");
    json_decref(message);
    return rc;
}

static json_t *hello(void)
{
    json_t *formats = json_array(), *libraries = json_object();
    for (size_t i = 0; fb_formats[i]; i++) {
        const struct fb_format *format = fb_formats[i];
        char version[64];
        if (format->adapter)
            continue;
        json_t *flags = json_array();
        if (format->flags & FB_LOADS_WHOLE)
            json_array_append_new(flags, json_string("loads_whole"));
        if (format->flags & FB_NO_FILE)
            json_array_append_new(flags, json_string("no_file"));
        json_array_append_new(formats, json_pack("{s:s, s:s, s:o, s:b, s:b}", "name", format->name,
                                                 "suffix", format->suffix ? format->suffix : "",
                                                 "flags", flags, "create", format->create != NULL,
                                                 "anatomy", format->open_traced != NULL));
        if (format->version)
            json_object_set_new(libraries, format->name,
                                json_string(format->version(version, sizeof version)));
    }
    return json_pack("{s:i, s:s, s:o, s:[s,s], s:b, s:b, s:b, s:o}", "protocol",
                     FB_PROTOCOL_VERSION, "program", "fmtbench " FB_VERSION, "formats", formats,
                     "deliver", "hash", "bytes", "counters", 1, "floor", 1, "epoch", 1, "libraries",
                     libraries);
}

/* VmHWM: what this process itself had resident at the most; wait4's figure would count what the
 * runner had when it forked. */
static uint64_t peak_bytes(void)
{
    struct fb_memory_status status;
    fb_memory_status(getpid(), &status);
    return status.peak;
}

static json_t *anatomy_facts(const struct fb_trace *trace)
{
    json_t *facts = json_object(), *counts = json_object();
    for (int i = 0; i < FB_PART_COUNT; i++)
        json_object_set_new(facts, fb_part_names[i],
                            json_pack("{s:I, s:I}", "ns", (json_int_t)trace->ns[i], "calls",
                                      (json_int_t)trace->calls[i]));
    for (const struct fb_trace_count_field *field = fb_trace_count_fields; field->name; field++) {
        uint64_t value;
        memcpy(&value, (const char *)&trace->counts + field->offset, sizeof value);
        json_object_set_new(counts, field->name, json_integer((json_int_t)value));
    }
    json_object_set_new(facts, "counts", counts);
    json_object_set_new(facts, "filters_hidden", json_boolean(trace->filters_hidden));
    return facts;
}

static json_t *batches_facts(const struct fb_epoch *epoch)
{
    json_t *facts = json_array();
    for (size_t i = 0; i < epoch->batches; i++)
        json_array_append_new(facts, json_integer((json_int_t)epoch->batches_ns[i]));
    return facts;
}

static int say_iteration(uint64_t ns, const struct fb_execution *execution,
                         const struct fb_epoch *epoch, struct fb_error *err)
{
    struct fb_delivery *delivery = execution->delivery;
    json_t *message = json_pack("{s:I}", "ns", (json_int_t)ns);
    if (message && delivery->hashes) {
        json_t *hashes = json_array();
        for (size_t i = 0; i < delivery->hash_count; i++)
            json_array_append_new(hashes, json_string(delivery->hashes[i].hex));
        json_object_set_new(message, "hashes", hashes);
    }
    if (message && execution->meter)
        json_object_set_new(message, "counters", fb_counters_message(&execution->meter->sum));
    if (message && execution->trace)
        json_object_set_new(message, "anatomy", anatomy_facts(execution->trace));
    if (message && epoch)
        json_object_set_new(message, "batches_ns", batches_facts(epoch));
    delivery->hash_count = 0;
    return say(message, err);
}

/* Facts about how the plan's first array is stored; NULL where they are not to be had. */
static json_t *storage_facts(const struct fb_execution *run)
{
    const struct fb_format *format = run->format;
    struct fb_error ignored;
    struct fb_reader *reader = NULL;
    struct fb_array *array = NULL;
    struct fb_storage facts = { 0 };
    char chunk[256] = "";
    json_t *out = NULL;
    if (!format->storage || run->plan->count == 0 || !fb_request_is_slab(run->plan->requests))
        return NULL;
    if (format->open(run->file, run->options, &reader, &ignored))
        return NULL;
    if (format->array_open(reader, run->plan->requests[0].array, &array, &ignored) == 0 &&
        format->storage(array, &facts, &ignored) == 0) {
        if (facts.chunk_rank)
            fb_shape_text(facts.chunk_rank, facts.chunk, chunk, sizeof chunk);
        out = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "layout", facts.layout, "chunk", chunk,
                        "filters", facts.filters, "stored_bytes", (json_int_t)facts.stored_bytes,
                        "chunk_cache_bytes", (json_int_t)facts.cache_bytes, "fallback",
                        facts.fallback);
    }
    format->array_close(array);
    format->close(reader);
    return out;
}

/* The floor's buffers are no cost of reading. */
struct session {
    const struct fb_execution *execution;
    struct fb_epoch *epoch; /* the plan is loaded in batches; NULL: it is not */
    struct fb_meter meter;
    uint64_t peak_bytes; /* before the floor was prepared; 0: it was not */
    struct fb_floor_run floor;
    bool floor_ready;
};

static int prepare_floor(struct session *session, uint64_t room, struct fb_error *err)
{
    struct fb_error why;
    if (session->peak_bytes == 0)
        session->peak_bytes = peak_bytes();
    fb_floor_free(&session->floor);
    session->floor_ready = fb_floor_prepare(session->execution, room, &session->floor, &why) == 0;
    return say(json_pack("{s:b, s:o}", "floor", session->floor_ready, "why",
                         session->floor_ready ? json_null() : error_text(why.message)),
               err);
}

static int measure_floor(struct session *session, bool copy, struct fb_error *err)
{
    struct fb_floor floor;
    if (!session->floor_ready)
        return fb_fail(err, FB_EFORMAT, "a floor must be prepared before it is measured");
    struct fb_error why;
    /* What was read and checked before is worth the same without a floor. */
    if (fb_floor_measure(&session->floor, copy, &floor, &why))
        return say(json_pack("{s:b, s:o}", "floor", 0, "why", error_text(why.message)), err);
    return say(json_pack("{s:I, s:I, s:I}", "copy_ns", (json_int_t)floor.copy_ns, "read_ns",
                         (json_int_t)floor.read_ns, "inflate_ns", (json_int_t)floor.inflate_ns),
               err);
}

static int execute(const struct fb_execution *execution, struct fb_epoch *epoch, uint64_t *ns,
                   struct fb_error *err)
{
    if (!epoch)
        return fb_execute(execution, ns, err);
    int rc = fb_epoch_run(epoch, execution, err);
    *ns = epoch->ns;
    return rc;
}

static int iterate_once(const struct fb_execution *execution, struct fb_epoch *epoch,
                        struct fb_error *err)
{
    uint64_t ns;
    /* Memory freed by the iteration before goes back to the kernel: every iteration pays for the
     * pages that it needs, as a program's first one does, and all formats alike. Within it malloc
     * does as it does in any program: with a fixed M_MMAP_THRESHOLD HDF5 got its tables fresh from
     * the kernel at every open, 8 times what a plain program pays for that. */
    malloc_trim(0);
    /* Each iteration has a trace, and counters, of its own. */
    if (execution->trace)
        *execution->trace = (struct fb_trace){ 0 };
    if (execution->meter)
        fb_meter_reset(execution->meter);
    int rc = execute(execution, epoch, &ns, err);
    if (rc == 0)
        rc = say_iteration(ns, execution, epoch, err);
    fb_trace_free(execution->trace);
    return rc;
}

/* As the runner says, until it says no more. */
static int obey(struct session *session, struct fb_error *err)
{
    struct order order;
    int rc = hear_order(&order, err);
    while (rc == 0 && order.what != ORDER_END) {
        if (order.iterations == 0 && order.what != ORDER_FLOOR_PREPARE)
            return fb_fail(err, FB_EFORMAT, "expected a number of iterations");
        if (order.what == ORDER_FLOOR_PREPARE)
            rc = prepare_floor(session, order.room, err);
        struct fb_execution run = *session->execution;
        run.meter = order.counters ? &session->meter : NULL;
        for (uint64_t i = 0; rc == 0 && i < order.iterations; i++)
            rc = order.what == ORDER_GO ? iterate_once(&run, session->epoch, err)
                                        : measure_floor(session, order.copy, err);
        if (rc == 0)
            rc = hear_order(&order, err);
    }
    return rc;
}

static int say_done(const struct session *session, bool storage, struct fb_error *err)
{
    uint64_t peak = session->peak_bytes ? session->peak_bytes : peak_bytes();
    peak += session->epoch ? session->epoch->children_bytes : 0;
    json_t *done = json_pack("{s:b, s:I}", "done", 1, "peak_bytes", (json_int_t)peak);
    json_t *facts = storage ? storage_facts(session->execution) : NULL;
    if (done && facts)
        json_object_set_new(done, "storage", facts);
    return say(done, err);
}

/* Room for results and, with a loader, for its batches, which children write. */
static int prepare_delivery(const struct fb_job *job, const struct fb_plan *plan,
                            struct fb_delivery *delivery, struct fb_epoch *epoch,
                            struct fb_error *err)
{
    int fd = job->deliver_bytes ? FB_FD_DELIVER : FB_DELIVERY_HASH;
    if (job->loading.batch == 0)
        return fb_delivery_init(delivery, job->buffer, plan->count, fd, err);
    int rc = fb_epoch_init(epoch, plan, &job->loading, err);
    return rc ? rc : fb_delivery_init_shared(delivery, job->buffer, plan->count, fd, err);
}

static int run_read(const struct fb_job *job, const struct fb_format *format,
                    const struct fb_options *options, struct fb_error *err)
{
    struct fb_plan plan;
    struct fb_delivery delivery = { .fd = -1 };
    struct fb_epoch epoch = { 0 };
    struct fb_trace trace;
    if (job->trace && !format->open_traced)
        return fb_fail(err, FB_EUNSUPPORTED, "format %s has no anatomy", format->name);
    int rc = fb_plan_read(job->plan, &plan, err);
    if (rc)
        return rc;
    struct fb_execution execution = {
        .format = format,
        .options = options,
        .file = job->file,
        .handle = job->handle,
        .plan = &plan,
        .delivery = &delivery,
        .trace = job->trace ? &trace : NULL,
        .handicap = job->handicap,
    };
    /* What a format that loads whole files has in memory goes back to the kernel on closing, within
     * the clock, in every iteration. malloc maps large blocks only until it has seen one freed;
     * from then on it would keep them, for malloc_trim to give back off the clock. */
    if (format->flags & FB_LOADS_WHOLE)
        mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    rc = prepare_delivery(job, &plan, &delivery, &epoch, err);
    if (rc == 0 && format->start)
        rc = format->start(options, err);
    if (rc == 0)
        rc = say(json_pack("{s:b}", "ready", 1), err);
    struct session session = {
        .execution = &execution,
        .epoch = job->loading.batch ? &epoch : NULL,
        .floor = { .fd = -1 },
    };
    fb_meter_open(&session.meter);
    if (rc == 0)
        rc = obey(&session, err);
    if (rc == 0)
        rc = say_done(&session, job->storage, err);
    fb_floor_free(&session.floor);
    fb_meter_close(&session.meter);
    fb_epoch_free(&epoch);
    fb_delivery_free(&delivery);
    fb_plan_free(&plan);
    return rc;
}

int fb_worker_execute(const struct fb_job *job, uint64_t count, struct fb_error *err)
{
    struct fb_plan plan;
    struct fb_delivery delivery = { .fd = FB_DELIVERY_DROP };
    struct fb_options options;
    const struct fb_format *format = fb_format_find(job->format);
    uint64_t ns;
    if (!format || format->adapter)
        return fb_fail(err, FB_EUSAGE, "this program has no format '%s' of its own", job->format);
    int rc = fb_options_parse(format->options, job->format, job->options, &options, err);
    if (rc == 0)
        rc = fb_plan_read(job->plan, &plan, err);
    if (rc)
        return rc;
    struct fb_execution execution = {
        .format = format,
        .options = &options,
        .file = job->file,
        .handle = job->handle,
        .plan = &plan,
        .delivery = &delivery,
    };
    rc = fb_delivery_init(&delivery, job->buffer, plan.count, FB_DELIVERY_DROP, err);
    if (rc == 0 && format->start)
        rc = format->start(&options, err);
    for (uint64_t i = 0; rc == 0 && plan.count > 0 && i < count; i++)
        rc = fb_execute(&execution, &ns, err);
    fb_delivery_free(&delivery);
    fb_plan_free(&plan);
    return rc;
}

static int run_create(const struct fb_job *job, const struct fb_format *format,
                      const struct fb_options *options, struct fb_error *err)
{
    struct fb_source *source = NULL, *observer = NULL;
    struct fb_plan plan;
    int rc = fb_plan_read(job->plan, &plan, err);
    if (rc)
        return rc;
    rc = fb_receive_open(&plan, FB_FD_CREATE, &source, err);
    if (rc == 0)
        rc = fb_source_observe(source, &observer, err);
    if (rc == 0 && format->start)
        rc = format->start(options, err);
    if (rc == 0)
        rc = say(json_pack("{s:b}", "ready", 1), err);
    struct order order = { .what = ORDER_END };
    if (rc == 0)
        rc = hear_order(&order, err);
    if (rc == 0 && order.what == ORDER_GO) {
        uint64_t wall = fb_clock_ns(), cpu = fb_clock_cpu_ns(), source_wall, source_cpu;
        rc = fb_format_create(format, options, job->file, observer, err);
        wall = fb_clock_ns() - wall;
        cpu = fb_clock_cpu_ns() - cpu;
        fb_source_observed_time(observer, &source_wall, &source_cpu);
        if (rc == 0)
            rc = say(json_pack("{s:b, s:I, s:I}", "created", 1, "ns",
                               (json_int_t)(wall - source_wall), "cpu_ns",
                               (json_int_t)(cpu - source_cpu)),
                     err);
    }
    fb_source_close(observer);
    fb_source_close(source);
    fb_plan_free(&plan);
    return rc;
}

static int run_job(const json_t *message, struct fb_error *err)
{
    struct fb_job job;
    struct fb_options options;
    const struct fb_format *format;
    int rc = fb_job_parse(message, &job, err);
    if (rc)
        return rc;
    format = fb_format_find(job.format);
    if (!format || format->adapter)
        return fb_fail(err, FB_EUSAGE, "this worker has no format '%s'", job.format);
    rc = fb_options_parse(format->options, job.format, job.options, &options, err);
    if (rc)
        return rc;
    return job.create ? run_create(&job, format, &options, err)
                      : run_read(&job, format, &options, err);
}

int fb_worker_main(struct fb_error *err)
{
    json_t *message = NULL;
    int rc = say(hello(), err);
    if (rc == 0)
        rc = hear(&message, err);
    if (rc == 0)
        rc = run_job(message, err);
    json_decref(message);
    if (rc) {
        struct fb_error ignored;
        say(json_pack("{s:o, s:b, s:b}", "error", error_text(err->message), "usage",
                      rc == FB_EUSAGE, "unsupported", rc == FB_EUNSUPPORTED),
            &ignored);
    }
    return rc;
}
