/* A source: anything that lists a catalog and delivers slabs (a generator, an importer, an opened
 * file). Converting is source -> format.create. */
#ifndef FB_DATASETS_SOURCE_H
#define FB_DATASETS_SOURCE_H

#include "base/error.h"
#include "datasets/catalog.h"

struct fb_source;

struct fb_source_ops {
    /* The catalog; owned by the source, valid until close. Never NULL. */
    const struct fb_catalog *(*catalog)(const struct fb_source *source);

    /* Writes the slab start[rank], count[rank] of arrays[array] to dst in C order and the machine's
     * byte order. The caller has checked the slab with fb_slab_check and that dst holds
     * fb_slab_bytes(). Reading in catalog order, each array in rising rows, is what a source must
     * do fast; any other order must be right. */
    int (*read)(struct fb_source *source, size_t array, const uint64_t *start,
                const uint64_t *count, void *dst, struct fb_error *err);

    /* Frees the source. */
    void (*close)(struct fb_source *source);
};

/* Embedded as the first member of each source's own struct. */
struct fb_source {
    const struct fb_source_ops *ops;
    char *name; /* what was opened, as `run` would take it again; owned, freed by the source */
};

/* What a create operation uses: checks the slab and the capacity, stops on Ctrl-C
 * (FB_EINTERRUPTED), then calls ops->read. */
int fb_source_read(struct fb_source *source, size_t array, const uint64_t *start,
                   const uint64_t *count, void *dst, size_t capacity, struct fb_error *err);
const struct fb_catalog *fb_source_catalog(const struct fb_source *source);
/* Accepts NULL. */
void fb_source_close(struct fb_source *source);

/* Calls visit(context, start, count, data, bytes) for slabs of whole rows that cover arrays[array]
 * in rising order, each of at most `limit` bytes where one row fits in it. How create and hashing
 * stream an array of any size. An array without elements gets no visit; a scalar gets one. */
int fb_source_stream(struct fb_source *source, size_t array, size_t limit,
                     int (*visit)(void *context, const uint64_t *start, const uint64_t *count,
                                  const void *data, size_t bytes, struct fb_error *err),
                     void *context, struct fb_error *err);

/* A source that holds a part of each array that `crop` says true for, under the same path: the slab
 * start, count, which crop is given as the whole array and may make smaller (FB_EUSAGE for one that
 * is not within it). Takes over `inner`. */
int fb_source_crop(struct fb_source *inner,
                   bool (*crop)(void *context, size_t array, uint64_t *start, uint64_t *count),
                   void *context, struct fb_source **out, struct fb_error *err);
/* The same with whole arrays. */
int fb_source_select(struct fb_source *inner, bool (*keep)(void *context, size_t array),
                     void *context, struct fb_source **out, struct fb_error *err);

/* A source that delivers float64 as float32 (rounded to nearest, as a C cast does) and everything
 * else unchanged. Borrows `inner`, which must outlive it. */
int fb_source_narrow(struct fb_source *inner, struct fb_source **out, struct fb_error *err);
/* The same in place: *source becomes its narrowed self, which owns what it was. Closed on failure.
 */
int fb_source_narrow_own(struct fb_source **source, struct fb_error *err);

#endif
