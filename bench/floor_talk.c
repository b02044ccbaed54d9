#include "bench/floor_talk.h"
#include "base/clock.h"
#include "base/memory.h"
#include "bench/talk.h"
#include "results/record.h"

#include <math.h>

/* Warm floors are repeated as iterations are, so that processor caches are as warm; copying would
 * put other bytes into them, and is done once. */
#define FLOOR_NS UINT64_C(10000000)
#define FLOORS_MAX 15

/* *known: all of them were to be had. */
static int take_floors(struct fb_process *process, struct fb_floor *floors, size_t count, bool copy,
                       bool *known, struct fb_error *err)
{
    int rc = fb_talk_send(process,
                          json_pack("{s:s, s:I, s:b}", "floor", "measure", "iterations",
                                    (json_int_t)count, "copy", copy),
                          err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        json_t *message;
        rc = fb_talk_receive(process, &message, err);
        if (rc)
            return rc;
        if (json_is_false(json_object_get(message, "floor")))
            *known = false;
        else if (!fb_message_uint(message, "copy_ns", &floors[i].copy_ns) ||
                 !fb_message_uint(message, "read_ns", &floors[i].read_ns) ||
                 !fb_message_uint(message, "inflate_ns", &floors[i].inflate_ns))
            rc = fb_fail(err, FB_EFORMAT, "worker broke the protocol: a floor without its times");
        json_decref(message);
    }
    return rc;
}

/* The measurement of which read and inflate together are the median: parts of one and the same. */
static struct fb_floor median_floor(struct fb_floor *floors, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && floors[k].read_ns + floors[k].inflate_ns <
                                        floors[k - 1].read_ns + floors[k - 1].inflate_ns;
             k--) {
            struct fb_floor swap = floors[k];
            floors[k] = floors[k - 1];
            floors[k - 1] = swap;
        }
    return floors[(count - 1) / 2];
}

/* Whether the worker can; it may use half of its memory limit for it. */
static int prepare_floor(struct fb_process *process, bool *known, struct fb_error *err)
{
    json_t *ready;
    uint64_t used = fb_memory_private(process->pid), limit = process->limits.memory_bytes;
    uint64_t room = used < limit / 2 ? limit / 2 - used : 0;
    int rc = fb_talk_send(
        process, json_pack("{s:s, s:I}", "floor", "prepare", "room", (json_int_t)room), err);
    if (rc == 0)
        rc = fb_talk_receive(process, &ready, err);
    if (rc)
        return rc;
    *known = json_is_true(json_object_get(ready, "floor"));
    json_decref(ready);
    return 0;
}

static bool is_cold(const struct fb_block_job *job, double resident)
{
    char why[256];
    struct fb_cache_evidence evidence = { .resident = resident,
                                          .device_bytes = FB_NA,
                                          .read_bytes = FB_NA };
    return fb_cache_proven(job->job.file, FB_CACHE_COLD, &evidence, why, sizeof why);
}

/* Not where the block itself took much of its time: a floor takes about as long. */
static bool has_time(const struct fb_process *process)
{
    uint64_t now = fb_clock_ns(), third = process->limits.timeout_ns / 3;
    return now < process->deadline_ns && process->deadline_ns - now > 2 * third;
}

int fb_floor_talk(struct fb_process *process, const struct fb_block_job *job, struct fb_floor *out,
                  struct fb_error *err)
{
    struct fb_floor floors[FLOORS_MAX] = { 0 };
    double resident = NAN;
    size_t count = 1;
    bool known = false;
    if (!has_time(process))
        return 0;
    int rc = prepare_floor(process, &known, err);
    if (rc || !known)
        return rc;
    rc = fb_talk_prepare_cache(process, job->job.file, job->cache, err);
    if (rc == 0)
        rc = fb_cache_resident(job->job.file, &resident, err);
    if (rc || (job->cache == FB_CACHE_COLD && !is_cold(job, resident)))
        return rc;
    rc = take_floors(process, floors, 1, true, &known, err);
    uint64_t ns = floors[0].read_ns + floors[0].inflate_ns, copy_ns = floors[0].copy_ns;
    if (rc == 0 && known && job->cache == FB_CACHE_WARM) {
        count = ns > FLOOR_NS / FLOORS_MAX ? (size_t)(FLOOR_NS / ns) : FLOORS_MAX;
        count += count == 0;
        rc = take_floors(process, floors, count, false, &known, err);
    }
    if (rc == 0 && known)
        *out = median_floor(floors, count);
    if (rc == 0 && known)
        out->copy_ns = copy_ns;
    return rc;
}
