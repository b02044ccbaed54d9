/* Opening HDF5 files and reading slabs of their arrays. */
#include "base/number.h"
#include "formats/direct/hdf5_direct.h"
#include "formats/hdf5/chunk.h"
#include "formats/hdf5/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Why a file did not open: what the operating system thinks of it comes before HDF5's own words. */
static int fail_to_open(const char *path, struct fb_error *err)
{
    struct stat st;
    char why[FB_HDF5_REASON_MAX];
    fb_hdf5_why(why, sizeof why);
    if (stat(path, &st) < 0 || access(path, R_OK) < 0)
        return fb_fail_errno(err, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return fb_fail(err, FB_EIO, "cannot open %s: not a regular file", path);
    if (strstr(why, "lock"))
        return fb_fail(err, FB_EIO,
                       "cannot open %s: %s; another program may be writing it (or, where the "
                       "filesystem has no locks, set HDF5_USE_FILE_LOCKING=FALSE)",
                       path, why);
    return fb_fail(err, FB_EFORMAT, "cannot open %s as HDF5: %s; it is no HDF5 file, or damaged",
                   path, why);
}

#define CACHE_MOST (UINT64_C(1) << 40)

bool fb_hdf5_check_cache(const char *value)
{
    uint64_t bytes;
    return fb_parse_u64(value, &bytes) && bytes > 0 && bytes <= CACHE_MOST;
}

/* HDF5's default stays where the format has no such option, or it is left empty. */
static int set_cache(struct fb_reader *reader, const struct fb_options *options,
                     struct fb_error *err)
{
    uint64_t bytes;
    if (!options || !fb_options_has(options, "cache") ||
        !fb_parse_u64(fb_options_text(options, "cache"), &bytes))
        return 0;
    size_t slots = (size_t)fb_chunk_cache_slots(bytes);
    reader->array_access = H5Pcreate(H5P_DATASET_ACCESS);
    if (reader->array_access < 0 || H5Pset_chunk_cache(reader->array_access, slots, (size_t)bytes,
                                                       H5D_CHUNK_CACHE_W0_DEFAULT) < 0)
        return fb_hdf5_fail(err, FB_EUNSUPPORTED, "cannot set a chunk cache of %llu bytes",
                            (unsigned long long)bytes);
    return 0;
}

/* Takes over the watch, which is NULL for a reader that is not traced. */
static int open_with(const char *path, const struct fb_options *options, hid_t access,
                     struct fb_hdf5_watch *watch, struct fb_reader **out, struct fb_error *err)
{
    int rc = 0;
    struct fb_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        fb_hdf5_watch_end(watch);
        return fb_fail_memory(err, "a reader");
    }
    reader->watch = watch;
    reader->trace = watch ? watch->trace : NULL;
    reader->file = -1;
    reader->path = strdup(path);
    if (!reader->path) {
        rc = fb_fail_memory(err, "a reader");
    } else if ((rc = set_cache(reader, options, err)) == 0) {
        fb_trace_enter(reader->trace, FB_PART_OPEN);
        reader->file = H5Fopen(path, H5F_ACC_RDONLY, access);
        fb_trace_leave(reader->trace);
        if (reader->file < 0)
            rc = fail_to_open(path, err);
    }
    if (rc)
        fb_hdf5_close(reader);
    else
        *out = reader;
    return rc;
}

/* With HDF5's own defaults: lists of other properties cost a sixth of opening a small file. Nothing
 * in them is needed: what is opened here is closed here, and locks are used where there are any. */
int fb_hdf5_open(const char *path, const struct fb_options *options, struct fb_reader **out,
                 struct fb_error *err)
{
    fb_hdf5_quiet();
    return open_with(path, options, H5P_DEFAULT, NULL, out, err);
}

int fb_hdf5_open_traced(const char *path, const struct fb_options *options, struct fb_trace *trace,
                        struct fb_reader **out, struct fb_error *err)
{
    struct fb_hdf5_watch *watch;
    fb_hdf5_quiet();
    if (H5open() < 0)
        return fb_fail(err, FB_EUNSUPPORTED, "the HDF5 library does not start");
    int rc = fb_hdf5_watch_begin(trace, &watch, err);
    if (rc)
        return rc;
    hid_t access = fb_direct_driver_access(&watch->reads);
    if (access < 0) {
        rc = fb_hdf5_fail(err, FB_EUNSUPPORTED, "cannot watch how %s is read", path);
        fb_hdf5_watch_end(watch);
        return rc;
    }
    rc = open_with(path, options, access, watch, out, err);
    fb_hdf5_release(access);
    return rc;
}

void fb_hdf5_close(struct fb_reader *reader)
{
    if (!reader)
        return;
    fb_direct_scout_close(reader->scout);
    fb_trace_enter(reader->trace, FB_PART_OPEN);
    fb_hdf5_release(reader->file);
    fb_trace_leave(reader->trace);
    fb_hdf5_watch_end(reader->watch);
    if (reader->array_access != H5P_DEFAULT)
        fb_hdf5_release(reader->array_access);
    free(reader->path);
    free(reader);
}

/* Takes over what `look` holds. */
static int fill_info(struct fb_array *array, const char *path, const struct fb_hdf5_dataset *look,
                     struct fb_error *err)
{
    struct fb_array_info *info = &array->info;
    array->space = look->space;
    array->type = look->type;
    array->own_type = look->own_type;
    array->element = look->element;
    array->chunk_rank = look->chunk_rank;
    array->filters = look->filters;
    memcpy(array->chunk, look->chunk, sizeof array->chunk);
    info->dtype = look->dtype;
    info->rank = look->rank;
    memcpy(info->dims, look->dims, sizeof info->dims);
    info->bytes = fb_slab_bytes(info, info->dims);
    info->path = strdup(path);
    return info->path ? 0 : fb_fail_memory(err, path);
}

/* False for what was reached by an external link: it lies in a file that nobody named. */
static bool in_file(hid_t file, hid_t dataset)
{
    hid_t own = H5Iget_file_id(dataset);
    fb_hdf5_release(own);
    return own == file;
}

static int open_array(struct fb_reader *reader, const char *path, struct fb_array **out,
                      struct fb_error *err)
{
    struct fb_hdf5_dataset look;
    char reason[FB_HDF5_REASON_MAX];
    int rc;
    struct fb_array *array = calloc(1, sizeof *array);
    if (!array)
        return fb_fail_memory(err, "an array");
    array->reader = reader;
    array->space = array->own_type = array->memory = array->scouted = -1;
    path += *path == '/';
    hid_t file = reader->direct ? fb_direct_file_id(reader->direct) : reader->file;
    array->dataset = H5Dopen2(file, path, reader->array_access);
    if (array->dataset < 0)
        rc = fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot open array '%s'", reader->path, path);
    else if (!in_file(file, array->dataset))
        rc = fb_fail(err, FB_EUNSUPPORTED,
                     "%s: array %s cannot be read: an external link leads to it in another file",
                     reader->path, path);
    else if (!fb_hdf5_dataset_look(array->dataset, &look, reason, sizeof reason))
        rc = fb_fail(err, FB_EUNSUPPORTED, "%s: array %s cannot be read: %s", reader->path, path,
                     reason);
    else
        rc = fill_info(array, path, &look, err);
    if (rc)
        fb_hdf5_array_close(array);
    else
        *out = array;
    return rc;
}

int fb_hdf5_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                       struct fb_error *err)
{
    fb_trace_enter(reader->trace, FB_PART_LOOKUP);
    int rc = open_array(reader, path, out, err);
    fb_trace_leave(reader->trace);
    return rc;
}

/* Selects the slab in the file, and makes `memory` its shape; requests often have the same. */
static herr_t select_slab(struct fb_array *array, const uint64_t *start, const uint64_t *count)
{
    hsize_t first[FB_MAX_RANK], length[FB_MAX_RANK];
    unsigned rank = array->info.rank;
    for (unsigned i = 0; i < rank; i++) {
        first[i] = start[i];
        length[i] = count[i];
    }
    if (array->memory < 0 || memcmp(array->memory_count, count, rank * sizeof *count) != 0) {
        fb_hdf5_release(array->memory);
        array->memory = H5Screate_simple((int)rank, length, NULL);
        memcpy(array->memory_count, count, rank * sizeof *count);
    }
    if (array->memory < 0)
        return -1;
    return H5Sselect_hyperslab(array->space, H5S_SELECT_SET, first, NULL, length, NULL);
}

static int read_slab(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                     void *dst, size_t capacity, size_t *delivered, struct fb_error *err)
{
    const struct fb_array_info *info = &array->info;
    *delivered = 0;
    int rc = fb_slab_check(info, start, count, err);
    if (rc)
        return fb_fail_in(err, "%s", array->reader->path);
    uint64_t bytes = fb_slab_bytes(info, count);
    if (bytes > capacity)
        return fb_fail(err, FB_EUSAGE, "%s: array %s: the buffer of %zu bytes is too small",
                       array->reader->path, info->path, capacity);
    if (bytes == 0)
        return 0;
    hid_t from = H5S_ALL, to = H5S_ALL;
    if (bytes < info->bytes) {
        from = array->space;
        if (select_slab(array, start, count) < 0)
            return fb_hdf5_fail(err, FB_EFORMAT, "%s: array %s: cannot select a slab",
                                array->reader->path, info->path);
        to = array->memory;
    }
    if (H5Dread(array->dataset, array->type, to, from, H5P_DEFAULT, dst) < 0)
        return fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot read array %s", array->reader->path,
                            info->path);
    *delivered = (size_t)bytes;
    return 0;
}

int fb_hdf5_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                       void *dst, size_t capacity, size_t *delivered, struct fb_error *err)
{
    struct fb_trace *trace = array->reader->trace;
    if (!trace)
        return read_slab(array, start, count, dst, capacity, delivered, err);
    fb_trace_enter(trace, FB_PART_LIBRARY);
    int rc = read_slab(array, start, count, dst, capacity, delivered, err);
    fb_trace_leave(trace);
    if (rc == 0)
        fb_hdf5_trace_read(array, start, count, *delivered);
    return rc;
}

void fb_hdf5_array_close(struct fb_array *array)
{
    if (!array)
        return;
    struct fb_trace *trace = array->reader->trace;
    fb_trace_enter(trace, FB_PART_LOOKUP);
    fb_hdf5_release(array->memory);
    fb_hdf5_release(array->space);
    fb_hdf5_release(array->own_type);
    fb_hdf5_release(array->dataset);
    fb_trace_leave(trace);
    fb_hdf5_release(array->scouted);
    free(array->info.path);
    free(array);
}
