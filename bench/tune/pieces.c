#include "bench/tune/pieces.h"
#include "base/clock.h"
#include "bench/anatomy/probe.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>

#define LEAST 32
#define LEVEL 4
/* Of each length, so many bytes in so many pieces at the most, and one at the least. */
#define BYTES_MOST ((size_t)32 << 10)
#define COUNT_MOST 64
#define ROUNDS 5

/* --- packing ---------------------------------------------------------------------------------- */

struct packed {
    unsigned char *bytes;
    uLongf length;
};

struct shelf {
    struct packed items[COUNT_MOST];
    size_t count, piece; /* piece: raw bytes of each */
};

static void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        free(shelf->items[i].bytes);
}

static bool pack(const unsigned char *data, size_t bytes, struct packed *out)
{
    out->length = compressBound((uLong)bytes);
    out->bytes = malloc(out->length);
    return out->bytes && compress2(out->bytes, &out->length, data, (uLong)bytes, LEVEL) == Z_OK;
}

/* Pieces from all over the data, which begin with a whole element. */
static int fill(struct shelf *shelf, const unsigned char *data, size_t bytes, size_t element,
                bool shuffled, unsigned char *spare, struct fb_error *err)
{
    size_t wanted = BYTES_MOST / shelf->piece, room = bytes / shelf->piece;
    wanted = wanted < 1 ? 1 : wanted > COUNT_MOST ? COUNT_MOST : wanted;
    wanted = wanted < room ? wanted : room;
    while (shelf->count < wanted) {
        size_t at = (bytes - shelf->piece) / wanted * shelf->count / element * element;
        const unsigned char *from = data + at;
        if (shuffled) {
            fb_shuffle(from, shelf->piece, element, spare);
            from = spare;
        }
        if (!pack(from, shelf->piece, &shelf->items[shelf->count++]))
            return fb_fail_memory(err, "compressed pieces");
    }
    return 0;
}

/* --- measuring -------------------------------------------------------------------------------- */

static double stored_part(const struct shelf *shelf)
{
    double sum = 0;
    for (size_t i = 0; i < shelf->count; i++)
        sum += (double)shelf->items[i].length;
    return sum / (double)(shelf->count * shelf->piece);
}

static double time_once(const struct shelf *shelf, unsigned char *to)
{
    const uint64_t started = fb_clock_ns();
    for (size_t i = 0; i < shelf->count; i++) {
        uLongf length = (uLongf)shelf->piece;
        uncompress(to, &length, shelf->items[i].bytes, shelf->items[i].length);
    }
    return (double)(fb_clock_ns() - started) / (double)shelf->count;
}

int fb_pieces_measure(const unsigned char *data, size_t bytes, size_t element, bool shuffled,
                      struct fb_pieces *out, struct fb_error *err)
{
    size_t count = 0;
    while (count < FB_PIECE_SIZES && (size_t)LEAST << count <= bytes)
        count++;
    out->stored[0] = out->ns[0] = 1;
    struct shelf *shelves = calloc(count + 1, sizeof *shelves);
    unsigned char *spare = malloc((size_t)LEAST << count);
    int rc = shelves && spare ? 0 : fb_fail_memory(err, "compressed pieces");
    for (size_t k = 0; rc == 0 && k < count; k++) {
        shelves[k].piece = (size_t)LEAST << k;
        rc = fill(&shelves[k], data, bytes, element, shuffled, spare, err);
        if (rc == 0)
            out->stored[k] = stored_part(&shelves[k]);
        out->ns[k] = INFINITY;
    }
    for (int round = 0; rc == 0 && round < ROUNDS; round++)
        for (size_t k = 0; k < count; k++)
            out->ns[k] = fmin(out->ns[k], time_once(&shelves[k], spare));
    for (size_t k = count ? count : 1; k < FB_PIECE_SIZES; k++) {
        out->stored[k] = out->stored[k - 1];
        out->ns[k] = 2 * out->ns[k - 1];
    }
    for (size_t k = 0; shelves && k < count; k++)
        shelf_free(&shelves[k]);
    free(shelves);
    free(spare);
    return rc;
}

/* --- any length ------------------------------------------------------------------------------- */

/* Where a length lies among those that were measured. */
static double place_of(double bytes, size_t *below, double *part)
{
    double at = log2(bytes > 1 ? bytes : 1) - log2(LEAST);
    double inside = at < 0 ? 0 : at > FB_PIECE_SIZES - 1 ? FB_PIECE_SIZES - 1 : at;
    *below = inside >= FB_PIECE_SIZES - 1 ? FB_PIECE_SIZES - 2 : (size_t)inside;
    *part = inside - (double)*below;
    return at - inside;
}

double fb_pieces_stored(const struct fb_pieces *pieces, double bytes)
{
    size_t below;
    double part;
    place_of(bytes, &below, &part);
    return pieces->stored[below] * (1 - part) + pieces->stored[below + 1] * part;
}

/* Along the curve in logarithms of both; beyond its ends a byte costs what it costs there. */
double fb_pieces_ns(const struct fb_pieces *pieces, double bytes)
{
    size_t below;
    double part, beyond = place_of(bytes, &below, &part);
    return exp(log(pieces->ns[below]) * (1 - part) + log(pieces->ns[below + 1]) * part) *
           exp2(beyond);
}
