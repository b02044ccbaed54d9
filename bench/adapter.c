#include "bench/adapter.h"
#include "base/memory.h"
#include "base/python.h"
#include "base/share.h"

#include <stdio.h>
#include <stdlib.h>

int fb_adapter_worker(const struct fb_format *format, struct fb_worker *out, struct fb_error *err)
{
    char what[80];
    const struct fb_adapter *adapter = format->adapter;
    *out = (struct fb_worker){ .own = false };
    snprintf(what, sizeof what, "format %s", format->name);
    snprintf(out->modules, sizeof out->modules, "%s", adapter->modules);
    int rc = fb_share_find(adapter->script, out->script, sizeof out->script, err);
    return rc ? rc : fb_python_find(adapter->modules, what, out->command, sizeof out->command, err);
}

struct adapted {
    const struct fb_format *format;
    struct fb_worker worker;
};

/* The plan lies beside the file under a name that is cleaned away with its temporary ones. */
static int create_there(const void *context, const struct fb_options *options, const char *path,
                        struct fb_source *source, struct fb_write_cost *cost, struct fb_error *err)
{
    const struct adapted *adapted = context;
    /* It takes as long as it takes: a person waits, and can stop it. */
    const struct fb_process_limits limits = { UINT64_MAX / 4, fb_memory_limit() };
    char canonical[FB_OPTIONS_MAX * (FB_OPTION_VALUE_MAX + 64)], *plan;
    struct fb_create_result result;
    if (asprintf(&plan, "%s.plan.csv", path) < 0)
        return fb_fail_memory(err, "a file name");
    const struct fb_job job = {
        .create = true,
        .format = adapted->format->name,
        .options = fb_options_canonical(options, canonical, sizeof canonical),
        .file = path,
        .plan = plan,
    };
    int rc = fb_block_create_file(&adapted->worker, &limits, &job, source, &result, err);
    cost->wall_ns = result.ns;
    cost->cpu_ns = result.cpu_ns;
    free(plan);
    return rc;
}

int fb_adapter_write(const struct fb_format *format, const struct fb_options *options,
                     const char *path, struct fb_source *source, struct fb_write_cost *cost,
                     struct fb_error *err)
{
    struct adapted adapted = { .format = format };
    const struct fb_creator there = { create_there, &adapted };
    int rc = fb_adapter_worker(format, &adapted.worker, err);
    return rc ? rc : fb_file_write_by(&there, format, options, path, source, cost, err);
}
