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
static const char *const growing[] = { FB_ACCESS_WORKLOAD ":n=1", "batch-stats", NULL };

/* A level is written six times, the fewest that give an interval. */
#define WRITES 6

const struct fb_claims_part fb_claims_parts[] = {
    { FB_RUN_SIZES, FB_EXTENT_MAIN, BIT(FB_PICKLE), steps, cheapest, false, ONCE, 1, 0 },
    { FB_RUN_LEVELS, FB_EXTENT_SMALL, 0, levels, full_load, false, ONCE, 0, WRITES },
    { FB_RUN_WHOLE, FB_EXTENT_MAIN, BIT(FB_CONTESTANTS) - 1, NULL, full_load, true, ONCE, 0, 0 },
    { FB_RUN_PARTS, FB_EXTENT_MAIN, BIT(FB_PICKLE) | GZIP_READERS, NULL, parts, true, ONCE, 0, 0 },
    { FB_RUN_HABITS, FB_EXTENT_MAIN, GZIP_READERS, NULL, habits, true, KEEP, 0, 0 },
    { FB_RUN_HANDLES, FB_EXTENT_MAIN, GZIP_READERS, NULL, accesses, true, EACH | KEEP, 0, 0 },
    { FB_RUN_GROWTH, FB_EXTENT_GROWING, BIT(FB_PICKLE) | GZIP_READERS, NULL, growing, true, ONCE, 0,
      0 },
    { NULL, FB_EXTENT_MAIN, 0, NULL, NULL, false, 0, 0, 0 },
};

void fb_claims_extents_of(size_t there, size_t main, bool quick, struct fb_claims_extents *out)
{
    *out = (struct fb_claims_extents){ .main = main, .small = (main + 3) / 4 };
    for (size_t part = quick ? 4 : 8; part > 0; part /= quick ? 4 : 2) {
        size_t samples = (there + part - 1) / part;
        if (out->growing_count == 0 || samples > out->growing[out->growing_count - 1])
            out->growing[out->growing_count++] = samples;
    }
}
