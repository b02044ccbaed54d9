/* Rows of a comparison: cells of both runs, matched and judged. */
#include "results/compare.h"
#include "results/label.h"
#include "results/shift.h"
#include "results/statistics.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

const char *const fb_compare_words[FB_COMPARE_WORDS] = {
    [FB_COMPARE_SLOWER] = "slower",     [FB_COMPARE_FAILED] = "failed",
    [FB_COMPARE_ONLY_OLD] = "only old", [FB_COMPARE_UNCLEAR] = "unclear",
    [FB_COMPARE_ONLY_NEW] = "only new", [FB_COMPARE_FASTER] = "faster",
    [FB_COMPARE_ALIKE] = "alike",
};

enum fb_compare_word fb_compare_word_of(const struct fb_compare_record *record)
{
    for (int i = 0; i < FB_COMPARE_WORDS; i++)
        if (strcmp(record->word, fb_compare_words[i]) == 0)
            return (enum fb_compare_word)i;
    return FB_COMPARE_UNCLEAR;
}

/* --- one cell --------------------------------------------------------------------------------- */

/* One side of a cell. */
struct half {
    const struct fb_record *record; /* NULL: not measured there */
    const char *why;                /* of that, "" where the run has no such row */
    double *logs;                   /* of the block medians */
    size_t blocks;
    uint64_t median_ns;
};

static bool has_run(const struct fb_record *record)
{
    return strcmp(record->status, "not-applicable") != 0 && strcmp(record->status, "not-run") != 0;
}

static int compare_ids(const void *a, const void *b)
{
    const struct fb_iteration *x = a, *y = b;
    return strcmp(x->cell_id, y->cell_id);
}

void fb_compare_side_sort(struct fb_compare_side *side)
{
    if (side->iterations.count > 1)
        qsort(side->iterations.items, side->iterations.count, sizeof *side->iterations.items,
              compare_ids);
}

/* The iterations of one cell, among sorted ones. */
static struct fb_iterations iterations_of(const struct fb_compare_side *side, const char *cell_id)
{
    size_t low = 0, high = side->iterations.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(side->iterations.items[middle].cell_id, cell_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (high = low; high < side->iterations.count &&
                     strcmp(side->iterations.items[high].cell_id, cell_id) == 0;)
        high++;
    return (struct fb_iterations){ side->iterations.items + low, high - low };
}

static int load_half(const struct fb_compare_side *side, const struct fb_record *record,
                     struct half *out, struct fb_error *err)
{
    uint64_t *medians;
    *out = (struct half){ .record = record, .why = "", .median_ns = FB_NA };
    if (record && !has_run(record)) {
        out->record = NULL;
        out->why = record->reason[0] ? record->reason : record->status;
    }
    if (!out->record || strcmp(record->status, "ok") != 0)
        return 0;
    struct fb_iterations own = iterations_of(side, record->cell_id);
    if (fb_block_medians(record->cell_id, &own, &medians, &out->blocks))
        return fb_fail_memory(err, "the block medians");
    out->logs = calloc(out->blocks + 1, sizeof *out->logs);
    for (size_t i = 0; out->logs && i < out->blocks; i++)
        out->logs[i] = log((double)medians[i]);
    if (out->blocks > 0)
        out->median_ns = fb_median_of(medians, out->blocks);
    free(medians);
    return out->logs ? 0 : fb_fail_memory(err, "the block medians");
}

static void say(struct fb_compare_record *row, enum fb_compare_word word, const char *reason)
{
    SET(row->word, "%s", fb_compare_words[word]);
    fb_plain_text(reason, row->reason, sizeof row->reason);
}

static bool rests_at_zero(const struct half *half)
{
    for (size_t i = 0; i < half->blocks; i++)
        if (!isfinite(half->logs[i]))
            return true;
    return false;
}

static void judge_interval(struct fb_compare_record *row)
{
    double lower = row->change_lower, upper = row->change_upper;
    bool alike = lower >= -row->threshold && upper <= row->threshold;
    /* Medians are whole nanoseconds. */
    double rounding = 1e-9 + 1.0 / (double)row->old_median_ns;
    if (row->change < lower - rounding || row->change > upper + rounding)
        say(row, FB_COMPARE_UNCLEAR,
            "the medians say another thing than the blocks as a whole: their times are not of one "
            "form");
    else if (alike || (lower <= 0 && upper >= 0))
        say(row, alike ? FB_COMPARE_ALIKE : FB_COMPARE_UNCLEAR, "");
    else
        say(row, lower > 0 ? FB_COMPARE_SLOWER : FB_COMPARE_FASTER, "");
}

/* Of two that are ok. */
static void judge(struct half *old, struct half *new, struct fb_compare_record *row)
{
    char text[200];
    struct fb_shift shift;
    if (old->blocks > 0 && new->blocks > 0 && old->median_ns > 0)
        row->change = (double)new->median_ns / (double)old->median_ns - 1;
    if (old->blocks < FB_COMPARE_BLOCKS_LEAST || new->blocks < FB_COMPARE_BLOCKS_LEAST) {
        SET(text, "%zu and %zu blocks; an interval needs %d of each", old->blocks, new->blocks,
            FB_COMPARE_BLOCKS_LEAST);
        say(row, FB_COMPARE_UNCLEAR, text);
    } else if (rests_at_zero(old) || rests_at_zero(new)) {
        say(row, FB_COMPARE_UNCLEAR, "a time of 0 ns: too short for the clock");
    } else if (!fb_shift_interval(old->logs, old->blocks, new->logs, new->blocks, FB_COMPARE_LEVEL,
                                  &shift)) {
        say(row, FB_COMPARE_UNCLEAR, "there was no memory for an interval");
    } else {
        row->change_lower = exp(shift.lower) - 1;
        row->change_upper = exp(shift.upper) - 1;
        row->interval_level = shift.level;
        judge_interval(row);
    }
    if (strcmp(old->record->cache_state, new->record->cache_state) != 0) {
        SET(text, "the cache was %s in OLD, %s in NEW",
            old->record->cache_state[0] ? old->record->cache_state : "not looked at",
            new->record->cache_state[0] ? new->record->cache_state : "not looked at");
        say(row, FB_COMPARE_UNCLEAR, text);
    }
}

static void say_failed(const struct half *old, const struct half *new,
                       struct fb_compare_record *row)
{
    char text[sizeof row->reason];
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < 2; i++) {
        const struct fb_record *record = i == 0 ? old->record : new->record;
        if (!record || strcmp(record->status, "ok") == 0 || used >= sizeof text)
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s: %s%s%.200s",
                                 used ? "; " : "", i == 0 ? "OLD" : "NEW", record->status,
                                 record->reason[0] ? ", " : "", record->reason);
    }
    say(row, FB_COMPARE_FAILED, text);
}

static bool is_bad(const struct half *half)
{
    return half->record && strcmp(half->record->status, "ok") != 0;
}

static void choose_word(struct half *old, struct half *new, struct fb_compare_record *row)
{
    if (is_bad(old) || is_bad(new))
        say_failed(old, new, row);
    else if (!old->record)
        say(row, FB_COMPARE_ONLY_NEW, old->why);
    else if (!new->record)
        say(row, FB_COMPARE_ONLY_OLD, new->why);
    else
        judge(old, new, row);
}

/* --- what a row takes over -------------------------------------------------------------------- */

static void fill_names(const struct fb_record *record, struct fb_compare_record *row)
{
    memcpy(row->cell_id, record->cell_id, sizeof row->cell_id);
    memcpy(row->format, record->format, sizeof row->format);
    memcpy(row->options, record->options, sizeof row->options);
    memcpy(row->workload, record->workload, sizeof row->workload);
    memcpy(row->workload_options, record->workload_options, sizeof row->workload_options);
    memcpy(row->cache, record->cache, sizeof row->cache);
    memcpy(row->handle, record->handle, sizeof row->handle);
    memcpy(row->clock, record->clock, sizeof row->clock);
}

static void fill_halves(const struct half *old, const struct half *new,
                        struct fb_compare_record *row)
{
    row->old_blocks = old->record ? old->blocks : FB_NA;
    row->new_blocks = new->record ? new->blocks : FB_NA;
    row->old_median_ns = old->median_ns;
    row->new_median_ns = new->median_ns;
    if (old->record) {
        row->old_file_bytes = old->record->file_bytes;
        row->old_read_bytes = old->record->read_bytes;
        row->old_read_calls = old->record->read_calls;
        row->old_floor_copy_ns = old->record->floor_copy_ns;
        row->old_floor_read_ns = old->record->floor_read_ns;
    }
    if (new->record) {
        row->new_file_bytes = new->record->file_bytes;
        row->new_read_bytes = new->record->read_bytes;
        row->new_read_calls = new->record->read_calls;
        row->new_floor_copy_ns = new->record->floor_copy_ns;
        row->new_floor_read_ns = new->record->floor_read_ns;
    }
}

static void add_counter(struct fb_compare_record *row, const char *name, uint64_t old, uint64_t new)
{
    size_t used = strlen(row->counters), room = sizeof row->counters - used;
    if (old == FB_NA || new == FB_NA || old == new)
        return;
    int n = snprintf(row->counters + used, room, "%s%s %" PRIu64 " -> %" PRIu64, used ? ", " : "",
                     name, old, new);
    if (old > 0 && n > 0 && (size_t)n < room)
        snprintf(row->counters + used + n, room - (size_t)n, " (%+.3g %%)",
                 100 * ((double)new / (double)old - 1));
}

/* --- all cells -------------------------------------------------------------------------------- */

struct work {
    const struct fb_compare_side *old, *new;
    double threshold;
    const char *forced;
    struct fb_records formats;   /* of both runs: names of formats and their options, for labels */
    struct fb_records workloads; /* likewise, in the same columns */
};

static const struct fb_record *find(const struct fb_records *records, const char *cell_id)
{
    for (size_t i = 0; i < records->count; i++)
        if (strcmp(records->items[i].cell_id, cell_id) == 0)
            return &records->items[i];
    return NULL;
}

static struct fb_record name_only(const char *name, const char *options)
{
    struct fb_record record = { 0 };
    SET(record.format, "%s", name);
    SET(record.options, "%s", options);
    return record;
}

static int collect_names(struct work *work, struct fb_error *err)
{
    const struct fb_records *sides[] = { &work->old->records, &work->new->records };
    size_t count = sides[0]->count + sides[1]->count, used = 0;
    work->formats.items = calloc(count + 1, sizeof *work->formats.items);
    work->workloads.items = calloc(count + 1, sizeof *work->workloads.items);
    if (!work->formats.items || !work->workloads.items)
        return fb_fail_memory(err, "the cells' names");
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < sides[s]->count; i++, used++) {
            const struct fb_record *record = &sides[s]->items[i];
            work->formats.items[used] = name_only(record->format, record->options);
            work->workloads.items[used] = name_only(record->workload, record->workload_options);
        }
    work->formats.count = work->workloads.count = count;
    return 0;
}

static void name_cell(const struct work *work, struct fb_compare_record *row)
{
    char format[FB_LABEL_SIZE], workload[FB_LABEL_SIZE];
    struct fb_record name = name_only(row->format, row->options);
    fb_label(&work->formats, &name, format, sizeof format);
    name = name_only(row->workload, row->workload_options);
    fb_label(&work->workloads, &name, workload, sizeof workload);
    SET(row->cell, "%s, %s, %s, %s%s", format, workload, row->cache, row->handle,
        strcmp(row->clock, "process") == 0 ? ", process" : "");
}

/* A row of the cell, unless neither side measured it. */
static int add_row(const struct work *work, const struct fb_record *old,
                   const struct fb_record *new, struct fb_comparison *out, struct fb_error *err)
{
    struct fb_compare_record row;
    struct half a, b;
    int rc = load_half(work->old, old, &a, err);
    if (rc == 0)
        rc = load_half(work->new, new, &b, err);
    else
        b = (struct half){ 0 };
    if (rc == 0 && (a.record || b.record)) {
        fb_compare_record_init(&row);
        SET(row.old_run_id, "%s", work->old->run_id);
        SET(row.new_run_id, "%s", work->new->run_id);
        fb_plain_text(work->forced, row.forced, sizeof row.forced);
        row.threshold = work->threshold;
        fill_names(old ? old : new, &row);
        name_cell(work, &row);
        fill_halves(&a, &b, &row);
        add_counter(&row, "file bytes", row.old_file_bytes, row.new_file_bytes);
        add_counter(&row, "read bytes", row.old_read_bytes, row.new_read_bytes);
        add_counter(&row, "read calls", row.old_read_calls, row.new_read_calls);
        choose_word(&a, &b, &row);
        out->matched += a.record && b.record;
        out->items[out->count++] = row;
    }
    free(a.logs);
    free(b.logs);
    return rc;
}

static int compare_rows(const void *a, const void *b)
{
    const struct fb_compare_record *x = a, *y = b;
    int order = (int)fb_compare_word_of(x) - (int)fb_compare_word_of(y);
    if (order == 0 && isnan(x->change) != isnan(y->change))
        order = isnan(x->change) ? 1 : -1;
    if (order == 0 && !isnan(x->change) && x->change != y->change)
        order = x->change > y->change ? -1 : 1;
    order = order ? order : strcmp(x->cell, y->cell);
    return order ? order : strcmp(x->cell_id, y->cell_id);
}

static int make_rows(const struct work *work, struct fb_comparison *out, struct fb_error *err)
{
    const struct fb_records *old = &work->old->records, *new = &work->new->records;
    int rc = 0;
    out->items = calloc(old->count + new->count + 1, sizeof *out->items);
    if (!out->items)
        return fb_fail_memory(err, "the comparison");
    for (size_t i = 0; rc == 0 && i < old->count; i++)
        rc = add_row(work, &old->items[i], find(new, old->items[i].cell_id), out, err);
    for (size_t i = 0; rc == 0 && i < new->count; i++)
        if (!find(old, new->items[i].cell_id))
            rc = add_row(work, NULL, &new->items[i], out, err);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, compare_rows);
    return rc;
}

int fb_compare(const struct fb_compare_side *old, const struct fb_compare_side *new,
               double threshold, const char *forced, struct fb_comparison *out,
               struct fb_error *err)
{
    struct work work = { .old = old, .new = new, .threshold = threshold, .forced = forced };
    *out = (struct fb_comparison){ 0 };
    int rc = collect_names(&work, err);
    if (rc == 0)
        rc = make_rows(&work, out, err);
    if (rc == 0 && out->matched == 0)
        rc = fb_fail(err, FB_ENOTHING,
                     "nothing to compare: no cell was measured in both runs, %s and %s",
                     old->run_id, new->run_id);
    free(work.formats.items);
    free(work.workloads.items);
    if (rc) {
        free(out->items);
        *out = (struct fb_comparison){ 0 };
    }
    return rc;
}
