/* A small source for tests: arrays of many types and ranks whose bytes are a known pattern. */
#ifndef FB_TESTS_PATTERN_SOURCE_H
#define FB_TESTS_PATTERN_SOURCE_H

#include "datasets/source.h"
#include "formats/slab.h"

#include <stdlib.h>
#include <string.h>

struct pattern_source {
    struct fb_source base;
    struct fb_catalog catalog;
    unsigned fail_after; /* reads that succeed; UINT_MAX for all */
};

/* The bytes of a whole array; float64 values are numbers, so that narrowing means something. */
static inline unsigned char *pattern_bytes(const struct fb_array_info *info)
{
    unsigned char *bytes = malloc((size_t)info->bytes + 1);
    unsigned salt = (unsigned)strlen(info->path) * 7u;
    for (size_t i = 0; i < info->bytes; i++)
        bytes[i] = (unsigned char)(i * 31u + i / 251u + salt);
    for (size_t i = 0; info->dtype.kind == FB_FLOAT && info->dtype.size == 8 && i < info->bytes / 8;
         i++) {
        double value = (double)(i + salt) * 0.1;
        memcpy(bytes + 8 * i, &value, 8);
    }
    for (size_t i = 0; info->dtype.kind == FB_BOOL && i < info->bytes; i++)
        bytes[i] &= 1;
    return bytes;
}

static inline const struct fb_catalog *pattern_catalog(const struct fb_source *source)
{
    return &((const struct pattern_source *)source)->catalog;
}

static inline int pattern_read(struct fb_source *source, size_t array, const uint64_t *start,
                               const uint64_t *count, void *dst, struct fb_error *err)
{
    struct pattern_source *self = (struct pattern_source *)source;
    if (self->fail_after == 0)
        return fb_fail(err, FB_EIO, "the test source fails here");
    self->fail_after -= self->fail_after != (unsigned)-1;
    const struct fb_array_info *info = &self->catalog.arrays[array];
    unsigned char *bytes = pattern_bytes(info);
    fb_slab_copy(info, start, count, bytes, dst);
    free(bytes);
    return 0;
}

static inline void pattern_close(struct fb_source *source)
{
    struct pattern_source *self = (struct pattern_source *)source;
    fb_catalog_free(&self->catalog);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops pattern_ops = { pattern_catalog, pattern_read, pattern_close };

static inline void pattern_add(struct pattern_source *self, const char *sample, const char *name,
                               const char *path, const char *type, unsigned rank,
                               const uint64_t *dims)
{
    struct fb_dtype dtype;
    struct fb_error err;
    if (!fb_dtype_parse(type, &dtype) ||
        fb_catalog_add(&self->catalog, sample, name, path, dtype, rank, dims, &err) != 0)
        abort();
}

/* Empty; add arrays, then fb_catalog_finish. */
static inline struct pattern_source *pattern_new(void)
{
    struct pattern_source *self = calloc(1, sizeof *self);
    self->base.ops = &pattern_ops;
    self->base.name = strdup("pattern:");
    self->fail_after = (unsigned)-1;
    return self;
}

/* Two samples in the NoXiRe shape, a foreign group and the root, with one array of each kind. */
static inline struct pattern_source *pattern_many(void)
{
    struct pattern_source *self = pattern_new();
    struct fb_error err;
#define DIMS(...) (const uint64_t[]){ __VA_ARGS__ }
    pattern_add(self, "sample_000", "one", "sample_000/expert/face", "float32", 3, DIMS(5, 68, 2));
    pattern_add(self, "sample_000", "one", "sample_000/novice/aus", "float64", 2, DIMS(4, 17));
    pattern_add(self, "sample_001", "t\xc3\xa4o", "sample_001/expert/face", "float32", 3,
                DIMS(7, 68, 2));
    pattern_add(self, "g/7", NULL, "g/7/bytes", "int8", 1, DIMS(7));
    pattern_add(self, "g/7", NULL, "g/7/data", "uint16", 4, DIMS(3, 4, 5, 6));
    pattern_add(self, "g/07", NULL, "g/07/empty", "int32", 2, DIMS(0, 3));
    pattern_add(self, "g/07", NULL, "g/07/deep/er/flags", "bool", 1, DIMS(9));
    pattern_add(self, "g/07", NULL, "g/07/deep/half", "float16", 2, DIMS(2, 3));
    pattern_add(self, "", "", "scalar", "uint64", 0, DIMS(0));
    pattern_add(self, "", "", "records", "V12", 1, DIMS(1000));
    pattern_add(self, "", "", "long", "float64", 2, DIMS(3000, 100));
#undef DIMS
    if (fb_catalog_finish(&self->catalog, &err) != 0)
        abort();
    return self;
}

#endif
