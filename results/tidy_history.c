/* The tidy tables of a history: its series, a panel each. */
#include "base/output.h"
#include "results/history.h"
#include "results/label.h"
#include "results/statistics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct chart {
    const struct fb_history_view *view;
    size_t first, count; /* of its series */
    const struct fb_history_record **runs;
    size_t run_count;
};

static int compare_runs(const void *a, const void *b)
{
    const struct fb_history_record *x = *(const struct fb_history_record *const *)a;
    const struct fb_history_record *y = *(const struct fb_history_record *const *)b;
    int order = strcmp(x->time, y->time);
    return order ? order : strcmp(x->run_id, y->run_id);
}

/* All runs of the chart, by time: a place each. */
static int collect_runs(struct chart *chart, struct fb_error *err)
{
    size_t all = 0, used = 0;
    for (size_t i = 0; i < chart->count; i++)
        all += chart->view->items[chart->first + i].count;
    chart->runs = calloc(all + 1, sizeof *chart->runs);
    if (!chart->runs)
        return fb_fail_memory(err, "the runs of a picture");
    for (size_t i = 0; i < chart->count; i++) {
        const struct fb_history_series *series = &chart->view->items[chart->first + i];
        for (size_t k = 0; k < series->count; k++)
            chart->runs[used++] = series->rows[k];
    }
    qsort(chart->runs, used, sizeof *chart->runs, compare_runs);
    for (size_t i = 0; i < used; i++)
        if (i == 0 || compare_runs(&chart->runs[i], &chart->runs[chart->run_count - 1]) != 0)
            chart->runs[chart->run_count++] = chart->runs[i];
    return 0;
}

static size_t place_of(const struct chart *chart, const struct fb_history_record *row)
{
    size_t low = 0, high = chart->run_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (compare_runs(&chart->runs[middle], &row) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The median of the rows from one change to the next. */
static double level_of(const struct fb_history_series *series, size_t from, size_t end)
{
    uint64_t values[FB_CHANGES_MOST];
    for (size_t i = from; i < end; i++)
        values[i - from] = series->rows[i]->median_ns;
    return (double)fb_median_of(values, end - from) / 1e6;
}

/* What a person called the run, or its commit. No commas or quotes, which the table has no room
 * for. */
static char *run_text(const struct fb_history_record *row, char *buf, size_t size)
{
    fb_plain_text(*row->label ? row->label : row->commit, buf, size);
    for (char *p = buf; *p; p++)
        if (strchr(",\"", *p))
            *p = ' ';
    return fb_tidy_ascii(buf);
}

static void put_ms(FILE *out, uint64_t ns)
{
    if (ns != FB_NA)
        fprintf(out, "%.9g", (double)ns / 1e6);
    fputc(',', out);
}

static void print_series(const struct chart *chart, size_t panel, FILE *out)
{
    const struct fb_history_series *series = &chart->view->items[chart->first + panel];
    size_t next = 0, from = 0;
    double level = 0;
    char label[FB_LABEL_SIZE], run[20];
    fb_label(&chart->view->cells, &chart->view->cells.items[chart->first + panel], label,
             sizeof label);
    fb_tidy_ascii(label);
    for (size_t i = 0; i < series->count; i++) {
        const struct fb_history_record *row = series->rows[i];
        const struct fb_change *change =
            next < series->changes.count && series->changes.items[next].at == i
                ? &series->changes.items[next++]
                : NULL;
        if (i == 0 || change) {
            size_t end =
                next < series->changes.count ? series->changes.items[next].at : series->count;
            from = i;
            level = level_of(series, from, end);
        }
        fprintf(out, "%zu,%zu,", panel, place_of(chart, row));
        put_ms(out, row->median_ns);
        put_ms(out, row->lower_ns);
        put_ms(out, row->upper_ns);
        fprintf(out, "%.9g,", level);
        if (change)
            fprintf(out, "x %.2f", change->ratio);
        fprintf(out, ",%s,%s\n", run_text(row, run, sizeof run), label);
    }
}

static int print_chart(void *context, FILE *out, struct fb_error *err)
{
    const struct chart *chart = context;
    (void)err;
    fputs("panel,place,median_ms,lower_ms,upper_ms,level_ms,change,run,label\n", out);
    for (size_t i = 0; i < chart->count; i++)
        print_series(chart, i, out);
    return 0;
}

/* Letters of a workload that stand in a file name. */
static void name_picture(const struct fb_history_record *row, size_t number, char *buf, size_t size)
{
    int used = snprintf(buf, size, "history-%zu-%.40s-%.8s-%.8s", number, row->workload, row->cache,
                        row->handle);
    for (int i = 0; i < used && (size_t)i < size - 1; i++)
        if (!isalnum((unsigned char)buf[i]) && buf[i] != '_')
            buf[i] = '-';
}

static int write_chart(struct chart *chart, const char *folder, struct fb_pictures *out,
                       struct fb_error *err)
{
    const struct fb_history_record *row = chart->view->items[chart->first].rows[0];
    struct fb_picture picture = { .script = "history.gp" };
    char *path = NULL;
    int rc = collect_runs(chart, err);
    if (rc)
        return rc;
    name_picture(row, out->count + 1, picture.name, sizeof picture.name);
    snprintf(picture.title, sizeof picture.title, "%.40s, %.8s, %.8s%s: time from run to run",
             row->workload, row->cache, row->handle,
             strcmp(row->clock, "process") == 0 ? ", whole process" : "");
    snprintf(picture.subtitle, sizeof picture.subtitle, "%.60s; machine %.20s (%.40s)",
             fb_history_dataset(row->dataset), row->machine, row->cpu);
    fb_tidy_ascii(picture.title);
    fb_tidy_ascii(picture.subtitle);
    if (asprintf(&path, "%s/%s.csv", folder, picture.name) < 0)
        return fb_fail_memory(err, "a file name");
    rc = fb_output_write(path, print_chart, chart, err);
    free(path);
    if (rc)
        return rc;
    struct fb_picture *items = reallocarray(out->items, out->count + 1, sizeof *items);
    if (!items)
        return fb_fail_memory(err, "the pictures");
    out->items = items;
    items[out->count++] = picture;
    return 0;
}

int fb_tidy_history(const struct fb_history_view *view, const char *folder, struct fb_pictures *out,
                    struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < view->count;) {
        struct chart chart = { .view = view, .first = i };
        while (i < view->count && chart.count < FB_HISTORY_PANELS &&
               fb_history_same_family(view->items[chart.first].rows[0], view->items[i].rows[0])) {
            chart.count++;
            i++;
        }
        rc = write_chart(&chart, folder, out, err);
        free(chart.runs);
    }
    return rc;
}
