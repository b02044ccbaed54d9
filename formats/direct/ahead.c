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
    while (!ahead->ending) {
        if (!nowhere || ahead->at >= ahead->end) {
            pthread_cond_wait(&ahead->wanted, &ahead->lock);
            continue;
        }
        uint64_t at = ahead->at;
        pthread_mutex_unlock(&ahead->lock);
        ssize_t bytes = pread(ahead->descriptor, nowhere, STEP_BYTES, (off_t)at);
        pthread_mutex_lock(&ahead->lock);
        if (ahead->at != at)
            continue; /* called elsewhere meanwhile */
        /* The end of the file, or what those who need the bytes will see and say themselves. */
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
    if (ahead->runs)
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
        ahead->runs = fb_direct_thread_start(&ahead->thread, read_on, ahead);
    }
    /* Not what they have gone past, and nothing of where they were before a jump. */
    if (ahead->at < from || ahead->at > end)
        ahead->at = from;
    ahead->end = end;
    pthread_cond_signal(&ahead->wanted);
    pthread_mutex_unlock(&ahead->lock);
    return ahead->runs;
}
