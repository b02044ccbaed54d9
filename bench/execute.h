/* Executes a plan once, on the clock: the only place where time is taken. */
#ifndef FB_BENCH_EXECUTE_H
#define FB_BENCH_EXECUTE_H

#include "bench/counters.h"
#include "bench/delivery.h"
#include "bench/plan.h"
#include "bench/protocol.h"
#include "formats/format.h"

struct fb_execution {
    const struct fb_format *format;
    const struct fb_options *options;
    const char *file;
    enum fb_handle handle;
    const struct fb_plan *plan;
    struct fb_delivery *delivery;
    struct fb_meter *meter; /* counts what happens inside the clock, or NULL */
    struct fb_handicap handicap;
    struct fb_trace *trace; /* accounts what happens inside the clock; the format has open_traced.
                               NULL: untraced */
};

/* One iteration; *ns is the time inside the clock. Everything read has been delivered when it
 * returns, with the clock stopped. `once` closes the file inside the clock, but for a plan of
 * loads, which ends when all is resident. */
int fb_execute(const struct fb_execution *execution, uint64_t *ns, struct fb_error *err);

#endif
