#include "bench/tasks.h"
#include "base/output.h"
#include "bench/reference.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void free_task(struct fb_task *task)
{
    for (int v = 0; v < FB_VARIANT_COUNT; v++) {
        fb_plan_free(&task->variant[v].plan);
        free(task->variant[v].hashes);
        if (task->variant[v].path)
            unlink(task->variant[v].path);
        free(task->variant[v].path);
    }
    *task = (struct fb_task){ 0 };
}

void fb_tasks_free(struct fb_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++)
        free_task(&tasks->items[i]);
    free(tasks->items);
    *tasks = (struct fb_tasks){ 0 };
}

/* --seed stands for every seed that is not given by itself. */
static int parse_workload(const char *spec, uint64_t seed, const struct fb_workload **workload,
                          struct fb_options *options, struct fb_error *err)
{
    char *seeded = NULL;
    int rc = fb_workload_parse(spec, workload, options, err);
    if (rc || !fb_options_has(options, "seed") || strstr(spec, "seed="))
        return rc;
    if (asprintf(&seeded, "%s%sseed=%" PRIu64, spec, strchr(spec, ':') ? "," : ":", seed) < 0)
        return fb_fail_memory(err, "a workload");
    rc = fb_workload_parse(seeded, workload, options, err);
    free(seeded);
    return rc;
}

/* The sample that a search asks for by name, by the path that it goes by without names: that of the
 * first array which the search would find there. */
static const char *unnamed(const struct fb_request *request, const struct fb_catalog *named,
                           const struct fb_catalog *paths)
{
    for (size_t i = 0; i < named->array_count; i++) {
        const struct fb_array_info *array = &named->arrays[i];
        if (request->axis < array->rank && fb_glob_match(request->array, array->path) &&
            strcmp(named->samples[array->sample].name, request->name) == 0)
            return paths->samples[fb_catalog_find(paths, array->path)->sample].name;
    }
    return request->name;
}

static int unname(struct fb_plan *plan, const struct fb_catalog *named,
                  const struct fb_catalog *paths, struct fb_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct fb_request *request = &plan->requests[i];
        if (request->op != FB_OP_SEARCH_NAME)
            continue;
        char *name = strdup(unnamed(request, named, paths));
        if (!name)
            return fb_fail_memory(err, "a plan");
        free(request->name);
        request->name = name;
    }
    return 0;
}

static int make_variant(struct fb_task *task, size_t number, enum fb_variant v,
                        const struct fb_plan *plan, const struct fb_dataset *dataset,
                        const char *folder, struct fb_error *err)
{
    struct fb_source *source = fb_dataset_source(dataset, v);
    int rc = fb_plan_retype(plan, fb_source_catalog(source), &task->variant[v].plan, err);
    if (rc == 0 && (v == FB_VARIANT_UNNAMED || v == FB_VARIANT_UNNAMED_NARROWED))
        rc = unname(&task->variant[v].plan, fb_source_catalog(source),
                    fb_dataset_searched(dataset, v), err);
    if (rc)
        return rc;
    task->variant[v].hashes = calloc(plan->count + 1, sizeof(struct fb_hash));
    if (!task->variant[v].hashes ||
        asprintf(&task->variant[v].path, "%s/plan-%zu-%d.csv", folder, number, (int)v) < 0)
        return fb_fail_memory(err, "a plan");
    rc = fb_reference_hash(&task->variant[v].plan, source, fb_dataset_searched(dataset, v),
                           task->variant[v].hashes, err);
    if (rc == 0)
        rc = fb_plan_write(&task->variant[v].plan, task->variant[v].path, err);
    task->variant[v].made = rc == 0;
    return rc;
}

static int make_task(struct fb_task *task, size_t number, const char *spec,
                     const struct fb_run_config *config, const struct fb_dataset *dataset,
                     const bool needed[FB_VARIANT_COUNT], const char *folder, struct fb_error *err)
{
    struct fb_options options;
    struct fb_plan plan = { 0 };
    int rc = parse_workload(spec, config->seed, &task->workload, &options, err);
    if (rc)
        return rc;
    fb_workload_settle(task->workload, fb_source_catalog(dataset->source), &options);
    fb_options_canonical(&options, task->options, sizeof task->options);
    rc = task->workload->plan(fb_source_catalog(dataset->source), &options, &plan, task->reason,
                              sizeof task->reason, err);
    if (rc == 0 && plan.count == 0 && !*task->reason)
        snprintf(task->reason, sizeof task->reason, "the dataset has nothing for it to read");
    for (int v = 0; rc == 0 && plan.count > 0 && v < FB_VARIANT_COUNT; v++)
        if (needed[v])
            rc = make_variant(task, number, (enum fb_variant)v, &plan, dataset, folder, err);
    fb_plan_free(&plan);
    return rc;
}

static size_t add_workloads(bool all, const char **specs, size_t count)
{
    for (size_t i = 0; fb_workloads[i]; i++)
        if (all || fb_workloads[i]->standard)
            specs[count++] = fb_workloads[i]->name;
    return count;
}

/* What -w said, with names for "all" and for nothing. The list is the caller's. */
static int list_specs(const struct fb_run_config *config, const char ***specs, size_t *count,
                      struct fb_error *err)
{
    size_t there = 0;
    while (fb_workloads[there])
        there++;
    *count = 0;
    *specs = calloc((config->workload_count + 1) * there, sizeof **specs);
    if (!*specs)
        return fb_fail_memory(err, "the workloads");
    if (config->workload_count == 0)
        *count = add_workloads(false, *specs, 0);
    for (size_t i = 0; i < config->workload_count; i++) {
        if (strcmp(config->workloads[i], FB_WORKLOAD_ALL) == 0)
            *count = add_workloads(true, *specs, *count);
        else
            (*specs)[(*count)++] = config->workloads[i];
    }
    return 0;
}

/* Asked for twice, the last one would have the rows of the first. */
static bool is_repeated(const struct fb_tasks *tasks)
{
    const struct fb_task *last = &tasks->items[tasks->count - 1];
    for (const struct fb_task *task = tasks->items; task < last; task++)
        if (task->workload == last->workload && strcmp(task->options, last->options) == 0)
            return true;
    return false;
}

int fb_tasks_make(const struct fb_run_config *config, const struct fb_dataset *dataset,
                  const bool needed[FB_VARIANT_COUNT], const char *folder, struct fb_tasks *out,
                  struct fb_error *err)
{
    const char **specs;
    size_t count;
    int rc = list_specs(config, &specs, &count, err);
    if (rc)
        return rc;
    *out = (struct fb_tasks){ .items = calloc(count + 1, sizeof *out->items) };
    if (!out->items)
        rc = fb_fail_memory(err, "the workloads");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        config->progress(config->listener, i, count, "planning");
        rc =
            make_task(&out->items[out->count++], i, specs[i], config, dataset, needed, folder, err);
        if (rc == 0 && is_repeated(out))
            free_task(&out->items[--out->count]);
    }
    free(specs);
    if (rc)
        fb_tasks_free(out);
    return rc;
}

static int print_tasks(void *context, FILE *stream, struct fb_error *err)
{
    const struct fb_tasks *tasks = context;
    (void)err;
    fb_plan_print_header(stream);
    for (size_t i = 0; i < tasks->count; i++) {
        const struct fb_task *task = &tasks->items[i];
        int v = 0;
        while (v + 1 < FB_VARIANT_COUNT && !task->variant[v].made)
            v++;
        fb_plan_print(stream, task->workload->name, task->options, &task->variant[v].plan,
                      task->variant[v].hashes);
    }
    return 0;
}

int fb_tasks_write(const struct fb_tasks *tasks, const char *path, struct fb_error *err)
{
    return fb_output_write(path, print_tasks, (void *)tasks, err);
}
