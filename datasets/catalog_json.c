#include "datasets/catalog_json.h"

#include <limits.h>
#include <string.h>

/* Puts a new value into an object; a NULL value (out of memory, or not UTF-8) fails too. */
static int put(json_t *object, const char *key, json_t *value, const char *owner,
               struct fb_error *err)
{
    if (!value && json_is_object(object))
        return fb_fail(err, FB_EUNSUPPORTED, "the name '%s' is not UTF-8 text", owner);
    return json_object_set_new(object, key, value) == 0 ? 0 : fb_fail_memory(err, "JSON");
}

static int put_array(json_t *arrays, const struct fb_array_info *info, struct fb_error *err)
{
    char dtype[FB_DTYPE_NAME_MAX];
    json_t *object = json_object(), *shape = json_array();
    int rc = put(object, "path", json_string(info->path), info->path, err);
    if (rc == 0)
        rc = put(object, "sample", json_integer((json_int_t)info->sample), info->path, err);
    if (rc == 0)
        rc = put(object, "dtype", json_string(fb_dtype_name(info->dtype, dtype, sizeof dtype)),
                 info->path, err);
    for (unsigned i = 0; rc == 0 && i < info->rank; i++) {
        if (info->dims[i] > INT64_MAX)
            rc = fb_fail(err, FB_EUNSUPPORTED, "array %s: an axis is too long", info->path);
        else if (json_array_append_new(shape, json_integer((json_int_t)info->dims[i])) < 0)
            rc = fb_fail_memory(err, "JSON");
    }
    if (rc == 0 &&
        (json_object_set(object, "shape", shape) < 0 || json_array_append(arrays, object) < 0))
        rc = fb_fail_memory(err, "JSON");
    json_decref(shape);
    json_decref(object);
    return rc;
}

int fb_catalog_to_json(const struct fb_catalog *catalog, json_t **out, struct fb_error *err)
{
    json_t *root = json_object(), *samples = json_array(), *arrays = json_array();
    int rc =
        json_object_set(root, "samples", samples) < 0 || json_object_set(root, "arrays", arrays) < 0
            ? fb_fail_memory(err, "JSON")
            : 0;
    for (size_t i = 0; rc == 0 && i < catalog->sample_count; i++) {
        const struct fb_sample_info *sample = &catalog->samples[i];
        json_t *object = json_object();
        rc = put(object, "path", json_string(sample->path), sample->path, err);
        if (rc == 0)
            rc = put(object, "name", json_string(sample->name), sample->name, err);
        if (rc == 0 && json_array_append(samples, object) < 0)
            rc = fb_fail_memory(err, "JSON");
        json_decref(object);
    }
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++)
        rc = put_array(arrays, &catalog->arrays[i], err);
    json_decref(samples);
    json_decref(arrays);
    if (rc) {
        json_decref(root);
        return rc;
    }
    *out = root;
    return 0;
}

int fb_json_parse(const char *text, size_t length, const char *where, json_t **out,
                  struct fb_error *err)
{
    json_error_t problem;
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (*out)
        return 0;
    return fb_fail(err, FB_EFORMAT, "%s is damaged: line %d, column %d: %s", where, problem.line,
                   problem.column, problem.text);
}

bool fb_json_u64(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static int add_array(const json_t *array, const json_t *samples, const char *where, size_t number,
                     struct fb_catalog *out, struct fb_error *err)
{
    const char *path = json_string_value(json_object_get(array, "path"));
    const char *type = json_string_value(json_object_get(array, "dtype"));
    const json_t *shape = json_object_get(array, "shape");
    uint64_t sample, dims[FB_MAX_RANK];
    struct fb_dtype dtype;
    if (!path || !fb_json_u64(json_object_get(array, "sample"), &sample) ||
        sample >= json_array_size(samples))
        return fb_fail(err, FB_EFORMAT, "%s is damaged: array %zu has no valid path and sample",
                       where, number);
    if (!type || !fb_dtype_parse(type, &dtype))
        return fb_fail(err, FB_EFORMAT, "%s is damaged: array %s has no valid dtype", where, path);
    if (!json_is_array(shape) || json_array_size(shape) > FB_MAX_RANK)
        return fb_fail(err, FB_EFORMAT, "%s is damaged: array %s has no valid shape", where, path);
    for (size_t i = 0; i < json_array_size(shape); i++)
        if (!fb_json_u64(json_array_get(shape, i), &dims[i]))
            return fb_fail(err, FB_EFORMAT, "%s is damaged: array %s has no valid shape", where,
                           path);
    const json_t *owner = json_array_get(samples, (size_t)sample);
    int rc = fb_catalog_add(out, json_string_value(json_object_get(owner, "path")),
                            json_string_value(json_object_get(owner, "name")), path, dtype,
                            (unsigned)json_array_size(shape), dims, err);
    return rc ? fb_fail_in(err, "%s is damaged", where) : 0;
}

int fb_catalog_from_json(const json_t *root, const char *where, struct fb_catalog *out,
                         struct fb_error *err)
{
    const json_t *samples = json_object_get(root, "samples");
    const json_t *arrays = json_object_get(root, "arrays");
    int rc = 0;
    if (!json_is_array(samples) || !json_is_array(arrays))
        return fb_fail(err, FB_EFORMAT, "%s is damaged: it lists no samples and arrays", where);
    for (size_t i = 0; rc == 0 && i < json_array_size(samples); i++) {
        const json_t *sample = json_array_get(samples, i);
        if (!json_is_string(json_object_get(sample, "path")) ||
            !json_is_string(json_object_get(sample, "name")))
            rc = fb_fail(err, FB_EFORMAT, "%s is damaged: sample %zu has no path and name", where,
                         i);
    }
    for (size_t i = 0; rc == 0 && i < json_array_size(arrays); i++)
        rc = add_array(json_array_get(arrays, i), samples, where, i, out, err);
    if (rc == 0 && (rc = fb_catalog_finish(out, err)) != 0)
        fb_fail_in(err, "%s is damaged", where);
    /* The catalog merges samples of one path and knows none without arrays. */
    if (rc == 0 && out->sample_count != json_array_size(samples))
        rc = fb_fail(err, FB_EFORMAT, "%s is damaged: a sample is listed twice or without arrays",
                     where);
    if (rc)
        fb_catalog_free(out);
    return rc;
}
