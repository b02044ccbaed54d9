#include "base/random.h"
#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fb_option options[] = {
    FB_OPTION_FACE,
    FB_OPTION_SEED,
    { 0 },
};

/* A read of no rows. It delivers nothing, but it is checked like any other: the array must be there
 * and be as wide as the catalog says. */
static int open_array(const struct fb_array_info *array, struct fb_plan *plan, struct fb_error *err)
{
    uint64_t count[FB_MAX_RANK];
    memcpy(count, array->dims, sizeof count);
    count[0] = 0;
    return fb_plan_add_slab(plan, FB_OP_READ, array, NULL, count, err);
}

static int plan_open(const struct fb_catalog *catalog, const struct fb_options *values,
                     struct fb_plan *plan, char *reason, size_t reason_size, struct fb_error *err)
{
    size_t *arrays, count, i = 0;
    struct fb_random random;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    fb_random_seed(&random, fb_options_uint(values, "seed"));
    fb_random_shuffle(&random, arrays, count);
    while (i < count && catalog->arrays[arrays[i]].rank == 0)
        i++;
    if (i < count)
        rc = open_array(&catalog->arrays[arrays[i]], plan, err);
    else if (count > 0)
        snprintf(reason, reason_size, "no selected array has an axis");
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_open = {
    .name = "open",
    .summary = "the file and one array opened, nothing read",
    .options = options,
    .handles = true,
    .noxire = "*/expert/face",
    .plan = plan_open,
};
