/* What a measured pass would take if its work were another. */
#include "bench/anatomy/advice.h"

#include <math.h>

const struct fb_rates fb_rates_typical = {
    .inflate_call = 2500,
    .inflate_byte = 5,
    .read_call = 600,
    .read_byte = 0.1,
    .request = 3000,
    .chunk = 1500,
    .load = 1000,
    .run = 6,
    .byte = 0.1,
    .fault = 0.25,
    .unmap = 0.05,
    .open = 100000,
    .lookup = 10000,
};

/* A part that pays for calls and for bytes. A call costs what the machine says, unless that were
 * more than nearly all that was measured. */
static double scale(double ns, double calls, double bytes, double calls_then, double bytes_then,
                    double call_ns)
{
    double call = calls > 0 && call_ns > 0.9 * ns / calls ? 0.9 * ns / calls : call_ns;
    double byte = bytes > 0 ? (ns - calls * call) / bytes : 0.1;
    return calls_then * call + bytes_then * byte;
}

/* The same for a part that touches fresh memory too, of which it pays at most four fifths. */
static double scale_fresh(const struct fb_rates *rates, double ns, double fresh, double fresh_then,
                          double calls, double bytes, double calls_then, double bytes_then,
                          double call_ns)
{
    double fault = fresh > 0 && fresh * rates->fault > 0.8 * ns ? 0.8 * ns / fresh : rates->fault;
    return fresh_then * fault +
           scale(ns - fresh * fault, calls, bytes, calls_then, bytes_then, call_ns);
}

static double library_of(const struct fb_rates *rates, const struct fb_work *work)
{
    return rates->request * (double)work->requests + rates->chunk * (double)work->touched +
           rates->load * (double)work->loaded + rates->run * (double)work->runs +
           rates->byte * (double)work->copied + rates->unmap * (double)work->unmapped;
}

/* Giving memory back costs anything between a memcpy and ten page faults, depending on what the
 * machine's other cores do: what the model leaves unexplained is put down to it, where it happens.
 */
static double unmap_rate(const struct fb_rates *rates, const struct fb_work *now, double library)
{
    double model = library_of(rates, now);
    return now->unmapped > 0 && library > model
               ? rates->unmap + (library - model) / (double)now->unmapped
               : rates->unmap;
}

/* Chunks too short to tell what their bytes cost: what they do in long ones, and the rest is the
 * calls'. Fewer calls for the same bytes then never cost more. */
static double inflate_short(const struct fb_rates *rates, double ns, const struct fb_work *now,
                            const struct fb_work *then)
{
    double bytes = (double)now->loaded_bytes, fresh = rates->fault * (double)now->fresh_decoded;
    double left = ns - (fresh > 0.8 * ns ? 0.8 * ns : fresh);
    double byte = rates->inflate_byte * bytes > left ? left / bytes : rates->inflate_byte;
    double call = (left - byte * bytes) / (double)now->loaded;
    return call * (double)then->loaded + byte * (double)then->loaded_bytes +
           rates->fault * (double)then->fresh_decoded;
}

static double decode_time(const struct fb_rates *rates, double inflate, double unshuffle,
                          const struct fb_work *now, const struct fb_work *then)
{
    if (now->loaded > 0 && now->loaded_bytes < now->loaded * FB_JUDGED_BYTES)
        return inflate_short(rates, inflate, now, then) +
               unshuffle * (double)then->loaded_bytes / (double)now->loaded_bytes;
    return scale_fresh(rates, inflate + unshuffle, (double)now->fresh_decoded,
                       (double)then->fresh_decoded, (double)now->loaded, (double)now->loaded_bytes,
                       (double)then->loaded, (double)then->loaded_bytes, rates->inflate_call);
}

/* Of short reads only the call costs anything that can be told. `calmer`: chunks were decoded, and
 * will not be. */
static double read_time(const struct fb_rates *rates, double ns, const struct fb_work *now,
                        const struct fb_work *then, bool calmer)
{
    if (now->reads > 0 && now->read_bytes < now->reads * FB_JUDGED_BYTES)
        return (double)then->reads * ns / (double)now->reads +
               rates->read_byte * (double)then->read_bytes +
               rates->fault * (double)then->fresh_read;
    /* Decoding puts other things into the processor's caches, and unmapping makes the machine
     * forget where pages are, which slows the reads in between. Without, a read costs what it can.
     */
    if (calmer || (now->unmapped > 0 && then->unmapped == 0)) {
        double most = ns * (double)then->read_bytes / (double)(now->read_bytes + 1);
        double time = rates->read_call * (double)then->reads +
                      rates->read_byte * (double)then->read_bytes +
                      rates->fault * (double)then->fresh_read;
        return then->reads <= now->reads && time > most ? most : time;
    }
    return scale_fresh(rates, ns, (double)now->fresh_read, (double)then->fresh_read,
                       (double)now->reads, (double)now->read_bytes, (double)then->reads,
                       (double)then->read_bytes, rates->read_call);
}

/* Opening file and arrays. What is decoded in between drives it out of the processor's caches. */
static double open_time(const struct fb_rates *rates, const struct fb_anatomy *measured,
                        const struct fb_work *now, const struct fb_work *then, bool calmer)
{
    double open = (double)measured->ns[FB_PART_OPEN], lookup = (double)measured->ns[FB_PART_LOOKUP];
    double closing = rates->unmap * (double)now->unmapped_on_close;
    lookup -= closing > 0.95 * lookup ? 0.95 * lookup : closing;
    if (calmer) {
        open = fmin(open, rates->open * (double)measured->calls[FB_PART_OPEN]);
        lookup = fmin(lookup, rates->lookup * (double)measured->calls[FB_PART_LOOKUP]);
    }
    return open + lookup + rates->unmap * (double)then->unmapped_on_close;
}

/* Most of what is between the calls is their being traced. */
static double unexplained_time(const struct fb_anatomy *measured, const struct fb_work *now,
                               const struct fb_work *then, bool inflates)
{
    double calls = 0, calls_then;
    for (size_t i = 0; i < FB_PART_COUNT; i++)
        calls += (double)measured->calls[i];
    if (calls == 0)
        return (double)measured->unexplained_ns;
    double decodes =
        (double)(measured->calls[FB_PART_INFLATE] + measured->calls[FB_PART_UNSHUFFLE]);
    calls_then = calls - decodes + (double)then->reads - (double)now->reads;
    if (inflates && now->loaded > 0)
        calls_then += decodes * (double)then->loaded / (double)now->loaded;
    return (double)measured->unexplained_ns * fmax(calls_then, 1) / calls;
}

double fb_predict(const struct fb_anatomy *measured, const struct fb_rates *typical,
                  const struct fb_work *now, const struct fb_work *then, bool inflates)
{
    const uint64_t *ns = measured->ns;
    struct fb_rates own = *typical, *rates = &own;
    double library = (double)ns[FB_PART_LIBRARY], hidden = 0;
    double decode = (double)ns[FB_PART_INFLATE] + (double)ns[FB_PART_UNSHUFFLE];
    const bool calmer = decode > 0 && !inflates;
    double model = library_of(rates, now);
    /* Filters that are not seen apart are in the library's time: what the model leaves over. */
    if (decode == 0 && inflates && library > model) {
        hidden = library - model;
        library = model;
    }
    own.unmap = unmap_rate(rates, now, library);
    model = library_of(rates, now);
    double total = open_time(rates, measured, now, then, calmer) +
                   unexplained_time(measured, now, then, inflates);
    total += model > 0 ? library * library_of(rates, then) / model : library;
    if (inflates)
        total += decode_time(rates, (double)ns[FB_PART_INFLATE] + hidden,
                             (double)ns[FB_PART_UNSHUFFLE], now, then);
    total += read_time(rates, (double)ns[FB_PART_RAW_IO], now, then, calmer);
    double base = (double)measured->counts.meta_reads - now->nodes;
    base = base < 1 ? 1 : base;
    return total + (double)ns[FB_PART_META_IO] * (base + then->nodes) / (base + now->nodes);
}
