#include "formats/trace.h"
#include "base/clock.h"

const char *const fb_part_names[FB_PART_COUNT] = {
    [FB_PART_OPEN] = "open",       [FB_PART_LOOKUP] = "lookup",   [FB_PART_META_IO] = "metadata-io",
    [FB_PART_RAW_IO] = "raw-io",   [FB_PART_INFLATE] = "inflate", [FB_PART_UNSHUFFLE] = "unshuffle",
    [FB_PART_LIBRARY] = "library",
};

#define FIELD(member)                                                                              \
    {                                                                                              \
#member, offsetof(struct fb_trace_counts, member)                                          \
    }
const struct fb_trace_count_field fb_trace_count_fields[] = {
    FIELD(asked_bytes),     FIELD(meta_reads),   FIELD(meta_bytes),
    FIELD(raw_reads),       FIELD(raw_bytes),    FIELD(chunks_touched),
    FIELD(chunks_inflated), FIELD(chunks_again), FIELD(inflated_bytes),
    FIELD(deflated_bytes),  { NULL, 0 },
};

static uint64_t now(const struct fb_trace *trace)
{
    return trace->clock ? trace->clock(trace->clock_context) : fb_clock_ns();
}

/* Gives the time since the last change to the span that was under way. */
static void settle(struct fb_trace *trace)
{
    uint64_t at = now(trace);
    if (trace->depth > 0 && trace->depth <= FB_TRACE_DEPTH)
        trace->ns[trace->stack[trace->depth - 1]] += at - trace->since_ns;
    else if (trace->depth > FB_TRACE_DEPTH)
        trace->ns[trace->stack[FB_TRACE_DEPTH - 1]] += at - trace->since_ns;
    trace->since_ns = at;
}

void fb_trace_enter(struct fb_trace *trace, enum fb_part part)
{
    if (!trace)
        return;
    settle(trace);
    if (trace->depth < FB_TRACE_DEPTH) {
        trace->stack[trace->depth] = part;
        trace->calls[part]++;
    }
    trace->depth++;
    if (trace->delay)
        trace->delay(trace->delay_context, part);
}

void fb_trace_leave(struct fb_trace *trace)
{
    if (!trace || trace->depth == 0)
        return;
    settle(trace);
    trace->depth--;
}
