/* One slab that is being read: its chunks are found by the thread that asked for it, and decoded by
 * that one and its helpers. */
#ifndef FB_FORMATS_DIRECT_JOB_H
#define FB_FORMATS_DIRECT_JOB_H

#include "formats/direct/internal.h"

#define FB_DIRECT_QUEUE 1024

struct fb_direct_job {
    struct fb_direct_array *array;
    const uint64_t *start, *count; /* elements */
    unsigned char *buffer;
    uint64_t from[FB_DIRECT_RANK], chunks[FB_DIRECT_RANK]; /* that the slab touches, an axis */
    uint64_t total, bytes; /* chunks, and what they decode to (at most UINT64_MAX) */
    bool runs;             /* whole chunks lie in the buffer in one piece */
    bool caches, caches_whole;
    /* The chunk that is looked for next. */
    uint64_t at[FB_DIRECT_RANK], walked;
    /* Found and not yet taken, in a ring; under the pool's lock. */
    struct fb_direct_item *queue; /* of FB_DIRECT_QUEUE */
    size_t found, taken;
    uint64_t ahead; /* stored bytes of those */
    bool complete;  /* all are found */
    bool failed;    /* nothing more is to be done */
    bool closed;    /* no helper is to join */
    unsigned helpers;
    struct fb_direct_job *next;
};

#endif
