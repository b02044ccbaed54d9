#include "results/machine.h"
#include "base/output.h"
#include "results/label.h"
#include "results/record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define ENVIRONMENT_MOST (UINT64_C(1) << 20)

/* What the kernel keeps for itself of the memory differs from boot to boot. */
static uint64_t in_gib(uint64_t bytes)
{
    return bytes == FB_NA ? FB_NA : (bytes + (UINT64_C(1) << 29)) >> 30;
}

char *fb_machine_id(const char *cpu, uint64_t cores, uint64_t memory_bytes, const char *filesystem,
                    char *buf, size_t size)
{
    char text[512];
    int length = snprintf(text, sizeof text, "%.200s\n%" PRIu64 "\n%" PRIu64 "\n%.60s", cpu, cores,
                          in_gib(memory_bytes), filesystem);
    snprintf(buf, size, "m%08" PRIx64, (uint64_t)XXH3_64bits(text, (size_t)length) >> 32);
    return buf;
}

static int read_environment(const char *path, json_t **out, struct fb_error *err)
{
    char *text;
    size_t length;
    json_error_t json_error;
    int rc = fb_read_file(path, ENVIRONMENT_MOST, &text, &length, err);
    if (rc)
        return rc;
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &json_error);
    free(text);
    if (*out && json_is_object(*out))
        return 0;
    fb_fail(err, FB_EFORMAT, "%s is no environment.json of a run: %s", path,
            *out ? "it holds no object" : json_error.text);
    json_decref(*out);
    return FB_EFORMAT;
}

/* Text that goes into a column: "n/a" where it is missing, cut where it is too long, in one line.
 */
static void put_text(const json_t *json, const char *key, char *buf, size_t size)
{
    const char *text = json_string_value(json_object_get(json, key));
    fb_plain_text(text ? text : "n/a", buf, size);
}

static uint64_t get_u64(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (uint64_t)json_integer_value(value)
               : FB_NA;
}

int fb_machine_read(const char *path, const char *run_id, struct fb_machine *out,
                    struct fb_error *err)
{
    json_t *json = NULL;
    int rc = read_environment(path, &json, err);
    if (rc)
        return rc;
    const char *theirs = json_string_value(json_object_get(json_object_get(json, "run"), "run_id"));
    put_text(json, "time", out->time, sizeof out->time);
    put_text(json, "commit", out->commit, sizeof out->commit);
    put_text(json, "cpu", out->cpu, sizeof out->cpu);
    put_text(json, "kernel", out->kernel, sizeof out->kernel);
    put_text(json, "filesystem", out->filesystem, sizeof out->filesystem);
    out->cores = get_u64(json, "cores");
    out->memory_bytes = get_u64(json, "memory_bytes");
    fb_machine_id(out->cpu, out->cores, out->memory_bytes, out->filesystem, out->id,
                  sizeof out->id);
    if (!theirs || strcmp(theirs, run_id) != 0)
        rc = fb_fail(err, FB_EFORMAT, "%s is of the run '%.80s', the results.csv beside it of '%s'",
                     path, theirs ? theirs : "", run_id);
    json_decref(json);
    return rc;
}

static void add_difference(const char *name, const char *a, const char *b, char *buf, size_t size)
{
    size_t used = strlen(buf);
    if (strcmp(a, b) != 0)
        snprintf(buf + used, size - used, "%s%s (%s, %s)", used ? " and " : "", name, a, b);
}

static char *number_text(uint64_t number, const char *unit, char *buf, size_t size)
{
    if (number == FB_NA)
        snprintf(buf, size, "n/a");
    else
        snprintf(buf, size, "%" PRIu64 "%s", number, unit);
    return buf;
}

char *fb_machine_differences(const struct fb_machine *a, const struct fb_machine *b, char *buf,
                             size_t size)
{
    char x[32], y[32];
    buf[0] = '\0';
    add_difference("processor", a->cpu, b->cpu, buf, size);
    add_difference("cores", number_text(a->cores, "", x, sizeof x),
                   number_text(b->cores, "", y, sizeof y), buf, size);
    add_difference("memory", number_text(in_gib(a->memory_bytes), " GiB", x, sizeof x),
                   number_text(in_gib(b->memory_bytes), " GiB", y, sizeof y), buf, size);
    add_difference("file system", a->filesystem, b->filesystem, buf, size);
    add_difference("kernel", a->kernel, b->kernel, buf, size);
    return buf;
}
