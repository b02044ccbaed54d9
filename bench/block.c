#include "bench/block.h"
#include "results/record.h"

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
    for (size_t i = 0; i < plan->count; i++)
        total += ring_bytes(&plan->requests[i], total);
    if (plan->one_buffer || total > RING_BYTES)
        total = plan->one_buffer || largest > RING_BYTES ? largest : RING_BYTES;
    return total;
}

/* --- messages --------------------------------------------------------------------------------- */

/* The next message; a worker's own error becomes ours. */
static int receive(struct fb_process *process, json_t **message, struct fb_error *err)
{
    const char *line;
    size_t length;
    int rc = fb_process_receive(process, &line, &length, err);
    if (rc)
        return rc;
    rc = fb_message_parse(line, length, message, err);
    if (rc)
        return fb_fail_in(err, "worker broke the protocol");
    const char *text = json_string_value(json_object_get(*message, "error"));
    if (text) {
        bool usage = json_is_true(json_object_get(*message, "usage"));
        rc = fb_fail(err, usage ? FB_EUSAGE : FB_EIO, "%s", text);
        json_decref(*message);
        *message = NULL;
    }
    return rc;
}

/* A message whose member `key` is true, in fresh *message. */
static int receive_true(struct fb_process *process, const char *key, json_t **message,
                        struct fb_error *err)
{
    int rc = receive(process, message, err);
    if (rc || json_is_true(json_object_get(*message, key)))
        return rc;
    json_decref(*message);
    *message = NULL;
    return fb_fail(err, FB_EFORMAT, "worker broke the protocol: expected %s", key);
}

static int send(struct fb_process *process, json_t *message, struct fb_error *err)
{
    char *text = fb_message_text(message);
    if (!text)
        return fb_fail(err, FB_EUSAGE,
                       "a message to the worker cannot be written: is a path not UTF-8?");
    int rc = fb_process_send(process, text, err);
    free(text);
    return rc;
}

static int greet(struct fb_process *process, json_t **hello, struct fb_error *err)
{
    uint64_t version;
    int rc = receive(process, hello, err);
    if (rc)
        return rc;
    if (!fb_message_uint(*hello, "protocol", &version))
        rc = fb_fail(err, FB_EFORMAT, "worker broke the protocol: no hello with a protocol number");
    else if (version != FB_PROTOCOL_VERSION)
        rc = fb_fail(err, FB_EFORMAT, "worker speaks protocol %llu, this fmtbench speaks %d",
                     (unsigned long long)version, FB_PROTOCOL_VERSION);
    if (rc)
        json_decref(*hello);
    return rc;
}

static int start(struct fb_process *process, const struct fb_worker *worker,
                 const struct fb_process_limits *limits, struct fb_error *err)
{
    *process = FB_PROCESS_NONE;
    char words[sizeof worker->command];
    const char *argv[FB_WORKER_WORDS + 2] = { words };
    size_t count = 1;
    memcpy(words, worker->command, sizeof words);
    /* A program may have blanks in its own path. */
    if (!worker->own && access(words, X_OK) != 0) {
        char *rest = words;
        for (count = 0; count < FB_WORKER_WORDS && (argv[count] = strtok_r(rest, " ", &rest));)
            count++;
    }
    if (worker->own)
        argv[count++] = "worker";
    argv[count] = NULL;
    return argv[0] ? fb_process_start(process, argv, limits, err)
                   : fb_fail(err, FB_EUSAGE, "the worker's command is empty");
}

/* Starts the worker, greets it, gives it the job and waits until it is ready. */
static int start_job(struct fb_process *process, const struct fb_worker *worker,
                     const struct fb_process_limits *limits, const struct fb_job *job,
                     struct fb_error *err)
{
    json_t *hello, *ready;
    int rc = start(process, worker, limits, err);
    if (rc == 0)
        rc = greet(process, &hello, err);
    if (rc)
        return rc;
    json_decref(hello);
    rc = send(process, fb_job_message(job), err);
    if (rc == 0)
        rc = receive_true(process, "ready", &ready, err);
    if (rc == 0)
        json_decref(ready);
    return rc;
}

int fb_block_hello(const struct fb_worker *worker, const struct fb_process_limits *limits,
                   json_t **hello, struct fb_error *err)
{
    struct fb_process process;
    int rc = start(&process, worker, limits, err);
    if (rc == 0)
        rc = greet(&process, hello, err);
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

static int wrong(struct checker *checker, size_t request, const char *found, struct fb_error *err)
{
    const struct fb_request *what = &checker->job->plan->requests[request];
    char start[256], count[256];
    checker->wrong_data = true;
    if (!checker->job->expected[request].hex[0])
        return fb_fail(err, FB_EFORMAT,
                       "request %zu, of %s, cannot be verified: no source or file "
                       "delivers what the manifests say",
                       request, what->array);
    if (what->op == FB_OP_CATALOG)
        return fb_fail(err, FB_EFORMAT, "request %zu, the catalog, differs from the dataset's",
                       request);
    if (fb_request_is_search(what))
        return fb_fail(err, FB_EFORMAT, "request %zu, a search over %s, gave a wrong answer",
                       request, what->array);
    return fb_fail(
        err, FB_EFORMAT,
        "request %zu, %s from %s of %s, delivered wrong bytes (hash %.8s..., not %.8s...)", request,
        fb_shape_text(what->rank, what->count, count, sizeof count),
        fb_shape_text(what->rank, what->start, start, sizeof start), what->array, found,
        checker->job->expected[request].hex);
}

static int check_hash(struct checker *checker, size_t request, const char *hex,
                      struct fb_error *err)
{
    if (!checker->job->expected || strcmp(hex, checker->job->expected[request].hex) == 0)
        return 0;
    return wrong(checker, request, hex, err);
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
    const json_t *hashes = json_object_get(message, "hashes");
    size_t count = checker->job->plan->count;
    if (!json_is_array(hashes) || json_array_size(hashes) != count)
        return fb_fail(err, FB_EFORMAT,
                       "worker broke the protocol: an iteration without a hash for each request");
    for (size_t i = 0; i < count; i++) {
        const char *hex = json_string_value(json_array_get(hashes, i));
        int rc = check_hash(checker, i, hex ? hex : "no text", err);
        if (rc)
            return rc;
    }
    checker->iterations++;
    return 0;
}

/* --- a block ---------------------------------------------------------------------------------- */

/* A warm block repeats its plan until it has lasted this long: a single run of a few microseconds
 * is mostly jitter. */
#define BLOCK_NS UINT64_C(20000000)
#define ITERATIONS_MAX 50

static int take_iterations(struct fb_process *process, struct checker *checker, uint64_t count,
                           struct fb_block_result *result, struct fb_error *err)
{
    size_t all = result->count + (size_t)count;
    uint64_t *grown = reallocarray(result->ns, all, sizeof *grown);
    if (!grown)
        return fb_fail_memory(err, "a block");
    result->ns = grown;
    checker->asked += count;
    int rc = send(process, json_pack("{s:b, s:I}", "go", 1, "iterations", (json_int_t)count), err);
    while (rc == 0 && result->count < all) {
        json_t *message;
        rc = receive(process, &message, err);
        if (rc)
            return rc;
        if (!fb_message_uint(message, "ns", &result->ns[result->count]))
            rc = fb_fail(err, FB_EFORMAT, "worker broke the protocol: an iteration without its ns");
        else if (!checker->job->job.deliver_bytes)
            rc = check_hashes(checker, message, err);
        json_decref(message);
        result->count++;
    }
    return rc;
}

/* Cold is cold only once. A warm block warms up once, however long that takes, so that fast and
 * slow formats are measured alike, and repeats by what the warm-up took. */
static int take_block(struct fb_process *process, struct checker *checker,
                      struct fb_block_result *result, struct fb_error *err)
{
    if (checker->job->cache == FB_CACHE_COLD)
        return take_iterations(process, checker, 1, result, err);
    int rc = take_iterations(process, checker, 1, result, err);
    if (rc)
        return rc;
    uint64_t count = result->ns[0] ? BLOCK_NS / result->ns[0] : ITERATIONS_MAX;
    count = count < 1 ? 1 : count > ITERATIONS_MAX ? ITERATIONS_MAX : count;
    result->warmups = 1;
    return take_iterations(process, checker, count, result, err);
}

static int take_done(struct fb_process *process, struct fb_block_result *result,
                     struct fb_error *err)
{
    json_t *done;
    int rc = send(process, json_pack("{s:b}", "go", 0), err);
    if (rc == 0)
        rc = receive_true(process, "done", &done, err);
    if (rc)
        return rc;
    fb_message_uint(done, "peak_bytes", &result->peak_bytes);
    result->storage = json_incref(json_object_get(done, "storage"));
    json_decref(done);
    return fb_process_finish(process, err);
}

static int prove_cache(const struct fb_block_job *job, struct fb_block_result *result,
                       struct fb_error *err)
{
    if (job->no_file)
        return 0;
    int rc = fb_cache_prepare(job->job.file, job->cache, err);
    return rc ? rc : fb_cache_resident(job->job.file, &result->resident_before, err);
}

int fb_block_run(const struct fb_block_job *job, struct fb_block_result *result,
                 struct fb_error *err)
{
    struct fb_process process;
    struct checker checker = { .job = job };
    *result = (struct fb_block_result){ .peak_bytes = FB_NA, .resident_before = NAN };
    int rc = start_job(&process, job->worker, &job->limits, &job->job, err);
    if (rc == 0 && job->job.deliver_bytes) {
        process.on_bytes = check_bytes;
        process.on_bytes_context = &checker;
    }
    if (rc == 0)
        rc = prove_cache(job, result, err);
    if (rc == 0)
        rc = take_block(&process, &checker, result, err);
    if (rc == 0)
        rc = take_done(&process, result, err);
    if (rc == 0 && checker.iterations != result->count)
        rc = fb_fail(err, FB_EFORMAT, "worker broke the protocol: it delivered too little");
    free(checker.frame);
    fb_process_close(&process);
    if (rc) {
        fb_block_result_free(result);
        result->wrong_data = checker.wrong_data;
    }
    return rc;
}

void fb_block_result_free(struct fb_block_result *result)
{
    free(result->ns);
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
    int rc = start_job(&process, worker, limits, job, err);
    if (rc == 0)
        rc = send(&process, json_pack("{s:b}", "go", 1), err);
    for (size_t i = 0; rc == 0 && i < fb_source_catalog(source)->array_count; i++)
        rc = feed_array(&process, source, i, err);
    if (rc == 0)
        fb_process_feed_end(&process);
    if (rc == 0)
        rc = receive_true(&process, "created", &created, err);
    if (rc == 0) {
        fb_message_uint(created, "ns", &result->ns);
        fb_message_uint(created, "cpu_ns", &result->cpu_ns);
        json_decref(created);
        rc = fb_process_finish(&process, err);
    }
    fb_process_close(&process);
    return rc;
}
