#include "bench/anatomy/filters.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

void fb_shuffle(const unsigned char *from, size_t bytes, size_t element, unsigned char *to)
{
    const size_t elements = bytes / element;
    for (size_t i = 0; i < elements; i++)
        for (size_t k = 0; k < element; k++)
            to[k * elements + i] = from[i * element + k];
    memcpy(to + elements * element, from + elements * element, bytes % element);
}

void fb_unshuffle(const unsigned char *from, size_t bytes, size_t element, unsigned char *to)
{
    const size_t elements = bytes / element;
    for (size_t k = 0; k < element; k++)
        for (size_t i = 0; i < elements; i++)
            to[i * element + k] = from[k * elements + i];
    memcpy(to + elements * element, from + elements * element, bytes % element);
}

bool fb_inflate(const unsigned char *packed, size_t packed_bytes, unsigned char *to, size_t bytes)
{
    size_t room = packed_bytes < bytes ? packed_bytes : bytes;
    z_stream stream = { .next_in = (z_const Bytef *)(uintptr_t)packed,
                        .avail_in = (uInt)packed_bytes,
                        .next_out = to,
                        .avail_out = (uInt)room };
    int rc = inflateInit(&stream);
    while (rc == Z_OK) {
        rc = inflate(&stream, Z_SYNC_FLUSH);
        if (rc != Z_OK || stream.avail_out > 0)
            continue;
        size_t more = room < bytes - room ? room : bytes - room;
        stream.avail_out = (uInt)more;
        room += more;
    }
    bool fine = rc == Z_STREAM_END && stream.total_out == bytes;
    inflateEnd(&stream);
    return fine;
}
