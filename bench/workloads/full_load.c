#include "bench/workload.h"

#include <stdlib.h>

static const struct fb_option options[] = {
    FB_OPTION_ARRAY,
    FB_OPTION_N("0", "arrays at the most, in catalog order; 0: all"),
    { 0 },
};

static int plan_full_load(const struct fb_catalog *catalog, const struct fb_options *values,
                          struct fb_plan *plan, char *reason, size_t reason_size,
                          struct fb_error *err)
{
    size_t *arrays, count;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    count = fb_workload_cap(fb_options_uint(values, "n"), count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = fb_plan_add_slab(plan, FB_OP_LOAD, &catalog->arrays[arrays[i]], NULL, NULL, err);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_full_load = {
    .name = "full-load",
    .summary = "every array into memory of its own, all resident at the end",
    .options = options,
    .standard = true,
    .once_only = "a full load opens its file once",
    .noxire = "*",
    .plan = plan_full_load,
};
