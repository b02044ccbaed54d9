#include "base/number.h"
#include "results/label.h"
#include "results/table.h"

#include <string.h>

/* The format that stands in for what people do today: others are told in relation to it. */
#define BASELINE "raw"

/* What one sentence is made of; NULL where there is none. */
struct field {
    const struct fb_record *fastest, *next, *slowest, *baseline;
};

static bool counts(const struct fb_record *record)
{
    return fb_is_contender(record) && fb_clock_order(record) == 0 && fb_cache_order(record) == 0 &&
           fb_handle_order(record) == 0 &&
           (strcmp(record->verification, "verified") == 0 ||
            strcmp(record->verification, "repeatable") == 0);
}

static bool faster(const struct fb_record *a, const struct fb_record *b)
{
    return !b || a->median_ns < b->median_ns;
}

static struct field find_field(const struct fb_records *records, const struct fb_record *workload)
{
    struct field field = { 0 };
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        if (!counts(record) || !fb_same_workload(record, workload))
            continue;
        if (faster(record, field.fastest)) {
            field.next = field.fastest;
            field.fastest = record;
        } else if (faster(record, field.next)) {
            field.next = record;
        }
        if (!field.slowest || record->median_ns >= field.slowest->median_ns)
            field.slowest = record;
        if (strcmp(record->format, BASELINE) == 0 && faster(record, field.baseline))
            field.baseline = record;
    }
    return field;
}

static bool has_interval(const struct fb_record *record)
{
    return record->lower_ns != FB_NA && record->upper_ns != FB_NA;
}

static bool overlap(const struct fb_record *a, const struct fb_record *b)
{
    return has_interval(a) && has_interval(b) && a->lower_ns <= b->upper_ns &&
           b->lower_ns <= a->upper_ns;
}

/* "12x", "1.4x", "1.03x": two significant digits, three next to 1. */
static char *format_factor(double factor, char *buf, size_t size)
{
    int decimals = factor >= 9.95 ? 0 : factor >= 1.095 || factor < 0.0095 ? 1 : 2;
    snprintf(buf, size, "%.*fx", decimals, factor);
    return buf;
}

static void print_size(FILE *out, const struct fb_record *record, const struct fb_record *other)
{
    char buf[32];
    if (record->file_bytes == FB_NA || other->file_bytes == FB_NA || other->file_bytes == 0)
        return;
    double ratio = (double)record->file_bytes / (double)other->file_bytes;
    snprintf(buf, sizeof buf, ratio < 0.095 ? "%.3f" : ratio < 0.995 ? "%.2f" : "%.1f", ratio);
    fprintf(out, "; its file is %sx as large", buf);
    /* A narrower element type is no compression: told apart. */
    if (record->dataset_bytes != FB_NA && other->dataset_bytes != FB_NA &&
        other->dataset_bytes > 0 && record->dataset_bytes != other->dataset_bytes)
        fprintf(out, " (%.2gx of that by its element type)",
                (double)record->dataset_bytes / (double)other->dataset_bytes);
}

static void print_comparison(FILE *out, const struct fb_records *records, const struct field *field)
{
    char label[FB_LABEL_SIZE], other_label[FB_LABEL_SIZE], factor[32];
    const struct fb_record *fastest = field->fastest, *other = field->baseline;
    const char *remark = "";
    if (other && strcmp(fastest->format, BASELINE) == 0) {
        other = field->next;
        remark = ", the next";
    } else if (!other) {
        other = field->slowest;
        remark = field->slowest != field->next ? ", the slowest" : "";
    }
    fprintf(out, "%s is ", fb_label(records, fastest, label, sizeof label));
    fb_label(records, other, other_label, sizeof other_label);
    if (overlap(fastest, other)) {
        fprintf(out, "the fastest, not told apart from %s", other_label);
    } else {
        double ratio =
            fastest->median_ns ? (double)other->median_ns / (double)fastest->median_ns : 1.0;
        fprintf(out, "%s%s as fast as %s%s",
                has_interval(fastest) && has_interval(other) ? "" : "about ",
                format_factor(ratio, factor, sizeof factor), other_label, remark);
        if (field->next != other && overlap(fastest, field->next))
            fprintf(out, ", not told apart from %s",
                    fb_label(records, field->next, label, sizeof label));
    }
    print_size(out, fastest, other);
}

/* A workload's name; with its options where the run has it with several. */
static void print_name(FILE *out, const struct fb_records *records, const struct fb_record *record)
{
    char text[128];
    bool several = false;
    for (size_t i = 0; i < records->count; i++)
        several = several || (strcmp(records->items[i].workload, record->workload) == 0 &&
                              !fb_same_workload(&records->items[i], record));
    fputs(fb_plain_text(record->workload, text, sizeof text), out);
    if (several)
        fprintf(out, " (%s)", fb_plain_text(record->workload_options, text, sizeof text));
    fputs(": ", out);
}

void fb_sentences_print(FILE *out, const struct fb_records *records)
{
    char label[FB_LABEL_SIZE], time[32];
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        if (!fb_is_first_of_workload(records, i))
            continue;
        struct field field = find_field(records, record);
        print_name(out, records, record);
        if (!field.fastest)
            fputs("nothing to compare, no checked warm `once` time", out);
        else if (!field.next)
            fprintf(out, "%s takes %s; nothing to compare it with",
                    fb_label(records, field.fastest, label, sizeof label),
                    fb_format_ns(field.fastest->median_ns, time, sizeof time));
        else
            print_comparison(out, records, &field);
        fputc('\n', out);
    }
}
