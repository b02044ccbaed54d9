#include "datasets/catalog.h"

#include <stdlib.h>
#include <string.h>

/* Each array's sample is its path up to the first slash, or up to the last. */
static int regroup(const struct fb_catalog *from, char *(*slash)(const char *, int),
                   struct fb_catalog *to, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < from->array_count; i++) {
        const struct fb_array_info *array = &from->arrays[i];
        const char *end = slash(array->path, '/');
        char *sample = strndup(array->path, end ? (size_t)(end - array->path) : 0);
        rc = sample ? fb_catalog_add(to, sample, NULL, array->path, array->dtype, array->rank,
                                     array->dims, err)
                    : fb_fail_memory(err, "the catalog");
        free(sample);
    }
    return rc ? rc : fb_catalog_finish(to, err);
}

int fb_catalog_unname(const struct fb_catalog *from, struct fb_catalog *to, struct fb_error *err)
{
    *to = (struct fb_catalog){ 0 };
    int rc = regroup(from, strchr, to, err);
    if (rc == 0 && !fb_catalog_is_noxire(to)) {
        fb_catalog_free(to);
        *to = (struct fb_catalog){ 0 };
        rc = regroup(from, strrchr, to, err);
    }
    if (rc)
        fb_catalog_free(to);
    return rc;
}
