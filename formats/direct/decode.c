#include "formats/direct/decode.h"

#include <libdeflate.h>
#include <string.h>

#define CHECKSUM_BYTES FB_DIRECT_SLACK

bool fb_direct_pipeline_fits(const struct fb_direct_pipeline *pipeline)
{
    unsigned seen = 0;
    if (pipeline->count > FB_DIRECT_FILTERS_MAX)
        return false;
    for (unsigned i = 0; i < pipeline->count; i++) {
        enum fb_direct_filter filter = pipeline->filters[i];
        if (seen & 1u << filter || (filter == FB_DIRECT_SHUFFLE && i > 0))
            return false;
        seen |= 1u << filter;
    }
    return !(seen & 1u << FB_DIRECT_SHUFFLE) || pipeline->element > 0;
}

/* A sum modulo 65535; only that of nothing but zeros is 0. */
static uint32_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

/* Two sums of 16-bit words, the first byte the upper one; the second sum is that of the first after
 * each word. A single byte at the end is the upper one of a word. */
static uint32_t fletcher32(const unsigned char *bytes, size_t length)
{
    /* So many words do not overflow. */
    const size_t most = (size_t)1 << 16;
    uint64_t low = 0, high = 0;
    for (size_t words = length / 2; words > 0;) {
        size_t now = words < most ? words : most;
        words -= now;
        for (; now > 0; now--, bytes += 2) {
            low += (unsigned)bytes[0] << 8 | bytes[1];
            high += low;
        }
        low = fold(low);
        high = fold(high);
    }
    if (length % 2) {
        low += (unsigned)bytes[0] << 8;
        high += low;
    }
    return fold(high) << 16 | fold(low);
}

/* The checksum stands behind the bytes, the lowest byte first. HDF5 up to 1.6.2 wrote the bytes of
 * each half the other way round on such machines as this, and today's still takes both. */
static bool check_fletcher32(const unsigned char *bytes, size_t *length)
{
    if (*length < CHECKSUM_BYTES)
        return false;
    *length -= CHECKSUM_BYTES;
    const unsigned char *end = bytes + *length;
    uint32_t stored =
        end[0] | (uint32_t)end[1] << 8 | (uint32_t)end[2] << 16 | (uint32_t)end[3] << 24;
    uint32_t found = fletcher32(bytes, *length);
    return stored == found || stored == ((found & 0x00ff00ff) << 8 | (found >> 8 & 0x00ff00ff));
}

static bool inflate_exactly(struct libdeflate_decompressor *inflater, const void *stored,
                            size_t stored_bytes, void *to, size_t bytes)
{
    size_t used, made;
    return libdeflate_zlib_decompress_ex(inflater, stored, stored_bytes, to, bytes, &used, &made) ==
               LIBDEFLATE_SUCCESS &&
           used == stored_bytes && made == bytes;
}

/* What the filters before number `end` make of a chunk. */
static size_t bytes_before(const struct fb_direct_pipeline *pipeline, unsigned end,
                           uint32_t skipped, size_t chunk_bytes)
{
    for (unsigned i = 0; i < end; i++)
        if (pipeline->filters[i] == FB_DIRECT_FLETCHER32 && !(skipped >> i & 1))
            chunk_bytes += CHECKSUM_BYTES;
    return chunk_bytes;
}

bool fb_direct_decode(const struct fb_direct_pipeline *pipeline,
                      struct libdeflate_decompressor *inflater, uint32_t skipped,
                      const void *stored, size_t stored_bytes, void *chunk, size_t chunk_bytes,
                      bool *shuffled)
{
    const void *bytes = stored;
    size_t length = stored_bytes;
    *shuffled = false;
    for (unsigned i = pipeline->count; i-- > 0;) {
        if (skipped >> i & 1)
            continue;
        switch (pipeline->filters[i]) {
        case FB_DIRECT_DEFLATE: {
            size_t want = bytes_before(pipeline, i, skipped, chunk_bytes);
            if (!inflate_exactly(inflater, bytes, length, chunk, want))
                return false;
            bytes = chunk;
            length = want;
            break;
        }
        case FB_DIRECT_FLETCHER32:
            if (!check_fletcher32(bytes, &length))
                return false;
            break;
        case FB_DIRECT_SHUFFLE:
            /* A part of an element at the end would lie apart from the planes. */
            if (chunk_bytes % pipeline->element != 0)
                return false;
            *shuffled = pipeline->element > 1;
            break;
        }
    }
    if (length != chunk_bytes)
        return false;
    if (bytes != chunk)
        memcpy(chunk, bytes, length);
    return true;
}
