/* What a comparison found, on the terminal, and how far it can be trusted. */
#include "base/number.h"
#include "results/compare.h"
#include "results/gate.h"
#include "results/label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MOST 160
#define WIDTH_USUAL 100
#define WIDTH_LEAST 60
/* The columns behind the cell: OLD, NEW, change, interval, word. */
#define NUMBERS (1 + 7 + 1 + 7 + 1 + 8 + 1 + 16 + 2 + 8)
/* Narrow terminals do without OLD and NEW. */
#define TIMES (1 + 7 + 1 + 7)
#define TIMES_WIDTH 80

/* --- the machine ------------------------------------------------------------------------------ */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool is_time(uint64_t ns)
{
    return ns != FB_NA && ns > 0;
}

/* The ends of the middle half are values of cells, too. */
static struct fb_compare_moved moved_of(double *ratios, size_t count)
{
    struct fb_compare_moved moved = { .ratio = NAN, .lower = NAN, .upper = NAN, .cells = count };
    if (count == 0)
        return moved;
    qsort(ratios, count, sizeof *ratios, compare_doubles);
    moved.ratio = (ratios[(count - 1) / 2] + ratios[count / 2]) / 2;
    moved.lower = ratios[(count - 1) / 4];
    moved.upper = ratios[count - 1 - (count - 1) / 4];
    return moved;
}

static struct fb_compare_moved move_of(const struct fb_comparison *comparison, bool read,
                                       double *ratios)
{
    size_t count = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        const struct fb_compare_record *row = &comparison->items[i];
        uint64_t old = read ? row->old_floor_read_ns : row->old_floor_copy_ns;
        uint64_t new = read ? row->new_floor_read_ns : row->new_floor_copy_ns;
        /* Bytes of a file that was written otherwise are not the same ones. */
        bool same = !read ||
                    (strcmp(row->cache, "warm") == 0 && row->old_file_bytes == row->new_file_bytes);
        if (is_time(old) && is_time(new) && same)
            ratios[count++] = (double)new / (double)old;
    }
    return moved_of(ratios, count);
}

static double farther(double share, double ratio)
{
    return isnan(ratio) ? share : fmax(share, fmax(ratio, 1 / ratio) - 1);
}

int fb_compare_drift(const struct fb_comparison *comparison, struct fb_compare_drift *out,
                     struct fb_error *err)
{
    double *ratios = calloc(comparison->count + 1, sizeof *ratios);
    *out = (struct fb_compare_drift){ .share = NAN };
    if (!ratios)
        return fb_fail_memory(err, "the machine's own times");
    out->copy = move_of(comparison, false, ratios);
    out->read = move_of(comparison, true, ratios);
    free(ratios);
    out->share =
        farther(farther(farther(farther(NAN, out->copy.lower), out->copy.upper), out->read.lower),
                out->read.upper);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct fb_compare_record *row = &comparison->items[i];
        enum fb_compare_word word = fb_compare_word_of(row);
        if (word != FB_COMPARE_SLOWER && word != FB_COMPARE_FASTER)
            continue;
        out->told++;
        out->doubted += fmax(1 + row->change, 1 / (1 + row->change)) - 1 <= out->share;
    }
    return 0;
}

static void add_moved(const struct fb_compare_moved *moved, const char *what, char *buf,
                      size_t size)
{
    size_t used = strlen(buf);
    if (moved->cells > 0)
        snprintf(buf + used, size - used,
                 " %s took %.2fx as long (%.2fx to %.2fx in the middle half of %zu cell%s),", what,
                 moved->ratio, moved->lower, moved->upper, moved->cells,
                 moved->cells == 1 ? "" : "s");
}

char *fb_compare_caution(const struct fb_compare_drift *drift, char *buf, size_t size)
{
    bool known = !isnan(drift->share);
    double percent = 100 * drift->share;
    snprintf(buf, size, "Weaker than a gate: the runs were made at different times, and %s",
             known ? "the machine may have moved. In NEW"
                   : "how far the machine moved is not recorded.");
    if (known) {
        add_moved(&drift->copy, "copying the same bytes", buf, size);
        add_moved(&drift->read, "reading the same bytes by pread, warm,", buf, size);
        size_t used = strlen(buf);
        snprintf(buf + used, size - used,
                 percent < 9.95
                     ? " and no format has a part in that: a change of %.1f %% is no proof."
                     : " and no format has a part in that: a change of %.0f %% is no proof.",
                 percent);
    }
    size_t used = strlen(buf);
    if (known && drift->told > 0)
        used += (size_t)snprintf(buf + used, size - used,
                                 " Of %zu slower or faster cell%s, %zu changed by no more.",
                                 drift->told, drift->told == 1 ? "" : "s", drift->doubted);
    if (used < size)
        snprintf(buf + used, size - used,
                 " 'fmtbench gate' measures both sides in pairs, where such moves cancel out.");
    return buf;
}

/* --- the table -------------------------------------------------------------------------------- */

struct page {
    FILE *out;
    bool colour;
    int width, cell_width;
};

static bool shows_times(const struct page *page)
{
    return page->width >= TIMES_WIDTH;
}

static void set_style(const struct page *page, const char *code)
{
    if (page->colour)
        fprintf(page->out, "\033[%sm", code);
}

static void print_note(const struct page *page, const char *text)
{
    char plain[WIDTH_MOST + 1];
    if (!*text)
        return;
    set_style(page, "2");
    fprintf(page->out, "    %s", fb_plain_text(text, plain, (size_t)page->width - 4 + 1));
    set_style(page, "0");
    fputc('\n', page->out);
}

static void print_numbers(const struct page *page, const struct fb_compare_record *row)
{
    char old[32] = "-", new[32] = "-", change[32], interval[48];
    if (row->old_median_ns != FB_NA)
        fb_format_ns(row->old_median_ns, old, sizeof old);
    if (row->new_median_ns != FB_NA)
        fb_format_ns(row->new_median_ns, new, sizeof new);
    if (shows_times(page))
        fprintf(page->out, " %7.7s %7.7s", old, new);
    fb_gate_range(row->change_lower, row->change_upper, interval, sizeof interval);
    /* The column before it has the sign already. */
    if (strlen(interval) > 2)
        interval[strlen(interval) - 2] = '\0';
    fprintf(page->out, " %8.8s %16.16s  ", fb_gate_change(row->change, change, sizeof change),
            interval);
}

static void print_row(const struct page *page, const struct fb_compare_record *row)
{
    static const char *const styles[FB_COMPARE_WORDS] = {
        [FB_COMPARE_SLOWER] = "31",  [FB_COMPARE_FAILED] = "31",   [FB_COMPARE_ONLY_OLD] = "33",
        [FB_COMPARE_UNCLEAR] = "33", [FB_COMPARE_ONLY_NEW] = "33", [FB_COMPARE_FASTER] = "32",
        [FB_COMPARE_ALIKE] = "0",
    };
    char plain[WIDTH_MOST + 1];
    enum fb_compare_word word = fb_compare_word_of(row);
    set_style(page, styles[word]);
    fb_plain_text(row->cell, plain, (size_t)page->cell_width + 1);
    fprintf(page->out, "%s%*s", plain, page->cell_width - fb_columns_of(plain), "");
    print_numbers(page, row);
    fputs(fb_compare_words[word], page->out);
    set_style(page, "0");
    fputc('\n', page->out);
    print_note(page, row->counters);
    print_note(page, row->reason);
}

static void print_counts(const struct page *page, const struct fb_comparison *comparison)
{
    size_t counts[FB_COMPARE_WORDS] = { 0 };
    char text[256];
    for (size_t i = 0; i < comparison->count; i++)
        counts[fb_compare_word_of(&comparison->items[i])]++;
    size_t used = (size_t)snprintf(text, sizeof text, "%zu cell%s", comparison->count,
                                   comparison->count == 1 ? "" : "s");
    const char *between = ": ";
    for (int i = 0; i < FB_COMPARE_WORDS; i++)
        if (counts[i] > 0 && used < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu %s", between,
                                     counts[i], fb_compare_words[i]);
            between = ", ";
        }
    fb_print_words(page->out, text, (unsigned)page->width);
}

static void print_forced(const struct page *page, const char *forced)
{
    char text[sizeof((struct fb_compare_record *)0)->forced + 64];
    if (!*forced)
        return;
    snprintf(text, sizeof text, "FORCED, what differs may be no change of speed: %s", forced);
    set_style(page, "31");
    fb_print_words(page->out, text, (unsigned)page->width);
    set_style(page, "0");
}

void fb_compare_print(FILE *out, const struct fb_comparison *comparison,
                      const struct fb_compare_drift *drift, bool colour, unsigned width)
{
    struct page page = { .out = out, .colour = colour };
    char caution[1024];
    page.width = width == 0            ? WIDTH_USUAL
                 : width < WIDTH_LEAST ? WIDTH_LEAST
                 : width > WIDTH_MOST  ? WIDTH_MOST
                                       : (int)width;
    page.cell_width = page.width - NUMBERS + (shows_times(&page) ? 0 : TIMES);
    if (comparison->count > 0)
        print_forced(&page, comparison->items[0].forced);
    fprintf(out, "%-*s", page.cell_width, "cell");
    if (shows_times(&page))
        fprintf(out, " %7s %7s", "OLD", "NEW");
    fprintf(out, " %8s %16s  word\n", "change", "95 %");
    for (size_t i = 0; i < comparison->count; i++)
        print_row(&page, &comparison->items[i]);
    fputc('\n', out);
    print_counts(&page, comparison);
    fb_print_words(out, fb_compare_caution(drift, caution, sizeof caution), (unsigned)page.width);
}
