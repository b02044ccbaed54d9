#include "datasets/manifest.h"
#include "base/clock.h"
#include "base/output.h"
#include "datasets/catalog_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define MANIFEST_VERSION 1
/* A hundred thousand arrays and more. */
#define MANIFEST_MAX (256 << 20)

static void hash_text(XXH128_hash_t hash, struct fb_hash *out)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    for (size_t i = 0; i < sizeof canonical.digest; i++)
        snprintf(out->hex + 2 * i, 3, "%02x", canonical.digest[i]);
}

void fb_hash_bytes(const void *data, size_t bytes, struct fb_hash *out)
{
    hash_text(XXH3_128bits(data, bytes), out);
}

static int hash_slab(void *context, const uint64_t *start, const uint64_t *count, const void *data,
                     size_t bytes, struct fb_error *err)
{
    (void)start;
    (void)count;
    (void)err;
    XXH3_128bits_update(context, data, bytes);
    return 0;
}

int fb_hash_array(struct fb_source *source, size_t array, struct fb_hash *out, struct fb_error *err)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return fb_fail_memory(err, "a hash");
    XXH3_128bits_reset(state);
    int rc = fb_source_stream(source, array, 1 << 20, hash_slab, state, err);
    if (rc == 0)
        hash_text(XXH3_128bits_digest(state), out);
    XXH3_freeState(state);
    return rc;
}

int fb_hash_source(struct fb_source *source, struct fb_hash *hashes, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < fb_source_catalog(source)->array_count; i++)
        rc = fb_hash_array(source, i, &hashes[i], err);
    return rc;
}

/* --- observe ---------------------------------------------------------------------------------- */

struct observer {
    struct fb_source base;
    struct fb_source *inner;
    struct fb_hash *hashes; /* by array number; valid where rows_read is complete */
    uint64_t *rows_read;    /* UINT64_MAX: not read in order, there is no hash */
    size_t current;         /* the array that `state` belongs to */
    XXH3_state_t *state;
    uint64_t wall_ns, cpu_ns;
};

static uint64_t row_count(const struct fb_array_info *info)
{
    return info->bytes == 0 ? 0 : info->rank ? info->dims[0] : 1;
}

static const struct fb_catalog *observer_catalog(const struct fb_source *source)
{
    return fb_source_catalog(((const struct observer *)source)->inner);
}

/* Whole rows that follow on those already read? */
static bool follows(const struct observer *self, const struct fb_array_info *info, size_t array,
                    const uint64_t *start, const uint64_t *count)
{
    uint64_t read = self->rows_read[array];
    for (unsigned i = 1; i < info->rank; i++)
        if (count[i] != info->dims[i])
            return false;
    if (read != 0 && self->current != array)
        return false;
    return read < row_count(info) && (info->rank == 0 || start[0] == read);
}

static void observe(struct observer *self, size_t array, const uint64_t *start,
                    const uint64_t *count, const void *data)
{
    const struct fb_array_info *info = &observer_catalog(&self->base)->arrays[array];
    if (!follows(self, info, array, start, count)) {
        self->rows_read[array] = UINT64_MAX;
        return;
    }
    if (self->rows_read[array] == 0) {
        self->current = array;
        XXH3_128bits_reset(self->state);
    }
    XXH3_128bits_update(self->state, data, (size_t)fb_slab_bytes(info, count));
    self->rows_read[array] += info->rank ? count[0] : 1;
    if (self->rows_read[array] == row_count(info))
        hash_text(XXH3_128bits_digest(self->state), &self->hashes[array]);
}

static int observer_read(struct fb_source *source, size_t array, const uint64_t *start,
                         const uint64_t *count, void *dst, struct fb_error *err)
{
    struct observer *self = (struct observer *)source;
    uint64_t wall = fb_clock_ns(), cpu = fb_clock_cpu_ns();
    int rc = self->inner->ops->read(self->inner, array, start, count, dst, err);
    if (rc == 0)
        observe(self, array, start, count, dst);
    /* Hashing is no part of writing either. */
    self->wall_ns += fb_clock_ns() - wall;
    self->cpu_ns += fb_clock_cpu_ns() - cpu;
    return rc;
}

static void observer_close(struct fb_source *source)
{
    struct observer *self = (struct observer *)source;
    XXH3_freeState(self->state);
    free(self->hashes);
    free(self->rows_read);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops observer_ops = { observer_catalog, observer_read,
                                                   observer_close };

int fb_source_observe(struct fb_source *inner, struct fb_source **out, struct fb_error *err)
{
    size_t n = fb_source_catalog(inner)->array_count + 1;
    struct observer *self = calloc(1, sizeof *self);
    if (!self)
        return fb_fail_memory(err, "a source");
    self->base.ops = &observer_ops;
    self->inner = inner;
    self->base.name = strdup(inner->name);
    self->hashes = calloc(n, sizeof *self->hashes);
    self->rows_read = calloc(n, sizeof *self->rows_read);
    self->state = XXH3_createState();
    if (!self->base.name || !self->hashes || !self->rows_read || !self->state) {
        observer_close(&self->base);
        return fb_fail_memory(err, "a source");
    }
    *out = &self->base;
    return 0;
}

int fb_source_observed_hashes(const struct fb_source *observer, struct fb_hash *hashes,
                              struct fb_error *err)
{
    const struct observer *self = (const struct observer *)observer;
    const struct fb_catalog *catalog = observer_catalog(observer);
    for (size_t i = 0; i < catalog->array_count; i++) {
        if (self->rows_read[i] != row_count(&catalog->arrays[i]))
            return fb_fail(err, FB_EFORMAT,
                           "array %s was not read once, completely and in order while it was "
                           "written",
                           catalog->arrays[i].path);
        if (row_count(&catalog->arrays[i]) == 0)
            fb_hash_bytes("", 0, &hashes[i]);
        else
            hashes[i] = self->hashes[i];
    }
    return 0;
}

void fb_source_observed_time(const struct fb_source *observer, uint64_t *wall_ns, uint64_t *cpu_ns)
{
    *wall_ns = ((const struct observer *)observer)->wall_ns;
    *cpu_ns = ((const struct observer *)observer)->cpu_ns;
}

/* --- the file --------------------------------------------------------------------------------- */

char *fb_manifest_path(const char *file)
{
    struct stat st;
    char *path;
    char *real = lstat(file, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(file, NULL) : NULL;
    if (asprintf(&path, "%s.manifest.json", real ? real : file) < 0)
        path = NULL;
    free(real);
    return path;
}

static int to_json(const struct fb_manifest *manifest, json_t **out, struct fb_error *err)
{
    json_t *root;
    int rc = fb_catalog_to_json(&manifest->catalog, &root, err);
    if (rc)
        return rc;
    json_t *arrays = json_object_get(root, "arrays");
    bool fine = true;
    for (size_t i = 0; i < manifest->catalog.array_count; i++)
        fine &= json_object_set_new(json_array_get(arrays, i), "xxh3_128",
                                    json_string(manifest->hashes[i].hex)) == 0;
    json_t *head =
        json_pack("{s:i, s:s, s:s, s:s}", "manifest_version", MANIFEST_VERSION, "source",
                  manifest->source, "format", manifest->format, "options", manifest->options);
    /* Written in this order: what a person looks for stands first. */
    fine = fine && head && json_object_update(head, root) == 0;
    json_decref(root);
    if (!fine) {
        json_decref(head);
        return fb_fail(err, FB_EUNSUPPORTED,
                       "cannot write a manifest: the name '%s' is not UTF-8 text, or out of memory",
                       manifest->source);
    }
    *out = head;
    return 0;
}

static int print_json(void *root, FILE *stream, struct fb_error *err)
{
    if (json_dumpf(root, stream, JSON_INDENT(1)) < 0 && !ferror(stream))
        return fb_fail_memory(err, "a manifest");
    putc('\n', stream);
    return 0;
}

int fb_manifest_write(const struct fb_manifest *manifest, const char *file, struct fb_error *err)
{
    json_t *root = NULL;
    char *path = fb_manifest_path(file);
    int rc = path ? to_json(manifest, &root, err) : fb_fail_memory(err, "a manifest");
    if (rc == 0)
        rc = fb_output_write(path, print_json, root, err);
    json_decref(root);
    free(path);
    return rc;
}

static bool is_hash(const char *text)
{
    return text && strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static int read_hashes(const json_t *root, const char *path, struct fb_manifest *out,
                       struct fb_error *err)
{
    const json_t *arrays = json_object_get(root, "arrays");
    out->hashes = calloc(out->catalog.array_count + 1, sizeof *out->hashes);
    if (!out->hashes)
        return fb_fail_memory(err, path);
    for (size_t i = 0; i < json_array_size(arrays); i++) {
        const json_t *array = json_array_get(arrays, i);
        const char *name = json_string_value(json_object_get(array, "path"));
        const char *hash = json_string_value(json_object_get(array, "xxh3_128"));
        const struct fb_array_info *info = name ? fb_catalog_find(&out->catalog, name) : NULL;
        if (!info || !is_hash(hash))
            return fb_fail(err, FB_EFORMAT, "%s is damaged: array %zu has no valid xxh3_128", path,
                           i);
        strcpy(out->hashes[info - out->catalog.arrays].hex, hash);
    }
    return 0;
}

static int from_json(const json_t *root, const char *path, struct fb_manifest *out,
                     struct fb_error *err)
{
    const char *source = json_string_value(json_object_get(root, "source"));
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *options = json_string_value(json_object_get(root, "options"));
    uint64_t version;
    if (!fb_json_u64(json_object_get(root, "manifest_version"), &version) || !source || !format ||
        !options)
        return fb_fail(err, FB_EFORMAT,
                       "%s is damaged: it lacks manifest_version, source, format or options", path);
    if (version != MANIFEST_VERSION)
        return fb_fail(err, FB_EUNSUPPORTED, "%s has manifest_version %llu, known is %d", path,
                       (unsigned long long)version, MANIFEST_VERSION);
    out->source = strdup(source);
    out->format = strdup(format);
    out->options = strdup(options);
    if (!out->source || !out->format || !out->options)
        return fb_fail_memory(err, path);
    int rc = fb_catalog_from_json(root, path, &out->catalog, err);
    return rc ? rc : read_hashes(root, path, out, err);
}

int fb_manifest_read(const char *file, struct fb_manifest *out, struct fb_error *err)
{
    char *text = NULL;
    size_t length;
    json_t *root = NULL;
    *out = (struct fb_manifest){ 0 };
    char *path = fb_manifest_path(file);
    if (!path)
        return fb_fail_memory(err, "a manifest");
    int rc;
    if (access(path, F_OK) < 0 && errno == ENOENT)
        rc = fb_fail(err, FB_ENOTHING, "%s has no manifest (%s)", file, path);
    else
        rc = fb_read_file(path, MANIFEST_MAX, &text, &length, err);
    if (rc == 0)
        rc = fb_json_parse(text, length, path, &root, err);
    if (rc == 0)
        rc = from_json(root, path, out, err);
    if (rc)
        fb_manifest_free(out);
    json_decref(root);
    free(text);
    free(path);
    return rc;
}

void fb_manifest_free(struct fb_manifest *manifest)
{
    free(manifest->source);
    free(manifest->format);
    free(manifest->options);
    free(manifest->hashes);
    fb_catalog_free(&manifest->catalog);
    *manifest = (struct fb_manifest){ 0 };
}
