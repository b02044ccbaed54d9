#include "bench/execute.h"
#include "base/clock.h"
#include "bench/catalog_text.h"
#include "bench/mean.h"
#include "bench/sample.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is open, and the clock, during one iteration. */
struct state {
    const struct fb_execution *run;
    struct fb_reader *reader;
    struct fb_array *array;
    const char *array_path; /* of the open array */
    uint64_t elapsed, started;
};

/* Counters are read outside the clock; a trace accounts nothing while it stands. */
static void pause_trace(const struct state *state, bool paused)
{
    if (state->run->trace)
        state->run->trace->paused = paused;
}

static void clock_on(struct state *state)
{
    fb_meter_begin(state->run->meter);
    pause_trace(state, false);
    state->started = fb_clock_ns();
}

/* Waits for a part of what the clock shows since it was started. */
static void slow_down(const struct state *state)
{
    const double part = (double)state->run->handicap.slow_down_ppm / 1e6;
    const uint64_t until =
        state->started + (uint64_t)((double)(fb_clock_ns() - state->started) * (1 + part));
    while (part > 0 && fb_clock_ns() < until)
        ;
}

static void read_once_more(const char *file)
{
    char byte;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (pread(fd, &byte, 1, 0) < 0)
        byte = 0; /* the read is all that counts */
    close(fd);
}

static void copy_once_more(const struct fb_delivery *delivery)
{
    for (size_t i = 0; i < delivery->pending_count; i++) {
        const struct fb_delivered *piece = &delivery->pending[i];
        void *copy = malloc(piece->bytes + 1);
        if (copy)
            memcpy(copy, piece->data, piece->bytes);
        /* A copy that nobody could look at would not be made. */
        __asm__ volatile("" : : "r"(copy) : "memory");
        free(copy);
    }
}

static void clock_off(struct state *state)
{
    if (state->run->handicap.extra_copy)
        copy_once_more(state->run->delivery);
    slow_down(state);
    state->elapsed += fb_clock_ns() - state->started;
    pause_trace(state, true);
    fb_meter_end(state->run->meter);
}

static int open_file(struct state *state, struct fb_error *err)
{
    const struct fb_execution *run = state->run;
    if (run->trace)
        return run->format->open_traced(run->file, run->options, run->trace, &state->reader, err);
    return run->format->open(run->file, run->options, &state->reader, err);
}

static void close_array(struct state *state)
{
    if (state->array)
        state->run->format->array_close(state->array);
    state->array = NULL;
    state->array_path = NULL;
}

static void close_file(struct state *state)
{
    close_array(state);
    if (state->reader)
        state->run->format->close(state->reader);
    state->reader = NULL;
}

static int flush_off_clock(struct state *state, struct fb_error *err)
{
    clock_off(state);
    int rc = fb_delivery_flush(state->run->delivery, err);
    clock_on(state);
    return rc;
}

/* An array stays open while requests for it follow each other, as a script would hold it. */
static int open_array(struct state *state, const char *path, struct fb_error *err)
{
    if (state->array && (path == state->array_path || strcmp(path, state->array_path) == 0))
        return 0;
    close_array(state);
    int rc = state->run->format->array_open(state->reader, path, &state->array, err);
    if (rc == 0)
        state->array_path = path;
    return rc;
}

/* Room for the request in the ring. */
static int make_room(struct state *state, const struct fb_request *request, struct fb_error *err)
{
    uint64_t bytes = fb_request_ring_bytes(request);
    if (fb_delivery_fits(state->run->delivery, bytes))
        return 0;
    int rc = flush_off_clock(state, err);
    if (rc == 0 && !fb_delivery_fits(state->run->delivery, bytes))
        rc = fb_fail(err, FB_EUSAGE, "the job's buffer is smaller than the request for %s",
                     request->array);
    return rc;
}

static int read_slab(struct state *state, const struct fb_request *request, struct fb_error *err)
{
    struct fb_delivery *delivery = state->run->delivery;
    size_t delivered = 0;
    int rc = make_room(state, request, err);
    if (rc == 0)
        rc = open_array(state, request->array, err);
    if (rc == 0)
        rc = state->run->format->array_read(state->array, request->start, request->count,
                                            fb_delivery_next(delivery), (size_t)request->bytes,
                                            &delivered, err);
    if (rc == 0)
        fb_delivery_note(delivery, delivered);
    return rc;
}

/* The rows, and zeros behind them. */
static int take_sample(struct state *state, const struct fb_request *request, struct fb_error *err)
{
    struct fb_delivery *delivery = state->run->delivery;
    int rc = make_room(state, request, err);
    if (rc == 0)
        rc = open_array(state, request->array, err);
    if (rc == 0)
        rc = fb_sample_read(state->run->format, state->array, request, fb_delivery_next(delivery),
                            err);
    if (rc == 0)
        fb_delivery_note(delivery, (size_t)request->bytes);
    return rc;
}

/* The slab goes to the end of the request's part of the ring, its mean to the beginning. */
static int take_mean(struct state *state, const struct fb_request *request, struct fb_error *err)
{
    struct fb_delivery *delivery = state->run->delivery;
    size_t slab = (size_t)fb_request_slab_bytes(request), delivered = 0;
    size_t taken = (size_t)fb_request_ring_bytes(request);
    int rc = make_room(state, request, err);
    if (rc == 0)
        rc = open_array(state, request->array, err);
    if (rc)
        return rc;
    unsigned char *means = fb_delivery_next(delivery), *rows = means + (taken - slab);
    fb_delivery_touch(delivery, taken);
    rc = state->run->format->array_read(state->array, request->start, request->count, rows, slab,
                                        &delivered, err);
    if (rc == 0 && delivered != slab)
        rc = fb_fail(err, FB_EFORMAT, "array %s delivered %zu bytes instead of %zu", request->array,
                     delivered, slab);
    if (rc)
        return rc;
    fb_mean_rows(request->dtype, rows, request->count[0], request->bytes / sizeof(double),
                 (double *)(void *)means);
    fb_delivery_note(delivery, (size_t)request->bytes);
    return 0;
}

static int take_catalog(struct state *state, struct fb_error *err)
{
    struct fb_catalog catalog = { 0 };
    char *text = NULL;
    size_t length = 0;
    int rc = state->run->format->catalog(state->reader, &catalog, err);
    if (rc == 0)
        rc = fb_catalog_text(&catalog, &text, &length, err);
    if (rc == 0)
        fb_delivery_note_outside(state->run->delivery, text, length, text);
    fb_catalog_free(&catalog);
    return rc;
}

/* Into memory of its own, unless opening the file has put it there already. */
static int load_array(struct state *state, const struct fb_request *request, struct fb_error *err)
{
    const struct fb_format *format = state->run->format;
    const void *resident;
    size_t bytes;
    int rc = open_array(state, request->array, err);
    if (rc)
        return rc;
    if (format->array_resident) {
        rc = format->array_resident(state->array, &resident, &bytes, err);
        if (rc == 0)
            fb_delivery_note_outside(state->run->delivery, resident, bytes, NULL);
        return rc;
    }
    void *memory = malloc((size_t)request->bytes + 1);
    if (!memory)
        return fb_fail_memory(err, request->array);
    rc = format->array_read(state->array, request->start, request->count, memory,
                            (size_t)request->bytes, &bytes, err);
    if (rc == 0)
        fb_delivery_note_outside(state->run->delivery, memory, bytes, memory);
    else
        free(memory);
    return rc;
}

static int search(struct state *state, const struct fb_request *request, struct fb_error *err)
{
    const struct fb_format *format = state->run->format;
    struct fb_query query = fb_request_query(request);
    struct fb_matches matches = { 0 };
    int rc;
    if (format->find) {
        rc = format->find(state->reader, &query, &matches, err);
    } else {
        struct fb_catalog catalog = { 0 };
        rc = format->catalog(state->reader, &catalog, err);
        if (rc == 0)
            rc = fb_catalog_query(&catalog, &query, &matches, err);
        fb_catalog_free(&catalog);
    }
    if (rc == 0)
        fb_delivery_note_outside(state->run->delivery, matches.text ? matches.text : "",
                                 matches.length, matches.text);
    else
        free(matches.text);
    return rc;
}

/* A plan of loads has done its work when all is in memory: what closing would free is the result.
 */
static bool keeps_results(const struct fb_plan *plan)
{
    return plan->count > 0 && plan->requests[0].op == FB_OP_LOAD;
}

static int execute_request(struct state *state, const struct fb_request *request,
                           struct fb_error *err)
{
    switch (request->op) {
    case FB_OP_READ:
        return read_slab(state, request, err);
    case FB_OP_LOAD:
        return load_array(state, request, err);
    case FB_OP_MEAN:
        return take_mean(state, request, err);
    case FB_OP_SAMPLE:
        return take_sample(state, request, err);
    case FB_OP_CATALOG:
        return take_catalog(state, err);
    case FB_OP_SEARCH_RANGE:
    case FB_OP_SEARCH_NAME:
        return search(state, request, err);
    case FB_OP_WRITE:
        break;
    }
    return fb_fail(err, FB_EFORMAT, "a read job's plan has a write in it");
}

static int execute_all(struct state *state, struct fb_error *err)
{
    const struct fb_execution *run = state->run;
    bool each = run->handle == FB_HANDLE_EACH;
    int rc = run->handle == FB_HANDLE_ONCE ? open_file(state, err) : 0;
    for (size_t i = 0; rc == 0 && i < run->plan->count; i++) {
        const struct fb_request *request = &run->plan->requests[i];
        if (each && !request->joined) {
            close_file(state);
            rc = open_file(state, err);
        }
        if (rc == 0)
            rc = execute_request(state, request, err);
    }
    if (each)
        close_file(state);
    return rc;
}

int fb_execute(const struct fb_execution *execution, uint64_t *ns, struct fb_error *err)
{
    struct state state = { .run = execution };
    pause_trace(&state, true);
    int rc = execution->handle == FB_HANDLE_KEEP ? open_file(&state, err) : 0;
    if (rc)
        return rc;
    clock_on(&state);
    if (execution->handicap.extra_read)
        read_once_more(execution->file);
    rc = execute_all(&state, err);
    close_array(&state);
    clock_off(&state);
    if (rc == 0)
        rc = fb_delivery_flush(execution->delivery, err);
    if (execution->handle == FB_HANDLE_ONCE && !keeps_results(execution->plan)) {
        clock_on(&state);
        close_file(&state);
        clock_off(&state);
    }
    close_file(&state);
    *ns = state.elapsed;
    return rc;
}
