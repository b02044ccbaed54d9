#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct fb_workload fb_workload_full_load;
extern const struct fb_workload fb_workload_scan;
extern const struct fb_workload fb_workload_random_access;
extern const struct fb_workload fb_workload_slicing;
extern const struct fb_workload fb_workload_search;
extern const struct fb_workload fb_workload_column;
extern const struct fb_workload fb_workload_feature;
extern const struct fb_workload fb_workload_load_sample;
extern const struct fb_workload fb_workload_batch_stats;
extern const struct fb_workload fb_workload_metadata;
extern const struct fb_workload fb_workload_open;
extern const struct fb_workload fb_workload_epoch;

const struct fb_workload *const fb_workloads[] = {
    &fb_workload_full_load,
    &fb_workload_scan,
    &fb_workload_random_access,
    &fb_workload_slicing,
    &fb_workload_search,
    &fb_workload_column,
    &fb_workload_feature,
    &fb_workload_load_sample,
    &fb_workload_batch_stats,
    &fb_workload_metadata,
    &fb_workload_open,
    &fb_workload_epoch,
    NULL,
};

static const char *workload_name(const void *context, size_t i)
{
    (void)context;
    return fb_workloads[i]->name;
}

int fb_workload_parse(const char *spec, const struct fb_workload **workload,
                      struct fb_options *options, struct fb_error *err)
{
    char name[64], owner[80] = "workload ";
    const char *rest;
    int rc = fb_spec_split(spec, name, sizeof name, &rest, err);
    if (rc)
        return rc;
    size_t i = 0;
    while (fb_workloads[i] && strcmp(fb_workloads[i]->name, name) != 0)
        i++;
    *workload = fb_workloads[i];
    if (!*workload) {
        const char *near = fb_nearest(name, workload_name, NULL, i);
        return fb_fail(err, FB_EUSAGE, "there is no workload '%s'%s%s%s; 'fmtbench list' shows all",
                       name, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    }
    strcat(owner, name);
    return fb_options_parse((*workload)->options, owner, rest, options, err);
}

void fb_workload_settle(const struct fb_workload *workload, const struct fb_catalog *catalog,
                        struct fb_options *options)
{
    if (workload->noxire && !*fb_options_text(options, "array"))
        fb_options_set(options, "array", fb_catalog_is_noxire(catalog) ? workload->noxire : "*");
}

int fb_workload_select(const struct fb_catalog *catalog, const struct fb_options *options,
                       size_t **out, size_t *count, char *reason, size_t reason_size,
                       struct fb_error *err)
{
    const char *glob = fb_options_text(options, "array");
    *count = 0;
    *out = calloc(catalog->array_count + 1, sizeof **out);
    if (!*out)
        return fb_fail_memory(err, "a plan");
    for (size_t i = 0; i < catalog->array_count; i++)
        if (fb_glob_match(glob, catalog->arrays[i].path))
            (*out)[(*count)++] = i;
    if (*count == 0)
        snprintf(reason, reason_size, "no array matches array=%s", glob);
    return 0;
}

size_t fb_workload_cap(uint64_t asked, size_t there)
{
    return asked == 0 || asked > there ? there : (size_t)asked;
}
