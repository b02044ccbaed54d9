/* Which chunks a slab touches, and one of them: from where it lies to its places in the buffer. */
#include "formats/direct/job.h"

#define CACHE_LINE 64

/* --- chunks of a slab ------------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* False where the chunks are too many to be counted. */
bool fb_direct_job_begin(struct fb_direct_job *job)
{
    const struct fb_direct_array *array = job->array;
    bool inner = true;
    job->total = 1;
    job->runs = true;
    for (unsigned i = array->rank; i-- > 0;) {
        uint64_t chunk = array->chunk[i];
        job->from[i] = job->at[i] = job->start[i] / chunk;
        job->chunks[i] = (job->start[i] + job->count[i] - 1) / chunk - job->from[i] + 1;
        if (__builtin_mul_overflow(job->total, job->chunks[i], &job->total))
            return false;
        /* One piece: outer axes a single element thick, inner ones as wide as the slab. */
        job->runs = job->runs && (inner || chunk == 1);
        inner = inner && chunk == job->count[i];
    }
    if (__builtin_mul_overflow(job->total, array->chunk_bytes, &job->bytes))
        job->bytes = UINT64_MAX;
    job->runs = job->runs && !array->swap && array->pipeline.count == 1 &&
                array->pipeline.filters[0] == FB_DIRECT_DEFLATE;
    /* Chunks that are narrower than a line of the processor's cache write to each other's lines,
     * which would wander between two processors. */
    unsigned last = array->rank - 1;
    job->together = array->chunk[last] * array->element >= CACHE_LINE
                        ? 1
                        : (size_t)least(job->chunks[last], FB_DIRECT_TOGETHER);
    job->caches = array->cache.most > 0 && job->bytes <= FB_DIRECT_CACHE_BYTES;
    /* A slab of whole chunks is seldom asked for twice; of an array that is read on and on, it may
     * be. */
    job->caches_whole = job->caches && array->read > 0;
    return true;
}

uint64_t fb_direct_job_number(const struct fb_direct_job *job)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < job->array->rank; i++)
        number = number * job->array->grid[i] + job->at[i];
    return number;
}

/* The next chunk's number and first element, in C order; false behind the last one. */
bool fb_direct_job_next(struct fb_direct_job *job, uint64_t *number, hsize_t *first)
{
    const struct fb_direct_array *array = job->array;
    if (job->walked == job->total)
        return false;
    *number = fb_direct_job_number(job);
    for (unsigned i = 0; i < array->rank; i++)
        first[i] = job->at[i] * array->chunk[i];
    job->walked++;
    for (unsigned i = array->rank; i-- > 0;) {
        if (++job->at[i] < job->from[i] + job->chunks[i])
            break;
        job->at[i] = job->from[i];
    }
    return true;
}

void fb_direct_first_of(const struct fb_direct_array *array, uint64_t number, uint64_t *first)
{
    for (unsigned i = array->rank; i-- > 0;) {
        first[i] = number % array->grid[i] * array->chunk[i];
        number /= array->grid[i];
    }
}

/* What the slab takes of a chunk, and what of the chunk the array has. */
struct cover {
    bool whole, beyond_edge;
};

static struct cover cover_of(const struct fb_direct_job *job, const uint64_t *first)
{
    const struct fb_direct_array *array = job->array;
    struct cover cover = { true, false };
    for (unsigned i = 0; i < array->rank; i++) {
        uint64_t end = least(array->chunk[i], array->dims[i] - first[i]) + first[i];
        cover.beyond_edge |= array->dims[i] - first[i] < array->chunk[i];
        cover.whole &= job->start[i] <= first[i] && job->start[i] + job->count[i] >= end;
    }
    return cover;
}

static struct fb_direct_box box_of(const struct fb_direct_job *job, const uint64_t *first)
{
    const struct fb_direct_array *array = job->array;
    return (struct fb_direct_box){ .rank = array->rank,
                                   .element = array->element,
                                   .swap = array->swap,
                                   .chunk = array->chunk,
                                   .first = first,
                                   .start = job->start,
                                   .count = job->count };
}

/* Where in the buffer a chunk begins that lies there in one piece. */
static unsigned char *place_of(const struct fb_direct_job *job, const uint64_t *first)
{
    const struct fb_direct_array *array = job->array;
    uint64_t at = 0;
    for (unsigned i = 0; i < array->rank; i++)
        at = at * job->count[i] + first[i] - job->start[i];
    return job->buffer + at * array->element;
}

/* --- one chunk -------------------------------------------------------------------------------- */

bool fb_direct_place_cached(const struct fb_direct_job *job, uint64_t number, const uint64_t *first)
{
    struct fb_direct_array *array = job->array;
    if (array->cache.most == 0)
        return false;
    pthread_mutex_lock(&array->cache_lock);
    const struct fb_direct_cached *found = fb_direct_cache_find(&array->cache, number);
    if (found) {
        struct fb_direct_box box = box_of(job, first);
        fb_direct_place(&box, found->bytes, found->shuffled, job->buffer);
    }
    pthread_mutex_unlock(&array->cache_lock);
    return found != NULL;
}

/* The chunk that the scratch has as it is stored, in the place of the caller's that is its own. */
static bool decode_in_place(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                            const struct fb_direct_entry *place, const uint64_t *first)
{
    const struct fb_direct_array *array = job->array;
    bool shuffled;
    return fb_direct_decode(&array->pipeline, scratch->inflater, place->skipped, scratch->stored,
                            place->stored, place_of(job, first), array->chunk_bytes, &shuffled);
}

static bool decode_to(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                      const struct fb_direct_entry *place, const uint64_t *first, uint32_t skipped,
                      unsigned char *chunk, bool *shuffled)
{
    const struct fb_direct_array *array = job->array;
    struct fb_direct_box box = box_of(job, first);
    if (!fb_direct_decode(&array->pipeline, scratch->inflater, skipped, scratch->stored,
                          place->stored, chunk, array->chunk_bytes, shuffled))
        return false;
    fb_direct_place(&box, chunk, *shuffled, job->buffer);
    return true;
}

/* The same by way of a chunk that is kept; without room for one, of the scratch's own. */
bool fb_direct_decode_chunk(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                            const struct fb_direct_item *item, const uint64_t *first)
{
    struct fb_direct_array *array = job->array;
    struct cover cover = cover_of(job, first);
    bool unfiltered = array->whole_chunks_only && cover.beyond_edge, shuffled, done;
    uint32_t skipped = unfiltered ? UINT32_MAX : item->place.skipped;
    unsigned char *kept = NULL;
    if (job->runs && cover.whole && !cover.beyond_edge && !job->caches_whole)
        return decode_in_place(job, scratch, &item->place, first);
    if (job->caches && (job->caches_whole || !cover.whole)) {
        pthread_mutex_lock(&array->cache_lock);
        kept = fb_direct_cache_take(&array->cache);
        pthread_mutex_unlock(&array->cache_lock);
    }
    if (!kept) {
        scratch->serial = 0;
        done = decode_to(job, scratch, &item->place, first, skipped, scratch->chunk, &shuffled);
        scratch->serial = done ? array->serial : 0;
        scratch->number = item->number;
        scratch->shuffled = shuffled;
        return done;
    }
    done = decode_to(job, scratch, &item->place, first, skipped, kept, &shuffled);
    pthread_mutex_lock(&array->cache_lock);
    if (done)
        fb_direct_cache_put(&array->cache, kept, item->number, shuffled);
    else
        fb_direct_cache_give_back(&array->cache, kept);
    pthread_mutex_unlock(&array->cache_lock);
    return done;
}

/* The scratch's own chunk is the last one that was decoded to it: of chunks that are too large to
 * be kept, and are read in small slabs, it is often the one that is asked for. */
bool fb_direct_place_own(const struct fb_direct_job *job, const struct fb_direct_scratch *scratch,
                         uint64_t number, const uint64_t *first)
{
    if (scratch->serial != job->array->serial || scratch->number != number)
        return false;
    struct fb_direct_box box = box_of(job, first);
    fb_direct_place(&box, scratch->chunk, scratch->shuffled, job->buffer);
    return true;
}

bool fb_direct_place_missing(const struct fb_direct_job *job, const uint64_t *first)
{
    const unsigned char *fill = fb_direct_fill(job->array);
    struct fb_direct_box box = box_of(job, first);
    if (fill)
        fb_direct_place_fill(&box, fill, job->buffer);
    return fill != NULL;
}

/* A chunk that was found. */
bool fb_direct_deliver(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                       const struct fb_direct_item *item)
{
    struct fb_direct_array *array = job->array;
    uint64_t first[FB_DIRECT_RANK];
    fb_direct_first_of(array, item->number, first);
    if (fb_direct_place_own(job, scratch, item->number, first))
        return true;
    if (!fb_direct_scratch_reserve(scratch, array) ||
        !fb_direct_fetch(array, &item->place, scratch->stored) ||
        !fb_direct_decode_chunk(job, scratch, item, first))
        return false;
    array->decoded++;
    return true;
}
