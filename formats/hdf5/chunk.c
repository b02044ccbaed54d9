#include "formats/hdf5/chunk.h"
#include "base/number.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define GUESS_BASE 16384.0
#define GUESS_MIN 8192.0
#define GUESS_MAX 1048576.0
/* One slot holds one chunk, so there should be a hundred times as many as chunks that fit, and a
 * prime number of them. The list is made before a chunk is known: 64 KiB stand for one. */
#define SLOT_BYTES 655
#define SLOTS_LEAST 521
#define SLOTS_MOST 1000003

/* "64x68x2", every number at least 1; rank 0 when it is something else. */
static unsigned parse_shape(const char *text, uint64_t *dims)
{
    char number[24];
    unsigned rank = 0;
    for (;;) {
        size_t length = strcspn(text, "x");
        if (length >= sizeof number || rank == FB_MAX_RANK)
            return 0;
        memcpy(number, text, length);
        number[length] = '\0';
        if (!fb_parse_u64(number, &dims[rank]) || dims[rank] == 0)
            return 0;
        rank++;
        if (!text[length])
            return rank;
        text += length + 1;
    }
}

bool fb_chunk_check_shape(const char *value)
{
    uint64_t dims[FB_MAX_RANK];
    return strcmp(value, "h5py") == 0 || parse_shape(value, dims) > 0;
}

bool fb_chunk_check_rows(const char *value)
{
    uint64_t rows;
    return fb_parse_u64(value, &rows) && rows > 0;
}

/* A shape must fit the arrays that it is for. Arrays without elements have no chunks. */
static int check_axes(const struct fb_chunking *self, const char *text,
                      const struct fb_catalog *catalog, struct fb_error *err)
{
    char shape[FB_MAX_RANK * 21];
    uint64_t longest = 0;
    bool any = false;
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        bool counts = self->kind == FB_CHUNK_ROWS ? array->rank > 0 : array->rank == self->rank;
        if (!counts || array->bytes == 0)
            continue;
        any = true;
        longest = array->dims[0] > longest ? array->dims[0] : longest;
        for (unsigned k = 1; k < self->rank; k++)
            if (self->dims[k] > array->dims[k])
                return fb_fail(err, FB_EUSAGE,
                               "chunk=%s is larger than array %s on axis %u: its shape is %s", text,
                               array->path, k,
                               fb_shape_text(array->rank, array->dims, shape, sizeof shape));
    }
    if (!any && self->kind == FB_CHUNK_SHAPE)
        return fb_fail(err, FB_EUSAGE,
                       "chunk=%s has %u axes, but no array has that many (rows=N serves all)", text,
                       self->rank);
    if (any && self->dims[0] > longest)
        return fb_fail(err, FB_EUSAGE,
                       "%s=%s has more rows than the longest array it is for, %" PRIu64,
                       self->kind == FB_CHUNK_ROWS ? "rows" : "chunk", text, longest);
    return 0;
}

static int check_bytes(const struct fb_chunking *self, const struct fb_catalog *catalog,
                       uint64_t limit, struct fb_error *err)
{
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        uint64_t chunk[FB_MAX_RANK], bytes = array->dtype.size;
        char shape[FB_MAX_RANK * 21], size[32];
        if (array->rank == 0 || array->bytes == 0)
            continue;
        fb_chunking_shape(self, array, chunk);
        /* Cannot overflow: a chunk is no larger than the array. */
        for (unsigned k = 0; k < array->rank; k++)
            bytes *= chunk[k];
        if (bytes > limit)
            return fb_fail(err, FB_EUSAGE,
                           "chunks of %s in array %s would have more than %s; take fewer rows",
                           fb_shape_text(array->rank, chunk, shape, sizeof shape), array->path,
                           fb_format_bytes(limit, size, sizeof size));
    }
    return 0;
}

int fb_chunking_parse(const struct fb_options *options, const struct fb_catalog *catalog,
                      uint64_t limit, struct fb_chunking *out, struct fb_error *err)
{
    const char *chunk = fb_options_text(options, "chunk");
    const char *rows = fb_options_text(options, "rows");
    const char *text = *rows ? rows : chunk;
    int rc = 0;
    *out = (struct fb_chunking){ .kind = FB_CHUNK_H5PY };
    if (*rows) {
        if (strcmp(chunk, "h5py") != 0)
            return fb_fail(err, FB_EUSAGE, "chunk=%s and rows=%s exclude each other", chunk, rows);
        out->kind = FB_CHUNK_ROWS;
    } else if (strcmp(chunk, "h5py") != 0) {
        out->kind = FB_CHUNK_SHAPE;
    }
    if (out->kind != FB_CHUNK_H5PY) {
        out->rank = parse_shape(text, out->dims);
        if (out->rank == 0)
            return fb_fail(err, FB_EUSAGE, "'%s' is no chunk shape", text);
        rc = check_axes(out, text, catalog, err);
    }
    return rc ? rc : check_bytes(out, catalog, limit, err);
}

void fb_chunking_shape(const struct fb_chunking *chunking, const struct fb_array_info *array,
                       uint64_t *chunk)
{
    if (chunking->kind == FB_CHUNK_H5PY) {
        fb_chunk_guess(array->rank, array->dims, array->dtype.size, chunk);
        return;
    }
    bool whole = chunking->kind == FB_CHUNK_SHAPE && chunking->rank == array->rank;
    memcpy(chunk, whole ? chunking->dims : array->dims, array->rank * sizeof *chunk);
    chunk[0] = chunking->dims[0] < array->dims[0] ? chunking->dims[0] : array->dims[0];
}

static double product(unsigned rank, const uint64_t *dims)
{
    double n = 1;
    for (unsigned i = 0; i < rank; i++)
        n *= (double)dims[i];
    return n;
}

void fb_chunk_guess(unsigned rank, const uint64_t *dims, uint64_t element_bytes, uint64_t *chunk)
{
    for (unsigned i = 0; i < rank; i++)
        chunk[i] = dims[i] ? dims[i] : 1024;
    double bytes = product(rank, chunk) * (double)element_bytes;
    double target = GUESS_BASE * exp2(log10(bytes / GUESS_MAX));
    target = fmin(fmax(target, GUESS_MIN), GUESS_MAX);
    for (unsigned axis = 0; rank > 0; axis = (axis + 1) % rank) {
        double elements = product(rank, chunk);
        bytes = elements * (double)element_bytes;
        bool near = bytes < target || fabs(bytes - target) / target < 0.5;
        if ((near && bytes < GUESS_MAX) || elements <= 1)
            return;
        chunk[axis] = chunk[axis] / 2 + chunk[axis] % 2;
    }
}

/* --- the cache -------------------------------------------------------------------------------- */

static bool is_prime(uint64_t n)
{
    for (uint64_t i = 2; i * i <= n; i++)
        if (n % i == 0)
            return false;
    return n > 1;
}

uint64_t fb_chunk_cache_slots(uint64_t bytes)
{
    uint64_t slots = bytes / SLOT_BYTES;
    slots = slots < SLOTS_LEAST ? SLOTS_LEAST : slots > SLOTS_MOST ? SLOTS_MOST : slots;
    while (!is_prime(slots))
        slots++;
    return slots;
}
