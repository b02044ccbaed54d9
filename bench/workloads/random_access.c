#include "base/random.h"
#include "bench/workload.h"

#include <stdlib.h>

static const struct fb_option options[] = {
    FB_OPTION_FACE,
    FB_OPTION_N("10", "arrays to read, at the most all; 0: all"),
    FB_OPTION_SEED,
    { 0 },
};

static int plan_random_access(const struct fb_catalog *catalog, const struct fb_options *values,
                              struct fb_plan *plan, char *reason, size_t reason_size,
                              struct fb_error *err)
{
    size_t *arrays, count;
    struct fb_random random;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    fb_random_seed(&random, fb_options_uint(values, "seed"));
    fb_random_shuffle(&random, arrays, count);
    count = fb_workload_cap(fb_options_uint(values, "n"), count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = fb_plan_add_slab(plan, FB_OP_READ, &catalog->arrays[arrays[i]], NULL, NULL, err);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_random_access = {
    .name = "random-access",
    .summary = "whole arrays in random order, each at most once",
    .options = options,
    .standard = true,
    .handles = true,
    .noxire = "*/expert/face",
    .plan = plan_random_access,
};
