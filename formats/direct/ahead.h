/* A thread that reads on through a file for those who decode, so that they find its bytes in the
 * system's page cache. What it reads it drops. Reads in order have the kernel fetch large pieces
 * early and keep them in large folios; advice (POSIX_FADV_WILLNEED) would have it take page after
 * page, which costs several times the processor time. */
#ifndef FB_FORMATS_DIRECT_AHEAD_H
#define FB_FORMATS_DIRECT_AHEAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct fb_direct_ahead {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    pthread_t thread; /* started when it is first needed */
    bool tried, started, ending;
    bool reads;       /* until something fails */
    int descriptor;   /* of the first call */
    uint64_t at, end; /* what is still to be read of the file */
};

void fb_direct_ahead_begin(struct fb_direct_ahead *ahead);
/* Before the descriptor is closed. */
void fb_direct_ahead_end(struct fb_direct_ahead *ahead);
/* Has what lies from `from` to `end` read, as far as it has not been yet, and up to 1 MiB more.
 * Calls follow each other through the file that the first one's descriptor is of; one that jumps
 * back begins anew. False where nothing is read: there is no thread, or it failed. */
bool fb_direct_ahead_read(struct fb_direct_ahead *ahead, int descriptor, uint64_t from,
                          uint64_t end);

#endif
