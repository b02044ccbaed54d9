#include "bench/workload.h"

static const struct fb_option options[] = { { 0 } };

static int plan_metadata(const struct fb_catalog *catalog, const struct fb_options *values,
                         struct fb_plan *plan, char *reason, size_t reason_size,
                         struct fb_error *err)
{
    struct fb_request request = { .op = FB_OP_CATALOG, .array = (char *)"" };
    (void)catalog;
    (void)values;
    (void)reason;
    (void)reason_size;
    return fb_plan_add(plan, &request, err);
}

const struct fb_workload fb_workload_metadata = {
    .name = "metadata",
    .summary = "names, types and shapes of all arrays, without their data",
    .options = options,
    .plan = plan_metadata,
};
