#include "base/random.h"
#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fb_option options[] = {
    FB_OPTION_FACE,
    FB_OPTION_AXIS("axis along which windows are cut"),
    FB_OPTION_WINDOW("100",
                     "elements of a window along the axis, clipped to the array; 0: the whole "
                     "axis"),
    FB_OPTION_N("10", "windows to read, at the most all disjoint ones; 0: all"),
    FB_OPTION_SEED,
    { 0 },
};

/* The windows of one array: disjoint, at a random offset from its start, in random order. */
struct lane {
    const struct fb_array_info *array;
    uint64_t window, slots, offset;
    uint64_t next, stride; /* slot number `next`, then next + stride modulo slots: a permutation */
};

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void lane_init(struct lane *lane, const struct fb_array_info *array, unsigned axis,
                      uint64_t window, struct fb_random *random)
{
    uint64_t length = array->dims[axis];
    lane->array = array;
    lane->window = window == 0 || window > length ? length : window;
    lane->slots = length / lane->window;
    lane->offset = fb_random_below(random, length - lane->slots * lane->window + 1);
    lane->next = fb_random_below(random, lane->slots);
    /* A stride coprime to the count visits every slot once, without a list of all slots: an array
     * may have more of them than fit in memory. */
    do
        lane->stride = 1 + fb_random_below(random, lane->slots);
    while (greatest_divisor(lane->stride, lane->slots) != 1);
}

static int lane_read(struct lane *lane, unsigned axis, struct fb_plan *plan, struct fb_error *err)
{
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    memcpy(count, lane->array->dims, sizeof count);
    start[axis] = lane->offset + lane->next * lane->window;
    count[axis] = lane->window;
    lane->next = (lane->next + lane->stride) % lane->slots;
    return fb_plan_add_slab(plan, FB_OP_READ, lane->array, start, count, err);
}

/* One window of each array in turn, in random order of arrays, until n windows are planned or all
 * have been. */
static int deal(struct lane *lanes, size_t lane_count, unsigned axis, uint64_t n,
                struct fb_plan *plan, struct fb_error *err)
{
    for (uint64_t turn = 0; lane_count > 0; turn++) {
        bool any = false;
        for (size_t i = 0; i < lane_count; i++) {
            if (turn >= lanes[i].slots)
                continue;
            if (n != 0 && plan->count >= n)
                return 0;
            int rc = lane_read(&lanes[i], axis, plan, err);
            if (rc)
                return rc;
            any = true;
        }
        if (!any)
            break;
    }
    return 0;
}

static int plan_slicing(const struct fb_catalog *catalog, const struct fb_options *values,
                        struct fb_plan *plan, char *reason, size_t reason_size,
                        struct fb_error *err)
{
    unsigned axis = (unsigned)fb_options_uint(values, "axis");
    size_t *arrays, count, lane_count = 0;
    struct fb_random random;
    int rc = fb_workload_select(catalog, values, &arrays, &count, reason, reason_size, err);
    if (rc)
        return rc;
    struct lane *lanes = calloc(count + 1, sizeof *lanes);
    if (!lanes) {
        free(arrays);
        return fb_fail_memory(err, "a plan");
    }
    /* The same seed picks the same arrays as random-access does. */
    fb_random_seed(&random, fb_options_uint(values, "seed"));
    fb_random_shuffle(&random, arrays, count);
    for (size_t i = 0; i < count; i++) {
        const struct fb_array_info *array = &catalog->arrays[arrays[i]];
        if (axis < array->rank && array->bytes > 0)
            lane_init(&lanes[lane_count++], array, axis, fb_options_uint(values, "window"),
                      &random);
    }
    if (count > 0 && lane_count == 0)
        snprintf(reason, reason_size, "no selected array has elements along axis %u", axis);
    rc = deal(lanes, lane_count, axis, fb_options_uint(values, "n"), plan, err);
    free(lanes);
    free(arrays);
    return rc;
}

const struct fb_workload fb_workload_slicing = {
    .name = "slicing",
    .summary = "windows of consecutive frames from random places of random arrays",
    .options = options,
    .standard = true,
    .handles = true,
    .noxire = "*/expert/face",
    .plan = plan_slicing,
};
