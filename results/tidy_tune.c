/* The tidy tables of what was tried: size against time, and the map of rows by level. */
#include "base/number.h"
#include "base/output.h"
#include "results/label.h"
#include "results/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The pictures have room for so much. */
#define POINTS_MOST 16
#define ROWS_MOST 24
#define LEVELS 10

struct group {
    const struct fb_tune_records *records;
    uint64_t number;
};

static bool of_group(const struct group *group, const struct fb_tune_record *record)
{
    return record->group == group->number;
}

static bool is_point(const struct fb_tune_record *record)
{
    return (strcmp(record->stage, "final") == 0 || strcmp(record->stage, "present") == 0) &&
           record->size_ratio > 0 && record->read_ratio > 0;
}

static const char *kind_of(const struct fb_tune_record *record)
{
    return record->recommended                     ? "recommended"
           : strcmp(record->stage, "present") == 0 ? "present"
           : *record->names                        ? "heuristic"
                                                   : "found";
}

/* --- size against time ------------------------------------------------------------------------ */

static int compare_points(const void *a, const void *b)
{
    const struct fb_tune_record *x = *(const struct fb_tune_record *const *)a;
    const struct fb_tune_record *y = *(const struct fb_tune_record *const *)b;
    return (x->read_ratio > y->read_ratio) - (x->read_ratio < y->read_ratio);
}

static int print_points(void *context, FILE *out, struct fb_error *err)
{
    const struct group *group = context;
    const struct fb_tune_records *records = group->records;
    const struct fb_tune_record *points[POINTS_MOST];
    size_t count = 0;
    (void)err;
    /* What matters first, as far as there is room. */
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < records->count && count < POINTS_MOST; i++) {
            const struct fb_tune_record *record = &records->items[i];
            bool first = record->recommended || record->pareto == 1 || *record->names ||
                         strcmp(record->stage, "present") == 0;
            if (of_group(group, record) && is_point(record) && first == (pass == 0))
                points[count++] = record;
        }
    if (count < 2)
        return 1;
    qsort(points, count, sizeof *points, compare_points);
    fputs("size_ratio,read_ratio,lower,upper,pareto,kind,label\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct fb_tune_record *p = points[i];
        char text[400], label[400];
        /* Commas end fields. */
        snprintf(text, sizeof text, "%s%s%s%s", p->setting, *p->names ? " (" : "", p->names,
                 *p->names ? ")" : "");
        for (char *c = text; *c; c++)
            *c = *c == ',' ? ';' : *c;
        fb_tidy_ascii(fb_plain_text(text, label, sizeof label));
        fprintf(out, "%.6g,%.6g,", p->size_ratio, p->read_ratio);
        if (!isnan(p->read_lower) && !isnan(p->read_upper))
            fprintf(out, "%.6g,%.6g", p->read_lower, p->read_upper);
        else
            fputc(',', out);
        fprintf(out, ",%d,%s,%s\n", p->pareto == 1, kind_of(p), label);
    }
    return 0;
}

/* --- rows by level ---------------------------------------------------------------------------- */

struct map {
    uint64_t rows[1024]; /* of chunks along their first axis */
    size_t count;
    double cost[1024][LEVELS];
};

static bool take_cell(struct map *map, const struct fb_tune_record *record)
{
    uint64_t rows;
    char text[24];
    size_t length = strcspn(record->chunk, "x"), at;
    double cost = !isnan(record->cost) ? record->cost : record->predicted_cost;
    bool gzip = strcmp(record->filter, "gzip") == 0, none = !strcmp(record->filter, "none");
    if ((!gzip && !none) || length >= sizeof text || !(cost > 0) || record->level >= LEVELS)
        return false;
    memcpy(text, record->chunk, length);
    text[length] = '\0';
    if (!fb_parse_u64(text, &rows))
        return false;
    for (at = 0; at < map->count && map->rows[at] != rows; at++)
        ;
    if (at == sizeof map->rows / sizeof *map->rows)
        return false;
    if (at == map->count) {
        map->rows[map->count++] = rows;
        for (int level = 0; level < LEVELS; level++)
            map->cost[at][level] = NAN;
    }
    double *cell = &map->cost[at][none ? 0 : record->level];
    if (isnan(*cell) || cost < *cell)
        *cell = cost;
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t find_rows(const struct map *map, uint64_t rows)
{
    size_t at = 0;
    while (map->rows[at] != rows)
        at++;
    return at;
}

/* Where there are too many different numbers of rows, every n-th. */
static int print_map(void *context, FILE *out, struct fb_error *err)
{
    const struct group *group = context;
    struct map *map = calloc(1, sizeof *map);
    uint64_t order[1024];
    if (!map)
        return fb_fail_memory(err, "a picture");
    for (size_t i = 0; i < group->records->count; i++)
        if (of_group(group, &group->records->items[i]))
            take_cell(map, &group->records->items[i]);
    memcpy(order, map->rows, sizeof order);
    qsort(order, map->count, sizeof *order, compare_rows);
    size_t shown = map->count < ROWS_MOST ? map->count : ROWS_MOST;
    fputs("place,rows,level,cost\n", out);
    for (size_t s = 0; s < shown; s++) {
        uint64_t rows = order[shown > 1 ? s * (map->count - 1) / (shown - 1) : 0];
        size_t at = find_rows(map, rows);
        for (int level = 0; level < LEVELS; level++)
            if (!isnan(map->cost[at][level]))
                fprintf(out, "%zu,%llu,%d,%.6g\n", s, (unsigned long long)rows, level,
                        map->cost[at][level]);
    }
    free(map);
    return shown > 1 ? 0 : 1;
}

/* --- both ------------------------------------------------------------------------------------- */

static int write_one(struct group *group, const char *folder, const char *name, const char *script,
                     const char *title,
                     int (*print)(void *context, FILE *out, struct fb_error *err),
                     struct fb_pictures *out, struct fb_error *err)
{
    struct fb_picture picture = { .script = script };
    const struct fb_tune_record *first = NULL;
    char *path;
    for (size_t i = 0; !first; i++)
        if (of_group(group, &group->records->items[i]))
            first = &group->records->items[i];
    snprintf(picture.name, sizeof picture.name, "%s-%llu", name, (unsigned long long)group->number);
    snprintf(picture.title, sizeof picture.title, "%s", title);
    snprintf(picture.subtitle, sizeof picture.subtitle, "%.90s; %.90s", first->arrays,
             first->access);
    fb_tidy_ascii(picture.subtitle);
    if (asprintf(&path, "%s/%s.csv", folder, picture.name) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = fb_output_write(path, print, group, err);
    free(path);
    if (rc)
        return rc > 0 ? 0 : rc;
    struct fb_picture *items = reallocarray(out->items, out->count + 1, sizeof *items);
    if (!items)
        return fb_fail_memory(err, "the pictures");
    out->items = items;
    items[out->count++] = picture;
    return 0;
}

int fb_tidy_tune(const struct fb_tune_records *records, const char *folder, struct fb_pictures *out,
                 struct fb_error *err)
{
    uint64_t last = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < records->count; i++) {
        struct group group = { records, records->items[i].group };
        if (group.number <= last || group.number == FB_NA)
            continue;
        last = group.number;
        rc = write_one(&group, folder, "tune", "tune.gp", "Size against time of reading",
                       print_points, out, err);
        if (rc == 0)
            rc = write_one(&group, folder, "tune-map", "tune-map.gp",
                           "Cost by rows of a chunk and gzip level, the best of each", print_map,
                           out, err);
    }
    return rc;
}
