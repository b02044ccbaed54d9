/* The worker protocol, version 1: how anything at all can take part in a run.
 *
 * A worker is a program that is started for one job, with these descriptors:
 *
 *   0  messages from the runner      1  messages to the runner      2  free text, for people
 *   3  delivered bytes (read jobs)   4  array bytes (create jobs)
 *
 * A message is one JSON object on one line. Unknown members are ignored. The talk goes
 *
 *   worker  {"protocol":1, "program":"NAME VERSION",
 *            "formats":[{"name":"npy", "suffix":"", "flags":["loads_whole"], "create":true}],
 *            "deliver":["bytes"], "libraries":{"numpy":"1.24.2"}}
 *   runner  {"job":"read", "format":"npy", "options":"", "file":PATH, "plan":PATH,
 *            "handle":"once", "deliver":"bytes", "buffer":BYTES, "storage":false}
 *   worker  {"ready":true}       all that happens once in a process is done; the file is not open
 *   runner  {"go":true, "iterations":K}                  the cache state is proven now; a warm
 * block goes twice, for one warm-up and then for the iterations that count worker  {"ns":N,
 * "hashes":[...]}                     K times; no hashes where bytes are delivered runner
 * {"go":false} worker  {"done":true, "peak_bytes":N, "storage":{...}} peak_bytes: VmHWM. storage,
 * where the job asks for it: facts of the plan's first array: layout, chunk ("357x17x1"), filters,
 *                                stored_bytes, chunk_cache_bytes. Both may be left out
 *
 * or, for a create job,
 *
 *   runner  {"job":"create", "format":F, "options":O, "file":PATH, "plan":PATH}
 *   worker  {"ready":true}
 *   runner  {"go":true}          then the bytes
 *   worker  {"created":true, "ns":N, "cpu_ns":N}         without the time spent waiting for data
 *
 * and at any point the worker may say {"error":"what, where, what to do"} and exit; with
 * "usage":true where the user's words are at fault.
 *
 * The plan is CSV (plan.h). Handles: `once` opens the file inside the clock, `each` opens and
 * closes it for every request, `keep` opens it before the clock of each iteration; arrays are
 * opened inside the clock, and stay open while requests for the same array follow each other.
 *
 * Deliver `bytes`: for every request of every iteration, in order, with the clock stopped, an
 * 8-byte little-endian length and that many bytes on descriptor 3. Deliver `hash`: 32 hex digits of
 * XXH3-128 of the same bytes. Results are collected in a ring of `buffer` bytes; when the next one
 * does not fit, the clock stops while the ring is delivered. For a mean the ring has room for the
 * array too. A worker that does not know an operation of the plan says an error: that fails the
 * rows of one workload, and no others.
 *
 * In a create job the runner sends, on descriptor 4, every array of the plan whole, in order,
 * framed in the same way. `flags` may hold "loads_whole" (only `once` is asked of it) and
 * "no_file". */
#ifndef FB_BENCH_PROTOCOL_H
#define FB_BENCH_PROTOCOL_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define FB_PROTOCOL_VERSION 1
#define FB_FD_DELIVER 3
#define FB_FD_CREATE 4

enum fb_handle { FB_HANDLE_ONCE, FB_HANDLE_EACH, FB_HANDLE_KEEP, FB_HANDLE_COUNT };
extern const char *const fb_handle_names[FB_HANDLE_COUNT];
/* False for an unknown name. */
bool fb_handle_parse(const char *name, enum fb_handle *out);

/* What a read or create job says. Strings are borrowed from the message. */
struct fb_job {
    bool create;
    const char *format, *options, *file, *plan;
    enum fb_handle handle;
    bool deliver_bytes; /* else hashes */
    uint64_t buffer;    /* bytes of the ring */
    bool storage;       /* report storage facts too */
};

/* One line of JSON without its newline, in fresh memory; NULL when out of memory. Takes over
 * `message`. */
char *fb_message_text(json_t *message);
/* The other way; FB_EFORMAT when the line is not one JSON object. */
int fb_message_parse(const char *line, size_t length, json_t **out, struct fb_error *err);

/* A member that is a whole number from 0 to INT64_MAX; false when missing or something else. */
bool fb_message_uint(const json_t *message, const char *key, uint64_t *out);

json_t *fb_job_message(const struct fb_job *job);
int fb_job_parse(const json_t *message, struct fb_job *job, struct fb_error *err);

#endif
