/* Any bytes as a chunk of any pipeline, mask and shape, for libFuzzer: nothing outside the buffers
 * is touched, which the sanitizers see, and where the decoder says true zlib gives the same bytes.
 *
 * Input: pipeline, mask, element and swap, rank, sides and slab (HEAD bytes); the rest is stored.
 */
#include "formats/direct/decode.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEAD 16
#define RANK 3
#define ROOM (1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

static const struct fb_direct_pipeline pipelines[] = {
    { 1, { FB_DIRECT_DEFLATE }, 0 },
    { 2, { FB_DIRECT_SHUFFLE, FB_DIRECT_DEFLATE }, 0 },
    { 3, { FB_DIRECT_SHUFFLE, FB_DIRECT_DEFLATE, FB_DIRECT_FLETCHER32 }, 0 },
    { 3, { FB_DIRECT_SHUFFLE, FB_DIRECT_FLETCHER32, FB_DIRECT_DEFLATE }, 0 },
    { 2, { FB_DIRECT_FLETCHER32, FB_DIRECT_DEFLATE }, 0 },
    { 2, { FB_DIRECT_DEFLATE, FB_DIRECT_FLETCHER32 }, 0 },
    { 2, { FB_DIRECT_SHUFFLE, FB_DIRECT_FLETCHER32 }, 0 },
    { 0, { FB_DIRECT_DEFLATE }, 0 },
};
#define PIPELINES (sizeof pipelines / sizeof *pipelines)

/* What the head says. */
struct task {
    struct fb_direct_pipeline pipeline;
    uint32_t skipped;
    struct fb_direct_box box;
    uint64_t chunk[RANK], first[RANK], start[RANK], count[RANK];
    size_t chunk_bytes, slab_bytes;
};

static void task_read(struct task *task, const uint8_t *head)
{
    task->pipeline = pipelines[head[0] % PIPELINES];
    task->skipped = head[1] < 128 ? 0 : head[1] & 7;
    size_t element = 1 + head[2] % 8;
    task->pipeline.element = element;
    task->box = (struct fb_direct_box){ head[3] % (RANK + 1), element,     head[2] & 8, task->chunk,
                                        task->first,          task->start, task->count };
    task->chunk_bytes = task->slab_bytes = element;
    for (unsigned i = 0; i < task->box.rank; i++) {
        task->chunk[i] = 1 + head[4 + i] % (i == 0 ? 64 : 10);
        if (task->box.rank == 1)
            task->chunk[0] = 1 + (head[4] | (head[5] & 15u) << 8);
        task->first[i] = 300;
        /* Never apart. */
        task->start[i] = 300 + task->chunk[i] - 1 - head[7 + i] % (task->chunk[i] + 3);
        task->count[i] = 1 + head[10 + i] % 20;
        if (task->start[i] + task->count[i] <= 300)
            task->count[i] = 301 - task->start[i];
        task->chunk_bytes *= (size_t)task->chunk[i];
        task->slab_bytes *= (size_t)task->count[i];
    }
}

/* --- the judge -------------------------------------------------------------------------------- */

static void demand(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "direct_decode: %s\n", what);
    abort();
}

/* What libdeflate does take and zlib does not: numbers and sets of codes that deflate has no use
 * for. No compressor makes them, and no damage leaves the checksum right. */
static bool known_refusal(const char *message)
{
    static const char *const known[] = {
        "invalid literal/length code",
        "invalid distance code",
        "invalid bit length repeat",
        "too many length or distance symbols",
    };
    for (size_t i = 0; message && i < sizeof known / sizeof *known; i++)
        if (strcmp(message, known[i]) == 0)
            return true;
    return false;
}

/* The sum of words, and the sum of such sums, modulo 65535. */
static uint32_t checksum(const uint8_t *bytes, size_t size)
{
    uint32_t low = 0, high = 0;
    for (size_t i = 0; i < size; i += 2) {
        low = (low + (bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0u))) % 65535;
        high = (high + low) % 65535;
    }
    return high << 16 | low;
}

/* 0xffff is 0 modulo 65535. */
static bool same_sum(uint32_t a, uint32_t b)
{
    return (a & 0xffff) % 65535 == (b & 0xffff) % 65535 && (a >> 16) % 65535 == (b >> 16) % 65535;
}

static bool check_slowly(const uint8_t *bytes, size_t *size)
{
    if (*size < 4)
        return false;
    *size -= 4;
    const uint8_t *end = bytes + *size;
    const uint32_t sum = checksum(bytes, *size), upper = (uint32_t)end[3] << 24 | end[2] << 16;
    const uint32_t turned = (uint32_t)end[2] << 24 | end[3] << 16;
    return same_sum(sum, upper | (uint32_t)end[1] << 8 | end[0]) ||
           same_sum(sum, turned | (uint32_t)end[0] << 8 | end[1]);
}

static bool inflate_slowly(uint8_t *bytes, size_t *size, const char **refusal)
{
    uint8_t *out = malloc(ROOM);
    z_stream stream = {
        .next_in = bytes, .avail_in = (uInt)*size, .next_out = out, .avail_out = ROOM
    };
    bool good = inflateInit(&stream) == Z_OK && inflate(&stream, Z_FINISH) == Z_STREAM_END &&
                stream.avail_in == 0;
    *refusal = stream.msg;
    *size = stream.total_out;
    inflateEnd(&stream);
    memcpy(bytes, out, *size);
    free(out);
    return good;
}

/* In place, by zlib and by the definitions; shuffle is left as it is. */
static bool decode_slowly(const struct task *task, uint8_t *bytes, size_t *size,
                          const char **refusal)
{
    *refusal = NULL;
    for (unsigned i = task->pipeline.count; i-- > 0;) {
        enum fb_direct_filter filter = task->pipeline.filters[i];
        if (task->skipped >> i & 1)
            continue;
        if ((filter == FB_DIRECT_FLETCHER32 && !check_slowly(bytes, size)) ||
            (filter == FB_DIRECT_DEFLATE && !inflate_slowly(bytes, size, refusal)))
            return false;
    }
    return true;
}

static void place(const struct task *task, const uint8_t *chunk, bool shuffled)
{
    uint8_t *slab = malloc(task->slab_bytes), *fill = malloc(task->slab_bytes);
    fb_direct_place(&task->box, chunk, shuffled, slab);
    fb_direct_place_fill(&task->box, chunk, fill);
    free(slab);
    free(fill);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct task task;
    if (size < HEAD || size > ROOM)
        return 0;
    task_read(&task, data);
    demand(fb_direct_pipeline_fits(&task.pipeline), "a pipeline that should fit does not");
    /* Buffers of their own, so that a sanitizer knows their ends. */
    const size_t stored_bytes = size - HEAD;
    uint8_t *stored = malloc(stored_bytes), *chunk = malloc(task.chunk_bytes + FB_DIRECT_SLACK);
    uint8_t *slow = malloc(ROOM);
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    bool shuffled;
    if (stored_bytes > 0)
        memcpy(stored, data + HEAD, stored_bytes);
    if (fb_direct_decode(&task.pipeline, inflater, task.skipped, stored, stored_bytes, chunk,
                         task.chunk_bytes, &shuffled)) {
        const char *refusal;
        size_t slow_bytes = stored_bytes;
        memcpy(slow, data + HEAD, stored_bytes);
        bool good = decode_slowly(&task, slow, &slow_bytes, &refusal);
        if (!good && !known_refusal(refusal))
            fprintf(stderr, "direct_decode: zlib: %s\n", refusal ? refusal : "no message");
        demand(good || known_refusal(refusal), "zlib does not take what was decoded");
        demand(!good ||
                   (slow_bytes == task.chunk_bytes && memcmp(slow, chunk, task.chunk_bytes) == 0),
               "zlib gives other bytes");
        place(&task, chunk, shuffled);
    }
    libdeflate_free_decompressor(inflater);
    free(slow);
    free(chunk);
    free(stored);
    return 0;
}

/* --- inputs that get as far as the checksums -------------------------------------------------- */

static void append_checksum(uint8_t *bytes, size_t *size)
{
    uint32_t sum = checksum(bytes, *size);
    for (int b = 0; b < 4; b++)
        bytes[(*size)++] = (uint8_t)(sum >> 8 * b);
}

static bool deflate_all(uint8_t *bytes, size_t *size, unsigned seed)
{
    uint8_t *out = malloc(ROOM);
    z_stream stream = {
        .next_in = bytes, .avail_in = (uInt)*size, .next_out = out, .avail_out = ROOM
    };
    bool good = deflateInit2(&stream, (int)(seed % 10), Z_DEFLATED, 9 + (int)(seed / 10 % 7), 8,
                             (int)(seed / 70 % 5)) == Z_OK &&
                deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *size = stream.total_out;
    deflateEnd(&stream);
    memcpy(bytes, out, *size);
    free(out);
    return good;
}

/* A whole chunk out of what bytes there are; false where it does not fit. */
static bool encode(uint8_t *data, size_t *size, size_t most, unsigned seed)
{
    struct task task;
    uint8_t *bytes = malloc(2 * ROOM);
    task_read(&task, data);
    size_t length = task.chunk_bytes;
    for (size_t i = 0; i < length; i++)
        bytes[i] = *size > HEAD ? data[HEAD + i % (*size - HEAD)] : 0;
    bool good = true;
    for (unsigned i = 0; i < task.pipeline.count && good; i++) {
        if (task.skipped >> i & 1)
            continue;
        if (task.pipeline.filters[i] == FB_DIRECT_FLETCHER32)
            append_checksum(bytes, &length);
        else if (task.pipeline.filters[i] == FB_DIRECT_DEFLATE)
            good = deflate_all(bytes, &length, seed);
    }
    good &= HEAD + length <= most;
    if (good) {
        memcpy(data + HEAD, bytes, length);
        *size = HEAD + length;
    }
    free(bytes);
    return good;
}

/* A stream that libdeflate takes gets the checksum and the chunk that it needs, and no filter else.
 */
static void mend(uint8_t *data, size_t *size, size_t most)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    uint8_t out[4096];
    size_t used, made;
    if (*size > HEAD + 2 &&
        libdeflate_deflate_decompress_ex(inflater, data + HEAD + 2, *size - HEAD - 2, out,
                                         sizeof out, &used, &made) == LIBDEFLATE_SUCCESS &&
        made > 0 && HEAD + 2 + used + 4 <= most) {
        uint32_t sum = libdeflate_adler32(1, out, made);
        *size = HEAD + 2 + used + 4;
        memcpy(data, (uint8_t[]){ 0, 0, 0, 1, (uint8_t)(made - 1), (uint8_t)((made - 1) >> 8) }, 6);
        memcpy(data + HEAD, (uint8_t[]){ 0x78, 0x9c }, 2);
        for (int b = 0; b < 4; b++)
            data[HEAD + 2 + used + (size_t)b] = (uint8_t)(sum >> 8 * (3 - b));
    }
    libdeflate_free_decompressor(inflater);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    if (most < HEAD + 64)
        return LLVMFuzzerMutate(data, size, most);
    for (; size < HEAD; size++)
        data[size] = (uint8_t)(seed >> size % 4 * 8);
    if (seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, most);
    if (seed % 4 == 1) {
        LLVMFuzzerMutate(data, HEAD, HEAD);
        encode(data, &size, most, seed / 4);
        return size;
    }
    size = HEAD + LLVMFuzzerMutate(data + HEAD, size - HEAD, most - HEAD);
    mend(data, &size, most);
    return size;
}
