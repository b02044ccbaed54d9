#include "bench/tune/space.h"
#include "base/number.h"
#include "bench/anatomy/advice.h"
#include "formats/hdf5/chunk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES_LEAST 512
#define CHUNK_BYTES_MOST (UINT64_C(8) << 20)
#define NETCDF_BYTES (UINT64_C(4) << 20)
#define UNIDATA_BYTES 4096

const char *const fb_proposer_names[FB_PROPOSER_COUNT] = { "present", "h5py", "netcdf", "unidata" };

/* --- shapes ----------------------------------------------------------------------------------- */

static uint64_t clip(double length, uint64_t axis)
{
    if (!(length >= 1))
        return 1;
    return length >= (double)axis ? axis : (uint64_t)length;
}

static double elements_of(unsigned rank, const uint64_t *dims)
{
    double elements = 1;
    for (unsigned k = 0; k < rank; k++)
        elements *= (double)dims[k];
    return elements;
}

void fb_shape_netcdf(unsigned rank, const uint64_t *dims, uint64_t element_bytes, uint64_t *chunk)
{
    double bytes = elements_of(rank, dims) * (double)element_bytes;
    double part = pow((double)NETCDF_BYTES / bytes, 1.0 / rank);
    for (unsigned k = 0; k < rank; k++)
        chunk[k] = clip(part * (double)dims[k] - 0.5, dims[k]);
    for (unsigned k = 0; k < rank; k++) {
        uint64_t pieces = (dims[k] + chunk[k] - 1) / chunk[k];
        chunk[k] -= (pieces * chunk[k] - dims[k]) / pieces;
    }
}

void fb_shape_balanced(unsigned rank, const uint64_t *dims, uint64_t element_bytes,
                       uint64_t chunk_bytes, uint64_t *chunk)
{
    double chunks = elements_of(rank, dims) * (double)element_bytes / (double)chunk_bytes;
    double pieces = chunks > 1 ? sqrt(chunks) : 1;
    if (rank == 1) {
        chunk[0] = clip((double)dims[0] / (chunks > 1 ? chunks : 1), dims[0]);
        return;
    }
    /* An axis that is shorter than its share of the cuts leaves them to the others: the shortest
     * come first. */
    double left = (double)dims[0] < pieces ? chunks / (double)dims[0] : pieces;
    bool settled[FB_MAX_RANK] = { false };
    chunk[0] = clip((double)dims[0] / pieces, dims[0]);
    for (unsigned open = rank - 1; open > 0; open--) {
        unsigned axis = 0;
        for (unsigned k = 1; k < rank; k++)
            if (!settled[k] && (axis == 0 || dims[k] <= dims[axis]))
                axis = k;
        settled[axis] = true;
        chunk[axis] = clip((double)dims[axis] / pow(left, 1.0 / open), dims[axis]);
        left /= (double)dims[axis] / (double)chunk[axis];
        left = left > 1 ? left : 1;
    }
}

/* Whole rows. */
static void shape_rows(unsigned rank, const uint64_t *dims, uint64_t element_bytes,
                       uint64_t chunk_bytes, uint64_t *chunk)
{
    double row = elements_of(rank - 1, dims + 1) * (double)element_bytes;
    memcpy(chunk, dims, rank * sizeof *chunk);
    chunk[0] = clip((double)chunk_bytes / row, dims[0]);
}

/* Sides as equal as the array allows: short axes whole, the others share what is left. */
static void shape_equal(unsigned rank, const uint64_t *dims, uint64_t element_bytes,
                        uint64_t chunk_bytes, uint64_t *chunk)
{
    double left = (double)chunk_bytes / (double)element_bytes;
    bool settled[FB_MAX_RANK] = { false };
    for (unsigned open = rank; open > 0;) {
        double side = pow(left, 1.0 / open);
        bool any = false;
        for (unsigned k = 0; k < rank; k++)
            if (!settled[k] && (double)dims[k] <= side) {
                settled[k] = any = true;
                chunk[k] = dims[k];
                left /= (double)dims[k];
                open--;
            }
        if (any)
            continue;
        for (unsigned k = 0; k < rank; k++)
            if (!settled[k])
                chunk[k] = clip(side, dims[k]);
        return;
    }
}

/* --- the space -------------------------------------------------------------------------------- */

bool fb_setting_same_shape(const struct fb_setting *a, const struct fb_setting *b)
{
    return a->rank == b->rank && memcmp(a->chunk, b->chunk, a->rank * sizeof *a->chunk) == 0;
}

bool fb_setting_equal(const struct fb_setting *a, const struct fb_setting *b)
{
    return fb_setting_same_shape(a, b) && a->latest == b->latest &&
           (a->rank == 0 || (strcmp(a->filter, b->filter) == 0 && a->level == b->level &&
                             a->shuffle == b->shuffle));
}

uint64_t fb_setting_chunk_bytes(const struct fb_setting *setting, uint64_t element_bytes)
{
    uint64_t bytes = element_bytes;
    for (unsigned k = 0; k < setting->rank; k++)
        if (!fb_mul_u64(bytes, setting->chunk[k], &bytes))
            return UINT64_MAX;
    return bytes;
}

static int append(struct fb_space *space, const struct fb_setting *setting, unsigned names,
                  struct fb_error *err)
{
    if ((space->count & (space->count - 1)) == 0) {
        size_t room = space->count ? 2 * space->count : 64;
        struct fb_candidate *grown = reallocarray(space->items, room, sizeof *grown);
        if (!grown)
            return fb_fail_memory(err, "the settings");
        space->items = grown;
    }
    space->items[space->count++] = (struct fb_candidate){ *setting, names };
    return 0;
}

int fb_space_add(struct fb_space *space, const struct fb_setting *setting, unsigned names,
                 size_t *at, struct fb_error *err)
{
    for (*at = 0; *at < space->count; ++*at)
        if (fb_setting_equal(&space->items[*at].setting, setting)) {
            space->items[*at].names |= names;
            return 0;
        }
    return append(space, setting, names, err);
}

struct shapes {
    const struct fb_array_info *array;
    uint64_t (*items)[FB_MAX_RANK];
    size_t count, room;
};

static int add_shape(struct shapes *shapes, const uint64_t *chunk, bool always,
                     struct fb_error *err)
{
    const struct fb_array_info *array = shapes->array;
    uint64_t bytes = array->dtype.size;
    for (unsigned k = 0; k < array->rank; k++)
        bytes *= chunk[k]; /* at most the array's, which was checked */
    bool small = bytes < CHUNK_BYTES_LEAST && bytes < array->bytes;
    if (!always && (small || bytes > CHUNK_BYTES_MOST))
        return 0;
    for (size_t i = 0; i < shapes->count; i++)
        if (memcmp(shapes->items[i], chunk, array->rank * sizeof *chunk) == 0)
            return 0;
    if (shapes->count == shapes->room) {
        shapes->room = shapes->room ? 2 * shapes->room : 64;
        void *grown = reallocarray(shapes->items, shapes->room, sizeof *shapes->items);
        if (!grown)
            return fb_fail_memory(err, "the shapes");
        shapes->items = grown;
    }
    memset(shapes->items[shapes->count], 0, sizeof *shapes->items);
    memcpy(shapes->items[shapes->count++], chunk, array->rank * sizeof *chunk);
    return 0;
}

typedef void shape_maker(unsigned rank, const uint64_t *dims, uint64_t element_bytes,
                         uint64_t chunk_bytes, uint64_t *chunk);

static int add_families(struct shapes *shapes, struct fb_error *err)
{
    static shape_maker *const makers[] = { shape_rows, fb_shape_balanced, shape_equal };
    const struct fb_array_info *array = shapes->array;
    uint64_t chunk[FB_MAX_RANK];
    int rc = 0;
    for (uint64_t bytes = 4096; rc == 0 && bytes <= (UINT64_C(4) << 20); bytes *= 4)
        for (size_t m = 0; rc == 0 && m < sizeof makers / sizeof *makers; m++) {
            makers[m](array->rank, array->dims, array->dtype.size, bytes, chunk);
            rc = add_shape(shapes, chunk, false, err);
        }
    return rc;
}

static int add_slabs(struct shapes *shapes, const uint64_t (*slabs)[FB_MAX_RANK], size_t count,
                     struct fb_error *err)
{
    struct fb_shapes *found = malloc(sizeof *found);
    int rc = found ? 0 : fb_fail_memory(err, "the shapes");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        fb_chunk_candidates(shapes->array, slabs[i], found);
        for (size_t s = 0; rc == 0 && s < found->count; s++)
            rc = add_shape(shapes, found->chunk[s], false, err);
    }
    free(found);
    return rc;
}

static void settle(struct fb_setting *setting, const struct fb_coding *coding)
{
    snprintf(setting->filter, sizeof setting->filter, "%s", coding->filter);
    setting->level = coding->level;
    setting->shuffle = coding->shuffle;
}

static int add_proposers(struct shapes *shapes, const uint64_t *dims, const struct fb_coding *usual,
                         struct fb_space *space, struct fb_error *err)
{
    const struct fb_array_info *array = shapes->array;
    size_t at;
    int rc = 0;
    for (int who = FB_PROPOSER_H5PY; rc == 0 && who < FB_PROPOSER_COUNT; who++) {
        struct fb_setting setting = { .rank = array->rank };
        if (who == FB_PROPOSER_H5PY)
            fb_chunk_guess(array->rank, dims, array->dtype.size, setting.chunk);
        else if (who == FB_PROPOSER_NETCDF)
            fb_shape_netcdf(array->rank, dims, array->dtype.size, setting.chunk);
        else
            fb_shape_balanced(array->rank, dims, array->dtype.size, UNIDATA_BYTES, setting.chunk);
        for (unsigned k = 0; k < array->rank; k++)
            if (setting.chunk[k] > array->dims[k])
                setting.chunk[k] = array->dims[k];
        settle(&setting, usual);
        rc = fb_space_add(space, &setting, 1u << who, &at, err);
        if (rc == 0)
            rc = add_shape(shapes, setting.chunk, true, err);
    }
    return rc;
}

int fb_space_make(const struct fb_array_info *array, const uint64_t *dims,
                  const uint64_t (*slabs)[FB_MAX_RANK], size_t slab_count,
                  const struct fb_coding *codings, size_t coding_count,
                  const struct fb_coding *usual, struct fb_space *out, struct fb_error *err)
{
    struct shapes shapes = { .array = array };
    const struct fb_setting contiguous = { .filter = "none" };
    size_t at;
    int rc = fb_space_add(out, &contiguous, 0, &at, err);
    if (rc == 0 && array->rank > 0 && array->bytes > 0) {
        rc = add_proposers(&shapes, dims, usual, out, err);
        if (rc == 0)
            rc = add_slabs(&shapes, slabs, slab_count, err);
        if (rc == 0)
            rc = add_families(&shapes, err);
    }
    for (size_t s = 0; s < shapes.count; s++)
        for (size_t c = 0; rc == 0 && c < coding_count; c++) {
            struct fb_setting setting = { .rank = array->rank };
            memcpy(setting.chunk, shapes.items[s], sizeof setting.chunk);
            settle(&setting, &codings[c]);
            rc = fb_space_add(out, &setting, 0, &at, err);
        }
    free(shapes.items);
    return rc;
}

/* --- texts ------------------------------------------------------------------------------------ */

char *fb_setting_options(const struct fb_setting *setting, char *buf, size_t size)
{
    char shape[FB_MAX_RANK * 21];
    buf[0] = '\0';
    if (setting->rank > 0) {
        bool none = strcmp(setting->filter, "none") == 0, gzip = !strcmp(setting->filter, "gzip");
        char level[24] = "";
        /* A filter without levels takes none; "none" is gzip's level 0. */
        if (setting->level || none)
            snprintf(level, sizeof level, "level=%u,", none ? 0 : setting->level);
        snprintf(buf, size, "%sshuffle=%d,chunk=%s%s%s", level, setting->shuffle,
                 fb_shape_text(setting->rank, setting->chunk, shape, sizeof shape),
                 gzip || none ? "" : ",filter=", gzip || none ? "" : setting->filter);
    }
    if (setting->latest)
        strncat(buf, *buf ? ",libver=latest" : "libver=latest", size - strlen(buf) - 1);
    return buf;
}

char *fb_setting_text(const struct fb_setting *setting, char *buf, size_t size)
{
    char shape[FB_MAX_RANK * 21], level[16] = "";
    if (setting->rank == 0) {
        snprintf(buf, size, "in one piece");
    } else {
        bool none = strcmp(setting->filter, "none") == 0;
        if (setting->level)
            snprintf(level, sizeof level, " %u", setting->level);
        snprintf(buf, size, "%s%s%s%s",
                 fb_shape_text(setting->rank, setting->chunk, shape, sizeof shape),
                 setting->shuffle ? ", shuffle" : "", none ? "" : ", ",
                 none ? "" : setting->filter);
        strncat(buf, level, size - strlen(buf) - 1);
    }
    if (setting->latest)
        strncat(buf, ", libver latest", size - strlen(buf) - 1);
    return buf;
}
