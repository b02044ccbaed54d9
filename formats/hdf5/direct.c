/* The reader of this folder with the library of formats/direct below its arrays. What has no
 * filters is as quick by H5Dread, and does not go there. */
#include "base/number.h"
#include "formats/direct/hdf5_direct.h"
#include "formats/hdf5/internal.h"
#include "formats/slab.h"

#include <stdio.h>

#define THREADS_MOST 256

bool fb_hdf5_check_threads(const char *value)
{
    uint64_t threads;
    return fb_parse_u64(value, &threads) && threads >= 1 && threads <= THREADS_MOST;
}

static unsigned threads_of(const struct fb_options *options)
{
    uint64_t threads;
    return options && fb_options_has(options, "threads") &&
                   fb_parse_u64(fb_options_text(options, "threads"), &threads)
               ? (unsigned)threads
               : 0;
}

int fb_hdf5_direct_open(const char *path, const struct fb_options *options, struct fb_reader **out,
                        struct fb_error *err)
{
    struct fb_reader *reader;
    char why[FB_DIRECT_WHY];
    int rc = fb_hdf5_open(path, options, &reader, err);
    if (rc)
        return rc;
    if (fb_direct_attach(reader->file, path, threads_of(options), &reader->direct, why)) {
        fb_hdf5_close(reader);
        return fb_fail(err, FB_EMEMORY, "%s: %s", path, why);
    }
    *out = reader;
    return 0;
}

void fb_hdf5_direct_close(struct fb_reader *reader)
{
    if (reader)
        fb_direct_close(reader->direct);
    fb_hdf5_close(reader);
}

int fb_hdf5_direct_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                              struct fb_error *err)
{
    struct fb_array *array;
    char why[FB_DIRECT_WHY];
    int rc = fb_hdf5_array_open(reader, path, &array, err);
    if (rc)
        return rc;
    if (array->filters > 0 &&
        fb_direct_array_attach(reader->direct, array->dataset, array->type, &array->direct, why)) {
        fb_hdf5_array_close(array);
        return fb_fail(err, FB_EMEMORY, "%s: array %s: %s", reader->path, path, why);
    }
    *out = array;
    return 0;
}

int fb_hdf5_direct_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                              void *dst, size_t capacity, size_t *delivered, struct fb_error *err)
{
    char why[FB_DIRECT_WHY];
    size_t bytes;
    if (!array->direct || fb_direct_fallback(array->direct))
        return fb_hdf5_array_read(array, start, count, dst, capacity, delivered, err);
    *delivered = 0;
    int rc = fb_slab_admit(&array->info, start, count, capacity, &bytes, err);
    if (rc)
        return fb_fail_in(err, "%s", array->reader->path);
    if (bytes > 0 && fb_direct_read(array->direct, start, count, dst, capacity, why))
        return fb_fail(err, FB_EFORMAT, "%s: array %s: %s", array->reader->path, array->info.path,
                       why);
    *delivered = bytes;
    return 0;
}

void fb_hdf5_direct_array_close(struct fb_array *array)
{
    if (array)
        fb_direct_array_close(array->direct);
    fb_hdf5_array_close(array);
}

int fb_hdf5_direct_storage(struct fb_array *array, struct fb_storage *out, struct fb_error *err)
{
    int rc = fb_hdf5_storage(array, out, err);
    const char *why = array->direct ? fb_direct_fallback(array->direct) : NULL;
    if (rc)
        return rc;
    if (why)
        snprintf(out->fallback, sizeof out->fallback, "%s", why);
    else if (!array->direct)
        snprintf(out->fallback, sizeof out->fallback, "%s%s", out->layout,
                 out->chunk_rank > 0 ? ", no filters" : " layout");
    return 0;
}
