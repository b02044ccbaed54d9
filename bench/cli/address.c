#include "bench/cli/address.h"
#include "base/number.h"
#include "base/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *sample_name(const void *context, size_t i)
{
    return ((const struct fb_catalog *)context)->samples[i].name;
}

int fb_address_no_sample(const struct fb_catalog *catalog, const char *text, struct fb_error *err)
{
    size_t n = catalog->sample_count;
    if (n == 0)
        return fb_fail(err, FB_EUSAGE, "there is no sample '%s': the file has no samples", text);
    const char *near = fb_nearest(text, sample_name, catalog, n);
    return fb_fail(err, FB_EUSAGE,
                   "there is no sample '%s'%s%s%s; samples are 0 to %zu, named %s to %s", text,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "", n - 1,
                   catalog->samples[0].name, catalog->samples[n - 1].name);
}

int fb_address_sample(const struct fb_catalog *catalog, const char *text, size_t *out,
                      struct fb_error *err)
{
    uint64_t index;
    for (*out = 0; *out < catalog->sample_count; ++*out)
        if (strcmp(catalog->samples[*out].name, text) == 0)
            return 0;
    for (*out = 0; *out < catalog->sample_count; ++*out)
        if (strcmp(catalog->samples[*out].path, text) == 0)
            return 0;
    if (!fb_parse_u64(text, &index) || index >= catalog->sample_count)
        return fb_address_no_sample(catalog, text, err);
    *out = (size_t)index;
    return 0;
}

/* Distinct names of one component of the paths in a sample. */
struct names {
    char **items;
    size_t count;
};

static const char *name_at(const void *context, size_t i)
{
    return ((const struct names *)context)->items[i];
}

static bool add_name(struct names *names, const char *text, size_t length)
{
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->items[i]) == length && strncmp(names->items[i], text, length) == 0)
            return true;
    char **items = reallocarray(names->items, names->count + 1, sizeof *items);
    if (!items)
        return false;
    names->items = items;
    items[names->count] = strndup(text, length);
    return items[names->count] && ++names->count;
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

/* FB_EUSAGE unless `prefix`/`word` is the start of an array's path in the sample; `what` names the
 * word. */
static int check_component(const struct fb_catalog *catalog, const struct fb_sample_info *sample,
                           const char *prefix, const char *what, const char *word,
                           struct fb_error *err)
{
    struct names names = { 0 };
    char list[512] = "";
    size_t length = strlen(prefix);
    int rc = 0;
    for (size_t i = sample->first; rc == 0 && i < sample->first + sample->count; i++) {
        const char *path = catalog->arrays[i].path;
        if (strncmp(path, prefix, length) == 0 && path[length] == '/' &&
            !add_name(&names, path + length + 1, strcspn(path + length + 1, "/")))
            rc = fb_fail_memory(err, "names");
    }
    bool found = false;
    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names.items[i]);
        found |= strcmp(names.items[i], word) == 0;
    }
    if (rc == 0 && !found) {
        const char *near = fb_nearest(word, name_at, &names, names.count);
        rc = fb_fail(err, FB_EUSAGE, "%s has no %s '%s'%s%s%s; it has %s", prefix, what, word,
                     near ? " (did you mean " : "", near ? near : "", near ? "?)" : "",
                     names.count ? list : "none");
    }
    free_names(&names);
    return rc;
}

int fb_address_feature(const struct fb_catalog *catalog, const char *sample, const char *person,
                       const char *feature, const struct fb_array_info **out, struct fb_error *err)
{
    size_t index;
    char *group = NULL, *path = NULL;
    int rc = fb_address_sample(catalog, sample, &index, err);
    if (rc)
        return rc;
    const struct fb_sample_info *info = &catalog->samples[index];
    if (asprintf(&group, "%s/%s", info->path, person) < 0 ||
        asprintf(&path, "%s/%s", group, feature) < 0)
        rc = fb_fail_memory(err, "a name");
    if (rc == 0)
        rc = check_component(catalog, info, info->path, "person", person, err);
    if (rc == 0)
        rc = check_component(catalog, info, group, "feature", feature, err);
    if (rc == 0)
        rc = fb_catalog_require(catalog, path, out, err);
    free(group);
    free(path);
    return rc;
}
