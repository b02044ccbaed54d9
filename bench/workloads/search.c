#include "base/random.h"
#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>

static const struct fb_option options[] = {
    FB_OPTION_FACE,
    FB_OPTION_AXIS("axis whose length is the frame count"),
    FB_OPTION_SEED,
    { 0 },
};

static int compare_counts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Frame counts of the matching arrays in rising order, and one sample per such array. */
static size_t collect(const struct fb_catalog *catalog, const size_t *arrays, size_t count,
                      unsigned axis, uint64_t *lengths, size_t *samples)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct fb_array_info *array = &catalog->arrays[arrays[i]];
        if (axis >= array->rank)
            continue;
        lengths[n] = array->dims[axis];
        samples[n++] = array->sample;
    }
    if (n)
        qsort(lengths, n, sizeof *lengths, compare_counts);
    return n;
}

static int plan_search(const struct fb_catalog *catalog, const struct fb_options *values,
                       struct fb_plan *plan, char *reason, size_t reason_size, struct fb_error *err)
{
    unsigned axis = (unsigned)fb_options_uint(values, "axis");
    struct fb_random random;
    size_t *arrays, count;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    uint64_t *lengths = calloc(count + 1, sizeof *lengths);
    size_t *samples = calloc(count + 1, sizeof *samples);
    if (!lengths || !samples) {
        rc = fb_fail_memory(err, "a plan");
        goto out;
    }
    size_t n = collect(catalog, arrays, count, axis, lengths, samples);
    if (n == 0) {
        if (count > 0)
            snprintf(reason, reason_size, "no selected array has an axis %u", axis);
        goto out;
    }
    struct fb_request request = {
        .op = FB_OP_SEARCH_RANGE,
        .array = (char *)fb_options_text(values, "array"),
        .axis = axis,
        /* The middle half of all frame counts, so that some samples match and some do not. */
        .min = lengths[n / 4],
        .max = lengths[n - 1 - n / 4],
    };
    rc = fb_plan_add(plan, &request, err);
    if (rc)
        goto out;
    fb_random_seed(&random, fb_options_uint(values, "seed"));
    request.op = FB_OP_SEARCH_NAME;
    request.min = request.max = 0;
    request.name = catalog->samples[samples[fb_random_below(&random, n)]].name;
    rc = fb_plan_add(plan, &request, err);
out:
    free(lengths);
    free(samples);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_search = {
    .name = "search",
    .summary = "samples by frame count, then one sample by name, without array data",
    .options = options,
    .standard = true,
    .noxire = "*/expert/face",
    .plan = plan_search,
};
