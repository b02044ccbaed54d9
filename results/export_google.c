/* Google Benchmark's JSON: `context`, and `benchmarks` with a row of run_type "iteration" a block.
 * The rows of one name are its repetitions, which compare.py holds against those of another file;
 * of a gate, "NAME/A" and "NAME/B" stand in one file (compare.py filters FILE /A$ /B$). A processor
 * time that is not known is 0, since the field must be there. */
#include "results/export.h"
#include "results/label.h"
#include "results/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- context ---------------------------------------------------------------------------------- */

static const char *text_of(const struct fb_export *export, const char *key)
{
    const char *text = json_string_value(json_object_get(export->environment, key));
    return text ? text : "n/a";
}

static json_t *context_json(const struct fb_export *export, size_t left_out)
{
    const char *governor = text_of(export, "governor");
    bool scaling = strcmp(governor, "n/a") != 0 && strcmp(governor, "performance") != 0;
    char count[24];
    snprintf(count, sizeof count, "%zu", left_out);
    return json_pack("{s:s, s:s, s:I, s:i, s:b, s:[], s:s, s:i, s:s, s:s, s:s}", "date",
                     text_of(export, "time"), "executable", "fmtbench", "num_cpus",
                     json_integer_value(json_object_get(export->environment, "cores")),
                     "mhz_per_cpu", 0, "cpu_scaling_enabled", scaling, "caches",
                     "library_build_type", "release", "json_schema_version", 1, "fmtbench_version",
                     text_of(export, "fmtbench"), "cpu", text_of(export, "cpu"),
                     "cells_without_time", count);
}

/* --- rows ------------------------------------------------------------------------------------- */

struct row {
    const char *name;
    size_t family, repetitions, repetition;
    uint64_t iterations, ns;
    double cpu_ns, bytes_per_second; /* NAN for none */
};

static int add_row(json_t *rows, const struct row *row, struct fb_error *err)
{
    json_t *json = json_pack(
        "{s:s, s:I, s:i, s:s, s:s, s:I, s:I, s:i, s:o, s:o, s:f, s:s}", "name", row->name,
        "family_index", (json_int_t)row->family, "per_family_instance_index", 0, "run_name",
        row->name, "run_type", "iteration", "repetitions", (json_int_t)row->repetitions,
        "repetition_index", (json_int_t)row->repetition, "threads", 1, "iterations",
        fb_export_integer(row->iterations), "real_time", fb_export_integer(row->ns), "cpu_time",
        isnan(row->cpu_ns) ? 0.0 : row->cpu_ns, "time_unit", "ns");
    if (json && isfinite(row->bytes_per_second))
        json_object_set_new(json, "bytes_per_second", json_real(row->bytes_per_second));
    return json_array_append_new(rows, json) == 0 ? 0 : fb_fail_memory(err, "the export");
}

/* --- a run ------------------------------------------------------------------------------------ */

/* Iterations by cell and block, blocks by number: both files may be large. */
struct index {
    const struct fb_iteration **iterations;
    size_t count;
    const struct fb_block_record **blocks;
    size_t block_count;
    uint64_t *scratch; /* as many as iterations */
};

static int compare_iterations(const void *a, const void *b)
{
    const struct fb_iteration *x = *(const struct fb_iteration *const *)a;
    const struct fb_iteration *y = *(const struct fb_iteration *const *)b;
    int cells = strcmp(x->cell_id, y->cell_id);
    if (cells != 0 || x->block == y->block)
        return cells;
    return x->block < y->block ? -1 : 1;
}

static int compare_blocks(const void *a, const void *b)
{
    const struct fb_block_record *x = *(const struct fb_block_record *const *)a;
    const struct fb_block_record *y = *(const struct fb_block_record *const *)b;
    return x->block < y->block ? -1 : x->block > y->block;
}

static void index_free(struct index *index)
{
    free(index->iterations);
    free(index->blocks);
    free(index->scratch);
}

static int index_make(const struct fb_export *export, struct index *index, struct fb_error *err)
{
    *index = (struct index){ 0 };
    index->iterations = calloc(export->iterations.count + 1, sizeof *index->iterations);
    index->blocks = calloc(export->blocks.count + 1, sizeof *index->blocks);
    index->scratch = calloc(export->iterations.count + 1, sizeof *index->scratch);
    if (!index->iterations || !index->blocks || !index->scratch) {
        index_free(index);
        return fb_fail_memory(err, "the blocks");
    }
    for (size_t i = 0; i < export->iterations.count; i++)
        if (export->iterations.items[i].warmup == 0)
            index->iterations[index->count++] = &export->iterations.items[i];
    for (size_t i = 0; i < export->blocks.count; i++)
        index->blocks[index->block_count++] = &export->blocks.items[i];
    qsort(index->iterations, index->count, sizeof *index->iterations, compare_iterations);
    qsort(index->blocks, index->block_count, sizeof *index->blocks, compare_blocks);
    return 0;
}

static size_t first_of_cell(const struct index *index, const char *cell_id)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(index->iterations[middle]->cell_id, cell_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many of the iterations from `at` on are of the same cell, and of the same block. */
static size_t stretch(const struct index *index, size_t at, bool same_block)
{
    size_t end = at;
    while (end < index->count &&
           strcmp(index->iterations[end]->cell_id, index->iterations[at]->cell_id) == 0 &&
           (!same_block || index->iterations[end]->block == index->iterations[at]->block))
        end++;
    return end - at;
}

static double cpu_of(const struct index *index, const struct fb_iteration *iteration)
{
    struct fb_block_record key = { .block = iteration->block };
    const struct fb_block_record *wanted = &key;
    const struct fb_block_record *const *found =
        bsearch(&wanted, index->blocks, index->block_count, sizeof *index->blocks, compare_blocks);
    if (!found || strcmp((*found)->cell_id, iteration->cell_id) != 0 ||
        (*found)->user_ns == FB_NA || (*found)->system_ns == FB_NA || (*found)->counted == FB_NA ||
        (*found)->counted == 0)
        return NAN;
    return ((double)(*found)->user_ns + (double)(*found)->system_ns) / (double)(*found)->counted;
}

static int add_cell(const struct fb_export *export, const struct index *index, size_t i,
                    json_t *rows, struct fb_error *err)
{
    const struct fb_record *record = &export->records.items[i];
    struct row row = { .name = export->names[i], .family = i };
    size_t first = first_of_cell(index, record->cell_id), end = first;
    if (first < index->count && strcmp(index->iterations[first]->cell_id, record->cell_id) == 0)
        end += stretch(index, first, false);
    for (size_t at = first; at < end; at += stretch(index, at, true))
        row.repetitions++;
    for (size_t at = first; at < end; row.repetition++) {
        size_t n = stretch(index, at, true);
        for (size_t k = 0; k < n; k++)
            index->scratch[k] = index->iterations[at + k]->ns;
        row.iterations = n;
        row.ns = fb_median_of(index->scratch, n);
        row.cpu_ns = cpu_of(index, index->iterations[at]);
        row.bytes_per_second = record->request_bytes == FB_NA || row.ns == 0
                                   ? NAN
                                   : (double)record->request_bytes / (double)row.ns * 1e9;
        int rc = row.ns == FB_NA ? 0 : add_row(rows, &row, err);
        if (rc)
            return rc;
        at += n;
    }
    return 0;
}

static int add_run(const struct fb_export *export, json_t *rows, size_t *left_out,
                   struct fb_error *err)
{
    struct index index;
    int rc = index_make(export, &index, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < export->records.count; i++) {
        size_t before = json_array_size(rows);
        if (fb_is_ok(&export->records.items[i]))
            rc = add_cell(export, &index, i, rows, err);
        *left_out += json_array_size(rows) == before;
    }
    index_free(&index);
    return rc;
}

/* --- a gate ----------------------------------------------------------------------------------- */

/* All pairs of a cell in which both sides have a time, those of A and then those of B. */
static int add_side(const struct fb_export *export, size_t cell, bool b, size_t repetitions,
                    json_t *rows, struct fb_error *err)
{
    char *name;
    int rc = 0;
    if (asprintf(&name, "%s/%c", export->names[cell], b ? 'B' : 'A') < 0)
        return fb_fail_memory(err, "a name");
    struct row row = { .name = name,
                       .family = 2 * cell + b,
                       .repetitions = repetitions,
                       .iterations = 1,
                       .cpu_ns = NAN,
                       .bytes_per_second = NAN };
    for (size_t i = 0; rc == 0 && i < export->pairs.count; i++) {
        const struct fb_gate_pair *pair = &export->pairs.items[i];
        if (export->pair_cells[i] != cell || pair->a_ns == FB_NA || pair->b_ns == FB_NA)
            continue;
        row.ns = b ? pair->b_ns : pair->a_ns;
        rc = add_row(rows, &row, err);
        row.repetition++;
    }
    free(name);
    return rc;
}

static int add_gate(const struct fb_export *export, json_t *rows, size_t *left_out,
                    struct fb_error *err)
{
    int rc = 0;
    for (size_t cell = 0; rc == 0 && cell < export->cells.count; cell++) {
        size_t repetitions = 0;
        for (size_t i = 0; i < export->pairs.count; i++)
            repetitions += export->pair_cells[i] == cell && export->pairs.items[i].a_ns != FB_NA &&
                           export->pairs.items[i].b_ns != FB_NA;
        *left_out += repetitions == 0;
        for (int b = 0; rc == 0 && b < 2; b++)
            rc = add_side(export, cell, b == 1, repetitions, rows, err);
    }
    return rc;
}

int fb_export_print_google(const struct fb_export *export, FILE *out, struct fb_error *err)
{
    size_t left_out = 0;
    json_t *rows = json_array();
    if (!rows)
        return fb_fail_memory(err, "the export");
    int rc = export->gate ? add_gate(export, rows, &left_out, err)
                          : add_run(export, rows, &left_out, err);
    if (rc) {
        json_decref(rows);
        return rc;
    }
    return fb_export_print_json(
        json_pack("{s:o, s:o}", "context", context_json(export, left_out), "benchmarks", rows), out,
        err);
}
