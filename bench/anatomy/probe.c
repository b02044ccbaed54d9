#include "bench/anatomy/probe.h"
#include "base/clock.h"
#include "bench/anatomy/filters.h"
#include "results/statistics.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Chunks as advice might make them: long enough to tell, and short enough to take no time. Several,
 * from all over the plan: data differs, and a stream that is read again and again is learnt by the
 * processor. */
#define BYTES_LEAST (UINT64_C(64) << 10)
#define BYTES_MOST (UINT64_C(256) << 10)
#define CHUNKS 8
#define TURNS 9

struct chunk {
    uint64_t start[FB_MAX_RANK], count[FB_MAX_RANK];
    size_t bytes, packed_bytes;
    unsigned char *packed;
};

bool fb_probe_needed(const struct fb_stored *stored)
{
    struct fb_layout layout = fb_layout_of(stored);
    return layout.rank > 0 && strstr(stored->storage.filters, "gzip(") &&
           fb_filters_written(stored->storage.filters) &&
           fb_layout_chunk_bytes(&layout, stored->info.dtype.size) < FB_JUDGED_BYTES;
}

/* The request's slab with more or fewer rows. False when that is too little or too much. */
static bool choose_slab(const struct fb_array_info *array, const struct fb_request *request,
                        struct chunk *chunk)
{
    uint64_t row = array->dtype.size, rows = request->count[0];
    memcpy(chunk->start, request->start, sizeof chunk->start);
    memcpy(chunk->count, request->count, sizeof chunk->count);
    for (unsigned k = 1; k < array->rank; k++)
        row *= request->count[k]; /* no more than the array's bytes, which were checked */
    if (row == 0 || row > BYTES_MOST)
        return false;
    rows = rows < BYTES_LEAST / row ? BYTES_LEAST / row : rows;
    rows = rows > BYTES_MOST / row ? BYTES_MOST / row : rows;
    rows = rows > array->dims[0] ? array->dims[0] : rows;
    if (chunk->start[0] > array->dims[0] - rows)
        chunk->start[0] = array->dims[0] - rows;
    chunk->count[0] = rows;
    chunk->bytes = (size_t)(rows * row);
    return chunk->bytes >= FB_JUDGED_BYTES;
}

static bool read_slab(const struct fb_format *format, struct fb_reader *reader,
                      const struct fb_stored *stored, void *data, const struct chunk *chunk)
{
    struct fb_array *array = NULL;
    struct fb_error ignored;
    size_t delivered = 0;
    bool fine = format->array_open(reader, stored->info.path, &array, &ignored) == 0 &&
                format->array_read(array, chunk->start, chunk->count, data, chunk->bytes,
                                   &delivered, &ignored) == 0;
    format->array_close(array);
    return fine && delivered == chunk->bytes;
}

static bool pack(const struct fb_stored *stored, const unsigned char *data, unsigned char *spare,
                 struct chunk *chunk)
{
    const char *filters = stored->storage.filters;
    uLongf length = compressBound((uLong)chunk->bytes);
    if (strncmp(filters, "shuffle+", 8) == 0) {
        fb_shuffle(data, chunk->bytes, stored->info.dtype.size, spare);
        data = spare;
    }
    int level = atoi(strstr(filters, "gzip(") + 5);
    chunk->packed = malloc(length);
    if (!chunk->packed ||
        compress2(chunk->packed, &length, data, (uLong)chunk->bytes, level) != Z_OK)
        return false;
    chunk->packed_bytes = (size_t)length;
    return true;
}

static bool time_inflate(const struct chunk *chunks, size_t count, unsigned char *to, double *ns)
{
    uint64_t turns[TURNS];
    for (size_t turn = 0; turn < TURNS; turn++) {
        uint64_t started = fb_clock_ns();
        for (size_t i = 0; i < count; i++)
            if (!fb_inflate(chunks[i].packed, chunks[i].packed_bytes, to, chunks[i].bytes))
                return false;
        turns[turn] = fb_clock_ns() - started;
    }
    fb_sort_u64(turns, TURNS);
    *ns = (double)fb_median_u64(turns, TURNS);
    return true;
}

/* Request number `index` of those for the array. */
static const struct fb_request *find_request(const struct fb_case *what, size_t array, size_t index)
{
    for (size_t i = 0; i < what->plan->count; i++)
        if (what->array_of[i] == array && index-- == 0)
            return &what->plan->requests[i];
    return NULL;
}

static size_t count_requests(const struct fb_case *what, size_t array)
{
    size_t count = 0;
    for (size_t i = 0; i < what->plan->count; i++)
        count += what->array_of[i] == array;
    return count;
}

/* How many could be made. */
static size_t make_chunks(const struct fb_case *what, size_t array, const struct fb_format *format,
                          struct fb_reader *reader, struct chunk *chunks)
{
    const struct fb_stored *stored = &what->arrays[array];
    unsigned char *data = malloc(BYTES_MOST), *spare = malloc(BYTES_MOST);
    size_t there = count_requests(what, array), wanted = there < CHUNKS ? there : CHUNKS, made = 0;
    for (size_t i = 0; data && spare && i < wanted; i++) {
        const struct fb_request *request = find_request(what, array, i * there / wanted);
        struct chunk *chunk = &chunks[made];
        if (choose_slab(&stored->info, request, chunk) &&
            read_slab(format, reader, stored, data, chunk))
            made += pack(stored, data, spare, chunk);
    }
    free(data);
    free(spare);
    return made;
}

void fb_probe_long_chunks(const struct fb_case *what, size_t array, const struct fb_format *format,
                          struct fb_reader *reader, double *compressed, double *inflate_byte)
{
    struct chunk chunks[CHUNKS] = { 0 };
    unsigned char *to = calloc(1, BYTES_MOST);
    double ns, bytes = 0, packed = 0;
    size_t count = to ? make_chunks(what, array, format, reader, chunks) : 0;
    for (size_t i = 0; i < count; i++) {
        bytes += (double)chunks[i].bytes;
        packed += (double)chunks[i].packed_bytes;
    }
    if (count > 0 && time_inflate(chunks, count, to, &ns)) {
        *compressed = packed / bytes;
        *inflate_byte = ns / bytes;
    }
    for (size_t i = 0; i < CHUNKS; i++)
        free(chunks[i].packed);
    free(to);
}
