/* The advice in plain sentences. */
#include "base/number.h"
#include "bench/anatomy/advice.h"

#include <stdlib.h>
#include <string.h>

#define WIDEST 100

/* Words of one sentence, in lines of at most `width` columns. */
static void print_wrapped(FILE *out, const char *text, size_t width)
{
    size_t at = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (at > 0 && at + 1 + word > width) {
            fputc('\n', out);
            at = 0;
        }
        fprintf(out, "%s%.*s", at > 0 ? " " : "", (int)word, text);
        at += word + (at > 0);
        text += word + strspn(text + word, " ");
    }
    fputc('\n', out);
}

/* "12x as fast". */
static void put_gain(double gain, char *buf, size_t size)
{
    snprintf(buf, size, gain < 9.95 ? "%.1fx as fast" : "%.0fx as fast", gain);
}

static void say_largest(FILE *out, const struct fb_anatomy *measured, size_t width)
{
    char text[256], part[32], total[32];
    size_t largest = 0;
    for (size_t i = 1; i < FB_PART_COUNT; i++)
        if (measured->ns[i] > measured->ns[largest])
            largest = i;
    if (measured->total_ns == 0)
        return;
    snprintf(text, sizeof text, "The largest cost is %s: %s of %s (%.0f %%).",
             fb_part_names[largest], fb_format_ns(measured->ns[largest], part, sizeof part),
             fb_format_ns(measured->total_ns, total, sizeof total),
             100.0 * (double)measured->ns[largest] / (double)measured->total_ns);
    print_wrapped(out, text, width);
}

struct words {
    char slab[128], chunk[128], bytes[32], cache[32];
    double chunks, times; /* per request; bytes decoded over bytes asked for */
    const char *handled;  /* what happens to a chunk */
};

static void find_words(const struct fb_case *what, const struct fb_advice *advice,
                       struct words *words)
{
    const struct fb_stored *stored = &what->arrays[advice->array];
    const struct fb_request *first = NULL;
    for (size_t i = 0; i < what->plan->count && !first; i++)
        if (what->array_of[i] == advice->array)
            first = &what->plan->requests[i];
    double requests = advice->now.requests ? (double)advice->now.requests : 1;
    fb_shape_text(first->rank, first->count, words->slab, sizeof words->slab);
    fb_shape_text(stored->storage.chunk_rank, stored->storage.chunk, words->chunk,
                  sizeof words->chunk);
    struct fb_layout layout = fb_layout_of(stored);
    fb_format_bytes(fb_layout_chunk_bytes(&layout, stored->info.dtype.size), words->bytes,
                    sizeof words->bytes);
    fb_format_bytes(stored->storage.cache_bytes, words->cache, sizeof words->cache);
    words->chunks = (double)advice->now.loaded / requests;
    words->times =
        advice->now.bytes ? (double)advice->now.loaded_bytes / (double)advice->now.bytes : 0;
    words->handled = stored->storage.filters[0] ? "decodes" : "reads";
}

/* Those that keep a figure from being promised. */
static const char *find_filters(const struct fb_case *what)
{
    for (size_t a = 0; a < what->array_count; a++)
        if (!fb_filters_written(what->arrays[a].storage.filters))
            return what->arrays[a].storage.filters;
    return "";
}

static void say_cause(FILE *out, const struct fb_case *what, uint64_t total_ns,
                      const struct fb_advice *advice, size_t width)
{
    struct words w = { 0 };
    char text[1024] = "", a[32];
    const struct fb_work *now = &advice->now;
    double requests = now->requests ? (double)now->requests : 1;
    if (advice->array != SIZE_MAX)
        find_words(what, advice, &w);
    switch (advice->cause) {
    case FB_CAUSE_TOO_LARGE:
        snprintf(text, sizeof text,
                 "The chunks are too large for what is read: each %s request %s %.1f chunks of %s "
                 "(%s), %.1f times the bytes asked for.",
                 w.slab, w.handled, w.chunks, w.chunk, w.bytes, w.times);
        break;
    case FB_CAUSE_SPLIT:
        snprintf(text, sizeof text,
                 "The chunks are cut along another axis than the requests: each %s request %s %.1f "
                 "chunks of %s, %.1f times the bytes asked for.",
                 w.slab, w.handled, w.chunks, w.chunk, w.times);
        break;
    case FB_CAUSE_TOO_SMALL:
        snprintf(text, sizeof text,
                 "The chunks are too small: each %s request goes through %.1f chunks of %s (%s), "
                 "and each of them costs a look-up, a file read and a decoder's start.",
                 w.slab, (double)now->touched / requests, w.chunk, w.bytes);
        break;
    case FB_CAUSE_CACHE:
        snprintf(text, sizeof text,
                 "The chunk cache is too small: %s, while a chunk of %s has %s. So chunks are "
                 "decoded %llu times, although the requests need only %llu.",
                 w.cache, w.chunk, w.bytes, (unsigned long long)now->loaded,
                 (unsigned long long)advice->then.loaded);
        break;
    case FB_CAUSE_INCOMPRESSIBLE:
        snprintf(text, sizeof text,
                 "Compression gains nothing here: the array takes %.0f %% of its bytes in the "
                 "file, and yet each %s request decodes %.1f chunks.",
                 100 * fb_layout_of(&what->arrays[advice->array]).compressed, w.slab, w.chunks);
        break;
    case FB_CAUSE_OPEN:
        snprintf(text, sizeof text, "Of this, %s go with opening and closing the file, %s.",
                 fb_format_ns((uint64_t)((double)total_ns - advice->then_ns), a, sizeof a),
                 what->handle == FB_HANDLE_EACH ? "which is done for every request"
                                                : "which is done for these requests alone");
        break;
    case FB_CAUSE_STRIDED:
        snprintf(text, sizeof text,
                 "The array lies in one piece, row behind row, and each %s request picks %.0f "
                 "short rows out of it: %s are read from the file, %.1f times the bytes asked for.",
                 w.slab, (double)now->runs / requests,
                 fb_format_bytes(now->read_bytes, a, sizeof a),
                 now->bytes ? (double)now->read_bytes / (double)now->bytes : 0);
        break;
    case FB_CAUSE_FILTERS:
        snprintf(
            text, sizeof text,
            "Its chunks go through %s, and only what shuffle and gzip cost is known here: what "
            "other "
            "chunks would give cannot be promised. No cache or handle that was thought through "
            "would make it clearly faster.",
            find_filters(what));
        break;
    default:
        snprintf(text, sizeof text,
                 "This is near its floor: no other chunk shape, cache or handle that was thought "
                 "through would make it clearly faster.");
        break;
    }
    print_wrapped(out, text, width);
}

static void say_remedy(FILE *out, const struct fb_anatomy *measured, const struct fb_advice *advice,
                       size_t width)
{
    char text[1600], gain[32], then[32], now[32], times[64] = "";
    const struct fb_work *work = &advice->then;
    if (advice->remedy == FB_REMEDY_NONE)
        return;
    put_gain(advice->gain, gain, sizeof gain);
    fb_format_ns((uint64_t)advice->then_ns, then, sizeof then);
    fb_format_ns(measured->total_ns, now, sizeof now);
    if (work->bytes && work->loaded_bytes)
        snprintf(times, sizeof times, " (%.1f times the bytes asked for)",
                 (double)work->loaded_bytes / (double)work->bytes);
    static const char *const forms[FB_REMEDY_COUNT] = {
        [FB_REMEDY_KEEP] = "Keep the file open between reads",
        [FB_REMEDY_CACHE] = "Give the chunk cache more room while reading",
        [FB_REMEDY_CHUNK] = "Write it in other chunks",
        [FB_REMEDY_PLAIN] = "Write it without compression",
        [FB_REMEDY_CONTIGUOUS] = "Write each array in one piece, without chunks",
    };
    snprintf(text, sizeof text, "%s%s%s%s: %s instead of %s is to be expected, %s.",
             forms[advice->remedy], advice->options[0] ? ", " : "", advice->options,
             advice->remedy == FB_REMEDY_KEEP ? "" : times, then, now, gain);
    print_wrapped(out, text, width);
}

void fb_advice_print(FILE *out, const struct fb_case *what, const struct fb_anatomy *measured,
                     const struct fb_advice *advice, unsigned width)
{
    size_t columns = width == 0 || width > WIDEST ? WIDEST : width < 40 ? 40 : width;
    say_largest(out, measured, columns);
    say_cause(out, what, measured->total_ns, advice, columns);
    say_remedy(out, measured, advice, columns);
}
