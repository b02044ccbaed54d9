#include "datasets/npy.h"
#include "datasets/catalog.h"

#include <inttypes.h>
#include <string.h>

#define PREFIX_SIZE 10 /* magic, version, length of the header */

int fb_npy_write_header(FILE *stream, struct fb_dtype dtype, unsigned rank, const uint64_t *dims)
{
    /* Rank is at most 32 and a number has at most 20 digits: version 1.0, with its 16-bit length,
     * is always enough. */
    char header[128 + FB_MAX_RANK * 23];
    unsigned char prefix[PREFIX_SIZE] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0 };
    char order = dtype.size == 1 || dtype.kind == FB_OPAQUE ? '|' : '<';
    size_t used = (size_t)snprintf(
        header, sizeof header, "{'descr': '%c%c%" PRIu32 "', 'fortran_order': False, 'shape': (",
        order, (char)dtype.kind, dtype.size);
    for (unsigned i = 0; i < rank; i++)
        used += (size_t)snprintf(header + used, sizeof header - used, "%" PRIu64 ",%s", dims[i],
                                 i + 1 < rank ? " " : "");
    used += (size_t)snprintf(header + used, sizeof header - used, "), }");
    /* Blanks and a newline, so that the data starts at a multiple of 64. */
    size_t length = (PREFIX_SIZE + used + 1 + 63) / 64 * 64 - PREFIX_SIZE;
    memset(header + used, ' ', length - used);
    header[length - 1] = '\n';
    prefix[8] = (unsigned char)(length & 0xff);
    prefix[9] = (unsigned char)(length >> 8);
    return fwrite(prefix, sizeof prefix, 1, stream) == 1 && fwrite(header, length, 1, stream) == 1
               ? 0
               : -1;
}
