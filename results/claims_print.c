/* The claims for people: on the terminal and as Markdown. */
#include "base/output.h"
#include "results/claims.h"
#include "results/label.h"

#include <math.h>
#include <string.h>

#define WIDEST 100
#define NARROWEST 80
#define SAYS_WIDTH 20
#define ID_WIDTH 13
#define VERDICT_WIDTH 14

static bool is_verdict(const struct fb_figure *figure)
{
    return strcmp(figure->row, "verdict") == 0;
}

/* The figure that a claim is shown by: its first. `verdict` is the index of the verdict's row. */
static const struct fb_figure *headline(const struct fb_figures *figures, size_t verdict)
{
    size_t first = verdict;
    while (first > 0 && !is_verdict(&figures->items[first - 1]))
        first--;
    return first < verdict ? &figures->items[first] : NULL;
}

static void put_headline(const struct fb_figures *figures, size_t verdict, char *buf, size_t size)
{
    const struct fb_figure *figure = headline(figures, verdict);
    char text[128];
    if (!figure || strcmp(figures->items[verdict].verdict, "not measured") == 0)
        snprintf(buf, size, "-");
    else
        snprintf(buf, size, "%s %s", fb_figure_text(figure, text, sizeof text), figure->figure);
}

/* --- terminal --------------------------------------------------------------------------------- */

static const char *colour_of(const char *verdict)
{
    return strcmp(verdict, "reproduced") == 0       ? "\033[32m"
           : strcmp(verdict, "not reproduced") == 0 ? "\033[31m"
           : strcmp(verdict, "depends") == 0        ? "\033[33m"
                                                    : "\033[2m";
}

/* Words in lines of at most `width`, the first one starting at column `at`, the others there too.
 */
static void print_wrapped(FILE *out, const char *text, size_t at, size_t width)
{
    size_t column = at;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column > at && column + 1 + length > width) {
            fprintf(out, "\n%*s", (int)at, "");
            column = at;
        }
        column += (size_t)fprintf(out, "%s%.*s", column > at ? " " : "", (int)length, text);
        text += length + (text[length] == ' ');
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const struct fb_figures *figures, size_t i, bool colour,
                      size_t width)
{
    const struct fb_figure *verdict = &figures->items[i];
    char measured[128], plain[128], says[128];
    put_headline(figures, i, measured, sizeof measured);
    size_t room = width - ID_WIDTH - SAYS_WIDTH - VERDICT_WIDTH - 6;
    fprintf(out, "%-*.*s  %-*s  %-*s  %s%s%s\n", ID_WIDTH, ID_WIDTH, verdict->claim, SAYS_WIDTH,
            fb_plain_text(verdict->figure, says, SAYS_WIDTH + 1), (int)room,
            fb_plain_text(measured, plain, room + 1), colour ? colour_of(verdict->verdict) : "",
            verdict->verdict, colour ? "\033[0m" : "");
}

void fb_claims_print(FILE *out, const struct fb_figures *figures, bool colour, unsigned width)
{
    width = width == 0 || width > WIDEST ? WIDEST : width < NARROWEST ? NARROWEST : width;
    fprintf(out, "%-*s  %-*s  %-*s  verdict\n", ID_WIDTH, "claim", SAYS_WIDTH, "the guide says",
            (int)width - ID_WIDTH - SAYS_WIDTH - VERDICT_WIDTH - 6, "measured (95 % interval)");
    for (size_t i = 0; i < figures->count; i++)
        if (is_verdict(&figures->items[i]))
            print_row(out, figures, i, colour, width);
    fputs("\nwhy\n", out);
    for (size_t i = 0; i < figures->count; i++) {
        char plain[sizeof figures->items->why];
        if (!is_verdict(&figures->items[i]))
            continue;
        fprintf(out, "%-*.*s  ", ID_WIDTH, ID_WIDTH, figures->items[i].claim);
        print_wrapped(out, fb_plain_text(figures->items[i].why, plain, sizeof plain), ID_WIDTH + 2,
                      width);
    }
}

/* --- Markdown --------------------------------------------------------------------------------- */

struct page {
    const struct fb_figures *figures;
    const char *dataset;
};

/* What would end a cell or start markup. */
static void put_cell(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (strchr("|*_`<\\", *p))
            fputc('\\', out);
        fputc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, out);
    }
}

static void print_summary(FILE *out, const struct fb_figures *figures)
{
    char measured[128];
    fputs("| claim | the guide says | measured | verdict | why |\n| --- | --- | --- | --- | --- "
          "|\n",
          out);
    for (size_t i = 0; i < figures->count; i++) {
        const struct fb_figure *verdict = &figures->items[i];
        if (!is_verdict(verdict))
            continue;
        put_headline(figures, i, measured, sizeof measured);
        fprintf(out, "| `%s` | ", verdict->claim);
        put_cell(out, verdict->figure);
        fputs(" | ", out);
        put_cell(out, measured);
        fprintf(out, " | **%s** | ", verdict->verdict);
        put_cell(out, verdict->why);
        fputs(" |\n", out);
    }
}

static void print_figures(FILE *out, const struct fb_figures *figures, size_t first, size_t end)
{
    char text[128], at[32];
    fputs("\n| figure | at | measured | role | holds |\n| --- | --- | --- | --- | --- |\n", out);
    for (size_t i = first; i < end; i++) {
        const struct fb_figure *figure = &figures->items[i];
        snprintf(at, sizeof at, isnan(figure->at) ? "" : "%.10g", figure->at);
        fputs("| ", out);
        put_cell(out, figure->figure);
        fprintf(out, " | %s | ", at);
        put_cell(out, figure->why[0] ? figure->why : fb_figure_text(figure, text, sizeof text));
        fprintf(out, " | %s | %s |\n", figure->role, figure->holds);
    }
}

static void print_claim(FILE *out, const struct fb_figures *figures, size_t first, size_t verdict)
{
    const struct fb_figure *row = &figures->items[verdict];
    const struct fb_claim *claim = fb_claim_find(row->claim);
    fprintf(out, "\n## `%s`: %s\n\n", row->claim, row->verdict);
    if (claim) {
        fputs("> ", out);
        put_cell(out, claim->words);
        fputs("\n\nMeasured: ", out);
        put_cell(out, claim->asked);
        fputs(".\n", out);
    }
    fputs("Rule: ", out);
    put_cell(out, row->rule);
    fputs(".\n", out);
    print_figures(out, figures, first, verdict);
}

static int print_page(void *context, FILE *out, struct fb_error *err)
{
    const struct page *page = context;
    (void)err;
    fputs("# Claims of the guide, measured\n\nDataset: ", out);
    put_cell(out, page->dataset);
    fputs("\n\nA figure with bounds holds (`yes`) when its whole 95 % interval lies within them, "
          "does not (`no`) when all of it lies outside, and is `unclear` between. A claim is *not "
          "measured* where a figure that it needs (`must`, `decides`) is missing; *not reproduced* "
          "where a `must` is `no`, or every `decides` is and no `softens` is otherwise; "
          "*reproduced* where every `must` and `decides` is `yes`; else it *depends*. All figures "
          "with their formulas stand in claims.csv.\n\n",
          out);
    print_summary(out, page->figures);
    for (size_t i = 0, first = 0; i < page->figures->count; i++) {
        if (!is_verdict(&page->figures->items[i]))
            continue;
        print_claim(out, page->figures, first, i);
        first = i + 1;
    }
    return 0;
}

int fb_claims_markdown(const struct fb_figures *figures, const char *dataset, const char *path,
                       struct fb_error *err)
{
    struct page page = { figures, dataset };
    return fb_output_write(path, print_page, &page, err);
}
