#include "bench/cli/info_table.h"
#include "base/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name longer than this stands out of its column, which would pad every other row as wide. */
#define WIDTH_MAX 100

enum { PATH, TYPE, SHAPE, BYTES, LAYOUT, CHUNK, FILTERS, STORED, RATIO, COLUMNS };

struct row {
    char *cells[COLUMNS];
};

static const char *const heads[COLUMNS] = { "array", "type",    "shape",  "bytes", "layout",
                                            "chunk", "filters", "stored", "ratio" };

static bool is_number(int column)
{
    return column == BYTES || column == STORED || column == RATIO;
}

static int storage_of(const struct fb_format *format, struct fb_reader *reader, const char *path,
                      struct fb_storage *out, struct fb_error *err)
{
    struct fb_array *array;
    *out = (struct fb_storage){ 0 };
    if (!format || !format->storage)
        return 0;
    int rc = format->array_open(reader, path, &array, err);
    if (rc)
        return rc;
    rc = format->storage(array, out, err);
    format->array_close(array);
    return rc;
}

static bool fill(struct row *row, const struct fb_array_info *info,
                 const struct fb_storage *storage)
{
    char type[FB_DTYPE_NAME_MAX], shape[FB_MAX_RANK * 21], chunk[FB_MAX_RANK * 21] = "";
    char bytes[24], stored[24] = "", ratio[24] = "";
    snprintf(bytes, sizeof bytes, "%" PRIu64, info->bytes);
    if (storage->chunk_rank > 0)
        fb_shape_text(storage->chunk_rank, storage->chunk, chunk, sizeof chunk);
    if (*storage->layout)
        snprintf(stored, sizeof stored, "%" PRIu64, storage->stored_bytes);
    if (storage->stored_bytes > 0)
        snprintf(ratio, sizeof ratio, "%.2f", (double)info->bytes / (double)storage->stored_bytes);
    const char *const cells[COLUMNS] = {
        info->path,
        fb_dtype_name(info->dtype, type, sizeof type),
        fb_shape_text(info->rank, info->dims, shape, sizeof shape),
        bytes,
        storage->layout,
        chunk,
        storage->filters,
        stored,
        ratio,
    };
    bool fine = true;
    for (int i = 0; i < COLUMNS; i++)
        fine &= (row->cells[i] = strdup(*cells[i] ? cells[i] : "-")) != NULL;
    return fine;
}

static void print_row(const char *const *cells, const size_t *widths, int columns)
{
    for (int i = 0; i < columns; i++) {
        size_t length = strlen(cells[i]);
        int space = length < widths[i] ? (int)(widths[i] - length) : 0;
        printf("%s%*s", i ? "  " : "", is_number(i) ? space : 0, "");
        fb_print_text(stdout, cells[i]);
        printf("%*s", is_number(i) || i + 1 == columns ? 0 : space, "");
    }
}

static void print_rows(const struct row *rows, size_t count, int columns, bool coloured)
{
    size_t widths[COLUMNS];
    for (int i = 0; i < columns; i++) {
        widths[i] = strlen(heads[i]);
        for (size_t k = 0; k < count; k++)
            if (strlen(rows[k].cells[i]) > widths[i] && strlen(rows[k].cells[i]) <= WIDTH_MAX)
                widths[i] = strlen(rows[k].cells[i]);
    }
    printf("\n%s", coloured ? "\033[1m" : "");
    print_row(heads, widths, columns);
    puts(coloured ? "\033[0m" : "");
    for (size_t k = 0; k < count; k++) {
        print_row((const char *const *)rows[k].cells, widths, columns);
        putchar('\n');
    }
}

int fb_info_table(const struct fb_catalog *catalog, const struct fb_format *format,
                  struct fb_reader *reader, bool coloured, struct fb_error *err)
{
    size_t count = catalog->array_count;
    struct row *rows = calloc(count + 1, sizeof *rows);
    int rc = rows ? 0 : fb_fail_memory(err, "a table");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct fb_storage storage;
        rc = storage_of(format, reader, catalog->arrays[i].path, &storage, err);
        if (rc == 0 && !fill(&rows[i], &catalog->arrays[i], &storage))
            rc = fb_fail_memory(err, "a table");
    }
    if (rc == 0 && count > 0)
        print_rows(rows, count, format && format->storage ? COLUMNS : LAYOUT, coloured);
    for (size_t i = 0; rc == 0 && i < catalog->skipped_count; i++) {
        printf("%sskipped  ", i ? "" : "\n");
        fb_print_text(stdout, catalog->skipped[i].path);
        fputs(": ", stdout);
        fb_print_text(stdout, catalog->skipped[i].reason);
        putchar('\n');
    }
    for (size_t i = 0; rows && i < count; i++)
        for (int k = 0; k < COLUMNS; k++)
            free(rows[i].cells[k]);
    free(rows);
    return rc;
}
