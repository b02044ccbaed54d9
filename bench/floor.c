#include "bench/floor.h"
#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Larger plans go round in buffers of this size. */
#define BUFFER_MAX ((size_t)64 << 20)

/* --- which bytes ------------------------------------------------------------------------------ */

static int keep_extent(void *context, const struct fb_extent *extent, struct fb_error *err)
{
    struct fb_floor_run *floor = context;
    if (floor->count == floor->capacity) {
        size_t capacity = floor->capacity ? 2 * floor->capacity : 64;
        struct fb_extent *grown = reallocarray(floor->extents, capacity, sizeof *grown);
        if (!grown)
            return fb_fail_memory(err, "the pieces of a file");
        floor->extents = grown;
        floor->capacity = capacity;
    }
    floor->extents[floor->count++] = *extent;
    return 0;
}

static int compare_extents(const void *a, const void *b)
{
    const struct fb_extent *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->stored_bytes > y->stored_bytes) - (x->stored_bytes < y->stored_bytes);
}

/* Requests may share chunks: each piece counts once. */
static void sort_extents(struct fb_floor_run *floor)
{
    size_t kept = 0;
    if (floor->count > 1)
        qsort(floor->extents, floor->count, sizeof *floor->extents, compare_extents);
    for (size_t i = 0; i < floor->count; i++)
        if (kept == 0 || compare_extents(&floor->extents[kept - 1], &floor->extents[i]) != 0)
            floor->extents[kept++] = floor->extents[i];
    floor->count = kept;
}

static int request_extents(const struct fb_execution *execution, struct fb_reader *reader,
                           const struct fb_request *request, struct fb_floor_run *floor,
                           struct fb_error *err)
{
    const struct fb_format *format = execution->format;
    struct fb_array *array;
    int rc = format->array_open(reader, request->array, &array, err);
    if (rc)
        return rc;
    rc = format->extents(array, request->start, request->count, keep_extent, floor, err);
    format->array_close(array);
    floor->asked_bytes += fb_request_slab_bytes(request);
    return rc;
}

static int find_extents(const struct fb_execution *execution, struct fb_floor_run *floor,
                        struct fb_error *err)
{
    const struct fb_format *format = execution->format;
    const struct fb_plan *plan = execution->plan;
    struct fb_reader *reader;
    if (!format->extents || plan->count == 0 || !fb_request_is_slab(&plan->requests[0]))
        return fb_fail(err, FB_EUNSUPPORTED, "it is not known which bytes of the file are needed");
    int rc = format->open_streaming
                 ? format->open_streaming(execution->file, &reader, err)
                 : format->open(execution->file, execution->options, &reader, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < plan->count; i++)
        if (fb_request_is_slab(&plan->requests[i]))
            rc = request_extents(execution, reader, &plan->requests[i], floor, err);
    format->close(reader);
    sort_extents(floor);
    if (rc == 0 && floor->count == 0)
        rc = fb_fail(err, FB_EUNSUPPORTED, "the plan needs no bytes of the file");
    return rc;
}

/* --- buffers ---------------------------------------------------------------------------------- */

static int make_buffers(const struct fb_execution *execution, uint64_t room,
                        struct fb_floor_run *floor, struct fb_error *err)
{
    uint64_t total = 0, largest = 0, stored = 0;
    for (size_t i = 0; i < floor->count; i++) {
        const struct fb_extent *extent = &floor->extents[i];
        total += extent->bytes;
        largest = extent->bytes > largest ? extent->bytes : largest;
        if (extent->deflated && extent->stored_bytes > stored)
            stored = extent->stored_bytes;
    }
    bool one = execution->plan->one_buffer;
    floor->out_bytes = (size_t)(one || total > BUFFER_MAX ? largest : total);
    if (!one && total > BUFFER_MAX && floor->out_bytes < BUFFER_MAX)
        floor->out_bytes = BUFFER_MAX;
    uint64_t copied = one ? fb_plan_largest(execution->plan) : floor->asked_bytes;
    floor->copy_bytes = copied < BUFFER_MAX ? (size_t)copied : BUFFER_MAX;
    floor->stored_bytes = (size_t)stored;
    if (stored > room || floor->out_bytes + 2 * floor->copy_bytes > room - stored)
        return fb_fail(err, FB_EUNSUPPORTED,
                       "the buffers of the floor do not fit the memory limit");
    floor->stored = fb_memory_touched((size_t)stored);
    floor->out = fb_memory_touched(floor->out_bytes);
    floor->from = fb_memory_touched(floor->copy_bytes);
    floor->to = fb_memory_touched(floor->copy_bytes);
    if (!floor->stored || !floor->out || !floor->from || !floor->to)
        return fb_fail_memory(err, "the buffers of the floor");
    return 0;
}

int fb_floor_prepare(const struct fb_execution *execution, uint64_t room,
                     struct fb_floor_run *floor, struct fb_error *err)
{
    *floor = (struct fb_floor_run){ .fd = -1 };
    int rc = find_extents(execution, floor, err);
    if (rc == 0)
        rc = make_buffers(execution, room, floor, err);
    if (rc == 0 && inflateInit(&floor->zlib) != Z_OK)
        rc = fb_fail_memory(err, "zlib");
    if (rc)
        return rc;
    floor->zlib_ready = true;
    floor->fd = open(execution->file, O_RDONLY | O_CLOEXEC);
    return floor->fd < 0 ? fb_fail_errno(err, "cannot open %s", execution->file) : 0;
}

void fb_floor_free(struct fb_floor_run *floor)
{
    if (floor->zlib_ready)
        inflateEnd(&floor->zlib);
    if (floor->fd >= 0)
        close(floor->fd);
    free(floor->extents);
    fb_memory_release(floor->stored, floor->stored_bytes);
    fb_memory_release(floor->out, floor->out_bytes);
    fb_memory_release(floor->from, floor->copy_bytes);
    fb_memory_release(floor->to, floor->copy_bytes);
    *floor = (struct fb_floor_run){ .fd = -1 };
}

/* --- measuring -------------------------------------------------------------------------------- */

static int read_piece(const struct fb_floor_run *floor, const struct fb_extent *extent,
                      unsigned char *to, struct fb_error *err)
{
    uint64_t done = 0;
    while (done < extent->stored_bytes) {
        ssize_t n = pread(floor->fd, to + done, (size_t)(extent->stored_bytes - done),
                          (off_t)(extent->offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fb_fail_errno(err, "cannot read the file for its floor");
        if (n == 0)
            return fb_fail(err, FB_EFORMAT, "the file ended early");
        done += (uint64_t)n;
    }
    return 0;
}

static int inflate_piece(struct fb_floor_run *floor, const struct fb_extent *extent,
                         unsigned char *to, struct fb_error *err)
{
    floor->zlib.next_in = floor->stored;
    floor->zlib.avail_in = (unsigned)extent->stored_bytes;
    floor->zlib.next_out = to;
    floor->zlib.avail_out = (unsigned)extent->bytes;
    if (inflateReset(&floor->zlib) != Z_OK || inflate(&floor->zlib, Z_FINISH) != Z_STREAM_END ||
        floor->zlib.avail_out != 0)
        return fb_fail(err, FB_EFORMAT, "a chunk does not inflate to its size");
    return 0;
}

static void copy_asked(const struct fb_floor_run *floor)
{
    for (uint64_t left = floor->asked_bytes; left > 0;) {
        size_t n = left < floor->copy_bytes ? (size_t)left : floor->copy_bytes;
        memcpy(floor->to, floor->from, n);
        /* The compiler must not find out that nobody reads it. */
        __asm__ volatile("" : : "r"(floor->to) : "memory");
        left -= n;
    }
}

int fb_floor_measure(struct fb_floor_run *floor, bool copy, struct fb_floor *out,
                     struct fb_error *err)
{
    size_t at = 0;
    int rc = 0;
    *out = (struct fb_floor){ 0 };
    for (size_t i = 0; rc == 0 && i < floor->count; i++) {
        const struct fb_extent *extent = &floor->extents[i];
        if (extent->bytes > floor->out_bytes - at)
            at = 0;
        uint64_t begun = fb_clock_ns();
        rc = read_piece(floor, extent, extent->deflated ? floor->stored : floor->out + at, err);
        uint64_t read = fb_clock_ns();
        if (rc == 0 && extent->deflated)
            rc = inflate_piece(floor, extent, floor->out + at, err);
        out->read_ns += read - begun;
        out->inflate_ns += fb_clock_ns() - read;
        at += (size_t)extent->bytes;
    }
    if (rc || !copy)
        return rc;
    uint64_t begun = fb_clock_ns();
    copy_asked(floor);
    out->copy_ns = fb_clock_ns() - begun;
    return rc;
}
