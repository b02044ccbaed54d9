#include "results/tidy.h"
#include "base/number.h"
#include "results/label.h"

#include <stdlib.h>
#include <string.h>

#define FULL_LOAD "full-load"
#define SLICING "slicing"

/* Millionths as a plain number: exact, and without an exponent, which gnuplot's real() refuses. */
static void put_millionths(FILE *out, uint64_t value)
{
    char digits[8];
    fprintf(out, "%llu", (unsigned long long)(value / 1000000));
    size_t length = (size_t)snprintf(digits, sizeof digits, "%06u", (unsigned)(value % 1000000));
    while (length > 0 && digits[length - 1] == '0')
        digits[--length] = '\0';
    if (length)
        fprintf(out, ".%s", digits);
}

/* "12.5", or nothing where n/a, with a comma before it. */
static void put_scaled(FILE *out, uint64_t value)
{
    fputc(',', out);
    if (value != FB_NA)
        put_millionths(out, value);
}

static void put_times(FILE *out, const struct fb_record *record)
{
    /* A logarithmic axis has no zero. */
    put_scaled(out, record ? record->median_ns + (record->median_ns == 0) : FB_NA);
    put_scaled(out, record ? record->lower_ns : FB_NA);
    put_scaled(out, record ? record->upper_ns : FB_NA);
}

char *fb_tidy_ascii(char *text)
{
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f || strncmp(p, "]]>", 3) == 0)
            *p = '?';
    return text;
}

/* What was measured: the dataset by its end (of a path the end says more) and its size. */
void fb_tidy_dataset(const struct fb_record *record, const char *more, char *buf, size_t size)
{
    char bytes[32];
    size_t length = strlen(record->dataset), shown = 60;
    const char *name = record->dataset + (length > shown ? length - shown : 0);
    snprintf(buf, size, "%s%s%s%s%s%s", length > shown ? "..." : "", name,
             record->dataset_bytes == FB_NA ? "" : ", ",
             record->dataset_bytes == FB_NA
                 ? ""
                 : fb_format_bytes(record->dataset_bytes, bytes, sizeof bytes),
             record->dataset_bytes == FB_NA ? "" : " of arrays", more);
    fb_tidy_ascii(buf);
}

void fb_tidy_blocks(uint64_t blocks, char *buf, size_t size)
{
    if (blocks >= 6 && blocks != FB_NA)
        snprintf(buf, size, "; median and 95 %% interval of %llu blocks",
                 (unsigned long long)blocks);
    else
        snprintf(buf, size, "; medians, too few blocks for an interval");
}

bool fb_tidy_is_warm(const struct fb_record *record)
{
    return fb_is_contender(record) && record->median_ns > 0 && fb_clock_order(record) == 0 &&
           fb_cache_order(record) == 0 && strcmp(record->verification, "not verified") != 0;
}

static bool is_drawn(const struct fb_record *record, const struct fb_record *workload)
{
    return fb_same_workload(record, workload) && fb_clock_order(record) == 0 &&
           fb_handle_order(record) < 3 && fb_cache_order(record) < 2 &&
           strcmp(record->status, "not-applicable") != 0 && strcmp(record->status, "not-run") != 0;
}

/* The row's format and options are the same as those of an earlier row: one line of bars. */
static bool same_contestant(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->format, b->format) == 0 && strcmp(a->options, b->options) == 0;
}

/* The number of the row's contestant among those of its handle, in the order of `rows`, which is
 * that of their best time in the first panel. */
static size_t find_place(const struct fb_record *const *rows, size_t count,
                         const struct fb_record *record)
{
    size_t place = 0;
    for (size_t i = 0; i < count; i++) {
        bool present = false, earlier = false;
        for (size_t j = 0; j < count && !present; j++)
            present =
                same_contestant(rows[i], rows[j]) && strcmp(rows[j]->handle, record->handle) == 0;
        for (size_t j = 0; j < i && !earlier; j++)
            earlier = same_contestant(rows[i], rows[j]);
        if (same_contestant(rows[i], record))
            return place;
        place += present && !earlier;
    }
    return place;
}

/* Handles that come before this one among the rows. */
static size_t find_panel(const struct fb_record *const *rows, size_t count,
                         const struct fb_record *record)
{
    bool seen[4] = { false };
    size_t panel = 0;
    for (size_t i = 0; i < count; i++)
        seen[fb_handle_order(rows[i])] = true;
    for (int handle = 0; handle < fb_handle_order(record); handle++)
        panel += seen[handle];
    return panel;
}

static void title_workload(const struct fb_record *record, uint64_t blocks,
                           struct fb_picture *picture)
{
    char bytes[32], more[80];
    picture->script = "workload.gp";
    if (record->requests == FB_NA || record->request_bytes == FB_NA)
        snprintf(picture->title, sizeof picture->title, "%s", record->workload);
    else
        snprintf(picture->title, sizeof picture->title, "%s: %llu request%s, %s", record->workload,
                 (unsigned long long)record->requests, record->requests == 1 ? "" : "s",
                 fb_format_bytes(record->request_bytes, bytes, sizeof bytes));
    fb_tidy_ascii(picture->title);
    fb_tidy_blocks(blocks, more, sizeof more);
    fb_tidy_dataset(record, more, picture->subtitle, sizeof picture->subtitle);
}

int fb_tidy_workload(const struct fb_records *records, const struct fb_record *workload, FILE *out,
                     struct fb_picture *picture, bool *made, struct fb_error *err)
{
    char label[FB_LABEL_SIZE], text[40];
    const struct fb_record *titled = workload;
    uint64_t blocks = FB_NA;
    size_t count = 0;
    const struct fb_record **rows = calloc(records->count + 1, sizeof *rows);
    if (!rows)
        return fb_fail_memory(err, "a table for a picture");
    for (size_t i = 0; i < records->count; i++)
        if (is_drawn(&records->items[i], workload))
            rows[count++] = &records->items[i];
    qsort(rows, count, sizeof *rows, fb_compare_rows);
    *made = false;
    fputs("label,role,cache,handle,panel,place,median_ms,lower_ms,upper_ms,text\n", out);
    for (size_t i = 0; i < count; i++) {
        bool ok = fb_is_ok(rows[i]);
        titled = ok && !*made ? rows[i] : titled;
        *made = *made || ok;
        blocks = ok && rows[i]->blocks < blocks ? rows[i]->blocks : blocks;
        fprintf(out, "%s,%s,%s,%s,%zu,%zu",
                fb_tidy_ascii(fb_label(records, rows[i], label, sizeof label)),
                strcmp(rows[i]->role, "reference") == 0 ? "reference" : "contender", rows[i]->cache,
                rows[i]->handle, find_panel(rows, count, rows[i]),
                find_place(rows, count, rows[i]));
        put_times(out, ok ? rows[i] : NULL);
        fprintf(out, ",%s%s%s\n",
                ok ? fb_format_ns(rows[i]->median_ns, text, sizeof text)
                : strcmp(rows[i]->status, "wrong-data") == 0 ? "wrong data"
                                                             : "failed",
                ok && strcmp(rows[i]->verification, "not verified") == 0 ? " (unverified)" : "",
                ok && fb_is_unproven(rows[i]) ? " (cache state unproven)" : "");
    }
    title_workload(titled, blocks, picture);
    free(rows);
    return 0;
}

/* The row of a workload, warm and `once`, that is fit for a comparison of sizes. */
static bool is_warm_once(const struct fb_record *record, const char *workload)
{
    return fb_is_ok(record) && strcmp(record->verification, "not verified") != 0 &&
           !fb_is_unproven(record) && strcmp(record->workload, workload) == 0 &&
           fb_clock_order(record) == 0 && fb_cache_order(record) == 0 &&
           fb_handle_order(record) == 0;
}

int fb_tidy_size_time(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                      bool *made, struct fb_error *err)
{
    char label[FB_LABEL_SIZE], more[80];
    uint64_t blocks = FB_NA;
    size_t count = 0;
    const struct fb_record **rows = calloc(records->count + 1, sizeof *rows);
    if (!rows)
        return fb_fail_memory(err, "a table for a picture");
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        if (is_warm_once(record, FULL_LOAD) && record->file_bytes != FB_NA &&
            record->file_bytes > 0 && (count == 0 || fb_same_workload(record, rows[0])))
            rows[count++] = record;
    }
    qsort(rows, count, sizeof *rows, fb_compare_rows);
    fputs("file_MB,median_ms,lower_ms,upper_ms,role,label\n", out);
    for (size_t i = 0; i < count; i++) {
        blocks = rows[i]->blocks < blocks ? rows[i]->blocks : blocks;
        put_millionths(out, rows[i]->file_bytes);
        put_times(out, rows[i]);
        fprintf(out, ",%s,%s\n",
                strcmp(rows[i]->role, "reference") == 0 ? "reference" : "contender",
                fb_tidy_ascii(fb_label(records, rows[i], label, sizeof label)));
    }
    *made = count >= 2;
    if (*made) {
        picture->script = "size-time.gp";
        snprintf(picture->title, sizeof picture->title,
                 "File size against full-load time (warm, once)");
        fb_tidy_blocks(blocks, more, sizeof more);
        fb_tidy_dataset(rows[0], more, picture->subtitle, sizeof picture->subtitle);
    }
    free(rows);
    return 0;
}

static bool same_series(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->format, b->format) == 0 &&
           fb_same_options_but(a->options, b->options, "level");
}

static uint64_t level_of(const struct fb_record *record)
{
    return fb_option_u64(record->options, "level");
}

static int compare_levels(const void *a, const void *b)
{
    uint64_t x = level_of(*(const struct fb_record *const *)a);
    uint64_t y = level_of(*(const struct fb_record *const *)b);
    return (x > y) - (x < y);
}

/* Full loads that differ from `first` only in level, first among them, by rising level. */
static size_t collect_series(const struct fb_records *records, const struct fb_record *first,
                             const struct fb_record **rows)
{
    size_t count = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        if (is_warm_once(record, FULL_LOAD) && fb_same_workload(record, first) &&
            level_of(record) != FB_NA && record->file_bytes != FB_NA && record->file_bytes > 0 &&
            same_series(record, first))
            rows[count++] = record;
    }
    qsort(rows, count, sizeof *rows, compare_levels);
    return count;
}

static const struct fb_record *find_slicing(const struct fb_records *records,
                                            const struct fb_record *full_load)
{
    for (size_t i = 0; i < records->count; i++)
        if (is_warm_once(&records->items[i], SLICING) &&
            same_contestant(&records->items[i], full_load))
            return &records->items[i];
    return NULL;
}

int fb_tidy_gzip(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                 bool *made, struct fb_error *err)
{
    char more[80];
    uint64_t blocks = FB_NA;
    size_t count = 0;
    const struct fb_record **rows = calloc(records->count + 1, sizeof *rows);
    if (!rows)
        return fb_fail_memory(err, "a table for a picture");
    for (size_t i = 0; i < records->count && count < 2; i++)
        count = collect_series(records, &records->items[i], rows);
    fputs("size_MB,ratio,full_load_median_ms,full_load_lower_ms,full_load_upper_ms,"
          "slicing_median_ms,slicing_lower_ms,slicing_upper_ms,level\n",
          out);
    for (size_t i = 0; i < count; i++) {
        blocks = rows[i]->blocks < blocks ? rows[i]->blocks : blocks;
        put_millionths(out, rows[i]->file_bytes);
        fputc(',', out);
        if (rows[i]->dataset_bytes != FB_NA)
            fprintf(out, "%.6g", (double)rows[i]->dataset_bytes / (double)rows[i]->file_bytes);
        put_times(out, rows[i]);
        put_times(out, find_slicing(records, rows[i]));
        fprintf(out, ",%llu\n", (unsigned long long)level_of(rows[i]));
    }
    *made = count >= 2 && level_of(rows[0]) != level_of(rows[count - 1]);
    if (*made) {
        picture->script = "gzip.gp";
        snprintf(picture->title, sizeof picture->title,
                 "%s: gzip level against size and time (warm, once)", rows[0]->format);
        fb_tidy_ascii(picture->title);
        fb_tidy_blocks(blocks, more, sizeof more);
        fb_tidy_dataset(rows[0], more, picture->subtitle, sizeof picture->subtitle);
    }
    free(rows);
    return 0;
}
