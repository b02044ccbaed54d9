/* What all tables of results have in common: columns written down, rows in memory, and a CSV file.
 */
#ifndef FB_RESULTS_ROWS_H
#define FB_RESULTS_ROWS_H

#include "results/record.h"

/* A column of the member of a struct. */
#define FB_COLUMN(of, type, member, unit, help)                                                    \
    {                                                                                              \
#member, type, offsetof(struct of, member), sizeof(((struct of *)0)->member), unit, help,  \
            false                                                                                  \
    }

struct fb_table {
    const struct fb_column *columns;
    size_t row_bytes;
    size_t most; /* rows of a file; 0: any number */
};

/* `items`, `count` rows of so many bytes, with room for one more: it doubles whenever count has
 * reached a power of two. NULL without memory, with err; items are as they were. */
void *fb_rows_grow(void *items, size_t count, size_t row_bytes, struct fb_error *err);

/* Writes or replaces a whole file. */
int fb_rows_write(const struct fb_table *table, const void *items, size_t count, const char *path,
                  struct fb_error *err);
/* As fb_csv_read (csv.h); *items are to be freed, NULL after a failure. */
int fb_rows_read(const struct fb_table *table, const char *path, void **items, size_t *count,
                 struct fb_error *err);

/* The functions of a struct of rows, `items` and `count`: NAME_add, which appends a copy,
 * NAME_write and NAME_read. */
#define FB_ROWS(name, rows_of, row_of, columns_of, most_rows)                                      \
    static const struct fb_table name##_table = { columns_of, sizeof(struct row_of), most_rows };  \
                                                                                                   \
    int name##_add(struct rows_of *rows, const struct row_of *row, struct fb_error *err)           \
    {                                                                                              \
        struct row_of *items = fb_rows_grow(rows->items, rows->count, sizeof *items, err);         \
        if (!items)                                                                                \
            return err->code;                                                                      \
        rows->items = items;                                                                       \
        rows->items[rows->count++] = *row;                                                         \
        return 0;                                                                                  \
    }                                                                                              \
                                                                                                   \
    int name##_write(const struct rows_of *rows, const char *path, struct fb_error *err)           \
    {                                                                                              \
        return fb_rows_write(&name##_table, rows->items, rows->count, path, err);                  \
    }                                                                                              \
                                                                                                   \
    int name##_read(const char *path, struct rows_of *rows, struct fb_error *err)                  \
    {                                                                                              \
        void *items;                                                                               \
        int rc = fb_rows_read(&name##_table, path, &items, &rows->count, err);                     \
        rows->items = items;                                                                       \
        return rc;                                                                                 \
    }

#endif
