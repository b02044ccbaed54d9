#include "results/csv.h"
#include "base/number.h"
#include "base/output.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Fields and columns beyond these are no file of ours; they bound the memory that one can take. */
#define MAX_FIELD 65536
#define MAX_FIELDS 512

void fb_columns_clear(const struct fb_column *columns, void *row)
{
    for (; columns->name; columns++) {
        char *member = (char *)row + columns->offset;
        switch (columns->type) {
        case FB_COLUMN_TEXT:
            memset(member, 0, columns->size);
            break;
        case FB_COLUMN_U64:
            *(uint64_t *)(void *)member = FB_NA;
            break;
        case FB_COLUMN_DOUBLE:
            *(double *)(void *)member = NAN;
            break;
        }
    }
}

static void write_text(FILE *stream, const char *text)
{
    size_t length = strlen(text);
    /* Readers, libcsv among them, strip blanks around a bare field. */
    bool quote = strpbrk(text, ",\"\r\n") ||
                 (length > 0 && (strchr(" \t", text[0]) || strchr(" \t", text[length - 1])));
    if (quote)
        csv_fwrite(stream, text, length);
    else
        fputs(text, stream);
}

static void write_double(FILE *stream, double value)
{
    char buf[32];
    if (!isfinite(value))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, sizeof buf, "%.*g", digits, value);
        if (strtod(buf, NULL) == value)
            break;
    }
    fputs(buf, stream);
}

int fb_csv_write_header(FILE *stream, const struct fb_column *columns)
{
    for (size_t i = 0; columns[i].name; i++)
        fprintf(stream, "%s%s", i ? "," : "", columns[i].name);
    fputc('\n', stream);
    return ferror(stream) ? FB_EIO : 0;
}

int fb_csv_write_row(FILE *stream, const struct fb_column *columns, const void *row)
{
    for (size_t i = 0; columns[i].name; i++) {
        const char *member = (const char *)row + columns[i].offset;
        if (i)
            fputc(',', stream);
        if (columns[i].type == FB_COLUMN_TEXT) {
            write_text(stream, member);
        } else if (columns[i].type == FB_COLUMN_DOUBLE) {
            write_double(stream, *(const double *)(const void *)member);
        } else {
            uint64_t value = *(const uint64_t *)(const void *)member;
            if (value != FB_NA)
                fprintf(stream, "%" PRIu64, value);
        }
    }
    fputc('\n', stream);
    return ferror(stream) ? FB_EIO : 0;
}

struct reading {
    const char *path;
    const struct fb_column *columns;
    void *row;
    int (*take)(void *context, const void *row, struct fb_error *err);
    void *context;
    struct fb_error *err;
    int rc;
    uint64_t line;
    bool header_done;
    const struct fb_column *map[MAX_FIELDS]; /* of each field; NULL: unknown, ignored */
    size_t fields, at;                       /* in the header; in this row */
};

static void fail_at(struct reading *reading, const char *format, ...) FB_PRINTF(2, 3);

static void fail_at(struct reading *reading, const char *format, ...)
{
    if (reading->rc)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    reading->rc =
        fb_fail(reading->err, FB_EFORMAT, "%s:%" PRIu64 ": %s", reading->path, reading->line, text);
}

static void take_header_field(struct reading *reading, const char *name)
{
    if (reading->fields == MAX_FIELDS) {
        fail_at(reading, "more than %d columns", MAX_FIELDS);
        return;
    }
    const struct fb_column *column = reading->columns;
    while (column->name && strcmp(column->name, name) != 0)
        column++;
    for (size_t i = 0; column->name && i < reading->fields; i++)
        if (reading->map[i] == column)
            fail_at(reading, "the column %s stands twice in the header", column->name);
    reading->map[reading->fields++] = column->name ? column : NULL;
}

static void check_header(struct reading *reading)
{
    for (const struct fb_column *column = reading->columns; column->name; column++) {
        size_t i = 0;
        while (i < reading->fields && reading->map[i] != column)
            i++;
        if (i == reading->fields && !column->later)
            fail_at(reading, "the column %s is missing: not a file of schema version %d",
                    column->name, FB_SCHEMA_VERSION);
    }
    reading->header_done = true;
}

static void take_value(struct reading *reading, const struct fb_column *column, const char *text,
                       size_t length)
{
    char *member = (char *)reading->row + column->offset;
    if (strlen(text) != length) {
        fail_at(reading, "%s holds a NUL byte", column->name);
    } else if (column->type == FB_COLUMN_TEXT) {
        if (length >= column->size)
            fail_at(reading, "%s has %zu characters; at most %zu fit", column->name, length,
                    column->size - 1);
        else
            memcpy(member, text, length + 1);
    } else if (length == 0) {
        return; /* n/a */
    } else if (column->type == FB_COLUMN_U64) {
        if (!fb_parse_u64(text, (uint64_t *)(void *)member))
            fail_at(reading, "%s is '%.60s', not a whole number", column->name, text);
    } else if (!fb_parse_double(text, length, (double *)(void *)member)) {
        fail_at(reading, "%s is '%.60s', not a number", column->name, text);
    }
}

static void take_field(void *data, size_t length, void *context)
{
    struct reading *reading = context;
    if (reading->rc)
        return;
    if (!reading->header_done)
        take_header_field(reading, data);
    else if (reading->at < reading->fields && reading->map[reading->at])
        take_value(reading, reading->map[reading->at], data, length);
    reading->at++;
}

static void take_row(int terminator, void *context)
{
    struct reading *reading = context;
    (void)terminator;
    if (reading->rc)
        return;
    if (!reading->header_done) {
        check_header(reading);
    } else if (reading->at != reading->fields) {
        fail_at(reading, "%zu fields where the header has %zu", reading->at, reading->fields);
    } else {
        const struct fb_column *version = reading->columns; /* the first column of every table */
        uint64_t number = *(uint64_t *)(void *)((char *)reading->row + version->offset);
        if (number != FB_SCHEMA_VERSION)
            fail_at(reading, "schema_version is not %d, the one this program reads",
                    FB_SCHEMA_VERSION);
        else
            reading->rc = reading->take(reading->context, reading->row, reading->err);
    }
    reading->at = 0;
    fb_columns_clear(reading->columns, reading->row);
}

/* Line by line, so that what goes wrong is known by its line. */
static void parse_lines(struct reading *reading, struct csv_parser *parser, FILE *stream)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t length;
    bool ended = true;
    while (!reading->rc && (length = getline(&text, &size, stream)) > 0) {
        reading->line++;
        ended = text[length - 1] == '\n';
        if (csv_parse(parser, text, (size_t)length, take_field, take_row, reading) !=
            (size_t)length)
            fail_at(reading, "%s", csv_strerror(csv_error(parser)));
        if (csv_get_buffer_size(parser) > MAX_FIELD)
            fail_at(reading, "a field of more than %d bytes; is a quote missing?", MAX_FIELD);
    }
    if (!reading->rc && ferror(stream))
        reading->rc = fb_fail_errno(reading->err, "cannot read %s", reading->path);
    free(text);
    if (!ended)
        fail_at(reading, "the last line has no end: the file was cut short");
    if (!reading->rc && csv_fini(parser, take_field, take_row, reading) != 0)
        fail_at(reading, "a quoted field has no end: the file was cut short");
    if (!reading->header_done)
        fail_at(reading, "the file is empty");
}

int fb_csv_read(const char *path, const struct fb_column *columns, void *row,
                int (*take)(void *context, const void *row, struct fb_error *err), void *context,
                struct fb_error *err)
{
    struct reading reading = {
        .path = path, .columns = columns, .row = row, .take = take, .context = context, .err = err
    };
    struct csv_parser parser;
    FILE *stream;
    int rc = fb_open_regular(path, &stream, err);
    if (rc)
        return rc;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        fclose(stream);
        return fb_fail_memory(err, path);
    }
    fb_columns_clear(columns, row);
    parse_lines(&reading, &parser, stream);
    csv_free(&parser);
    fclose(stream);
    return reading.rc;
}
