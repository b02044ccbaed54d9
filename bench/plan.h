/* A plan: the list of read requests that a workload makes of a dataset, the same for every format.
 *
 * As CSV it is what a worker is given, one row a request. What the operations deliver:
 *
 * read: the slab start, count of `array`, in C order and machine byte order.
 *
 * load: the whole of `array` into memory of its own, allocated inside the clock and kept until the
 * iteration ends; delivers those bytes.
 *
 * mean: reads the slab start, count of `array` whole (an integer or float array, one row or more
 * along axis 0) and delivers its mean along axis 0: a float64 for each element of a row, in C order
 * and machine byte order. mean.h says how it is summed.
 *
 * sample: reads the slab start, count of `array`, which begins at row 0, and delivers `max` rows:
 * those that were read, no more than that, and zero bytes for the rest. sample.h says what for.
 *
 * catalog: "PATH\tDTYPE\tSHAPE\n" for each array of the file, in catalog order (by sample, then by
 * path, digits as numbers): the type as numpy names it, the shape as "10x68x2", empty for a scalar.
 * Paths are written as they are, whatever is in them.
 *
 * search-range: "NAME\tFRAMES\n" for each sample, in catalog order, that has an array whose path
 * matches the glob `array` and whose length along `axis` (FRAMES, of the first such array) lies in
 * min..max.
 *
 * search-name: the same line for the sample called `name` (FRAMES of its first matching array);
 * nothing if there is none.
 *
 * A row with `joined` 1 belongs to the same call as the row before: handle `each` opens the file
 * once a call (load_sample reads three arrays). Otherwise it is empty.
 *
 * start and count are one number an axis, parted by blanks (empty for a scalar). A read
 * with a count of 0 takes place too: the array is opened, and no bytes are delivered. A create
 * job's plan has rows `write`: count is the shape, `sample` and `name` say where the array belongs.
 */
#ifndef FB_BENCH_PLAN_H
#define FB_BENCH_PLAN_H

#include "base/error.h"
#include "datasets/catalog.h"
#include "datasets/manifest.h"

#include <stdio.h>

enum fb_op {
    FB_OP_READ,
    FB_OP_LOAD,
    FB_OP_MEAN,
    FB_OP_SAMPLE,
    FB_OP_CATALOG,
    FB_OP_SEARCH_RANGE,
    FB_OP_SEARCH_NAME,
    FB_OP_WRITE
};

struct fb_request {
    enum fb_op op;
    char *array; /* path, or the glob of a search; "" of a catalog */
    struct fb_dtype dtype;
    unsigned rank;
    uint64_t start[FB_MAX_RANK], count[FB_MAX_RANK];
    uint64_t bytes; /* delivered; for a search and a catalog known only with the reference (0 until
                       then) */
    unsigned axis;
    uint64_t min, max; /* of a search; max of a sample: the rows that it delivers */
    bool joined;       /* belongs to one call with the request before: `each` opens the file once
                          for both */
    char *sample;      /* write */
    char *name;        /* search-name, write */
};

/* How a plan of samples is delivered: in batches, as a training loop's data loader does it. */
struct fb_loading {
    uint64_t batch;    /* samples in a batch, of which the last one may have fewer. 0: there are no
                          batches, and the requests are executed one after the other */
    uint64_t workers;  /* processes that read, the children; 0: the consumer reads for itself */
    uint64_t prefetch; /* batches for each child that are under way before they are asked for */
    uint64_t step_ns;  /* that the consumer computes on each batch */
    uint64_t memory_bytes; /* that consumer and children together may use; 0: no limit */
};

#define FB_BATCH_MAX 1000000
#define FB_LOADERS_MAX 64
#define FB_PREFETCH_MAX 64
#define FB_STEP_US_MAX 1000000

struct fb_plan {
    struct fb_request *requests;
    size_t count;
    /* Requests share one buffer of the largest one's size, so that nothing but that buffer is
     * touched (scan); otherwise they are delivered to a ring. */
    bool one_buffer;
    struct fb_loading loading;
};

void fb_plan_free(struct fb_plan *plan);
/* Appends a copy of the request (its strings too). */
int fb_plan_add(struct fb_plan *plan, const struct fb_request *request, struct fb_error *err);
/* Appends a read, load or mean of a slab; NULL start and count: the whole array. */
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
/* True when the request is about a slab of one array: start, count and dtype say which. */
bool fb_request_is_slab(const struct fb_request *request);
/* Bytes of that slab: more or less than what a mean of it delivers. */
uint64_t fb_request_slab_bytes(const struct fb_request *request);
/* What the request takes up in the ring of results, at the most INT64_MAX; 0 where its result has
 * memory of its own. A mean lies at the beginning, the slab that it is of at the end. */
uint64_t fb_request_ring_bytes(const struct fb_request *request);

/* The query behind a search request. */
struct fb_query fb_request_query(const struct fb_request *request);

/* Requests, those that are joined counted once. */
size_t fb_plan_calls(const struct fb_plan *plan);

/* Bytes that the requests ask for: the slabs that are read, of means and samples too, and the
 * answers of searches. */
uint64_t fb_plan_asked_bytes(const struct fb_plan *plan);
/* Sum of the requests' bytes, and the most that one of them takes up in the ring. */
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
