#include "bench/anatomy/beside.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "formats/format.h"
#include "results/statistics.h"

#include <math.h>

#define PAIRS_LEAST 6 /* the fewest that have an interval of 95 % */
#define PAIRS_MOST 25
#define ENOUGH_NS UINT64_C(1000000000)

static int read_once(const struct fb_block_job *job, uint64_t *ns, bool *proven,
                     struct fb_error *err)
{
    struct fb_block_result result;
    int rc = fb_interrupted() ? fb_fail(err, FB_EINTERRUPTED, "interrupted")
                              : fb_block_run(job, &result, err);
    if (rc)
        return rc;
    *ns = fb_median_of(result.ns + result.warmups, result.count - result.warmups);
    *proven &= fb_cache_settled(FB_CACHE_WARM, result.resident_before);
    fb_block_result_free(&result);
    return *ns ? 0 : fb_fail(err, FB_EFORMAT, "the clock stood still");
}

int fb_beside_measure(const struct fb_block_job *job, struct fb_beside *out, struct fb_error *err)
{
    const struct fb_format *format = fb_format_find(job->job.format);
    const uint64_t start = fb_clock_ns();
    uint64_t ns[2][PAIRS_MOST];
    double ratios[PAIRS_MOST];
    size_t count = 0;
    bool proven = true;
    struct fb_block_job other = *job;
    int rc = 0;
    *out = (struct fb_beside){ 0 };
    if (!format || !format->beside || job->cache != FB_CACHE_WARM)
        return 0;
    other.job.format = format->beside;
    other.job.options = "";
    while (rc == 0 && count < PAIRS_MOST &&
           (count < PAIRS_LEAST || fb_clock_ns() - start < ENOUGH_NS)) {
        const struct fb_block_job *jobs[] = { job, &other };
        for (size_t i = 0; rc == 0 && i < 2; i++) {
            const size_t which = (i + count) % 2;
            rc = read_once(jobs[which], &ns[which][count], &proven, err);
        }
        if (rc == 0)
            ratios[count] = (double)ns[0][count] / (double)ns[1][count];
        count += rc == 0;
    }
    if (rc || !proven)
        return rc;
    out->format = format->beside;
    out->own_ns = fb_median_of(ns[0], count);
    out->ns = fb_median_of(ns[1], count);
    out->ratio = fb_median_of_ratios(ratios, count, 0.95, &out->lower, &out->upper);
    return 0;
}
