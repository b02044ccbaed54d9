/* A workload: how a dataset is read. It turns a catalog and options into a plan and knows no
 * format. One file in bench/workloads/, one line in workloads.c. */
#ifndef FB_BENCH_WORKLOAD_H
#define FB_BENCH_WORKLOAD_H

#include "base/options.h"
#include "bench/plan.h"

struct fb_workload {
    const char *name;
    const char *summary; /* one line for `fmtbench list` and the docs */
    const struct fb_option *options;
    bool standard;         /* taken without -w; kept to few, for a run to end soon */
    bool handles;          /* `each` and `keep` are measured by default too, beside `once` */
    const char *once_only; /* why `each` and `keep` make no sense; NULL where they do */
    const char *noxire; /* array glob that stands for an empty array= in a NoXiRe dataset; NULL for
                           a workload without array= */
    /* Fills the empty plan from the catalog. A dataset without a target leaves the plan empty and
     * explains it in reason (reason_size bytes), which becomes a not-applicable row. The options
     * have been settled (fb_workload_settle). The same catalog and options give the same plan on
     * every machine. */
    int (*plan)(const struct fb_catalog *catalog, const struct fb_options *options,
                struct fb_plan *plan, char *reason, size_t reason_size, struct fb_error *err);
};

/* All workloads, ended by NULL. */
extern const struct fb_workload *const fb_workloads[];

/* What stands for all of them in a list of workloads. */
#define FB_WORKLOAD_ALL "all"

/* "name:key=value,..." -> workload and options. FB_EUSAGE naming the nearest. */
int fb_workload_parse(const char *spec, const struct fb_workload **workload,
                      struct fb_options *options, struct fb_error *err);

/* The option rows that workloads share. Defaults of "" mean: what fits the dataset. */
#define FB_OPTION_ARRAY                                                                            \
    {                                                                                              \
        "array", FB_OPTION_TEXT, "", 0, 0, NULL, NULL, "glob over array paths (default: all)"      \
    }
#define FB_OPTION_FACE                                                                             \
    {                                                                                              \
        "array", FB_OPTION_TEXT, "", 0, 0, NULL, NULL,                                             \
            "glob over array paths (default: */expert/face in a NoXiRe dataset, else all)"         \
    }
#define FB_OPTION_AUS                                                                              \
    {                                                                                              \
        "array", FB_OPTION_TEXT, "", 0, 0, NULL, NULL,                                             \
            "glob over array paths (default: */aus in a NoXiRe dataset, else all)"                 \
    }
#define FB_OPTION_N(fallback, what)                                                                \
    {                                                                                              \
        "n", FB_OPTION_UINT, fallback, 0, 1000000000, NULL, NULL, what                             \
    }
#define FB_OPTION_AXIS(what)                                                                       \
    {                                                                                              \
        "axis", FB_OPTION_UINT, "0", 0, FB_MAX_RANK - 1, NULL, NULL, what                          \
    }
#define FB_OPTION_WINDOW(fallback, what)                                                           \
    {                                                                                              \
        "window", FB_OPTION_UINT, fallback, 0, UINT32_MAX, NULL, NULL, what                        \
    }
#define FB_OPTION_SEED                                                                             \
    {                                                                                              \
        "seed", FB_OPTION_UINT, "1", 0, UINT64_MAX, NULL, NULL, "seed of the order"                \
    }

/* Puts the glob in force where array= was left empty, so that records say what was read. */
void fb_workload_settle(const struct fb_workload *workload, const struct fb_catalog *catalog,
                        struct fb_options *options);

/* Indices of the arrays that array= selects, in catalog order, in fresh memory (*out, freed by the
 * caller). When none matches, *count is 0 and reason says so. */
int fb_workload_select(const struct fb_catalog *catalog, const struct fb_options *options,
                       size_t **out, size_t *count, char *reason, size_t reason_size,
                       struct fb_error *err);

/* A cap that is asked for: n = 0 means all there is. */
size_t fb_workload_cap(uint64_t asked, size_t there);

#endif
