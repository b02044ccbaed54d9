#include "bench/mean.h"
#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>

static const struct fb_option options[] = {
    FB_OPTION_AUS,
    FB_OPTION_N("0", "arrays at the most, in catalog order; 0: all"),
    { 0 },
};

static bool has_mean(const struct fb_array_info *array)
{
    return array->rank > 0 && array->bytes > 0 && fb_mean_possible(array->dtype);
}

static int plan_batch_stats(const struct fb_catalog *catalog, const struct fb_options *values,
                            struct fb_plan *plan, char *reason, size_t reason_size,
                            struct fb_error *err)
{
    size_t *arrays, count;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    /* So that no more than one array is in memory, whatever the format. */
    plan->one_buffer = true;
    size_t most = fb_workload_cap(fb_options_uint(values, "n"), count);
    for (size_t i = 0; rc == 0 && i < count && plan->count < most; i++)
        if (has_mean(&catalog->arrays[arrays[i]]))
            rc = fb_plan_add_slab(plan, FB_OP_MEAN, &catalog->arrays[arrays[i]], NULL, NULL, err);
    if (rc == 0 && count > 0 && plan->count == 0)
        snprintf(reason, reason_size, "no selected array has rows of numbers");
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_batch_stats = {
    .name = "batch-stats",
    .summary = "the mean of every array of one feature, one in memory at a time",
    .options = options,
    .noxire = "*/aus",
    .plan = plan_batch_stats,
};
