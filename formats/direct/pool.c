#include "formats/direct/internal.h"
#include "formats/direct/job.h"

#include <libdeflate.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* --- what a thread works with ----------------------------------------------------------------- */

static void scratch_free(struct fb_direct_scratch *scratch)
{
    libdeflate_free_decompressor(scratch->inflater);
    free(scratch->stored);
    free(scratch->chunk);
    free(scratch);
}

static bool reserve(unsigned char **bytes, size_t *room, size_t wanted)
{
    if (*room >= wanted)
        return true;
    free(*bytes);
    *bytes = malloc(wanted);
    *room = *bytes ? wanted : 0;
    return *bytes != NULL;
}

bool fb_direct_scratch_reserve(struct fb_direct_scratch *scratch,
                               const struct fb_direct_array *array)
{
    size_t chunk = array->chunk_bytes + FB_DIRECT_SLACK;
    if (chunk > scratch->chunk_room)
        scratch->serial = 0;
    return reserve(&scratch->stored, &scratch->stored_room, array->stored_most) &&
           reserve(&scratch->chunk, &scratch->chunk_room, chunk);
}

/* The pool's lock is held. */
static struct fb_direct_scratch *take_idle(struct fb_direct_pool *pool, uint64_t serial,
                                           uint64_t number)
{
    struct fb_direct_scratch **at = &pool->idle, **link = at;
    while (*at) {
        if ((*at)->serial == serial && (*at)->number == number)
            link = at;
        at = &(*at)->next;
    }
    struct fb_direct_scratch *found = *link;
    if (found)
        *link = found->next;
    return found;
}

struct fb_direct_scratch *fb_direct_scratch_take(struct fb_direct_pool *pool, uint64_t serial,
                                                 uint64_t number)
{
    pthread_mutex_lock(&pool->lock);
    struct fb_direct_scratch *scratch = take_idle(pool, serial, number);
    pthread_mutex_unlock(&pool->lock);
    if (scratch)
        return scratch;
    scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return NULL;
    scratch->inflater = libdeflate_alloc_decompressor();
    if (scratch->inflater)
        return scratch;
    free(scratch);
    return NULL;
}

void fb_direct_scratch_give_back(struct fb_direct_pool *pool, struct fb_direct_scratch *scratch)
{
    pthread_mutex_lock(&pool->lock);
    scratch->next = pool->idle;
    pool->idle = scratch;
    pthread_mutex_unlock(&pool->lock);
}

/* --- threads ---------------------------------------------------------------------------------- */

/* One that may still have work for another helper; the pool's lock is held. */
static struct fb_direct_job *open_job(const struct fb_direct_pool *pool)
{
    struct fb_direct_job *job = pool->jobs;
    while (job && job->closed)
        job = job->next;
    return job;
}

/* Waking a thread takes as long as decoding some chunks, and who has read a slab often reads the
 * next one at once: for so long a thread waits without going to sleep. True once the number is
 * another one. */
#define AWAKE_NS 300000

static bool changes_soon(const _Atomic unsigned *number, unsigned from)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        for (int i = 0; i < 100; i++)
            if (atomic_load(number) != from)
                return true;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < AWAKE_NS);
    return false;
}

/* With the pool's lock held, before and after. */
static void await_job(struct fb_direct_pool *pool, bool awake)
{
    unsigned posts = atomic_load(&pool->posts);
    if (awake) {
        pthread_mutex_unlock(&pool->lock);
        changes_soon(&pool->posts, posts);
        pthread_mutex_lock(&pool->lock);
    }
    if (atomic_load(&pool->posts) == posts)
        pthread_cond_wait(&pool->posted, &pool->lock);
}

static void *help(void *context)
{
    struct fb_direct_pool *pool = context;
    bool awake = false; /* it has just had a job */
    pthread_mutex_lock(&pool->lock);
    while (!pool->ending) {
        struct fb_direct_job *job = open_job(pool);
        if (!job) {
            await_job(pool, awake);
            awake = false;
            continue;
        }
        awake = true;
        job->helpers++;
        pthread_mutex_unlock(&pool->lock);
        struct fb_direct_scratch *scratch = fb_direct_scratch_take(pool, 0, 0);
        pthread_mutex_lock(&pool->lock);
        if (scratch) {
            fb_direct_job_help(job, scratch);
            scratch->next = pool->idle;
            pool->idle = scratch;
        }
        /* It came to its end, or there is no memory to help with. */
        job->closed = true;
        job->helpers--;
        pthread_cond_broadcast(&pool->finished);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

bool fb_direct_thread_start(pthread_t *thread, void *(*work)(void *context), void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool starts = pthread_create(thread, NULL, work, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return starts;
}

static void start(struct fb_direct_pool *pool)
{
    pool->started = true;
    pool->threads = calloc(pool->most, sizeof *pool->threads);
    if (!pool->threads)
        return;
    while (pool->count < pool->most &&
           fb_direct_thread_start(&pool->threads[pool->count], help, pool))
        pool->count++;
}

int fb_direct_pool_begin(struct fb_direct_pool *pool, unsigned helpers)
{
    *pool = (struct fb_direct_pool){ .most = helpers };
    if (pthread_mutex_init(&pool->lock, NULL))
        return -1;
    if (pthread_cond_init(&pool->posted, NULL)) {
        pthread_mutex_destroy(&pool->lock);
        return -1;
    }
    if (pthread_cond_init(&pool->finished, NULL)) {
        pthread_cond_destroy(&pool->posted);
        pthread_mutex_destroy(&pool->lock);
        return -1;
    }
    return 0;
}

void fb_direct_pool_end(struct fb_direct_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pool->posts++;
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->threads[i], NULL);
    free(pool->threads);
    while (pool->idle) {
        struct fb_direct_scratch *next = pool->idle->next;
        scratch_free(pool->idle);
        pool->idle = next;
    }
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->posted);
    pthread_mutex_destroy(&pool->lock);
}

void fb_direct_pool_post(struct fb_direct_pool *pool, struct fb_direct_job *job)
{
    if (!pool->started)
        start(pool);
    job->next = pool->jobs;
    pool->jobs = job;
    pool->posts++;
    pthread_cond_broadcast(&pool->posted);
}

void fb_direct_pool_retire(struct fb_direct_pool *pool, struct fb_direct_job *job)
{
    struct fb_direct_job **at = &pool->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    pthread_cond_broadcast(&pool->posted);
    for (unsigned helpers; (helpers = atomic_load(&job->helpers)) > 0;) {
        pthread_mutex_unlock(&pool->lock);
        bool soon = changes_soon(&job->helpers, helpers);
        pthread_mutex_lock(&pool->lock);
        if (!soon && atomic_load(&job->helpers) == helpers)
            pthread_cond_wait(&pool->finished, &pool->lock);
    }
}
