#include "results/label.h"
#include "results/tidy.h"

#include <stdlib.h>
#include <string.h>

static uint64_t threads_of(const struct fb_record *record)
{
    return fb_option_u64(record->options, "threads");
}

/* No threads at all have no place on a logarithmic axis. */
static bool is_drawn(const struct fb_record *record)
{
    return fb_tidy_is_warm(record) && threads_of(record) != FB_NA && threads_of(record) > 0;
}

static bool same_reader(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->format, b->format) == 0 &&
           fb_same_options_but(a->options, b->options, "threads");
}

static bool same_task(const struct fb_record *a, const struct fb_record *b)
{
    return fb_same_workload(a, b) && strcmp(a->handle, b->handle) == 0 &&
           strcmp(a->dataset, b->dataset) == 0;
}

static bool same_series(const struct fb_record *a, const struct fb_record *b)
{
    return same_task(a, b) && same_reader(a, b);
}

static int compare_threads(const void *a, const void *b)
{
    uint64_t x = threads_of(*(const struct fb_record *const *)a);
    uint64_t y = threads_of(*(const struct fb_record *const *)b);
    return (x > y) - (x < y);
}

/* The series of a row, by rising threads; 0 if it has one number of them only. */
static size_t collect_series(const struct fb_records *records, const struct fb_record *first,
                             const struct fb_record **rows)
{
    size_t count = 0;
    for (size_t i = 0; i < records->count; i++)
        if (is_drawn(&records->items[i]) && same_series(&records->items[i], first))
            rows[count++] = &records->items[i];
    qsort(rows, count, sizeof *rows, compare_threads);
    return count > 0 && threads_of(rows[0]) != threads_of(rows[count - 1]) ? count : 0;
}

/* All series of one dataset, in the run's order. */
static size_t collect(const struct fb_records *records, const struct fb_record **rows)
{
    size_t count = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        bool seen =
            !is_drawn(record) || (count > 0 && strcmp(record->dataset, rows[0]->dataset) != 0);
        for (size_t j = 0; j < count && !seen; j++)
            seen = same_series(record, rows[j]);
        if (!seen)
            count += collect_series(records, record, rows + count);
    }
    return count;
}

/* Of the rows without threads one of a file of the same size comes first: that is another reader of
 * the same file, such as as-is, and not another format. */
static const struct fb_record *find_reference(const struct fb_records *records,
                                              const struct fb_record *fewest)
{
    char text[8];
    const struct fb_record *found = NULL;
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_record *record = &records->items[i];
        if (!fb_tidy_is_warm(record) || !same_task(record, fewest) ||
            fb_option_value(record->options, "threads", text, sizeof text))
            continue;
        if (record->file_bytes == fewest->file_bytes)
            return record;
        found = found ? found : record;
    }
    return found ? found : fewest;
}

/* "as-is", or "1 thread" of the series itself. */
static char *name_reference(const struct fb_records *records, const struct fb_record *reference,
                            char *buf, size_t size)
{
    uint64_t threads = threads_of(reference);
    if (threads == FB_NA)
        return fb_tidy_ascii(fb_label(records, reference, buf, size));
    snprintf(buf, size, "%llu thread%s", (unsigned long long)threads, threads == 1 ? "" : "s");
    return buf;
}

/* The label of the format without its threads. */
static char *name_reader(const struct fb_records *records, const struct fb_record *record,
                         char *buf, size_t size)
{
    struct fb_record bare = *record;
    for (char *at = bare.options; *at;) {
        size_t n = strcspn(at, ",");
        n += at[n] == ',';
        if (strncmp(at, "threads=", 8) == 0)
            memmove(at, at + n, strlen(at + n) + 1);
        else
            at += n;
    }
    return fb_tidy_ascii(fb_label(records, &bare, buf, size));
}

struct drawing {
    const struct fb_records *records;
    const struct fb_record **rows;
    size_t count;
    bool one_reader;    /* which the title names, and no label */
    char reference[48]; /* that of all series, or "" */
};

static void survey(struct drawing *drawing)
{
    char name[sizeof drawing->reference];
    drawing->one_reader = true;
    for (size_t i = 0; i < drawing->count; i++) {
        const struct fb_record *row = drawing->rows[i];
        drawing->one_reader = drawing->one_reader && same_reader(row, drawing->rows[0]);
        if (i > 0 && same_series(row, drawing->rows[i - 1]))
            continue;
        name_reference(drawing->records, find_reference(drawing->records, row), name, sizeof name);
        if (i == 0)
            strcpy(drawing->reference, name);
        else if (strcmp(drawing->reference, name) != 0)
            drawing->reference[0] = '\0';
    }
}

static void put_times(FILE *out, const struct fb_record *reference, uint64_t ns)
{
    fputc(',', out);
    if (ns != FB_NA && ns > 0)
        fprintf(out, "%.6f", (double)reference->median_ns / (double)ns);
}

static void put_point(FILE *out, const struct drawing *drawing, const struct fb_record *record,
                      const struct fb_record *reference, unsigned series)
{
    char label[FB_LABEL_SIZE], name[sizeof drawing->reference];
    fprintf(out, "%llu", (unsigned long long)threads_of(record));
    put_times(out, reference, record->median_ns);
    put_times(out, reference, record->upper_ns);
    put_times(out, reference, record->lower_ns);
    fprintf(out, ",%u,%s", series,
            fb_tidy_ascii(fb_workload_label(drawing->records, record, label, sizeof label)));
    if (!drawing->one_reader)
        fprintf(out, " %s", name_reader(drawing->records, record, label, sizeof label));
    fprintf(out, " %s", record->handle);
    if (!drawing->reference[0])
        fprintf(out, " (1x: %s)", name_reference(drawing->records, reference, name, sizeof name));
    fputc('\n', out);
}

static void put_title(const struct drawing *drawing, uint64_t blocks, struct fb_picture *picture)
{
    char reader[48], more[80];
    const struct fb_record *first = drawing->rows[0];
    bool own = threads_of(find_reference(drawing->records, first)) != FB_NA;
    name_reader(drawing->records, first, reader, sizeof reader);
    picture->script = "scaling.gp";
    snprintf(picture->title, sizeof picture->title,
             "Times as fast as %s%s, over threads%s%s (warm)",
             own && drawing->reference[0] ? "with " : "",
             drawing->reference[0] ? drawing->reference : "each line's reference",
             drawing->one_reader ? " of " : "", drawing->one_reader ? reader : "");
    fb_tidy_blocks(blocks, more, sizeof more);
    fb_tidy_dataset(first, more, picture->subtitle, sizeof picture->subtitle);
}

int fb_tidy_threads(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                    bool *made, struct fb_error *err)
{
    const struct fb_record *reference = NULL;
    uint64_t blocks = FB_NA;
    unsigned series = 0;
    struct drawing drawing = { .records = records };
    drawing.rows = calloc(records->count + 1, sizeof *drawing.rows);
    if (!drawing.rows)
        return fb_fail_memory(err, "a table for a picture");
    drawing.count = collect(records, drawing.rows);
    survey(&drawing);
    fputs("threads,times,lower,upper,series,label\n", out);
    for (size_t i = 0; i < drawing.count; i++) {
        const struct fb_record *row = drawing.rows[i];
        bool next = i > 0 && !same_series(row, drawing.rows[i - 1]);
        series += next;
        reference = i == 0 || next ? find_reference(records, row) : reference;
        blocks = row->blocks < blocks ? row->blocks : blocks;
        put_point(out, &drawing, row, reference, series);
    }
    *made = drawing.count > 0;
    if (*made)
        put_title(&drawing, blocks, picture);
    free(drawing.rows);
    return 0;
}
