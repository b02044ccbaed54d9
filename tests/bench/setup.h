/* What benchmarks of fmtbench itself begin with: a folder, a source, plans of workloads, files. */
#ifndef FB_TESTS_BENCH_SETUP_H
#define FB_TESTS_BENCH_SETUP_H

#include "bench/workload.h"
#include "formats/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void die(const struct fb_error *err)
{
    fprintf(stderr, "benchmark: %s\n", err->message);
    exit(1);
}

static inline void must(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "benchmark: %s failed\n", what);
        exit(1);
    }
}

/* The workload's plan for the source's arrays, as `run` makes it. */
static inline void make_plan(const char *spec, const struct fb_catalog *catalog,
                             struct fb_plan *plan)
{
    const struct fb_workload *workload;
    struct fb_options options;
    struct fb_error err;
    char reason[256] = "";
    *plan = (struct fb_plan){ 0 };
    if (fb_workload_parse(spec, &workload, &options, &err))
        die(&err);
    fb_workload_settle(workload, catalog, &options);
    if (workload->plan(catalog, &options, plan, reason, sizeof reason, &err))
        die(&err);
}

/* Writes the source as "FORMAT:options" and starts the format's library. */
static inline void make_file(const char *spec, const char *path, struct fb_source *source,
                             const struct fb_format **format, struct fb_options *options)
{
    struct fb_error err;
    if (fb_format_parse(spec, format, options, &err) ||
        fb_file_write(*format, options, path, source, NULL, &err))
        die(&err);
    if ((*format)->start && (*format)->start(options, &err))
        die(&err);
}

/* A data file in a temporary folder, and what lies beside it. */
struct bench_folder {
    char folder[64], data[96], plan[96];
};

static inline void bench_folder_make(struct bench_folder *bench)
{
    snprintf(bench->folder, sizeof bench->folder, "%s", "/tmp/fmtbench-bench-XXXXXX");
    must(mkdtemp(bench->folder), "mkdtemp");
    snprintf(bench->data, sizeof bench->data, "%s/data.h5", bench->folder);
    snprintf(bench->plan, sizeof bench->plan, "%s/plan.csv", bench->folder);
}

static inline void bench_folder_remove(const struct bench_folder *bench)
{
    char manifest[128];
    snprintf(manifest, sizeof manifest, "%s.manifest.json", bench->data);
    unlink(manifest);
    unlink(bench->data);
    unlink(bench->plan);
    rmdir(bench->folder);
}

#endif
