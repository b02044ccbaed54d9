#include "bench/tune/tiles.h"
#include "base/clock.h"
#include "bench/anatomy/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define USUAL_LEVEL 4
#define TILE_BYTES_MOST ((size_t)32 << 10)
#define TILES_MOST 64
#define ROUNDS 5

/* --- the data --------------------------------------------------------------------------------- */

static bool is_cut(const struct fb_array_info *array, const struct fb_catalog *whole)
{
    const struct fb_array_info *full = fb_catalog_find(whole, array->path);
    return full && full->rank == array->rank && array->rank && full->dims[0] > array->dims[0];
}

int fb_tiles_open(struct fb_source *source, const struct fb_catalog *whole, struct fb_tiles *out,
                  struct fb_error *err)
{
    static const uint64_t start[FB_MAX_RANK];
    const struct fb_catalog *catalog = fb_source_catalog(source);
    const size_t count = catalog->array_count;
    *out = (struct fb_tiles){ .arrays = calloc(count + 1, sizeof *out->arrays),
                              .cut = calloc(count + 1, sizeof *out->cut),
                              .data = calloc(count + 1, sizeof *out->data) };
    if (!out->arrays || !out->cut || !out->data)
        return fb_fail_memory(err, "the data");
    for (size_t a = 0; a < count; a++) {
        const struct fb_array_info *array = &catalog->arrays[a];
        if (array->bytes == 0)
            continue;
        unsigned char *data = malloc((size_t)array->bytes);
        if (!data)
            return fb_fail_memory(err, "the data");
        out->arrays[out->count] = *array;
        out->cut[out->count] = is_cut(array, whole);
        out->data[out->count++] = data;
        int rc = fb_source_read(source, a, start, array->dims, data, (size_t)array->bytes, err);
        if (rc)
            return rc;
    }
    return 0;
}

void fb_tiles_free(struct fb_tiles *tiles)
{
    for (size_t a = 0; tiles->data && a < tiles->count; a++)
        free(tiles->data[a]);
    free(tiles->arrays);
    free(tiles->cut);
    free(tiles->data);
    *tiles = (struct fb_tiles){ 0 };
}

/* --- cutting ---------------------------------------------------------------------------------- */

/* How an array is cut: the shape of its tiles, and how many there are along each axis. */
struct raster {
    uint64_t shape[FB_MAX_RANK], cells[FB_MAX_RANK], count;
    size_t bytes; /* of a tile */
};

static struct raster raster_of(const struct fb_tiles *tiles, size_t a,
                               const struct fb_setting *setting)
{
    const struct fb_array_info *array = &tiles->arrays[a];
    struct raster raster = { .count = 1 };
    uint64_t bytes = array->dtype.size;
    for (unsigned k = 0; k < array->rank; k++) {
        uint64_t length = k < setting->rank ? setting->chunk[k] : array->dims[k];
        raster.shape[k] = length < array->dims[k] ? length : array->dims[k];
        bytes *= raster.shape[k]; /* no more than the array has */
    }
    for (unsigned k = 0; k < array->rank; k++)
        while (bytes > TILE_BYTES_MOST && raster.shape[k] > 1) {
            bytes = bytes / raster.shape[k] * ((raster.shape[k] + 1) / 2);
            raster.shape[k] = (raster.shape[k] + 1) / 2;
        }
    for (unsigned k = 0; k < array->rank; k++) {
        bool whole_ones = k == 0 && tiles->cut[a];
        uint64_t more = whole_ones ? 0 : raster.shape[k] - 1;
        raster.cells[k] = (array->dims[k] + more) / raster.shape[k];
        raster.count *= raster.cells[k];
    }
    raster.bytes = (size_t)bytes;
    return raster;
}

/* Tile number `cell`, filled with zeros beyond the ends of the array: the bytes within them. */
static size_t take_tile(const struct fb_tiles *tiles, size_t a, const struct raster *raster,
                        uint64_t cell, unsigned char *to)
{
    const struct fb_array_info *array = &tiles->arrays[a];
    const size_t element = array->dtype.size;
    uint64_t start[FB_MAX_RANK] = { 0 }, rows = 1, inside = 0;
    const unsigned last = array->rank ? array->rank - 1 : 0;
    uint64_t row = array->rank ? raster->shape[last] : 1;
    for (unsigned k = array->rank; k-- > 0;) {
        start[k] = cell % raster->cells[k] * raster->shape[k];
        cell /= raster->cells[k];
        rows *= k == last ? 1 : raster->shape[k];
    }
    const uint64_t left = array->rank ? array->dims[last] - start[last] : 1;
    const size_t length = (size_t)(row < left ? row : left) * element;
    memset(to, 0, raster->bytes);
    for (uint64_t n = 0; n < rows; n++) {
        uint64_t rest = n, offset = start[last], stride = array->rank ? array->dims[last] : 1;
        bool within = true;
        for (unsigned k = last; k-- > 0;) {
            uint64_t at = start[k] + rest % raster->shape[k];
            rest /= raster->shape[k];
            within &= at < array->dims[k];
            offset += at * stride;
            stride *= array->dims[k];
        }
        if (within)
            memcpy(to + n * row * element, tiles->data[a] + offset * element, length);
        inside += within ? length : 0;
    }
    return (size_t)inside;
}

/* --- packing ---------------------------------------------------------------------------------- */

struct packed {
    unsigned char *bytes;
    size_t length, raw;
};

struct shelf {
    struct packed items[TILES_MOST];
    size_t count, inside; /* inside: bytes of arrays in all of them */
};

static void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        free(shelf->items[i].bytes);
}

/* Tile number `number` of those of all arrays. */
static int pack_tile(const struct fb_tiles *tiles, const struct fb_setting *setting,
                     uint64_t number, unsigned char *from, unsigned char *shuffled,
                     struct shelf *shelf, struct fb_error *err)
{
    struct packed *out = &shelf->items[shelf->count];
    struct raster raster = { 0 };
    size_t a = 0;
    for (; a < tiles->count; a++) {
        raster = raster_of(tiles, a, setting);
        if (number < raster.count)
            break;
        number -= raster.count;
    }
    uLongf length = compressBound((uLong)raster.bytes);
    shelf->inside += take_tile(tiles, a, &raster, number, from);
    if (setting->shuffle) {
        fb_shuffle(from, raster.bytes, tiles->arrays[a].dtype.size, shuffled);
        from = shuffled;
    }
    out->raw = raster.bytes;
    out->bytes = malloc(length);
    shelf->count++;
    if (!out->bytes || compress2(out->bytes, &length, from, (uLong)raster.bytes,
                                 (int)(setting->level ? setting->level : USUAL_LEVEL)) != Z_OK)
        return fb_fail_memory(err, "compressed tiles");
    out->length = (size_t)length;
    return 0;
}

static double time_once(const struct shelf *shelf, unsigned char *to)
{
    const uint64_t started = fb_clock_ns();
    for (size_t i = 0; i < shelf->count; i++)
        fb_inflate(shelf->items[i].bytes, shelf->items[i].length, to, shelf->items[i].raw);
    return (double)(fb_clock_ns() - started);
}

int fb_tiles_measure(const struct fb_tiles *tiles, const struct fb_setting *setting, size_t bytes,
                     struct fb_tile *out, struct fb_error *err)
{
    struct shelf *shelf = calloc(1, sizeof *shelf);
    uint64_t cells = 0, wanted, stored = 0;
    size_t longest = 1;
    double ns = INFINITY;
    for (size_t a = 0; a < tiles->count; a++) {
        const struct raster raster = raster_of(tiles, a, setting);
        cells += raster.count;
        longest = raster.bytes > longest ? raster.bytes : longest;
    }
    wanted = bytes / longest;
    wanted = wanted > TILES_MOST ? TILES_MOST : wanted < 1 ? 1 : wanted;
    wanted = wanted < cells ? wanted : cells;
    unsigned char *spare = malloc(2 * longest);
    int rc = shelf && spare ? 0 : fb_fail_memory(err, "compressed tiles");
    const uint64_t started = fb_clock_ns();
    for (uint64_t i = 0; rc == 0 && i < wanted; i++)
        rc = pack_tile(tiles, setting, cells / wanted * i + cells % wanted * i / wanted, spare,
                       spare + longest, shelf, err);
    const double pack_ns = (double)(fb_clock_ns() - started);
    for (int round = 0; rc == 0 && round < ROUNDS; round++)
        ns = fmin(ns, time_once(shelf, spare));
    for (size_t i = 0; rc == 0 && i < shelf->count; i++)
        stored += shelf->items[i].length;
    *out = (struct fb_tile){ 1, 0, 0 };
    if (rc == 0 && shelf->inside) {
        const double inside = (double)shelf->inside;
        *out = (struct fb_tile){ (double)stored / inside, ns / inside, pack_ns / inside };
    }
    if (shelf)
        shelf_free(shelf);
    free(shelf);
    free(spare);
    return rc;
}

double fb_unshuffle_byte(size_t element)
{
    static const size_t bytes = TILE_BYTES_MOST;
    unsigned char *from = calloc(2, bytes);
    double ns = INFINITY;
    for (int round = 0; from && round < 4 * ROUNDS; round++) {
        const uint64_t started = fb_clock_ns();
        fb_unshuffle(from, bytes, element, from + bytes);
        ns = fmin(ns, (double)(fb_clock_ns() - started));
    }
    free(from);
    return isfinite(ns) ? ns / (double)bytes : 0;
}
