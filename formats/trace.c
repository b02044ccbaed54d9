#include "formats/trace.h"
#include "base/clock.h"

#include <stdlib.h>

const char *const fb_part_names[FB_PART_COUNT] = {
    [FB_PART_OPEN] = "open",       [FB_PART_LOOKUP] = "lookup",   [FB_PART_META_IO] = "metadata-io",
    [FB_PART_RAW_IO] = "raw-io",   [FB_PART_INFLATE] = "inflate", [FB_PART_UNSHUFFLE] = "unshuffle",
    [FB_PART_LIBRARY] = "library",
};

#define OFFSET(member) offsetof(struct fb_trace_counts, member)

const struct fb_trace_count_field fb_trace_count_fields[] = {
    { "asked_bytes", OFFSET(asked_bytes) },
    { "meta_reads", OFFSET(meta_reads) },
    { "meta_bytes", OFFSET(meta_bytes) },
    { "raw_reads", OFFSET(raw_reads) },
    { "raw_bytes", OFFSET(raw_bytes) },
    { "chunks_touched", OFFSET(chunks_touched) },
    { "chunks_inflated", OFFSET(chunks_inflated) },
    { "chunks_again", OFFSET(chunks_again) },
    { "inflated_bytes", OFFSET(inflated_bytes) },
    { "deflated_bytes", OFFSET(deflated_bytes) },
    { NULL, 0 },
};

/* More chunks than a pass would ever get through; 256 MiB of them. */
#define SEEN_MAX ((size_t)1 << 24)

static uint64_t now(const struct fb_trace *trace)
{
    return trace->clock ? trace->clock(trace->clock_context) : fb_clock_ns();
}

/* Gives the time since the last change to the span that was under way. */
static void settle(struct fb_trace *trace)
{
    uint64_t at = now(trace);
    unsigned depth = trace->depth < FB_TRACE_DEPTH ? trace->depth : FB_TRACE_DEPTH;
    if (depth > 0)
        trace->ns[trace->stack[depth - 1]] += at - trace->since_ns;
    trace->since_ns = at;
}

void fb_trace_enter(struct fb_trace *trace, enum fb_part part)
{
    if (!trace || trace->paused)
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
    if (!trace || trace->paused || trace->depth == 0)
        return;
    settle(trace);
    trace->depth--;
}

/* --- chunks that were seen -------------------------------------------------------------------- */

static uint64_t *seen_slot(uint64_t *slots, size_t capacity, uint64_t key)
{
    size_t i = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (capacity - 1);
    while (slots[i] != 0 && slots[i] != key)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static int seen_grow(struct fb_trace_seen *seen)
{
    size_t capacity = seen->capacity ? seen->capacity * 2 : 64;
    uint64_t *slots = seen->count < SEEN_MAX ? calloc(capacity, sizeof *slots) : NULL;
    if (!slots)
        return -1;
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->slots[i] != 0)
            *seen_slot(slots, capacity, seen->slots[i]) = seen->slots[i];
    free(seen->slots);
    seen->slots = slots;
    seen->capacity = capacity;
    return 0;
}

int fb_trace_see(struct fb_trace *trace, uint64_t address)
{
    struct fb_trace_seen *seen = &trace->seen;
    if (seen->count * 2 >= seen->capacity && seen_grow(seen) < 0)
        return -1;
    uint64_t *slot = seen_slot(seen->slots, seen->capacity, address + 1);
    if (*slot != 0)
        return 0;
    *slot = address + 1;
    seen->count++;
    return 1;
}

void fb_trace_free(struct fb_trace *trace)
{
    if (!trace)
        return;
    free(trace->seen.slots);
    trace->seen = (struct fb_trace_seen){ 0 };
}
