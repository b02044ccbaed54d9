#include "bench/claims/plan.h"

#include <stddef.h>

#define BIT(n) (1u << (n))
#define ONCE BIT(FB_HANDLE_ONCE)
#define EACH BIT(FB_HANDLE_EACH)
#define KEEP BIT(FB_HANDLE_KEEP)
#define GZIP_READERS (BIT(FB_H5PY_GZIP) | BIT(FB_HDF5_GZIP))

/* The steps from the guide's pickle to its HDF5 file, and those beside the way. */
static const char *const steps[] = { "hdf5-contiguous",        "hdf5-contiguous:dtype=f32",
                                     "hdf5-chunked:dtype=f32", "hdf5-chunked:dtype=f32,shuffle=1",
                                     "hdf5-chunked",           NULL };

static const char *const levels[] = {
    "hdf5-contiguous:dtype=f32",      "hdf5-chunked:dtype=f32,level=0",
    "hdf5-chunked:dtype=f32,level=1", "hdf5-chunked:dtype=f32,level=2",
    "hdf5-chunked:dtype=f32,level=3", "hdf5-chunked:dtype=f32,level=4",
    "hdf5-chunked:dtype=f32,level=5", "hdf5-chunked:dtype=f32,level=6",
    "hdf5-chunked:dtype=f32,level=7", "hdf5-chunked:dtype=f32,level=8",
    "hdf5-chunked:dtype=f32,level=9", NULL
};

static const char *const cheapest[] = { "metadata", NULL };
static const char *const full_load[] = { "full-load", NULL };
static const char *const parts[] = { "slicing:window=100,n=1", "search", NULL };
static const char *const habits[] = {
    "random-access:n=10", "random-access:n=1", "slicing:n=10", "feature", "scan", "open", NULL
};
static const char *const accesses[] = { FB_ACCESS_WORKLOAD ":n=10", NULL };
static const char *const one_access[] = { FB_ACCESS_WORKLOAD ":n=1", NULL };
static const char *const one_in_memory[] = { "batch-stats", NULL };
static const char *const epochs[] = { "epoch:batch=4,workers=0", "epoch:batch=4,workers=1",
                                      "epoch:batch=4,workers=2", "epoch:batch=4,workers=4", NULL };

/* A level is written six times, the fewest that give an interval. */
#define WRITES 6

const struct fb_claims_part fb_claims_parts[] = {
    { .name = FB_RUN_SIZES,
      .contestants = BIT(FB_PICKLE),
      .formats = steps,
      .workloads = cheapest,
      .handles = ONCE,
      .blocks = 1 },
    { .name = FB_RUN_LEVELS,
      .extent = FB_EXTENT_SMALL,
      .formats = levels,
      .workloads = full_load,
      .handles = ONCE,
      .repeats = WRITES },
    { .name = FB_RUN_WHOLE,
      .contestants = BIT(FB_CONTESTANTS) - 1,
      .workloads = full_load,
      .cold = true,
      .handles = ONCE },
    { .name = FB_RUN_PARTS,
      .contestants = BIT(FB_PICKLE) | GZIP_READERS,
      .workloads = parts,
      .cold = true,
      .handles = ONCE },
    { .name = FB_RUN_HABITS,
      .contestants = GZIP_READERS,
      .workloads = habits,
      .cold = true,
      .handles = KEEP },
    { .name = FB_RUN_HANDLES,
      .contestants = GZIP_READERS,
      .workloads = accesses,
      .cold = true,
      .handles = EACH | KEEP },
    { .name = FB_RUN_GROWTH,
      .extent = FB_EXTENT_GROWING,
      .contestants = BIT(FB_PICKLE) | GZIP_READERS,
      .workloads = one_access,
      .cold = true,
      .handles = ONCE },
    { .name = FB_RUN_MEMORY,
      .extent = FB_EXTENT_TWO,
      .contestants = BIT(FB_PICKLE) | BIT(FB_H5PY_GZIP),
      .workloads = one_in_memory,
      .handles = ONCE },
    { .name = FB_RUN_WORKERS,
      .extent = FB_EXTENT_LARGE,
      .contestants = BIT(FB_HDF5_GZIP),
      .workloads = epochs,
      .handles = ONCE },
    { 0 },
};

void fb_claims_extents_of(size_t there, size_t main, bool quick, struct fb_claims_extents *out)
{
    *out = (struct fb_claims_extents){ .main = main, .small = (main + 3) / 4, .large = there };
    out->growing[out->growing_count++] = 1;
    for (size_t part = quick ? 4 : 8; part > 0; part /= quick ? 4 : 2) {
        size_t samples = (there + part - 1) / part;
        if (samples > out->growing[out->growing_count - 1])
            out->growing[out->growing_count++] = samples;
    }
}
