#include "results/table.h"
#include "base/number.h"
#include "results/label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns behind the label, with the blanks before each:
 * cache handle median interval  ratio     file    check */
#define OTHER_COLUMNS (2 + 5 + 1 + 6 + 2 + 7 + 2 + 13 + 2 + 9 + 2 + 7 + 2 + 10)
/* And "x floor" where there is room for it. */
#define FLOOR_COLUMN (2 + 7)
#define FLOOR_WIDTH 100
#define NARROWEST 80
#define WIDEST 400
#define WIDEST_REASON 2048

/* The workload that is there for the memory it takes: its tables show that instead of the files'
 * sizes, which stand in every other one. */
#define MEMORY_WORKLOAD "batch-stats"

enum style { PLAIN, BOLD, DIM, GOOD, BAD };

struct page {
    FILE *out;
    const struct fb_records *records;
    bool colour;
    size_t width, label_width;
    const struct fb_record **rows; /* of the workload at hand, in order */
    size_t count;
    bool unproven, no_interval; /* a note must explain a mark */
};

static void set_style(const struct page *page, enum style style)
{
    static const char *const codes[] = { "\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[31m" };
    if (page->colour)
        fputs(codes[style], page->out);
}

/* Prints `text` at column `at`, goes on in new lines from column `indent`. */
static void print_wrapped(const struct page *page, const char *text, size_t at, size_t indent)
{
    while (*text) {
        size_t room = page->width > at ? page->width - at : 1;
        size_t n = strlen(text);
        if (n > room) {
            n = room;
            while (n > 0 && text[n] != ' ')
                n--;
            if (n == 0)
                n = room;
        }
        fprintf(page->out, "%.*s\n", (int)n, text);
        text += n;
        text += strspn(text, " ");
        if (*text)
            fprintf(page->out, "%*s", (int)indent, "");
        at = indent;
    }
}

/* Both ends in the unit of the upper one: "1.20-1.31 ms". */
static char *format_interval(const struct fb_record *record, char *buf, size_t size)
{
    char upper[32];
    if (record->lower_ns == FB_NA || record->upper_ns == FB_NA) {
        snprintf(buf, size, "-");
        return buf;
    }
    fb_format_ns(record->upper_ns, upper, sizeof upper);
    const char *unit = strchr(upper, ' ');
    double factor = strcmp(unit, " s") == 0    ? 1e9
                    : strcmp(unit, " ms") == 0 ? 1e6
                    : strcmp(unit, " us") == 0 ? 1e3
                                               : 1;
    double low = (double)record->lower_ns / factor;
    int decimals = factor == 1 || low >= 99.95 ? 0 : low >= 9.995 ? 1 : low >= 0.9995 ? 2 : 3;
    snprintf(buf, size, "%.*f-%s", decimals, low, upper);
    return buf;
}

static char *format_ratio(double ratio, char *buf, size_t size)
{
    if (isnan(ratio))
        snprintf(buf, size, "-");
    else if (ratio < 9.995)
        snprintf(buf, size, ratio < 0.01 ? "< 0.01x" : "%.2fx", ratio);
    else
        snprintf(buf, size, ratio < 99.95 ? "%.1fx" : ratio < 1e6 ? "%.0fx" : "%.1ex", ratio);
    return buf;
}

static char *format_times_fastest(const struct fb_record *record, char *buf, size_t size)
{
    if (record->times_fastest <= 1 && fb_is_contender(record))
        snprintf(buf, size, "fastest");
    else
        format_ratio(record->times_fastest, buf, size);
    return buf;
}

static bool shows_floor(const struct page *page)
{
    return page->width >= FLOOR_WIDTH;
}

static size_t other_columns(const struct page *page)
{
    return OTHER_COLUMNS + (shows_floor(page) ? FLOOR_COLUMN : 0);
}

static void print_label(const struct page *page, const struct fb_record *record)
{
    char label[FB_LABEL_SIZE + 16], cache[16];
    fb_label(page->records, record, label, FB_LABEL_SIZE);
    if (strcmp(record->role, "reference") == 0)
        strcat(label, " (reference)");
    snprintf(cache, sizeof cache, "%.4s%s", record->cache, fb_is_unproven(record) ? "?" : "");
    /* Cutting a label could make two rows look the same: too long a one has a line of its own. */
    bool fits = strlen(label) <= page->label_width;
    if (!fits)
        fprintf(page->out, "%s\n", label);
    fprintf(page->out, "%-*s  %-5s %-6.6s  ", (int)page->label_width, fits ? label : "", cache,
            record->handle);
}

static bool shows_peak(const struct fb_record *record)
{
    return strcmp(record->workload, MEMORY_WORKLOAD) == 0;
}

/* The rows of a workload that is loaded in batches show what they deliver in a second. */
static bool shows_samples(const struct fb_record *record)
{
    return !isnan(record->samples_per_s);
}

static char *format_size(const struct fb_record *record, char *buf, size_t size)
{
    if (shows_samples(record)) {
        double rate = record->samples_per_s;
        snprintf(buf, size, rate < 99.95 ? "%.1f/s" : rate < 99999.5 ? "%.0f/s" : "%.0e/s", rate);
        return buf;
    }
    uint64_t bytes = shows_peak(record) ? record->peak_bytes : record->file_bytes;
    if (bytes == FB_NA || bytes == 0)
        snprintf(buf, size, "-");
    else
        fb_format_bytes(bytes, buf, size);
    return buf;
}

static void print_time_row(struct page *page, const struct fb_record *record)
{
    char median[32], interval[64], ratio[32], size[32];
    bool reference = strcmp(record->role, "reference") == 0;
    bool fastest = fb_is_contender(record) && record->times_fastest <= 1;
    bool unchecked = strcmp(record->verification, "not verified") == 0;
    page->unproven = page->unproven || fb_is_unproven(record);
    page->no_interval = page->no_interval || record->upper_ns == FB_NA;
    set_style(page, reference ? DIM : fastest ? GOOD : PLAIN);
    print_label(page, record);
    fprintf(page->out, "%7s  %13s  %9s  ", fb_format_ns(record->median_ns, median, sizeof median),
            format_interval(record, interval, sizeof interval),
            format_times_fastest(record, ratio, sizeof ratio));
    if (shows_floor(page))
        fprintf(page->out, "%7s  ", format_ratio(record->times_floor, ratio, sizeof ratio));
    fprintf(page->out, "%7s  ", format_size(record, size, sizeof size));
    if (unchecked)
        set_style(page, BAD);
    fputs(unchecked                                   ? "UNVERIFIED"
          : strcmp(record->verification, "none") == 0 ? "no check"
                                                      : record->verification,
          page->out);
    set_style(page, PLAIN);
    fputc('\n', page->out);
}

/* A line below the row: what a training loop would feel of it. */
static void print_batches(const struct page *page, const struct fb_record *record)
{
    char p50[32], p99[32], peak[32], text[200];
    snprintf(text, sizeof text, "batch p50 %s, p99 %s; waited %.0f %% of the time; peak %s",
             fb_format_ns(record->batch_p50_ns, p50, sizeof p50),
             fb_format_ns(record->batch_p99_ns, p99, sizeof p99), 100 * record->wait_share,
             record->peak_bytes == FB_NA ? "n/a"
                                         : fb_format_bytes(record->peak_bytes, peak, sizeof peak));
    set_style(page, DIM);
    fprintf(page->out, "    ");
    print_wrapped(page, text, 4, 4);
    set_style(page, PLAIN);
}

static void print_failed_row(const struct page *page, const struct fb_record *record)
{
    char text[sizeof record->status + sizeof record->reason + 4], plain[sizeof text];
    size_t at = page->label_width + 16;
    snprintf(text, sizeof text, "%s%s%s", record->status, record->reason[0] ? ": " : "",
             record->reason);
    set_style(page, BAD);
    print_label(page, record);
    print_wrapped(page, fb_plain_text(text, plain, sizeof plain), at, at);
    set_style(page, PLAIN);
}

/* Rows that were not to be measured: one line per reason instead of a row each. */
static bool is_absent(const struct fb_record *record)
{
    return strcmp(record->status, "not-applicable") == 0 || strcmp(record->status, "not-run") == 0;
}

static bool same_absence(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->status, b->status) == 0 && strcmp(a->reason, b->reason) == 0;
}

/* Adds ", word" unless the list has it. */
static void add_word(char *list, size_t size, const char *word)
{
    size_t used = strlen(list), length = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p++)
        if ((p == list || p[-1] == ' ') && (p[length] == '\0' || p[length] == ','))
            return;
    snprintf(list + used, size - used, "%s%s", used ? ", " : "", word);
}

static void print_absent(const struct page *page, size_t first)
{
    char labels[512] = "", caches[32] = "", handles[32] = "", label[FB_LABEL_SIZE];
    char text[WIDEST_REASON], plain[WIDEST_REASON];
    const struct fb_record *record = page->rows[first];
    size_t alike = 0;
    for (size_t i = 0; i < page->count; i++) {
        if (!same_absence(page->rows[i], record))
            continue;
        if (i < first)
            return; /* told with that row */
        alike++;
        add_word(labels, sizeof labels,
                 fb_label(page->records, page->rows[i], label, sizeof label));
        add_word(caches, sizeof caches, page->rows[i]->cache);
        add_word(handles, sizeof handles, page->rows[i]->handle);
    }
    const char *status = strcmp(record->status, "not-run") == 0 ? "not run" : "not applicable";
    if (alike == page->count)
        snprintf(text, sizeof text, "%s: %s", status, record->reason);
    else
        snprintf(text, sizeof text, "%s: %s (%s; handle %s): %s", status, labels, caches, handles,
                 record->reason);
    set_style(page, DIM);
    print_wrapped(page, fb_plain_text(text, plain, sizeof plain), 0, 4);
    set_style(page, PLAIN);
}

static void print_heading(const struct page *page)
{
    char text[WIDEST_REASON], plain[WIDEST_REASON], bytes[32];
    const struct fb_record *record = page->rows[0];
    for (size_t i = 0; i < page->count && record->requests == FB_NA; i++)
        record = page->rows[i];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", record->workload);
    if (record->requests != FB_NA)
        used += (size_t)snprintf(text + used, sizeof text - used, ": %llu request%s",
                                 (unsigned long long)record->requests,
                                 record->requests == 1 ? "" : "s");
    if (record->request_bytes != FB_NA)
        used += (size_t)snprintf(text + used, sizeof text - used, ", %s",
                                 fb_format_bytes(record->request_bytes, bytes, sizeof bytes));
    set_style(page, BOLD);
    fprintf(page->out, "%s", fb_plain_text(text, plain, page->width + 1));
    set_style(page, PLAIN);
    size_t at = strlen(plain);
    if (record->workload_options[0] && page->width > at + 20) {
        set_style(page, DIM);
        fprintf(page->out, "  (%s)",
                fb_plain_text(record->workload_options, plain, page->width - at - 4 + 1));
        set_style(page, PLAIN);
    }
    fputc('\n', page->out);
}

/* Times of one clock are nothing beside those of another. */
static void print_whole_heading(const struct page *page)
{
    set_style(page, DIM);
    fputs("whole processes, timed by hyperfine: start-up, the same reads, exit\n", page->out);
    set_style(page, PLAIN);
}

static bool same_group(const struct fb_record *a, const struct fb_record *b)
{
    return fb_clock_order(a) == fb_clock_order(b) && fb_cache_order(a) == fb_cache_order(b) &&
           fb_handle_order(a) == fb_handle_order(b);
}

static bool any_samples(const struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        if (fb_is_ok(page->rows[i]) && shows_samples(page->rows[i]))
            return true;
    return false;
}

static void print_workload(struct page *page, const struct fb_record *workload)
{
    bool any = false, whole = false;
    page->count = 0;
    for (size_t i = 0; i < page->records->count; i++)
        if (fb_same_workload(&page->records->items[i], workload))
            page->rows[page->count++] = &page->records->items[i];
    qsort(page->rows, page->count, sizeof *page->rows, fb_compare_rows);
    print_heading(page);
    for (size_t i = 0; i < page->count; i++) {
        if (is_absent(page->rows[i]))
            continue;
        if (!any) {
            set_style(page, DIM);
            fprintf(page->out, "%-*s  cache handle  %7s  %13s  %9s  %s%7s  check\n",
                    (int)page->label_width, "format", "median", "95 % interval", "x fastest",
                    shows_floor(page) ? "x floor  " : "",
                    shows_peak(workload) ? "peak"
                    : any_samples(page)  ? "samples"
                                         : "file");
            set_style(page, PLAIN);
        }
        any = true;
        if (i > 0 && !same_group(page->rows[i], page->rows[i - 1]))
            fputc('\n', page->out);
        if (fb_clock_order(page->rows[i]) == 1 && !whole)
            print_whole_heading(page);
        whole = fb_clock_order(page->rows[i]) == 1;
        if (fb_is_ok(page->rows[i]))
            print_time_row(page, page->rows[i]);
        if (fb_is_ok(page->rows[i]) && shows_samples(page->rows[i]))
            print_batches(page, page->rows[i]);
        if (!fb_is_ok(page->rows[i]))
            print_failed_row(page, page->rows[i]);
    }
    for (size_t i = 0; i < page->count; i++)
        if (is_absent(page->rows[i]))
            print_absent(page, i);
    fputc('\n', page->out);
}

/* Each reason once; a folder that cannot be evicted gives every cold row its own file's. */
#define REASONS_SHOWN 3

static void print_unproven(const struct page *page)
{
    const char *shown[REASONS_SHOWN];
    size_t count = 0;
    for (size_t i = 0; i < page->records->count && count < REASONS_SHOWN; i++) {
        const struct fb_record *record = &page->records->items[i];
        bool known = !fb_is_ok(record) || !fb_is_unproven(record) || !record->cache_reason[0];
        for (size_t k = 0; k < count; k++)
            known = known || strcmp(shown[k], record->cache_reason) == 0;
        if (!known)
            shown[count++] = record->cache_reason;
    }
    fputs("?: the cache state could not be proven\n", page->out);
    for (size_t k = 0; k < count; k++) {
        char plain[sizeof((struct fb_record *)0)->cache_reason];
        fputs("   ", page->out);
        print_wrapped(page, fb_plain_text(shown[k], plain, sizeof plain), 3, 3);
    }
}

static bool any_floor(const struct fb_records *records)
{
    for (size_t i = 0; i < records->count; i++)
        if (!isnan(records->items[i].times_floor))
            return true;
    return false;
}

/* Why rows have no more blocks; nothing where their number was fixed. */
static void print_stops(FILE *out, const struct fb_records *records)
{
    size_t ok = 0, precise = 0, late = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        if (!fb_is_ok(record) || strcmp(record->stop_reason, "hyperfine") == 0)
            continue;
        ok++;
        precise += strcmp(record->stop_reason, "precision") == 0;
        late += strcmp(record->stop_reason, "time-limit") == 0;
    }
    if (precise + late > 0)
        fprintf(out, "%zu of %zu rows are as precise as asked for (--precision)", precise, ok);
    if (late > 0)
        fprintf(out, "; for %zu the time ran out (--time-limit)", late);
    if (precise + late > 0)
        fputc('\n', out);
}

/* What a reader of the table must know about the conditions. */
static void print_conditions(FILE *out, const struct fb_records *records)
{
    uint64_t least = FB_NA, most = 0;
    bool cold = false;
    char a[32], b[32];
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        uint64_t cache = record->chunk_cache_bytes;
        cold |= strcmp(record->status, "ok") == 0 && strcmp(record->cache, "cold") == 0 &&
                strcmp(record->cache_state, "proven") == 0;
        if (cache != FB_NA && cache > 0) {
            least = cache < least ? cache : least;
            most = cache > most ? cache : most;
        }
    }
    if (cold)
        fputs("cold: out of this machine's page cache; a host or a disk below may still hold it\n",
              out);
    if (most > 0 && least == most)
        fprintf(out, "chunk cache in force: %s for each open array\n",
                fb_format_bytes(most, a, sizeof a));
    else if (most > 0)
        fprintf(out, "chunk cache in force: %s to %s for each open array\n",
                fb_format_bytes(least, a, sizeof a), fb_format_bytes(most, b, sizeof b));
}

void fb_table_print(FILE *out, const struct fb_records *records, bool colour, unsigned width)
{
    struct page page = { .out = out, .records = records, .colour = colour };
    char label[FB_LABEL_SIZE];
    page.width = width == 0 ? 100 : width < NARROWEST ? NARROWEST : width > WIDEST ? WIDEST : width;
    page.rows = calloc(records->count + 1, sizeof *page.rows);
    if (!page.rows) {
        fprintf(out, "(out of memory for the table)\n");
        return;
    }
    page.label_width = strlen("format");
    for (size_t i = 0; i < records->count; i++) {
        size_t length = strlen(fb_label(records, &records->items[i], label, sizeof label));
        if (strcmp(records->items[i].role, "reference") == 0)
            length += strlen(" (reference)");
        if (length > page.label_width)
            page.label_width = length;
    }
    if (page.label_width > page.width - other_columns(&page))
        page.label_width = page.width - other_columns(&page);
    for (size_t i = 0; i < records->count; i++)
        if (fb_is_first_of_workload(records, i))
            print_workload(&page, &records->items[i]);
    for (size_t i = 0, told = 0; i < records->count && !told; i++)
        if (shows_peak(&records->items[i]) && fb_is_ok(&records->items[i]) && ++told)
            fputs("peak: the most memory that a worker had resident, itself included\n", out);
    for (size_t i = 0, told = 0; i < records->count && !told; i++)
        if (shows_samples(&records->items[i]) && fb_is_ok(&records->items[i]) && ++told)
            fputs("samples: delivered in a second; waited: for batches; peak: of all processes\n",
                  out);
    if (page.unproven)
        print_unproven(&page);
    if (page.no_interval)
        fputs("-: fewer than 6 blocks give no 95 % interval\n", out);
    if (shows_floor(&page) && any_floor(records))
        fputs("x floor: over this machine's own time to read, and inflate, the same stored bytes\n",
              out);
    print_stops(out, records);
    print_conditions(out, records);
    free(page.rows);
}
