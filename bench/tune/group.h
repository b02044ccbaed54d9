/* Which arrays get one setting together, and which parts of them are tried on. */
#ifndef FB_BENCH_TUNE_GROUP_H
#define FB_BENCH_TUNE_GROUP_H

#include "datasets/source.h"

/* Arrays of one element type and rank whose axes from 1 on are equally long. */
struct fb_group {
    size_t *arrays; /* in the catalog; the largest is arrays[largest] */
    size_t count, largest;
    uint64_t bytes; /* of them all */
};

/* Zero-initialise. */
struct fb_groups {
    struct fb_group *items; /* the one with the most bytes first */
    size_t count;
};

/* Groups of the catalog's arrays of which `take` is true (NULL: of all). Arrays without elements
 * and single values are left out. FB_EMEMORY. */
int fb_groups_make(const struct fb_catalog *catalog, const bool *take, struct fb_groups *out,
                   struct fb_error *err);
void fb_groups_free(struct fb_groups *groups);

/* A part of one array. */
struct fb_patch {
    size_t array; /* in the catalog of the file */
    uint64_t start[FB_MAX_RANK], count[FB_MAX_RANK];
};

/* Parts of a group's arrays, in catalog order: what a stand is made of. Zero-initialise. */
struct fb_region {
    struct fb_patch *patches;
    size_t count;
    uint64_t bytes;
};

#define FB_NEED_ALL UINT64_MAX

/* Two regions of at most `budget` bytes each (more where a single slab has more) that share no
 * data: other arrays, or, of a single array or one that has most of the bytes, other halves. An
 * array that is too large is cut along the axes of which a request needs the smallest part: need[k]
 * is the most that one takes along axis k, 0 where it could do with anything, FB_NEED_ALL where it
 * would not fit a shorter one. What `grid` divides (chunks of today, by array of the catalog and
 * axis) is not cut into, where it can be helped; NULL: there is none. False in *held_out: too
 * little for two, both are the same. FB_EMEMORY. */
int fb_regions_make(const struct fb_catalog *catalog, const struct fb_group *group,
                    const uint64_t *need, const uint64_t (*grid)[FB_MAX_RANK], uint64_t budget,
                    uint64_t seed, struct fb_region out[2], bool *held_out, struct fb_error *err);
void fb_region_free(struct fb_region *region);

/* The region's patch of an array of the catalog, or NULL. */
const struct fb_patch *fb_region_patch(const struct fb_region *region, size_t array);

#endif
