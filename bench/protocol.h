/* The worker protocol, version 1: how anything at all can take part in a run.
 *
 * A worker is a program that is started for one job, with these descriptors:
 *
 *   0  messages from the runner      1  messages to the runner      2  free text, for people
 *   3  delivered bytes (read jobs)   4  array bytes (create jobs)
 *
 * A message is one JSON object on one line. Unknown members are ignored. Below, R is what the
 * runner says, W what the worker says; "may" marks what can be left out. The talk goes
 *
 * W {"protocol":1, "program":"NAME VERSION", "formats":[...], "deliver":["bytes"]}
 *
 * with, for each format, {"name":"npy", "suffix":"", "flags":["loads_whole"], "create":true}; it
 * may have "anatomy":true there, and "counters":true, "floor":true, "epoch":true and
 * "libraries":{"numpy":"1.24.2"} beside formats.
 *
 * R {"job":"read", "format":"npy", "options":"", "file":PATH, "plan":PATH, "handle":"once",
 *    "deliver":"bytes", "buffer":BYTES, "storage":false}
 *
 * and where the plan is to be delivered in batches, which is asked of workers with "epoch":true
 * only, "loader":{"batch":4, "workers":2, "prefetch":2, "step_ns":0, "memory_bytes":N} too; see
 * below.
 *
 * W {"ready":true}
 *
 * when all that happens once in a process is done; the file is not open, and may have been read.
 * The runner prepares and proves the cache state, and says
 *
 * R {"go":true, "iterations":K, "counters":false}
 *
 * W {"ns":N, "hashes":[...]}
 *
 * K times, without hashes where bytes are delivered. A warm block goes several times: for one
 * warm-up, for the iterations that count, and, where the hello has "counters":true, for one with
 * "counters":true, whose answer has "counters":{...}: what happened inside the clock of that
 * iteration; names and meaning are in counters.h, and any may be left out. A cold block goes once.
 *
 * A worker whose hello has "floor":true is then asked, in some blocks, for what the machine itself
 * takes for the same bytes (floor.h):
 *
 * R {"floor":"prepare", "room":BYTES}
 *
 * W {"floor":true}, or {"floor":false} where it cannot
 *
 * R {"floor":"measure", "iterations":K, "copy":true}
 *
 * W {"copy_ns":N, "read_ns":N, "inflate_ns":N}, or {"floor":false}, K times
 *
 * At the end:
 *
 * R {"go":false}
 *
 * W {"done":true}
 *
 * which may have "peak_bytes":N, the VmHWM before any floor, and "storage":{...}, where the job
 * asks for it: facts of the plan's first array: layout, chunk ("357x17x1"), filters, stored_bytes,
 * chunk_cache_bytes.
 *
 * A job "trace", of formats with "anatomy":true only, is a read job whose iterations have
 * "anatomy":{...} too: the time of each part by its name in trace.h, as {"ns":N, "calls":N},
 * "counts" and "filters_hidden".
 *
 * A create job is
 *
 * R {"job":"create", "format":F, "options":O, "file":PATH, "plan":PATH}
 *
 * W {"ready":true}
 *
 * R {"go":true}, and the bytes
 *
 * W {"created":true, "ns":N, "cpu_ns":N}, without the time spent waiting for data
 *
 * A source job is one of datasets/python_source.c with the worker that is shipped for it: a file
 * that becomes a dataset, outside of all measuring.
 *
 * R {"job":"source", "kind":"pickle", "file":PATH, "memory":BYTES}
 *
 * W {"ready":true, "catalog":{...}}
 *
 * with the catalog as in datasets/catalog_json.h, and "skipped":[{"path":P, "reason":TEXT}, ...] in
 * it; `kind` is pickle, npy or npz, and more memory than that is never taken. Then, as often as it
 * is wanted,
 *
 * R {"read":NUMBER, "start":[...], "count":[...]}
 *
 * with the array's number as the catalog lists it; the slab as one frame on descriptor 3, and then
 *
 * W {"read":true}, or, without a frame, {"read":false, "why":TEXT}
 *
 * until descriptor 0 is closed.
 *
 * And at any point the worker may say {"error":"what, where, what to do"} and exit; with
 * "usage":true where the user's words are at fault, or "unsupported":true where what was asked for
 * cannot be done with what is installed.
 *
 * The plan is CSV (plan.h). Handles: `once` opens the file inside the clock, `each` opens and
 * closes it for every request (once for joined ones), `keep` opens it before the clock of each
 * iteration; arrays are opened inside the clock, and stay open while requests for the same array
 * follow each other.
 *
 * Deliver `bytes`: for every request of every iteration, in order, with the clock stopped, an
 * 8-byte little-endian length and that many bytes on descriptor 3. Deliver `hash`: 32 hex digits of
 * XXH3-128 of the same bytes. Results are collected in a ring of `buffer` bytes; when the next one
 * does not fit, the clock stops while the ring is delivered. For a mean the ring has room for the
 * array too. A worker that does not know an operation of the plan says an error: that fails the
 * rows of one workload, and no others.
 *
 * With a loader the plan is one of samples of equal size, and an iteration is an epoch as a data
 * loader makes it: the consumer, which takes the time, wants `batch` consecutive requests at a
 * time, one behind the other in memory, in order, and computes `step_ns` on each batch. Without
 * workers it reads them itself. Otherwise as many children, which the consumer forks, read whole
 * batches into memory that they share with it; from the start `prefetch` batches for each child are
 * under way, and for each that is delivered another one. Every child has handles of its own, opened
 * after the fork: with `each` it opens the file for every sample; with `once` it opens it as it
 * starts, and holds it for the epoch. With these, the clock has all of it: fork, open, close, and
 * waiting for the children's end. With `keep` the children have started and opened the file before
 * the clock starts, and end behind it. The clock stops only where no room is left in `buffer`, when
 * everything that is under way has been delivered. The answer to an iteration has
 * "batches_ns":[N, ...] too: for each batch, the time from wanting it, the first one as the clock
 * starts, to having it. A child that
 * ends before its time, or cannot read, is an error of the worker. "peak_bytes" is of the
 * consumer and of what all children together had beside it. A trace job has no loader.
 *
 * In a create job the runner sends, on descriptor 4, every array of the plan whole, in order,
 * framed in the same way. `flags` may hold "loads_whole" (only `once` is asked of it) and
 * "no_file". */
#ifndef FB_BENCH_PROTOCOL_H
#define FB_BENCH_PROTOCOL_H

#include "base/error.h"
#include "bench/plan.h"

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
/* What the gate's self-test injects into a worker, to see whether it is found. */
struct fb_handicap {
    uint64_t
        slow_down_ppm; /* millionths by which the time on the clock is made longer, by waiting */
    bool extra_read;   /* a read call more in each iteration */
    bool extra_copy;   /* what is delivered is copied once more, to fresh memory */
};

struct fb_job {
    bool create;
    bool trace; /* a read job that tells its anatomy */
    const char *format, *options, *file, *plan;
    enum fb_handle handle;
    bool deliver_bytes;        /* else hashes */
    uint64_t buffer;           /* bytes of the ring */
    bool storage;              /* report storage facts too */
    struct fb_loading loading; /* batch 0: none */
    struct fb_handicap handicap;
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
