#include "bench/talk.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fb_talk_receive(struct fb_process *process, json_t **message, struct fb_error *err)
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
        bool unsupported = json_is_true(json_object_get(*message, "unsupported"));
        rc = fb_fail(err, usage ? FB_EUSAGE : unsupported ? FB_EUNSUPPORTED : FB_EIO, "%s", text);
        json_decref(*message);
        *message = NULL;
    }
    return rc;
}

int fb_talk_receive_true(struct fb_process *process, const char *key, json_t **message,
                         struct fb_error *err)
{
    int rc = fb_talk_receive(process, message, err);
    if (rc || json_is_true(json_object_get(*message, key)))
        return rc;
    json_decref(*message);
    *message = NULL;
    return fb_fail(err, FB_EFORMAT, "worker broke the protocol: expected %s", key);
}

int fb_talk_prepare_cache(struct fb_process *process, const char *file, enum fb_cache state,
                          struct fb_error *err)
{
    uint64_t began = fb_clock_ns();
    int rc = fb_cache_prepare(file, state, err);
    process->deadline_ns += fb_clock_ns() - began;
    return rc;
}

int fb_talk_send(struct fb_process *process, json_t *message, struct fb_error *err)
{
    char *text = fb_message_text(message);
    if (!text)
        return fb_fail(err, FB_EUSAGE,
                       "a message to the worker cannot be written: is a path not UTF-8?");
    int rc = fb_process_send(process, text, err);
    free(text);
    return rc;
}

int fb_talk_greet(struct fb_process *process, json_t **hello, struct fb_error *err)
{
    uint64_t version;
    int rc = fb_talk_receive(process, hello, err);
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

int fb_talk_start(struct fb_process *process, const struct fb_worker *worker,
                  const struct fb_process_limits *limits, struct fb_error *err)
{
    *process = FB_PROCESS_NONE;
    char words[sizeof worker->command];
    const char *argv[FB_WORKER_WORDS + 2] = { words };
    size_t count = 1;
    memcpy(words, worker->command, sizeof words);
    if (*worker->script) {
        argv[count++] = worker->script;
        argv[count++] = worker->modules;
    } else if (!worker->own && access(words, X_OK) != 0) {
        /* A program may have blanks in its own path. */
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

int fb_talk_give_job(struct fb_process *process, const struct fb_job *job, struct fb_error *err)
{
    json_t *ready;
    int rc = fb_talk_send(process, fb_job_message(job), err);
    if (rc == 0)
        rc = fb_talk_receive_true(process, "ready", &ready, err);
    if (rc == 0)
        json_decref(ready);
    return rc;
}

int fb_talk_start_job(struct fb_process *process, const struct fb_worker *worker,
                      const struct fb_process_limits *limits, const struct fb_job *job,
                      json_t **hello, struct fb_error *err)
{
    json_t *said;
    int rc = fb_talk_start(process, worker, limits, err);
    if (rc == 0)
        rc = fb_talk_greet(process, &said, err);
    if (rc)
        return rc;
    rc = fb_talk_give_job(process, job, err);
    if (rc == 0 && hello)
        *hello = json_incref(said);
    json_decref(said);
    return rc;
}

static int wrong(const struct fb_plan *plan, const struct fb_hash *expected, size_t request,
                 const char *found, struct fb_error *err)
{
    const struct fb_request *what = &plan->requests[request];
    char start[256], count[256];
    if (!expected[request].hex[0])
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
        expected[request].hex);
}

int fb_talk_check_hash(const struct fb_plan *plan, const struct fb_hash *expected, size_t request,
                       const char *hex, struct fb_error *err)
{
    if (!expected || strcmp(hex, expected[request].hex) == 0)
        return 0;
    return wrong(plan, expected, request, hex, err);
}

int fb_talk_check_hashes(const struct fb_plan *plan, const struct fb_hash *expected,
                         const json_t *message, bool *wrong_data, struct fb_error *err)
{
    const json_t *hashes = json_object_get(message, "hashes");
    if (!json_is_array(hashes) || json_array_size(hashes) != plan->count)
        return fb_fail(err, FB_EFORMAT,
                       "worker broke the protocol: an iteration without a hash for each request");
    for (size_t i = 0; i < plan->count; i++) {
        const char *hex = json_string_value(json_array_get(hashes, i));
        int rc = fb_talk_check_hash(plan, expected, i, hex ? hex : "no text", err);
        *wrong_data |= rc != 0;
        if (rc)
            return rc;
    }
    return 0;
}
