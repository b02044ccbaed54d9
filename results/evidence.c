/* The runs behind claims, and quantities straight from their rows. */
#include "results/evidence.h"
#include "results/label.h"
#include "results/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

struct fb_evidence_run *fb_evidence_add(struct fb_evidence *evidence, const char *name)
{
    struct fb_evidence_run *items =
        reallocarray(evidence->items, evidence->count + 1, sizeof *evidence->items);
    if (!items)
        return NULL;
    evidence->items = items;
    items[evidence->count] = (struct fb_evidence_run){ 0 };
    SET(items[evidence->count].name, "%s", name);
    return &items[evidence->count++];
}

int fb_evidence_read(struct fb_evidence *evidence, const char *folder, const char *name,
                     struct fb_error *err)
{
    char *results = NULL, *blocks = NULL, *iterations = NULL;
    struct fb_evidence_run *run = fb_evidence_add(evidence, name);
    int rc = 0;
    if (!run || asprintf(&results, "%s/%s/results.csv", folder, name) < 0 ||
        asprintf(&blocks, "%s/%s/blocks.csv", folder, name) < 0 ||
        asprintf(&iterations, "%s/%s/iterations.csv", folder, name) < 0)
        rc = fb_fail_memory(err, "the evidence");
    if (rc == 0)
        rc = fb_records_read(results, &run->records, err);
    if (rc == 0)
        rc = fb_blocks_read(blocks, &run->blocks, err);
    if (rc == 0)
        rc = fb_iterations_read(iterations, &run->iterations, err);
    free(results);
    free(blocks);
    free(iterations);
    return rc;
}

void fb_evidence_explain(struct fb_evidence *evidence, const char *format, const char *reason)
{
    size_t room = sizeof evidence->absent / sizeof *evidence->absent;
    if (evidence->absent_count == room)
        return;
    SET(evidence->absent[evidence->absent_count].format, "%s", format);
    SET(evidence->absent[evidence->absent_count].reason, "%s", reason);
    evidence->absent_count++;
}

void fb_evidence_free(struct fb_evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++) {
        free(evidence->items[i].records.items);
        free(evidence->items[i].blocks.items);
        free(evidence->items[i].iterations.items);
    }
    free(evidence->items);
    *evidence = (struct fb_evidence){ 0 };
}

/* --- picking ---------------------------------------------------------------------------------- */

static bool fits(const char *wanted, const char *text)
{
    return !wanted || strcmp(wanted, text) == 0;
}

/* Every key=value of `wanted` stands in `options`. */
static bool options_fit(const char *wanted, const char *options)
{
    char key[64], value[256];
    for (const char *p = wanted ? wanted : ""; *p;) {
        size_t n = strcspn(p, ","), k = strcspn(p, "=,");
        snprintf(key, sizeof key, "%.*s", (int)k, p);
        if (k == n || !fb_option_value(options, key, value, sizeof value) ||
            strlen(value) != n - k - 1 || strncmp(value, p + k + 1, n - k - 1) != 0)
            return false;
        p += n + (p[n] == ',');
    }
    return true;
}

static bool is_picked(const struct fb_pick *pick, const struct fb_record *record)
{
    return fits(pick->format, record->format) && options_fit(pick->options, record->options) &&
           fits(pick->workload, record->workload) &&
           options_fit(pick->asked, record->workload_options) && fits(pick->cache, record->cache) &&
           fits(pick->handle, record->handle) && fb_clock_order(record) == 0;
}

static const struct fb_evidence_run *find_run(const struct fb_evidence *evidence, const char *name)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (strcmp(evidence->items[i].name, name) == 0)
            return &evidence->items[i];
    return NULL;
}

static const struct fb_record *find_in(const struct fb_evidence_run *run,
                                       const struct fb_pick *pick)
{
    for (size_t i = 0; run && i < run->records.count; i++)
        if (is_picked(pick, &run->records.items[i]))
            return &run->records.items[i];
    return NULL;
}

const struct fb_record *fb_evidence_find(const struct fb_evidence *evidence,
                                         const struct fb_pick *pick)
{
    return find_in(find_run(evidence, pick->run), pick);
}

static void set_missing(struct fb_quantity *out, const char *why)
{
    *out = (struct fb_quantity){ .value = NAN, .lower = NAN, .upper = NAN };
    SET(out->missing, "%s", why);
}

static void explain_absence(struct fb_quantity *out, const struct fb_evidence *evidence,
                            const struct fb_pick *pick)
{
    char why[256];
    for (size_t i = 0; pick->format && i < evidence->absent_count; i++) {
        if (strcmp(evidence->absent[i].format, pick->format) == 0) {
            set_missing(out, evidence->absent[i].reason);
            return;
        }
    }
    SET(why, "%.40s: %.60s %.30s %.8s %.8s was not measured", pick->run,
        pick->format ? pick->format : "", pick->workload ? pick->workload : "",
        pick->cache ? pick->cache : "", pick->handle ? pick->handle : "");
    set_missing(out, why);
}

/* The row, where it has a time that may be used; else says why not and returns NULL. */
static const struct fb_record *take(struct fb_quantity *out, const struct fb_evidence *evidence,
                                    const struct fb_pick *pick)
{
    char why[256];
    const struct fb_record *record = fb_evidence_find(evidence, pick);
    if (!record) {
        explain_absence(out, evidence, pick);
    } else if (!fb_is_ok(record)) {
        SET(why, "%.60s, %.60s: %.20s: %.100s", record->format, record->workload, record->status,
            record->reason);
        set_missing(out, why);
        record = NULL;
    } else if (fb_is_unproven(record)) {
        SET(why, "%.60s, %.60s: %.16s: %.100s", record->format, record->workload,
            record->cache_state, record->cache_reason);
        set_missing(out, why);
        record = NULL;
    }
    return record;
}

/* --- quantities of a row ---------------------------------------------------------------------- */

/* NAN where the column is no number, is not there or has no value. */
static double number(const struct fb_record *record, const char *name)
{
    const struct fb_column *column = fb_record_columns;
    uint64_t whole;
    double real = NAN;
    while (column->name && strcmp(column->name, name) != 0)
        column++;
    if (!column->name || column->type == FB_COLUMN_TEXT)
        return NAN;
    const char *member = (const char *)record + column->offset;
    if (column->type == FB_COLUMN_DOUBLE) {
        memcpy(&real, member, sizeof real);
        return real;
    }
    memcpy(&whole, member, sizeof whole);
    return whole == FB_NA ? NAN : (double)whole;
}

static double or_nan(uint64_t value)
{
    return value == FB_NA ? NAN : (double)value;
}

/* Sizes and the like are known of rows that have no time, too. */
void fb_quantity_column(struct fb_quantity *out, const struct fb_evidence *evidence,
                        const struct fb_pick *pick, const char *column)
{
    char why[256];
    const struct fb_record *record = fb_evidence_find(evidence, pick);
    double value = record ? number(record, column) : NAN;
    if (!record) {
        explain_absence(out, evidence, pick);
    } else if (isnan(value)) {
        SET(why, "%.60s, %.60s: %.20s is not known%s%.80s", record->format, record->workload,
            column, record->reason[0] ? ": " : "", record->reason);
        set_missing(out, why);
    } else {
        *out = (struct fb_quantity){ .value = value, .lower = value, .upper = value };
        SET(out->formula, "%s/%s.%s", pick->run, record->cell_id, column);
    }
}

void fb_quantity_time(struct fb_quantity *out, const struct fb_evidence *evidence,
                      const struct fb_pick *pick)
{
    const struct fb_record *record = take(out, evidence, pick);
    if (!record)
        return;
    *out = (struct fb_quantity){ .value = or_nan(record->median_ns),
                                 .lower = or_nan(record->lower_ns),
                                 .upper = or_nan(record->upper_ns) };
    SET(out->formula, "time(%s/%s)", pick->run, record->cell_id);
}

/* Median and interval of whole numbers, which are sorted. */
static void summarise(struct fb_quantity *out, uint64_t *values, size_t count)
{
    uint64_t lower, upper;
    double coverage;
    fb_sort_u64(values, count);
    *out = (struct fb_quantity){ .value = (double)fb_median_u64(values, count),
                                 .lower = NAN,
                                 .upper = NAN };
    if (fb_median_interval(values, count, FB_INTERVAL_LEVEL, &lower, &upper, &coverage)) {
        out->lower = (double)lower;
        out->upper = (double)upper;
    }
}

static uint64_t block_cpu(const struct fb_block_record *block)
{
    bool known = block->user_ns != FB_NA && block->system_ns != FB_NA && block->counted != FB_NA &&
                 block->counted > 0;
    return known ? (block->user_ns + block->system_ns) / block->counted : FB_NA;
}

static uint64_t block_peak(const struct fb_block_record *block)
{
    return block->peak_bytes;
}

static void of_blocks(struct fb_quantity *out, const struct fb_evidence *evidence,
                      const struct fb_pick *pick, const char *name,
                      uint64_t (*get)(const struct fb_block_record *block))
{
    const struct fb_record *record = take(out, evidence, pick);
    const struct fb_evidence_run *run = find_run(evidence, pick->run);
    char why[256];
    size_t count = 0;
    if (!record)
        return;
    uint64_t *values = calloc(run->blocks.count + 1, sizeof *values);
    for (size_t i = 0; values && i < run->blocks.count; i++)
        if (strcmp(run->blocks.items[i].cell_id, record->cell_id) == 0 &&
            get(&run->blocks.items[i]) != FB_NA)
            values[count++] = get(&run->blocks.items[i]);
    if (count == 0) {
        SET(why, "%.60s, %.60s: blocks.csv has no %s", record->format, record->workload, name);
        set_missing(out, why);
    } else {
        summarise(out, values, count);
        SET(out->formula, "%s(%s/%s)", name, pick->run, record->cell_id);
    }
    free(values);
}

void fb_quantity_cpu(struct fb_quantity *out, const struct fb_evidence *evidence,
                     const struct fb_pick *pick)
{
    of_blocks(out, evidence, pick, "cpu", block_cpu);
}

void fb_quantity_peak(struct fb_quantity *out, const struct fb_evidence *evidence,
                      const struct fb_pick *pick)
{
    of_blocks(out, evidence, pick, "peak", block_peak);
}

/* --- pairs ------------------------------------------------------------------------------------ */

/* One value a block of a cell, with the block's round, in order of execution. */
struct rounds {
    uint64_t *values, *numbers;
    size_t count;
};

static bool take_rounds(const struct fb_evidence_run *run, const char *cell_id, struct rounds *out)
{
    size_t values;
    *out = (struct rounds){ .numbers = calloc(run->blocks.count + 1, sizeof *out->numbers) };
    if (!out->numbers || fb_block_medians(cell_id, &run->iterations, &out->values, &values))
        return false;
    for (size_t i = 0; i < run->blocks.count; i++)
        if (strcmp(run->blocks.items[i].cell_id, cell_id) == 0)
            out->numbers[out->count++] = run->blocks.items[i].round;
    return out->count == values;
}

/* Ratios of the rounds that both have, in millionths. */
static size_t pair_up(const struct rounds *a, const struct rounds *b, uint64_t *ratios)
{
    size_t count = 0;
    for (size_t i = 0, k = 0; i < a->count; i++) {
        while (k < b->count && b->numbers[k] < a->numbers[i])
            k++;
        if (k < b->count && b->numbers[k] == a->numbers[i] && b->values[k] > 0)
            ratios[count++] = (uint64_t)((double)a->values[i] / (double)b->values[k] * 1e6 + 0.5);
    }
    return count;
}

void fb_quantity_paired(struct fb_quantity *out, const struct fb_evidence *evidence,
                        const struct fb_pick *a, const struct fb_pick *b)
{
    const struct fb_record *x = take(out, evidence, a);
    const struct fb_record *y = x ? take(out, evidence, b) : NULL;
    struct rounds rounds_a = { 0 }, rounds_b = { 0 };
    size_t count = 0;
    if (!y)
        return;
    const struct fb_evidence_run *run = find_run(evidence, a->run);
    uint64_t *ratios = calloc(run->blocks.count + 1, sizeof *ratios);
    if (ratios && take_rounds(run, x->cell_id, &rounds_a) &&
        take_rounds(run, y->cell_id, &rounds_b))
        count = pair_up(&rounds_a, &rounds_b, ratios);
    if (count == 0) {
        set_missing(out, "no round has a block of both rows");
    } else {
        summarise(out, ratios, count);
        out->value /= 1e6;
        out->lower /= 1e6;
        out->upper /= 1e6;
        SET(out->formula, "paired(%s/%s, %s/%s)", a->run, x->cell_id, b->run, y->cell_id);
    }
    free(ratios);
    free(rounds_a.values);
    free(rounds_a.numbers);
    free(rounds_b.values);
    free(rounds_b.numbers);
}

/* --- the same row of several runs ------------------------------------------------------------- */

void fb_quantity_over(struct fb_quantity *out, const struct fb_evidence *evidence,
                      const struct fb_pick *pick, const char *column)
{
    const struct fb_record *first = NULL;
    size_t count = 0;
    uint64_t *values = calloc(evidence->count + 1, sizeof *values);
    for (size_t i = 0; values && i < evidence->count; i++) {
        const struct fb_evidence_run *run = &evidence->items[i];
        const struct fb_record *record =
            strncmp(run->name, pick->run, strlen(pick->run)) == 0 ? find_in(run, pick) : NULL;
        double value = record ? number(record, column) : NAN;
        if (isnan(value))
            continue;
        first = first ? first : record;
        values[count++] = (uint64_t)value;
    }
    if (count == 0) {
        explain_absence(out, evidence, pick);
    } else {
        summarise(out, values, count);
        SET(out->formula, "over(%s*, %s.%s)", pick->run, first->cell_id, column);
    }
    free(values);
}
