#include "datasets/source.h"
#include "base/interrupt.h"

#include <stdlib.h>
#include <string.h>

int fb_source_read(struct fb_source *source, size_t array, const uint64_t *start,
                   const uint64_t *count, void *dst, size_t capacity, struct fb_error *err)
{
    const struct fb_array_info *info = &fb_source_catalog(source)->arrays[array];
    if (fb_interrupted())
        return fb_fail(err, FB_EINTERRUPTED, "interrupted");
    int rc = fb_slab_check(info, start, count, err);
    if (rc)
        return rc;
    uint64_t bytes = fb_slab_bytes(info, count);
    if (bytes > capacity)
        return fb_fail(err, FB_EUSAGE, "array %s: the buffer of %zu bytes is too small", info->path,
                       capacity);
    return bytes ? source->ops->read(source, array, start, count, dst, err) : 0;
}

const struct fb_catalog *fb_source_catalog(const struct fb_source *source)
{
    return source->ops->catalog(source);
}

void fb_source_close(struct fb_source *source)
{
    if (source)
        source->ops->close(source);
}

int fb_source_stream(struct fb_source *source, size_t array, size_t limit,
                     int (*visit)(void *context, const uint64_t *start, const uint64_t *count,
                                  const void *data, size_t bytes, struct fb_error *err),
                     void *context, struct fb_error *err)
{
    const struct fb_array_info *info = &fb_source_catalog(source)->arrays[array];
    if (info->bytes == 0)
        return 0;
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    uint64_t rows = info->rank ? info->dims[0] : 1;
    uint64_t row_bytes = info->bytes / rows;
    uint64_t step = limit / row_bytes;
    if (step == 0)
        step = 1;
    if (step > rows)
        step = rows;
    void *buffer = malloc((size_t)(step * row_bytes));
    if (!buffer)
        return fb_fail_memory(err, info->path);
    memcpy(count, info->dims, sizeof count);
    int rc = 0;
    for (uint64_t row = 0; rc == 0 && row < rows; row += step) {
        uint64_t n = rows - row < step ? rows - row : step;
        start[0] = row;
        if (info->rank)
            count[0] = n;
        size_t bytes = (size_t)(n * row_bytes);
        rc = fb_source_read(source, array, start, count, buffer, bytes, err);
        if (rc == 0)
            rc = visit(context, start, count, buffer, bytes, err);
    }
    free(buffer);
    return rc;
}

/* --- crop and select -------------------------------------------------------------------------- */

struct crop_source {
    struct fb_source base;
    struct fb_source *inner;
    struct fb_catalog catalog;
    size_t *inner_index;             /* by our array number */
    uint64_t (*offset)[FB_MAX_RANK]; /* of our first element in the inner array */
};

static const struct fb_catalog *crop_catalog(const struct fb_source *source)
{
    return &((const struct crop_source *)source)->catalog;
}

static int crop_read(struct fb_source *source, size_t array, const uint64_t *start,
                     const uint64_t *count, void *dst, struct fb_error *err)
{
    struct crop_source *self = (struct crop_source *)source;
    uint64_t first[FB_MAX_RANK] = { 0 };
    for (unsigned k = 0; k < self->catalog.arrays[array].rank; k++)
        first[k] = start[k] + self->offset[array][k];
    return self->inner->ops->read(self->inner, self->inner_index[array], first, count, dst, err);
}

static void crop_close(struct fb_source *source)
{
    struct crop_source *self = (struct crop_source *)source;
    fb_source_close(self->inner);
    fb_catalog_free(&self->catalog);
    free(self->inner_index);
    free(self->offset);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops crop_ops = { crop_catalog, crop_read, crop_close };

static int crop_array(struct crop_source *self, size_t i,
                      bool (*crop)(void *context, size_t array, uint64_t *start, uint64_t *count),
                      void *context, struct fb_error *err)
{
    const struct fb_catalog *from = fb_source_catalog(self->inner);
    const struct fb_array_info *a = &from->arrays[i];
    const struct fb_sample_info *s = &from->samples[a->sample];
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    memcpy(count, a->dims, sizeof count);
    if (!crop(context, i, start, count))
        return 0;
    int rc = fb_slab_check(a, start, count, err);
    /* Arrays come in catalog order, and so ours keep their places in finish(). */
    self->inner_index[self->catalog.array_count] = i;
    memcpy(self->offset[self->catalog.array_count], start, sizeof start);
    return rc ? rc
              : fb_catalog_add(&self->catalog, s->path, s->name, a->path, a->dtype, a->rank, count,
                               err);
}

int fb_source_crop(struct fb_source *inner,
                   bool (*crop)(void *context, size_t array, uint64_t *start, uint64_t *count),
                   void *context, struct fb_source **out, struct fb_error *err)
{
    const struct fb_catalog *from = fb_source_catalog(inner);
    struct crop_source *self = calloc(1, sizeof *self);
    int rc = 0;
    if (!self) {
        fb_source_close(inner);
        return fb_fail_memory(err, "a source");
    }
    self->base.ops = &crop_ops;
    self->inner = inner;
    self->base.name = strdup(inner->name);
    self->inner_index = calloc(from->array_count + 1, sizeof *self->inner_index);
    self->offset = calloc(from->array_count + 1, sizeof *self->offset);
    if (!self->base.name || !self->inner_index || !self->offset)
        rc = fb_fail_memory(err, "a source");
    for (size_t i = 0; rc == 0 && i < from->array_count; i++)
        rc = crop_array(self, i, crop, context, err);
    for (size_t i = 0; rc == 0 && i < from->skipped_count; i++)
        rc = fb_catalog_skip(&self->catalog, from->skipped[i].path, from->skipped[i].reason, err);
    if (rc == 0)
        rc = fb_catalog_finish(&self->catalog, err);
    if (rc) {
        crop_close(&self->base);
        return rc;
    }
    *out = &self->base;
    return 0;
}

struct selection {
    bool (*keep)(void *context, size_t array);
    void *context;
};

static bool crop_nothing(void *context, size_t array, uint64_t *start, uint64_t *count)
{
    const struct selection *selection = context;
    (void)start;
    (void)count;
    return selection->keep(selection->context, array);
}

int fb_source_select(struct fb_source *inner, bool (*keep)(void *context, size_t array),
                     void *context, struct fb_source **out, struct fb_error *err)
{
    struct selection selection = { keep, context };
    return fb_source_crop(inner, crop_nothing, &selection, out, err);
}

/* --- narrow ----------------------------------------------------------------------------------- */

struct narrow_source {
    struct fb_source base;
    struct fb_source *inner;
    bool owns_inner;
    struct fb_catalog catalog;
};

static const struct fb_dtype wide = { FB_FLOAT, 8 }, narrow = { FB_FLOAT, 4 };

static const struct fb_catalog *narrow_catalog(const struct fb_source *source)
{
    return &((const struct narrow_source *)source)->catalog;
}

static int narrow_read(struct fb_source *source, size_t array, const uint64_t *start,
                       const uint64_t *count, void *dst, struct fb_error *err)
{
    struct narrow_source *self = (struct narrow_source *)source;
    const struct fb_array_info *inner = &fb_source_catalog(self->inner)->arrays[array];
    if (!fb_dtype_equal(inner->dtype, wide))
        return self->inner->ops->read(self->inner, array, start, count, dst, err);
    size_t bytes = (size_t)fb_slab_bytes(inner, count);
    double *values = malloc(bytes);
    if (!values)
        return fb_fail_memory(err, inner->path);
    int rc = self->inner->ops->read(self->inner, array, start, count, values, err);
    float *narrowed = dst;
    for (size_t i = 0; rc == 0 && i < bytes / sizeof *values; i++)
        narrowed[i] = (float)values[i];
    free(values);
    return rc;
}

static void narrow_close(struct fb_source *source)
{
    struct narrow_source *self = (struct narrow_source *)source;
    if (self->owns_inner)
        fb_source_close(self->inner);
    fb_catalog_free(&self->catalog);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops narrow_ops = { narrow_catalog, narrow_read, narrow_close };

int fb_source_narrow(struct fb_source *inner, struct fb_source **out, struct fb_error *err)
{
    struct narrow_source *self = calloc(1, sizeof *self);
    if (!self)
        return fb_fail_memory(err, "a source");
    self->base.ops = &narrow_ops;
    self->inner = inner;
    self->base.name = strdup(inner->name);
    int rc = self->base.name ? fb_catalog_copy(fb_source_catalog(inner), &self->catalog, err)
                             : fb_fail_memory(err, "a source");
    for (size_t i = 0; rc == 0 && i < self->catalog.array_count; i++) {
        struct fb_array_info *array = &self->catalog.arrays[i];
        if (fb_dtype_equal(array->dtype, wide)) {
            array->dtype = narrow;
            array->bytes /= 2;
        }
    }
    if (rc) {
        narrow_close(&self->base);
        return rc;
    }
    *out = &self->base;
    return 0;
}

int fb_source_narrow_own(struct fb_source **source, struct fb_error *err)
{
    struct fb_source *inner = *source;
    int rc = fb_source_narrow(inner, source, err);
    if (rc)
        fb_source_close(inner);
    else
        ((struct narrow_source *)*source)->owns_inner = true;
    return rc;
}
