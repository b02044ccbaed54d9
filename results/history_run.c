/* The rows of a stored run: what it measured, and where. */
#include "results/history.h"
#include "results/label.h"
#include "results/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_environment(const char *path, const char *run_id, struct fb_history_record *row,
                            struct fb_error *err)
{
    struct fb_machine machine;
    int rc = fb_machine_read(path, run_id, &machine, err);
    if (rc)
        return rc;
    memcpy(row->time, machine.time, sizeof row->time);
    memcpy(row->commit, machine.commit, sizeof row->commit);
    memcpy(row->cpu, machine.cpu, sizeof row->cpu);
    memcpy(row->kernel, machine.kernel, sizeof row->kernel);
    memcpy(row->machine, machine.id, sizeof row->machine);
    row->cores = machine.cores;
    if (!fb_history_is_time(row->time))
        return fb_fail(err, FB_EFORMAT, "%s: its time '%s' is not of the form 2026-11-24T20:31:30Z",
                       path, row->time);
    return 0;
}

static void take_cell(const struct fb_record *cell, struct fb_history_record *row)
{
    memcpy(row->cell_id, cell->cell_id, sizeof row->cell_id);
    memcpy(row->dataset, cell->dataset, sizeof row->dataset);
    row->dataset_bytes = cell->dataset_bytes;
    memcpy(row->format, cell->format, sizeof row->format);
    memcpy(row->options, cell->options, sizeof row->options);
    memcpy(row->workload, cell->workload, sizeof row->workload);
    memcpy(row->workload_options, cell->workload_options, sizeof row->workload_options);
    memcpy(row->cache, cell->cache, sizeof row->cache);
    memcpy(row->handle, cell->handle, sizeof row->handle);
    memcpy(row->clock, cell->clock, sizeof row->clock);
    memcpy(row->cache_state, cell->cache_state, sizeof row->cache_state);
    row->median_ns = cell->median_ns;
    row->lower_ns = cell->lower_ns;
    row->upper_ns = cell->upper_ns;
    row->file_bytes = cell->file_bytes;
    row->read_bytes = cell->read_bytes;
    row->read_calls = cell->read_calls;
}

static int take_cells(const char *path, const struct fb_records *cells,
                      struct fb_history_record *row, struct fb_history *out, size_t *left_out,
                      struct fb_error *err)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct fb_record *cell = &cells->items[i];
        struct fb_record again = *cell;
        if (strcmp(cell->run_id, row->run_id) != 0)
            return fb_fail(err, FB_EFORMAT, "%s holds rows of two runs, %s and %s", path,
                           row->run_id, cell->run_id);
        fb_cell_id(&again);
        if (strcmp(again.cell_id, cell->cell_id) != 0)
            return fb_fail(err, FB_EFORMAT, "%s: the cell_id %s is not that of its row, %s", path,
                           cell->cell_id, again.cell_id);
        if (!fb_is_ok(cell) || cell->median_ns == FB_NA || cell->median_ns == 0) {
            ++*left_out;
            continue;
        }
        take_cell(cell, row);
        int rc = fb_history_records_add(out, row, err);
        if (rc)
            return rc;
    }
    if (out->count == 0)
        return fb_fail(err, FB_ENOTHING, "%s has no row with a time: nothing to add", path);
    return 0;
}

int fb_history_of_run(const char *folder, const char *label, struct fb_history *out,
                      size_t *left_out, struct fb_error *err)
{
    struct fb_records cells = { 0 };
    struct fb_history_record row;
    char *results = NULL, *environment = NULL;
    *out = (struct fb_history){ 0 };
    *left_out = 0;
    fb_history_record_init(&row);
    fb_plain_text(label, row.label, sizeof row.label);
    int rc = asprintf(&results, "%s/results.csv", folder) < 0 ||
                     asprintf(&environment, "%s/environment.json", folder) < 0
                 ? fb_fail_memory(err, "a file name")
                 : fb_records_read(results, &cells, err);
    if (rc == 0 && (cells.count == 0 || !cells.items[0].run_id[0]))
        rc = fb_fail(err, cells.count ? FB_EFORMAT : FB_ENOTHING, "%s has no %s", results,
                     cells.count ? "run_id" : "row: nothing to add");
    if (rc == 0) {
        memcpy(row.run_id, cells.items[0].run_id, sizeof row.run_id);
        rc = take_environment(environment, row.run_id, &row, err);
    }
    if (rc == 0)
        rc = take_cells(results, &cells, &row, out, left_out, err);
    if (rc) {
        free(out->items);
        *out = (struct fb_history){ 0 };
    }
    free(cells.items);
    free(results);
    free(environment);
    return rc;
}
