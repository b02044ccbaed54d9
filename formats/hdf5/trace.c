/* A reader whose every step is accounted to a trace.
 *
 * File reads are seen by a driver of our own. Filters are seen by putting our own functions in the
 * place of the library's, which call them in turn: what is timed is the library's own inflate. The
 * public H5Zregister refuses to replace a built-in filter; the H5Z_register below it does not, and
 * is exported together with the classes that undo it. Where a build does not export them, the trace
 * says that filters are hidden. */
#include "formats/hdf5/internal.h"

#include <dlfcn.h>
#include <stdlib.h>

/* The one piece of file-scope state: filter functions are given no context. It is the thread's own,
 * and set while its traced reader is open. */
static _Thread_local struct fb_hdf5_watch *watching;

static void count_read(struct fb_trace *trace, bool raw, size_t bytes)
{
    struct fb_trace_counts *counts = &trace->counts;
    if (trace->paused)
        return;
    *(raw ? &counts->raw_reads : &counts->meta_reads) += 1;
    *(raw ? &counts->raw_bytes : &counts->meta_bytes) += bytes;
}

static void enter_read(void *context, bool raw, size_t bytes)
{
    count_read(context, raw, bytes);
    fb_trace_enter(context, raw ? FB_PART_RAW_IO : FB_PART_META_IO);
}

static void leave_read(void *context)
{
    fb_trace_leave(context);
}

static const H5Z_class2_t *built_in(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

/* What to account to: nothing outside of the traced reader's calls, as while another reader of the
 * same thread is at work. */
static struct fb_trace *trace_under_way(unsigned flags)
{
    struct fb_trace *trace = watching ? watching->trace : NULL;
    return trace && trace->depth > 0 && (flags & H5Z_FLAG_REVERSE) ? trace : NULL;
}

/* The raw read right before tells which chunk it is. Without one it is the library's own data that
 * is compressed (names in a large group), and no chunk. */
static int count_inflated(struct fb_trace *trace, size_t from, size_t to)
{
    struct fb_trace_counts *counts = &trace->counts;
    haddr_t address = watching->reads.raw_address;
    watching->reads.raw_address = HADDR_UNDEF;
    if (address == HADDR_UNDEF)
        return 0;
    int is_new = fb_trace_see(trace, address);
    counts->chunks_inflated++;
    counts->chunks_again += is_new == 0;
    counts->deflated_bytes += from;
    counts->inflated_bytes += to;
    return is_new < 0 ? -1 : 0;
}

static size_t watched_deflate(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                              size_t *size, void **buffer)
{
    const H5Z_class2_t *own = watching ? watching->deflate : built_in("H5Z_DEFLATE");
    struct fb_trace *trace = trace_under_way(flags);
    fb_trace_enter(trace, FB_PART_INFLATE);
    size_t out = own->filter(flags, count, values, bytes, size, buffer);
    fb_trace_leave(trace);
    return trace && out > 0 && count_inflated(trace, bytes, out) < 0 ? 0 : out;
}

static size_t watched_shuffle(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                              size_t *size, void **buffer)
{
    const H5Z_class2_t *own = watching ? watching->shuffle : built_in("H5Z_SHUFFLE");
    struct fb_trace *trace = trace_under_way(flags);
    fb_trace_enter(trace, FB_PART_UNSHUFFLE);
    size_t out = own->filter(flags, count, values, bytes, size, buffer);
    fb_trace_leave(trace);
    return out;
}

static bool install(const struct fb_hdf5_watch *watch, const H5Z_class2_t *own, H5Z_func_t filter)
{
    H5Z_class2_t class = *own;
    class.filter = filter;
    return watch->install(&class) >= 0;
}

/* True when all is in place. */
static bool watch_filters(struct fb_hdf5_watch *watch)
{
    watch->deflate = built_in("H5Z_DEFLATE");
    watch->shuffle = built_in("H5Z_SHUFFLE");
    /* ISO C knows no conversion from an object's pointer; dlsym's manual gives this one. */
    *(void **)&watch->install = dlsym(RTLD_DEFAULT, "H5Z_register");
    if (!watch->install || !watch->deflate || !watch->shuffle)
        watch->install = NULL;
    return watch->install && install(watch, watch->deflate, watched_deflate) &&
           install(watch, watch->shuffle, watched_shuffle);
}

int fb_hdf5_watch_begin(struct fb_trace *trace, struct fb_hdf5_watch **out, struct fb_error *err)
{
    if (watching)
        return fb_fail(err, FB_EUSAGE, "another traced reader is open: one at a time");
    struct fb_hdf5_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return fb_fail_memory(err, "a trace");
    watch->trace = trace;
    watch->reads = (struct fb_direct_watch){
        .raw_address = HADDR_UNDEF, .enter = enter_read, .leave = leave_read, .context = trace
    };
    watching = watch;
    trace->filters_hidden |= !watch_filters(watch);
    *out = watch;
    return 0;
}

void fb_hdf5_watch_end(struct fb_hdf5_watch *watch)
{
    if (!watch)
        return;
    if (watch->install) {
        watch->install(watch->deflate);
        watch->install(watch->shuffle);
    }
    watching = NULL;
    free(watch);
}

void fb_hdf5_trace_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                        size_t delivered)
{
    struct fb_trace_counts *counts = &array->reader->trace->counts;
    uint64_t touched = array->chunk_rank > 0;
    counts->asked_bytes += delivered;
    /* No overflow: there are not more chunks than elements, nor elements than bytes. */
    for (unsigned i = 0; i < array->chunk_rank; i++)
        touched *= count[i] == 0 ? 0
                                 : (start[i] + count[i] - 1) / array->chunk[i] -
                                       start[i] / array->chunk[i] + 1;
    counts->chunks_touched += touched;
}
