#include "bench/reference.h"
#include "bench/catalog_text.h"
#include "bench/mean.h"
#include "bench/sample.h"

#include <stdlib.h>
#include <string.h>

/* --- hashes of a plan ------------------------------------------------------------------------- */

static int hash_search(struct fb_request *request, const struct fb_catalog *catalog,
                       struct fb_hash *hash, struct fb_error *err)
{
    struct fb_query query = fb_request_query(request);
    struct fb_matches matches = { 0 };
    int rc = fb_catalog_query(catalog, &query, &matches, err);
    request->bytes = matches.length;
    if (rc == 0)
        fb_hash_bytes(matches.text ? matches.text : "", matches.length, hash);
    free(matches.text);
    return rc;
}

static int hash_catalog(struct fb_request *request, const struct fb_catalog *catalog,
                        struct fb_hash *hash, struct fb_error *err)
{
    char *text;
    size_t length;
    int rc = fb_catalog_text(catalog, &text, &length, err);
    if (rc)
        return rc;
    request->bytes = length;
    fb_hash_bytes(text, length, hash);
    free(text);
    return 0;
}

static int hash_mean(const struct fb_request *request, const void *rows, struct fb_hash *hash,
                     struct fb_error *err)
{
    double *means = malloc((size_t)request->bytes + 1);
    if (!means)
        return fb_fail_memory(err, request->array);
    fb_mean_rows(request->dtype, rows, request->count[0], request->bytes / sizeof *means, means);
    fb_hash_bytes(means, (size_t)request->bytes, hash);
    free(means);
    return 0;
}

static int hash_slab(const struct fb_request *request, struct fb_source *source,
                     struct fb_hash *hash, struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(source);
    const struct fb_array_info *array = fb_catalog_find(catalog, request->array);
    if (!array)
        return fb_fail(err, FB_EFORMAT, "the source has no array %s", request->array);
    size_t bytes = (size_t)fb_request_slab_bytes(request);
    bool sample = request->op == FB_OP_SAMPLE;
    void *data = malloc((sample ? (size_t)request->bytes : bytes) + 1);
    if (!data)
        return fb_fail_memory(err, request->array);
    int rc = fb_source_read(source, (size_t)(array - catalog->arrays), request->start,
                            request->count, data, bytes, err);
    if (rc == 0 && sample)
        fb_sample_pad(request, data);
    if (rc == 0 && request->op == FB_OP_MEAN)
        rc = hash_mean(request, data, hash, err);
    else if (rc == 0)
        fb_hash_bytes(data, sample ? (size_t)request->bytes : bytes, hash);
    free(data);
    return rc;
}

static int hash_request(struct fb_request *request, struct fb_source *source,
                        const struct fb_catalog *searched, struct fb_hash *hash,
                        struct fb_error *err)
{
    if (fb_request_is_search(request))
        return hash_search(request, searched, hash, err);
    if (request->op == FB_OP_CATALOG)
        return hash_catalog(request, searched, hash, err);
    return hash_slab(request, source, hash, err);
}

static int compare_requests(const void *a, const void *b, void *context)
{
    const struct fb_request *requests = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = fb_natural_compare(requests[x].array, requests[y].array);
    return order ? order : (x < y ? -1 : x > y);
}

int fb_reference_hash(struct fb_plan *plan, struct fb_source *source,
                      const struct fb_catalog *searched, struct fb_hash *hashes,
                      struct fb_error *err)
{
    size_t *order = calloc(plan->count + 1, sizeof *order);
    if (!order)
        return fb_fail_memory(err, "a plan");
    for (size_t i = 0; i < plan->count; i++)
        order[i] = i;
    /* Array by array, which is how a generator or an importer delivers fast. */
    if (plan->count)
        qsort_r(order, plan->count, sizeof *order, compare_requests, plan->requests);
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < plan->count; k++) {
        struct fb_request *request = &plan->requests[order[k]];
        rc = hash_request(request, source, searched, &hashes[order[k]], err);
        if (rc == FB_EFORMAT || rc == FB_EIO) {
            hashes[order[k]].hex[0] = '\0';
            rc = 0;
        }
    }
    free(order);
    return rc;
}

/* --- files that exist ------------------------------------------------------------------------- */

#define UNKNOWN SIZE_MAX

struct checked_source {
    struct fb_source base;
    struct fb_catalog catalog;
    struct fb_hash *hashes;
    struct fb_source **candidates;
    size_t count;
    size_t *chosen; /* candidate by array, UNKNOWN before the first read */
};

static const struct fb_catalog *checked_catalog(const struct fb_source *source)
{
    return &((const struct checked_source *)source)->catalog;
}

static bool delivers(struct fb_source *candidate, const struct fb_array_info *wanted,
                     const struct fb_hash *hash)
{
    const struct fb_catalog *catalog = fb_source_catalog(candidate);
    const struct fb_array_info *array = fb_catalog_find(catalog, wanted->path);
    struct fb_error ignored;
    struct fb_hash found;
    if (!array || array->rank != wanted->rank || !fb_dtype_equal(array->dtype, wanted->dtype) ||
        memcmp(array->dims, wanted->dims, array->rank * sizeof *array->dims) != 0)
        return false;
    return fb_hash_array(candidate, (size_t)(array - catalog->arrays), &found, &ignored) == 0 &&
           strcmp(found.hex, hash->hex) == 0;
}

static int checked_read(struct fb_source *source, size_t array, const uint64_t *start,
                        const uint64_t *count, void *dst, struct fb_error *err)
{
    struct checked_source *self = (struct checked_source *)source;
    const struct fb_array_info *info = &self->catalog.arrays[array];
    for (size_t i = 0; self->chosen[array] == UNKNOWN && i < self->count; i++)
        if (delivers(self->candidates[i], info, &self->hashes[array]))
            self->chosen[array] = i;
    if (self->chosen[array] == UNKNOWN)
        return fb_fail(err, FB_EFORMAT,
                       "array %s: neither the source nor any file delivers what the manifests say; "
                       "make the files again",
                       info->path);
    struct fb_source *from = self->candidates[self->chosen[array]];
    const struct fb_catalog *catalog = fb_source_catalog(from);
    size_t index = (size_t)(fb_catalog_find(catalog, info->path) - catalog->arrays);
    return fb_source_read(from, index, start, count, dst, (size_t)fb_slab_bytes(info, count), err);
}

static void checked_close(struct fb_source *source)
{
    struct checked_source *self = (struct checked_source *)source;
    for (size_t i = 0; i < self->count; i++)
        fb_source_close(self->candidates[i]);
    fb_catalog_free(&self->catalog);
    free(self->candidates);
    free(self->hashes);
    free(self->chosen);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops checked_ops = { checked_catalog, checked_read, checked_close };

int fb_reference_open(const struct fb_manifest *manifest, struct fb_source **candidates,
                      size_t count, struct fb_source **out, struct fb_error *err)
{
    struct checked_source *self = calloc(1, sizeof *self);
    size_t arrays = manifest->catalog.array_count;
    if (!self)
        return fb_fail_memory(err, "a source");
    self->base.ops = &checked_ops;
    self->base.name = strdup(manifest->source);
    self->hashes = calloc(arrays + 1, sizeof *self->hashes);
    self->chosen = calloc(arrays + 1, sizeof *self->chosen);
    self->candidates = calloc(count + 1, sizeof(struct fb_source *));
    int rc = fb_catalog_copy(&manifest->catalog, &self->catalog, err);
    if (rc == 0 && (!self->base.name || !self->hashes || !self->chosen || !self->candidates))
        rc = fb_fail_memory(err, "a source");
    if (rc) {
        checked_close(&self->base);
        return rc;
    }
    memcpy(self->hashes, manifest->hashes, arrays * sizeof *self->hashes);
    memcpy(self->candidates, candidates, count * sizeof(struct fb_source *));
    for (size_t i = 0; i < arrays; i++)
        self->chosen[i] = UNKNOWN;
    self->count = count;
    *out = &self->base;
    return 0;
}
