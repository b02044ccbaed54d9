/* Claims about one access, over growing datasets. */
#include "results/claims_measure.h"

#include <math.h>
#include <stdio.h>

#define S 1e9 /* ns */

static const char *const caches[] = { "warm", "cold" };

/* A series of the growth runs: a is the time of one contestant's access, b of another's, x the
 * bytes of all arrays as the pickle has them. */
struct growth {
    struct fb_point points[FB_GROWTH_MOST];
    size_t count;
};

static struct fb_pick access_of(char *run, size_t size, size_t number, enum fb_contestant who,
                                const char *cache)
{
    snprintf(run, size, "%s%zu", FB_RUN_GROWTH, number);
    return fb_claim_pick(run, who, FB_ACCESS_WORKLOAD, NULL, cache, "once");
}

static void take_growth(const struct fb_evidence *evidence, enum fb_contestant a,
                        enum fb_contestant b, const char *cache, struct growth *out)
{
    char run[32];
    for (out->count = 0; out->count < FB_GROWTH_MOST; out->count++) {
        struct fb_point *point = &out->points[out->count];
        struct fb_pick pick = access_of(run, sizeof run, out->count + 1, FB_PICKLE, cache);
        struct fb_pick any = { .run = run };
        if (!fb_evidence_find(evidence, &any))
            return;
        fb_quantity_column(&point->x, evidence, &pick, "dataset_bytes");
        pick = access_of(run, sizeof run, out->count + 1, a, cache);
        fb_quantity_time(&point->a, evidence, &pick);
        pick = access_of(run, sizeof run, out->count + 1, b, cache);
        fb_quantity_time(&point->b, evidence, &pick);
    }
}

static const struct fb_quantity nothing = {
    .value = NAN, .lower = NAN, .upper = NAN, .missing = "no growing datasets were measured"
};

/* The first or last point's quantity. */
static const struct fb_quantity *end_of(const struct growth *growth, bool last)
{
    return growth->count ? &growth->points[last ? growth->count - 1 : 0].a : &nothing;
}

/* Beyond the largest dataset the straight line is an assumption. */
static bool lies_beyond(const struct fb_quantity *size, const struct growth *growth)
{
    return growth->count > 0 && size->value > growth->points[growth->count - 1].x.value;
}

/* --- pickle loads all ------------------------------------------------------------------------- */

int fb_measure_load(const struct fb_claim *claim, const struct fb_evidence *evidence,
                    struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part times[] = {
        { "for the largest dataset, warm", "decides", "ns", 2 * S, 5 * S, NAN },
        { "for the largest dataset, cold", "decides", "ns", 2 * S, 5 * S, NAN },
    };
    static const struct fb_claim_part grows[] = {
        { "from the smallest to the largest, warm", "softens", "ratio", 1, NAN, NAN },
        { "from the smallest to the largest, cold", "softens", "ratio", 1, NAN, NAN },
    };
    static const struct fb_claim_part reaches[2][2] = {
        { { "of arrays take 2 s, warm", "told", "bytes", NAN, NAN, NAN },
          { "of arrays take 2 s, cold", "told", "bytes", NAN, NAN, NAN } },
        { { "of arrays take 2 s, warm (extrapolated)", "told", "bytes", NAN, NAN, NAN },
          { "of arrays take 2 s, cold (extrapolated)", "told", "bytes", NAN, NAN, NAN } },
    };
    static const struct fb_claim_part measured = {
        "of arrays in the largest", "told", "bytes", NAN, NAN, NAN
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct growth growth[2];
    struct fb_quantity quantity;
    for (size_t c = 0; c < 2; c++) {
        take_growth(evidence, FB_PICKLE, FB_H5PY_GZIP, caches[c], &growth[c]);
        fb_measuring_add(&measuring, &times[c], end_of(&growth[c], true));
    }
    for (size_t c = 0; c < 2; c++) {
        fb_quantity_ratio(&quantity, end_of(&growth[c], true), end_of(&growth[c], false));
        fb_measuring_add(&measuring, &grows[c], &quantity);
    }
    for (size_t c = 0; c < 2; c++) {
        fb_quantity_reach(&quantity, 2 * S, growth[c].points, growth[c].count);
        fb_measuring_add(&measuring, &reaches[lies_beyond(&quantity, &growth[c])][c], &quantity);
    }
    fb_measuring_add(&measuring, &measured,
                     growth[0].count ? &growth[0].points[growth[0].count - 1].x : &nothing);
    return measuring.rc;
}

/* --- HDF5 goes direct ------------------------------------------------------------------------- */

static void add_longest(struct fb_measuring *measuring, const struct fb_claim_part *part,
                        enum fb_contestant who, const char *cache)
{
    struct fb_quantity times[FB_GROWTH_MOST], longest;
    struct growth growth;
    take_growth(measuring->evidence, who, who, cache, &growth);
    for (size_t i = 0; i < growth.count; i++)
        times[i] = growth.points[i].a;
    fb_quantity_largest(&longest, times, growth.count);
    fb_measuring_add(measuring, part, &longest);
}

int fb_measure_direct(const struct fb_claim *claim, const struct fb_evidence *evidence,
                      struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part longest[] = {
        { "at the most, warm", "decides", "ns", NAN, 0.05 * S, NAN },
        { "at the most, cold", "decides", "ns", NAN, 0.05 * S, NAN },
    };
    static const struct fb_claim_part native[] = {
        { "at the most in C, warm", "told", "ns", NAN, NAN, NAN },
        { "at the most in C, cold", "told", "ns", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    for (size_t c = 0; c < 2; c++)
        add_longest(&measuring, &longest[c], FB_H5PY_GZIP, caches[c]);
    for (size_t c = 0; c < 2; c++)
        add_longest(&measuring, &native[c], FB_HDF5_GZIP, caches[c]);
    return measuring.rc;
}

/* --- the two against each other --------------------------------------------------------------- */

static void add_series(struct fb_measuring *measuring, enum fb_contestant who, const char *cache)
{
    char name[64];
    struct growth growth;
    take_growth(measuring->evidence, who, who, cache, &growth);
    for (size_t i = 0; i < growth.count; i++) {
        struct fb_claim_part part = { name, "series", "ns", NAN, NAN, growth.points[i].x.value };
        snprintf(name, sizeof name, "%s, %s", fb_contestants[who].label, cache);
        fb_measuring_add(measuring, &part, &growth.points[i].a);
    }
}

static void add_advantage(struct fb_measuring *measuring, const struct fb_claim_part *part,
                          size_t number, const char *cache)
{
    char run[32];
    struct fb_pick pickle = access_of(run, sizeof run, number, FB_PICKLE, cache);
    struct fb_pick hdf5 = access_of(run, sizeof run, number, FB_H5PY_GZIP, cache);
    fb_measuring_faster(measuring, part, &pickle, &hdf5);
}

int fb_measure_access(const struct fb_claim *claim, const struct fb_evidence *evidence,
                      struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part advantages[2][2] = {
        { { "as fast as pickle, largest dataset, warm", "decides", "ratio", 1, NAN, NAN },
          { "as fast as pickle, largest dataset, cold", "decides", "ratio", 1, NAN, NAN } },
        { { "as fast as pickle, smallest dataset, warm", "decides", "ratio", 1, NAN, NAN },
          { "as fast as pickle, smallest dataset, cold", "decides", "ratio", 1, NAN, NAN } },
    };
    static const struct fb_claim_part crossings[2][2] = {
        { { "of arrays: crossover, warm", "told", "bytes", NAN, NAN, NAN },
          { "of arrays: crossover, cold", "told", "bytes", NAN, NAN, NAN } },
        { { "of arrays: crossover in C, warm", "told", "bytes", NAN, NAN, NAN },
          { "of arrays: crossover in C, cold", "told", "bytes", NAN, NAN, NAN } },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_quantity crossing;
    struct growth growth[2];
    for (size_t c = 0; c < 2; c++)
        take_growth(evidence, FB_PICKLE, FB_H5PY_GZIP, caches[c], &growth[c]);
    for (size_t c = 0; c < 2; c++)
        add_advantage(&measuring, &advantages[0][c], growth[c].count, caches[c]);
    for (size_t c = 0; c < 2; c++)
        add_advantage(&measuring, &advantages[1][c], 1, caches[c]);
    for (size_t k = 0; k < 2; k++) {
        for (size_t c = 0; c < 2; c++) {
            take_growth(evidence, FB_PICKLE, k ? FB_HDF5_GZIP : FB_H5PY_GZIP, caches[c],
                        &growth[c]);
            fb_quantity_crossing(&crossing, growth[c].points, growth[c].count);
            fb_measuring_add(&measuring, &crossings[k][c], &crossing);
        }
    }
    for (size_t c = 0; c < 2; c++) {
        add_series(&measuring, FB_PICKLE, caches[c]);
        add_series(&measuring, FB_H5PY_GZIP, caches[c]);
        add_series(&measuring, FB_HDF5_GZIP, caches[c]);
    }
    return measuring.rc;
}

/* --- memory ----------------------------------------------------------------------------------- */

/* The peak of the smaller (1) or larger (2) dataset, and the bytes of its arrays. */
static void take_peak(const struct fb_evidence *evidence, size_t number, enum fb_contestant who,
                      struct fb_quantity *peak, struct fb_quantity *bytes)
{
    char run[32];
    snprintf(run, sizeof run, "%s%zu", FB_RUN_MEMORY, number);
    struct fb_pick pick = fb_claim_pick(run, who, "batch-stats", NULL, "warm", "once");
    fb_quantity_peak(peak, evidence, &pick);
    pick = fb_claim_pick(run, FB_PICKLE, "batch-stats", NULL, "warm", "once");
    fb_quantity_column(bytes, evidence, &pick, "dataset_bytes");
}

static void add_memory(struct fb_measuring *measuring, const struct fb_claim_part *slope_part,
                       const struct fb_claim_part *peak_part, enum fb_contestant who)
{
    struct fb_quantity small, large, small_bytes, large_bytes, slope;
    take_peak(measuring->evidence, 1, who, &small, &small_bytes);
    take_peak(measuring->evidence, 2, who, &large, &large_bytes);
    fb_quantity_slope(&slope, &small, &large, &small_bytes, &large_bytes);
    fb_measuring_add(measuring, slope_part, &slope);
    fb_measuring_add(measuring, peak_part, &large);
}

int fb_measure_memory(const struct fb_claim *claim, const struct fb_evidence *evidence,
                      struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part slopes[] = {
        { "of the dataset in memory, one at a time", "decides", "part", NAN, 0.1, NAN },
        { "of the dataset in memory, pickle", "told", "part", NAN, NAN, NAN },
    };
    static const struct fb_claim_part peaks[] = {
        { "of peak memory for the larger, one at a time", "told", "bytes", NAN, NAN, NAN },
        { "of peak memory for the larger, pickle", "told", "bytes", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    add_memory(&measuring, &slopes[0], &peaks[0], FB_H5PY_GZIP);
    add_memory(&measuring, &slopes[1], &peaks[1], FB_PICKLE);
    return measuring.rc;
}
