#include "bench/anatomy/advice.h"
#include "base/number.h"
#include "formats/hdf5/chunk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const fb_cause_names[FB_CAUSE_COUNT] = {
    [FB_CAUSE_FLOOR] = "near-floor",
    [FB_CAUSE_TOO_LARGE] = "chunks-too-large",
    [FB_CAUSE_TOO_SMALL] = "chunks-too-small",
    [FB_CAUSE_SPLIT] = "chunks-split",
    [FB_CAUSE_CACHE] = "cache-too-small",
    [FB_CAUSE_INCOMPRESSIBLE] = "incompressible",
    [FB_CAUSE_OPEN] = "open",
    [FB_CAUSE_STRIDED] = "strided",
    [FB_CAUSE_FILTERS] = "other-filters",
};

const char *const fb_remedy_names[FB_REMEDY_COUNT] = {
    [FB_REMEDY_NONE] = "none",   [FB_REMEDY_KEEP] = "keep",   [FB_REMEDY_CACHE] = "cache",
    [FB_REMEDY_CHUNK] = "chunk", [FB_REMEDY_PLAIN] = "plain", [FB_REMEDY_CONTIGUOUS] = "contiguous",
};

/* Less than this is not worth a word, nor, with the second, a rewritten file. */
#define GAIN_LEAST 1.2
#define GAIN_LEAST_WRITTEN 1.3
/* What needs no rewriting is advised unless rewriting gives that much more. */
#define EASE_KEEP 1.25
#define EASE_CACHE 2.0
/* Chunks and runs to go through for one layout. */
#define STEPS_PRESENT UINT64_C(50000000)
#define STEPS_CANDIDATE UINT64_C(2000000)
#define STEPS_ALL UINT64_C(100000000)
#define CACHE_MOST (UINT64_C(1) << 30)
/* Stored over raw bytes from which compression has gained nothing. */
#define INCOMPRESSIBLE 0.9

/* --- remedies --------------------------------------------------------------------------------- */

struct search {
    const struct fb_case *what;
    const struct fb_anatomy *measured;
    const struct fb_rates *rates;
    struct fb_layout *present, *layouts; /* by array */
    bool filtered, compressible;
    bool foreign;   /* a filter that is not written here */
    uint64_t steps; /* left for all candidates */
    uint64_t slab[FB_MAX_RANK];
    double best_score;
    struct fb_advice *out;
};

/* Takes the remedy if it is the best until now; `ease` divides the time of what needs no writing.
 */
static void offer(struct search *search, const struct fb_advice *advice, double ease)
{
    double score = advice->then_ns / ease;
    double least = ease > 1 ? GAIN_LEAST : GAIN_LEAST_WRITTEN;
    if (advice->then_ns * least > (double)search->measured->total_ns || score >= search->best_score)
        return;
    search->best_score = score;
    *search->out = *advice;
}

/* Predicts search->layouts. False when there is too much to go through. */
static bool weigh(struct search *search, bool inflates, struct fb_advice *advice)
{
    uint64_t limit = search->steps < STEPS_CANDIDATE ? search->steps : STEPS_CANDIDATE;
    bool fine = fb_work_of(search->what, search->layouts, limit, &advice->then);
    uint64_t spent = advice->then.touched + advice->then.runs / 8;
    search->steps -= spent < search->steps ? spent : search->steps;
    if (fine)
        advice->then_ns =
            fb_predict(search->measured, search->rates, &advice->now, &advice->then, inflates);
    return fine;
}

static void reset_layouts(struct search *search)
{
    memcpy(search->layouts, search->present, search->what->array_count * sizeof *search->layouts);
}

static void try_keep(struct search *search, uint64_t keep_ns)
{
    struct fb_advice advice = *search->out;
    if (keep_ns == 0 || search->what->handle == FB_HANDLE_KEEP)
        return;
    advice.remedy = FB_REMEDY_KEEP;
    advice.then = advice.now;
    advice.then_ns = (double)keep_ns;
    snprintf(advice.options, sizeof advice.options, "handle=keep");
    offer(search, &advice, EASE_KEEP);
}

/* No cache need hold more than an array; half a chunk row beyond its end is possible. */
static uint64_t largest_array(const struct fb_case *what)
{
    uint64_t largest = 0;
    for (size_t a = 0; a < what->array_count; a++) {
        struct fb_layout layout = fb_layout_of(&what->arrays[a]);
        uint64_t chunk = fb_layout_chunk_bytes(&layout, what->arrays[a].info.dtype.size);
        uint64_t bytes = what->arrays[a].info.bytes;
        bytes = layout.rank && chunk > bytes ? chunk : bytes;
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}

static void try_cache(struct search *search, const struct fb_advice *start)
{
    double last = (double)search->measured->total_ns;
    uint64_t bytes = UINT64_C(1) << 20;
    uint64_t most = largest_array(search->what);
    for (; bytes <= CACHE_MOST && bytes / 4 < most; bytes *= 2) {
        struct fb_advice advice = *start;
        bool larger = false;
        reset_layouts(search);
        for (size_t a = 0; a < search->what->array_count; a++) {
            struct fb_layout *layout = &search->layouts[a];
            if (layout->rank == 0 || bytes <= layout->cache_bytes)
                continue;
            larger = true;
            layout->cache_bytes = bytes;
            layout->cache_slots = fb_chunk_cache_slots(bytes);
        }
        if (!larger)
            continue;
        if (!weigh(search, search->filtered, &advice))
            return;
        /* The smallest that does it: a larger one must give a tenth more. */
        if (advice.then.loaded < advice.now.loaded && advice.then_ns < 0.9 * last) {
            last = advice.then_ns;
            advice.remedy = FB_REMEDY_CACHE;
            advice.cache_bytes = bytes;
            snprintf(advice.options, sizeof advice.options, "cache=%" PRIu64, bytes);
            offer(search, &advice, EASE_CACHE);
        }
    }
}

/* The options that write what the file has now, but for the chunk shape. */
static void name_filters(const struct fb_stored *stored, bool plain, char *buf, size_t size)
{
    const char *gzip = strstr(stored->storage.filters, "gzip(");
    bool shuffle = strstr(stored->storage.filters, "shuffle") != NULL;
    snprintf(buf, size, "level=%c%s", gzip && !plain ? gzip[5] : '0',
             shuffle && !plain ? ",shuffle=1" : "");
}

/* What long chunks compress to is not told by short ones: where no probe has told it, half, as data
 * often does. */
static void foresee_compression(struct search *search, size_t a)
{
    struct fb_layout *layout = &search->layouts[a];
    uint64_t element = search->what->arrays[a].info.dtype.size;
    double probed = search->what->long_compressed, most = probed > 0 ? probed : 0.5;
    if (layout->filtered && layout->compressed > most &&
        fb_layout_chunk_bytes(&search->present[a], element) < FB_JUDGED_BYTES &&
        fb_layout_chunk_bytes(layout, element) >= FB_JUDGED_BYTES)
        layout->compressed = most;
}

bool fb_filters_written(const char *filters)
{
    if (strncmp(filters, "shuffle+", 8) == 0)
        filters += 8;
    else if (strcmp(filters, "shuffle") == 0)
        return true;
    return !*filters || (strncmp(filters, "gzip(", 5) == 0 && !strchr(filters, '+'));
}

static void try_shape(struct search *search, const struct fb_advice *start, unsigned rank,
                      const uint64_t *chunk, bool plain)
{
    struct fb_advice advice = *start;
    char level[32], shape[FB_MAX_RANK * 21];
    if (!fb_chunk_fits(search->what->catalog, rank, chunk))
        return;
    reset_layouts(search);
    for (size_t a = 0; a < search->what->array_count; a++) {
        struct fb_layout *layout = &search->layouts[a];
        fb_chunk_apply(rank, chunk, &search->what->arrays[a].info, layout);
        foresee_compression(search, a);
        if (!search->present[a].rank) {
            layout->cache_bytes = 1 << 20;
            layout->cache_slots = 521;
        }
        if (plain) {
            layout->filtered = false;
            layout->compressed = 1;
        }
    }
    if (!weigh(search, search->filtered && !plain, &advice))
        return;
    advice.remedy = plain && search->filtered ? FB_REMEDY_PLAIN : FB_REMEDY_CHUNK;
    advice.rank = rank;
    memcpy(advice.chunk, chunk, sizeof advice.chunk);
    name_filters(&search->what->arrays[advice.array], plain, level, sizeof level);
    snprintf(advice.options, sizeof advice.options, "%s,chunk=%s", level,
             fb_shape_text(rank, chunk, shape, sizeof shape));
    offer(search, &advice, 1);
}

static void try_contiguous(struct search *search, const struct fb_advice *start)
{
    struct fb_advice advice = *start;
    reset_layouts(search);
    for (size_t a = 0; a < search->what->array_count; a++)
        search->layouts[a] = (struct fb_layout){ .compressed = 1 };
    if (!weigh(search, false, &advice))
        return;
    advice.remedy = FB_REMEDY_CONTIGUOUS;
    offer(search, &advice, 1);
}

static void try_shapes(struct search *search, const struct fb_advice *start)
{
    const struct fb_stored *stored = &search->what->arrays[start->array];
    struct fb_shapes shapes;
    fb_chunk_candidates(&stored->info, search->slab, &shapes);
    for (size_t i = 0; i < shapes.count; i++) {
        try_shape(search, start, shapes.rank, shapes.chunk[i], !search->filtered);
        if (search->filtered && !search->compressible)
            try_shape(search, start, shapes.rank, shapes.chunk[i], true);
    }
    if (search->filtered && !search->compressible && stored->storage.chunk_rank)
        try_shape(search, start, stored->storage.chunk_rank, stored->storage.chunk, true);
    if (stored->storage.chunk_rank && !search->compressible)
        try_contiguous(search, start);
}

/* --- the cause -------------------------------------------------------------------------------- */

static double amplification(const struct fb_work *work)
{
    return work->bytes ? (double)work->loaded_bytes / (double)work->bytes : 0;
}

static enum fb_cause cause_of_chunks(const struct search *search)
{
    const struct fb_advice *advice = search->out;
    const struct fb_storage *storage = &search->what->arrays[advice->array].storage;
    bool cut = false, wasted = false;
    if (storage->chunk_rank == 0)
        return FB_CAUSE_STRIDED;
    for (unsigned k = 0; k < storage->chunk_rank; k++) {
        cut |= storage->chunk[k] < search->slab[k];
        wasted |= storage->chunk[k] > search->slab[k];
    }
    if (cut && wasted)
        return FB_CAUSE_SPLIT;
    return wasted && amplification(&advice->now) > 1.5 * amplification(&advice->then)
               ? FB_CAUSE_TOO_LARGE
               : FB_CAUSE_TOO_SMALL;
}

static enum fb_cause cause_of(const struct search *search)
{
    switch (search->out->remedy) {
    case FB_REMEDY_KEEP:
        return FB_CAUSE_OPEN;
    case FB_REMEDY_CACHE:
        return FB_CAUSE_CACHE;
    case FB_REMEDY_PLAIN:
        return FB_CAUSE_INCOMPRESSIBLE;
    case FB_REMEDY_CONTIGUOUS:
        return search->filtered ? FB_CAUSE_INCOMPRESSIBLE : cause_of_chunks(search);
    case FB_REMEDY_CHUNK:
        return cause_of_chunks(search);
    default:
        return search->foreign ? FB_CAUSE_FILTERS : FB_CAUSE_FLOOR;
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

/* The array that most bytes are asked of, and the longest slab of it along each axis. */
static void find_array(struct search *search)
{
    const struct fb_case *what = search->what;
    uint64_t most = 0, *bytes = calloc(what->array_count + 1, sizeof *bytes);
    for (size_t i = 0; bytes && i < what->plan->count; i++) {
        size_t array = what->array_of[i];
        if (array == SIZE_MAX)
            continue;
        bytes[array] += what->plan->requests[i].bytes;
        if (bytes[array] > most) {
            most = bytes[array];
            search->out->array = array;
        }
    }
    free(bytes);
    for (size_t i = 0; i < what->plan->count; i++)
        if (what->array_of[i] == search->out->array && search->out->array != SIZE_MAX)
            for (unsigned k = 0; k < what->plan->requests[i].rank; k++)
                if (what->plan->requests[i].count[k] > search->slab[k])
                    search->slab[k] = what->plan->requests[i].count[k];
}

static void look_at_storage(struct search *search)
{
    double stored = 0, raw = 0;
    bool judged = false;
    for (size_t a = 0; a < search->what->array_count; a++) {
        const struct fb_stored *array = &search->what->arrays[a];
        search->present[a] = fb_layout_of(array);
        search->filtered |= array->storage.filters[0] != '\0';
        search->foreign |= !fb_filters_written(array->storage.filters);
        judged |=
            fb_layout_chunk_bytes(&search->present[a], array->info.dtype.size) >= FB_JUDGED_BYTES;
        stored += (double)array->storage.stored_bytes;
        raw += (double)array->info.bytes;
    }
    search->compressible = search->filtered && (stored < INCOMPRESSIBLE * raw || !judged);
}

int fb_advise(const struct fb_case *what, const struct fb_anatomy *measured, uint64_t keep_ns,
              const struct fb_rates *rates, struct fb_advice *out, struct fb_error *err)
{
    struct search search = { .what = what,
                             .measured = measured,
                             .rates = rates,
                             .steps = STEPS_ALL,
                             .best_score = (double)measured->total_ns,
                             .out = out };
    int rc = 0;
    *out = (struct fb_advice){ .array = SIZE_MAX, .gain = 1 };
    out->then_ns = (double)measured->total_ns;
    search.present = calloc(what->array_count + 1, sizeof *search.present);
    search.layouts = calloc(what->array_count + 1, sizeof *search.layouts);
    if (!search.present || !search.layouts) {
        rc = fb_fail_memory(err, "the advice");
        goto out;
    }
    look_at_storage(&search);
    find_array(&search);
    if (!fb_work_of(what, search.present, STEPS_PRESENT, &out->now)) {
        rc = fb_fail(err, FB_EUNSUPPORTED,
                     "the plan goes through too many chunks to think each layout through; ask for "
                     "fewer requests (n=)");
        goto out;
    }
    out->then = out->now;
    struct fb_advice start = *out;
    try_keep(&search, keep_ns);
    if (out->array != SIZE_MAX && what->arrays[out->array].info.rank > 0) {
        try_cache(&search, &start);
        if (!search.foreign)
            try_shapes(&search, &start);
    }
    out->cause = cause_of(&search);
    out->gain = out->then_ns > 0 ? (double)measured->total_ns / out->then_ns : 1;
out:
    free(search.present);
    free(search.layouts);
    return rc;
}
