/* The rows of a stored run: what it measured, and where. */
#include "base/number.h"
#include "base/output.h"
#include "results/history.h"
#include "results/label.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define ENVIRONMENT_MOST (UINT64_C(1) << 20)

char *fb_machine_id(const char *cpu, uint64_t cores, uint64_t memory_bytes, const char *filesystem,
                    char *buf, size_t size)
{
    /* What the kernel keeps for itself of the memory differs from boot to boot. */
    uint64_t gib = memory_bytes == FB_NA ? FB_NA : (memory_bytes + (UINT64_C(1) << 29)) >> 30;
    char text[512];
    int length = snprintf(text, sizeof text, "%.200s\n%" PRIu64 "\n%" PRIu64 "\n%.60s", cpu, cores,
                          gib, filesystem);
    snprintf(buf, size, "m%08" PRIx64, (uint64_t)XXH3_64bits(text, (size_t)length) >> 32);
    return buf;
}

static int read_environment(const char *path, json_t **out, struct fb_error *err)
{
    char *text;
    size_t length;
    json_error_t json_error;
    int rc = fb_read_file(path, ENVIRONMENT_MOST, &text, &length, err);
    if (rc)
        return rc;
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &json_error);
    free(text);
    if (*out && json_is_object(*out))
        return 0;
    fb_fail(err, FB_EFORMAT, "%s is no environment.json of a run: %s", path,
            *out ? "it holds no object" : json_error.text);
    json_decref(*out);
    return FB_EFORMAT;
}

/* Text that goes into a column: "n/a" where it is missing, cut where it is too long, in one line.
 */
static void put_text(const json_t *json, const char *key, char *buf, size_t size)
{
    const char *text = json_string_value(json_object_get(json, key));
    fb_plain_text(text ? text : "n/a", buf, size);
}

static uint64_t get_u64(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (uint64_t)json_integer_value(value)
               : FB_NA;
}

static int take_environment(const char *path, const char *run_id, struct fb_history_record *row,
                            struct fb_error *err)
{
    json_t *json = NULL;
    char filesystem[64];
    int rc = read_environment(path, &json, err);
    if (rc)
        return rc;
    const char *theirs = json_string_value(json_object_get(json_object_get(json, "run"), "run_id"));
    put_text(json, "time", row->time, sizeof row->time);
    put_text(json, "commit", row->commit, sizeof row->commit);
    put_text(json, "cpu", row->cpu, sizeof row->cpu);
    put_text(json, "kernel", row->kernel, sizeof row->kernel);
    put_text(json, "filesystem", filesystem, sizeof filesystem);
    row->cores = get_u64(json, "cores");
    fb_machine_id(row->cpu, row->cores, get_u64(json, "memory_bytes"), filesystem, row->machine,
                  sizeof row->machine);
    if (!theirs || strcmp(theirs, run_id) != 0)
        rc = fb_fail(err, FB_EFORMAT, "%s is of the run '%.80s', the results.csv beside it of '%s'",
                     path, theirs ? theirs : "", run_id);
    else if (!fb_history_is_time(row->time))
        rc = fb_fail(err, FB_EFORMAT, "%s: its time '%s' is not of the form 2026-11-24T20:31:30Z",
                     path, row->time);
    json_decref(json);
    return rc;
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
