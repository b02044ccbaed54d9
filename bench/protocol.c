#include "bench/protocol.h"

#include <string.h>

const char *const fb_handle_names[FB_HANDLE_COUNT] = {
    [FB_HANDLE_ONCE] = "once",
    [FB_HANDLE_EACH] = "each",
    [FB_HANDLE_KEEP] = "keep",
};

bool fb_handle_parse(const char *name, enum fb_handle *out)
{
    for (int i = 0; i < FB_HANDLE_COUNT; i++) {
        if (strcmp(name, fb_handle_names[i]) == 0) {
            *out = (enum fb_handle)i;
            return true;
        }
    }
    return false;
}

char *fb_message_text(json_t *message)
{
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    return text;
}

int fb_message_parse(const char *line, size_t length, json_t **out, struct fb_error *err)
{
    json_error_t what;
    *out = json_loadb(line, length, JSON_REJECT_DUPLICATES, &what);
    if (!*out)
        return fb_fail(err, FB_EFORMAT, "a message that is not JSON: %.*s",
                       (int)(length < 80 ? length : 80), line);
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return fb_fail(err, FB_EFORMAT, "a message that is no JSON object");
    }
    return 0;
}

bool fb_message_uint(const json_t *message, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(message, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static const struct {
    const char *name;
    size_t offset;
    uint64_t least, most;
} loader_members[] = {
#define MEMBER(name, least, most)                                                                  \
    {                                                                                              \
#name, offsetof(struct fb_loading, name), least, most                                      \
    }
    MEMBER(batch, 1, FB_BATCH_MAX),       MEMBER(workers, 0, FB_LOADERS_MAX),
    MEMBER(prefetch, 1, FB_PREFETCH_MAX), MEMBER(step_ns, 0, FB_STEP_US_MAX *UINT64_C(1000)),
    MEMBER(memory_bytes, 0, INT64_MAX),
#undef MEMBER
};

#define LOADER_MEMBERS (sizeof loader_members / sizeof *loader_members)

static json_t *loader_message(const struct fb_loading *loading)
{
    json_t *message = json_object();
    for (size_t i = 0; i < LOADER_MEMBERS; i++) {
        uint64_t value;
        memcpy(&value, (const char *)loading + loader_members[i].offset, sizeof value);
        json_object_set_new(message, loader_members[i].name, json_integer((json_int_t)value));
    }
    return message;
}

static int parse_loader(const json_t *message, struct fb_loading *out, struct fb_error *err)
{
    for (size_t i = 0; message && i < LOADER_MEMBERS; i++) {
        uint64_t value;
        if (!fb_message_uint(message, loader_members[i].name, &value) ||
            value < loader_members[i].least || value > loader_members[i].most)
            return fb_fail(err, FB_EFORMAT, "the job's loader lacks %s, a number from %llu to %llu",
                           loader_members[i].name, (unsigned long long)loader_members[i].least,
                           (unsigned long long)loader_members[i].most);
        memcpy((char *)out + loader_members[i].offset, &value, sizeof value);
    }
    return 0;
}

json_t *fb_job_message(const struct fb_job *job)
{
    if (job->create)
        return json_pack("{s:s, s:s, s:s, s:s, s:s}", "job", "create", "format", job->format,
                         "options", job->options, "file", job->file, "plan", job->plan);
    json_t *message = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "job", job->trace ? "trace" : "read",
        "format", job->format, "options", job->options, "file", job->file, "plan", job->plan,
        "handle", fb_handle_names[job->handle], "deliver", job->deliver_bytes ? "bytes" : "hash",
        "buffer", (json_int_t)job->buffer, "storage", job->storage);
    if (message && job->loading.batch && !job->trace)
        json_object_set_new(message, "loader", loader_message(&job->loading));
    if (message && job->handicap.slow_down_ppm)
        json_object_set_new(message, "slow_down_ppm",
                            json_integer((json_int_t)job->handicap.slow_down_ppm));
    if (message && job->handicap.extra_read)
        json_object_set_new(message, "extra_read", json_true());
    if (message && job->handicap.extra_copy)
        json_object_set_new(message, "extra_copy", json_true());
    return message;
}

int fb_job_parse(const json_t *message, struct fb_job *job, struct fb_error *err)
{
    const char *kind = json_string_value(json_object_get(message, "job"));
    const char *handle = json_string_value(json_object_get(message, "handle"));
    const char *deliver = json_string_value(json_object_get(message, "deliver"));
    *job = (struct fb_job){
        .format = json_string_value(json_object_get(message, "format")),
        .options = json_string_value(json_object_get(message, "options")),
        .file = json_string_value(json_object_get(message, "file")),
        .plan = json_string_value(json_object_get(message, "plan")),
    };
    if (!kind || !job->format || !job->options || !job->file || !job->plan)
        return fb_fail(err, FB_EFORMAT, "the job lacks one of job, format, options, file, plan");
    job->create = strcmp(kind, "create") == 0;
    if (job->create)
        return 0;
    job->trace = strcmp(kind, "trace") == 0;
    if (!job->trace && strcmp(kind, "read") != 0)
        return fb_fail(err, FB_EFORMAT, "unknown job '%s'; jobs are read, trace and create", kind);
    if (!handle || !fb_handle_parse(handle, &job->handle))
        return fb_fail(err, FB_EFORMAT, "the job's handle is not once, each or keep");
    if (!deliver || (strcmp(deliver, "bytes") != 0 && strcmp(deliver, "hash") != 0))
        return fb_fail(err, FB_EFORMAT, "the job's deliver is not hash or bytes");
    job->storage = json_is_true(json_object_get(message, "storage"));
    job->deliver_bytes = strcmp(deliver, "bytes") == 0;
    fb_message_uint(message, "slow_down_ppm", &job->handicap.slow_down_ppm);
    job->handicap.extra_copy = json_is_true(json_object_get(message, "extra_copy"));
    job->handicap.extra_read = json_is_true(json_object_get(message, "extra_read"));
    if (job->trace && job->deliver_bytes)
        return fb_fail(err, FB_EFORMAT, "a trace job delivers hashes");
    if (!fb_message_uint(message, "buffer", &job->buffer))
        return fb_fail(err, FB_EFORMAT, "the job lacks buffer, a number of bytes");
    return job->trace ? 0 : parse_loader(json_object_get(message, "loader"), &job->loading, err);
}
