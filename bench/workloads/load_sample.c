#include "base/random.h"
#include "bench/workload.h"

#include <stdlib.h>
#include <string.h>

static const struct fb_option options[] = {
    { "array", FB_OPTION_TEXT, "", 0, 0, NULL, NULL,
      "glob over array paths (default: */expert/* in a NoXiRe dataset, else all)" },
    FB_OPTION_N("10", "groups of arrays to load, at the most all; 0: all"),
    FB_OPTION_SEED,
    { 0 },
};

static size_t parent_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static bool same_parent(const char *a, const char *b)
{
    size_t length = parent_length(a);
    return length == parent_length(b) && memcmp(a, b, length) == 0;
}

/* All arrays of the group that begins at arrays[first]: one call of load_sample. */
static int add_call(struct fb_plan *plan, const struct fb_catalog *catalog, const size_t *arrays,
                    size_t count, size_t first, struct fb_error *err)
{
    const char *path = catalog->arrays[arrays[first]].path;
    int rc = 0;
    for (size_t i = first;
         rc == 0 && i < count && same_parent(path, catalog->arrays[arrays[i]].path); i++) {
        rc = fb_plan_add_slab(plan, FB_OP_READ, &catalog->arrays[arrays[i]], NULL, NULL, err);
        if (rc == 0)
            plan->requests[plan->count - 1].joined = i > first;
    }
    return rc;
}

static int plan_load_sample(const struct fb_catalog *catalog, const struct fb_options *values,
                            struct fb_plan *plan, char *reason, size_t reason_size,
                            struct fb_error *err)
{
    size_t *arrays, count, groups = 0;
    struct fb_random random;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    size_t *firsts = calloc(count + 1, sizeof *firsts);
    if (!firsts)
        rc = fb_fail_memory(err, "a plan");
    /* In a catalog the arrays of a group follow each other. */
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (i == 0 ||
            !same_parent(catalog->arrays[arrays[i - 1]].path, catalog->arrays[arrays[i]].path))
            firsts[groups++] = i;
    fb_random_seed(&random, fb_options_uint(values, "seed"));
    if (rc == 0)
        fb_random_shuffle(&random, firsts, groups);
    groups = fb_workload_cap(fb_options_uint(values, "n"), groups);
    for (size_t i = 0; rc == 0 && i < groups; i++)
        rc = add_call(plan, catalog, arrays, count, firsts[i], err);
    free(firsts);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_load_sample = {
    .name = "load-sample",
    .summary = "all arrays of one person (of one group) in a call, of random samples",
    .options = options,
    .handles = true,
    .noxire = "*/expert/*",
    .plan = plan_load_sample,
};
