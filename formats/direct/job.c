#include "formats/direct/job.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>

/* What is asked of the kernel, and found, ahead of those who decode. */
#define AHEAD_BYTES ((uint64_t)8 << 20)
#define GROUP_CHUNKS 64
#define GROUP_BYTES ((uint64_t)1 << 20)

/* --- chunks of a slab ------------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* False where the chunks are too many to be counted. */
static bool begin(struct fb_direct_job *job)
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
    job->caches = array->cache.most > 0 && job->bytes <= FB_DIRECT_CACHE_BYTES;
    /* A slab of whole chunks is seldom asked for twice; of an array that is read on and on, it may
     * be. */
    job->caches_whole = job->caches && array->read > 0;
    return true;
}

static uint64_t number_here(const struct fb_direct_job *job)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < job->array->rank; i++)
        number = number * job->array->grid[i] + job->at[i];
    return number;
}

/* The next chunk's number and first element, in C order; false behind the last one. */
static bool next_chunk(struct fb_direct_job *job, uint64_t *number, hsize_t *first)
{
    const struct fb_direct_array *array = job->array;
    if (job->walked == job->total)
        return false;
    *number = number_here(job);
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

static void first_of(const struct fb_direct_array *array, uint64_t number, uint64_t *first)
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

static bool place_cached(const struct fb_direct_job *job, uint64_t number, const uint64_t *first)
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
static bool decode(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
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
static bool place_own(const struct fb_direct_job *job, const struct fb_direct_scratch *scratch,
                      uint64_t number, const uint64_t *first)
{
    if (scratch->serial != job->array->serial || scratch->number != number)
        return false;
    struct fb_direct_box box = box_of(job, first);
    fb_direct_place(&box, scratch->chunk, scratch->shuffled, job->buffer);
    return true;
}

static bool place_fill(const struct fb_direct_job *job, const uint64_t *first)
{
    const unsigned char *fill = fb_direct_fill(job->array);
    struct fb_direct_box box = box_of(job, first);
    if (fill)
        fb_direct_place_fill(&box, fill, job->buffer);
    return fill != NULL;
}

/* A chunk that was found. */
static bool deliver(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                    const struct fb_direct_item *item)
{
    struct fb_direct_array *array = job->array;
    uint64_t first[FB_DIRECT_RANK];
    first_of(array, item->number, first);
    if (place_own(job, scratch, item->number, first))
        return true;
    if (!fb_direct_scratch_reserve(scratch, array) ||
        !fb_direct_fetch(array, &item->place, scratch->stored) ||
        !decode(job, scratch, item, first))
        return false;
    array->decoded++;
    return true;
}

/* --- one after the other ---------------------------------------------------------------------- */

static void enter(struct fb_direct_file *file, struct fb_direct_quiet *quiet)
{
    pthread_mutex_lock(&file->lock);
    fb_direct_quiet_begin(quiet);
}

static void leave(struct fb_direct_file *file, const struct fb_direct_quiet *quiet)
{
    fb_direct_quiet_end(quiet);
    pthread_mutex_unlock(&file->lock);
}

static bool deliver_through_hdf5(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                                 struct fb_direct_item *item, const hsize_t *first_of_chunk)
{
    struct fb_direct_array *array = job->array;
    struct fb_direct_quiet quiet;
    uint64_t first[FB_DIRECT_RANK];
    first_of(array, item->number, first);
    enter(array->file, &quiet);
    bool done = fb_direct_fetch_through_hdf5(array, first_of_chunk, &item->place, scratch);
    bool missing = done && item->place.address == FB_DIRECT_MISSING;
    if (missing)
        done = place_fill(job, first);
    leave(array->file, &quiet);
    if (!done || missing)
        return done;
    if (!decode(job, scratch, item, first))
        return false;
    array->decoded++;
    return true;
}

/* Of an array whose chunks cannot be found without reading them. */
static bool run_in_order(struct fb_direct_job *job, struct fb_direct_scratch *scratch)
{
    struct fb_direct_item item = { 0 };
    hsize_t first_of_chunk[FB_DIRECT_RANK];
    uint64_t first[FB_DIRECT_RANK];
    while (next_chunk(job, &item.number, first_of_chunk)) {
        first_of(job->array, item.number, first);
        if (!place_cached(job, item.number, first) &&
            !place_own(job, scratch, item.number, first) &&
            !deliver_through_hdf5(job, scratch, &item, first_of_chunk))
            return false;
    }
    return true;
}

/* --- together --------------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    uint64_t x = ((const struct fb_direct_item *)a)->place.address;
    uint64_t y = ((const struct fb_direct_item *)b)->place.address;
    return x < y ? -1 : x > y;
}

/* Has the kernel begin to read what is not in memory, where anything is not. */
static void read_ahead(const struct fb_direct_job *job, const struct fb_direct_item *items,
                       size_t count)
{
    int descriptor = job->array->file->descriptor;
    const struct fb_direct_entry *last = &items[count - 1].place;
    char byte;
    struct iovec one = { &byte, 1 };
    if (preadv2(descriptor, &one, 1, (off_t)(last->address + last->stored - 1), RWF_NOWAIT) == 1)
        return;
    for (size_t i = 0; i < count;) {
        uint64_t from = items[i].place.address, end = from;
        /* Less than a page between them is read with them. */
        while (i < count && items[i].place.address <= end + 4096) {
            end = items[i].place.address + items[i].place.stored;
            i++;
        }
        posix_fadvise(descriptor, (off_t)from, (off_t)(end - from), POSIX_FADV_WILLNEED);
    }
}

/* Finds some more chunks, and deals with those that need no decoding. */
static bool find_group(struct fb_direct_job *job, struct fb_direct_item *items, size_t *count,
                       uint64_t *bytes)
{
    struct fb_direct_array *array = job->array;
    struct fb_direct_quiet quiet;
    bool fine = true;
    hsize_t first_of_chunk[FB_DIRECT_RANK];
    uint64_t first[FB_DIRECT_RANK];
    *count = 0;
    *bytes = 0;
    enter(array->file, &quiet);
    for (size_t looked = 0; fine && looked < GROUP_CHUNKS && *bytes < GROUP_BYTES; looked++) {
        struct fb_direct_item *item = &items[*count];
        if (!next_chunk(job, &item->number, first_of_chunk))
            break;
        first_of(array, item->number, first);
        if (place_cached(job, item->number, first))
            continue;
        fine = fb_direct_locate(array, first_of_chunk, item);
        if (fine && item->place.address == FB_DIRECT_MISSING) {
            fine = place_fill(job, first);
        } else if (fine) {
            *bytes += item->place.stored;
            ++*count;
        }
    }
    leave(array->file, &quiet);
    if (fine && *count > 0) {
        bool sorted = true;
        for (size_t i = 1; i < *count; i++)
            sorted &= items[i - 1].place.address <= items[i].place.address;
        if (!sorted)
            qsort(items, *count, sizeof *items, by_address);
        read_ahead(job, items, *count);
    }
    return fine;
}

/* --- with the pool's lock held --- */

static bool wants_more(const struct fb_direct_job *job, unsigned threads)
{
    size_t waiting = job->found - job->taken;
    return !job->complete && waiting + GROUP_CHUNKS <= FB_DIRECT_QUEUE &&
           (waiting < 2 * (size_t)threads || job->ahead < AHEAD_BYTES);
}

static void find_more(struct fb_direct_job *job, struct fb_direct_pool *pool)
{
    struct fb_direct_item items[GROUP_CHUNKS];
    size_t count;
    uint64_t bytes;
    pthread_mutex_unlock(&pool->lock);
    bool fine = find_group(job, items, &count, &bytes);
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; fine && i < count; i++)
        job->queue[job->found++ % FB_DIRECT_QUEUE] = items[i];
    job->ahead += bytes;
    job->failed |= !fine;
    job->complete = job->walked == job->total;
    pthread_cond_broadcast(&pool->posted);
}

/* False where there is none to take. */
static bool do_one(struct fb_direct_job *job, struct fb_direct_pool *pool,
                   struct fb_direct_scratch *scratch)
{
    if (job->found == job->taken)
        return false;
    struct fb_direct_item item = job->queue[job->taken++ % FB_DIRECT_QUEUE];
    job->ahead -= item.place.stored;
    pthread_mutex_unlock(&pool->lock);
    bool fine = deliver(job, scratch, &item);
    pthread_mutex_lock(&pool->lock);
    job->failed |= !fine;
    return true;
}

void fb_direct_job_help(struct fb_direct_job *job, struct fb_direct_scratch *scratch)
{
    struct fb_direct_pool *pool = &job->array->file->pool;
    while (!job->failed && !job->closed)
        if (!do_one(job, pool, scratch)) {
            if (job->complete)
                break;
            pthread_cond_wait(&pool->posted, &pool->lock);
        }
}

static bool run_together(struct fb_direct_job *job, struct fb_direct_scratch *scratch)
{
    struct fb_direct_file *file = job->array->file;
    struct fb_direct_pool *pool = &file->pool;
    struct fb_direct_item queue[FB_DIRECT_QUEUE];
    job->queue = queue;
    bool shared = file->threads > 1 && job->total >= file->limits.shared_chunks &&
                  job->bytes >= file->limits.shared_bytes;
    if (shared)
        fb_direct_pool_post(pool, job);
    pthread_mutex_lock(&pool->lock);
    while (!job->failed) {
        if (wants_more(job, file->threads))
            find_more(job, pool);
        else if (!do_one(job, pool, scratch))
            break;
    }
    job->closed = true;
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->lock);
    if (shared)
        fb_direct_pool_retire(pool, job);
    return !job->failed;
}

bool fb_direct_job_run(struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                       void *buffer)
{
    struct fb_direct_file *file = array->file;
    struct fb_direct_quiet quiet;
    struct fb_direct_job job = { .array = array, .start = start, .count = count, .buffer = buffer };
    if (!begin(&job))
        return false;
    enter(file, &quiet);
    bool scouted = fb_direct_send_scout(array, job.total, job.bytes);
    leave(file, &quiet);
    struct fb_direct_scratch *scratch =
        fb_direct_scratch_take(&file->pool, array->serial, number_here(&job));
    if (!scratch)
        return false;
    bool done = scouted ? run_together(&job, scratch) : run_in_order(&job, scratch);
    fb_direct_scratch_give_back(&file->pool, scratch);
    file->decoded += done ? job.bytes : 0;
    array->read++;
    return done;
}
