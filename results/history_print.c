/* The changes of a history, on the terminal. */
#include "results/history.h"
#include "results/label.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH_MOST 100
#define WIDTH_LEAST 60
#define BAD "\x1b[31m"
#define GOOD "\x1b[32m"
#define PLAIN "\x1b[0m"

/* A line of what may hold any text, cut to the width. */
static void print_line(FILE *out, const char *text, unsigned width)
{
    char plain[WIDTH_MOST + 1];
    fprintf(out, "%s\n", fb_plain_text(text, plain, width + 1));
}

static void print_machine(FILE *out, const struct fb_history_view *view, size_t first,
                          unsigned width)
{
    const struct fb_history_record *row = view->items[first].rows[0];
    size_t series = 0, judged = 0, runs = 0;
    char text[512];
    for (size_t i = first; i < view->count; i++) {
        if (strcmp(view->items[i].rows[0]->machine, row->machine) != 0)
            break;
        series++;
        judged += view->items[i].judged;
        runs = view->items[i].count > runs ? view->items[i].count : runs;
    }
    snprintf(text, sizeof text, "machine %s (%s, %llu cores): up to %zu run%s of %zu cell%s",
             row->machine, row->cpu, row->cores == FB_NA ? 0 : (unsigned long long)row->cores, runs,
             runs == 1 ? "" : "s", series, series == 1 ? "" : "s");
    print_line(out, text, width);
    if (judged < series)
        fprintf(out, "  %zu of these with fewer than %d runs, too few for a change\n",
                series - judged, 2 * FB_CHANGES_SEGMENT);
}

static void print_change(FILE *out, const struct fb_history_view *view,
                         const struct fb_history_change *found, bool colour, unsigned width)
{
    const struct fb_history_record *row = found->series->rows[found->change->at];
    const struct fb_change *change = found->change;
    char label[FB_LABEL_SIZE], text[4096];
    bool slower = change->ratio > 1;
    fb_label(&view->cells, &view->cells.items[found->series - view->items], label, sizeof label);
    fprintf(out, "%s%s %5.2fx the time%s (95 %%: %.2f-%.2f)  ", colour ? slower ? BAD : GOOD : "",
            slower ? "slower" : "faster", change->ratio, colour ? PLAIN : "", change->lower,
            change->upper);
    snprintf(text, sizeof text, "%s, %s, %s, %s", label, row->workload, row->cache, row->handle);
    print_line(out, text, width - 40);
    snprintf(text, sizeof text, "    since run %s of %.10s, commit %s%s%s", row->run_id, row->time,
             row->commit, *row->label ? ", " : "", row->label);
    print_line(out, text, width);
    snprintf(text, sizeof text, "    %s, %s (%s)", row->machine, fb_history_dataset(row->dataset),
             row->workload_options);
    print_line(out, text, width);
}

int fb_history_print(FILE *out, const struct fb_history_view *view, bool colour, unsigned width,
                     struct fb_error *err)
{
    struct fb_history_change *changes;
    size_t count;
    width = width == 0 || width > WIDTH_MOST ? WIDTH_MOST
            : width < WIDTH_LEAST            ? WIDTH_LEAST
                                             : width;
    int rc = fb_history_rank(view, &changes, &count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < view->count; i++)
        if (i == 0 ||
            strcmp(view->items[i].rows[0]->machine, view->items[i - 1].rows[0]->machine) != 0)
            print_machine(out, view, i, width);
    if (view->judged > 0)
        fprintf(out, "\n%zu change%s%s\n", count, count == 1 ? "" : "s",
                count > 1 ? ", the worst first" : "");
    for (size_t i = 0; i < count; i++)
        print_change(out, view, &changes[i], colour, width);
    free(changes);
    return 0;
}
