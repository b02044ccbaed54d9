/* The rule behind verdicts, each claim with each verdict from made-up runs, claims.csv and what is
 * shown of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "results/claims_measure.h"
#include "results/label.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1e6 /* ns */
#define MB 1e6

/* --- made-up runs ----------------------------------------------------------------------------- */

/* What is told of a row: its time, and other numbers where they matter. */
struct numbers {
    double ns, cpu_ns, peak, file, stored, read, asked, all, requests, write_cpu;
};

static uint64_t whole(double value)
{
    return value == 0 ? FB_NA : (uint64_t)llround(value);
}

/* Six blocks, in rounds 1 to 6, that scatter by a percent around the time. */
static void add_blocks(struct fb_evidence_run *run, const char *cell_id, const struct numbers *n)
{
    for (uint64_t i = 0; i < 6; i++) {
        struct fb_block_record block;
        struct fb_iteration iteration;
        double scatter = 1 + 0.002 * ((double)i - 2.5);
        fb_block_record_init(&block);
        fb_iteration_init(&iteration);
        strcpy(block.cell_id, cell_id);
        strcpy(iteration.cell_id, cell_id);
        block.round = iteration.round = i + 1;
        block.block = iteration.block = run->blocks.count;
        block.counted = 1;
        block.user_ns = whole((n->cpu_ns ? n->cpu_ns : n->ns) * scatter);
        block.system_ns = 0;
        block.peak_bytes = whole(n->peak * scatter);
        iteration.iteration = iteration.warmup = 0;
        iteration.ns = whole(n->ns * scatter);
        assert_int_equal(fb_blocks_add(&run->blocks, &block, NULL), 0);
        assert_int_equal(fb_iterations_add(&run->iterations, &iteration, NULL), 0);
    }
}

static struct fb_evidence_run *run_named(struct fb_evidence *evidence, const char *name)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (strcmp(evidence->items[i].name, name) == 0)
            return &evidence->items[i];
    struct fb_evidence_run *run = fb_evidence_add(evidence, name);
    assert_non_null(run);
    return run;
}

static void add_row(struct fb_evidence *evidence, const struct fb_pick *pick, struct numbers n)
{
    struct fb_record record;
    struct fb_evidence_run *run = run_named(evidence, pick->run);
    fb_record_init(&record);
    strcpy(record.format, pick->format);
    strcpy(record.options, pick->options);
    strcpy(record.workload, pick->workload);
    strcpy(record.workload_options, pick->asked ? pick->asked : "");
    strcpy(record.cache, pick->cache ? pick->cache : "warm");
    strcpy(record.handle, pick->handle ? pick->handle : "once");
    strcpy(record.clock, "inner");
    strcpy(record.status, "ok");
    strcpy(record.role, "contender");
    record.median_ns = whole(n.ns);
    record.lower_ns = whole(n.ns * 0.99);
    record.upper_ns = whole(n.ns * 1.01);
    record.file_bytes = whole(n.file);
    record.stored_bytes = whole(n.stored);
    record.read_bytes = whole(n.read);
    record.request_bytes = whole(n.asked);
    record.dataset_bytes = whole(n.all);
    record.requests = whole(n.requests);
    record.write_ns = whole(n.write_cpu);
    record.write_cpu_ns = whole(n.write_cpu);
    fb_cell_id(&record);
    assert_int_equal(fb_records_add(&run->records, &record, NULL), 0);
    add_blocks(run, record.cell_id, &n);
}

static const char *const caches[] = { "warm", "cold" };

/* A row, warm and cold. */
static void add_both(struct fb_evidence *evidence, const char *run, enum fb_contestant who,
                     const char *workload, const char *asked, const char *handle, struct numbers n)
{
    for (size_t c = 0; c < 2; c++) {
        struct fb_pick pick = fb_claim_pick(run, who, workload, asked, caches[c], handle);
        add_row(evidence, &pick, n);
    }
}

static void add_file(struct fb_evidence *evidence, const char *format, const char *options,
                     double megabytes)
{
    struct fb_pick pick = { "sizes", format, options, "metadata", NULL, "warm", "once" };
    add_row(evidence, &pick, (struct numbers){ .ns = MS, .file = megabytes * MB });
}

static void add_sizes(struct fb_evidence *evidence)
{
    add_file(evidence, fb_contestants[FB_PICKLE].format, fb_contestants[FB_PICKLE].options, 100);
    add_file(evidence, "hdf5-contiguous", "dtype=source", 100);
    add_file(evidence, "hdf5-contiguous", "dtype=f32", 70);
    add_file(evidence, "hdf5-chunked", "dtype=f32,level=4,shuffle=0", 50);
    add_file(evidence, "hdf5-chunked", "dtype=f32,level=4,shuffle=1", 51);
    add_file(evidence, "hdf5-chunked", "dtype=source,level=4,shuffle=0", 80);
}

static void add_levels(struct fb_evidence *evidence)
{
    static const double sizes[] = { 100, 60, 58, 55, 50.5, 50.4, 50.3, 50.2, 50.1, 50 };
    char run[32], options[64];
    for (int repeat = 1; repeat <= 6; repeat++) {
        snprintf(run, sizeof run, "levels-%d", repeat);
        struct fb_pick pick = { run,   "hdf5-contiguous", "dtype=f32", "full-load", NULL, "warm",
                                "once" };
        double scatter = 1 + 0.001 * repeat;
        add_row(
            evidence, &pick,
            (struct numbers){ .ns = 50 * MS, .file = 100 * MB, .write_cpu = 50 * MS * scatter });
        pick.format = "hdf5-chunked";
        pick.options = options;
        for (int level = 0; level < 10; level++) {
            snprintf(options, sizeof options, "dtype=f32,level=%d,shuffle=0", level);
            add_row(evidence, &pick,
                    (struct numbers){ .ns = 100 * MS,
                                      .file = sizes[level] * MB,
                                      .write_cpu = 100 * MS * (1 + level) * scatter });
        }
    }
}

static void add_growth(struct fb_evidence *evidence)
{
    static const double megabytes[] = { 10, 40, 160, 640 };
    char run[32];
    for (int i = 0; i < 4; i++) {
        double all = megabytes[i] * MB;
        snprintf(run, sizeof run, "growth-%d", i + 1);
        add_both(evidence, run, FB_PICKLE, FB_ACCESS_WORKLOAD, "n=1", "once",
                 (struct numbers){ .ns = megabytes[i] * 5 * MS, .all = all });
        add_both(evidence, run, FB_H5PY_GZIP, FB_ACCESS_WORKLOAD, "n=1", "once",
                 (struct numbers){ .ns = 20 * MS, .all = all / 2 });
        add_both(evidence, run, FB_HDF5_GZIP, FB_ACCESS_WORKLOAD, "n=1", "once",
                 (struct numbers){ .ns = 15 * MS, .all = all / 2 });
        snprintf(run, sizeof run, "memory-%d", i / 3 + 1);
        if (i % 3 == 0) {
            add_both(evidence, run, FB_PICKLE, "batch-stats", NULL, "once",
                     (struct numbers){ .ns = MS, .peak = 40 * MB + all, .all = all });
            add_both(evidence, run, FB_H5PY_GZIP, "batch-stats", NULL, "once",
                     (struct numbers){ .ns = MS, .peak = 50 * MB + 0.01 * all });
        }
    }
}

static void add_habits(struct fb_evidence *evidence, enum fb_contestant who)
{
    add_both(evidence, "parts", who, "slicing", "n=1,window=100", "once",
             (struct numbers){ .ns = 2 * MS, .read = 3e5, .stored = 1e6, .asked = 1e5 });
    add_both(evidence, "parts", who, "search", NULL, "once",
             (struct numbers){ .ns = 2 * MS, .read = 1e5, .file = 50 * MB });
    add_both(evidence, "habits", who, "random-access", "n=10,seed=1", "keep",
             (struct numbers){ .ns = 30 * MS, .asked = 5 * MB });
    add_both(evidence, "habits", who, "random-access", "n=1,seed=1", "keep",
             (struct numbers){ .ns = 3 * MS, .stored = 1e6 });
    add_both(evidence, "habits", who, "slicing", "n=10,seed=1", "keep",
             (struct numbers){ .ns = 10 * MS, .asked = 1 * MB });
    add_both(evidence, "habits", who, "open", NULL, "keep",
             (struct numbers){ .ns = 0.1 * MS, .read = 2e3 });
    add_both(evidence, "habits", who, "feature", NULL, "keep",
             (struct numbers){ .ns = 20 * MS, .asked = 5 * MB, .requests = 48 });
    add_both(evidence, "habits", who, "scan", NULL, "keep",
             (struct numbers){ .ns = 200 * MS, .asked = 50 * MB });
    add_both(evidence, "handles", who, FB_ACCESS_WORKLOAD, "n=10", "each",
             (struct numbers){ .ns = 60 * MS });
    add_both(evidence, "handles", who, FB_ACCESS_WORKLOAD, "n=10", "keep",
             (struct numbers){ .ns = 40 * MS, .asked = 10 * MB, .all = 50 * MB });
}

/* Runs by which every claim is reproduced. */
static struct fb_evidence make_evidence(void)
{
    struct fb_evidence evidence = { 0 };
    add_sizes(&evidence);
    add_levels(&evidence);
    add_growth(&evidence);
    add_both(&evidence, "whole", FB_PICKLE, "full-load", NULL, "once",
             (struct numbers){ .ns = 50 * MS });
    add_both(&evidence, "whole", FB_H5PY_GZIP, "full-load", NULL, "once",
             (struct numbers){ .ns = 200 * MS });
    add_both(&evidence, "whole", FB_H5PY_PLAIN, "full-load", NULL, "once",
             (struct numbers){ .ns = 40 * MS });
    add_both(&evidence, "parts", FB_PICKLE, "slicing", "n=1,window=100", "once",
             (struct numbers){ .ns = 50 * MS });
    add_both(&evidence, "parts", FB_PICKLE, "search", NULL, "once",
             (struct numbers){ .ns = 50 * MS });
    add_habits(&evidence, FB_H5PY_GZIP);
    add_habits(&evidence, FB_HDF5_GZIP);
    add_both(&evidence, "workers", FB_HDF5_GZIP, "epoch", "batch=4,workers=0", "once",
             (struct numbers){ .ns = 100 * MS });
    add_both(&evidence, "workers", FB_HDF5_GZIP, "epoch", "batch=4,workers=1", "once",
             (struct numbers){ .ns = 90 * MS });
    add_both(&evidence, "workers", FB_HDF5_GZIP, "epoch", "batch=4,workers=2", "once",
             (struct numbers){ .ns = 60 * MS });
    add_both(&evidence, "workers", FB_HDF5_GZIP, "epoch", "batch=4,workers=4", "once",
             (struct numbers){ .ns = 50 * MS });
    return evidence;
}

/* --- changes ---------------------------------------------------------------------------------- */

enum what { END, TIME, CPU, PEAK, FILE_SIZE, READ, ASKED, WRITE };

/* A number of all rows that fit, times a factor. */
struct change {
    enum what what;
    double factor;
    const char *run, *format, *options, *workload, *asked, *cache, *handle;
};

static void scale(uint64_t *value, double factor)
{
    if (*value != FB_NA)
        *value = (uint64_t)llround((double)*value * factor);
}

static void change_blocks(struct fb_evidence_run *run, const char *cell_id,
                          const struct change *change)
{
    for (size_t i = 0; i < run->blocks.count; i++) {
        struct fb_block_record *block = &run->blocks.items[i];
        if (strcmp(block->cell_id, cell_id) != 0)
            continue;
        if (change->what == CPU)
            scale(&block->user_ns, change->factor);
        if (change->what == PEAK)
            scale(&block->peak_bytes, change->factor);
    }
    for (size_t i = 0; change->what == TIME && i < run->iterations.count; i++)
        if (strcmp(run->iterations.items[i].cell_id, cell_id) == 0)
            scale(&run->iterations.items[i].ns, change->factor);
}

static void change_record(struct fb_record *record, const struct change *change)
{
    if (change->what == TIME) {
        scale(&record->median_ns, change->factor);
        scale(&record->lower_ns, change->factor);
        scale(&record->upper_ns, change->factor);
    }
    if (change->what == WRITE) {
        scale(&record->write_ns, change->factor);
        scale(&record->write_cpu_ns, change->factor);
    }
    if (change->what == FILE_SIZE)
        scale(&record->file_bytes, change->factor);
    if (change->what == READ)
        scale(&record->read_bytes, change->factor);
    if (change->what == ASKED)
        scale(&record->request_bytes, change->factor);
}

static bool has(const char *wanted, const char *text)
{
    return !wanted || strstr(text, wanted);
}

static size_t apply(struct fb_evidence *evidence, const struct change *change)
{
    size_t changed = 0;
    for (size_t r = 0; r < evidence->count; r++) {
        struct fb_evidence_run *run = &evidence->items[r];
        if (strncmp(run->name, change->run, strlen(change->run)) != 0)
            continue;
        for (size_t i = 0; i < run->records.count; i++) {
            struct fb_record *record = &run->records.items[i];
            if ((change->format && strcmp(change->format, record->format) != 0) ||
                !has(change->options, record->options) ||
                !has(change->workload, record->workload) ||
                !has(change->asked, record->workload_options) ||
                !has(change->cache, record->cache) || !has(change->handle, record->handle))
                continue;
            change_record(record, change);
            change_blocks(run, record->cell_id, change);
            changed++;
        }
    }
    return changed;
}

/* --- verdicts --------------------------------------------------------------------------------- */

static const struct fb_figure *verdict_of(const struct fb_figures *figures, const char *claim)
{
    for (size_t i = 0; i < figures->count; i++)
        if (strcmp(figures->items[i].claim, claim) == 0 &&
            strcmp(figures->items[i].row, "verdict") == 0)
            return &figures->items[i];
    fail_msg("no verdict for %s", claim);
    return NULL;
}

static const struct fb_figure *figure_of(const struct fb_figures *figures, const char *claim,
                                         const char *name)
{
    for (size_t i = 0; i < figures->count; i++)
        if (strcmp(figures->items[i].claim, claim) == 0 &&
            strcmp(figures->items[i].figure, name) == 0)
            return &figures->items[i];
    fail_msg("no figure '%s' of %s", name, claim);
    return NULL;
}

#define PY "h5py"
#define PLAIN "h5py-contiguous"

/* The case, and what is changed in runs by which every claim is reproduced. */
static const struct {
    const char *claim, *verdict;
    struct change changes[3];
} cases[] = {
    /* a quarter of the size, of which no step alone has 40 to 60 % */
    { "size",
      "not reproduced",
      { { FILE_SIZE, 0.5, "sizes", "hdf5-chunked", "f32", 0, 0, 0, 0 } } },
    /* the same, but float32 alone halves it */
    { "size",
      "depends",
      { { FILE_SIZE, 0.5, "sizes", "hdf5-chunked", "f32", 0, 0, 0, 0 },
        { FILE_SIZE, 5 / 7.0, "sizes", "hdf5-contiguous", "f32", 0, 0, 0, 0 } } },
    { "size", "not reproduced", { { FILE_SIZE, 1.9, "sizes", "hdf5-chunked", 0, 0, 0, 0, 0 } } },
    /* level 5 is smaller, and faster both ways */
    { "gzip-4",
      "not reproduced",
      { { WRITE, 0.1, "levels-", 0, "level=5", 0, 0, 0, 0 },
        { TIME, 0.1, "levels-", 0, "level=5", 0, 0, 0, 0 } } },
    /* faster one way and equal the other is enough */
    { "gzip-4",
      "not reproduced",
      { { TIME, 0.5, "levels-", 0, "level=5", 0, 0, 0, 0 },
        { WRITE, 5 / 6.0, "levels-", 0, "level=5", 0, 0, 0, 0 } } },
    /* smaller and faster to load, but slower to write: no better, no worse */
    { "gzip-4", "reproduced", { { TIME, 0.5, "levels-", 0, "level=5", 0, 0, 0, 0 } } },
    /* level 3 is nearly as small, and written in less than four fifths of the time */
    { "gzip-4",
      "depends",
      { { FILE_SIZE, 0.95, "levels-", 0, "level=3", 0, 0, 0, 0 },
        { WRITE, 0.9, "levels-", 0, "level=3", 0, 0, 0, 0 } } },
    /* that, and level 9 is much smaller */
    { "gzip-4",
      "not reproduced",
      { { FILE_SIZE, 0.95, "levels-", 0, "level=3", 0, 0, 0, 0 },
        { WRITE, 0.5, "levels-", 0, "level=3", 0, 0, 0, 0 },
        { FILE_SIZE, 0.5, "levels-", 0, "level=9", 0, 0, 0, 0 } } },
    { "cpu", "depends", { { CPU, 0.1, "whole", PY, 0, 0, 0, 0, 0 } } },
    { "cpu",
      "not reproduced",
      { { CPU, 0.1, "whole", PY, 0, 0, 0, 0, 0 },
        { WRITE, 0.05, "levels-", "hdf5-chunked", 0, 0, 0, 0, 0 } } },
    { "pickle-load", "depends", { { TIME, 0.3, "growth-", "pickle", 0, 0, 0, 0, 0 } } },
    { "pickle-load", "depends", { { TIME, 10, "growth-", "pickle", 0, 0, 0, "cold", 0 } } },
    /* short, and no longer with a larger dataset */
    { "pickle-load", "not reproduced", { { TIME, 0.01, "growth-4", "pickle", 0, 0, 0, 0, 0 } } },
    { "hdf5-direct", "depends", { { TIME, 5, "growth-", PY, 0, 0, 0, "cold", 0 } } },
    { "hdf5-direct", "depends", { { TIME, 2.5, "growth-", PY, 0, 0, 0, 0, 0 } } },
    { "hdf5-direct", "not reproduced", { { TIME, 5, "growth-3", PY, 0, 0, 0, 0, 0 } } },
    { "random-access", "depends", { { TIME, 4, "growth-", PY, 0, 0, 0, 0, 0 } } },
    { "random-access", "not reproduced", { { TIME, 1000, "growth-", PY, 0, 0, 0, 0, 0 } } },
    { "load-once", "not reproduced", { { TIME, 100, "whole", PY, 0, "full-load", 0, 0, 0 } } },
    { "load-once", "depends", { { TIME, 10, "whole", PY, 0, "full-load", 0, 0, 0 } } },
    { "slicing", "depends", { { TIME, 100, "parts", PY, 0, "slicing", 0, "cold", 0 } } },
    { "slicing", "depends", { { READ, 10, "parts", PY, 0, "slicing", 0, 0, 0 } } },
    { "slicing",
      "not reproduced",
      { { TIME, 100, "parts", PY, 0, "slicing", 0, 0, 0 },
        { READ, 10, "parts", PY, 0, "slicing", 0, 0, 0 } } },
    /* exactly a tenth of the bytes, with scatter around it */
    { "memory", "depends", { { PEAK, 2.005, "memory-2", PY, 0, "batch-stats", 0, 0, 0 } } },
    { "memory", "not reproduced", { { PEAK, 10, "memory-2", PY, 0, "batch-stats", 0, 0, 0 } } },
    { "metadata", "depends", { { READ, 100, "parts", PY, 0, "search", 0, 0, 0 } } },
    { "metadata",
      "not reproduced",
      { { TIME, 100, "parts", PY, 0, "search", 0, 0, 0 },
        { READ, 100, "parts", PY, 0, "search", 0, 0, 0 } } },
    { "workers", "depends", { { TIME, 3, "workers", 0, 0, 0, "workers=1", 0, 0 } } },
    { "workers", "not reproduced", { { TIME, 0.1, "workers", 0, 0, 0, "workers=0", 0, 0 } } },
    { "keep-open", "depends", { { TIME, 0.5, "handles", PY, 0, 0, 0, "cold", "each" } } },
    /* faster, but not by the five percent that would be worth it */
    { "keep-open", "not reproduced", { { TIME, 0.69, "handles", PY, 0, 0, 0, 0, "each" } } },
    { "slices", "depends", { { TIME, 10, "habits", PY, 0, "slicing", 0, "warm", 0 } } },
    { "slices",
      "not reproduced",
      { { TIME, 10, "habits", PY, 0, "slicing", 0, 0, 0 },
        { ASKED, 10, "habits", PY, 0, "slicing", 0, 0, 0 } } },
    { "shapes", "depends", { { READ, 100, "habits", PY, 0, "open", 0, 0, 0 } } },
    { "shapes",
      "not reproduced",
      { { READ, 100, "habits", PY, 0, "open", 0, 0, 0 },
        { TIME, 100, "habits", PY, 0, "open", 0, 0, 0 } } },
    { "feature", "depends", { { TIME, 100, "habits", PY, 0, "feature", 0, "cold", 0 } } },
    { "feature", "not reproduced", { { TIME, 100, "habits", PY, 0, "feature", 0, 0, 0 } } },
};

static void every_claim_can_be_reproduced(void **state)
{
    struct fb_evidence evidence = make_evidence();
    struct fb_figures figures;
    (void)state;
    assert_int_equal(fb_claims_judge(&evidence, &figures, NULL), 0);
    for (const struct fb_claim *claim = fb_claims; claim->id; claim++) {
        const struct fb_figure *verdict = verdict_of(&figures, claim->id);
        if (strcmp(verdict->verdict, "reproduced") != 0)
            fail_msg("%s: %s: %s", claim->id, verdict->verdict, verdict->why);
    }
    fb_figures_free(&figures);
    fb_evidence_free(&evidence);
}

static void every_claim_can_fail_and_depend(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_evidence evidence = make_evidence();
        struct fb_figures figures;
        for (size_t k = 0; k < 3 && cases[i].changes[k].what != END; k++)
            assert_true(apply(&evidence, &cases[i].changes[k]) > 0);
        assert_int_equal(fb_claims_judge(&evidence, &figures, NULL), 0);
        const struct fb_figure *verdict = verdict_of(&figures, cases[i].claim);
        if (strcmp(verdict->verdict, cases[i].verdict) != 0)
            fail_msg("case %zu, %s: %s in place of %s: %s", i, cases[i].claim, verdict->verdict,
                     cases[i].verdict, verdict->why);
        fb_figures_free(&figures);
        fb_evidence_free(&evidence);
    }
    for (const struct fb_claim *claim = fb_claims; claim->id; claim++) {
        bool fails = false, depends = false;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            bool same = strcmp(cases[i].claim, claim->id) == 0;
            fails |= same && strcmp(cases[i].verdict, "not reproduced") == 0;
            depends |= same && strcmp(cases[i].verdict, "depends") == 0;
        }
        assert_true(fails && depends);
    }
}

static void what_is_missing_is_told(void **state)
{
    struct fb_evidence evidence = make_evidence(), empty = { 0 };
    struct fb_figures figures;
    (void)state;
    for (size_t r = 0; r < evidence.count; r++) {
        struct fb_records *records = &evidence.items[r].records;
        for (size_t i = 0; i < records->count; i++) {
            struct fb_record *record = &records->items[i];
            if (strcmp(record->workload, "search") == 0 && strcmp(record->format, PY) == 0) {
                strcpy(record->status, "failed");
                strcpy(record->reason, "it fell over");
            }
            if (strcmp(record->workload, "slicing") == 0 && strcmp(record->cache, "cold") == 0) {
                strcpy(record->cache_state, "cold-unproven");
                strcpy(record->cache_reason, "a tmpfs has no device");
            }
        }
    }
    assert_int_equal(fb_claims_judge(&evidence, &figures, NULL), 0);
    assert_string_equal(verdict_of(&figures, "metadata")->verdict, "not measured");
    assert_non_null(strstr(verdict_of(&figures, "metadata")->why, "it fell over"));
    assert_string_equal(verdict_of(&figures, "slicing")->verdict, "not measured");
    assert_non_null(strstr(verdict_of(&figures, "slicing")->why, "tmpfs"));
    assert_string_equal(verdict_of(&figures, "feature")->verdict, "reproduced");
    fb_figures_free(&figures);

    fb_evidence_explain(&empty, "pickle", "there is no Python");
    assert_int_equal(fb_claims_judge(&empty, &figures, NULL), 0);
    for (const struct fb_claim *claim = fb_claims; claim->id; claim++)
        assert_string_equal(verdict_of(&figures, claim->id)->verdict, "not measured");
    assert_string_equal(figure_of(&figures, "slicing", "as fast as pickle, warm")->why,
                        "there is no Python");
    fb_figures_free(&figures);
    fb_evidence_free(&evidence);
    fb_evidence_free(&empty);
}

static void what_lies_beyond_the_largest_is_marked(void **state)
{
    struct fb_evidence evidence = make_evidence();
    struct change slower = { TIME, 0.1, "growth-", "pickle", 0, 0, 0, "cold", 0 };
    struct fb_figures figures;
    (void)state;
    /* 5 ms a megabyte up to 640 MB; a tenth of that when cold. */
    apply(&evidence, &slower);
    assert_int_equal(fb_claims_judge(&evidence, &figures, NULL), 0);
    assert_float_equal(figure_of(&figures, "pickle-load", "of arrays take 2 s, warm")->value,
                       400 * MB, 1);
    assert_float_equal(
        figure_of(&figures, "pickle-load", "of arrays take 2 s, cold (extrapolated)")->value,
        4000 * MB, 1);
    fb_figures_free(&figures);
    fb_evidence_free(&evidence);
}

/* --- the rule --------------------------------------------------------------------------------- */

static struct fb_figure figure(const char *role, const char *holds)
{
    struct fb_figure out = { 0 };
    strcpy(out.role, role);
    strcpy(out.holds, holds);
    return out;
}

static void check_rule(const char *roles_and_holds, const char *verdict)
{
    struct fb_figure figures[8];
    char text[256], *save, *word;
    size_t count = 0;
    strcpy(text, roles_and_holds);
    for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *colon = strchr(word, ':');
        *colon = '\0';
        figures[count++] = figure(word, colon + 1);
    }
    if (strcmp(fb_verdict_of(figures, count), verdict) != 0)
        fail_msg("%s: %s in place of %s", roles_and_holds, fb_verdict_of(figures, count), verdict);
}

static void a_verdict_follows_from_what_holds(void **state)
{
    (void)state;
    check_rule("decides:yes", "reproduced");
    check_rule("decides:yes told: series:", "reproduced");
    check_rule("decides:no", "not reproduced");
    check_rule("decides:unclear", "depends");
    check_rule("decides:yes decides:no", "depends");
    check_rule("decides:yes decides:unclear", "depends");
    check_rule("decides:no decides:unclear", "depends");
    check_rule("decides:no softens:yes", "depends");
    check_rule("decides:no softens:unclear", "depends");
    check_rule("decides:no softens:no", "not reproduced");
    check_rule("decides:no softens:", "not reproduced");
    check_rule("decides:yes softens:no", "reproduced");
    check_rule("must:no decides:yes", "not reproduced");
    check_rule("must:unclear decides:yes", "depends");
    check_rule("must:yes decides:yes", "reproduced");
    check_rule("must:yes decides:no", "not reproduced");
    check_rule("must:yes decides:", "not measured");
    check_rule("must: decides:yes", "not measured");
    check_rule("told: series:", "not measured");
    assert_string_equal(fb_verdict_of(NULL, 0), "not measured");
}

static void bounds_are_held_by_whole_intervals(void **state)
{
    static const struct {
        double lower, upper, low, high;
        const char *holds;
    } rows[] = {
        { 0.4, 0.6, 0.4, 0.6, "yes" },
        { 0.39, 0.6, 0.4, 0.6, "unclear" },
        { 0.4, 0.61, 0.4, 0.6, "unclear" },
        { 0.1, 0.39, 0.4, 0.6, "no" },
        { 0.61, 0.7, 0.4, 0.6, "no" },
        { 0.1, 0.9, 0.4, 0.6, "unclear" },
        { 1, 9, 1, NAN, "yes" },
        { 0.99, 9, 1, NAN, "unclear" },
        { 0.5, 0.9, 1, NAN, "no" },
        { 0, 1, NAN, 1, "yes" },
        { NAN, NAN, 1, NAN, "unclear" },
        { 1, 2, NAN, NAN, "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fb_figures figures = { 0 };
        struct fb_claim_part part = { "x", "decides", "ratio", rows[i].low, rows[i].high, NAN };
        struct fb_quantity quantity = { .value = 1,
                                        .lower = rows[i].lower,
                                        .upper = rows[i].upper };
        assert_int_equal(fb_figures_add(&figures, &fb_claims[0], &part, &quantity, NULL), 0);
        assert_string_equal(figures.items[0].holds, rows[i].holds);
        fb_figures_free(&figures);
    }
}

/* --- quantities ------------------------------------------------------------------------------- */

static struct fb_quantity number(double value, double half)
{
    return (struct fb_quantity){
        .value = value, .lower = value - half, .upper = value + half, .formula = "x"
    };
}

static void crossings_are_bracketed_by_what_is_sure(void **state)
{
    struct fb_quantity out;
    struct fb_point points[3] = {
        { number(10, 0), number(10, 1), number(40, 1) },
        { number(100, 0), number(40, 1), number(40, 1) },
        { number(1000, 0), number(160, 1), number(40, 1) },
    };
    (void)state;
    /* From ratio 1 at 100 on it is above. */
    fb_quantity_crossing(&out, points, 3);
    assert_float_equal(out.value, 100, 1e-9);
    assert_true(out.lower == 10 && out.upper == 1000);
    /* Between 10 (a quarter) and 1000 (four times) it is in the middle of the logarithms. */
    points[1] = points[2];
    fb_quantity_crossing(&out, points, 2);
    assert_float_equal(out.value, 100, 1e-9);
    assert_string_equal(out.formula, "crossing(x, x, x, x, x, x)");
    fb_quantity_crossing(&out, points + 1, 2);
    assert_true(isnan(out.value) && out.lower == 0 && out.upper == 1000);
    fb_quantity_crossing(&out, points, 1);
    assert_true(isnan(out.value) && out.lower == 10 && isinf(out.upper));
    fb_quantity_crossing(&out, points, 0);
    assert_true(out.missing[0]);
}

static void two_seconds_lie_on_a_straight_line(void **state)
{
    struct fb_quantity out;
    struct fb_point points[3] = {
        { number(100, 0), number(11, 1), number(0, 0) },
        { number(200, 0), number(21, 1), number(0, 0) },
        { number(300, 0), number(31, 1), number(0, 0) },
    };
    (void)state;
    fb_quantity_reach(&out, 101, points, 3);
    assert_float_equal(out.value, 1000, 1e-9);
    assert_float_equal(out.lower, 990, 1e-9);
    assert_float_equal(out.upper, 1010, 1e-9);
    /* Without a line through the upper ends there is no interval, rather than one without width. */
    points[0].a.upper = 1000;
    fb_quantity_reach(&out, 101, points, 3);
    assert_true(out.value > 0 && isnan(out.lower) && isnan(out.upper));
    points[2].a = number(1, 0);
    fb_quantity_reach(&out, 101, points, 3);
    assert_non_null(strstr(out.missing, "does not grow"));
    fb_quantity_reach(&out, 101, points, 1);
    assert_true(out.missing[0] && isnan(out.value));
}

static void quotients_take_the_far_ends(void **state)
{
    struct fb_quantity a = number(10, 2), b = number(5, 1), none = { .missing = "gone" }, out;
    (void)state;
    fb_quantity_ratio(&out, &a, &b);
    assert_true(out.value == 2 && out.lower == 8 / 6.0 && out.upper == 3);
    fb_quantity_saving(&out, &b, &a);
    assert_true(out.value == 0.5 && out.lower == 1 - 6 / 8.0 && out.upper == 1 - 4 / 12.0);
    fb_quantity_ratio(&out, &a, &none);
    assert_string_equal(out.missing, "gone");
    assert_true(isnan(out.value) && !out.formula[0]);
    struct fb_quantity both[] = { number(1, 0.5), { .value = 2, .lower = NAN, .upper = NAN } };
    fb_quantity_largest(&out, both, 2);
    assert_true(out.value == 2 && isnan(out.lower) && isnan(out.upper));
}

static void pairs_are_of_one_round(void **state)
{
    struct fb_evidence evidence = { 0 };
    struct fb_quantity out;
    struct fb_pick a = fb_claim_pick("r", FB_PICKLE, "scan", NULL, "warm", "once");
    struct fb_pick b = fb_claim_pick("r", FB_H5PY_GZIP, "scan", NULL, "warm", "once");
    (void)state;
    add_row(&evidence, &a, (struct numbers){ .ns = 30 * MS });
    add_row(&evidence, &b, (struct numbers){ .ns = 10 * MS });
    struct fb_evidence_run *run = &evidence.items[0];
    /* A neighbour that slows both tenfold in every other round does not tell in the ratio. */
    for (size_t i = 0; i < run->iterations.count; i++)
        run->iterations.items[i].ns *= run->iterations.items[i].round % 2 ? 10 : 1;
    fb_quantity_paired(&out, &evidence, &a, &b);
    assert_true(out.value == 3 && out.lower == 3 && out.upper == 3);
    /* A round that one of them has not is left out. */
    run->blocks.items[11].round = 7;
    run->iterations.items[11].ns = 1;
    fb_quantity_paired(&out, &evidence, &a, &b);
    assert_true(out.value == 3 && isnan(out.lower));
    for (size_t i = 6; i < 12; i++)
        run->blocks.items[i].round = 10 + i;
    fb_quantity_paired(&out, &evidence, &a, &b);
    assert_string_equal(out.missing, "no round has a block of both rows");
    fb_evidence_free(&evidence);
}

/* --- claims.csv, the table, pictures ---------------------------------------------------------- */

static char *slurp(FILE *stream)
{
    static char text[400000];
    rewind(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

static void claims_survive_csv_and_show_the_same(void **state)
{
    struct fb_evidence evidence = make_evidence();
    struct fb_figures figures, again;
    char folder[] = "/tmp/fmtbench-claims-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/claims.csv", folder);
    assert_int_equal(fb_claims_judge(&evidence, &figures, NULL), 0);
    assert_int_equal(fb_figures_write(&figures, path, NULL), 0);
    assert_int_equal(fb_figures_read(path, &again, NULL), 0);
    assert_int_equal(again.count, figures.count);
    for (size_t i = 0; i < again.count; i++) {
        assert_string_equal(again.items[i].figure, figures.items[i].figure);
        assert_string_equal(again.items[i].formula, figures.items[i].formula);
        assert_string_equal(again.items[i].why, figures.items[i].why);
        assert_true(again.items[i].value == figures.items[i].value ||
                    isnan(figures.items[i].value));
    }
    FILE *out = tmpfile();
    fb_claims_print(out, &again, false, 0);
    char *text = slurp(out);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 100);
    unlink(path);
    rmdir(folder);
    fb_figures_free(&figures);
    fb_figures_free(&again);
    fb_evidence_free(&evidence);
}

static void values_read_as_people_write_them(void **state)
{
    char text[128];
    struct fb_figure ratio = { .unit = "ratio", .value = 3.214, .lower = 2.9, .upper = 3.61 };
    (void)state;
    assert_string_equal(fb_figure_text(&ratio, text, sizeof text), "3.21x (2.90x to 3.61x)");
    ratio.lower = ratio.upper = ratio.value;
    assert_string_equal(fb_figure_text(&ratio, text, sizeof text), "3.21x");
    ratio.lower = ratio.upper = NAN;
    assert_string_equal(fb_figure_text(&ratio, text, sizeof text), "about 3.21x");
    ratio.value = NAN;
    assert_string_equal(fb_figure_text(&ratio, text, sizeof text), "not measured");
    struct fb_figure size = { .unit = "bytes", .value = NAN, .lower = 0, .upper = 25e6 };
    assert_string_equal(fb_figure_text(&size, text, sizeof text), "below 25.0 MB");
    size.lower = 640e6;
    size.upper = INFINITY;
    assert_string_equal(fb_figure_text(&size, text, sizeof text), "above 640 MB");
    size.lower = 0;
    assert_string_equal(fb_figure_text(&size, text, sizeof text), "not within the sizes measured");
    assert_string_equal(fb_figure_value("part", 0.698, text, sizeof text), "69.8 %");
    assert_string_equal(fb_figure_value("ns", 12.5e6, text, sizeof text), "12.5 ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_claim_can_be_reproduced),
        cmocka_unit_test(every_claim_can_fail_and_depend),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(what_lies_beyond_the_largest_is_marked),
        cmocka_unit_test(a_verdict_follows_from_what_holds),
        cmocka_unit_test(bounds_are_held_by_whole_intervals),
        cmocka_unit_test(crossings_are_bracketed_by_what_is_sure),
        cmocka_unit_test(two_seconds_lie_on_a_straight_line),
        cmocka_unit_test(quotients_take_the_far_ends),
        cmocka_unit_test(pairs_are_of_one_round),
        cmocka_unit_test(claims_survive_csv_and_show_the_same),
        cmocka_unit_test(values_read_as_people_write_them),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
