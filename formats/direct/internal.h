/* What the files of the library share. */
#ifndef FB_FORMATS_DIRECT_INTERNAL_H
#define FB_FORMATS_DIRECT_INTERNAL_H

#include "formats/direct/ahead.h"
#include "formats/direct/decode.h"
#include "formats/direct/hdf5_direct.h"
#include "formats/direct/scout.h"

#include <pthread.h>
#include <stdatomic.h>

#define FB_DIRECT_RANK 32 /* H5S_MAX_RANK */
/* Larger chunks are left to H5Dread. */
#define FB_DIRECT_CHUNK_MAX ((uint64_t)1 << 30)
/* More filters than are ever known here. */
#define FB_DIRECT_FILTERS_SEEN 32

/* --- cache.c: decoded chunks of an array, in place of HDF5's own cache --- */

#define FB_DIRECT_CACHE_BYTES ((size_t)1 << 20)
#define FB_DIRECT_CACHE_CHUNKS 512

struct fb_direct_cached {
    uint64_t number, used; /* of the chunk; when it was asked for last */
    unsigned char *bytes;  /* NULL: free */
    bool shuffled;
};

/* Zero-initialised it holds nothing. Everything below is for one thread at a time. */
struct fb_direct_cache {
    struct fb_direct_cached *items;
    size_t count, most, chunk_bytes, held; /* held: buffers there are, taken ones among them */
    uint64_t clock;
};

/* For chunks of so many bytes: one that is too large for it is never kept. */
void fb_direct_cache_begin(struct fb_direct_cache *cache, size_t chunk_bytes);
void fb_direct_cache_end(struct fb_direct_cache *cache);
/* NULL where it is not there; valid until anything else is called. */
const struct fb_direct_cached *fb_direct_cache_find(struct fb_direct_cache *cache, uint64_t number);
/* A buffer to decode a chunk to, for which the one that was not asked for longest may go. NULL
 * where there is none to be had. */
unsigned char *fb_direct_cache_take(struct fb_direct_cache *cache);
/* Such a buffer, with the chunk in it; or without, where decoding failed. */
void fb_direct_cache_put(struct fb_direct_cache *cache, unsigned char *bytes, uint64_t number,
                         bool shuffled);
void fb_direct_cache_give_back(struct fb_direct_cache *cache, unsigned char *bytes);

/* --- pool.c: threads, and what each of them works with --- */

struct fb_direct_array;

/* Of one thread at a time. */
struct fb_direct_scratch {
    struct libdeflate_decompressor *inflater;
    unsigned char *stored, *chunk; /* one chunk as it is stored, one decoded */
    size_t stored_room, chunk_room;
    /* What `chunk` holds, where that was kept in mind: an array's serial number and a chunk of it;
     * serial 0: nothing. */
    uint64_t serial, number;
    bool shuffled;
    struct fb_direct_scratch *next;
};

/* Room for any chunk of the array; false when out of memory. What is there may be lost. */
bool fb_direct_scratch_reserve(struct fb_direct_scratch *scratch,
                               const struct fb_direct_array *array);

struct fb_direct_job;

struct fb_direct_pool {
    pthread_mutex_t lock; /* also of what jobs hand to each other's threads */
    pthread_cond_t posted, finished;
    struct fb_direct_job *jobs;
    struct fb_direct_scratch *idle;
    pthread_t *threads;
    unsigned count, most;   /* helpers that run, and that may */
    _Atomic unsigned posts; /* goes on with every job, and with the end */
    bool started, ending;
};

/* A thread that gets no signals: they are for the caller's. */
bool fb_direct_thread_start(pthread_t *thread, void *(*work)(void *context), void *context);

int fb_direct_pool_begin(struct fb_direct_pool *pool, unsigned helpers);
void fb_direct_pool_end(struct fb_direct_pool *pool);
/* The one that holds the chunk where there is one; NULL when out of memory. */
struct fb_direct_scratch *fb_direct_scratch_take(struct fb_direct_pool *pool, uint64_t serial,
                                                 uint64_t number);
void fb_direct_scratch_give_back(struct fb_direct_pool *pool, struct fb_direct_scratch *scratch);
/* With the pool's lock held, both of these. Has helpers join in; they are started with the first
 * job. */
void fb_direct_pool_post(struct fb_direct_pool *pool, struct fb_direct_job *job);
/* Lets no more helpers into the job, which is closed, and waits for those that are in it. */
void fb_direct_pool_retire(struct fb_direct_pool *pool, struct fb_direct_job *job);
/* What a helper does; returns when there is no more to do. The pool's lock is held before and
 * after. */
void fb_direct_job_help(struct fb_direct_job *job, struct fb_direct_scratch *scratch);

/* --- direct.c --- */

/* From where on something pays. */
struct fb_direct_limits {
    /* Opening an attached file a second time, and an array in it, costs some tenths of a
     * millisecond: with so many bytes to decode at once, or decoded before; and so many chunks of
     * an array. */
    uint64_t scout_bytes, scout_sum, scout_chunks;
    /* Waking a helper takes as long as decoding a few small chunks. */
    uint64_t shared_bytes, shared_chunks;
};

struct fb_direct_file {
    hid_t file;
    bool owned;
    char *path;
    pthread_mutex_t lock; /* every call of HDF5 for this file, and what it finds */
    struct fb_direct_pool pool;
    unsigned threads;
    struct fb_direct_limits limits; /* others in tests */
    /* The file once more, once that pays; -1 and NULL before, but that a scout may have the file
     * open in the first place. */
    bool scouting_tried, scouts; /* scouts: what the scout finds is what the descriptor reads */
    struct fb_direct_scout *scout;
    int descriptor;
    uint64_t bytes; /* of the file */
    struct fb_direct_ahead ahead;
    _Atomic uint64_t read_to; /* where the chunks end that were asked for last */
    _Atomic uint64_t decoded;
    uint64_t serial; /* of the array that was attached last */
    /* The library's number of the file, under the lock, once it was asked for. */
    bool numbered;
    unsigned long number;
};

/* Where chunk number n of an array lies: address 0 is not known yet. */
struct fb_direct_entry {
    uint64_t address;
    uint32_t stored, skipped;
};
#define FB_DIRECT_MISSING UINT64_MAX /* as an address */

enum fb_direct_kind { FB_DIRECT_UNSEEN, FB_DIRECT_READS, FB_DIRECT_FALLS_BACK };

struct fb_direct_array {
    struct fb_direct_file *file;
    hid_t dataset;
    hid_t memory, own_memory; /* type; own_memory is released */
    bool owned;
    uint64_t serial; /* within the file, from 1 */
    _Atomic int kind;
    /* From here on known once kind is. */
    char reason[128]; /* of falling back */
    bool changes;     /* its file may be written: dims are looked at again for every slab */
    unsigned rank;
    uint64_t dims[FB_DIRECT_RANK];
    bool no_data;   /* a dataspace without elements of any number */
    size_t element; /* bytes, delivered */
    /* Of an array that is read directly. */
    uint64_t chunk[FB_DIRECT_RANK], grid[FB_DIRECT_RANK]; /* grid: chunks an axis */
    uint64_t chunks;
    size_t chunk_bytes, stored_most;
    struct fb_direct_pipeline pipeline;
    bool swap;
    bool whole_chunks_only; /* chunks that reach beyond the edge are stored without filters */
    /* Under the file's lock. */
    hid_t scouted;                 /* the dataset in the scout's file; -1 until it pays */
    struct fb_direct_entry *table; /* one a chunk; NULL until it pays */
    unsigned char *fill;           /* one element as delivered */
    bool fill_tried;
    pthread_mutex_t cache_lock;
    struct fb_direct_cache cache;
    _Atomic uint64_t decoded, handed_over, read; /* read: slabs */
};

/* Puts the text into `why`, which may be NULL; returns -1. */
int fb_direct_fail(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- look.c --- */

/* Fills in what an array is. The file's lock is held. Negative, with `why`, where HDF5 cannot tell
 * its shape or type. */
int fb_direct_look(struct fb_direct_array *array, char *why);
/* Its shape again, of one that changes. */
int fb_direct_look_at_shape(struct fb_direct_array *array, char *why);
/* The element that chunks hold that are not there; NULL where H5Dread does not fill in one. The
 * file's lock is held. */
const unsigned char *fb_direct_fill(struct fb_direct_array *array);

/* --- locate.c --- */

struct fb_direct_item {
    uint64_t number; /* of the chunk, in C order */
    struct fb_direct_entry place;
};

/* Whether the places of an array's chunks can be had without reading them, where `bytes` in
 * `chunks` are to be decoded: has the file opened once more where that pays. The file's lock is
 * held. */
bool fb_direct_send_scout(struct fb_direct_array *array, uint64_t chunks, uint64_t bytes);
/* Fills in the place of a chunk of an array that is scouted. False where it cannot be found, or is
 * not to be believed. The file's lock is held. */
bool fb_direct_locate(struct fb_direct_array *array, const hsize_t *first,
                      struct fb_direct_item *item);
/* Reads what a place says into the scratch, which has room for it. */
bool fb_direct_fetch(const struct fb_direct_array *array, const struct fb_direct_entry *place,
                     void *stored);
/* The same by way of HDF5, for an array that is not scouted; the place has no address but
 * FB_DIRECT_MISSING. The file's lock is held. */
bool fb_direct_fetch_through_hdf5(struct fb_direct_array *array, const hsize_t *first,
                                  struct fb_direct_entry *place, struct fb_direct_scratch *scratch);

/* --- job.c --- */

/* Reads a slab with elements, within the array, that is not left to H5Dread. False where anything
 * is in doubt: the buffer's contents are undefined then. */
bool fb_direct_job_run(struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                       void *buffer);

#endif
