#include "results/export.h"
#include "base/options.h"
#include "base/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct fb_exporter fb_exporters[] = {
    { "markdown", "a table for a pull-request comment, worst first", false,
      fb_export_print_markdown },
    { "junit", "JUnit XML, a test case a cell, for Jenkins and GitLab", false,
      fb_export_print_junit },
    { "github-action-benchmark", "its customSmallerIsBetter JSON", false, fb_export_print_github },
    { "google-benchmark", "Google Benchmark's JSON, for its compare.py", true,
      fb_export_print_google },
    { 0 },
};

static const char *exporter_name(const void *context, size_t i)
{
    (void)context;
    return fb_exporters[i].name;
}

int fb_exporter_find(const char *name, const struct fb_exporter **out, struct fb_error *err)
{
    char names[256] = "";
    size_t count = 0;
    for (; fb_exporters[count].name; count++) {
        *out = &fb_exporters[count];
        if (strcmp((*out)->name, name) == 0)
            return 0;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", count ? ", " : "", (*out)->name);
    }
    const char *near = fb_nearest(name, exporter_name, NULL, count);
    return fb_fail(err, FB_EUSAGE, "--to=%s is no format%s%s%s; there are: %s", name,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "", names);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void clean_row(const struct fb_column *columns, void *row)
{
    for (; columns->name; columns++)
        if (columns->type == FB_COLUMN_TEXT)
            fb_export_clean((char *)row + columns->offset);
}

static char *path_in(const char *folder, const char *file, struct fb_error *err)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, file) >= 0)
        return path;
    fb_fail_memory(err, "a file name");
    return NULL;
}

static int read_blocks(const char *folder, struct fb_export *out, struct fb_error *err)
{
    char *blocks = path_in(folder, "blocks.csv", err);
    char *iterations = blocks ? path_in(folder, "iterations.csv", err) : NULL;
    int rc = iterations ? fb_blocks_read(blocks, &out->blocks, err) : FB_EMEMORY;
    if (rc == 0)
        rc = fb_iterations_read(iterations, &out->iterations, err);
    free(blocks);
    free(iterations);
    return rc;
}

static int read_run(const char *folder, const char *path, bool blocks, struct fb_export *out,
                    struct fb_error *err)
{
    int rc = fb_records_read(path, &out->records, err);
    if (rc == 0 && out->records.count == 0)
        rc = fb_fail(err, FB_ENOTHING, "nothing to export: %s has no rows", path);
    if (rc == 0 && blocks)
        rc = read_blocks(folder, out, err);
    for (size_t i = 0; rc == 0 && i < out->records.count; i++)
        clean_row(fb_record_columns, &out->records.items[i]);
    return rc;
}

static bool same_cell(const struct fb_gate_record *record, const char *arm, const char *cell)
{
    return strcmp(record->cell, cell) == 0 && strcmp(record->arm, arm) == 0;
}

static int check_cells(const char *path, const struct fb_gate_records *cells, struct fb_error *err)
{
    for (size_t i = 0; i < cells->count; i++)
        for (size_t k = 0; k < i; k++)
            if (same_cell(&cells->items[k], cells->items[i].arm, cells->items[i].cell))
                return fb_fail(err, FB_EFORMAT,
                               "%s: the cell '%s' stands there twice; which pairs are of which "
                               "cannot be told",
                               path, cells->items[i].cell);
    return 0;
}

/* Pairs stand in runs of one cell or in rounds over all cells. */
static int match_pairs(const char *path, struct fb_export *out, struct fb_error *err)
{
    size_t at = 0, count = out->cells.count;
    out->pair_cells = calloc(out->pairs.count + 1, sizeof *out->pair_cells);
    if (!out->pair_cells)
        return fb_fail_memory(err, "the pairs");
    for (size_t i = 0; i < out->pairs.count; i++) {
        const struct fb_gate_pair *pair = &out->pairs.items[i];
        size_t tried = 0;
        while (tried < count && !same_cell(&out->cells.items[at], pair->arm, pair->cell)) {
            at = (at + 1) % count;
            tried++;
        }
        if (tried == count)
            return fb_fail(err, FB_EFORMAT, "%s: the cell '%s' (%s) is not in gate.csv", path,
                           pair->cell, pair->arm);
        out->pair_cells[i] = at;
    }
    return 0;
}

static int read_gate(const char *folder, const char *path, bool pairs, struct fb_export *out,
                     struct fb_error *err)
{
    out->gate = true;
    int rc = fb_gate_records_read(path, &out->cells, err);
    if (rc == 0 && out->cells.count == 0)
        rc = fb_fail(err, FB_ENOTHING, "nothing to export: %s has no rows", path);
    if (rc == 0 && pairs) {
        char *pairs_path = path_in(folder, "pairs.csv", err);
        rc = pairs_path ? check_cells(path, &out->cells, err) : FB_EMEMORY;
        if (rc == 0)
            rc = fb_gate_pairs_read(pairs_path, &out->pairs, err);
        if (rc == 0)
            rc = match_pairs(pairs_path, out, err);
        free(pairs_path);
    }
    for (size_t i = 0; rc == 0 && i < out->cells.count; i++)
        clean_row(fb_gate_columns, &out->cells.items[i]);
    return rc;
}

/* Whatever it lacks is n/a: a folder without it is still worth exporting. */
static int read_environment(const char *folder, struct fb_export *out, struct fb_error *err)
{
    struct fb_error ignored;
    char *text, *path = path_in(folder, "environment.json", err);
    size_t length;
    if (!path)
        return FB_EMEMORY;
    if (fb_read_file(path, 1 << 20, &text, &length, &ignored) == 0) {
        out->environment = json_loadb(text, length, 0, NULL);
        free(text);
    }
    free(path);
    return 0;
}

static int read_either(const char *folder, bool blocks, struct fb_export *out, struct fb_error *err)
{
    char *gate = path_in(folder, "gate.csv", err);
    char *results = gate ? path_in(folder, "results.csv", err) : NULL;
    int rc = results ? 0 : FB_EMEMORY;
    if (rc == 0 && access(gate, F_OK) == 0)
        rc = read_gate(folder, gate, blocks, out, err);
    else if (rc == 0 && access(results, F_OK) == 0)
        rc = read_run(folder, results, blocks, out, err);
    else if (rc == 0)
        rc = fb_fail(err, FB_EFORMAT,
                     "%s holds neither results.csv nor gate.csv; give the folder of a run or a "
                     "gate",
                     folder);
    free(gate);
    free(results);
    return rc;
}

int fb_export_read(const char *folder, const struct fb_exporter *exporter, struct fb_export *out,
                   struct fb_error *err)
{
    struct stat st;
    *out = (struct fb_export){ 0 };
    if (stat(folder, &st) < 0)
        return fb_fail_errno(err, "cannot read %s", folder);
    if (!S_ISDIR(st.st_mode))
        return fb_fail(err, FB_EIO, "%s is no folder; give the folder of a run or a gate", folder);
    int rc = read_either(folder, exporter->needs_blocks, out, err);
    if (rc == 0)
        rc = read_environment(folder, out, err);
    if (rc == 0)
        rc = fb_export_name_all(out, err);
    if (rc)
        fb_export_free(out);
    return rc;
}

void fb_export_free(struct fb_export *export)
{
    for (size_t i = 0; i < export->name_count; i++)
        free(export->names[i]);
    free(export->names);
    free(export->pair_cells);
    free(export->records.items);
    free(export->blocks.items);
    free(export->iterations.items);
    free(export->cells.items);
    free(export->pairs.items);
    json_decref(export->environment);
    *export = (struct fb_export){ 0 };
}
