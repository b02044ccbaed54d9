#include "formats/direct/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>

/* What is asked of the kernel, and found, ahead of those who decode. */
#define AHEAD_BYTES ((uint64_t)8 << 20)
/* What may lie between two arrays that are read one after the other. */
#define FOLLOWS_BYTES ((uint64_t)64 << 10)
#define GROUP_FIRST 8
#define GROUP_CHUNKS 64
#define GROUP_BYTES ((uint64_t)1 << 20)

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
    fb_direct_first_of(array, item->number, first);
    enter(array->file, &quiet);
    bool done = fb_direct_fetch_through_hdf5(array, first_of_chunk, &item->place, scratch);
    bool missing = done && item->place.address == FB_DIRECT_MISSING;
    if (missing)
        done = fb_direct_place_missing(job, first);
    leave(array->file, &quiet);
    if (!done || missing)
        return done;
    if (!fb_direct_decode_chunk(job, scratch, item, first))
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
    while (fb_direct_job_next(job, &item.number, first_of_chunk)) {
        fb_direct_first_of(job->array, item.number, first);
        if (!fb_direct_place_cached(job, item.number, first) &&
            !fb_direct_place_own(job, scratch, item.number, first) &&
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

static bool in_memory(int descriptor, uint64_t at)
{
    char byte;
    struct iovec one = { &byte, 1 };
    /* Behind the end there is nothing to wait for, and where the kernel does not tell (tmpfs, and
     * overlayfs, whatever lies below), its own reading ahead must do. */
    return preadv2(descriptor, &one, 1, (off_t)at, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

/* Who reads a file from its beginning to its end goes on, most likely: what comes behind the last
 * chunk, other arrays and what the library has to read of them, comes in while these are decoded.
 * Not where most of what lies between `from` and `end` is not asked for. True where that is seen
 * to.
 */
static bool follow(struct fb_direct_file *file, uint64_t from, uint64_t end, uint64_t stored)
{
    uint64_t before = atomic_exchange(&file->read_to, end);
    bool follows = before > 0 && from >= before && from - before <= FOLLOWS_BYTES;
    bool dense = end - from <= 2 * stored + FOLLOWS_BYTES;
    return follows && dense && !in_memory(file->descriptor, end + AHEAD_BYTES / 2) &&
           fb_direct_ahead_read(&file->ahead, file->descriptor, from, end + AHEAD_BYTES);
}

/* Has the kernel begin to read what is not in memory, where anything is not. */
static void read_ahead(const struct fb_direct_job *job, const struct fb_direct_item *items,
                       size_t count)
{
    struct fb_direct_file *file = job->array->file;
    const struct fb_direct_entry *last = &items[count - 1].place;
    uint64_t last_end = last->address + last->stored, stored = 0;
    for (size_t i = 0; i < count; i++)
        stored += items[i].place.stored;
    if (follow(file, items[0].place.address, last_end, stored) ||
        in_memory(file->descriptor, last_end - 1))
        return;
    for (size_t i = 0; i < count;) {
        uint64_t from = items[i].place.address, end = from;
        /* Less than a page between them is read with them. */
        while (i < count && items[i].place.address <= end + 4096) {
            end = items[i].place.address + items[i].place.stored;
            i++;
        }
        posix_fadvise(file->descriptor, (off_t)from, (off_t)(end - from), POSIX_FADV_WILLNEED);
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
    /* The first ones are few, so that helpers have something to do. */
    const size_t most =
        job->walked + GROUP_FIRST < GROUP_CHUNKS ? job->walked + GROUP_FIRST : GROUP_CHUNKS;
    *count = 0;
    *bytes = 0;
    enter(array->file, &quiet);
    for (size_t looked = 0; fine && looked < most && *bytes < GROUP_BYTES; looked++) {
        struct fb_direct_item *item = &items[*count];
        if (!fb_direct_job_next(job, &item->number, first_of_chunk))
            break;
        fb_direct_first_of(array, item->number, first);
        if (fb_direct_place_cached(job, item->number, first))
            continue;
        fine = fb_direct_locate(array, first_of_chunk, item);
        if (fine && item->place.address == FB_DIRECT_MISSING) {
            fine = fb_direct_place_missing(job, first);
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
           (waiting < 2 * threads * job->together || job->ahead < AHEAD_BYTES);
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

/* False where there is none to take. Helpers take the last ones and the caller the first: chunks
 * that lie side by side write to the same lines of the processor's cache at their edges. The very
 * last one stays: who reads on in small slabs asks for it next, and whoever decodes it at the end
 * has it still. */
static bool do_some(struct fb_direct_job *job, struct fb_direct_pool *pool,
                    struct fb_direct_scratch *scratch, bool helps)
{
    struct fb_direct_item items[FB_DIRECT_TOGETHER];
    size_t count = 0;
    bool fine = true;
    /* The last ones are shared out one by one, so that nobody waits for a pair. */
    const size_t waiting = job->found - job->taken;
    const size_t most = job->complete && waiting <= job->array->file->threads ? 1 : job->together;
    while (count < most && count < waiting)
        count++;
    if (count == 0)
        return false;
    size_t left = helps && job->found - job->taken > count;
    size_t first = helps ? job->found - count - left : job->taken;
    for (size_t i = 0; i < count; i++) {
        items[i] = job->queue[(first + i) % FB_DIRECT_QUEUE];
        job->ahead -= items[i].place.stored;
    }
    if (left)
        job->queue[first % FB_DIRECT_QUEUE] = job->queue[(job->found - 1) % FB_DIRECT_QUEUE];
    if (helps)
        job->found -= count;
    else
        job->taken += count;
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; fine && i < count; i++)
        fine = fb_direct_deliver(job, scratch, &items[i]);
    pthread_mutex_lock(&pool->lock);
    job->failed |= !fine;
    return true;
}

void fb_direct_job_help(struct fb_direct_job *job, struct fb_direct_scratch *scratch)
{
    struct fb_direct_pool *pool = &job->array->file->pool;
    while (!job->failed && !job->closed)
        if (!do_some(job, pool, scratch, true)) {
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
    bool shares = file->threads > 1 && job->total >= file->limits.shared_chunks &&
                  job->bytes >= file->limits.shared_bytes;
    bool posted = false;
    pthread_mutex_lock(&pool->lock);
    while (!job->failed) {
        if (wants_more(job, file->threads))
            find_more(job, pool);
        else if (!do_some(job, pool, scratch, false))
            break;
        /* Not before there is something to do: who finds nothing falls asleep. */
        if (shares && !posted && !job->failed && job->taken < job->found) {
            fb_direct_pool_post(pool, job);
            posted = true;
        }
    }
    job->closed = true;
    if (posted)
        fb_direct_pool_retire(pool, job);
    pthread_mutex_unlock(&pool->lock);
    return !job->failed;
}

bool fb_direct_job_run(struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                       void *buffer)
{
    struct fb_direct_file *file = array->file;
    struct fb_direct_quiet quiet;
    struct fb_direct_job job = { .array = array, .start = start, .count = count, .buffer = buffer };
    if (!fb_direct_job_begin(&job))
        return false;
    enter(file, &quiet);
    bool scouted = fb_direct_send_scout(array, job.total, job.bytes);
    leave(file, &quiet);
    struct fb_direct_scratch *scratch =
        fb_direct_scratch_take(&file->pool, array->serial, fb_direct_job_number(&job));
    if (!scratch)
        return false;
    bool done = scouted ? run_together(&job, scratch) : run_in_order(&job, scratch);
    fb_direct_scratch_give_back(&file->pool, scratch);
    file->decoded += done ? job.bytes : 0;
    array->read++;
    return done;
}
