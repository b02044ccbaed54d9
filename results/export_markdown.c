/* Markdown for a pull-request comment (GitHub Flavored Markdown): one screen, worst first. */
#include "base/number.h"
#include "results/export.h"
#include "results/label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MOST 25
#define NOTE_MOST 160

/* As code, in which nothing but the backtick ends it and, in a table, the pipe the cell. In front
 * of a pipe a backslash would undo what the pipe is escaped by. */
static void print_code(FILE *out, const char *text)
{
    fputs(*text ? "`" : "` ", out);
    for (; *text; text++)
        switch (*text) {
        case '`':
            fputc('\'', out);
            break;
        case '|':
            fputs("\\|", out);
            break;
        case '\\':
            fputc('/', out);
            break;
        default:
            fputc(*text, out);
        }
    fputc('`', out);
}

static void print_note(FILE *out, const char *text)
{
    char plain[NOTE_MOST + 1];
    if (*text)
        print_code(out, fb_plain_text(text, plain, sizeof plain));
}

static const char *time_text(uint64_t ns, char *buf, size_t size)
{
    if (ns == FB_NA)
        return "n/a";
    return fb_format_ns(ns, buf, size);
}

/* --- a gate ----------------------------------------------------------------------------------- */

static void print_gate_row(FILE *out, const struct fb_gate_record *record)
{
    char a[32], b[32], change[32], interval[48];
    enum fb_gate_verdict verdict = fb_gate_verdict_of(record);
    bool bold = verdict == FB_ROW_REGRESSED || verdict == FB_ROW_NO_DATA;
    bool reason = verdict == FB_ROW_NO_DATA || verdict == FB_ROW_INCONCLUSIVE;
    fputs("| ", out);
    print_code(out, record->cell);
    fprintf(out, " | %s | %s | %s | %s | %s%s%s | ", time_text(record->a_median_ns, a, sizeof a),
            time_text(record->b_median_ns, b, sizeof b),
            fb_gate_change(record->change, change, sizeof change),
            fb_gate_interval_text(record, interval, sizeof interval), bold ? "**" : "",
            fb_gate_verdict_names[verdict], bold ? "**" : "");
    print_note(out, reason && *record->reason ? record->reason : record->counters);
    fputs(" |\n", out);
}

/* "and 12 more: 2 improved, 10 equivalent". */
static void print_gate_rest(FILE *out, const struct fb_gate_record **rows, size_t from, size_t to)
{
    const char *between = ": ";
    if (from == to)
        return;
    fprintf(out, "\nand %zu more", to - from);
    for (int verdict = 0; verdict < FB_ROW_VERDICTS; verdict++) {
        size_t count = 0;
        for (size_t i = from; i < to; i++)
            count += (int)fb_gate_verdict_of(rows[i]) == verdict;
        if (count > 0)
            fprintf(out, "%s%zu %s", between, count, fb_gate_verdict_names[verdict]);
        between = count > 0 ? ", " : between;
    }
    fputc('\n', out);
}

static int print_gate(const struct fb_export *export, FILE *out, struct fb_error *err)
{
    const struct fb_gate_records *cells = &export->cells;
    const struct fb_gate_record **rows = calloc(cells->count + 1, sizeof *rows);
    char text[256];
    size_t count = 0;
    if (!rows)
        return fb_fail_memory(err, "the rows");
    fb_gate_sort(cells, rows);
    while (count < cells->count && !fb_gate_is_control(rows[count]))
        count++;
    fprintf(out, "### fmtbench gate: %s\n\n", fb_gate_sentence(cells, text, sizeof text));
    fputs("| cell | A | B | change | 95 % | verdict | why |\n"
          "| --- | ---: | ---: | ---: | ---: | --- | --- |\n",
          out);
    for (size_t i = 0; i < count && i < ROWS_MOST; i++)
        print_gate_row(out, rows[i]);
    print_gate_rest(out, rows, count < ROWS_MOST ? count : ROWS_MOST, count);
    if (count < cells->count)
        fprintf(out, "\nControl, A against itself: %s\n",
                fb_gate_control_differs(cells) ? "**it changed too, trust no row**" : "no alarm");
    free(rows);
    return 0;
}

/* --- a run ------------------------------------------------------------------------------------ */

static bool is_absent(const struct fb_record *record)
{
    return strcmp(record->status, "not-applicable") == 0 || strcmp(record->status, "not-run") == 0;
}

/* Failed, slowest, ..., fastest, not compared, not measured. */
static int rank_of(const struct fb_record *record)
{
    return is_absent(record) ? 3 : !fb_is_ok(record) ? 0 : isnan(record->times_fastest) ? 2 : 1;
}

static int compare_records(const void *a, const void *b)
{
    const struct fb_record *x = *(const struct fb_record *const *)a;
    const struct fb_record *y = *(const struct fb_record *const *)b;
    if (rank_of(x) != rank_of(y))
        return rank_of(x) - rank_of(y);
    if (rank_of(x) == 1 && x->times_fastest != y->times_fastest)
        return x->times_fastest > y->times_fastest ? -1 : 1;
    return x < y ? -1 : x > y; /* rows of one array */
}

static void print_record(FILE *out, const struct fb_export *export, const struct fb_record *record)
{
    char label[FB_LABEL_SIZE], lower[32], upper[32], median[32];
    fputs("| ", out);
    print_code(out, fb_label(&export->records, record, label, sizeof label));
    fputs(" | ", out);
    print_code(out, record->workload);
    fputs(" | ", out);
    print_note(out, record->workload_options);
    fputs(" | ", out);
    print_code(out, record->cache);
    fputs(fb_is_unproven(record) ? "? | " : " | ", out);
    print_code(out, record->handle);
    if (!fb_is_ok(record)) {
        fputs(" | | | | ", out);
        fputs(is_absent(record) ? "" : "**", out);
        print_code(out, *record->status ? record->status : "n/a");
        fputs(is_absent(record) ? " " : "** ", out);
        print_note(out, record->reason);
        fputs(" |\n", out);
        return;
    }
    fprintf(out, " | %s | ", time_text(record->median_ns, median, sizeof median));
    if (record->lower_ns == FB_NA || record->upper_ns == FB_NA)
        fputs("- | ", out);
    else
        fprintf(out, "%s to %s | ", time_text(record->lower_ns, lower, sizeof lower),
                time_text(record->upper_ns, upper, sizeof upper));
    if (isnan(record->times_fastest))
        fputs("- | ", out);
    else
        fprintf(out, "%.*fx | ", record->times_fastest < 9.995 ? 2 : 0, record->times_fastest);
    print_code(out, record->verification);
    fputs(" |\n", out);
}

static int print_run(const struct fb_export *export, FILE *out, struct fb_error *err)
{
    size_t count = export->records.count, failed = 0, absent = 0;
    const struct fb_record **rows = calloc(count + 1, sizeof *rows);
    if (!rows)
        return fb_fail_memory(err, "the rows");
    for (size_t i = 0; i < count; i++) {
        rows[i] = &export->records.items[i];
        absent += is_absent(rows[i]);
        failed += !is_absent(rows[i]) && !fb_is_ok(rows[i]);
    }
    qsort(rows, count, sizeof *rows, compare_records);
    fprintf(out, "### fmtbench run: %zu cells, %zu measured, %zu failed\n\n", count,
            count - absent - failed, failed);
    fputs("| format | workload | options | cache | handle | median | 95 % | x fastest | check |\n"
          "| --- | --- | --- | --- | --- | ---: | ---: | ---: | --- |\n",
          out);
    for (size_t i = 0; i < count && i < ROWS_MOST; i++)
        print_record(out, export, rows[i]);
    if (count > ROWS_MOST) {
        size_t more_failed = failed > ROWS_MOST ? failed - ROWS_MOST : 0;
        size_t more = count - ROWS_MOST;
        size_t more_absent = absent < more ? absent : more;
        fprintf(out, "\nand %zu more: %zu failed, %zu measured, %zu not measured\n", more,
                more_failed, more - more_failed - more_absent, more_absent);
    }
    free(rows);
    return 0;
}

int fb_export_print_markdown(const struct fb_export *export, FILE *out, struct fb_error *err)
{
    return export->gate ? print_gate(export, out, err) : print_run(export, out, err);
}
