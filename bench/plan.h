/* A plan: the list of read requests that a workload makes of a dataset, the same for every format.
 *
 * As CSV it is what a worker is given. One row a request:
 *
 *   op            what to do and which bytes it delivers
 *   read          the slab start, count of `array`, in C order and machine byte order
 *   load          the whole of `array` into memory of its own, allocated inside the clock and kept
 *                 until the iteration ends; delivers those bytes
 *   search-range  "NAME\tFRAMES\n" for each sample, in catalog order, that has an array whose path
 *                 matches the glob `array` and whose length along `axis` (FRAMES, of the first such
 *                 array) lies in min..max
 *   search-name   the same line for the sample called `name` (FRAMES of its first matching array);
 *                 nothing if there is none
 *
 * start and count are one number an axis, parted by blanks (empty for a scalar). A create job's
 * plan has rows `write`: count is the shape, `sample` and `name` say where the array belongs. */
#ifndef FB_BENCH_PLAN_H
#define FB_BENCH_PLAN_H

#include "base/error.h"
#include "datasets/catalog.h"
#include "datasets/manifest.h"

#include <stdio.h>

enum fb_op { FB_OP_READ, FB_OP_LOAD, FB_OP_SEARCH_RANGE, FB_OP_SEARCH_NAME, FB_OP_WRITE };

struct fb_request {
    enum fb_op op;
    char *array; /* path, or the glob of a search */
    struct fb_dtype dtype;
    unsigned rank;
    uint64_t start[FB_MAX_RANK], count[FB_MAX_RANK];
    uint64_t bytes; /* delivered; for a search known only with the reference (0 until then) */
    unsigned axis;
    uint64_t min, max;
    char *sample; /* write */
    char *name;   /* search-name, write */
};

struct fb_plan {
    struct fb_request *requests;
    size_t count;
    /* Requests share one buffer of the largest one's size, so that nothing but that buffer is
     * touched (scan); otherwise they are delivered to a ring. */
    bool one_buffer;
};

void fb_plan_free(struct fb_plan *plan);
/* Appends a copy of the request (its strings too). */
int fb_plan_add(struct fb_plan *plan, const struct fb_request *request, struct fb_error *err);
/* Appends a read or load of a slab; NULL start and count: the whole array. */
int fb_plan_add_slab(struct fb_plan *plan, enum fb_op op, const struct fb_array_info *array,
                     const uint64_t *start, const uint64_t *count, struct fb_error *err);
/* The create job's plan: one write a catalog array. */
int fb_plan_of_catalog(const struct fb_catalog *catalog, struct fb_plan *out, struct fb_error *err);
/* The same requests with the element types of another catalog of the same arrays (a narrowed file).
 */
int fb_plan_retype(const struct fb_plan *plan, const struct fb_catalog *catalog,
                   struct fb_plan *out, struct fb_error *err);

/* True when the request is a search. */
bool fb_request_is_search(const struct fb_request *request);
/* The query behind a search request. */
struct fb_query fb_request_query(const struct fb_request *request);

/* Sum and maximum of the requests' bytes. */
uint64_t fb_plan_bytes(const struct fb_plan *plan);
uint64_t fb_plan_largest(const struct fb_plan *plan);

/* The worker's copy: replaces the file whole. It carries no hashes. */
int fb_plan_write(const struct fb_plan *plan, const char *path, struct fb_error *err);
/* Reads it back, checking every field. */
int fb_plan_read(const char *path, struct fb_plan *out, struct fb_error *err);
/* Rows for plan.csv of a run folder: the same columns behind workload, options and request number,
 * with bytes and expected hash (NULL: none) at the end. Returns a negative value on a write error.
 */
void fb_plan_print_header(FILE *stream);
void fb_plan_print(FILE *stream, const char *workload, const char *options,
                   const struct fb_plan *plan, const struct fb_hash *hashes);

#endif
