#include "datasets/catalog.h"
#include "base/number.h"
#include "base/options.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more element behind `count`; capacity doubles at powers of two. */
static void *grow(void *items, size_t count, size_t size)
{
    if (count & (count - 1))
        return items;
    size_t capacity = count ? count * 2 : 1;
    return reallocarray(items, capacity, size);
}

/* Frees the memory only when realloc moved on; *items stays valid on failure. */
static bool grow_array(void **items, size_t count, size_t size)
{
    void *grown = grow(*items, count, size);
    if (!grown)
        return false;
    *items = grown;
    return true;
}

static int sample_index(struct fb_catalog *catalog, const char *path, const char *name,
                        size_t *index, struct fb_error *err)
{
    /* Arrays of a sample come one after another from every writer, so look at the newest first. */
    for (size_t i = catalog->sample_count; i-- > 0 && catalog->sample_count - i <= 64;) {
        if (strcmp(catalog->samples[i].path, path) == 0) {
            *index = i;
            return 0;
        }
    }
    void *items = catalog->samples;
    if (!grow_array(&items, catalog->sample_count, sizeof *catalog->samples))
        return fb_fail_memory(err, "the catalog");
    catalog->samples = items;
    struct fb_sample_info *sample = &catalog->samples[catalog->sample_count];
    *sample = (struct fb_sample_info){ .path = strdup(path), .name = strdup(name ? name : path) };
    if (!sample->path || !sample->name) {
        free(sample->path);
        free(sample->name);
        return fb_fail_memory(err, "the catalog");
    }
    *index = catalog->sample_count++;
    return 0;
}

static int array_bytes(struct fb_array_info *info, struct fb_error *err)
{
    uint64_t bytes = info->dtype.size;
    bool fits = true, empty = false;
    for (unsigned i = 0; i < info->rank; i++) {
        empty |= info->dims[i] == 0;
        fits = fits && (info->dims[i] == 0 || fb_mul_u64(bytes, info->dims[i], &bytes));
    }
    /* A byte count must fit ptrdiff_t, so that no later size computation can wrap. */
    if (!empty && (!fits || bytes > INT64_MAX))
        return fb_fail(err, FB_EFORMAT, "array %s: its shape has more bytes than can be counted",
                       info->path);
    info->bytes = empty ? 0 : bytes;
    return 0;
}

int fb_catalog_add(struct fb_catalog *catalog, const char *sample_path, const char *sample_name,
                   const char *path, struct fb_dtype dtype, unsigned rank, const uint64_t *dims,
                   struct fb_error *err)
{
    if (!*path)
        return fb_fail(err, FB_EFORMAT, "an array has an empty path");
    if (rank > FB_MAX_RANK)
        return fb_fail(err, FB_EFORMAT, "array %s: rank %u is more than %d", path, rank,
                       FB_MAX_RANK);
    if (!fb_dtype_valid(dtype))
        return fb_fail(err, FB_EFORMAT, "array %s: unknown element type", path);
    struct fb_array_info info = { .path = (char *)path, .dtype = dtype, .rank = rank };
    memcpy(info.dims, dims, rank * sizeof *dims);
    int rc = array_bytes(&info, err);
    if (rc == 0)
        rc = sample_index(catalog, sample_path, sample_name, &info.sample, err);
    if (rc)
        return rc;
    void *items = catalog->arrays;
    info.path = strdup(path);
    if (!info.path || !grow_array(&items, catalog->array_count, sizeof *catalog->arrays)) {
        free(info.path);
        return fb_fail_memory(err, "the catalog");
    }
    catalog->arrays = items;
    catalog->arrays[catalog->array_count++] = info;
    return 0;
}

int fb_catalog_skip(struct fb_catalog *catalog, const char *path, const char *reason,
                    struct fb_error *err)
{
    void *items = catalog->skipped;
    struct fb_skipped skipped = { strdup(path), strdup(reason) };
    if (!skipped.path || !skipped.reason ||
        !grow_array(&items, catalog->skipped_count, sizeof *catalog->skipped)) {
        free(skipped.path);
        free(skipped.reason);
        return fb_fail_memory(err, "the catalog");
    }
    catalog->skipped = items;
    catalog->skipped[catalog->skipped_count++] = skipped;
    return 0;
}

int fb_natural_compare(const char *a, const char *b)
{
    /* "7" and "07" are one number; which of them comes first is settled within their component, so
     * that the members of one group stay together. */
    int tie = 0;
    while (*a && *b) {
        if (*a >= '0' && *a <= '9' && *b >= '0' && *b <= '9') {
            size_t zeros_a = strspn(a, "0"), zeros_b = strspn(b, "0");
            a += zeros_a;
            b += zeros_b;
            size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
            int order = na != nb ? (na < nb ? -1 : 1) : strncmp(a, b, na);
            if (order)
                return order;
            if (tie == 0 && zeros_a != zeros_b)
                tie = zeros_a < zeros_b ? -1 : 1;
            a += na;
            b += nb;
        } else if (*a != *b) {
            /* The end of a component sorts before everything, as the end of the path does. */
            if (*a == '/' || *b == '/')
                return *a == '/' ? -1 : 1;
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            if (*a == '/' && tie)
                return tie;
            a++;
            b++;
        }
    }
    return *a ? 1 : *b ? -1 : tie;
}

static int compare_samples(const void *a, const void *b)
{
    const struct fb_sample_info *x = a, *y = b;
    int order = fb_natural_compare(x->path, y->path);
    return order ? order : (x->first < y->first ? -1 : x->first > y->first);
}

static int compare_arrays(const void *a, const void *b)
{
    const struct fb_array_info *x = a, *y = b;
    if (x->sample != y->sample)
        return x->sample < y->sample ? -1 : 1;
    return fb_natural_compare(x->path, y->path);
}

static int compare_by_path(const void *a, const void *b, void *arrays)
{
    const struct fb_array_info *all = arrays;
    return strcmp(all[*(const size_t *)a].path, all[*(const size_t *)b].path);
}

/* Sorts samples, merges those of one path, and renumbers the arrays' sample indices. */
static int sort_samples(struct fb_catalog *catalog, struct fb_error *err)
{
    size_t n = catalog->sample_count;
    size_t *renumber = calloc(n ? n : 1, sizeof *renumber);
    if (!renumber)
        return fb_fail_memory(err, "the catalog");
    for (size_t i = 0; i < n; i++)
        catalog->samples[i].first = i; /* the old number, until arrays are placed */
    if (n)
        qsort(catalog->samples, n, sizeof *catalog->samples, compare_samples);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct fb_sample_info *sample = &catalog->samples[i];
        if (kept > 0 && strcmp(catalog->samples[kept - 1].path, sample->path) == 0) {
            renumber[sample->first] = kept - 1;
            free(sample->path);
            free(sample->name);
            continue;
        }
        renumber[sample->first] = kept;
        catalog->samples[kept++] = *sample;
    }
    catalog->sample_count = kept;
    for (size_t i = 0; i < catalog->array_count; i++)
        catalog->arrays[i].sample = renumber[catalog->arrays[i].sample];
    free(renumber);
    return 0;
}

int fb_catalog_finish(struct fb_catalog *catalog, struct fb_error *err)
{
    int rc = sort_samples(catalog, err);
    if (rc)
        return rc;
    size_t n = catalog->array_count;
    if (n)
        qsort(catalog->arrays, n, sizeof *catalog->arrays, compare_arrays);
    for (size_t i = 0; i < catalog->sample_count; i++)
        catalog->samples[i].first = catalog->samples[i].count = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        struct fb_sample_info *sample = &catalog->samples[catalog->arrays[i].sample];
        if (sample->count++ == 0)
            sample->first = i;
        if (!fb_add_u64(total, catalog->arrays[i].bytes, &total) || total > INT64_MAX)
            return fb_fail(err, FB_EFORMAT, "the arrays have more bytes than can be counted");
    }
    free(catalog->by_path);
    catalog->by_path = calloc(n ? n : 1, sizeof *catalog->by_path);
    if (!catalog->by_path)
        return fb_fail_memory(err, "the catalog");
    for (size_t i = 0; i < n; i++)
        catalog->by_path[i] = i;
    if (n)
        qsort_r(catalog->by_path, n, sizeof *catalog->by_path, compare_by_path, catalog->arrays);
    for (size_t i = 1; i < n; i++)
        if (compare_by_path(&catalog->by_path[i - 1], &catalog->by_path[i], catalog->arrays) == 0)
            return fb_fail(err, FB_EFORMAT, "two arrays have the path %s",
                           catalog->arrays[catalog->by_path[i]].path);
    return 0;
}

void fb_catalog_free(struct fb_catalog *catalog)
{
    for (size_t i = 0; i < catalog->sample_count; i++) {
        free(catalog->samples[i].path);
        free(catalog->samples[i].name);
    }
    for (size_t i = 0; i < catalog->array_count; i++)
        free(catalog->arrays[i].path);
    for (size_t i = 0; i < catalog->skipped_count; i++) {
        free(catalog->skipped[i].path);
        free(catalog->skipped[i].reason);
    }
    free(catalog->samples);
    free(catalog->arrays);
    free(catalog->skipped);
    free(catalog->by_path);
    free(catalog->description);
    *catalog = (struct fb_catalog){ 0 };
}

int fb_catalog_copy(const struct fb_catalog *from, struct fb_catalog *to, struct fb_error *err)
{
    *to = (struct fb_catalog){ 0 };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < from->array_count; i++) {
        const struct fb_array_info *a = &from->arrays[i];
        const struct fb_sample_info *s = &from->samples[a->sample];
        rc = fb_catalog_add(to, s->path, s->name, a->path, a->dtype, a->rank, a->dims, err);
    }
    for (size_t i = 0; rc == 0 && i < from->skipped_count; i++)
        rc = fb_catalog_skip(to, from->skipped[i].path, from->skipped[i].reason, err);
    if (rc == 0 && from->description && !(to->description = strdup(from->description)))
        rc = fb_fail_memory(err, "the catalog");
    if (rc == 0)
        rc = fb_catalog_finish(to, err);
    if (rc)
        fb_catalog_free(to);
    return rc;
}

const struct fb_array_info *fb_catalog_find(const struct fb_catalog *catalog, const char *path)
{
    path += *path == '/';
    size_t low = 0, high = catalog->array_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fb_array_info *array = &catalog->arrays[catalog->by_path[middle]];
        int order = strcmp(path, array->path);
        if (order == 0)
            return array;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const char *array_path(const void *context, size_t i)
{
    return ((const struct fb_catalog *)context)->arrays[i].path;
}

int fb_catalog_require(const struct fb_catalog *catalog, const char *path,
                       const struct fb_array_info **out, struct fb_error *err)
{
    *out = fb_catalog_find(catalog, path);
    if (*out)
        return 0;
    for (size_t i = 0; i < catalog->skipped_count; i++)
        if (strcmp(catalog->skipped[i].path, path + (*path == '/')) == 0)
            return fb_fail(err, FB_EUNSUPPORTED, "array %s cannot be read: %s", path,
                           catalog->skipped[i].reason);
    if (catalog->array_count == 0)
        return fb_fail(err, FB_EUSAGE, "there is no array '%s': the file has no arrays", path);
    const char *near = fb_nearest(path, array_path, catalog, catalog->array_count);
    return fb_fail(err, FB_EUSAGE, "there is no array '%s'%s%s%s; the %zu arrays are %s%s%s", path,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "",
                   catalog->array_count, catalog->arrays[0].path,
                   catalog->array_count > 1 ? " to " : "",
                   catalog->array_count > 1 ? catalog->arrays[catalog->array_count - 1].path : "");
}

uint64_t fb_catalog_bytes(const struct fb_catalog *catalog)
{
    uint64_t total = 0;
    for (size_t i = 0; i < catalog->array_count; i++)
        total += catalog->arrays[i].bytes;
    return total;
}

bool fb_catalog_is_noxire(const struct fb_catalog *catalog)
{
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        const char *sample = catalog->samples[array->sample].path;
        size_t length = strlen(sample);
        const char *rest = array->path + length;
        if (strncmp(sample, "sample_", 7) != 0 || strspn(sample + 7, "0123456789") != length - 7 ||
            length < 10 || strncmp(array->path, sample, length) != 0)
            return false;
        if (strncmp(rest, "/expert/", 8) != 0 && strncmp(rest, "/novice/", 8) != 0)
            return false;
        if (!rest[8] || strchr(rest + 8, '/'))
            return false;
    }
    return catalog->array_count > 0;
}

bool fb_glob_match(const char *glob, const char *path)
{
    return fnmatch(glob, path, 0) == 0;
}

int fb_slab_check(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                  struct fb_error *err)
{
    for (unsigned i = 0; i < array->rank; i++) {
        uint64_t end;
        if (!fb_add_u64(start[i], count[i], &end) || end > array->dims[i])
            return fb_fail(err, FB_EUSAGE,
                           "array %s: %" PRIu64 " elements from %" PRIu64
                           " do not fit axis %u, which has %" PRIu64,
                           array->path, count[i], start[i], i, array->dims[i]);
    }
    return 0;
}

uint64_t fb_slab_bytes(const struct fb_array_info *array, const uint64_t *count)
{
    uint64_t bytes = array->dtype.size;
    for (unsigned i = 0; i < array->rank; i++)
        if (count[i] == 0)
            return 0;
    for (unsigned i = 0; i < array->rank; i++)
        bytes *= count[i];
    return bytes;
}

char *fb_shape_text(unsigned rank, const uint64_t *dims, char *buf, size_t size)
{
    snprintf(buf, size, "%s", rank ? "" : "scalar");
    for (unsigned i = 0; i < rank; i++) {
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, "%s%" PRIu64, i ? "x" : "", dims[i]);
    }
    return buf;
}

int fb_matches_add(struct fb_matches *matches, const char *name, uint64_t frames,
                   struct fb_error *err)
{
    size_t need = matches->length + strlen(name) + 24;
    if (need > matches->capacity) {
        size_t capacity = need * 2;
        char *text = realloc(matches->text, capacity);
        if (!text)
            return fb_fail_memory(err, "search results");
        matches->text = text;
        matches->capacity = capacity;
    }
    matches->length +=
        (size_t)snprintf(matches->text + matches->length, matches->capacity - matches->length,
                         "%s\t%" PRIu64 "\n", name, frames);
    matches->count++;
    return 0;
}

bool fb_catalog_match(const struct fb_catalog *catalog, size_t number, const struct fb_query *query,
                      uint64_t *frames)
{
    const struct fb_sample_info *sample = &catalog->samples[number];
    if (query->name && strcmp(query->name, sample->name) != 0)
        return false;
    for (size_t k = sample->first; k < sample->first + sample->count; k++) {
        const struct fb_array_info *array = &catalog->arrays[k];
        if (query->axis >= array->rank || !fb_glob_match(query->array, array->path))
            continue;
        *frames = array->dims[query->axis];
        if (query->name || (*frames >= query->min && *frames <= query->max))
            return true;
    }
    return false;
}

int fb_catalog_query(const struct fb_catalog *catalog, const struct fb_query *query,
                     struct fb_matches *matches, struct fb_error *err)
{
    for (size_t i = 0; i < catalog->sample_count; i++) {
        uint64_t frames;
        if (!fb_catalog_match(catalog, i, query, &frames))
            continue;
        int rc = fb_matches_add(matches, catalog->samples[i].name, frames, err);
        if (rc)
            return rc;
    }
    return 0;
}
