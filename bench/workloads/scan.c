#include "bench/workload.h"

#include <stdlib.h>
#include <string.h>

/* A larger array is visited in pieces, so that the buffer stays small whatever the file holds. */
#define PIECE_BYTES (UINT64_C(64) << 20)

static const struct fb_option options[] = {
    FB_OPTION_ARRAY,
    FB_OPTION_AXIS("axis along which an array is cut into windows"),
    FB_OPTION_WINDOW("0", "elements of a window along the axis; 0: whole arrays, in pieces of at "
                          "most 64 MiB"),
    FB_OPTION_N("0", "arrays at the most, in catalog order; 0: all"),
    { 0 },
};

static uint64_t default_window(const struct fb_array_info *array, unsigned axis)
{
    uint64_t slice = array->bytes / array->dims[axis];
    uint64_t window = slice < PIECE_BYTES ? PIECE_BYTES / slice : 1;
    return window < array->dims[axis] ? window : array->dims[axis];
}

static int scan_array(const struct fb_array_info *array, unsigned axis, uint64_t window,
                      struct fb_plan *plan, struct fb_error *err)
{
    if (axis >= array->rank || array->bytes == 0)
        return fb_plan_add_slab(plan, FB_OP_READ, array, NULL, NULL, err);
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    memcpy(count, array->dims, sizeof count);
    uint64_t length = array->dims[axis];
    if (window == 0)
        window = default_window(array, axis);
    int rc = 0;
    for (uint64_t at = 0; rc == 0 && at < length; at += window) {
        start[axis] = at;
        count[axis] = length - at < window ? length - at : window;
        rc = fb_plan_add_slab(plan, FB_OP_READ, array, start, count, err);
    }
    return rc;
}

static int plan_scan(const struct fb_catalog *catalog, const struct fb_options *values,
                     struct fb_plan *plan, char *reason, size_t reason_size, struct fb_error *err)
{
    size_t *arrays, count;
    unsigned axis = (unsigned)fb_options_uint(values, "axis");
    uint64_t window = fb_options_uint(values, "window");
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    plan->one_buffer = true;
    count = fb_workload_cap(fb_options_uint(values, "n"), count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = scan_array(&catalog->arrays[arrays[i]], axis, window, plan, err);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_scan = {
    .name = "scan",
    .summary = "every array once, through one reused buffer",
    .options = options,
    .standard = true,
    .noxire = "*",
    .plan = plan_scan,
};
