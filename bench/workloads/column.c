#include "base/random.h"
#include "bench/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fb_option options[] = {
    FB_OPTION_FACE,
    { "axis", FB_OPTION_UINT, "1", 0, FB_MAX_RANK - 1, NULL, NULL,
      "axis of which one index is read" },
    { "index", FB_OPTION_UINT, "30", 0, UINT32_MAX, NULL, NULL,
      "the index along it: one landmark of a face" },
    FB_OPTION_N("10", "arrays to read, at the most all; 0: all"),
    FB_OPTION_SEED,
    { 0 },
};

static bool has_column(const struct fb_array_info *array, unsigned axis, uint64_t index)
{
    return axis < array->rank && index < array->dims[axis] && array->bytes > 0;
}

static int read_column(const struct fb_array_info *array, unsigned axis, uint64_t index,
                       struct fb_plan *plan, struct fb_error *err)
{
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    memcpy(count, array->dims, sizeof count);
    start[axis] = index;
    count[axis] = 1;
    return fb_plan_add_slab(plan, FB_OP_READ, array, start, count, err);
}

static int plan_column(const struct fb_catalog *catalog, const struct fb_options *values,
                       struct fb_plan *plan, char *reason, size_t reason_size, struct fb_error *err)
{
    unsigned axis = (unsigned)fb_options_uint(values, "axis");
    uint64_t index = fb_options_uint(values, "index");
    size_t *arrays, count;
    struct fb_random random;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    /* The same seed picks the same arrays as random-access does, where all have such a column. */
    fb_random_seed(&random, fb_options_uint(values, "seed"));
    fb_random_shuffle(&random, arrays, count);
    size_t most = fb_workload_cap(fb_options_uint(values, "n"), count);
    for (size_t i = 0; rc == 0 && i < count && plan->count < most; i++)
        if (has_column(&catalog->arrays[arrays[i]], axis, index))
            rc = read_column(&catalog->arrays[arrays[i]], axis, index, plan, err);
    if (rc == 0 && count > 0 && plan->count == 0)
        snprintf(reason, reason_size, "no selected array has an index %" PRIu64 " along axis %u",
                 index, axis);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_column = {
    .name = "column",
    .summary = "one landmark over all frames, of random arrays",
    .options = options,
    .handles = true,
    .noxire = "*/expert/face",
    .plan = plan_column,
};
