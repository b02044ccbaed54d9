/* The patterns, and the plans that they make. */
#include "base/random.h"
#include "bench/tune/access_draft.h"
#include "bench/tune/access_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_room(const struct fb_access_draft *draft, uint64_t bytes)
{
    return bytes <= draft->room || draft->plan->count == draft->first;
}

int fb_access_draft_add(struct fb_access_draft *draft, const struct fb_array_info *array,
                        const uint64_t *start, const uint64_t *count, struct fb_error *err)
{
    uint64_t bytes = fb_slab_bytes(array, count ? count : array->dims);
    if (!has_room(draft, bytes)) {
        draft->full = true;
        return 0;
    }
    draft->room -= bytes < draft->room ? bytes : draft->room;
    return fb_plan_add_slab(draft->plan, FB_OP_READ, array, start, count, err);
}

static bool extent_whole(const struct fb_access_term *term, const struct fb_array_info *array,
                         uint64_t *count)
{
    (void)term;
    memcpy(count, array->dims, array->rank * sizeof *count);
    return true;
}

/* --- whole, sample ---------------------------------------------------------------------------- */

static int plan_whole(struct fb_access_draft *draft, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && !draft->full && i < draft->count; i++)
        rc = fb_access_draft_add(draft, &draft->catalog->arrays[draft->arrays[i]], NULL, NULL, err);
    return rc;
}

static uint64_t sample_bytes(const struct fb_catalog *catalog, size_t sample)
{
    const struct fb_sample_info *info = &catalog->samples[sample];
    uint64_t bytes = 0;
    for (size_t i = info->first; i < info->first + info->count; i++)
        bytes += catalog->arrays[i].bytes;
    return bytes;
}

static int add_sample(struct fb_access_draft *draft, size_t sample, struct fb_error *err)
{
    const struct fb_sample_info *info = &draft->catalog->samples[sample];
    size_t before = draft->plan->count;
    if (!has_room(draft, sample_bytes(draft->catalog, sample))) {
        draft->full = true;
        return 0;
    }
    for (size_t i = info->first; !draft->full && i < info->first + info->count; i++) {
        if (draft->catalog->arrays[i].bytes == 0)
            continue;
        int rc = fb_access_draft_add(draft, &draft->catalog->arrays[i], NULL, NULL, err);
        if (rc)
            return rc;
        if (draft->plan->count > before + 1)
            draft->plan->requests[draft->plan->count - 1].joined = true;
    }
    return 0;
}

static int plan_sample(struct fb_access_draft *draft, struct fb_error *err)
{
    const struct fb_catalog *catalog = draft->catalog;
    uint64_t n = fb_options_uint(&draft->term->options, "n");
    struct fb_random random;
    size_t count = 0;
    size_t *samples = calloc(catalog->sample_count, sizeof *samples);
    if (!samples)
        return fb_fail_memory(err, "a plan");
    for (size_t i = 0; i < catalog->sample_count; i++)
        if (sample_bytes(catalog, i) > 0)
            samples[count++] = i;
    fb_random_seed(&random, fb_random_stream(draft->seed, 0));
    fb_random_shuffle(&random, samples, count);
    int rc = 0;
    for (size_t i = 0; rc == 0 && !draft->full && i < count && i < n; i++)
        rc = add_sample(draft, samples[i], err);
    free(samples);
    return rc;
}

/* --- slabs ------------------------------------------------------------------------------------ */

static bool extent_slabs(const struct fb_access_term *term, const struct fb_array_info *array,
                         uint64_t *count)
{
    bool any = false;
    for (size_t i = 0; i < term->list->count; i++) {
        const struct fb_access_slab *slab = &term->list->slabs[i];
        if (!fb_access_slab_is_of(slab, array))
            continue;
        for (unsigned k = 0; k < array->rank; k++) {
            uint64_t length = slab->count[k] < array->dims[k] ? slab->count[k] : array->dims[k];
            count[k] = length > count[k] ? length : count[k];
        }
        any = true;
    }
    return any;
}

static int check_slabs(const struct fb_access_term *term, const struct fb_catalog *catalog,
                       struct fb_error *err)
{
    return fb_access_list_check(term->list, catalog, err);
}

static int add_folded(struct fb_access_draft *draft, const struct fb_access_slab *slab,
                      const struct fb_array_info *array, struct fb_error *err)
{
    uint64_t start[FB_MAX_RANK], count[FB_MAX_RANK];
    for (unsigned k = 0; k < array->rank; k++) {
        count[k] = slab->count[k] < array->dims[k] ? slab->count[k] : array->dims[k];
        start[k] = slab->start[k] % (array->dims[k] - count[k] + 1);
    }
    return fb_access_draft_add(draft, array, start, count, err);
}

static int plan_slabs(struct fb_access_draft *draft, struct fb_error *err)
{
    const struct fb_catalog *catalog = draft->catalog;
    const struct fb_access_list *list = draft->term->list;
    int rc = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct fb_access_slab *slab = &list->slabs[i];
        const struct fb_array_info *exact = fb_catalog_find(catalog, slab->glob);
        size_t at = exact ? (size_t)(exact - catalog->arrays) : 0;
        size_t end = exact ? at + 1 : catalog->array_count;
        for (; at < end && rc == 0 && !draft->full; at++)
            if (fb_access_slab_is_of(slab, &catalog->arrays[at]))
                rc = add_folded(draft, slab, &catalog->arrays[at], err);
    }
    return rc;
}

/* --- the table, and what is made of it -------------------------------------------------------- */

static bool axes_valid(const char *text)
{
    uint64_t axes;
    return fb_access_axes_parse(text, &axes);
}

#define AXES(what)                                                                                 \
    {                                                                                              \
        "axis", FB_OPTION_TEXT, "0", 0, 0, NULL, axes_valid,                                       \
            what ", or several, as in 1x2; counted from 0 to 31, none twice"                       \
    }
#define N(fallback, what)                                                                          \
    {                                                                                              \
        "n", FB_OPTION_UINT, fallback, 1, 1000000, NULL, NULL, what                                \
    }

static const struct fb_option window_options[] = {
    AXES("axis along which windows are cut"),
    { "length", FB_OPTION_UINT, "100", 1, INT64_MAX, NULL, NULL,
      "indices of a window, along each of the axes" },
    N("20", "windows to read"),
    { 0 },
};
static const struct fb_option index_options[] = {
    AXES("axis of which one index is read"),
    N("20", "indices to read"),
    { 0 },
};
static const struct fb_option point_options[] = { N("100", "elements to read"), { 0 } };
static const struct fb_option whole_options[] = { { 0 } };
static const struct fb_option sample_options[] = {
    N("10", "samples to read, at the most all"),
    { 0 },
};
static const struct fb_option slabs_options[] = {
    { "file", FB_OPTION_TEXT, "", 0, 0, NULL, NULL,
      "text file, a slab a line: ARRAY_GLOB<TAB>START<TAB>COUNT; its name has no comma and no +" },
    { 0 },
};

const struct fb_access_pattern fb_access_patterns[] = {
    { "window", "windows of consecutive indices along an axis, whole along the others", false,
      window_options, fb_access_box_plan, fb_access_box_extent, fb_access_box_check },
    { "index", "one index of an axis, whole along the others", false, index_options,
      fb_access_box_plan, fb_access_box_extent, fb_access_box_check },
    { "point", "single elements", false, point_options, fb_access_box_plan, fb_access_box_extent,
      NULL },
    { "whole", "each array whole, in random order", true, whole_options, plan_whole, extent_whole,
      NULL },
    { "sample", "all arrays of a sample in a call, of random samples", true, sample_options,
      plan_sample, extent_whole, NULL },
    { "slabs", "a list of slabs of your own", false, slabs_options, plan_slabs, extent_slabs,
      check_slabs },
    { 0 },
};

void fb_access_settle(struct fb_options *options)
{
    char text[FB_OPTION_VALUE_MAX];
    for (const struct fb_option *row = options->table; row->name; row++) {
        if (row->type == FB_OPTION_UINT) {
            snprintf(text, sizeof text, "%" PRIu64, fb_options_uint(options, row->name));
            fb_options_set(options, row->name, text);
        } else if (row->check == axes_valid) {
            uint64_t axes;
            size_t used = 0;
            fb_access_axes_parse(fb_options_text(options, row->name), &axes);
            for (unsigned k = 0; k < FB_MAX_RANK; k++)
                if (axes >> k & 1)
                    used += (size_t)snprintf(text + used, sizeof text - used, "%s%u",
                                             used ? "x" : "", k);
            fb_options_set(options, row->name, text);
        }
    }
}

bool fb_access_extent(const struct fb_access_term *term, const struct fb_array_info *array,
                      uint64_t *count)
{
    memset(count, 0, array->rank * sizeof *count);
    return array->bytes > 0 && term->pattern->extent(term, array, count);
}

int fb_access_check(const struct fb_access *access, const struct fb_catalog *catalog,
                    struct fb_error *err)
{
    if (fb_catalog_bytes(catalog) == 0)
        return 0;
    for (size_t i = 0; i < access->count; i++) {
        const struct fb_access_term *term = &access->terms[i];
        int rc = term->pattern->check ? term->pattern->check(term, catalog, err) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

int fb_access_plan(const struct fb_access_term *term, const struct fb_catalog *catalog,
                   uint64_t seed, uint64_t bytes_max, struct fb_plan *plan, char *reason,
                   size_t reason_size, struct fb_error *err)
{
    struct fb_access_draft draft = {
        .term = term,
        .catalog = catalog,
        .seed = seed,
        .plan = plan,
        .first = plan->count,
        .room = bytes_max,
    };
    struct fb_random random;
    draft.arrays = calloc(catalog->array_count + 1, sizeof *draft.arrays);
    if (!draft.arrays)
        return fb_fail_memory(err, "a plan");
    for (size_t i = 0; i < catalog->array_count; i++)
        if (catalog->arrays[i].bytes > 0)
            draft.arrays[draft.count++] = i;
    fb_random_seed(&random, fb_random_stream(seed, 0));
    fb_random_shuffle(&random, draft.arrays, draft.count);
    int rc = draft.count > 0 ? term->pattern->plan(&draft, err) : 0;
    if (rc == 0 && plan->count == draft.first)
        snprintf(reason, reason_size, "%s",
                 draft.count > 0 ? "no slab of the list is of an array with elements"
                                 : "no array has elements");
    free(draft.arrays);
    return rc;
}
