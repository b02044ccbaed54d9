/* Rows into series, and the changes in these. */
#include "results/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *fb_history_dataset(const char *dataset)
{
    size_t end = strlen(dataset);
    while (end > 0 && dataset[end - 1] == '/')
        end--;
    size_t at = end;
    while (at > 0 && dataset[at - 1] != '/')
        at--;
    return dataset + at;
}

static int compare_families(const struct fb_history_record *a, const struct fb_history_record *b)
{
    int order = strcmp(a->machine, b->machine);
    order = order ? order : strcmp(fb_history_dataset(a->dataset), fb_history_dataset(b->dataset));
    order = order ? order : strcmp(a->workload, b->workload);
    order = order ? order : strcmp(a->workload_options, b->workload_options);
    order = order ? order : strcmp(b->cache, a->cache); /* warm first */
    order = order ? order : strcmp(b->handle, a->handle);
    return order ? order : strcmp(a->clock, b->clock);
}

static int compare_series(const struct fb_history_record *a, const struct fb_history_record *b)
{
    int order = compare_families(a, b);
    order = order ? order : strcmp(a->format, b->format);
    order = order ? order : strcmp(a->options, b->options);
    order = order ? order : strcmp(a->cache_state, b->cache_state);
    order = order ? order
                  : (a->dataset_bytes > b->dataset_bytes) - (a->dataset_bytes < b->dataset_bytes);
    return order ? order : strcmp(a->cell_id, b->cell_id);
}

/* Runs of the same second in the order in which they were added. */
static int compare_rows(const void *a, const void *b)
{
    const struct fb_history_record *x = *(const struct fb_history_record *const *)a;
    const struct fb_history_record *y = *(const struct fb_history_record *const *)b;
    int order = compare_series(x, y);
    order = order ? order : strcmp(x->time, y->time);
    return order ? order : (x > y) - (x < y);
}

bool fb_history_same_family(const struct fb_history_record *a, const struct fb_history_record *b)
{
    return compare_families(a, b) == 0;
}

/* Sorted, each run once: two branches that git merged may both have brought it. */
static int collect(const struct fb_history *history, struct fb_history_view *view,
                   struct fb_error *err)
{
    size_t count = 0;
    view->rows = calloc(history->count + 1, sizeof *view->rows);
    view->items = calloc(history->count + 1, sizeof *view->items);
    if (!view->rows || !view->items)
        return fb_fail_memory(err, "the series");
    for (size_t i = 0; i < history->count; i++)
        view->rows[i] = &history->items[i];
    qsort(view->rows, history->count, sizeof *view->rows, compare_rows);
    for (size_t i = 0; i < history->count; i++) {
        const struct fb_history_record *row = view->rows[i];
        bool same = count > 0 && compare_series(view->rows[count - 1], row) == 0;
        if (same && strcmp(view->rows[count - 1]->run_id, row->run_id) == 0)
            continue;
        view->rows[count] = row;
        if (!same)
            view->items[view->count++].rows = &view->rows[count];
        view->items[view->count - 1].count++;
        count++;
    }
    return 0;
}

static int label_series(struct fb_history_view *view, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < view->count; i++) {
        const struct fb_history_record *row = view->items[i].rows[0];
        struct fb_record cell;
        fb_record_init(&cell);
        memcpy(cell.format, row->format, sizeof cell.format);
        memcpy(cell.options, row->options, sizeof cell.options);
        rc = fb_records_add(&view->cells, &cell, err);
    }
    return rc;
}

static int find_changes(struct fb_history_series *series, double level, struct fb_error *err)
{
    double *values = calloc(series->count, sizeof *values);
    if (!values)
        return fb_fail_memory(err, "a series");
    for (size_t i = 0; i < series->count; i++)
        values[i] = (double)series->rows[i]->median_ns;
    int rc = fb_changes_find(values, series->count, level, &series->changes, err);
    free(values);
    return rc;
}

int fb_history_look(const struct fb_history *history, struct fb_history_view *out,
                    struct fb_error *err)
{
    *out = (struct fb_history_view){ 0 };
    int rc = collect(history, out, err);
    if (rc == 0)
        rc = label_series(out, err);
    for (size_t i = 0; rc == 0 && i < out->count; i++) {
        struct fb_history_series *series = &out->items[i];
        if (series->count > FB_CHANGES_MOST) {
            series->rows += series->count - FB_CHANGES_MOST;
            series->count = FB_CHANGES_MOST;
        }
        series->judged = series->count >= 2 * FB_CHANGES_SEGMENT;
        out->judged += series->judged;
    }
    for (size_t i = 0; rc == 0 && i < out->count; i++)
        if (out->items[i].judged)
            rc = find_changes(&out->items[i], FB_HISTORY_LEVEL / (double)out->judged, err);
    if (rc)
        fb_history_view_free(out);
    return rc;
}

void fb_history_view_free(struct fb_history_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        free(view->items[i].changes.items);
    free(view->items);
    free(view->rows);
    free(view->cells.items);
    *view = (struct fb_history_view){ 0 };
}

/* --- ranking ---------------------------------------------------------------------------------- */

static int compare_changes(const void *a, const void *b)
{
    const struct fb_history_change *x = a, *y = b;
    int order = (x->change->ratio < y->change->ratio) - (x->change->ratio > y->change->ratio);
    order = order ? order : (x->series > y->series) - (x->series < y->series);
    return order ? order : (x->change->at > y->change->at) - (x->change->at < y->change->at);
}

int fb_history_rank(const struct fb_history_view *view, struct fb_history_change **out,
                    size_t *count, struct fb_error *err)
{
    size_t all = 0, used = 0;
    *out = NULL;
    *count = 0;
    for (size_t i = 0; i < view->count; i++)
        all += view->items[i].changes.count;
    if (all == 0)
        return 0;
    struct fb_history_change *changes = calloc(all, sizeof *changes);
    if (!changes)
        return fb_fail_memory(err, "the changes");
    for (size_t i = 0; i < view->count; i++)
        for (size_t c = 0; c < view->items[i].changes.count; c++)
            changes[used++] =
                (struct fb_history_change){ &view->items[i], &view->items[i].changes.items[c] };
    qsort(changes, used, sizeof *changes, compare_changes);
    *out = changes;
    *count = used;
    return 0;
}
