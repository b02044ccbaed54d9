/* Claims about storing: size, gzip levels, processor time. */
#include "results/claims_measure.h"

#include <math.h>
#include <stdio.h>

/* --- size ------------------------------------------------------------------------------------- */

/* Every way of writing, in the order of the steps from the guide's pickle to its HDF5 file. */
enum step { PICKLE, PLAIN_64, PLAIN_32, GZIP_32, SHUFFLE_32, GZIP_64, STEPS };

static const struct fb_pick steps[STEPS] = {
    [PLAIN_64] = { .format = "hdf5-contiguous", .options = "dtype=source" },
    [PLAIN_32] = { .format = "hdf5-contiguous", .options = "dtype=f32" },
    [GZIP_32] = { .format = "hdf5-chunked", .options = "dtype=f32,level=4,shuffle=0" },
    [SHUFFLE_32] = { .format = "hdf5-chunked", .options = "dtype=f32,level=4,shuffle=1" },
    [GZIP_64] = { .format = "hdf5-chunked", .options = "dtype=source,level=4,shuffle=0" },
};

static const struct fb_claim_part step_parts[STEPS] = {
    { "pickle", "series", "bytes", NAN, NAN, PICKLE },
    { "HDF5 of the same type", "series", "bytes", NAN, NAN, PLAIN_64 },
    { "HDF5 of float32", "series", "bytes", NAN, NAN, PLAIN_32 },
    { "float32 with gzip 4", "series", "bytes", NAN, NAN, GZIP_32 },
    { "float32 with shuffle and gzip 4", "series", "bytes", NAN, NAN, SHUFFLE_32 },
    { "the same type with gzip 4", "series", "bytes", NAN, NAN, GZIP_64 },
};

int fb_measure_size(const struct fb_claim *claim, const struct fb_evidence *evidence,
                    struct fb_figures *out, struct fb_error *err)
{
    static const struct {
        struct fb_claim_part part;
        enum step from, to;
    } savings[] = {
        { { "saved in all", "decides", "part", 0.4, 0.6, NAN }, PICKLE, GZIP_32 },
        { { "saved by float32 alone", "softens", "part", 0.4, 0.6, NAN }, PLAIN_64, PLAIN_32 },
        { { "saved by gzip 4 alone, of float32", "softens", "part", 0.4, 0.6, NAN },
          PLAIN_32,
          GZIP_32 },
        { { "saved by gzip 4 alone, of the pickle's type", "softens", "part", 0.4, 0.6, NAN },
          PLAIN_64,
          GZIP_64 },
        { { "saved by shuffle before gzip 4", "told", "part", NAN, NAN, NAN },
          GZIP_32,
          SHUFFLE_32 },
        { { "saved by HDF5 in place of pickle", "told", "part", NAN, NAN, NAN }, PICKLE, PLAIN_64 },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_quantity sizes[STEPS], saving;
    for (size_t i = 0; i < STEPS; i++) {
        struct fb_pick pick =
            i == PICKLE ? fb_claim_pick(NULL, FB_PICKLE, NULL, NULL, NULL, NULL) : steps[i];
        pick.run = FB_RUN_SIZES;
        fb_quantity_column(&sizes[i], evidence, &pick, "file_bytes");
    }
    for (size_t i = 0; i < sizeof savings / sizeof *savings; i++) {
        fb_quantity_saving(&saving, &sizes[savings[i].to], &sizes[savings[i].from]);
        fb_measuring_add(&measuring, &savings[i].part, &saving);
    }
    for (size_t i = 0; i < STEPS; i++)
        fb_measuring_add(&measuring, &step_parts[i], &sizes[i]);
    return measuring.rc;
}

/* --- gzip levels ------------------------------------------------------------------------------ */

#define GUIDES_LEVEL 4
/* What is about as small, and what is much faster: the ends of "a good balance". */
#define ABOUT 1.05
#define MUCH 1.25

static void take_level(const struct fb_evidence *evidence, size_t level, struct fb_tradeoff *out)
{
    char options[64], first[32];
    snprintf(options, sizeof options, "dtype=f32,level=%zu,shuffle=0", level);
    snprintf(first, sizeof first, "%s1", FB_RUN_LEVELS);
    struct fb_pick pick = { .run = first,
                            .format = "hdf5-chunked",
                            .options = options,
                            .workload = "full-load",
                            .cache = "warm",
                            .handle = "once" };
    fb_quantity_column(&out->size, evidence, &pick, "file_bytes");
    fb_quantity_time(&out->read, evidence, &pick);
    pick.run = FB_RUN_LEVELS;
    fb_quantity_over(&out->write, evidence, &pick, "write_ns");
}

/* Level 4's file over the smallest. */
static void compare_sizes(const struct fb_tradeoff *levels, struct fb_quantity *out)
{
    size_t smallest = 0;
    for (size_t i = 1; i < FB_GZIP_LEVELS; i++)
        if (levels[i].size.value < levels[smallest].size.value)
            smallest = i;
    fb_quantity_ratio(out, &levels[GUIDES_LEVEL].size, &levels[smallest].size);
}

static void add_levels(struct fb_measuring *measuring, const struct fb_tradeoff *levels)
{
    struct fb_quantity dominators;
    for (size_t i = 0; i < FB_GZIP_LEVELS; i++) {
        struct fb_claim_part part = { "file", "series", "bytes", NAN, NAN, (double)i };
        fb_measuring_add(measuring, &part, &levels[i].size);
        part = (struct fb_claim_part){ "write", "series", "ns", NAN, NAN, (double)i };
        fb_measuring_add(measuring, &part, &levels[i].write);
        part = (struct fb_claim_part){ "full load", "series", "ns", NAN, NAN, (double)i };
        fb_measuring_add(measuring, &part, &levels[i].read);
        fb_quantity_dominators(&dominators, levels, FB_GZIP_LEVELS, i);
        part = (struct fb_claim_part){ "dominated by", "series", "count", NAN, NAN, (double)i };
        fb_measuring_add(measuring, &part, &dominators);
    }
}

int fb_measure_gzip(const struct fb_claim *claim, const struct fb_evidence *evidence,
                    struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part dominated = {
        "levels as small and faster", "must", "count", NAN, 0, NAN
    };
    static const struct fb_claim_part size = {
        "the size of the smallest level", "decides", "ratio", NAN, ABOUT, NAN
    };
    static const struct fb_claim_part cheaper = {
        "the time to write of a lower level about as small", "decides", "ratio", NAN, MUCH, NAN
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_tradeoff levels[FB_GZIP_LEVELS];
    struct fb_quantity quantity;
    for (size_t i = 0; i < FB_GZIP_LEVELS; i++)
        take_level(evidence, i, &levels[i]);
    compare_sizes(levels, &quantity);
    fb_measuring_add(&measuring, &size, &quantity);
    fb_quantity_dominators(&quantity, levels, FB_GZIP_LEVELS, GUIDES_LEVEL);
    fb_measuring_add(&measuring, &dominated, &quantity);
    fb_quantity_cheaper(&quantity, levels, GUIDES_LEVEL, ABOUT);
    fb_measuring_add(&measuring, &cheaper, &quantity);
    add_levels(&measuring, levels);
    return measuring.rc;
}

/* --- processor time --------------------------------------------------------------------------- */

static void cpu_ratio(struct fb_measuring *measuring, const struct fb_claim_part *part,
                      enum fb_contestant gzip, enum fb_contestant plain)
{
    struct fb_quantity a, b, ratio;
    struct fb_pick with = fb_claim_pick(FB_RUN_WHOLE, gzip, "full-load", NULL, "warm", "once");
    struct fb_pick without = fb_claim_pick(FB_RUN_WHOLE, plain, "full-load", NULL, "warm", "once");
    fb_quantity_cpu(&a, measuring->evidence, &with);
    fb_quantity_cpu(&b, measuring->evidence, &without);
    fb_quantity_ratio(&ratio, &a, &b);
    fb_measuring_add(measuring, part, &ratio);
}

static void write_ratio(struct fb_measuring *measuring, const struct fb_claim_part *part,
                        const char *column)
{
    struct fb_quantity a, b, ratio;
    struct fb_pick gzip = fb_claim_pick(FB_RUN_LEVELS, FB_HDF5_GZIP, "full-load", NULL, NULL, NULL);
    struct fb_pick plain =
        fb_claim_pick(FB_RUN_LEVELS, FB_HDF5_PLAIN, "full-load", NULL, NULL, NULL);
    fb_quantity_over(&a, measuring->evidence, &gzip, column);
    fb_quantity_over(&b, measuring->evidence, &plain, column);
    fb_quantity_ratio(&ratio, &a, &b);
    fb_measuring_add(measuring, part, &ratio);
}

static void add_seconds(struct fb_measuring *measuring, enum fb_contestant who, const char *cpu,
                        const char *wall)
{
    struct fb_quantity quantity;
    struct fb_pick pick = fb_claim_pick(FB_RUN_WHOLE, who, "full-load", NULL, "warm", "once");
    struct fb_claim_part part = { cpu, "told", "ns", NAN, NAN, NAN };
    fb_quantity_cpu(&quantity, measuring->evidence, &pick);
    fb_measuring_add(measuring, &part, &quantity);
    part.figure = wall;
    fb_measuring_time(measuring, &part, &pick);
}

int fb_measure_cpu(const struct fb_claim *claim, const struct fb_evidence *evidence,
                   struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part loading = {
        "the processor time to load, with gzip 4", "decides", "ratio", 1, NAN, NAN
    };
    static const struct fb_claim_part writing = {
        "the processor time to write, with gzip 4", "decides", "ratio", 1, NAN, NAN
    };
    static const struct fb_claim_part native = {
        "the processor time to load in C", "told", "ratio", NAN, NAN, NAN
    };
    static const struct fb_claim_part warm = {
        "the wall time to load, warm", "told", "ratio", NAN, NAN, NAN
    };
    static const struct fb_claim_part cold = {
        "the wall time to load, cold", "told", "ratio", NAN, NAN, NAN
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick gzip =
        fb_claim_pick(FB_RUN_WHOLE, FB_H5PY_GZIP, "full-load", NULL, "warm", "once");
    struct fb_pick plain =
        fb_claim_pick(FB_RUN_WHOLE, FB_H5PY_PLAIN, "full-load", NULL, "warm", "once");
    cpu_ratio(&measuring, &loading, FB_H5PY_GZIP, FB_H5PY_PLAIN);
    write_ratio(&measuring, &writing, "write_cpu_ns");
    cpu_ratio(&measuring, &native, FB_HDF5_GZIP, FB_HDF5_PLAIN);
    fb_measuring_faster(&measuring, &warm, &gzip, &plain);
    gzip.cache = plain.cache = "cold";
    fb_measuring_faster(&measuring, &cold, &gzip, &plain);
    add_seconds(&measuring, FB_H5PY_GZIP, "of processor time, gzip 4", "of wall time, gzip 4");
    add_seconds(&measuring, FB_H5PY_PLAIN, "of processor time, no gzip", "of wall time, no gzip");
    return measuring.rc;
}
