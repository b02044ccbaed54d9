#include "bench/anatomy/geometry.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

#define SIEVE_BYTES 65536
/* glibc's: its threshold moves up with each mapped block that is freed, to this at the most. */
#define MAPPED_BYTES (UINT64_C(32) << 20)
#define NONE UINT32_MAX
/* Chunks of a B-tree node: half to all of 64. */
#define NODE_CHUNKS 43.0

struct entry {
    uint64_t number;         /* of the chunk in the array */
    uint64_t unread;         /* bytes not yet read: 0 makes it the first to go */
    uint32_t previous, next; /* in the list, least recently used first */
    bool used;
};

struct cache {
    struct entry *slots;
    uint64_t slot_count, bytes, bytes_max, chunk_bytes;
    uint32_t head, tail;
    uint64_t used;
};

struct walk {
    const struct fb_layout *layout;
    const struct fb_array_info *array;
    uint64_t grid[FB_MAX_RANK]; /* chunks an axis */
    unsigned bits[FB_MAX_RANK];
    struct cache cache;
    uint64_t stored_bytes;             /* of a chunk */
    bool mapped;                       /* a decoded chunk has a mapping of its own */
    uint64_t heap;                     /* bytes of chunks that the heap has grown to */
    uint64_t sieve_start, sieve_bytes; /* 0 bytes: empty */
    uint64_t budget;
    struct fb_work *work;
};

struct fb_layout fb_layout_of(const struct fb_stored *stored)
{
    const struct fb_storage *storage = &stored->storage;
    struct fb_layout layout = {
        .rank = storage->chunk_rank,
        .filtered = storage->filters[0] != '\0',
        .compressed =
            stored->info.bytes > 0 ? (double)storage->stored_bytes / (double)stored->info.bytes : 1,
        .cache_bytes = storage->cache_bytes,
        .cache_slots = storage->cache_slots,
    };
    memcpy(layout.chunk, storage->chunk, sizeof layout.chunk);
    return layout;
}

uint64_t fb_layout_chunk_bytes(const struct fb_layout *layout, uint64_t element_bytes)
{
    uint64_t bytes = element_bytes;
    for (unsigned k = 0; k < layout->rank; k++)
        if (!fb_mul_u64(bytes, layout->chunk[k], &bytes))
            return UINT64_MAX;
    return bytes;
}

/* --- the chunk cache -------------------------------------------------------------------------- */

static void unlink_entry(struct cache *cache, uint32_t at)
{
    struct entry *entry = &cache->slots[at];
    if (entry->previous != NONE)
        cache->slots[entry->previous].next = entry->next;
    else
        cache->head = entry->next;
    if (entry->next != NONE)
        cache->slots[entry->next].previous = entry->previous;
    else
        cache->tail = entry->previous;
}

static void evict(struct cache *cache, uint32_t at)
{
    unlink_entry(cache, at);
    cache->slots[at].used = false;
    cache->bytes -= cache->chunk_bytes;
    cache->used--;
}

static void append(struct cache *cache, uint32_t at)
{
    struct entry *entry = &cache->slots[at];
    entry->previous = cache->tail;
    entry->next = NONE;
    if (cache->tail != NONE)
        cache->slots[cache->tail].next = at;
    else
        cache->head = at;
    cache->tail = at;
}

/* A hit moves a chunk back by one place only. */
static void move_back(struct cache *cache, uint32_t at)
{
    uint32_t next = cache->slots[at].next;
    if (next == NONE)
        return;
    uint32_t after = cache->slots[next].next;
    unlink_entry(cache, at);
    struct entry *entry = &cache->slots[at];
    entry->previous = next;
    entry->next = after;
    cache->slots[next].next = at;
    if (after != NONE)
        cache->slots[after].previous = at;
    else
        cache->tail = at;
}

static uint32_t next_of(const struct cache *cache, uint32_t at)
{
    return at == NONE ? NONE : cache->slots[at].next;
}

/* Two pointers walk the list: the first takes chunks that were read whole, the second, which starts
 * when the first has gone three quarters, takes all. */
static void make_room(struct cache *cache)
{
    int64_t ahead = (int64_t)((double)cache->used * 0.75);
    uint32_t whole = cache->head, any = NONE;
    while ((whole != NONE || any != NONE) && cache->bytes + cache->chunk_bytes > cache->bytes_max) {
        if (ahead == 0)
            any = cache->head;
        uint32_t whole_next = next_of(cache, whole), any_next = next_of(cache, any);
        if (whole != NONE && cache->slots[whole].unread == 0) {
            uint32_t gone = whole;
            if (any == gone)
                any = NONE;
            if (any_next == gone)
                any_next = cache->slots[gone].next;
            evict(cache, gone);
        }
        if (any != NONE && cache->bytes + cache->chunk_bytes > cache->bytes_max) {
            uint32_t gone = any;
            if (whole_next == gone)
                whole_next = cache->slots[gone].next;
            evict(cache, gone);
        }
        whole = whole_next;
        any = any_next;
        ahead--;
    }
}

/* True when the chunk was in the cache; else it is now, if it can be. */
static bool look_up(struct cache *cache, uint64_t hash, uint64_t number, uint64_t read_bytes)
{
    if (cache->slot_count == 0)
        return false;
    uint32_t at = (uint32_t)(hash % cache->slot_count);
    struct entry *entry = &cache->slots[at];
    bool hit = entry->used && entry->number == number;
    if (hit) {
        move_back(cache, at);
    } else if (cache->chunk_bytes <= cache->bytes_max) {
        if (entry->used)
            evict(cache, at);
        make_room(cache);
        *entry = (struct entry){ .number = number, .unread = cache->chunk_bytes, .used = true };
        append(cache, at);
        cache->bytes += cache->chunk_bytes;
        cache->used++;
    } else {
        return false;
    }
    entry->unread -= read_bytes < entry->unread ? read_bytes : entry->unread;
    return hit;
}

/* --- one request ------------------------------------------------------------------------------ */

static bool spend(struct walk *walk, uint64_t steps)
{
    if (walk->budget < steps)
        return false;
    walk->budget -= steps;
    return true;
}

/* Elements that lie in one row both in a block of shape `whole` and in a slab of shape `count`, of
 * the piece that they share. */
static uint64_t row_length(unsigned rank, const uint64_t *piece, const uint64_t *whole,
                           const uint64_t *count)
{
    uint64_t row = 1;
    for (unsigned k = rank; k-- > 0;) {
        row *= piece[k];
        if (piece[k] != whole[k] || piece[k] != count[k])
            break;
    }
    return row;
}

/* Where the memory of a chunk that is loaded comes from. */
static void take_memory(struct walk *walk)
{
    struct fb_work *work = walk->work;
    uint64_t bytes = walk->cache.chunk_bytes;
    uint64_t *fresh = walk->layout->filtered ? &work->fresh_decoded : &work->fresh_read;
    if (walk->mapped) {
        *fresh += bytes;
        work->unmapped += bytes;
    } else if (walk->heap < walk->cache.bytes_max + bytes) {
        walk->heap += bytes;
        *fresh += bytes;
    }
    if (walk->layout->filtered && walk->stored_bytes >= MAPPED_BYTES) {
        work->fresh_read += walk->stored_bytes;
        work->unmapped += walk->stored_bytes;
    }
}

static bool take_chunk(struct walk *walk, const uint64_t *at, const struct fb_request *request)
{
    const struct fb_layout *layout = walk->layout;
    uint64_t piece[FB_MAX_RANK], elements = 1, inside = 1, number = 0, hash = at[0];
    for (unsigned k = 0; k < layout->rank; k++) {
        uint64_t first = at[k] * layout->chunk[k], last = first + layout->chunk[k];
        uint64_t end = walk->array->dims[k];
        inside *= (end < last ? end : last) - first;
        uint64_t from = request->start[k] > first ? request->start[k] : first;
        uint64_t to = request->start[k] + request->count[k];
        to = to < last ? to : last;
        piece[k] = to - from;
        elements *= piece[k];
        number = number * walk->grid[k] + at[k];
        if (k > 0)
            hash = (hash << walk->bits[k]) ^ at[k];
    }
    uint64_t runs = elements / row_length(layout->rank, piece, layout->chunk, request->count);
    uint64_t bytes = elements * request->dtype.size;
    uint64_t chunk_bytes = walk->cache.chunk_bytes;
    walk->work->touched++;
    walk->work->runs += runs;
    walk->work->copied += bytes;
    if (!layout->filtered && chunk_bytes > walk->cache.bytes_max) {
        /* Read past the cache, row by row. */
        walk->work->reads += runs;
        walk->work->read_bytes += bytes;
        walk->work->copied -= bytes;
    } else if (!look_up(&walk->cache, hash, number, bytes)) {
        walk->work->loaded++;
        walk->work->loaded_bytes += chunk_bytes;
        walk->work->loaded_inside += inside * request->dtype.size;
        walk->work->reads++;
        walk->work->read_bytes += walk->stored_bytes;
        take_memory(walk);
    }
    return spend(walk, 1);
}

static bool read_chunks(struct walk *walk, const struct fb_request *request)
{
    const struct fb_layout *layout = walk->layout;
    uint64_t first[FB_MAX_RANK], last[FB_MAX_RANK], at[FB_MAX_RANK];
    for (unsigned k = 0; k < layout->rank; k++) {
        first[k] = at[k] = request->start[k] / layout->chunk[k];
        last[k] = (request->start[k] + request->count[k] - 1) / layout->chunk[k];
    }
    for (;;) {
        if (!take_chunk(walk, at, request))
            return false;
        unsigned k = layout->rank;
        while (k > 0 && at[k - 1] == last[k - 1]) {
            at[k - 1] = first[k - 1];
            k--;
        }
        if (k == 0)
            return true;
        at[k - 1]++;
    }
}

/* A run of an array in one piece: through the sieve, unless it is longer. */
static void sieve(struct walk *walk, uint64_t offset, uint64_t bytes)
{
    uint64_t most = walk->array->bytes < SIEVE_BYTES ? walk->array->bytes : SIEVE_BYTES;
    if (walk->sieve_bytes && offset >= walk->sieve_start &&
        offset + bytes <= walk->sieve_start + walk->sieve_bytes) {
        walk->work->copied += bytes;
        return;
    }
    walk->work->reads++;
    if (bytes > most) {
        walk->work->read_bytes += bytes;
        return;
    }
    walk->work->copied += bytes;
    uint64_t left = walk->array->bytes - offset;
    walk->sieve_start = offset;
    walk->sieve_bytes = left < most ? left : most;
    walk->work->read_bytes += walk->sieve_bytes;
}

static bool read_piece(struct walk *walk, const struct fb_request *request)
{
    const struct fb_array_info *array = walk->array;
    uint64_t row = row_length(array->rank, request->count, array->dims, request->count);
    uint64_t elements = 1, at[FB_MAX_RANK] = { 0 }, element = request->dtype.size;
    for (unsigned k = 0; k < array->rank; k++)
        elements *= request->count[k];
    uint64_t runs = elements / row;
    walk->work->runs += runs;
    if (!spend(walk, runs))
        return false;
    for (uint64_t n = 0, done = 0; n < runs; n++, done += row) {
        uint64_t rest = done, offset = 0, stride = element;
        for (unsigned k = array->rank; k-- > 0;) {
            at[k] = rest % request->count[k];
            rest /= request->count[k];
            offset += (request->start[k] + at[k]) * stride;
            stride *= array->dims[k];
        }
        sieve(walk, offset, row * element);
    }
    return true;
}

/* --- the plan --------------------------------------------------------------------------------- */

static void forget(struct walk *walk)
{
    struct cache *cache = &walk->cache;
    if (walk->mapped) {
        walk->work->unmapped -= cache->bytes;
        walk->work->unmapped_on_close += cache->bytes;
    }
    if (cache->slots)
        memset(cache->slots, 0, cache->slot_count * sizeof *cache->slots);
    cache->head = cache->tail = NONE;
    cache->bytes = cache->used = 0;
    walk->sieve_bytes = 0;
}

static bool open_array(struct walk *walk, const struct fb_stored *stored,
                       const struct fb_layout *layout)
{
    struct cache *cache = &walk->cache;
    forget(walk);
    uint64_t slots = layout->rank ? layout->cache_slots : 0;
    if (slots != cache->slot_count) {
        free(cache->slots);
        cache->slot_count = 0;
        cache->slots = slots && slots < NONE ? calloc(slots, sizeof *cache->slots) : NULL;
        if (slots && !cache->slots)
            return false;
        cache->slot_count = slots;
    }
    walk->layout = layout;
    walk->array = &stored->info;
    cache->bytes_max = layout->cache_bytes;
    cache->chunk_bytes = fb_layout_chunk_bytes(layout, stored->info.dtype.size);
    walk->stored_bytes = (uint64_t)((double)cache->chunk_bytes * layout->compressed);
    /* The decoder begins with a buffer of the stored size and doubles it. */
    uint64_t buffer = walk->stored_bytes ? walk->stored_bytes : 1;
    while (buffer < cache->chunk_bytes && buffer < MAPPED_BYTES)
        buffer *= 2;
    walk->mapped = layout->filtered && buffer >= MAPPED_BYTES;
    for (unsigned k = 0; k < layout->rank; k++) {
        walk->grid[k] = (stored->info.dims[k] + layout->chunk[k] - 1) / layout->chunk[k];
        for (walk->bits[k] = 0; (UINT64_C(1) << walk->bits[k]) < walk->grid[k];)
            walk->bits[k]++;
    }
    forget(walk);
    walk->work->array_opens++;
    return true;
}

/* Nodes of the chunk index that a request has to go through, if none had been read before. */
static double nodes_of(const struct walk *walk, uint64_t touched)
{
    double all = 1;
    for (unsigned k = 0; k < walk->layout->rank; k++)
        all *= (double)walk->grid[k];
    double asked = (double)touched < all ? (double)touched : all;
    return all <= 64 ? 1 : 2 + asked / NODE_CHUNKS;
}

bool fb_work_of(const struct fb_case *what, const struct fb_layout *layouts, uint64_t limit,
                struct fb_work *out)
{
    struct walk walk = { .budget = limit, .work = out };
    uint64_t *touched = calloc(what->array_count + 1, sizeof *touched);
    size_t open = SIZE_MAX;
    bool fine = touched != NULL;
    *out = (struct fb_work){ 0 };
    for (size_t i = 0; fine && i < what->plan->count; i++) {
        const struct fb_request *request = &what->plan->requests[i];
        size_t array = what->array_of[i];
        if (array == SIZE_MAX)
            continue;
        if (array != open || what->handle == FB_HANDLE_EACH)
            fine = open_array(&walk, &what->arrays[array], &layouts[array]);
        open = array;
        out->requests++;
        out->bytes += request->bytes;
        if (!fine || request->bytes == 0)
            continue;
        uint64_t before = out->touched;
        fine = layouts[array].rank ? read_chunks(&walk, request) : read_piece(&walk, request);
        if (layouts[array].rank && what->handle == FB_HANDLE_EACH)
            out->nodes += nodes_of(&walk, out->touched - before);
        touched[array] += out->touched - before;
    }
    /* Within one open file an index node is read once. */
    for (size_t a = 0; fine && what->handle != FB_HANDLE_EACH && a < what->array_count; a++)
        if (layouts[a].rank && touched[a] > 0) {
            walk.layout = &layouts[a];
            for (unsigned k = 0; k < layouts[a].rank; k++)
                walk.grid[k] =
                    (what->arrays[a].info.dims[k] + layouts[a].chunk[k] - 1) / layouts[a].chunk[k];
            out->nodes += nodes_of(&walk, touched[a]);
        }
    if (fine)
        forget(&walk);
    free(walk.cache.slots);
    free(touched);
    return fine;
}
