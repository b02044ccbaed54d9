#include "bench/tune/tiles.h"
#include "base/clock.h"
#include "bench/anatomy/filters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define TILE_BYTES_MOST ((size_t)32 << 10) /* elements that are longer are left out */
#define TILES_MOST 64
#define ROUNDS 5

/* --- cutting ---------------------------------------------------------------------------------- */

/* How an array is cut: the shape of its tiles, and how many there are along each axis. */
struct raster {
    uint64_t shape[FB_MAX_RANK], cells[FB_MAX_RANK], count;
    size_t bytes; /* of a tile */
};

static struct raster raster_of(const struct fb_array_info *array, const struct fb_setting *setting)
{
    struct raster raster = { .count = array->bytes > 0 && array->dtype.size <= TILE_BYTES_MOST };
    uint64_t bytes = array->dtype.size;
    if (raster.count == 0)
        return raster;
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
        raster.cells[k] =
            array->dims[k] / raster.shape[k] + (array->dims[k] % raster.shape[k] != 0);
        raster.count *= raster.cells[k];
    }
    raster.bytes = (size_t)bytes;
    return raster;
}

/* From a box of `count` in C order to a tile of `shape`, whose other elements stay as they are. */
static void spread(const unsigned char *from, const uint64_t *count, const uint64_t *shape,
                   unsigned rank, size_t element, unsigned char *to)
{
    const unsigned last = rank - 1;
    uint64_t rows = 1;
    for (unsigned k = 0; k < last; k++)
        rows *= count[k];
    for (uint64_t n = 0; n < rows; n++) {
        uint64_t rest = n, at = 0, stride = shape[last];
        for (unsigned k = last; k-- > 0;) {
            at += rest % count[k] * stride;
            rest /= count[k];
            stride *= shape[k];
        }
        memcpy(to + at * element, from + n * count[last] * element, count[last] * element);
    }
}

/* Tile number `cell`, filled with zeros beyond the ends of the array; *inside: the bytes within. */
static int take_tile(struct fb_source *source, size_t array, const struct raster *raster,
                     uint64_t cell, unsigned char *to, unsigned char *spare, size_t *inside,
                     struct fb_error *err)
{
    const struct fb_array_info *info = &fb_source_catalog(source)->arrays[array];
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK] = { 0 };
    *inside = info->dtype.size;
    for (unsigned k = info->rank; k-- > 0;) {
        start[k] = cell % raster->cells[k] * raster->shape[k];
        cell /= raster->cells[k];
        count[k] = info->dims[k] - start[k];
        count[k] = count[k] < raster->shape[k] ? count[k] : raster->shape[k];
        *inside *= (size_t)count[k];
    }
    if (*inside == raster->bytes)
        return fb_source_read(source, array, start, count, to, raster->bytes, err);
    int rc = fb_source_read(source, array, start, count, spare, raster->bytes, err);
    memset(to, 0, raster->bytes);
    if (rc == 0)
        spread(spare, count, raster->shape, info->rank, info->dtype.size, to);
    return rc;
}

/* --- packing ---------------------------------------------------------------------------------- */

struct packed {
    unsigned char *bytes;
    size_t length, raw;
};

struct shelf {
    struct packed items[TILES_MOST];
    size_t count, longest;
    size_t inside, stored; /* of all of them: bytes of arrays, and packed */
    double pack_ns, ns;    /* ns: of inflating them, at best */
    unsigned char *spare;  /* room for two tiles */
};

static void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        free(shelf->items[i].bytes);
    free(shelf->spare);
}

static int pack(struct shelf *shelf, const struct fb_setting *setting, size_t element, size_t raw,
                struct fb_error *err)
{
    struct packed *out = &shelf->items[shelf->count++];
    unsigned char *from = shelf->spare;
    uLongf length = compressBound((uLong)raw);
    const unsigned level = setting->level ? setting->level : FB_TILES_LEVEL;
    out->raw = raw;
    out->bytes = malloc(length);
    const uint64_t started = fb_clock_ns();
    if (setting->shuffle) {
        fb_shuffle(from, raw, element, from + shelf->longest);
        from += shelf->longest;
    }
    if (!out->bytes || compress2(out->bytes, &length, from, (uLong)raw, (int)level) != Z_OK)
        return fb_fail_memory(err, "compressed tiles");
    shelf->pack_ns += (double)(fb_clock_ns() - started);
    out->length = (size_t)length;
    shelf->stored += out->length;
    return 0;
}

/* Tile number `number` of those of all arrays; before[a] of them are in arrays before this one. */
static int add_tile(struct shelf *shelf, struct fb_source *source, const struct fb_setting *setting,
                    const uint64_t *before, uint64_t number, struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(source);
    size_t a = 0, inside;
    while (before[a + 1] <= number)
        a++;
    const struct raster raster = raster_of(&catalog->arrays[a], setting);
    int rc = take_tile(source, a, &raster, number - before[a], shelf->spare,
                       shelf->spare + shelf->longest, &inside, err);
    shelf->inside += rc ? 0 : inside;
    return rc ? rc : pack(shelf, setting, catalog->arrays[a].dtype.size, raster.bytes, err);
}

/* Number i of a sequence that is spread evenly, however long it is: multiples of the golden ratio,
 * without their whole part. */
static uint64_t spread_number(uint64_t i, uint64_t below)
{
    const uint64_t part = (2 * i + 1) * UINT64_C(0x4f1bbcdcbfa53e0b) >> 32; /* of 2^32 */
    return part * (below >> 32) + (part * (below & UINT32_MAX) >> 32);
}

static int fill(struct shelf *shelf, struct fb_source *source, const struct fb_setting *setting,
                size_t bytes, struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(source);
    uint64_t *before = calloc(catalog->array_count + 1, sizeof *before);
    int rc = before ? 0 : fb_fail_memory(err, "tiles");
    shelf->longest = 1;
    for (size_t a = 0; rc == 0 && a < catalog->array_count; a++) {
        const struct raster raster = raster_of(&catalog->arrays[a], setting);
        before[a + 1] = before[a] + raster.count;
        shelf->longest = raster.bytes > shelf->longest ? raster.bytes : shelf->longest;
    }
    const uint64_t cells = rc ? 0 : before[catalog->array_count];
    uint64_t wanted = bytes / shelf->longest;
    wanted = wanted > TILES_MOST ? TILES_MOST : wanted < 1 ? 1 : wanted;
    shelf->spare = malloc(2 * shelf->longest);
    if (rc == 0 && !shelf->spare)
        rc = fb_fail_memory(err, "tiles");
    for (uint64_t i = 0; rc == 0 && i < wanted && i < cells; i++)
        rc = add_tile(shelf, source, setting, before, cells <= wanted ? i : spread_number(i, cells),
                      err);
    free(before);
    return rc;
}

/* --- measuring -------------------------------------------------------------------------------- */

static int time_once(struct shelf *shelf, struct fb_error *err)
{
    bool fine = true;
    const uint64_t started = fb_clock_ns();
    for (size_t i = 0; i < shelf->count; i++)
        fine &= fb_inflate(shelf->items[i].bytes, shelf->items[i].length, shelf->spare,
                           shelf->items[i].raw);
    shelf->ns = fmin(shelf->ns, (double)(fb_clock_ns() - started));
    return fine ? 0 : fb_fail_memory(err, "inflating");
}

static struct fb_tile result_of(const struct shelf *shelf)
{
    const double inside = (double)shelf->inside;
    return shelf->inside > 0
               ? (struct fb_tile){ (double)shelf->stored / inside, fmax(shelf->ns, 1) / inside,
                                   shelf->pack_ns / inside }
               : (struct fb_tile){ 1, 1, 1 };
}

int fb_tiles_measure(struct fb_source *source, const struct fb_setting *settings, size_t count,
                     size_t bytes, struct fb_tile *out, struct fb_error *err)
{
    struct shelf *shelves = calloc(count + 1, sizeof *shelves);
    int rc = shelves ? 0 : fb_fail_memory(err, "tiles");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        shelves[i].ns = INFINITY;
        rc = fill(&shelves[i], source, &settings[i], bytes, err);
    }
    for (int round = 0; rc == 0 && round < ROUNDS; round++)
        for (size_t i = 0; rc == 0 && i < count; i++)
            rc = time_once(&shelves[i], err);
    for (size_t i = 0; shelves && i < count; i++) {
        out[i] = result_of(&shelves[i]);
        shelf_free(&shelves[i]);
    }
    free(shelves);
    return rc;
}

double fb_unshuffle_byte(size_t element)
{
    static const size_t bytes = TILE_BYTES_MOST;
    unsigned char *from = element < bytes ? calloc(2, bytes) : NULL;
    double ns = INFINITY;
    for (int round = 0; from && round < 4 * ROUNDS; round++) {
        const uint64_t started = fb_clock_ns();
        fb_unshuffle(from, bytes, element, from + bytes);
        ns = fmin(ns, (double)(fb_clock_ns() - started));
    }
    free(from);
    return isfinite(ns) ? ns / (double)bytes : 0;
}
