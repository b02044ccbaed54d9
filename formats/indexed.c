#include "formats/indexed.h"
#include "formats/slab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct fb_array {
    struct fb_reader *reader;
    const struct fb_array_info *info;
    uint64_t offset;
};

static int load(struct fb_reader *reader, struct fb_error *err)
{
    /* Fresh memory on purpose: that is what loading a file into objects costs. */
    unsigned char *data = malloc(reader->bytes);
    size_t done = 0;
    if (!data)
        return fb_fail_memory(err, reader->path);
    while (done < reader->bytes) {
        ssize_t n = read(reader->fd, data + done, reader->bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(data);
            return n < 0
                       ? fb_fail_errno(err, "cannot read %s", reader->path)
                       : fb_fail(err, FB_EIO, "%s became shorter while it was read", reader->path);
        }
        done += (size_t)n;
    }
    reader->base = data;
    return 0;
}

static int map(struct fb_reader *reader, struct fb_error *err)
{
    void *data = mmap(NULL, reader->bytes, PROT_READ, MAP_SHARED, reader->fd, 0);
    if (data == MAP_FAILED)
        return fb_fail_errno(err, "cannot map %s", reader->path);
    /* An index between gigabytes of array data: read-ahead would fetch the data too. */
    if (reader->access == FB_STREAMED)
        madvise(data, reader->bytes, MADV_RANDOM);
    reader->base = data;
    return 0;
}

static int open_file(struct fb_reader *reader, struct fb_error *err)
{
    struct stat st;
    reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0 || fstat(reader->fd, &st) < 0)
        return fb_fail_errno(err, "cannot open %s", reader->path);
    if (!S_ISREG(st.st_mode))
        return fb_fail(err, FB_EIO, "cannot open %s: not a regular file", reader->path);
    if (st.st_size == 0)
        return fb_fail(err, FB_EFORMAT, "%s is empty", reader->path);
    reader->bytes = (size_t)st.st_size;
    return reader->access == FB_LOADED ? load(reader, err) : map(reader, err);
}

int fb_indexed_open(const char *path, enum fb_access access, fb_index_function index,
                    struct fb_reader **out, struct fb_error *err)
{
    struct fb_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return fb_fail_memory(err, path);
    reader->access = access;
    reader->fd = -1;
    reader->path = strdup(path);
    int rc = reader->path ? open_file(reader, err) : fb_fail_memory(err, path);
    if (rc == 0 && access != FB_STREAMED) {
        close(reader->fd);
        reader->fd = -1;
    }
    if (rc == 0)
        rc = index(reader, err);
    if (rc) {
        fb_indexed_close(reader);
        return rc;
    }
    *out = reader;
    return 0;
}

void fb_indexed_close(struct fb_reader *reader)
{
    if (!reader)
        return;
    if (reader->base && reader->access == FB_LOADED)
        free((void *)reader->base);
    else if (reader->base)
        munmap((void *)reader->base, reader->bytes);
    if (reader->fd >= 0)
        close(reader->fd);
    fb_catalog_free(&reader->catalog);
    free(reader->offsets);
    free(reader->path);
    free(reader);
}

int fb_indexed_catalog(struct fb_reader *reader, struct fb_catalog *out, struct fb_error *err)
{
    return fb_catalog_copy(&reader->catalog, out, err);
}

int fb_indexed_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                          struct fb_error *err)
{
    const struct fb_array_info *info = fb_catalog_find(&reader->catalog, path);
    if (!info)
        return fb_fail(err, FB_EFORMAT, "%s has no array %s", reader->path, path);
    struct fb_array *array = malloc(sizeof *array);
    if (!array)
        return fb_fail_memory(err, path);
    *array = (struct fb_array){ reader, info, reader->offsets[info - reader->catalog.arrays] };
    *out = array;
    return 0;
}

static int read_at(struct fb_reader *reader, uint64_t offset, void *dst, size_t bytes,
                   struct fb_error *err)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = pread(reader->fd, (char *)dst + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fb_fail_errno(err, "cannot read %s", reader->path);
        if (n == 0)
            return fb_fail(err, FB_EIO, "%s became shorter while it was read", reader->path);
        done += (size_t)n;
    }
    return 0;
}

int fb_indexed_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                          void *dst, size_t capacity, size_t *delivered, struct fb_error *err)
{
    struct fb_reader *reader = array->reader;
    int rc = fb_slab_admit(array->info, start, count, capacity, delivered, err);
    if (rc)
        return rc;
    if (reader->access != FB_STREAMED) {
        fb_slab_copy(array->info, start, count, reader->base + array->offset, dst);
        return 0;
    }
    struct fb_slab_walk walk;
    uint64_t offset;
    char *to = dst;
    fb_slab_begin(&walk, array->info, start, count);
    while (rc == 0 && fb_slab_next(&walk, &offset)) {
        rc = read_at(reader, array->offset + offset, to, (size_t)walk.run_bytes, err);
        to += walk.run_bytes;
    }
    return rc;
}

void fb_indexed_array_close(struct fb_array *array)
{
    free(array);
}

int fb_indexed_array_resident(struct fb_array *array, const void **data, size_t *bytes,
                              struct fb_error *err)
{
    (void)err;
    *data = array->reader->base + array->offset;
    *bytes = (size_t)array->info->bytes;
    return 0;
}

int fb_indexed_storage(struct fb_array *array, struct fb_storage *out, struct fb_error *err)
{
    (void)err;
    strcpy(out->layout, "contiguous");
    out->stored_bytes = array->info->bytes;
    return 0;
}

struct visitor {
    const struct fb_array *array;
    int (*visit)(void *context, const struct fb_extent *extent, struct fb_error *err);
    void *context;
};

static int visit_stretch(void *context, uint64_t offset, uint64_t bytes, struct fb_error *err)
{
    const struct visitor *visitor = context;
    struct fb_extent extent = { visitor->array->offset + offset, bytes, bytes, false };
    return visitor->visit(visitor->context, &extent, err);
}

int fb_indexed_extents(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                       int (*visit)(void *context, const struct fb_extent *extent,
                                    struct fb_error *err),
                       void *context, struct fb_error *err)
{
    struct visitor visitor = { array, visit, context };
    int rc = fb_slab_check(array->info, start, count, err);
    if (rc)
        return fb_fail_in(err, "%s", array->reader->path);
    return fb_slab_pieces(array->info, start, count, visit_stretch, &visitor, err);
}
