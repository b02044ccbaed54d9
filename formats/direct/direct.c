/* Opening, closing, and what goes to H5Dread. */
#include "formats/direct/internal.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MOST 256

int fb_direct_fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (why)
        vsnprintf(why, FB_DIRECT_WHY, format, args);
    va_end(args);
    return -1;
}

static int fail_hdf5(char *why, const char *what)
{
    char reason[FB_DIRECT_REASON];
    fb_direct_reason(reason, sizeof reason);
    return fb_direct_fail(why, "%s: %.400s", what, reason);
}

static unsigned own_processors(void)
{
    cpu_set_t set;
    long count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                             : sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

static const struct fb_direct_limits usual = {
    .scout_bytes = (uint64_t)1 << 20,
    .scout_sum = (uint64_t)2 << 20,
    .scout_chunks = 8,
    .shared_bytes = (uint64_t)32 << 10,
    .shared_chunks = 4,
};

/* --- files ------------------------------------------------------------------------------------ */

int fb_direct_attach(hid_t id, const char *path, unsigned threads, struct fb_direct_file **out,
                     char *why)
{
    struct fb_direct_file *file = calloc(1, sizeof *file);
    if (!file)
        return fb_direct_fail(why, "out of memory");
    file->file = id;
    file->descriptor = -1;
    file->limits = usual;
    file->threads = threads ? threads : own_processors();
    if (file->threads > THREADS_MOST)
        file->threads = THREADS_MOST;
    file->path = strdup(path);
    if (!file->path || pthread_mutex_init(&file->lock, NULL)) {
        free(file->path);
        free(file);
        return fb_direct_fail(why, "out of memory");
    }
    if (fb_direct_pool_begin(&file->pool, file->threads - 1)) {
        pthread_mutex_destroy(&file->lock);
        free(file->path);
        free(file);
        return fb_direct_fail(why, "out of memory");
    }
    fb_direct_ahead_begin(&file->ahead);
    *out = file;
    return 0;
}

/* By the scout's driver, so that its arrays need not be opened again for the scout. Where that is
 * not to be had, by the library's own, which also says why a file does not open. */
int fb_direct_open(const char *path, unsigned threads, struct fb_direct_file **out, char *why)
{
    struct fb_direct_quiet quiet;
    char reason[FB_DIRECT_REASON];
    int rc = 0;
    if (H5open() < 0)
        return fb_direct_fail(why, "the HDF5 library does not start");
    fb_direct_quiet_begin(&quiet);
    struct fb_direct_scout *scout =
        fb_direct_process_writes() ? NULL : fb_direct_scout_open(path, reason);
    hid_t id = scout ? fb_direct_scout_file(scout) : H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (id < 0)
        rc = fail_hdf5(why, "the file does not open as HDF5");
    else if ((rc = fb_direct_attach(id, path, threads, out, why)) == 0) {
        (*out)->scout = scout;
        (*out)->owned = !scout;
    } else if (scout) {
        fb_direct_scout_close(scout);
    } else {
        fb_direct_release(id);
    }
    fb_direct_quiet_end(&quiet);
    return rc;
}

void fb_direct_close(struct fb_direct_file *file)
{
    if (!file)
        return;
    fb_direct_ahead_end(&file->ahead);
    fb_direct_pool_end(&file->pool);
    fb_direct_scout_close(file->scout);
    if (file->descriptor >= 0)
        close(file->descriptor);
    if (file->owned)
        fb_direct_release(file->file);
    pthread_mutex_destroy(&file->lock);
    free(file->path);
    free(file);
}

hid_t fb_direct_file_id(const struct fb_direct_file *file)
{
    return file->scout ? fb_direct_scout_file(file->scout) : file->file;
}

/* --- arrays ----------------------------------------------------------------------------------- */

int fb_direct_array_attach(struct fb_direct_file *file, hid_t dataset, hid_t memory,
                           struct fb_direct_array **out, char *why)
{
    struct fb_direct_array *array = calloc(1, sizeof *array);
    if (!array || pthread_mutex_init(&array->cache_lock, NULL)) {
        free(array);
        return fb_direct_fail(why, "out of memory");
    }
    array->file = file;
    array->dataset = dataset;
    array->memory = memory;
    array->own_memory = array->scouted = -1;
    array->serial = ++file->serial;
    *out = array;
    return 0;
}

int fb_direct_array_open(struct fb_direct_file *file, const char *path,
                         struct fb_direct_array **out, char *why)
{
    struct fb_direct_quiet quiet;
    int rc = 0;
    fb_direct_quiet_begin(&quiet);
    hid_t dataset = H5Dopen2(fb_direct_file_id(file), path, H5P_DEFAULT);
    if (dataset < 0)
        rc = fail_hdf5(why, "the array does not open");
    else if ((rc = fb_direct_array_attach(file, dataset, H5I_INVALID_HID, out, why)) != 0)
        fb_direct_release(dataset);
    else
        (*out)->owned = true;
    fb_direct_quiet_end(&quiet);
    return rc;
}

void fb_direct_array_close(struct fb_direct_array *array)
{
    if (!array)
        return;
    if (array->scouted != array->dataset)
        fb_direct_release(array->scouted);
    fb_direct_release(array->own_memory);
    if (array->owned)
        fb_direct_release(array->dataset);
    fb_direct_cache_end(&array->cache);
    pthread_mutex_destroy(&array->cache_lock);
    free(array->table);
    free(array->fill);
    free(array);
}

hid_t fb_direct_array_id(const struct fb_direct_array *array)
{
    return array->dataset;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int know(struct fb_direct_array *array, char *why)
{
    struct fb_direct_quiet quiet;
    int rc = 0;
    if (atomic_load(&array->kind) != FB_DIRECT_UNSEEN)
        return 0;
    pthread_mutex_lock(&array->file->lock);
    fb_direct_quiet_begin(&quiet);
    if (atomic_load(&array->kind) == FB_DIRECT_UNSEEN)
        rc = fb_direct_look(array, why);
    fb_direct_quiet_end(&quiet);
    pthread_mutex_unlock(&array->file->lock);
    return rc;
}

/* *bytes: of the slab. */
static int admit(const struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                 size_t room, uint64_t *bytes, char *why)
{
    bool none = array->no_data;
    *bytes = array->element;
    for (unsigned i = 0; i < array->rank; i++) {
        if (count[i] > array->dims[i] || start[i] > array->dims[i] - count[i])
            return fb_direct_fail(why, "the slab lies beyond the array: axis %u has %llu elements",
                                  i, (unsigned long long)array->dims[i]);
        none |= count[i] == 0;
    }
    for (unsigned i = 0; !none && i < array->rank; i++)
        if (__builtin_mul_overflow(*bytes, count[i], bytes))
            *bytes = UINT64_MAX;
    if (none)
        *bytes = 0;
    if (*bytes > room)
        return fb_direct_fail(why, "the slab has %llu bytes, and the buffer %llu",
                              (unsigned long long)*bytes, (unsigned long long)room);
    return 0;
}

/* Whatever the array has become by now, HDF5 delivers the slab's elements and no more. */
static int read_selected(struct fb_direct_array *array, const uint64_t *start,
                         const uint64_t *count, void *buffer, char *why)
{
    hsize_t first[FB_DIRECT_RANK], length[FB_DIRECT_RANK];
    bool whole = !array->changes || array->rank == 0;
    hid_t from = H5S_ALL;
    for (unsigned i = 0; i < array->rank; i++) {
        first[i] = start[i];
        length[i] = count[i];
        whole &= count[i] == array->dims[i];
    }
    hid_t to = H5Screate_simple((int)array->rank, length, NULL);
    herr_t read = to < 0 ? -1 : 0;
    if (!whole) {
        from = H5Dget_space(array->dataset);
        if (read >= 0)
            read = H5Sselect_hyperslab(from, H5S_SELECT_SET, first, NULL, length, NULL);
    }
    if (read >= 0)
        read = H5Dread(array->dataset, array->memory, to, from, H5P_DEFAULT, buffer);
    int rc = read < 0 ? fail_hdf5(why, "the array cannot be read") : 0;
    if (!whole)
        fb_direct_release(from);
    fb_direct_release(to);
    return rc;
}

static int hand_over(struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                     void *buffer, char *why)
{
    struct fb_direct_quiet quiet;
    array->handed_over++;
    pthread_mutex_lock(&array->file->lock);
    fb_direct_quiet_begin(&quiet);
    int rc = read_selected(array, start, count, buffer, why);
    fb_direct_quiet_end(&quiet);
    pthread_mutex_unlock(&array->file->lock);
    return rc;
}

/* The same for an array that may have other extents than when it was last read. */
static int read_changing(struct fb_direct_array *array, const uint64_t *start,
                         const uint64_t *count, void *buffer, size_t room, char *why)
{
    struct fb_direct_quiet quiet;
    uint64_t bytes;
    pthread_mutex_lock(&array->file->lock);
    fb_direct_quiet_begin(&quiet);
    int rc = fb_direct_look_at_shape(array, why);
    if (rc == 0)
        rc = admit(array, start, count, room, &bytes, why);
    if (rc == 0 && bytes > 0) {
        array->handed_over++;
        rc = read_selected(array, start, count, buffer, why);
    }
    fb_direct_quiet_end(&quiet);
    pthread_mutex_unlock(&array->file->lock);
    return rc;
}

int fb_direct_read(struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                   void *buffer, size_t bytes, char *why)
{
    uint64_t needed;
    int rc = know(array, why);
    if (rc == 0 && array->changes)
        return read_changing(array, start, count, buffer, bytes, why);
    if (rc == 0)
        rc = admit(array, start, count, bytes, &needed, why);
    if (rc || needed == 0)
        return rc;
    if (atomic_load(&array->kind) == FB_DIRECT_READS &&
        fb_direct_job_run(array, start, count, buffer))
        return 0;
    return hand_over(array, start, count, buffer, why);
}

const char *fb_direct_fallback(struct fb_direct_array *array)
{
    char why[FB_DIRECT_WHY];
    if (know(array, why))
        return "an array that HDF5 cannot describe";
    return atomic_load(&array->kind) == FB_DIRECT_READS ? NULL : array->reason;
}

void fb_direct_array_counts(struct fb_direct_array *array, struct fb_direct_counts *out)
{
    out->decoded = array->decoded;
    out->handed_over = array->handed_over;
}
