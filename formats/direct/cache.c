/* So few chunks that looking through all of them costs less than a table to find them by. */
#include "formats/direct/internal.h"

#include <stdlib.h>

void fb_direct_cache_begin(struct fb_direct_cache *cache, size_t chunk_bytes)
{
    cache->chunk_bytes = chunk_bytes;
    cache->most = FB_DIRECT_CACHE_BYTES / chunk_bytes;
    if (cache->most > FB_DIRECT_CACHE_CHUNKS)
        cache->most = FB_DIRECT_CACHE_CHUNKS;
}

void fb_direct_cache_end(struct fb_direct_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++)
        free(cache->items[i].bytes);
    free(cache->items);
}

const struct fb_direct_cached *fb_direct_cache_find(struct fb_direct_cache *cache, uint64_t number)
{
    for (size_t i = 0; i < cache->count; i++) {
        struct fb_direct_cached *item = &cache->items[i];
        if (item->number == number && item->bytes) {
            item->used = ++cache->clock;
            return item;
        }
    }
    return NULL;
}

/* Free ones first, then the one that was not asked for longest; NULL where there is none. */
static struct fb_direct_cached *oldest(struct fb_direct_cache *cache, bool with_bytes)
{
    struct fb_direct_cached *found = NULL;
    for (size_t i = 0; i < cache->count; i++) {
        struct fb_direct_cached *item = &cache->items[i];
        if ((item->bytes != NULL) == with_bytes && (!found || item->used < found->used))
            found = item;
    }
    return found;
}

unsigned char *fb_direct_cache_take(struct fb_direct_cache *cache)
{
    if (cache->held < cache->most) {
        unsigned char *bytes = malloc(cache->chunk_bytes + FB_DIRECT_SLACK);
        cache->held += bytes != NULL;
        return bytes;
    }
    struct fb_direct_cached *item = oldest(cache, true);
    if (!item)
        return NULL;
    unsigned char *bytes = item->bytes;
    item->bytes = NULL;
    return bytes;
}

void fb_direct_cache_put(struct fb_direct_cache *cache, unsigned char *bytes, uint64_t number,
                         bool shuffled)
{
    struct fb_direct_cached *item =
        fb_direct_cache_find(cache, number) ? NULL : oldest(cache, false);
    if (!item && cache->count < cache->most && !fb_direct_cache_find(cache, number)) {
        /* Grown in powers of two. */
        if ((cache->count & (cache->count - 1)) == 0) {
            struct fb_direct_cached *items = reallocarray(
                cache->items, cache->count ? cache->count * 2 : 1, sizeof *cache->items);
            if (!items) {
                fb_direct_cache_give_back(cache, bytes);
                return;
            }
            cache->items = items;
        }
        item = &cache->items[cache->count++];
    }
    /* Another thread has been quicker with the same chunk. */
    if (!item) {
        fb_direct_cache_give_back(cache, bytes);
        return;
    }
    *item = (struct fb_direct_cached){
        .number = number, .used = ++cache->clock, .bytes = bytes, .shuffled = shuffled
    };
}

void fb_direct_cache_give_back(struct fb_direct_cache *cache, unsigned char *bytes)
{
    free(bytes);
    cache->held--;
}
