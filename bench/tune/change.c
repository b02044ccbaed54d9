#include "bench/tune/change.h"
#include "base/number.h"
#include "formats/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Readers do not touch larger chunks: a chunk is read as a whole. */
#define CHUNK_BYTES_MAX (UINT64_C(1) << 30)

/* --- filters ---------------------------------------------------------------------------------- */

unsigned fb_portion_filters(const struct fb_portion *portion,
                            struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX])
{
    const struct fb_setting *setting = portion->setting;
    uint64_t elements = 1;
    for (unsigned i = 0; i < portion->rank; i++)
        elements *= portion->chunk[i];
    return portion->rank == 0
               ? 0
               : fb_hdf5_steps(setting->filter, setting->level, setting->shuffle, elements, steps);
}

void fb_chunk_print(FILE *stream, const struct fb_portion *portion, const char *separator)
{
    for (unsigned i = 0; i < portion->rank; i++)
        fprintf(stream, "%s%" PRIu64, i ? separator : "", portion->chunk[i]);
}

/* --- one array -------------------------------------------------------------------------------- */

static int check_setting(const struct fb_setting *setting, struct fb_error *err)
{
    if (setting->rank > FB_MAX_RANK)
        return fb_fail(err, FB_EUSAGE, "a chunk has %u axes, more than the %d that arrays can have",
                       setting->rank, FB_MAX_RANK);
    if (setting->rank > 0 && !fb_hdf5_filter_has(setting->filter, setting->level))
        return fb_fail(err, FB_EUSAGE, "there is no filter '%s', or it has no level %u",
                       setting->filter, setting->level);
    return 0;
}

static int clip_chunk(const struct fb_setting *setting, const struct fb_array_info *array,
                      uint64_t *chunk, struct fb_error *err)
{
    uint64_t bytes = array->dtype.size;
    if (setting->rank != array->rank)
        return fb_fail(err, FB_EUSAGE, "array %s has %u axes, the chunk for it %u", array->path,
                       array->rank, setting->rank);
    if (array->bytes == 0)
        return fb_fail(err, FB_EUSAGE, "array %s has no elements to put into chunks", array->path);
    for (unsigned i = 0; i < setting->rank; i++) {
        if (setting->chunk[i] == 0)
            return fb_fail(err, FB_EUSAGE, "array %s: a chunk of length 0 on axis %u", array->path,
                           i);
        chunk[i] = setting->chunk[i] < array->dims[i] ? setting->chunk[i] : array->dims[i];
        if (!fb_mul_u64(bytes, chunk[i], &bytes) || bytes > CHUNK_BYTES_MAX)
            return fb_fail(err, FB_EUSAGE, "array %s: the chunk is larger than 1 GiB", array->path);
    }
    return 0;
}

/* --- portions ----------------------------------------------------------------------------------
 */

static struct fb_portion *find_batch(struct fb_portions *portions, const struct fb_setting *setting,
                                     const uint64_t *chunk)
{
    for (size_t i = portions->count; i-- > 0;) {
        struct fb_portion *portion = &portions->items[i];
        if (portion->setting == setting &&
            memcmp(portion->chunk, chunk, setting->rank * sizeof *chunk) == 0)
            return portion;
    }
    return NULL;
}

static struct fb_portion *add_batch(struct fb_portions *portions, const struct fb_setting *setting,
                                    const uint64_t *chunk)
{
    struct fb_portion *items =
        reallocarray(portions->items, portions->count + 1, sizeof *portions->items);
    if (!items)
        return NULL;
    portions->items = items;
    struct fb_portion *portion = &items[portions->count++];
    *portion = (struct fb_portion){ .setting = setting, .rank = setting->rank };
    memcpy(portion->chunk, chunk, setting->rank * sizeof *chunk);
    return portion;
}

static int add_path(struct fb_portions *portions, const struct fb_setting *setting,
                    const struct fb_array_info *array, struct fb_error *err)
{
    uint64_t chunk[FB_MAX_RANK] = { 0 };
    int rc = setting->rank > 0 ? clip_chunk(setting, array, chunk, err) : 0;
    if (rc)
        return rc;
    struct fb_portion *portion = find_batch(portions, setting, chunk);
    if (!portion)
        portion = add_batch(portions, setting, chunk);
    if (!portion)
        return fb_fail_memory(err, "the changes");
    /* The capacity doubles at powers of two. */
    if ((portion->count & (portion->count - 1)) == 0) {
        size_t capacity = portion->count ? portion->count * 2 : 1;
        const char **paths = reallocarray(portion->paths, capacity, sizeof *paths);
        if (!paths)
            return fb_fail_memory(err, "the changes");
        portion->paths = paths;
    }
    portion->paths[portion->count++] = array->path;
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return fb_natural_compare(*(const char *const *)a, *(const char *const *)b);
}

/* Those in one piece to the front; both kinds keep their order. */
static void order(struct fb_portions *portions)
{
    size_t whole = 0;
    for (size_t i = 0; i < portions->count; i++) {
        struct fb_portion portion = portions->items[i];
        qsort(portion.paths, portion.count, sizeof *portion.paths, compare_paths);
        if (portion.rank > 0)
            continue;
        memmove(&portions->items[whole + 1], &portions->items[whole],
                (i - whole) * sizeof *portions->items);
        portions->items[whole++] = portion;
    }
}

static int add_changes(struct fb_portions *portions, const char *file,
                       const struct fb_change *changes, size_t count, struct fb_error *err)
{
    const struct fb_catalog *catalog = &portions->catalog;
    const struct fb_array_info *array;
    bool *taken = calloc(catalog->array_count + 1, sizeof *taken);
    int rc = taken ? 0 : fb_fail_memory(err, "the changes");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct fb_change *change = &changes[i];
        rc = check_setting(&change->setting, err);
        if (rc == 0 && change->setting.latest != changes[0].setting.latest)
            rc = fb_fail(err, FB_EUSAGE,
                         "the version of the file format is one for the whole file: either all "
                         "changes ask for the newest, or none");
        for (size_t k = 0; rc == 0 && k < change->count; k++) {
            rc = fb_catalog_require(catalog, change->paths[k], &array, err);
            if (rc == 0 && taken[array - catalog->arrays])
                rc = fb_fail(err, FB_EUSAGE, "array %s is to be changed twice", array->path);
            if (rc == 0)
                taken[array - catalog->arrays] = true;
            if (rc == 0)
                rc = add_path(portions, &change->setting, array, err);
        }
    }
    free(taken);
    if (rc == 0 && portions->count == 0)
        rc = fb_fail(err, FB_EUSAGE, "there is no array to change");
    return rc ? fb_fail_in(err, "%s", file) : 0;
}

static int read_catalog(const char *file, struct fb_catalog *catalog, struct fb_error *err)
{
    const struct fb_format *format = fb_format_find("as-is");
    struct fb_reader *reader;
    int rc = format->open(file, NULL, &reader, err);
    if (rc)
        return rc;
    rc = format->catalog(reader, catalog, err);
    format->close(reader);
    return rc;
}

int fb_portions_make(const char *file, const struct fb_change *changes, size_t count,
                     struct fb_portions *out, struct fb_error *err)
{
    *out = (struct fb_portions){ .latest = count > 0 && changes[0].setting.latest };
    int rc = read_catalog(file, &out->catalog, err);
    if (rc == 0)
        rc = add_changes(out, file, changes, count, err);
    if (rc == 0)
        order(out);
    else
        fb_portions_free(out);
    return rc;
}

void fb_portions_free(struct fb_portions *portions)
{
    for (size_t i = 0; i < portions->count; i++)
        free(portions->items[i].paths);
    free(portions->items);
    fb_catalog_free(&portions->catalog);
    *portions = (struct fb_portions){ 0 };
}
