/* Files that only Python's own libraries read: pickles, .npy and .npz. A child process of
 * formats/python/worker.py has the file open and delivers slabs as they are asked for; what it does
 * with files of unknown content stands there. The talk is in bench/protocol.h, job `source`.
 *
 * The child is trusted no more than a file: every length that comes from it is checked. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/process.h"
#include "base/python.h"
#include "base/share.h"
#include "datasets/catalog_json.h"
#include "datasets/importers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROTOCOL 1
/* For one answer. Opening a pickle reads all of it, from a slow disk too. */
#define TIMEOUT_NS UINT64_C(600000000000)
#define PREFIX_BYTES 8
#define WORKER "formats/python/worker.py"

/* A frame on its way: its length in front, then its bytes. */
struct incoming {
    unsigned char prefix[PREFIX_BYTES];
    size_t prefix_taken;
    unsigned char *to;
    uint64_t expected, taken;
};

struct python_source {
    struct fb_source base;
    struct fb_catalog catalog;
    size_t *numbers; /* of our arrays, as the worker counts them */
    struct fb_process process;
    struct incoming incoming;
};

/* --- talking ---------------------------------------------------------------------------------- */

static int take_bytes(void *context, const unsigned char *data, size_t bytes, struct fb_error *err)
{
    struct incoming *in = context;
    for (; bytes > 0 && in->prefix_taken < PREFIX_BYTES; bytes--)
        in->prefix[in->prefix_taken++] = *data++;
    if (in->prefix_taken < PREFIX_BYTES)
        return 0;
    uint64_t length = 0;
    for (int i = PREFIX_BYTES; i-- > 0;)
        length = length << 8 | in->prefix[i];
    if (length != in->expected || bytes > in->expected - in->taken)
        return fb_fail(err, FB_EFORMAT,
                       "the Python worker delivered %" PRIu64 " bytes or more where %" PRIu64
                       " were asked for",
                       length, in->expected);
    memcpy(in->to + in->taken, data, bytes);
    in->taken += bytes;
    return 0;
}

/* One message from the child, which the caller json_decref()s; an error that it says becomes one of
 * ours. NULL on failure. */
static int hear(struct python_source *self, json_t **out, struct fb_error *err)
{
    const char *line;
    size_t length;
    *out = NULL;
    int rc = fb_process_receive(&self->process, &line, &length, err);
    if (rc)
        return fb_fail_in(err, "%s", self->base.name);
    rc = fb_json_parse(line, length, "the Python worker's answer", out, err);
    if (rc)
        return rc;
    const char *error = json_string_value(json_object_get(*out, "error"));
    if (!error && json_is_object(*out))
        return 0;
    rc = fb_fail(err, FB_EFORMAT, "%s: %s", self->base.name,
                 error ? error : "the Python worker's answer is no object");
    json_decref(*out);
    *out = NULL;
    return rc;
}

static int say(struct python_source *self, const char *text, struct fb_error *err)
{
    self->process.deadline_ns = fb_clock_ns() + TIMEOUT_NS;
    int rc = fb_process_send(&self->process, text, err);
    return rc ? fb_fail_in(err, "%s", self->base.name) : 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int greet(struct python_source *self, struct fb_error *err)
{
    json_t *hello;
    uint64_t protocol = 0;
    int rc = hear(self, &hello, err);
    if (rc)
        return rc;
    if (!fb_json_u64(json_object_get(hello, "protocol"), &protocol) || protocol != PROTOCOL)
        rc = fb_fail(err, FB_EFORMAT,
                     "the Python worker speaks another protocol than %d; `make "
                     "install` puts the right one in place",
                     PROTOCOL);
    json_decref(hello);
    return rc;
}

static int send_job(struct python_source *self, const char *kind, const char *path,
                    struct fb_error *err)
{
    json_t *job = json_pack("{s:s, s:s, s:s, s:I}", "job", "source", "kind", kind, "file", path,
                            "memory", (json_int_t)fb_memory_limit());
    char *text = job ? json_dumps(job, JSON_COMPACT) : NULL;
    int rc = text
                 ? say(self, text, err)
                 : fb_fail(err, FB_EUNSUPPORTED, "%s: its name is not UTF-8 text; rename it", path);
    free(text);
    json_decref(job);
    return rc;
}

static int take_skipped(struct python_source *self, const json_t *skipped, struct fb_error *err)
{
    size_t i;
    json_t *item;
    int rc = 0;
    json_array_foreach(skipped, i, item)
    {
        const char *path = json_string_value(json_object_get(item, "path"));
        const char *reason = json_string_value(json_object_get(item, "reason"));
        if (rc == 0 && path && reason)
            rc = fb_catalog_skip(&self->catalog, path, reason, err);
    }
    return rc;
}

static int take_catalog(struct python_source *self, const json_t *catalog, struct fb_error *err)
{
    int rc = fb_catalog_from_json(catalog, "the Python worker's catalog", &self->catalog, err);
    if (rc)
        return rc;
    const json_t *arrays = json_object_get(catalog, "arrays");
    self->numbers = calloc(self->catalog.array_count + 1, sizeof *self->numbers);
    if (!self->numbers)
        return fb_fail_memory(err, self->base.name);
    /* Its order is the file's, ours the catalog's; paths are unique, so that all are filled. */
    for (size_t i = 0; i < json_array_size(arrays); i++) {
        const json_t *path = json_object_get(json_array_get(arrays, i), "path");
        const struct fb_array_info *info = fb_catalog_find(&self->catalog, json_string_value(path));
        if (info)
            self->numbers[info - self->catalog.arrays] = i;
    }
    return take_skipped(self, json_object_get(catalog, "skipped"), err);
}

static int start(struct python_source *self, const char *kind, struct fb_error *err)
{
    char python[4096], script[4096], what[64];
    const struct fb_process_limits limits = { TIMEOUT_NS, fb_memory_limit() };
    snprintf(what, sizeof what, "source %s", kind);
    int rc = fb_python_find("numpy", what, python, sizeof python, err);
    if (rc == 0)
        rc = fb_share_find(WORKER, script, sizeof script, err);
    if (rc)
        return rc;
    const char *const argv[] = { python, script, NULL };
    rc = fb_process_start(&self->process, argv, &limits, err);
    self->process.on_bytes = take_bytes;
    self->process.on_bytes_context = &self->incoming;
    return rc ? rc : greet(self, err);
}

/* --- the source ------------------------------------------------------------------------------- */

static const struct fb_catalog *python_catalog(const struct fb_source *source)
{
    return &((const struct python_source *)source)->catalog;
}

static void request_text(size_t number, unsigned rank, const uint64_t *start_at,
                         const uint64_t *count, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "{\"read\":%zu", number);
    const uint64_t *const lists[] = { start_at, count };
    for (int list = 0; list < 2; list++) {
        used += (size_t)snprintf(text + used, size - used, ",\"%s\":[", list ? "count" : "start");
        for (unsigned i = 0; i < rank; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64, i ? "," : "",
                                     lists[list][i]);
        used += (size_t)snprintf(text + used, size - used, "]");
    }
    snprintf(text + used, size - used, "}");
}

/* The frame, then the line; the line comes when all of the frame is on its way, and so a pipe's
 * fill at most is still to be taken when it is there, which goes before the line. A worker that
 * says why it cannot read an array can read others: *kept. */
static int take_slab(struct python_source *self, const char *path, bool *kept, struct fb_error *err)
{
    json_t *answer;
    int rc = hear(self, &answer, err);
    if (rc)
        return rc;
    const struct incoming *in = &self->incoming;
    const char *why = json_string_value(json_object_get(answer, "why"));
    *kept = why && in->prefix_taken == 0;
    if (*kept)
        rc =
            fb_fail(err, FB_EFORMAT, "%s: array %s cannot be read: %s", self->base.name, path, why);
    else if (!json_is_true(json_object_get(answer, "read")) || in->taken != in->expected)
        rc = fb_fail(err, FB_EFORMAT,
                     "%s: array %s: the Python worker delivered %" PRIu64 " bytes of %" PRIu64,
                     self->base.name, path, in->taken, in->expected);
    json_decref(answer);
    return rc;
}

static int python_read(struct fb_source *source, size_t array, const uint64_t *start_at,
                       const uint64_t *count, void *dst, struct fb_error *err)
{
    struct python_source *self = (struct python_source *)source;
    const struct fb_array_info *info = &self->catalog.arrays[array];
    char text[64 + 2 * FB_MAX_RANK * 21];
    bool kept = false;
    if (self->process.pid < 0)
        return fb_fail(err, FB_EIO, "%s: the Python worker has ended", self->base.name);
    self->incoming = (struct incoming){ .to = dst, .expected = fb_slab_bytes(info, count) };
    request_text(self->numbers[array], info->rank, start_at, count, text, sizeof text);
    int rc = say(self, text, err);
    if (rc == 0)
        rc = take_slab(self, info->path, &kept, err);
    /* What it would say next belongs to nothing that was asked. */
    if (rc && !kept)
        fb_process_close(&self->process);
    return rc;
}

/* Without farewell: it reads only, and its end is a closed pipe and a signal. */
static void python_close(struct fb_source *source)
{
    struct python_source *self = (struct python_source *)source;
    fb_process_close(&self->process);
    fb_catalog_free(&self->catalog);
    free(self->numbers);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops python_ops = { python_catalog, python_read, python_close };

static int check_file(const char *path, struct fb_error *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return fb_fail_errno(err, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return fb_fail(err, FB_EIO, "cannot open %s: not a regular file", path);
    return access(path, R_OK) < 0 ? fb_fail_errno(err, "cannot open %s", path) : 0;
}

static int python_open(const char *kind, const char *path, struct fb_source **out,
                       struct fb_error *err)
{
    json_t *ready = NULL;
    int rc = check_file(path, err);
    if (rc)
        return rc;
    struct python_source *self = calloc(1, sizeof *self);
    if (!self)
        return fb_fail_memory(err, path);
    self->base.ops = &python_ops;
    self->process = FB_PROCESS_NONE;
    self->base.name = strdup(path);
    rc = self->base.name ? start(self, kind, err) : fb_fail_memory(err, path);
    if (rc == 0)
        rc = send_job(self, kind, path, err);
    if (rc == 0)
        rc = hear(self, &ready, err);
    if (rc == 0)
        rc = take_catalog(self, json_object_get(ready, "catalog"), err);
    json_decref(ready);
    if (rc) {
        python_close(&self->base);
        return rc;
    }
    *out = &self->base;
    return 0;
}

/* --- the importers ---------------------------------------------------------------------------- */

/* The start of a regular file; 0 bytes of anything else. */
static size_t read_head(const char *path, unsigned char *head, size_t size)
{
    struct stat st;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        n = pread(fd, head, size, 0);
    if (fd >= 0)
        close(fd);
    return n > 0 ? (size_t)n : 0;
}

static bool ends_in(const char *text, size_t length, const char *end)
{
    size_t tail = strlen(end);
    return length >= tail && memcmp(text + length - tail, end, tail) == 0;
}

/* Protocols 2 to 5 say so; 0 and 1 have no mark, and are known by the file's name. */
static bool pickle_recognises(const char *path)
{
    unsigned char head[2];
    size_t n = read_head(path, head, sizeof head), length = strlen(path);
    if (n == 2 && head[0] == 0x80)
        return head[1] >= 2 && head[1] <= 5;
    return n > 0 && memchr("(]})cIFLSVNl", head[0], 12) &&
           (ends_in(path, length, ".pkl") || ends_in(path, length, ".pickle"));
}

static bool npy_recognises(const char *path)
{
    unsigned char head[6];
    return read_head(path, head, sizeof head) == 6 && memcmp(head, "\x93NUMPY", 6) == 0;
}

/* A zip file whose first member is called NAME.npy; its name stands behind 30 bytes. */
static bool npz_recognises(const char *path)
{
    unsigned char head[30 + 1024];
    size_t n = read_head(path, head, sizeof head);
    if (n < 22 || memcmp(head, "PK", 2) != 0)
        return false;
    if (ends_in(path, strlen(path), ".npz"))
        return true;
    size_t length = n > 30 ? head[26] + 256u * head[27] : 0;
    return length <= n - 30 && ends_in((const char *)head + 30, length, ".npy");
}

#define IMPORTER(kind, measured, text)                                                             \
    static int kind##_open(const char *path, const struct fb_options *options,                     \
                           void (*warn)(void *context, const char *message), void *warn_context,   \
                           struct fb_source **out, struct fb_error *err)                           \
    {                                                                                              \
        (void)options, (void)warn, (void)warn_context;                                             \
        return python_open(#kind, path, out, err);                                                 \
    }                                                                                              \
    const struct fb_importer fb_importer_##kind = {                                                \
        .name = #kind,                                                                             \
        .summary = text,                                                                           \
        .format = measured,                                                                        \
        .recognises = kind##_recognises,                                                           \
        .open = kind##_open,                                                                       \
    }

IMPORTER(pickle, "pickle",
         "a pickle of dicts, lists, tuples and numpy arrays; anything else in it is refused");
IMPORTER(npy, NULL, "a .npy file, as numpy.save writes it; no array of objects");
IMPORTER(npz, NULL, "a .npz file, as numpy.savez writes it; no arrays of objects");
