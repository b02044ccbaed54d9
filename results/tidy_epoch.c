#include "results/label.h"
#include "results/tidy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t workers_of(const struct fb_record *record)
{
    return fb_option_u64(record->workload_options, "workers");
}

static bool is_drawn(const struct fb_record *record)
{
    return fb_tidy_is_warm(record) && !isnan(record->samples_per_s) && workers_of(record) != FB_NA;
}

static bool same_epoch(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->workload, b->workload) == 0 &&
           fb_same_options_but(a->workload_options, b->workload_options, "workers");
}

static int compare_series(const struct fb_record *a, const struct fb_record *b)
{
    int order = fb_handle_order(a) - fb_handle_order(b);
    order = order ? order : strcmp(a->format, b->format);
    return order ? order : strcmp(a->options, b->options);
}

static int compare_points(const void *a, const void *b)
{
    const struct fb_record *x = *(const struct fb_record *const *)a;
    const struct fb_record *y = *(const struct fb_record *const *)b;
    int order = compare_series(x, y);
    uint64_t p = workers_of(x), q = workers_of(y);
    return order ? order : (p > q) - (p < q);
}

/* Rows of the first epoch that was measured with several numbers of workers. */
static size_t collect(const struct fb_records *records, const struct fb_record **rows)
{
    for (size_t first = 0; first < records->count; first++) {
        bool several = false;
        size_t count = 0;
        for (size_t i = 0; is_drawn(&records->items[first]) && i < records->count; i++) {
            const struct fb_record *record = &records->items[i];
            if (!is_drawn(record) || !same_epoch(&records->items[first], record))
                continue;
            rows[count++] = record;
            several = several || workers_of(record) != workers_of(rows[0]);
        }
        if (several)
            return count;
    }
    return 0;
}

static void put_rate(FILE *out, const struct fb_record *record, uint64_t ns)
{
    fputc(',', out);
    if (ns != FB_NA && ns > 0)
        fprintf(out, "%.3f", (double)record->requests / (double)ns * 1e9);
}

static void put_point(FILE *out, const struct fb_records *records, const struct fb_record *record,
                      unsigned series)
{
    char label[FB_LABEL_SIZE];
    fprintf(out, "%llu", (unsigned long long)workers_of(record));
    put_rate(out, record, record->median_ns);
    put_rate(out, record, record->upper_ns);
    put_rate(out, record, record->lower_ns);
    fb_tidy_ascii(fb_label(records, record, label, sizeof label));
    fprintf(out, ",%u,%s %s\n", series, label, record->handle);
}

int fb_tidy_epoch(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                  bool *made, struct fb_error *err)
{
    char more[80];
    uint64_t blocks = FB_NA;
    unsigned series = 0;
    const struct fb_record **rows = calloc(records->count + 1, sizeof *rows);
    if (!rows)
        return fb_fail_memory(err, "a table for a picture");
    size_t count = collect(records, rows);
    qsort(rows, count, sizeof *rows, compare_points);
    fputs("workers,samples_per_s,lower,upper,series,label\n", out);
    for (size_t i = 0; i < count; i++) {
        series += i > 0 && compare_series(rows[i], rows[i - 1]) != 0;
        blocks = rows[i]->blocks < blocks ? rows[i]->blocks : blocks;
        put_point(out, records, rows[i], series);
    }
    *made = count > 0;
    if (*made) {
        picture->script = "scaling.gp";
        snprintf(picture->title, sizeof picture->title,
                 "%s: samples a second over worker processes (warm)", rows[0]->workload);
        fb_tidy_ascii(picture->title);
        fb_tidy_blocks(blocks, more, sizeof more);
        fb_tidy_dataset(rows[0], more, picture->subtitle, sizeof picture->subtitle);
    }
    free(rows);
    return 0;
}
