/* The sides of a comparison: read, checked, and held against each other. */
#include "results/compare.h"
#include "results/history.h"
#include "results/label.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------------------- */

static int check_record(const char *path, const struct fb_compare_side *side, size_t index,
                        struct fb_error *err)
{
    const struct fb_record *record = &side->records.items[index];
    struct fb_record again = *record;
    if (strcmp(record->run_id, side->run_id) != 0)
        return fb_fail(err, FB_EFORMAT, "%s holds rows of two runs, %s and %s", path, side->run_id,
                       record->run_id);
    fb_cell_id(&again);
    if (strcmp(again.cell_id, record->cell_id) != 0)
        return fb_fail(err, FB_EFORMAT, "%s: the cell_id %s is not that of its row, %s", path,
                       record->cell_id, again.cell_id);
    for (size_t k = 0; k < index; k++)
        if (strcmp(side->records.items[k].cell_id, record->cell_id) == 0)
            return fb_fail(err, FB_EFORMAT, "%s: the cell %s stands there twice", path,
                           record->cell_id);
    return 0;
}

static int read_records(const char *path, struct fb_compare_side *side, struct fb_error *err)
{
    int rc = fb_records_read(path, &side->records, err);
    if (rc == 0 && side->records.count == 0)
        rc = fb_fail(err, FB_ENOTHING, "nothing to compare: %s has no rows", path);
    if (rc == 0 && !side->records.items[0].run_id[0])
        rc = fb_fail(err, FB_EFORMAT, "%s has no run_id", path);
    if (rc == 0)
        memcpy(side->run_id, side->records.items[0].run_id, sizeof side->run_id);
    for (size_t i = 0; rc == 0 && i < side->records.count; i++)
        rc = check_record(path, side, i, err);
    return rc;
}

/* Iterations by cell lie together: the timed ones of each run of rows. */
static size_t count_timed(const struct fb_iterations *iterations, size_t *at, const char *cell_id)
{
    size_t timed = 0;
    while (*at < iterations->count && strcmp(iterations->items[*at].cell_id, cell_id) < 0)
        ++*at;
    for (; *at < iterations->count && strcmp(iterations->items[*at].cell_id, cell_id) == 0; ++*at)
        timed += iterations->items[*at].warmup != 1 && iterations->items[*at].ns != FB_NA;
    return timed;
}

static int compare_cells(const void *a, const void *b)
{
    const struct fb_record *x = *(const struct fb_record *const *)a;
    const struct fb_record *y = *(const struct fb_record *const *)b;
    return strcmp(x->cell_id, y->cell_id);
}

/* A file that was cut between two lines looks whole: results.csv knows better. */
static int check_counts(const char *path, const struct fb_compare_side *side, struct fb_error *err)
{
    const struct fb_record **cells = calloc(side->records.count + 1, sizeof *cells);
    size_t at = 0;
    int rc = cells ? 0 : fb_fail_memory(err, "the cells");
    for (size_t i = 0; rc == 0 && i < side->records.count; i++)
        cells[i] = &side->records.items[i];
    if (rc == 0 && side->records.count > 1)
        qsort(cells, side->records.count, sizeof *cells, compare_cells);
    for (size_t i = 0; rc == 0 && i < side->records.count; i++) {
        size_t timed = count_timed(&side->iterations, &at, cells[i]->cell_id);
        if (strcmp(cells[i]->status, "ok") == 0 && cells[i]->iterations != timed)
            rc = fb_fail(err, FB_EFORMAT,
                         "%s has %zu timed iterations of the cell %s, the results.csv beside it "
                         "says %" PRIu64 ": they are not of one run, or one was cut short",
                         path, timed, cells[i]->cell_id,
                         cells[i]->iterations == FB_NA ? 0 : cells[i]->iterations);
    }
    free(cells);
    return rc;
}

static int read_iterations(const char *path, struct fb_compare_side *side, struct fb_error *err)
{
    int rc = fb_iterations_read(path, &side->iterations, err);
    for (size_t i = 0; rc == 0 && i < side->iterations.count; i++)
        if (strcmp(side->iterations.items[i].run_id, side->run_id) != 0)
            rc =
                fb_fail(err, FB_EFORMAT, "%s is of the run '%s', the results.csv beside it of '%s'",
                        path, side->iterations.items[i].run_id, side->run_id);
    if (rc)
        return rc;
    fb_compare_side_sort(side);
    return check_counts(path, side, err);
}

static int read_file(const char *folder, const char *name, struct fb_compare_side *side,
                     int (*read)(const char *path, struct fb_compare_side *side,
                                 struct fb_error *err),
                     struct fb_error *err)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = read(path, side, err);
    free(path);
    return rc;
}

static int read_machine(const char *path, struct fb_compare_side *side, struct fb_error *err)
{
    return fb_machine_read(path, side->run_id, &side->machine, err);
}

int fb_compare_side_read(const char *folder, struct fb_compare_side *out, struct fb_error *err)
{
    *out = (struct fb_compare_side){ 0 };
    int rc = read_file(folder, "results.csv", out, read_records, err);
    if (rc == 0)
        rc = read_file(folder, "environment.json", out, read_machine, err);
    if (rc == 0)
        rc = read_file(folder, "iterations.csv", out, read_iterations, err);
    if (rc)
        fb_compare_side_free(out);
    return rc;
}

void fb_compare_side_free(struct fb_compare_side *side)
{
    free(side->records.items);
    free(side->iterations.items);
    *side = (struct fb_compare_side){ 0 };
}

/* --- what speaks against it ------------------------------------------------------------------- */

/* The first cell of both whose arrays have another size in each. */
static const struct fb_record *resized(const struct fb_compare_side *old,
                                       const struct fb_compare_side *new,
                                       const struct fb_record **other)
{
    for (size_t i = 0; i < new->records.count; i++)
        for (size_t k = 0; k < old->records.count; k++) {
            const struct fb_record *a = &old->records.items[k], *b = &new->records.items[i];
            if (strcmp(a->cell_id, b->cell_id) == 0 && a->dataset_bytes != b->dataset_bytes &&
                a->dataset_bytes != FB_NA && b->dataset_bytes != FB_NA) {
                *other = b;
                return a;
            }
        }
    return NULL;
}

char *fb_compare_obstacle(const struct fb_compare_side *old, const struct fb_compare_side *new,
                          char *buf, size_t size)
{
    char machine[sizeof(struct fb_machine) * 2], data[256] = "";
    const struct fb_record *larger = NULL, *one = resized(old, new, &larger);
    const char *a = old->records.count ? fb_history_dataset(old->records.items[0].dataset) : "";
    const char *b = new->records.count ? fb_history_dataset(new->records.items[0].dataset) : "";
    fb_machine_differences(&old->machine, &new->machine, machine, sizeof machine);
    if (strcmp(a, b) != 0)
        snprintf(data, sizeof data, "dataset (%.100s, %.100s)", a, b);
    else if (one)
        snprintf(data, sizeof data, "dataset (%.100s of %" PRIu64 " and %" PRIu64 " bytes)", a,
                 one->dataset_bytes, larger->dataset_bytes);
    char text[sizeof machine + sizeof data + 8];
    snprintf(text, sizeof text, "%s%s%s", machine, *machine && *data ? " and " : "", data);
    return fb_plain_text(text, buf, size);
}
