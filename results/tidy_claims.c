/* The tidy tables of the claims' pictures, all from claims.csv's rows. */
#include "base/output.h"
#include "results/claims.h"
#include "results/label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_DATA 1

typedef bool print_fn(const struct fb_figures *figures, FILE *out);

static bool is_verdict(const struct fb_figure *figure)
{
    return strcmp(figure->row, "verdict") == 0;
}

/* Fields are printable ASCII without what would end one or a quoted text. */
static const char *plain(const char *text, char *buf, size_t size)
{
    fb_plain_text(text, buf, size);
    for (char *p = buf; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f || strchr("\"'`\\", *p) ||
            strncmp(p, "]]>", 3) == 0)
            *p = '_';
        else if (*p == ',')
            *p = ';';
    return buf;
}

/* Without an exponent, which gnuplot's real() refuses; nothing where n/a. */
static void put_scaled(FILE *out, double value, double unit)
{
    if (isfinite(value))
        fprintf(out, "%.6f", value / unit);
    fputc(',', out);
}

static void put_times(FILE *out, const struct fb_figure *figure)
{
    /* A logarithmic axis has no zero. */
    put_scaled(out, figure && figure->value > 0 ? figure->value : NAN, 1e6);
    put_scaled(out, figure && figure->lower > 0 ? figure->lower : NAN, 1e6);
    put_scaled(out, figure && figure->upper > 0 ? figure->upper : NAN, 1e6);
}

/* The figure of a claim by its name and, unless NAN, its place; NULL where it has no value. */
static const struct fb_figure *find(const struct fb_figures *figures, const char *claim,
                                    const char *name, double at)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct fb_figure *figure = &figures->items[i];
        if (strcmp(figure->claim, claim) == 0 && strcmp(figure->figure, name) == 0 &&
            (isnan(at) || figure->at == at) && !figure->why[0])
            return figure;
    }
    return NULL;
}

/* --- the overview ----------------------------------------------------------------------------- */

static bool print_overview(const struct fb_figures *figures, FILE *out)
{
    char text[256], name[192], field[96];
    size_t place = 0;
    fputs("claim,says,measured,verdict,place\n", out);
    for (size_t i = 0, first = 0; i < figures->count; i++) {
        const struct fb_figure *verdict = &figures->items[i];
        if (!is_verdict(verdict))
            continue;
        bool measured = first < i && strcmp(verdict->verdict, "not measured") != 0;
        fprintf(out, "%s,", plain(verdict->claim, field, sizeof field));
        fprintf(out, "%s,", plain(verdict->figure, field, sizeof field));
        snprintf(text, sizeof text, "%s %s",
                 measured ? fb_figure_text(&figures->items[first], name, sizeof name) : "-",
                 measured ? figures->items[first].figure : "");
        fprintf(out, "%s,", plain(text, field, sizeof field));
        fprintf(out, "%s,%zu\n", plain(verdict->verdict, field, sizeof field), place++);
        first = i + 1;
    }
    return place > 0;
}

/* --- size by step ----------------------------------------------------------------------------- */

static bool print_sizes(const struct fb_figures *figures, FILE *out)
{
    char field[96];
    size_t place = 0;
    const struct fb_figure *pickle = find(figures, "size", "pickle", 0);
    fputs("label,MB,share,place\n", out);
    for (size_t i = 0; pickle && i < figures->count; i++) {
        const struct fb_figure *figure = &figures->items[i];
        if (strcmp(figure->claim, "size") != 0 || strcmp(figure->role, "series") != 0 ||
            figure->why[0])
            continue;
        fprintf(out, "%s,", plain(figure->figure, field, sizeof field));
        put_scaled(out, figure->value, 1e6);
        put_scaled(out, figure->value, pickle->value / 100);
        fprintf(out, "%zu\n", place++);
    }
    return place > 1;
}

/* --- gzip levels ------------------------------------------------------------------------------ */

static bool print_levels(const struct fb_figures *figures, FILE *out)
{
    size_t rows = 0;
    fputs("size_MB,write_ms,write_lower_ms,write_upper_ms,read_ms,read_lower_ms,read_upper_ms,"
          "dominated,level\n",
          out);
    for (int level = 0; level < 10; level++) {
        const struct fb_figure *size = find(figures, "gzip-4", "file", level);
        const struct fb_figure *write = find(figures, "gzip-4", "write", level);
        const struct fb_figure *read = find(figures, "gzip-4", "full load", level);
        const struct fb_figure *dominated = find(figures, "gzip-4", "dominated by", level);
        if (!size || !write || !read)
            continue;
        put_scaled(out, size->value, 1e6);
        put_times(out, write);
        put_times(out, read);
        fprintf(out, "%d,%d\n", dominated && dominated->value > 0, level);
        rows++;
    }
    return rows > 1;
}

/* --- one access over growing datasets --------------------------------------------------------- */

static const char *const caches[] = { "warm", "cold" };
static const enum fb_contestant readers[] = { FB_PICKLE, FB_H5PY_GZIP, FB_HDF5_GZIP };

/* Where the median of h5py's times gets below pickle's, with the interval of that size. */
static void put_crossing(const struct fb_figures *figures, const char *cache, FILE *out)
{
    char name[64];
    snprintf(name, sizeof name, "of arrays: crossover, %s", cache);
    const struct fb_figure *crossing = find(figures, "random-access", name, NAN);
    put_scaled(out, crossing ? crossing->value : NAN, 1e6);
    put_scaled(out, crossing ? crossing->lower : NAN, 1e6);
    put_scaled(out, crossing ? crossing->upper : NAN, 1e6);
}

static size_t print_reader(const struct fb_figures *figures, size_t reader, size_t cache, FILE *out)
{
    char name[64], field[96];
    size_t rows = 0;
    const char *label = fb_contestants[readers[reader]].label;
    snprintf(name, sizeof name, "%s, %s", label, caches[cache]);
    for (size_t i = 0; i < figures->count; i++) {
        const struct fb_figure *figure = &figures->items[i];
        if (strcmp(figure->claim, "random-access") != 0 || strcmp(figure->figure, name) != 0 ||
            figure->why[0] || isnan(figure->at))
            continue;
        put_times(out, figure);
        put_scaled(out, figure->at, 1e6);
        put_crossing(figures, caches[cache], out);
        fprintf(out, "%s,%zu,%zu\n", plain(label, field, sizeof field), cache, reader);
        rows++;
    }
    return rows;
}

static bool print_access(const struct fb_figures *figures, FILE *out)
{
    size_t rows = 0;
    fputs("median_ms,lower_ms,upper_ms,MB,crossing_MB,crossing_low_MB,crossing_high_MB,label,cold,"
          "reader\n",
          out);
    for (size_t cache = 0; cache < 2; cache++)
        for (size_t reader = 0; reader < sizeof readers / sizeof *readers; reader++)
            rows += print_reader(figures, reader, cache, out);
    return rows > 1;
}

/* --- all of them ------------------------------------------------------------------------------ */

struct table {
    const struct fb_figures *figures;
    print_fn *print;
};

static int print_table(void *context, FILE *out, struct fb_error *err)
{
    const struct table *table = context;
    (void)err;
    return table->print(table->figures, out) ? 0 : NO_DATA;
}

static int write_one(const struct fb_figures *figures, print_fn *print,
                     const struct fb_picture *picture, const char *folder, struct fb_pictures *out,
                     struct fb_error *err)
{
    struct table table = { figures, print };
    char *path;
    struct fb_picture *grown = reallocarray(out->items, out->count + 1, sizeof *out->items);
    if (grown)
        out->items = grown;
    if (!grown || asprintf(&path, "%s/%s.csv", folder, picture->name) < 0)
        return fb_fail_memory(err, "a table for a picture");
    int rc = fb_output_write(path, print_table, &table, err);
    if (rc == 0)
        out->items[out->count++] = *picture;
    free(path);
    return rc == NO_DATA ? 0 : rc;
}

int fb_tidy_claims(const struct fb_figures *figures, const char *folder, struct fb_pictures *out,
                   struct fb_error *err)
{
    static const struct {
        print_fn *print;
        struct fb_picture picture;
    } tables[] = {
        { print_overview,
          { "claims", "claims.gp", "What the guide claims, measured",
            "intervals are 95 %; the rule behind each verdict stands in claims.md" } },
        { print_sizes,
          { "claims-size", "claims-size.gp", "From the pickle to HDF5 with gzip 4, step by step",
            "file size; share of the pickle" } },
        { print_levels,
          { "claims-gzip", "claims-gzip.gp", "gzip levels: size against time",
            "grey: another level is not larger and surely faster; bars are 95 % intervals" } },
        { print_access,
          { "claims-access", "claims-access.gp",
            "One access (all arrays of one person) over growing datasets",
            "median and 95 % interval; the file is opened for it" } },
    };
    int rc = 0;
    if (figures->count == 0)
        return 0;
    for (size_t i = 0; rc == 0 && i < sizeof tables / sizeof *tables; i++)
        rc = write_one(figures, tables[i].print, &tables[i].picture, folder, out, err);
    return rc;
}
