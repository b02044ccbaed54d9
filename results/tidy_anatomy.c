/* The tidy table of the stacked bars. */
#include "base/number.h"
#include "base/output.h"
#include "results/anatomy.h"
#include "results/label.h"

#include <stdlib.h>
#include <string.h>

/* The picture has room for so many bars. */
#define BARS_MAX 24

struct table {
    const struct fb_anatomy_record **rows;
    size_t count;
    bool one_workload;
};

/* Pictures take printable ASCII without what would end a field or a quoted text. */
static char *make_plain(char *text)
{
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f || strchr(",\"'`\\", *p) ||
            strncmp(p, "]]>", 3) == 0)
            *p = '_';
    return text;
}

static int handle_order(const struct fb_anatomy_record *record)
{
    return strcmp(record->handle, "once") == 0 ? 0 : strcmp(record->handle, "keep") == 0 ? 1 : 2;
}

/* What may be compared stands together, the longest first. */
static int compare_rows(const void *a, const void *b)
{
    const struct fb_anatomy_record *x = *(const struct fb_anatomy_record *const *)a;
    const struct fb_anatomy_record *y = *(const struct fb_anatomy_record *const *)b;
    int order = strcmp(x->workload, y->workload);
    if (order == 0)
        order = handle_order(x) - handle_order(y);
    return order ? order : (x->total_ns < y->total_ns) - (x->total_ns > y->total_ns);
}

static void label_row(const struct table *table, const struct fb_anatomy_record *record, char *buf,
                      size_t size)
{
    char label[FB_LABEL_SIZE], text[2 * FB_LABEL_SIZE];
    snprintf(text, sizeof text, "%s%s%s", table->one_workload ? "" : record->workload,
             table->one_workload ? "" : " ", fb_anatomy_label(record, label, sizeof label));
    make_plain(fb_plain_text(text, buf, size));
}

static void put_ms(FILE *out, uint64_t ns)
{
    fprintf(out, ",%llu.%06u", (unsigned long long)(ns / 1000000), (unsigned)(ns % 1000000));
}

static int print_rows(void *context, FILE *out, struct fb_error *err)
{
    const struct table *table = context;
    char label[FB_LABEL_SIZE], text[32];
    (void)err;
    fputs("label,total_text,total_ms", out);
    for (size_t k = 0; k < FB_ANATOMY_PARTS; k++)
        fprintf(out, ",%s_ms", fb_anatomy_parts[k].key);
    fputs(",place\n", out);
    for (size_t i = 0; i < table->count; i++) {
        const struct fb_anatomy_record *record = table->rows[i];
        label_row(table, record, label, sizeof label);
        fprintf(out, "%s,%s", label, fb_format_ns(record->total_ns, text, sizeof text));
        put_ms(out, record->total_ns);
        for (size_t k = 0; k < FB_ANATOMY_PARTS; k++) {
            uint64_t ns = fb_anatomy_part_ns(record, k);
            put_ms(out, ns == FB_NA ? 0 : ns);
        }
        fprintf(out, ",%zu\n", i);
    }
    return 0;
}

static void title(const struct table *table, size_t all, struct fb_picture *picture)
{
    const struct fb_anatomy_record *first = table->rows[0];
    picture->script = "anatomy.gp";
    snprintf(picture->name, sizeof picture->name, "anatomy");
    if (table->one_workload)
        snprintf(picture->title, sizeof picture->title, "Where the time goes: %.60s, %.8s",
                 first->workload, first->cache);
    else
        snprintf(picture->title, sizeof picture->title, "Where the time goes, %.8s", first->cache);
    const char *name = first->dataset;
    size_t length = strlen(name);
    char more[80] = "";
    if (all > table->count)
        snprintf(more, sizeof more, "; the first %zu of %zu", table->count, all);
    snprintf(picture->subtitle, sizeof picture->subtitle,
             "%s%.60s; traced passes, apart from timed blocks%s", length > 60 ? "..." : "",
             length > 60 ? name + length - 60 : name, more);
    /* They may have commas and quotes: they are no fields. */
    fb_tidy_ascii(picture->title);
    fb_tidy_ascii(picture->subtitle);
}

int fb_tidy_anatomy(const struct fb_anatomies *anatomies, const char *folder,
                    struct fb_pictures *out, struct fb_error *err)
{
    struct table table = { .one_workload = true };
    struct fb_picture picture = { 0 };
    char *path = NULL;
    int rc = 0;
    if (anatomies->count == 0)
        return 0;
    table.rows = calloc(anatomies->count, sizeof *table.rows);
    struct fb_picture *grown = reallocarray(out->items, out->count + 1, sizeof *out->items);
    if (grown)
        out->items = grown;
    if (!table.rows || !grown || asprintf(&path, "%s/anatomy.csv", folder) < 0) {
        free(table.rows);
        return fb_fail_memory(err, "a table for a picture");
    }
    for (size_t i = 0; i < anatomies->count; i++) {
        table.rows[i] = &anatomies->items[i];
        table.one_workload &= strcmp(table.rows[i]->workload, table.rows[0]->workload) == 0;
    }
    qsort(table.rows, anatomies->count, sizeof *table.rows, compare_rows);
    table.count = anatomies->count < BARS_MAX ? anatomies->count : BARS_MAX;
    rc = fb_output_write(path, print_rows, &table, err);
    if (rc == 0) {
        title(&table, anatomies->count, &picture);
        out->items[out->count++] = picture;
    }
    free(path);
    free(table.rows);
    return rc;
}
