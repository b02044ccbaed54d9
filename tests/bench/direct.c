/* Reading past H5Dread against H5Dread, and against what there is to do at least, in interleaved
 * rounds in random order. A CSV of the times by threads goes to standard error. The parts can be
 * named: direct [load] [cold] [cells] [many] [memory]. */
#include "base/random.h"
#include "bench/cache.h"
#include "bench/execute.h"
#include "tests/bench/direct_load.h"
#include "tests/bench/paired.h"

#include <sys/wait.h>

#define LOAD_ROUNDS 21
#define COLD_ROUNDS 21
#define PAIRS 61

extern const struct fb_format fb_format_hdf5_chunked, fb_format_hdf5_direct;

/* --- rounds ----------------------------------------------------------------------------------- */

#define SIDES_MAX 9

struct sides {
    size_t count, rounds;
    double ns[SIDES_MAX][LOAD_ROUNDS], cpu_ns[SIDES_MAX][LOAD_ROUNDS];
};

/* Calls every side once a round, in a new order each time. */
static void run_rounds(struct sides *sides, uint64_t (*measure)(const void *context, size_t side),
                       const void *context)
{
    struct fb_random random;
    fb_random_seed(&random, 1);
    for (size_t side = 0; side < sides->count; side++)
        measure(context, side);
    for (size_t round = 0; round < sides->rounds; round++) {
        size_t order[SIDES_MAX];
        for (size_t i = 0; i < sides->count; i++)
            order[i] = i;
        fb_random_shuffle(&random, order, sides->count);
        for (size_t i = 0; i < sides->count; i++) {
            uint64_t before = fb_clock_cpu_ns();
            sides->ns[order[i]][round] = (double)measure(context, order[i]);
            sides->cpu_ns[order[i]][round] = (double)(fb_clock_cpu_ns() - before);
        }
    }
}

/* Upper bound of the median of a's time over b's. */
static double bound_of(const struct sides *sides, size_t a, size_t b)
{
    double ratios[LOAD_ROUNDS];
    for (size_t i = 0; i < sides->rounds; i++)
        ratios[i] = sides->ns[a][i] / sides->ns[b][i];
    return upper_bound_of_median(ratios, sides->rounds);
}

/* Median of the processor time of a over that of b: what a busy machine does not hide. */
static double cpu_ratio(const struct sides *sides, size_t a, size_t b)
{
    double ratios[LOAD_ROUNDS];
    for (size_t i = 0; i < sides->rounds; i++)
        ratios[i] = sides->cpu_ns[a][i] / sides->cpu_ns[b][i];
    qsort(ratios, sides->rounds, sizeof *ratios, compare_doubles);
    return ratios[sides->rounds / 2];
}

static double median_ms(const struct sides *sides, size_t side)
{
    double sorted[LOAD_ROUNDS];
    memcpy(sorted, sides->ns[side], sides->rounds * sizeof *sorted);
    qsort(sorted, sides->rounds, sizeof *sorted, compare_doubles);
    return sorted[sides->rounds / 2] / 1e6;
}

/* --- full load -------------------------------------------------------------------------------- */

enum { PLAIN, DIRECT_1, DIRECT_2, DIRECT_3, DIRECT_4, OPEN_1, OPEN_2, BARE_1, BARE_2, LOAD_SIDES };

static uint64_t measure_load(const void *context, size_t side)
{
    const struct load *load = context;
    if (side == PLAIN)
        return load_plain(load);
    if (side >= BARE_1)
        return load_bare(load, (unsigned)(side - BARE_1 + 1));
    if (side >= OPEN_1)
        return load_direct_open(load, (unsigned)(side - OPEN_1 + 1));
    return load_direct(load, (unsigned)(side - DIRECT_1 + 1));
}

static bool check_load(const struct load *load)
{
    static struct sides sides = { .count = LOAD_SIDES, .rounds = LOAD_ROUNDS };
    bool pass = true;
    run_rounds(&sides, measure_load, load);
    fprintf(stderr, "reader,threads,median_ms\nH5Dread,1,%.1f\n", median_ms(&sides, PLAIN));
    for (size_t i = 0; i < 4; i++)
        fprintf(stderr, "direct,%zu,%.1f\n", i + 1, median_ms(&sides, DIRECT_1 + i));
    for (size_t i = 0; i < 2; i++)
        fprintf(stderr, "open arrays,%zu,%.1f\nbare,%zu,%.1f\n", i + 1,
                median_ms(&sides, OPEN_1 + i), i + 1, median_ms(&sides, BARE_1 + i));
    fprintf(stderr, "with opening, over bare: %.2f with 1 thread, %.2f with 2\n",
            bound_of(&sides, DIRECT_1, BARE_1), bound_of(&sides, DIRECT_2, BARE_2));
    fprintf(stderr,
            "processor time over bare: %.2f with 1 thread, %.2f with 2; over H5Dread %.2f, %.2f\n",
            cpu_ratio(&sides, DIRECT_1, BARE_1), cpu_ratio(&sides, DIRECT_2, BARE_2),
            cpu_ratio(&sides, DIRECT_1, PLAIN), cpu_ratio(&sides, DIRECT_2, PLAIN));
    pass &= report_least("full-load-1-thread-speedup", 1 / bound_of(&sides, DIRECT_1, PLAIN), 1.8);
    pass &= report_least("full-load-2-threads-speedup", 1 / bound_of(&sides, DIRECT_2, PLAIN), 2.3);
    pass &= report("full-load-1-thread-over-bare", bound_of(&sides, OPEN_1, BARE_1), 1.25);
    pass &= report("full-load-2-threads-over-bare", bound_of(&sides, OPEN_2, BARE_2), 1.25);
    return pass;
}

/* --- cold ------------------------------------------------------------------------------------- */

/* How well reading hides behind the rest, or the rest behind reading. */
enum { COLD_DIRECT, WARM_DIRECT, COLD_PLAIN, COLD_READ, INFLATE, COLD_SIDES };

struct cold {
    const struct load *load;
    unsigned char *file;
};

static uint64_t measure_cold(const void *context, size_t side)
{
    const struct cold *cold = context;
    struct fb_error err;
    double resident = 1;
    if (side == WARM_DIRECT) {
        read_bare(cold->load);
        return load_direct(cold->load, 2);
    }
    if (fb_cache_prepare(cold->load->path, FB_CACHE_COLD, &err) ||
        fb_cache_resident(cold->load->path, &resident, &err))
        die(&err);
    must(fb_cache_settled(FB_CACHE_COLD, resident), "evicting the file");
    switch (side) {
    case COLD_DIRECT:
        return load_direct(cold->load, 2);
    case COLD_PLAIN:
        return load_plain(cold->load);
    case COLD_READ:
        return read_bare(cold->load);
    default:
        return inflate_bare(cold->load, cold->file, 2);
    }
}

static bool check_cold(const struct load *load)
{
    static struct sides sides = { .count = COLD_SIDES, .rounds = COLD_ROUNDS };
    struct cold cold = { .load = load };
    double ratios[COLD_ROUNDS];
    uint64_t bytes;
    struct fb_error err;
    if (fb_path_bytes(load->path, &bytes, &err))
        die(&err);
    cold.file = malloc(bytes);
    FILE *file = fopen(load->path, "rb");
    must(cold.file && file && fread(cold.file, 1, bytes, file) == bytes, "reading the file");
    fclose(file);
    run_rounds(&sides, measure_cold, &cold);
    free(cold.file);
    for (size_t i = 0; i < COLD_ROUNDS; i++)
        ratios[i] =
            sides.ns[COLD_DIRECT][i] / fmax(sides.ns[COLD_READ][i], sides.ns[WARM_DIRECT][i]);
    fprintf(stderr,
            "cold: direct %.1f ms, H5Dread %.1f ms; reading alone %.1f ms, inflating alone %.1f "
            "ms, direct and warm %.1f ms\n",
            median_ms(&sides, COLD_DIRECT), median_ms(&sides, COLD_PLAIN),
            median_ms(&sides, COLD_READ), median_ms(&sides, INFLATE),
            median_ms(&sides, WARM_DIRECT));
    return report("cold-full-load-over-slower-of-read-and-warm",
                  upper_bound_of_median(ratios, COLD_ROUNDS), 1.15);
}

/* --- workloads, by fmtbench's own interface --------------------------------------------------- */

struct cell {
    const char *name, *source, *file, *workload;
    bool gains; /* else it must lose nothing */
};

static uint64_t run_cell(struct fb_execution execution, const struct fb_format *format,
                         size_t repeats)
{
    uint64_t sum = 0, ns;
    struct fb_error err;
    struct fb_options options;
    if (fb_options_parse(format->options, format->name, NULL, &options, &err))
        die(&err);
    execution.format = format;
    execution.options = &options;
    for (size_t i = 0; i < repeats; i++) {
        if (fb_execute(&execution, &ns, &err))
            die(&err);
        execution.delivery->hash_count = 0;
        sum += ns;
    }
    return sum;
}

static bool check_handle(const struct cell *cell, const struct fb_execution *execution)
{
    static double ratios[PAIRS];
    struct fb_random random;
    char check[96];
    fb_random_seed(&random, 1);
    uint64_t once = run_cell(*execution, &fb_format_hdf5_chunked, 1);
    run_cell(*execution, &fb_format_hdf5_direct, 1);
    size_t repeats = once < 5000000 ? 5000000 / (once + 1) + 1 : 1;
    size_t pairs = once < 100000000 ? PAIRS : 15;
    for (size_t i = 0; i < pairs; i++) {
        bool first = fb_random_below(&random, 2);
        uint64_t a = first ? run_cell(*execution, &fb_format_hdf5_direct, repeats) : 0;
        uint64_t b = run_cell(*execution, &fb_format_hdf5_chunked, repeats);
        if (!first)
            a = run_cell(*execution, &fb_format_hdf5_direct, repeats);
        ratios[i] = (double)a / (double)b;
    }
    double bound = upper_bound_of_median(ratios, pairs);
    fprintf(stderr, "%s %s: median %.3f over %zu pairs of %.3f ms\n", cell->name,
            fb_handle_names[execution->handle], ratios[pairs / 2], pairs, (double)once / 1e6);
    snprintf(check, sizeof check, "%s-%s%s", cell->name, fb_handle_names[execution->handle],
             cell->gains ? "-speedup" : "-ratio");
    return cell->gains ? report_least(check, 1 / bound, 1.5) : report(check, bound, 1.05);
}

static bool check_cell(const struct cell *cell)
{
    const struct fb_format *format;
    struct fb_options options;
    struct fb_source *source;
    struct fb_delivery delivery;
    struct bench_folder bench;
    struct fb_plan plan;
    struct fb_error err;
    bool pass = true;
    bench_folder_make(&bench);
    if (fb_source_open(cell->source, NULL, NULL, &source, &err))
        die(&err);
    make_file(cell->file, bench.data, source, &format, &options);
    make_plan(cell->workload, fb_source_catalog(source), &plan);
    if (fb_delivery_init(&delivery, fb_plan_bytes(&plan) + 64 * plan.count, plan.count, -1, &err))
        die(&err);
    struct fb_execution execution = { .file = bench.data, .plan = &plan, .delivery = &delivery };
    for (size_t i = 0; i < FB_HANDLE_COUNT; i++) {
        execution.handle = (enum fb_handle)i;
        pass &= check_handle(cell, &execution);
    }
    fb_delivery_free(&delivery);
    fb_plan_free(&plan);
    fb_source_close(source);
    bench_folder_remove(&bench);
    return pass;
}

static bool check_cells(void)
{
    static const struct cell cells[] = {
        { "slicing", "synth:samples=24", "hdf5-chunked", "slicing:n=20", true },
        { "random-access", "synth:samples=24", "hdf5-chunked", "random-access:n=20", true },
        { "column", "synth:samples=24", "hdf5-chunked", "column:n=20", true },
        { "shuffle-slicing", "synth:samples=24", "hdf5-chunked:shuffle=1", "slicing:n=20", true },
        { "level-1-slicing", "synth:samples=24", "hdf5-chunked:level=1", "slicing:n=20", true },
        { "rows-1-scan", "synth:samples=4", "hdf5-chunked:rows=1", "scan", false },
        { "large-chunk-slicing", "synth:samples=4,frames=3000:4000", "hdf5-chunked:rows=2500",
          "slicing:n=20", false },
        { "windows-scan", "synth:samples=8", "hdf5-chunked", "scan:window=10", false },
        { "tiny-random-access", "synth:samples=40,frames=1:4", "hdf5-chunked", "random-access:n=40",
          false },
        { "unfiltered-slicing", "synth:samples=24", "hdf5-chunked:level=0", "slicing:n=20", false },
        { "unfiltered-random-access", "synth:samples=24", "hdf5-chunked:level=0",
          "random-access:n=20", false },
        { "contiguous-slicing", "synth:samples=24", "hdf5-contiguous", "slicing:n=20", false },
        { "contiguous-random-access", "synth:samples=24", "hdf5-contiguous", "random-access:n=20",
          false },
    };
    bool pass = true;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        pass &= check_cell(&cells[i]);
    return pass;
}

/* --- one array of many chunks, or of large ones ----------------------------------------------- */

static void make_array(const char *path, hsize_t rows, hsize_t chunk_rows, hsize_t columns)
{
    const hsize_t dims[2] = { rows, columns }, chunk[2] = { chunk_rows, columns };
    float *values = malloc(rows * columns * sizeof *values);
    must(values, "malloc");
    for (size_t i = 0; i < rows * columns; i++)
        values[i] = (float)(i % 1021) / 1021;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dims, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    H5Pset_deflate(creation, 1);
    hid_t set = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    must(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, "H5Dwrite");
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    free(values);
}

/* Seconds from nothing to the first rows, and then to all of them. */
static bool check_many(const char *path)
{
    const uint64_t start[2] = { 100000, 0 }, one[2] = { 1, 16 }, from[2] = { 0, 0 };
    const uint64_t all[2] = { 200000, 16 };
    struct fb_direct_file *file;
    struct fb_direct_array *array;
    char why[FB_DIRECT_WHY];
    size_t bytes = 200000 * 16 * sizeof(float);
    float *values = fb_memory_touched(bytes);
    make_array(path, 200000, 1, 16);
    uint64_t began = fb_clock_ns();
    must(fb_direct_open(path, 0, &file, why) == 0, why);
    must(fb_direct_array_open(file, "x", &array, why) == 0, why);
    must(fb_direct_read(array, start, one, values, bytes, why) == 0, why);
    double opened = (double)(fb_clock_ns() - began) / 1e9;
    must(fb_direct_read(array, from, all, values, bytes, why) == 0, why);
    fprintf(stderr, "200000 chunks: first rows after %.4f s, all after %.2f s\n", opened,
            (double)(fb_clock_ns() - began) / 1e9);
    fb_direct_array_close(array);
    fb_direct_close(file);
    fb_memory_release(values, bytes);
    return report("many-chunks-open-seconds", opened, 1);
}

#define LARGE_ROWS 4096
#define LARGE_CHUNK ((size_t)256 * 4096 * sizeof(float)) /* 4 MiB */

/* Peak memory of a reading process beyond what it had before, in chunks a thread. What a process
 * has beside chunks is small against these. */
static double chunks_a_thread(const char *path, unsigned threads)
{
    const uint64_t start[2] = { 0, 0 }, all[2] = { LARGE_ROWS, 4096 };
    int ends[2];
    double share = 0;
    must(pipe(ends) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        struct fb_memory_status before, after;
        struct fb_direct_file *file;
        struct fb_direct_array *array;
        char why[FB_DIRECT_WHY];
        size_t bytes = (size_t)LARGE_ROWS * 4096 * sizeof(float);
        void *buffer = fb_memory_touched(bytes);
        fb_memory_status(getpid(), &before);
        must(fb_direct_open(path, threads, &file, why) == 0, why);
        must(fb_direct_array_open(file, "x", &array, why) == 0, why);
        must(fb_direct_read(array, start, all, buffer, bytes, why) == 0, why);
        fb_memory_status(getpid(), &after);
        share = (double)(after.peak - before.peak) / LARGE_CHUNK / threads;
        must(write(ends[1], &share, sizeof share) == sizeof share, "write");
        _exit(0);
    }
    must(child > 0 && read(ends[0], &share, sizeof share) == sizeof share, "the child");
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return share;
}

static bool check_memory(const char *path)
{
    bool pass = true;
    make_array(path, LARGE_ROWS, 256, 4096);
    for (unsigned threads = 1; threads <= 4; threads++) {
        char check[64];
        snprintf(check, sizeof check, "memory-chunks-a-thread-%u", threads);
        pass &= report(check, chunks_a_thread(path, threads), 2);
    }
    return pass;
}

/* --- all -------------------------------------------------------------------------------------- */

static bool wanted(int argc, char **argv, const char *part)
{
    bool found = argc < 2;
    for (int i = 1; i < argc; i++)
        found |= strcmp(argv[i], part) == 0;
    return found;
}

int main(int argc, char **argv)
{
    struct fb_source *source;
    struct bench_folder bench;
    struct fb_error err;
    bool pass = true;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    bench_folder_make(&bench);
    if (wanted(argc, argv, "memory")) /* before this process has grown */
        pass &= check_memory(bench.data);
    if (wanted(argc, argv, "many"))
        pass &= check_many(bench.data);
    if (wanted(argc, argv, "load") || wanted(argc, argv, "cold")) {
        const struct fb_format *format;
        struct fb_options options;
        struct load load;
        if (fb_source_open("synth:samples=24,frames=2300:6660", NULL, NULL, &source, &err))
            die(&err);
        make_file("hdf5-chunked:level=4", bench.data, source, &format, &options);
        load_init(&load, bench.data, format, fb_source_catalog(source));
        fprintf(stderr, "%.0f MB in %zu chunks of %zu arrays\n", (double)load.bytes / 1e6,
                load.chunk_count, load.catalog->array_count);
        if (wanted(argc, argv, "load"))
            pass &= check_load(&load);
        if (wanted(argc, argv, "cold"))
            pass &= check_cold(&load);
        load_free(&load);
        fb_source_close(source);
    }
    if (wanted(argc, argv, "cells"))
        pass &= check_cells();
    bench_folder_remove(&bench);
    return pass ? 0 : 1;
}
