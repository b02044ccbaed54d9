#include "results/rows.h"
#include "base/output.h"
#include "results/csv.h"

#include <stdlib.h>
#include <string.h>

void *fb_rows_grow(void *items, size_t count, size_t row_bytes, struct fb_error *err)
{
    if (count & (count - 1))
        return items;
    size_t room = count ? 2 * count : 1;
    void *grown = reallocarray(items, room, row_bytes);
    if (!grown)
        fb_fail_memory(err, "the records");
    return grown;
}

struct writing {
    const struct fb_table *table;
    const char *items;
    size_t count;
};

static int print_rows(void *context, FILE *stream, struct fb_error *err)
{
    const struct writing *writing = context;
    const struct fb_table *table = writing->table;
    (void)err;
    fb_csv_write_header(stream, table->columns);
    for (size_t i = 0; i < writing->count && !ferror(stream); i++)
        fb_csv_write_row(stream, table->columns, writing->items + i * table->row_bytes);
    return 0;
}

int fb_rows_write(const struct fb_table *table, const void *items, size_t count, const char *path,
                  struct fb_error *err)
{
    struct writing writing = { table, items, count };
    return fb_output_write(path, print_rows, &writing, err);
}

struct reading {
    const struct fb_table *table;
    char *items;
    size_t count;
};

static int take_row(void *context, const void *row, struct fb_error *err)
{
    struct reading *reading = context;
    const struct fb_table *table = reading->table;
    if (table->most && reading->count == table->most)
        return fb_fail(err, FB_EUNSUPPORTED, "more than %zu rows; no such table has so many",
                       table->most);
    char *items = fb_rows_grow(reading->items, reading->count, table->row_bytes, err);
    if (!items)
        return err->code;
    reading->items = items;
    memcpy(items + reading->count++ * table->row_bytes, row, table->row_bytes);
    return 0;
}

int fb_rows_read(const struct fb_table *table, const char *path, void **items, size_t *count,
                 struct fb_error *err)
{
    struct reading reading = { .table = table };
    void *row = calloc(1, table->row_bytes);
    int rc = row ? fb_csv_read(path, table->columns, row, take_row, &reading, err)
                 : fb_fail_memory(err, "a record");
    free(row);
    if (rc) {
        free(reading.items);
        reading = (struct reading){ 0 };
    }
    *items = reading.items;
    *count = reading.count;
    return rc;
}
