#include "bench/receive.h"
#include "bench/delivery.h"

#include <stdlib.h>
#include <string.h>

struct receive_source {
    struct fb_source base;
    struct fb_catalog catalog;
    int fd;
    size_t next_array; /* frames up to this one have been begun */
    uint64_t left;     /* bytes of the array before it that have not come yet */
};

static const struct fb_catalog *receive_catalog(const struct fb_source *source)
{
    return &((const struct receive_source *)source)->catalog;
}

/* Takes the length in front of the arrays up to `array`; empty arrays are never asked for, but
 * their frames are there. */
static int begin_array(struct receive_source *self, size_t array, struct fb_error *err)
{
    while (self->next_array <= array) {
        unsigned char length[8];
        uint64_t bytes = 0;
        int rc = fb_read_all(self->fd, length, sizeof length, "array bytes", err);
        if (rc)
            return rc;
        for (int i = 0; i < 8; i++)
            bytes |= (uint64_t)length[i] << (8 * i);
        if (self->next_array < array && bytes > 0)
            return fb_fail(err, FB_EUNSUPPORTED,
                           "array %s was passed over: create reads arrays in "
                           "catalog order",
                           self->catalog.arrays[self->next_array].path);
        if (self->left != 0 || bytes != self->catalog.arrays[self->next_array].bytes)
            return fb_fail(err, FB_EFORMAT, "the runner sent %llu bytes for array %s",
                           (unsigned long long)bytes, self->catalog.arrays[self->next_array].path);
        self->left = bytes;
        self->next_array++;
    }
    return 0;
}

static int receive_read(struct fb_source *source, size_t array, const uint64_t *start,
                        const uint64_t *count, void *dst, struct fb_error *err)
{
    struct receive_source *self = (struct receive_source *)source;
    const struct fb_array_info *info = &self->catalog.arrays[array];
    uint64_t bytes = fb_slab_bytes(info, count);
    int rc = begin_array(self, array, err);
    if (rc)
        return rc;
    uint64_t row = info->rank ? info->bytes / info->dims[0] : info->bytes;
    uint64_t at = info->bytes - self->left;
    if (array + 1 != self->next_array || bytes > self->left ||
        (info->rank && (start[0] * row != at || bytes != count[0] * row)))
        return fb_fail(err, FB_EUNSUPPORTED,
                       "array %s: a create job delivers arrays once, in order and in whole rows",
                       info->path);
    self->left -= bytes;
    return fb_read_all(self->fd, dst, (size_t)bytes, "array bytes", err);
}

static void receive_close(struct fb_source *source)
{
    struct receive_source *self = (struct receive_source *)source;
    fb_catalog_free(&self->catalog);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops receive_ops = { receive_catalog, receive_read, receive_close };

int fb_receive_open(const struct fb_plan *plan, int fd, struct fb_source **out,
                    struct fb_error *err)
{
    struct receive_source *self = calloc(1, sizeof *self);
    if (!self)
        return fb_fail_memory(err, "a source");
    self->base.ops = &receive_ops;
    self->base.name = strdup("the runner");
    self->fd = fd;
    int rc = self->base.name ? 0 : fb_fail_memory(err, "a source");
    for (size_t i = 0; rc == 0 && i < plan->count; i++) {
        const struct fb_request *request = &plan->requests[i];
        if (request->op != FB_OP_WRITE)
            rc = fb_fail(err, FB_EFORMAT, "a create job's plan has a read in it");
        else
            rc = fb_catalog_add(&self->catalog, request->sample, request->name, request->array,
                                request->dtype, request->rank, request->count, err);
    }
    if (rc == 0)
        rc = fb_catalog_finish(&self->catalog, err);
    if (rc) {
        receive_close(&self->base);
        return rc;
    }
    *out = &self->base;
    return 0;
}
