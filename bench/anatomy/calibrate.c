#include "bench/anatomy/calibrate.h"
#include "base/clock.h"
#include "results/statistics.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY "sample_000/expert/aus"
#define SOURCE "synth:samples=1,frames=4000:4000"
#define ROWS 4000 /* of the array; a row has 17 numbers */
#define WIDTH 17
#define ITERATIONS 5
/* Rows of a chunk in three files. All are long enough for gzip to make code tables of their own,
 * whose reading is most of what a call costs; zlib decodes a long chunk faster by the byte. */
#define SMALL 8
#define LARGE 40
#define HUGE_ROWS 800
#define TURNS 20
#define FILE_TURNS 4

struct bench {
    const struct fb_worker *worker;
    const struct fb_process_limits *limits;
    const struct fb_format *writer;
    char *file, *plan_path;
    struct fb_source *source;
};

static int make_file(struct bench *bench, const char *options_text, struct fb_error *err)
{
    struct fb_options options;
    int rc =
        fb_options_parse(bench->writer->options, bench->writer->name, options_text, &options, err);
    if (rc == 0)
        rc = fb_format_create(bench->writer, &options, bench->file, bench->source, err);
    if (rc == 0)
        fb_cache_forget(bench->file);
    return rc;
}

/* `times` slabs of rows first to first + rows, and columns up to width, with first moved on by
 * `step` each time. */
static int make_plan(const struct bench *bench, size_t times, uint64_t step, uint64_t rows,
                     uint64_t width, struct fb_plan *plan, struct fb_error *err)
{
    const struct fb_array_info *array;
    int rc = fb_catalog_require(fb_source_catalog(bench->source), ARRAY, &array, err);
    *plan = (struct fb_plan){ .one_buffer = true };
    for (size_t i = 0; rc == 0 && i < times; i++) {
        const uint64_t start[] = { i * step, 0 }, count[] = { rows, width };
        rc = fb_plan_add_slab(plan, FB_OP_READ, array, start, count, err);
    }
    return rc;
}

static int take_pass(const struct bench *bench, size_t times, uint64_t step, uint64_t rows,
                     uint64_t width, enum fb_handle handle, struct fb_anatomy *out,
                     struct fb_error *err)
{
    struct fb_plan plan;
    int rc = make_plan(bench, times, step, rows, width, &plan, err);
    if (rc == 0)
        rc = fb_plan_write(&plan, bench->plan_path, err);
    if (rc == 0) {
        struct fb_block_job job = {
            .worker = bench->worker,
            .limits = *bench->limits,
            .job = { .format = bench->writer->name,
                     .options = "",
                     .file = bench->file,
                     .plan = bench->plan_path,
                     .handle = handle,
                     .buffer = fb_block_buffer(&plan) },
            .plan = &plan,
        };
        rc = fb_anatomy_run(&job, ITERATIONS, out, err);
    }
    fb_plan_free(&plan);
    return rc;
}

static double at_least(double value, double least)
{
    return value > least ? value : least;
}

static double cost_of(const struct fb_anatomy *pass, enum fb_part part)
{
    return (double)pass->ns[part] / at_least((double)pass->calls[part], 1);
}

#define MAPPINGS 48
#define MAPPING_BYTES ((size_t)256 << 10)

/* What fresh memory costs: maps, touches and unmaps some, as malloc does with large blocks. */
static void measure_memory(struct fb_rates *out)
{
    uint64_t touch[MAPPINGS], unmap[MAPPINGS];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), done = 0;
    for (size_t i = 0; i < MAPPINGS; i++) {
        volatile unsigned char *block =
            mmap(NULL, MAPPING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED)
            break;
        uint64_t started = fb_clock_ns();
        for (size_t at = 0; at < MAPPING_BYTES; at += page)
            block[at] = 1;
        uint64_t touched = fb_clock_ns();
        munmap((void *)(uintptr_t)block, MAPPING_BYTES);
        unmap[done] = fb_clock_ns() - touched;
        touch[done++] = touched - started;
    }
    if (done == 0)
        return;
    fb_sort_u64(touch, done);
    fb_sort_u64(unmap, done);
    out->fault = (double)fb_median_u64(touch, done) / (double)MAPPING_BYTES;
    out->unmap = (double)fb_median_u64(unmap, done) / (double)MAPPING_BYTES;
}

/* More than the processor's caches next to its cores hold. */
#define FILE_BYTES ((size_t)8 << 20)

/* What a byte of the page cache costs, apart from the call: the file has just been written. */
static void measure_reads(const char *path, struct fb_rates *out)
{
    static const size_t block = 65536;
    unsigned char *buffer = calloc(1, block);
    uint64_t bytes = 0, ns = 0;
    ssize_t got;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t at = 0; buffer && fd >= 0 && at < FILE_BYTES; at += block)
        if (pwrite(fd, buffer, block, (off_t)at) != (ssize_t)block)
            break;
    fb_cache_forget(path); /* the first turn reads it in order */
    for (int turn = 0; buffer && fd >= 0 && turn < FILE_TURNS; turn++)
        for (off_t at = 0;; at += got) {
            uint64_t started = fb_clock_ns();
            got = pread(fd, buffer, block, at);
            if (got <= 0)
                break;
            ns += fb_clock_ns() - started;
            bytes += turn > 0 ? (uint64_t)got : 0;
            ns = turn > 0 ? ns : 0;
        }
    if (bytes > 0)
        out->read_byte = (double)ns / (double)bytes;
    if (fd >= 0)
        close(fd);
    free(buffer);
}

/* Six passes. Copying a byte is not asked for: it is the smallest of all. */
static int measure(struct bench *bench, struct fb_rates *out, struct fb_error *err)
{
    struct fb_anatomy missed, hit, rows, column, huge, calm;
    *out = fb_rates_typical;
    measure_memory(out);
    int rc = make_file(bench, "level=4,rows=8", err);
    if (rc == 0) /* every chunk is looked up, read and decoded */
        rc = take_pass(bench, 1, 0, ROWS, WIDTH, FB_HANDLE_KEEP, &missed, err);
    if (rc == 0)
        rc = make_file(bench, "level=4,rows=40", err);
    if (rc == 0) /* the same chunks in every request: found in the cache but for the first time */
        rc = take_pass(bench, TURNS, 0, ROWS, WIDTH, FB_HANDLE_KEEP, &hit, err);
    if (rc == 0) /* one row a request */
        rc = take_pass(bench, ROWS, 1, 1, WIDTH, FB_HANDLE_KEEP, &rows, err);
    if (rc == 0) /* one number a row */
        rc = take_pass(bench, TURNS, 0, ROWS, 1, FB_HANDLE_KEEP, &column, err);
    if (rc == 0)
        rc = make_file(bench, "level=4,rows=800", err);
    if (rc == 0) /* as the first, in long chunks */
        rc = take_pass(bench, 1, 0, ROWS, WIDTH, FB_HANDLE_KEEP, &huge, err);
    if (rc == 0)
        rc = make_file(bench, "level=0,rows=800", err);
    if (rc == 0) /* nothing is decoded */
        rc = take_pass(bench, 1, 0, ROWS, WIDTH, FB_HANDLE_ONCE, &calm, err);
    if (rc)
        return rc;
    double small = ROWS / SMALL, chunks = ROWS / LARGE;
    double miss = (double)missed.ns[FB_PART_LIBRARY] / small;
    double hits =
        (double)hit.ns[FB_PART_LIBRARY] - chunks * miss - out->byte * TURNS * ROWS * WIDTH * 4;
    out->chunk = at_least(hits / (chunks * (TURNS - 1)), 100);
    out->load = at_least(miss - out->chunk, 100);
    out->request =
        at_least(((double)rows.ns[FB_PART_LIBRARY] - chunks * miss) / ROWS - out->chunk, 100);
    out->run = at_least(
        ((double)column.ns[FB_PART_LIBRARY] - chunks * miss - chunks * (TURNS - 1) * out->chunk) /
            (TURNS * ROWS),
        1);
    /* Two sizes of chunk: what is left at size zero is the call's. All of them are still in the
     * cache at the end, in memory that was fresh. */
    double of_small = (double)missed.ns[FB_PART_INFLATE] / small;
    double of_huge = (double)huge.ns[FB_PART_INFLATE] * HUGE_ROWS / ROWS;
    double slope = at_least((of_huge - of_small) / ((HUGE_ROWS - SMALL) * WIDTH * 4), 0.1);
    out->inflate_byte = at_least(slope - out->fault, slope / 3);
    out->inflate_call = at_least(of_small - slope * SMALL * WIDTH * 4, of_small / 5);
    measure_reads(bench->file, out);
    out->read_call = (double)missed.ns[FB_PART_RAW_IO] / small;
    out->open = cost_of(&calm, FB_PART_OPEN);
    out->lookup = cost_of(&calm, FB_PART_LOOKUP);
    return 0;
}

static bool is_measured(void *context, size_t array)
{
    const struct fb_catalog *catalog = context;
    return strcmp(catalog->arrays[array].path, ARRAY) == 0;
}

/* The one array, so that no time is spent on others. */
static int open_source(struct fb_source **out, struct fb_error *err)
{
    struct fb_source *all = NULL;
    int rc = fb_source_open(SOURCE, NULL, NULL, &all, err);
    return rc ? rc
              : fb_source_select(all, is_measured, (void *)(uintptr_t)fb_source_catalog(all), out,
                                 err);
}

int fb_calibrate(const struct fb_worker *worker, const struct fb_process_limits *limits,
                 const struct fb_format *writer, const char *folder, struct fb_rates *out,
                 struct fb_error *err)
{
    struct bench bench = { .worker = worker, .limits = limits, .writer = writer };
    int rc = 0;
    if (asprintf(&bench.file, "%s/calibration", folder) < 0)
        bench.file = NULL;
    if (asprintf(&bench.plan_path, "%s/calibration-plan.csv", folder) < 0)
        bench.plan_path = NULL;
    if (!bench.file || !bench.plan_path)
        rc = fb_fail_memory(err, "file names");
    if (rc == 0)
        rc = open_source(&bench.source, err);
    if (rc == 0) {
        rc = measure(&bench, out, err);
        unlink(bench.file);
        unlink(bench.plan_path);
        fb_source_close(bench.source);
    }
    free(bench.file);
    free(bench.plan_path);
    return rc;
}
