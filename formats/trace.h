/* Where the time of reading goes, inside a storage library: what a traced reader fills.
 *
 * Time is exclusive: a span that is under way stops while another one inside it runs (a file read
 * within a lookup counts as the read alone), so that the parts add up. Tracing belongs to a pass of
 * its own, which is never mixed with timed blocks. */
#ifndef FB_FORMATS_TRACE_H
#define FB_FORMATS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fb_part {
    FB_PART_OPEN,      /* opening and closing the file */
    FB_PART_LOOKUP,    /* finding, opening and closing arrays: links, object headers, types */
    FB_PART_META_IO,   /* file reads of the library's own structures */
    FB_PART_RAW_IO,    /* file reads of array data */
    FB_PART_INFLATE,   /* undoing gzip */
    FB_PART_UNSHUFFLE, /* undoing byte shuffle */
    FB_PART_LIBRARY,   /* the rest of a read call: chunk index, conversion, copy, other filters */
    FB_PART_COUNT
};

/* "open", "lookup", "metadata-io", "raw-io", "inflate", "unshuffle", "library". */
extern const char *const fb_part_names[FB_PART_COUNT];

/* What happened, beside how long it took. A chunk is counted as touched once for every read request
 * that has an element in it; that follows from shapes alone. */
struct fb_trace_counts {
    uint64_t asked_bytes;            /* delivered to the caller */
    uint64_t meta_reads, meta_bytes; /* file reads of metadata: calls, bytes */
    uint64_t raw_reads, raw_bytes;   /* file reads of array data */
    uint64_t chunks_touched;
    uint64_t chunks_inflated; /* runs of gzip's decoder */
    uint64_t chunks_again;    /* of them, on a chunk that had been inflated before in this pass */
    uint64_t inflated_bytes;  /* that came out of it */
    uint64_t deflated_bytes;  /* that went in */
};

/* The members of struct fb_trace_counts, ended by a NULL name. */
struct fb_trace_count_field {
    const char *name;
    size_t offset; /* of a uint64_t */
};
extern const struct fb_trace_count_field fb_trace_count_fields[];

#define FB_TRACE_DEPTH 16

/* Addresses of chunks that were inflated. */
struct fb_trace_seen {
    uint64_t *slots; /* a hash set; 0 marks free slots, and addresses are kept plus one */
    size_t count, capacity;
};

/* Zero-initialise, free with fb_trace_free; the caller owns it, and it outlives every reader opened
 * with it. All of them read one file. */
struct fb_trace {
    /* Nanoseconds; NULL: fb_clock_ns. Tests bring a clock of their own. */
    uint64_t (*clock)(void *context);
    void *clock_context;
    /* For tests: called once at the start of each span of a part, to waste time there. */
    void (*delay)(void *context, enum fb_part part);
    void *delay_context;

    uint64_t ns[FB_PART_COUNT]; /* exclusive */
    uint64_t calls[FB_PART_COUNT];
    struct fb_trace_counts counts;
    /* The library would not let its filters be watched: inflate and unshuffle are in library, and
     * the counts of inflating stay 0. */
    bool filters_hidden;

    /* Set, between calls, while the clock of the pass stands: spans and file reads are not
     * accounted then. */
    bool paused;

    struct fb_trace_seen seen; /* for fb_trace_see */
    /* Spans under way, innermost last; for fb_trace_enter and _leave. */
    enum fb_part stack[FB_TRACE_DEPTH];
    unsigned depth;
    uint64_t since_ns;
};

/* Begins and ends a span of a part. NULL is accepted and does nothing. Nested deeper than
 * FB_TRACE_DEPTH, time stays with the outer span. */
void fb_trace_enter(struct fb_trace *trace, enum fb_part part);
void fb_trace_leave(struct fb_trace *trace);

/* 1 when the chunk at the address is new in this pass, 0 when not; negative when out of memory. */
int fb_trace_see(struct fb_trace *trace, uint64_t address);

/* Frees what it remembers; the sums stay. NULL is accepted. */
void fb_trace_free(struct fb_trace *trace);

#endif
