/* Anatomies on the terminal. */
#include "base/number.h"
#include "results/anatomy.h"
#include "results/label.h"

#include <math.h>
#include <string.h>

#define NARROWEST 60
#define WIDEST 100
#define BAR 30

static const char *code(bool colour, const char *escape)
{
    return colour ? escape : "";
}

static size_t clamp_width(unsigned width)
{
    return width == 0 || width > WIDEST ? WIDEST : width < NARROWEST ? NARROWEST : width;
}

static double share(uint64_t ns, uint64_t total)
{
    return total == 0 || ns == FB_NA ? 0 : (double)ns / (double)total;
}

static void print_heading(FILE *out, const struct fb_anatomy_record *record, bool colour,
                          size_t width)
{
    char text[2400], plain[WIDEST + 1], bytes[32];
    snprintf(text, sizeof text, "%s (%s), %s, %s, %s: %llu request%s, %s", record->workload,
             record->workload_options, record->format, record->cache, record->handle,
             (unsigned long long)record->requests, record->requests == 1 ? "" : "s",
             fb_format_bytes(record->asked_bytes, bytes, sizeof bytes));
    fprintf(out, "%s%s%s\n", code(colour, "\033[1m"), fb_plain_text(text, plain, width + 1),
            code(colour, "\033[0m"));
}

static void print_part(FILE *out, const struct fb_anatomy_record *record, size_t part, bool largest,
                       bool colour, size_t width)
{
    char time[32], line[WIDEST + 64], plain[WIDEST + 1], bar[BAR + 1];
    uint64_t ns = fb_anatomy_part_ns(record, part);
    double fraction = share(ns, record->total_ns);
    size_t length = (size_t)(fraction * BAR + 0.5);
    memset(bar, '#', sizeof bar);
    bar[length > BAR ? BAR : length] = '\0';
    if (ns == FB_NA)
        snprintf(line, sizeof line, "  %-13s %9s %5s    %s", fb_anatomy_parts[part].name, "n/a", "",
                 "part of library: filters cannot be seen apart here");
    else
        snprintf(line, sizeof line, "%c %-13s %9s %4.0f %%  %-*s %s", largest ? '>' : ' ',
                 fb_anatomy_parts[part].name, fb_format_ns(ns, time, sizeof time), 100 * fraction,
                 BAR, bar, fb_anatomy_parts[part].help);
    fprintf(out, "%s%s%s\n", code(colour && largest, "\033[33m"),
            fb_plain_text(line, plain, width + 1), code(colour && largest, "\033[0m"));
}

static void print_reads(FILE *out, const char *name, uint64_t reads, uint64_t bytes)
{
    char text[32];
    fprintf(out, "  %-17s %llu read%s, %s\n", name, (unsigned long long)reads,
            reads == 1 ? "" : "s", fb_format_bytes(bytes, text, sizeof text));
}

static void print_counts(FILE *out, const struct fb_anatomy_record *record)
{
    char a[32], b[32];
    print_reads(out, "metadata", record->metadata_reads, record->metadata_bytes);
    print_reads(out, "array data", record->raw_reads, record->raw_bytes);
    if (record->chunks_touched > 0)
        fprintf(out, "  %-17s %llu touched", "chunks", (unsigned long long)record->chunks_touched);
    if (record->chunks_touched > 0 && record->chunks_inflated != FB_NA &&
        record->chunks_inflated > 0)
        fprintf(out, ", %llu inflated, %llu of them again",
                (unsigned long long)record->chunks_inflated,
                (unsigned long long)record->chunks_again);
    if (record->chunks_touched > 0 && record->chunk_cache_hits != FB_NA)
        fprintf(out, "; %llu cache hit%s", (unsigned long long)record->chunk_cache_hits,
                record->chunk_cache_hits == 1 ? "" : "s");
    if (record->chunks_touched > 0)
        fputc('\n', out);
    if (record->inflated_bytes != FB_NA && record->inflated_bytes > 0)
        fprintf(out, "  %-17s %s out of %s: %.1f times the bytes asked for\n", "inflated",
                fb_format_bytes(record->inflated_bytes, a, sizeof a),
                fb_format_bytes(record->deflated_bytes, b, sizeof b),
                record->inflate_amplification);
}

static void print_storage(FILE *out, const struct fb_anatomy_record *record, size_t width)
{
    char text[512], plain[WIDEST + 1], stored[32], cache[32];
    if (!record->layout[0])
        return;
    size_t used = (size_t)snprintf(text, sizeof text, "  %-17s %s%s%.200s%s%.100s", "first array",
                                   record->layout, record->chunk[0] ? " " : "", record->chunk,
                                   record->filters[0] ? ", " : "", record->filters);
    if (record->stored_bytes != FB_NA)
        used += (size_t)snprintf(text + used, sizeof text - used, ", %s stored",
                                 fb_format_bytes(record->stored_bytes, stored, sizeof stored));
    if (record->chunk_cache_bytes != FB_NA && record->chunk_cache_bytes > 0)
        snprintf(text + used, sizeof text - used, ", chunk cache %s",
                 fb_format_bytes(record->chunk_cache_bytes, cache, sizeof cache));
    fprintf(out, "%s\n", fb_plain_text(text, plain, width + 1));
}

void fb_anatomy_print(FILE *out, const struct fb_anatomy_record *record, bool colour,
                      unsigned width)
{
    size_t columns = clamp_width(width), largest = fb_anatomy_largest(record);
    char time[32];
    print_heading(out, record, colour, columns);
    for (size_t i = 0; i < FB_ANATOMY_PARTS; i++)
        print_part(out, record, i, i == largest, colour, columns);
    fprintf(out, "  %-13s %9s  (a traced pass of its own, not a timed block)\n", "total",
            fb_format_ns(record->total_ns, time, sizeof time));
    print_counts(out, record);
    print_storage(out, record, columns);
}

/* --- all of a run ----------------------------------------------------------------------------- */

/* Short words: eight shares stand side by side. */
static const char *const heads[FB_ANATOMY_PARTS] = { "open", "look", "meta", "raw",
                                                     "infl", "unsh", "lib",  "else" };

#define LABEL_WIDTH 42

static void print_row(FILE *out, const struct fb_anatomy_record *record, bool colour)
{
    char label[LABEL_WIDTH + 1], time[32];
    size_t largest = fb_anatomy_largest(record);
    fprintf(out, "%-*s %8s", LABEL_WIDTH, fb_anatomy_label(record, label, sizeof label),
            fb_format_ns(record->total_ns, time, sizeof time));
    for (size_t i = 0; i < FB_ANATOMY_PARTS; i++) {
        uint64_t ns = fb_anatomy_part_ns(record, i);
        if (ns == FB_NA)
            fprintf(out, "    - ");
        else
            fprintf(out, "%s%5.0f%c%s", code(colour && i == largest, "\033[33m"),
                    100 * share(ns, record->total_ns), i == largest ? '<' : ' ',
                    code(colour && i == largest, "\033[0m"));
    }
    fputc('\n', out);
}

void fb_anatomies_print(FILE *out, const struct fb_anatomies *anatomies, bool colour,
                        unsigned width)
{
    char text[1200], plain[WIDEST + 1];
    const struct fb_anatomy_record *previous = NULL;
    for (size_t i = 0; i < anatomies->count; i++) {
        const struct fb_anatomy_record *record = &anatomies->items[i];
        if (!previous || strcmp(previous->workload, record->workload) != 0 ||
            strcmp(previous->workload_options, record->workload_options) != 0) {
            snprintf(text, sizeof text, "anatomy of %s (%s), %s", record->workload,
                     record->workload_options, record->cache);
            fprintf(out, "%s%s%s\n%-*s %8s", code(colour, "\033[1m"),
                    fb_plain_text(text, plain, clamp_width(width) + 1), code(colour, "\033[0m"),
                    LABEL_WIDTH, "shares in %, < the largest", "total");
            for (size_t k = 0; k < FB_ANATOMY_PARTS; k++)
                fprintf(out, "%5s ", heads[k]);
            fputc('\n', out);
        }
        print_row(out, record, colour);
        previous = record;
    }
    if (anatomies->count)
        fputs("open, lookup, metadata I/O, raw I/O, inflate, unshuffle, library, unexplained; of "
              "a traced\npass of its own, not of timed blocks\n\n",
              out);
}
