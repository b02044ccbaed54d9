#include "formats/direct/ahead.h"
#include "formats/direct/internal.h"

#include <stdlib.h>
#include <unistd.h>

/* Of one system call: what a kernel that looks ahead no further than usual (128 KiB) still sends to
 * the device as one. */
#define STEP_BYTES ((size_t)1 << 20)

static void *read_on(void *context)
{
    struct fb_direct_ahead *ahead = context;
    void *nowhere = malloc(STEP_BYTES);
    pthread_mutex_lock(&ahead->lock);
    ahead->reads = nowhere != NULL;
    while (ahead->reads && !ahead->ending) {
        if (ahead->at >= ahead->end) {
            pthread_cond_wait(&ahead->wanted, &ahead->lock);
            continue;
        }
        uint64_t at = ahead->at;
        pthread_mutex_unlock(&ahead->lock);
        ssize_t bytes = pread(ahead->descriptor, nowhere, STEP_BYTES, (off_t)at);
        pthread_mutex_lock(&ahead->lock);
        /* Those who need the bytes will see what is wrong, and say so. */
        ahead->reads = bytes >= 0;
        if (ahead->at != at)
            continue; /* called elsewhere meanwhile */
        if (bytes <= 0)
            ahead->end = at;
        else
            ahead->at += (uint64_t)bytes;
    }
    pthread_mutex_unlock(&ahead->lock);
    free(nowhere);
    return NULL;
}

void fb_direct_ahead_begin(struct fb_direct_ahead *ahead)
{
    *ahead = (struct fb_direct_ahead){ .lock = PTHREAD_MUTEX_INITIALIZER,
                                       .wanted = PTHREAD_COND_INITIALIZER };
}

void fb_direct_ahead_end(struct fb_direct_ahead *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->ending = true;
    pthread_cond_signal(&ahead->wanted);
    pthread_mutex_unlock(&ahead->lock);
    if (ahead->started)
        pthread_join(ahead->thread, NULL);
    pthread_cond_destroy(&ahead->wanted);
    pthread_mutex_destroy(&ahead->lock);
}

bool fb_direct_ahead_read(struct fb_direct_ahead *ahead, int descriptor, uint64_t from,
                          uint64_t end)
{
    pthread_mutex_lock(&ahead->lock);
    if (!ahead->tried) {
        ahead->tried = true;
        ahead->descriptor = descriptor;
        ahead->reads = ahead->started = fb_direct_thread_start(&ahead->thread, read_on, ahead);
    }
    /* Not what they have gone past, and nothing of where they were before a jump. */
    if (ahead->at < from || ahead->at > end + STEP_BYTES)
        ahead->at = from;
    ahead->end = end;
    bool reads = ahead->reads;
    pthread_cond_signal(&ahead->wanted);
    pthread_mutex_unlock(&ahead->lock);
    return reads;
}
