/* What a gate found: in which order, in which words, and as a table on the terminal. */
#include "base/number.h"
#include "results/gate.h"
#include "results/label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MOST 160
#define WIDTH_USUAL 100
#define WIDTH_LEAST 60
/* The columns behind the cell: A, B, change, interval, smallest effect, verdict. */
#define NUMBERS (1 + 7 + 1 + 7 + 1 + 8 + 1 + 16 + 1 + 8 + 2 + 12)
/* Narrow terminals do without A and B, and the smallest effect. */
#define TIMES (1 + 7 + 1 + 7 + 1 + 8)
#define TIMES_WIDTH 80

const char *const fb_gate_verdict_names[FB_ROW_VERDICTS] = {
    [FB_ROW_REGRESSED] = "regressed",       [FB_ROW_NO_DATA] = "no data",
    [FB_ROW_INCONCLUSIVE] = "inconclusive", [FB_ROW_IMPROVED] = "improved",
    [FB_ROW_EQUIVALENT] = "equivalent",
};

enum fb_gate_verdict fb_gate_verdict_of(const struct fb_gate_record *record)
{
    for (int i = 0; i < FB_ROW_VERDICTS; i++)
        if (strcmp(record->verdict, fb_gate_verdict_names[i]) == 0)
            return (enum fb_gate_verdict)i;
    return FB_ROW_NO_DATA;
}

bool fb_gate_is_control(const struct fb_gate_record *record)
{
    return strcmp(record->arm, "A/A") == 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct fb_gate_record *x = *(const struct fb_gate_record *const *)a;
    const struct fb_gate_record *y = *(const struct fb_gate_record *const *)b;
    if (fb_gate_is_control(x) != fb_gate_is_control(y))
        return fb_gate_is_control(x) ? 1 : -1;
    if (fb_gate_verdict_of(x) != fb_gate_verdict_of(y))
        return (int)fb_gate_verdict_of(x) - (int)fb_gate_verdict_of(y);
    if (isnan(x->change) != isnan(y->change))
        return isnan(x->change) ? 1 : -1;
    if (!isnan(x->change) && x->change != y->change)
        return x->change > y->change ? -1 : 1;
    return x < y ? -1 : x > y; /* rows of one array */
}

void fb_gate_sort(const struct fb_gate_records *records, const struct fb_gate_record **rows)
{
    for (size_t i = 0; i < records->count; i++)
        rows[i] = &records->items[i];
    if (records->count > 0)
        qsort(rows, records->count, sizeof *rows, compare_rows);
}

/* At most seven characters. */
static void percent_text(double change, char *buf, size_t size)
{
    double percent = 100 * change;
    snprintf(buf, size,
             fabs(percent) < 99.95     ? "%+.1f"
             : fabs(percent) < 99999.5 ? "%+.0f"
                                       : "%+.0e",
             percent);
}

char *fb_gate_change(double change, char *buf, size_t size)
{
    if (!isfinite(change)) {
        snprintf(buf, size, "n/a");
        return buf;
    }
    percent_text(change, buf, size);
    size_t used = strlen(buf);
    snprintf(buf + used, size - used, " %%");
    return buf;
}

char *fb_gate_range(double lower, double upper, char *buf, size_t size)
{
    char from[16], to[16];
    if (!isfinite(lower) || !isfinite(upper)) {
        snprintf(buf, size, "-");
        return buf;
    }
    percent_text(lower, from, sizeof from);
    percent_text(upper, to, sizeof to);
    snprintf(buf, size, "%s to %s %%", from, to);
    return buf;
}

char *fb_gate_interval_text(const struct fb_gate_record *record, char *buf, size_t size)
{
    return fb_gate_range(record->change_lower, record->change_upper, buf, size);
}

char *fb_gate_sentence(const struct fb_gate_records *records, char *buf, size_t size)
{
    size_t counts[FB_ROW_VERDICTS] = { 0 }, cells = 0;
    for (size_t i = 0; i < records->count; i++) {
        if (fb_gate_is_control(&records->items[i]))
            continue;
        cells++;
        counts[fb_gate_verdict_of(&records->items[i])]++;
    }
    snprintf(buf, size, "%zu cell%s", cells, cells == 1 ? "" : "s");
    const char *between = ": ";
    for (int i = 0; i < FB_ROW_VERDICTS; i++) {
        size_t used = strlen(buf);
        if (counts[i] == 0)
            continue;
        snprintf(buf + used, size - used, "%s%zu %s", between, counts[i],
                 i == FB_ROW_NO_DATA ? "without data" : fb_gate_verdict_names[i]);
        between = ", ";
    }
    return buf;
}

bool fb_gate_control_differs(const struct fb_gate_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        enum fb_gate_verdict verdict = fb_gate_verdict_of(&records->items[i]);
        if (fb_gate_is_control(&records->items[i]) &&
            (verdict == FB_ROW_REGRESSED || verdict == FB_ROW_IMPROVED))
            return true;
    }
    return false;
}

/* --- terminal --------------------------------------------------------------------------------- */

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

static void print_cell(const struct page *page, const char *text)
{
    char plain[WIDTH_MOST + 1];
    fb_plain_text(text, plain, (size_t)page->cell_width + 1);
    fprintf(page->out, "%s%*s", plain, page->cell_width - fb_columns_of(plain), "");
}

static void print_numbers(const struct page *page, const struct fb_gate_record *record)
{
    char a[32] = "n/a", b[32] = "n/a", change[32], interval[48], effect[32];
    if (record->a_median_ns != FB_NA)
        fb_format_ns(record->a_median_ns, a, sizeof a);
    if (record->b_median_ns != FB_NA)
        fb_format_ns(record->b_median_ns, b, sizeof b);
    if (shows_times(page))
        fprintf(page->out, " %7.7s %7.7s", a, b);
    fb_gate_interval_text(record, interval, sizeof interval);
    /* The column before it has the sign already. */
    if (strlen(interval) > 2)
        interval[strlen(interval) - 2] = '\0';
    fprintf(page->out, " %8.8s %16.16s", fb_gate_change(record->change, change, sizeof change),
            interval);
    if (shows_times(page))
        fprintf(page->out, " %8.8s",
                fb_gate_change(record->smallest_effect, effect, sizeof effect));
    fputs("  ", page->out);
}

/* What differs, or why there is no more to say. */
static void print_note(const struct page *page, const char *text)
{
    char plain[WIDTH_MOST + 1];
    if (!*text)
        return;
    set_style(page, "2");
    fprintf(page->out, "    %s\n", fb_plain_text(text, plain, (size_t)page->width - 4 + 1));
    set_style(page, "0");
}

static void print_row(const struct page *page, const struct fb_gate_record *record)
{
    static const char *const styles[FB_ROW_VERDICTS] = {
        [FB_ROW_REGRESSED] = "31", [FB_ROW_NO_DATA] = "31",   [FB_ROW_INCONCLUSIVE] = "33",
        [FB_ROW_IMPROVED] = "32",  [FB_ROW_EQUIVALENT] = "0",
    };
    char cell[sizeof record->cell + 16];
    enum fb_gate_verdict verdict = fb_gate_verdict_of(record);
    snprintf(cell, sizeof cell, "%s%s", fb_gate_is_control(record) ? "control A/A: " : "",
             record->cell);
    set_style(page, styles[verdict]);
    print_cell(page, cell);
    print_numbers(page, record);
    fputs(fb_gate_verdict_names[verdict], page->out);
    set_style(page, "0");
    fputc('\n', page->out);
    print_note(page, record->counters);
    if (verdict == FB_ROW_NO_DATA || verdict == FB_ROW_INCONCLUSIVE)
        print_note(page, record->reason);
}

void fb_gate_print(FILE *out, const struct fb_gate_records *records, bool colour, unsigned width)
{
    struct page page = { .out = out, .colour = colour };
    char sentence[256];
    const struct fb_gate_record **rows = calloc(records->count + 1, sizeof *rows);
    if (!rows) {
        fputs("(out of memory for the table)\n", out);
        return;
    }
    page.width = width == 0            ? WIDTH_USUAL
                 : width < WIDTH_LEAST ? WIDTH_LEAST
                 : width > WIDTH_MOST  ? WIDTH_MOST
                                       : (int)width;
    page.cell_width = page.width - NUMBERS + (shows_times(&page) ? 0 : TIMES);
    fb_gate_sort(records, rows);
    fprintf(out, "%-*s", page.cell_width, "cell");
    if (shows_times(&page))
        fprintf(out, " %7s %7s", "A", "B");
    fprintf(out, " %8s %16s", "change", "95 %");
    if (shows_times(&page))
        fprintf(out, " %8s", "finds");
    fputs("  verdict\n", out);
    bool finds = false;
    for (size_t i = 0; i < records->count; i++) {
        print_row(&page, rows[i]);
        finds |= isfinite(rows[i]->smallest_effect);
    }
    if (finds && shows_times(&page))
        fputs("finds: a slow-down from there on would have been found, 19 times of 20\n", out);
    fputc('\n', out);
    fb_print_words(out, fb_gate_sentence(records, sentence, sizeof sentence), (unsigned)page.width);
    if (fb_gate_control_differs(records))
        fputs("The control, A against itself, changed too: trust no row.\n", out);
    free(rows);
}
