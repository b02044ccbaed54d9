/* What was tried, on the terminal. */
#include "base/terminal.h"
#include "results/label.h"
#include "results/tune.h"

#include <math.h>
#include <string.h>

#define WIDTH_MOST 100
#define WIDTH_LEAST 60
/* The columns behind the setting. */
#define NUMBERS 52

/* "2.3x", and "1/2.3" of what is slower; "1.0x" for the same. */
static void gain_text(double ratio, char *buf, size_t size)
{
    double gain = 1 / ratio;
    if (isnan(ratio))
        snprintf(buf, size, "n/a");
    else if (gain >= 100)
        snprintf(buf, size, "%.0fx", gain);
    else
        snprintf(buf, size, gain >= 9.95 ? "%.1fx" : "%.2fx", gain);
}

static void interval_text(const struct fb_tune_record *record, char *buf, size_t size)
{
    char from[16], to[16];
    if (isnan(record->read_lower) || isnan(record->read_upper)) {
        snprintf(buf, size, "-");
        return;
    }
    gain_text(record->read_upper, from, sizeof from);
    gain_text(record->read_lower, to, sizeof to);
    from[strlen(from) - 1] = '\0';
    snprintf(buf, size, "%s-%s", from, to);
}

static void print_row(FILE *out, const struct fb_tune_record *record, int label_width, bool colour)
{
    char label[400], plain[400], gain[16], interval[40], reckoned[16], size[16], cost[16];
    snprintf(label, sizeof label, "%s%s%s%s%s%s", record->setting, *record->names ? " (" : "",
             record->names, *record->names ? ")" : "", *record->plugin ? " +plugin" : "",
             strcmp(record->cache_state, "warm-unproven") == 0 ? " unproven" : "");
    fb_plain_text(label, plain, sizeof plain);
    gain_text(record->read_ratio, gain, sizeof gain);
    interval_text(record, interval, sizeof interval);
    gain_text(record->predicted_read_ratio, reckoned, sizeof reckoned);
    snprintf(size, sizeof size, isnan(record->size_ratio) ? "n/a" : "%.0f %%",
             100 * record->size_ratio);
    snprintf(cost, sizeof cost,
             isnan(record->cost)     ? "n/a"
             : record->cost < 0.0995 ? "%.2g"
                                     : "%.3f",
             record->cost);
    bool bold = colour && record->recommended;
    fprintf(out, "%s%s %-*.*s %7s %12s %9s %7s %7s  %s%s\n", bold ? "\x1b[1m" : "",
            record->recommended ? ">" : " ", label_width, label_width, plain, gain, interval,
            reckoned, size, cost, record->pareto ? "*" : "", bold ? "\x1b[0m" : "");
}

static void print_group(FILE *out, const struct fb_tune_records *records, uint64_t group,
                        bool colour, int label_width)
{
    static const char *const stages[] = { "present", "final" };
    fprintf(out, "  %-*s %7s %12s %9s %7s %7s\n", label_width, "setting", "faster", "95 %",
            "reckoned", "size", "cost");
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
        for (size_t i = 0; i < records->count; i++) {
            const struct fb_tune_record *record = &records->items[i];
            if (record->group == group && strcmp(record->stage, stages[s]) == 0)
                print_row(out, record, label_width, colour);
        }
    fputs("  * no row is both smaller and faster; over the present file\n", out);
}

void fb_tune_print(FILE *out, const struct fb_tune_records *records, bool colour, unsigned width)
{
    uint64_t group = 0;
    width = width == 0 || width > WIDTH_MOST ? WIDTH_MOST
            : width < WIDTH_LEAST            ? WIDTH_LEAST
                                             : width;
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_tune_record *record = &records->items[i];
        char plain[WIDTH_MOST + 1];
        if (record->group == group)
            continue;
        group = record->group;
        fprintf(out, "%s%s\n", group > 1 ? "\n" : "",
                fb_plain_text(record->arrays, plain, width + 1));
        print_group(out, records, group, colour, (int)width - NUMBERS);
    }
}
