#include "datasets/openface_csv.h"
#include "base/interrupt.h"
#include "base/number.h"
#include "base/output.h"
#include "datasets/features.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 100000
#define FIELD_BYTES_MAX 65536
/* Beyond this a float32 could not hold the value or a difference of two. */
#define VALUE_MAX 1e30

struct parse {
    const char *path;
    bool skip_bad;
    int (*row)(void *context, const double *columns, struct fb_error *err);
    void *context;
    struct fb_openface_rows *out;
    struct fb_error *err;
    int rc; /* once set, the rest of the file is ignored */

    uint64_t line;       /* where the row under way begins, from 1 */
    uint64_t more_lines; /* that its quoted fields span */
    bool after_cr;       /* a line feed now belongs to the line that just ended */
    bool in_body;
    size_t fields; /* of the row under way */
    size_t header_fields;
    int16_t *wanted; /* by column: its number in a frame, or -1 */
    bool found[FB_COLUMNS];
    double columns[FB_COLUMNS];
    char why[128]; /* what is wrong with the row under way; "" for nothing */
};

static const char *column_name(unsigned column, char *buf, size_t size)
{
    static const unsigned char aus[FB_AUS] = { 1,  2,  4,  5,  6,  7,  9,  10, 12,
                                               14, 15, 17, 20, 23, 25, 26, 45 };
    if (column < FB_COLUMN_Y)
        snprintf(buf, size, "x_%u", column - FB_COLUMN_X);
    else if (column < FB_COLUMN_AU)
        snprintf(buf, size, "y_%u", column - FB_COLUMN_Y);
    else if (column < FB_COLUMN_T)
        snprintf(buf, size, "AU%02u_r", aus[column - FB_COLUMN_AU]);
    else
        snprintf(buf, size, "pose_%c%c", column < FB_COLUMN_R ? 'T' : 'R',
                 "xyz"[(column - FB_COLUMN_T) % 3]);
    return buf;
}

/* --- the header ------------------------------------------------------------------------------- */

static void header_field(struct parse *p, const char *text, size_t length)
{
    char name[16];
    if (memchr(text, '\0', length)) {
        p->rc = fb_fail(p->err, FB_EFORMAT, "%s: is no CSV file: its first line holds NUL bytes",
                        p->path);
        return;
    }
    if (p->fields >= FIELDS_MAX) {
        p->rc = fb_fail(p->err, FB_EFORMAT, "%s: more than %d columns: is no OpenFace CSV file",
                        p->path, FIELDS_MAX);
        return;
    }
    p->wanted[p->fields] = -1;
    for (unsigned i = 0; i < FB_COLUMNS; i++) {
        column_name(i, name, sizeof name);
        if (strlen(name) != length || memcmp(name, text, length) != 0)
            continue;
        if (p->found[i])
            p->rc = fb_fail(p->err, FB_EFORMAT,
                            "%s: two columns are called %s: remove one, or name it otherwise",
                            p->path, name);
        p->found[i] = true;
        p->wanted[p->fields] = (int16_t)i;
    }
}

static void header_end(struct parse *p)
{
    char list[256] = "", name[16];
    size_t length = 0, missing = 0;
    for (unsigned i = 0; i < FB_COLUMNS; i++) {
        if (p->found[i])
            continue;
        if (++missing <= 20)
            length += (size_t)snprintf(list + length, sizeof list - length, "%s%s",
                                       missing > 1 ? ", " : "", column_name(i, name, sizeof name));
    }
    p->header_fields = p->fields;
    p->in_body = true;
    if (missing)
        p->rc = fb_fail(p->err, FB_EFORMAT,
                        "%s: lacks %zu of the %d columns needed: %s%s; run OpenFace's "
                        "FeatureExtraction with -2Dfp -pose -aus",
                        p->path, missing, FB_COLUMNS, list, missing > 20 ? ", ..." : "");
}

/* --- the rows --------------------------------------------------------------------------------- */

static void body_field(struct parse *p, const char *text, size_t length)
{
    if (p->fields >= p->header_fields || p->wanted[p->fields] < 0 || p->why[0])
        return;
    int column = p->wanted[p->fields];
    if (fb_parse_double(text, length, &p->columns[column]) && fabs(p->columns[column]) <= VALUE_MAX)
        return;
    char name[16], shown[41];
    size_t n = length < sizeof shown - 1 ? length : sizeof shown - 1;
    for (size_t i = 0; i < n; i++)
        shown[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    shown[n] = '\0';
    snprintf(p->why, sizeof p->why, "column %s: '%s' is no finite number within +-1e30",
             column_name((unsigned)column, name, sizeof name), shown);
}

static void body_end(struct parse *p)
{
    struct fb_openface_rows *out = p->out;
    if (p->fields != p->header_fields)
        snprintf(p->why, sizeof p->why, "has %zu fields, but the header has %zu", p->fields,
                 p->header_fields);
    if (!p->why[0]) {
        out->frames++;
        if (p->row)
            p->rc = p->row(p->context, p->columns, p->err);
    } else if (!p->skip_bad) {
        p->rc = fb_fail(p->err, FB_EFORMAT,
                        "%s:%" PRIu64 ": %s; repair the row, or leave such rows out with "
                        "bad-rows=skip (--skip-bad-rows)",
                        p->path, p->line, p->why);
    } else if (out->skipped++ == 0) {
        out->first_skipped_line = p->line;
        memcpy(out->first_skipped_why, p->why, sizeof p->why);
    }
    p->why[0] = '\0';
}

/* --- libcsv ----------------------------------------------------------------------------------- */

static void on_field(void *text, size_t length, void *context)
{
    struct parse *p = context;
    if (p->rc)
        return;
    for (size_t i = 0; i < length; i++)
        p->more_lines += ((const char *)text)[i] == '\n';
    if (p->in_body)
        body_field(p, text, length);
    else
        header_field(p, text, length);
    p->fields++;
}

/* With CSV_REPALL_NL every line end comes here, also of blank lines and for both bytes of CRLF. */
static void on_line_end(int end, void *context)
{
    struct parse *p = context;
    if (p->rc == 0 && p->fields && p->in_body)
        body_end(p);
    else if (p->rc == 0 && p->fields)
        header_end(p);
    if (end == '\r' || (end == '\n' && !(p->after_cr && p->fields == 0)))
        p->line += 1 + p->more_lines;
    p->more_lines = 0;
    p->after_cr = end == '\r';
    p->fields = 0;
}

/* A field grows without end behind an unbalanced quote, or in a file that is no CSV. */
static void *bounded_realloc(void *memory, size_t size)
{
    return size > FIELD_BYTES_MAX ? NULL : realloc(memory, size);
}

static int parse_stream(struct parse *p, struct csv_parser *csv, FILE *stream)
{
    char buffer[32768];
    size_t n;
    /* Spreadsheets put a byte order mark before UTF-8; it is no part of the first column's name. */
    if (fread(buffer, 1, 3, stream) != 3 || memcmp(buffer, "\xef\xbb\xbf", 3) != 0)
        rewind(stream);
    while (p->rc == 0 && (n = fread(buffer, 1, sizeof buffer, stream)) > 0) {
        if (csv_parse(csv, buffer, n, on_field, on_line_end, p) != n && p->rc == 0)
            p->rc = fb_fail(p->err, FB_EFORMAT,
                            "%s:%" PRIu64 ": a field of more than %d bytes (a quote that is never "
                            "closed?): is no OpenFace CSV file",
                            p->path, p->line, FIELD_BYTES_MAX);
        if (p->rc == 0 && fb_interrupted())
            p->rc = fb_fail(p->err, FB_EINTERRUPTED, "interrupted");
    }
    if (p->rc == 0 && ferror(stream))
        p->rc = fb_fail_errno(p->err, "%s", p->path);
    if (p->rc == 0)
        csv_fini(csv, on_field, on_line_end, p);
    if (p->rc == 0 && !p->in_body)
        p->rc = fb_fail(p->err, FB_EFORMAT, "%s: is empty: needs a header line of column names",
                        p->path);
    return p->rc;
}

int fb_openface_parse(const char *path, bool skip_bad,
                      int (*row)(void *context, const double *columns, struct fb_error *err),
                      void *context, struct fb_openface_rows *out, struct fb_error *err)
{
    struct parse p = { .path = path,
                       .skip_bad = skip_bad,
                       .row = row,
                       .context = context,
                       .out = out,
                       .err = err,
                       .line = 1 };
    struct csv_parser csv;
    FILE *stream = NULL;
    memset(out, 0, sizeof *out);
    int rc = fb_open_regular(path, &stream, err);
    if (rc)
        return rc;
    p.wanted = calloc(FIELDS_MAX, sizeof *p.wanted);
    if (!p.wanted || csv_init(&csv, CSV_REPALL_NL) != 0) {
        rc = fb_fail_memory(err, path);
    } else {
        csv_set_realloc_func(&csv, bounded_realloc);
        rc = parse_stream(&p, &csv, stream);
        csv_free(&csv);
    }
    free(p.wanted);
    fclose(stream);
    return rc;
}
