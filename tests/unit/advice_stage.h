/* What the tests of advice share: a plan over one array, how it is stored, and a pass made by hand.
 */
#ifndef FB_TESTS_ADVICE_STAGE_H
#define FB_TESTS_ADVICE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/anatomy/advice.h"

#include <string.h>

/* One array x of float32, a plan over it, and how it is stored. */
struct stage {
    struct fb_catalog catalog;
    struct fb_stored stored;
    struct fb_plan plan;
    size_t array_of[4096];
    struct fb_case what;
    struct fb_layout layout;
    struct fb_anatomy measured;
};

static inline void begin(struct stage *stage, unsigned rank, const uint64_t *dims,
                         const uint64_t *chunk, const char *filters, double compressed)
{
    const struct fb_dtype f32 = { FB_FLOAT, 4 };
    memset(stage, 0, sizeof *stage);
    assert_int_equal(fb_catalog_add(&stage->catalog, "", NULL, "x", f32, rank, dims, NULL), 0);
    assert_int_equal(fb_catalog_finish(&stage->catalog, NULL), 0);
    stage->stored.info = stage->catalog.arrays[0];
    struct fb_storage *storage = &stage->stored.storage;
    strcpy(storage->filters, filters);
    storage->stored_bytes = (uint64_t)((double)stage->stored.info.bytes * compressed);
    if (chunk) {
        storage->chunk_rank = rank;
        memcpy(storage->chunk, chunk, rank * sizeof *chunk);
        storage->cache_bytes = 1 << 20;
        storage->cache_slots = 521;
    }
    stage->layout = fb_layout_of(&stage->stored);
    stage->what = (struct fb_case){ .plan = &stage->plan,
                                    .array_of = stage->array_of,
                                    .arrays = &stage->stored,
                                    .array_count = 1,
                                    .catalog = &stage->catalog };
}

static inline void ask(struct stage *stage, const uint64_t *start, const uint64_t *count)
{
    assert_int_equal(
        fb_plan_add_slab(&stage->plan, FB_OP_READ, &stage->catalog.arrays[0], start, count, NULL),
        0);
}

static inline void end(struct stage *stage)
{
    fb_plan_free(&stage->plan);
    fb_catalog_free(&stage->catalog);
}

/* A pass that took so many microseconds in each part. */
static inline void took(struct stage *stage, uint64_t open, uint64_t raw, uint64_t inflate,
                        uint64_t library)
{
    struct fb_anatomy *m = &stage->measured;
    m->ns[FB_PART_OPEN] = open * 1000;
    m->ns[FB_PART_RAW_IO] = raw * 1000;
    m->ns[FB_PART_INFLATE] = inflate * 1000;
    m->ns[FB_PART_LIBRARY] = library * 1000;
    m->total_ns = (open + raw + inflate + library) * 1000;
    m->counts.meta_reads = 9;
}

static inline struct fb_advice advise(struct stage *stage, uint64_t keep_ns)
{
    struct fb_advice advice;
    struct fb_error err = { 0 };
    if (fb_advise(&stage->what, &stage->measured, keep_ns, &fb_rates_typical, &advice, &err))
        fail_msg("%s", err.message);
    return advice;
}

/* Ten windows of 100 frames, all at a multiple of `step`. */
static inline void ask_windows(struct stage *stage, uint64_t step)
{
    for (uint64_t i = 0; i < 10; i++)
        ask(stage, (const uint64_t[]){ i * step, 0, 0 }, (const uint64_t[]){ 100, 68, 2 });
}

#endif
