#include "base/random.h"
#include "bench/sample.h"
#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fb_option options[] = {
    FB_OPTION_FACE,
    { "batch", FB_OPTION_UINT, "4", 1, FB_BATCH_MAX, NULL, NULL,
      "samples in a batch; the last one may have fewer" },
    { "workers", FB_OPTION_UINT, "0", 0, FB_LOADERS_MAX, NULL, NULL,
      "processes that read; 0: the consumer reads for itself" },
    { "prefetch", FB_OPTION_UINT, "2", 1, FB_PREFETCH_MAX, NULL, NULL,
      "batches for each process that are under way before they are asked for" },
    { "length", FB_OPTION_UINT, "0", 0, UINT32_MAX, NULL, NULL,
      "rows of every sample: longer arrays are cropped at the end, shorter ones padded with zeros; "
      "0: the median row count of the selected arrays" },
    { "step_us", FB_OPTION_UINT, "0", 0, FB_STEP_US_MAX, NULL, NULL,
      "microseconds that the consumer computes on each batch" },
    FB_OPTION_N("0", "samples of the epoch, at the most all; 0: all"),
    FB_OPTION_SEED,
    { 0 },
};

/* The user chooses the length, and memory is taken for it before anything is read. */
#define SAMPLE_BYTES_MAX (UINT64_C(1) << 30)

static uint64_t sample_bytes(const struct fb_array_info *array, uint64_t length)
{
    struct fb_request request = { .dtype = array->dtype, .rank = array->rank, .max = length };
    memcpy(request.count, array->dims, array->rank * sizeof *request.count);
    return fb_sample_bytes(&request);
}

static int compare_lengths(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The lower one of two in the middle, so that it is the length of an array. */
static int median_length(const struct fb_catalog *catalog, const size_t *arrays, size_t count,
                         uint64_t *out, struct fb_error *err)
{
    uint64_t *lengths = calloc(count + 1, sizeof *lengths);
    if (!lengths)
        return fb_fail_memory(err, "a plan");
    for (size_t i = 0; i < count; i++)
        lengths[i] = catalog->arrays[arrays[i]].dims[0];
    qsort(lengths, count, sizeof *lengths, compare_lengths);
    *out = lengths[(count - 1) / 2];
    free(lengths);
    return 0;
}

static bool rows_alike(const struct fb_array_info *a, const struct fb_array_info *b)
{
    return a->rank == b->rank && fb_dtype_equal(a->dtype, b->dtype) &&
           memcmp(a->dims + 1, b->dims + 1, (a->rank - 1) * sizeof *a->dims) == 0;
}

/* Samples are stacked into one tensor: their rows must be alike. */
static bool can_stack(const struct fb_catalog *catalog, const size_t *arrays, size_t count,
                      char *reason, size_t reason_size)
{
    const struct fb_array_info *first = &catalog->arrays[arrays[0]];
    for (size_t i = 0; i < count; i++) {
        const struct fb_array_info *array = &catalog->arrays[arrays[i]];
        if (array->rank == 0) {
            snprintf(reason, reason_size, "%s is a single value and has no rows to stack",
                     array->path);
            return false;
        }
        if (!rows_alike(first, array)) {
            snprintf(reason, reason_size,
                     "the selected arrays cannot be stacked into batches: %s and %s differ in "
                     "element type or in an axis other than the first; choose with array=",
                     first->path, array->path);
            return false;
        }
    }
    return true;
}

static int add_samples(const struct fb_catalog *catalog, const struct fb_options *values,
                       size_t *arrays, size_t count, struct fb_plan *plan, char *reason,
                       size_t reason_size, struct fb_error *err)
{
    struct fb_random random;
    uint64_t length = fb_options_uint(values, "length");
    int rc = length ? 0 : median_length(catalog, arrays, count, &length, err);
    if (rc == 0 && length == 0)
        snprintf(reason, reason_size, "most of the selected arrays have no rows; give a length=");
    if (rc || length == 0)
        return rc;
    if (sample_bytes(&catalog->arrays[arrays[0]], length) > SAMPLE_BYTES_MAX) {
        snprintf(reason, reason_size,
                 "a sample of %llu rows takes more than 1 GiB; give a shorter "
                 "length=",
                 (unsigned long long)length);
        return 0;
    }
    fb_random_seed(&random, fb_options_uint(values, "seed"));
    fb_random_shuffle(&random, arrays, count);
    count = fb_workload_cap(fb_options_uint(values, "n"), count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = fb_sample_add(plan, &catalog->arrays[arrays[i]], length, err);
    plan->loading = (struct fb_loading){
        .batch = fb_options_uint(values, "batch"),
        .workers = fb_options_uint(values, "workers"),
        .prefetch = fb_options_uint(values, "prefetch"),
        .step_ns = fb_options_uint(values, "step_us") * 1000,
    };
    return rc;
}

static int plan_epoch(const struct fb_catalog *catalog, const struct fb_options *values,
                      struct fb_plan *plan, char *reason, size_t reason_size, struct fb_error *err)
{
    size_t *arrays, count;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    if (count > 0 && can_stack(catalog, arrays, count, reason, reason_size))
        rc = add_samples(catalog, values, arrays, count, plan, reason, reason_size, err);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_epoch = {
    .name = "epoch",
    .summary = "a training epoch: every array once in random order, in batches of one length, "
               "loaded by 0 or more processes",
    .options = options,
    .handles = true,
    .noxire = "*/expert/face",
    .plan = plan_epoch,
};
