#include "bench/block.h"
#include "base/clock.h"
#include "bench/epoch/epoch.h"
#include "bench/floor_talk.h"
#include "bench/talk.h"
#include "results/record.h"
#include "results/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What fits in the ring is hashed after the clock has stopped for good. */
#define RING_BYTES (UINT64_C(64) << 20)
/* Slabs that a source is read in for a create job. */
#define FEED_BYTES ((size_t)4 << 20)

/* With the gap to the next cache line; what is beyond the limit need not be counted. */
static uint64_t ring_bytes(const struct fb_request *request, uint64_t total)
{
    uint64_t bytes = fb_request_ring_bytes(request);
    return bytes > 0 && total <= RING_BYTES ? bytes + 64 : 0;
}

uint64_t fb_block_buffer(const struct fb_plan *plan)
{
    uint64_t largest = fb_plan_largest(plan), total = 0;
    if (plan->loading.batch)
        return fb_epoch_buffer(plan, RING_BYTES);
    for (size_t i = 0; i < plan->count; i++)
        total += ring_bytes(&plan->requests[i], total);
    if (plan->one_buffer || total > RING_BYTES)
        total = plan->one_buffer || largest > RING_BYTES ? largest : RING_BYTES;
    return total;
}

int fb_block_hello(const struct fb_worker *worker, const struct fb_process_limits *limits,
                   json_t **hello, struct fb_error *err)
{
    struct fb_process process;
    int rc = fb_talk_start(&process, worker, limits, err);
    if (rc == 0)
        rc = fb_talk_greet(&process, hello, err);
    fb_process_close(&process);
    return rc ? fb_fail_in(err, "worker %s", worker->command) : 0;
}

/* --- checking --------------------------------------------------------------------------------- */

/* Hashes what a worker delivers as bytes: frames of an 8-byte length and as many bytes. */
struct checker {
    const struct fb_block_job *job;
    size_t request; /* requests complete in this iteration */
    unsigned char length[8];
    size_t length_taken;
    unsigned char *frame;
    uint64_t frame_bytes, frame_taken;
    uint64_t iterations; /* complete and right */
    uint64_t asked;      /* iterations asked for until now */
    bool wrong_data;
};

struct fb_block {
    struct fb_process process;
    struct checker checker;
    json_t *hello;
    bool counters; /* asked for, and to be had */
};

static int check_hash(struct checker *checker, size_t request, const char *hex,
                      struct fb_error *err)
{
    int rc = fb_talk_check_hash(checker->job->plan, checker->job->expected, request, hex, err);
    checker->wrong_data |= rc != 0;
    return rc;
}

static int end_frame(struct checker *checker, struct fb_error *err)
{
    struct fb_hash hash;
    fb_hash_bytes(checker->frame, (size_t)checker->frame_bytes, &hash);
    int rc = check_hash(checker, checker->request, hash.hex, err);
    free(checker->frame);
    checker->frame = NULL;
    checker->length_taken = 0;
    if (++checker->request == checker->job->plan->count) {
        checker->request = 0;
        checker->iterations++;
    }
    return rc;
}

static int begin_frame(struct checker *checker, struct fb_error *err)
{
    const struct fb_request *request = &checker->job->plan->requests[checker->request];
    uint64_t bytes = 0;
    for (int i = 0; i < 8; i++)
        bytes |= (uint64_t)checker->length[i] << (8 * i);
    checker->frame_bytes = bytes;
    checker->frame_taken = 0;
    if (checker->iterations == checker->asked)
        return fb_fail(err, FB_EFORMAT, "worker broke the protocol: it delivered too much");
    /* The length was written by somebody else's program: nothing is allocated on its word. */
    if (bytes != request->bytes) {
        checker->wrong_data = true;
        return fb_fail(err, FB_EFORMAT, "request %zu, of %s, delivered %llu bytes instead of %llu",
                       checker->request, *request->array ? request->array : "the catalog",
                       (unsigned long long)bytes, (unsigned long long)request->bytes);
    }
    checker->frame = malloc((size_t)bytes + 1);
    if (!checker->frame)
        return fb_fail_memory(err, "delivered bytes");
    return bytes == 0 ? end_frame(checker, err) : 0;
}

static int check_bytes(void *context, const unsigned char *data, size_t bytes, struct fb_error *err)
{
    struct checker *checker = context;
    int rc = 0;
    while (rc == 0 && bytes > 0) {
        if (!checker->frame) {
            checker->length[checker->length_taken++] = *data++;
            bytes--;
            if (checker->length_taken == 8)
                rc = begin_frame(checker, err);
            continue;
        }
        uint64_t left = checker->frame_bytes - checker->frame_taken;
        size_t n = bytes < left ? bytes : (size_t)left;
        memcpy(checker->frame + checker->frame_taken, data, n);
        checker->frame_taken += n;
        data += n;
        bytes -= n;
        if (checker->frame_taken == checker->frame_bytes)
            rc = end_frame(checker, err);
    }
    return rc;
}

static int check_hashes(struct checker *checker, const json_t *message, struct fb_error *err)
{
    int rc = fb_talk_check_hashes(checker->job->plan, checker->job->expected, message,
                                  &checker->wrong_data, err);
    checker->iterations += rc == 0;
    return rc;
}

/* --- a block ---------------------------------------------------------------------------------- */

/* A warm block repeats its plan until its reads have lasted this long: a single run of a few
 * microseconds is mostly jitter. Checking what was delivered may take this long too. */
#define BLOCK_NS UINT64_C(10000000)
#define BLOCK_WALL_NS UINT64_C(30000000)
#define ITERATIONS_MAX 50

/* The waits for the batches of an iteration; one after the other, they lie within it. */
static int take_batches(const json_t *message, struct fb_block_result *result, struct fb_error *err)
{
    const json_t *times = json_object_get(message, "batches_ns");
    uint64_t *at = result->batches_ns + result->count * result->batches, left;
    bool fine = json_array_size(times) == result->batches;
    left = result->ns[result->count];
    for (size_t i = 0; fine && i < result->batches; i++) {
        const json_t *ns = json_array_get(times, i);
        fine = json_is_integer(ns) && json_integer_value(ns) >= 0 &&
               (uint64_t)json_integer_value(ns) <= left;
        if (fine)
            left -= at[i] = (uint64_t)json_integer_value(ns);
    }
    return fine
               ? 0
               : fb_fail(err, FB_EFORMAT,
                         "worker broke the protocol: an epoch without the times of its %zu batches",
                         result->batches);
}

static int make_room(struct fb_block_result *result, size_t iterations, struct fb_error *err)
{
    uint64_t *ns = reallocarray(result->ns, iterations, sizeof *ns);
    if (!ns)
        return fb_fail_memory(err, "a block");
    result->ns = ns;
    if (result->batches == 0)
        return 0;
    ns = reallocarray(result->batches_ns, iterations, result->batches * sizeof *ns);
    if (!ns)
        return fb_fail_memory(err, "a block");
    result->batches_ns = ns;
    return 0;
}

static int take_iterations(struct fb_process *process, struct checker *checker, uint64_t count,
                           bool counted, struct fb_block_result *result, struct fb_error *err)
{
    struct fb_counters counters;
    size_t all = result->count + (size_t)count;
    int rc = make_room(result, all, err);
    checker->asked += count;
    if (rc == 0)
        rc = fb_talk_send(process,
                          json_pack("{s:b, s:I, s:b}", "go", 1, "iterations", (json_int_t)count,
                                    "counters", counted),
                          err);
    while (rc == 0 && result->count < all) {
        json_t *message;
        rc = fb_talk_receive(process, &message, err);
        if (rc)
            return rc;
        if (!fb_message_uint(message, "ns", &result->ns[result->count]))
            rc = fb_fail(err, FB_EFORMAT, "worker broke the protocol: an iteration without its ns");
        else if (!checker->job->job.deliver_bytes)
            rc = check_hashes(checker, message, err);
        if (rc == 0 && result->batches)
            rc = take_batches(message, result, err);
        if (counted) {
            fb_counters_parse(json_object_get(message, "counters"), &counters);
            fb_counters_add(&result->counters, &counters);
            result->counted++;
        }
        json_decref(message);
        result->count++;
    }
    return rc;
}

static uint64_t repeats(uint64_t ns, uint64_t wall_ns)
{
    uint64_t count = ITERATIONS_MAX;
    if (ns && BLOCK_NS / ns < count)
        count = BLOCK_NS / ns;
    if (wall_ns && BLOCK_WALL_NS / wall_ns < count)
        count = BLOCK_WALL_NS / wall_ns;
    return count ? count : 1;
}

/* Cold is cold only once. A warm block warms up once, however long that takes, so that fast and
 * slow formats are measured alike, and repeats by what the warm-up took. Looking at counters right
 * before and behind a short iteration would make it longer: short ones are counted in one of their
 * own, checked like all others, whose time is not used. */
static int take_block(struct fb_process *process, struct checker *checker, bool counters,
                      struct fb_block_result *result, struct fb_error *err)
{
    if (checker->job->cache == FB_CACHE_COLD)
        return take_iterations(process, checker, 1, counters, result, err);
    uint64_t wall = fb_clock_ns();
    int rc = take_iterations(process, checker, 1, false, result, err);
    if (rc)
        return rc;
    wall = fb_clock_ns() - wall;
    if (checker->job->patience_ns && result->ns[0] > checker->job->patience_ns)
        return 0;
    result->warmups = 1;
    uint64_t count = repeats(result->ns[0], wall);
    bool apart = counters && count > 1;
    rc = take_iterations(process, checker, count, counters && !apart, result, err);
    if (rc == 0 && apart) {
        rc = take_iterations(process, checker, 1, true, result, err);
        result->count--;
    }
    return rc;
}

static int take_done(struct fb_process *process, struct fb_block_result *result,
                     struct fb_error *err)
{
    json_t *done;
    int rc = fb_talk_send(process, json_pack("{s:b}", "go", 0), err);
    if (rc == 0)
        rc = fb_talk_receive_true(process, "done", &done, err);
    if (rc)
        return rc;
    fb_message_uint(done, "peak_bytes", &result->peak_bytes);
    result->storage = json_incref(json_object_get(done, "storage"));
    json_decref(done);
    return fb_process_finish(process, err);
}

static int prove_cache(struct fb_process *process, const struct fb_block_job *job, double *resident,
                       struct fb_error *err)
{
    if (job->no_file)
        return 0;
    int rc = fb_talk_prepare_cache(process, job->job.file, job->cache, err);
    return rc ? rc : fb_cache_resident(job->job.file, resident, err);
}

/* The iterations, with what the machine did meanwhile and left behind. */
static int measure(struct fb_block *block, struct fb_block_result *result, struct fb_error *err)
{
    const struct fb_block_job *job = block->checker.job;
    struct fb_machine_time before, after;
    fb_machine_time(&before);
    int rc = take_block(&block->process, &block->checker, block->counters, result, err);
    fb_machine_time(&after);
    result->machine.steal_ns = fb_counter_difference(before.steal_ns, after.steal_ns);
    result->machine.pressure_ns = fb_counter_difference(before.pressure_ns, after.pressure_ns);
    return rc || job->no_file ? rc : fb_cache_resident(job->job.file, &result->resident_after, err);
}

int fb_block_open(const struct fb_block_job *job, struct fb_block **out,
                  struct fb_block_result *result, struct fb_error *err)
{
    struct fb_block *block = calloc(1, sizeof *block);
    *out = block;
    *result = (struct fb_block_result){
        .peak_bytes = FB_NA,
        .resident_before = NAN,
        .resident_after = NAN,
        .floor = { FB_NA, FB_NA, FB_NA },
    };
    if (!block)
        return fb_fail_memory(err, "a block");
    block->process = FB_PROCESS_NONE;
    block->checker.job = job;
    if (job->job.loading.batch)
        result->batches = (job->plan->count + job->job.loading.batch - 1) / job->job.loading.batch;
    int rc = 0;
    /* Others than fmtbench's own may read the file while they prepare, and not in order. */
    if (!job->worker->own && !job->no_file && job->cache == FB_CACHE_WARM)
        rc = fb_cache_prepare(job->job.file, FB_CACHE_WARM, err);
    if (rc == 0)
        rc = fb_talk_start_job(&block->process, job->worker, &job->limits, &job->job, &block->hello,
                               err);
    if (rc == 0 && job->job.deliver_bytes) {
        block->process.on_bytes = check_bytes;
        block->process.on_bytes_context = &block->checker;
    }
    if (rc == 0)
        rc = prove_cache(&block->process, job, &result->resident_before, err);
    block->counters =
        rc == 0 && job->counters && json_is_true(json_object_get(block->hello, "counters"));
    return rc;
}

int fb_block_iterate(struct fb_block *block, uint64_t count, bool counted,
                     struct fb_block_result *result, struct fb_error *err)
{
    return take_iterations(&block->process, &block->checker, count, counted && block->counters,
                           result, err);
}

int fb_block_close(struct fb_block *block, int rc, struct fb_block_result *result,
                   struct fb_error *err)
{
    if (!block)
        return rc;
    struct checker *checker = &block->checker;
    if (result->counted == 0)
        fb_counters_parse(NULL, &result->counters);
    if (rc == 0)
        rc = take_done(&block->process, result, err);
    if (rc == 0 && checker->iterations != checker->asked)
        rc = fb_fail(err, FB_EFORMAT, "worker broke the protocol: it delivered too little");
    if (rc) {
        fb_block_result_free(result);
        result->wrong_data = checker->wrong_data;
    }
    json_decref(block->hello);
    free(checker->frame);
    fb_process_close(&block->process);
    if (checker->job->cache == FB_CACHE_COLD && !checker->job->no_file)
        fb_cache_forget(checker->job->job.file);
    free(block);
    return rc;
}

int fb_block_run(const struct fb_block_job *job, struct fb_block_result *result,
                 struct fb_error *err)
{
    struct fb_block *block;
    int rc = fb_block_open(job, &block, result, err);
    if (rc == 0)
        rc = measure(block, result, err);
    if (rc == 0 && job->floor && json_is_true(json_object_get(block->hello, "floor")))
        rc = fb_floor_talk(&block->process, job, &result->floor, err);
    return fb_block_close(block, rc, result, err);
}

void fb_block_result_free(struct fb_block_result *result)
{
    free(result->ns);
    free(result->batches_ns);
    json_decref(result->storage);
    *result = (struct fb_block_result){ 0 };
}

/* --- create ----------------------------------------------------------------------------------- */

static int feed_slab(void *context, const uint64_t *start, const uint64_t *count, const void *data,
                     size_t bytes, struct fb_error *err)
{
    (void)start;
    (void)count;
    return fb_process_feed(context, data, bytes, err);
}

static int feed_array(struct fb_process *process, struct fb_source *source, size_t array,
                      struct fb_error *err)
{
    uint64_t bytes = fb_source_catalog(source)->arrays[array].bytes;
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bytes >> (8 * i));
    int rc = fb_process_feed(process, length, sizeof length, err);
    return rc ? rc : fb_source_stream(source, array, FEED_BYTES, feed_slab, process, err);
}

int fb_block_create(const struct fb_worker *worker, const struct fb_process_limits *limits,
                    const struct fb_job *job, struct fb_source *source,
                    struct fb_create_result *result, struct fb_error *err)
{
    struct fb_process process;
    json_t *created;
    *result = (struct fb_create_result){ FB_NA, FB_NA };
    int rc = fb_talk_start_job(&process, worker, limits, job, NULL, err);
    if (rc == 0)
        rc = fb_talk_send(&process, json_pack("{s:b}", "go", 1), err);
    for (size_t i = 0; rc == 0 && i < fb_source_catalog(source)->array_count; i++)
        rc = feed_array(&process, source, i, err);
    if (rc == 0)
        fb_process_feed_end(&process);
    if (rc == 0)
        rc = fb_talk_receive_true(&process, "created", &created, err);
    if (rc == 0) {
        fb_message_uint(created, "ns", &result->ns);
        fb_message_uint(created, "cpu_ns", &result->cpu_ns);
        json_decref(created);
        rc = fb_process_finish(&process, err);
    }
    fb_process_close(&process);
    return rc;
}

int fb_block_create_file(const struct fb_worker *worker, const struct fb_process_limits *limits,
                         const struct fb_job *job, struct fb_source *source,
                         struct fb_create_result *result, struct fb_error *err)
{
    struct fb_plan plan;
    int rc = fb_plan_of_catalog(fb_source_catalog(source), &plan, err);
    if (rc)
        return rc;
    rc = fb_plan_write(&plan, job->plan, err);
    fb_plan_free(&plan);
    if (rc == 0)
        rc = fb_block_create(worker, limits, job, source, result, err);
    unlink(job->plan);
    if (rc == 0) /* in the pieces that it was written in */
        fb_cache_forget(job->file);
    return rc;
}
