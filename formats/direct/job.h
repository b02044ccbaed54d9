/* One slab that is being read: its chunks are found by the thread that asked for it, and decoded by
 * that one and its helpers. */
#ifndef FB_FORMATS_DIRECT_JOB_H
#define FB_FORMATS_DIRECT_JOB_H

#include "formats/direct/internal.h"

#define FB_DIRECT_QUEUE 1024
#define FB_DIRECT_TOGETHER 8

struct fb_direct_job {
    struct fb_direct_array *array;
    const uint64_t *start, *count; /* elements */
    unsigned char *buffer;
    uint64_t from[FB_DIRECT_RANK], chunks[FB_DIRECT_RANK]; /* that the slab touches, an axis */
    uint64_t total, bytes; /* chunks, and what they decode to (at most UINT64_MAX) */
    bool runs;             /* whole chunks lie in the buffer in one piece */
    bool caches, caches_whole;
    size_t together; /* so many chunks, one behind the other, are one thread's */
    /* The chunk that is looked for next. */
    uint64_t at[FB_DIRECT_RANK], walked;
    /* Found and not yet taken, in a ring; under the pool's lock. */
    struct fb_direct_item *queue; /* of FB_DIRECT_QUEUE */
    size_t found, taken;
    uint64_t ahead; /* stored bytes of those */
    bool complete;  /* all are found */
    bool failed;    /* nothing more is to be done */
    bool closed;    /* no helper is to join */
    _Atomic unsigned helpers;
    struct fb_direct_job *next;
};

/* --- deliver.c --- */

/* Array, slab and buffer are set; false where the chunks are too many to be counted. */
bool fb_direct_job_begin(struct fb_direct_job *job);
/* The next chunk's number and first element, in C order; false behind the last one. */
bool fb_direct_job_next(struct fb_direct_job *job, uint64_t *number, hsize_t *first);
/* That number, without going on. */
uint64_t fb_direct_job_number(const struct fb_direct_job *job);
/* The first element of chunk number n. */
void fb_direct_first_of(const struct fb_direct_array *array, uint64_t number, uint64_t *first);

/* What the slab takes of a chunk, out of the kept ones, out of what the scratch decoded last, or of
 * one that is not stored (the file's lock is held): false where it is not there, or there is no
 * fill value. */
bool fb_direct_place_cached(const struct fb_direct_job *job, uint64_t number,
                            const uint64_t *first);
bool fb_direct_place_own(const struct fb_direct_job *job, const struct fb_direct_scratch *scratch,
                         uint64_t number, const uint64_t *first);
bool fb_direct_place_missing(const struct fb_direct_job *job, const uint64_t *first);
/* The same of a chunk whose stored bytes are in the scratch; and of one that is to be read from its
 * place first. False where anything is in doubt. */
bool fb_direct_decode_chunk(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                            const struct fb_direct_item *item, const uint64_t *first);
bool fb_direct_deliver(const struct fb_direct_job *job, struct fb_direct_scratch *scratch,
                       const struct fb_direct_item *item);

#endif
