#include "results/record.h"
#include "results/csv.h"
#include "results/rows.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

/* A column that came when files of this schema version were about. */
#define LATER(type, member, unit, help)                                                            \
    {                                                                                              \
#member, type, offsetof(struct fb_record, member),                                         \
            sizeof(((struct fb_record *)0)->member), unit, help, true                              \
    }
#define TEXT(member, help) FB_COLUMN(fb_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_record, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help) FB_COLUMN(fb_record, FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_record_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(run_id, "name of the run"),
    TEXT(cell_id, "hash of the columns format to clock: the same in every run"),
    TEXT(dataset, "the source, as `fmtbench run` would take it again"),
    U64(dataset_bytes, "bytes", "all arrays in the element type of this cell's file"),
    TEXT(format, "name of the format"),
    TEXT(options, "its options in canonical form; empty for none"),
    TEXT(workload, "name of the workload"),
    TEXT(workload_options, "its options in canonical form, as asked for"),
    TEXT(cache, "`warm` or `cold`: the file's state in the page cache before a block"),
    TEXT(handle, "`once`, `each` or `keep`: when the file is opened within an iteration"),
    TEXT(clock,
         "whose clock: `inner` is the worker's own, around the reads; `process` is hyperfine's, "
         "around a whole command that does the same reads"),
    TEXT(status,
         "`ok`, `wrong-data`, `failed`, `not-applicable` or `not-run`; only `ok` has times"),
    TEXT(reason, "why the status is another than `ok`"),
    TEXT(verification, "`verified` against the source, `repeatable` (the file itself is the only "
                       "reference), `none` (nothing to check) or `not verified`"),
    TEXT(cache_state,
         "`proven` for every block, by the resident part of the file before it or, where "
         "that cannot be seen, by the bytes that came from the device; else "
         "`warm-unproven` or `cold-unproven`"),
    TEXT(cache_reason, "why the cache state is not proven"),
    TEXT(role, "`contender`, or `reference`: a line to compare with, never the fastest"),
    U64(requests, "", "requests in the plan"),
    U64(request_bytes, "bytes",
        "what the plan asks for in one iteration: the slabs that it reads, of "
        "means too, and the answers of searches"),
    U64(blocks, "", "fresh worker processes that were timed"),
    U64(iterations, "", "timed executions of the plan in all blocks, warm-ups left out"),
    U64(median_ns, "ns", "median over the blocks of each block's median iteration"),
    U64(lower_ns, "ns",
        "lower end of the 95 % interval of that median: between two order statistics"),
    U64(upper_ns, "ns", "upper end of the interval"),
    DOUBLE(interval_level, "fraction",
           "nominal coverage of the interval: above 0.95, which is what repeated looks and "
           "correlated blocks leave of it; empty with fewer than 6 blocks"),
    U64(looks, "",
        "how often it was considered whether the interval is narrow enough; 0 where the "
        "number of blocks was fixed or time ran out before the first look"),
    TEXT(stop_reason,
         "why there are no more blocks: `precision` reached, `time-limit`, `blocks` as "
         "asked for, `most-blocks` of any cell, `interrupted`; `hyperfine` of a process row, which "
         "decides itself"),
    U64(minimum_ns, "ns", "the fastest block"),
    DOUBLE(times_fastest, "ratio",
           "median over that of the fastest contender of the same "
           "workload, cache and handle"),
    U64(write_ns, "ns", "making the file once, without the time its source took"),
    U64(write_cpu_ns, "ns", "processor time of the same"),
    U64(file_bytes, "bytes", "size of the file"),
    TEXT(layout, "layout of the array that the workload reads first: `contiguous`, `chunked`, "
                 "`compact`, `document`"),
    TEXT(chunk, "its chunk shape, as `357x17x1`; empty where not chunked"),
    TEXT(filters, "its filters in writing order, as `shuffle+gzip(4)`"),
    U64(stored_bytes, "bytes", "its data in the file"),
    U64(chunk_cache_bytes, "bytes", "chunk cache in force while reading; 0 for none"),
    LATER(FB_COLUMN_TEXT, fallback, "",
          "why the format leaves that array to another reader than its own, as "
          "`filter 32001`; empty where it does not"),
    DOUBLE(resident_before, "fraction",
           "worst resident part of the file before a block: lowest "
           "for warm, highest for cold"),
    DOUBLE(resident_after, "fraction", "resident part of the file after a block: median"),
    U64(peak_bytes, "bytes",
        "highest peak memory of a block's worker; of an epoch with what the processes that load it "
        "had together beside it"),
    U64(read_bytes, "bytes",
        "returned by read system calls in one iteration, inside the clock: median "
        "over the blocks, as all counters"),
    U64(read_calls, "", "such calls"),
    U64(device_bytes, "bytes", "fetched from the device"),
    U64(minor_faults, "", "page faults served from memory"),
    U64(major_faults, "", "page faults that waited for the device"),
    U64(user_ns, "ns", "processor time in user mode"),
    U64(system_ns, "ns", "processor time in the kernel"),
    DOUBLE(read_amplification, "ratio", "read_bytes over request_bytes"),
    DOUBLE(throughput, "bytes/s", "request_bytes over median_ns"),
    U64(steal_ns, "ns",
        "processor time that the host took from this machine during the cell's "
        "blocks: sum"),
    U64(pressure_ns, "ns",
        "time with somebody on this machine waiting for a processor during the "
        "cell's blocks: sum"),
    U64(floor_copy_ns, "ns",
        "the machine's own time to copy the bytes that the plan asks for; measured in blocks of "
        "`once` rows, behind their iterations, and the same for all handles"),
    U64(floor_read_ns, "ns",
        "to read the stored bytes that the plan needs with pread, as warm or "
        "cold, into a touched buffer"),
    U64(floor_inflate_ns, "ns", "to inflate the compressed ones of them without HDF5"),
    U64(floor_ns, "ns", "floor_read_ns and floor_inflate_ns together"),
    DOUBLE(times_floor, "ratio", "median_ns over floor_ns"),
    LATER(FB_COLUMN_DOUBLE, samples_per_s, "1/s",
          "of a workload that is loaded in batches: requests over median_ns"),
    LATER(FB_COLUMN_U64, batch_p50_ns, "ns",
          "from wanting a batch to having it: median of all batches in batches.csv"),
    LATER(FB_COLUMN_U64, batch_p99_ns, "ns", "and the time within which 99 of 100 of them came"),
    LATER(FB_COLUMN_DOUBLE, wait_share, "fraction",
          "part of the iterations' time that the consumer waited for batches"),
    { 0 },
};

#undef TEXT
#undef U64
#undef DOUBLE
#define TEXT(member, help) FB_COLUMN(fb_block_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_block_record, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help) FB_COLUMN(fb_block_record, FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_block_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(run_id, "name of the run"),
    TEXT(cell_id, "the cell in results.csv"),
    U64(round, "", "one block of every cell that still needs one makes a round: 1, 2, ..."),
    U64(block, "", "running number of the worker process, over all cells, in order of execution"),
    U64(start_ns, "ns", "when it began, since the start of the run"),
    U64(wall_ns, "ns", "the whole block: process start, cache state, reads, checks"),
    U64(iterations, "", "timed executions of the plan"),
    U64(counted, "",
        "executions that the counters below are sums over, inside the clock: the timed ones or, "
        "where these are short, one of its own"),
    U64(asked_bytes, "bytes", "what the plan asked for"),
    U64(read_bytes, "bytes", "returned by read system calls"),
    U64(read_calls, "", "such calls"),
    U64(device_bytes, "bytes", "fetched from the device"),
    U64(minor_faults, "", "page faults served from memory"),
    U64(major_faults, "", "page faults that waited for the device"),
    U64(user_ns, "ns", "processor time in user mode"),
    U64(system_ns, "ns", "processor time in the kernel"),
    U64(peak_bytes, "bytes", "peak memory of the worker, and of the processes that it started"),
    DOUBLE(resident_before, "fraction", "resident part of the file before the iterations"),
    DOUBLE(resident_after, "fraction", "resident part of the file after them"),
    U64(steal_ns, "ns", "processor time that the host took from this machine meanwhile"),
    U64(pressure_ns, "ns", "time with somebody on this machine waiting for a processor meanwhile"),
    U64(floor_copy_ns, "ns",
        "the floor's copy of the bytes that the plan asks for; empty in blocks "
        "that measured no floor"),
    U64(floor_read_ns, "ns", "the floor's pread of the stored bytes"),
    U64(floor_inflate_ns, "ns", "the floor's inflate of the compressed ones"),
    { 0 },
};

#undef TEXT
#undef U64
#undef DOUBLE
#define TEXT(member, help) FB_COLUMN(fb_iteration, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_iteration, FB_COLUMN_U64, member, unit, help)

const struct fb_column fb_iteration_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(run_id, "name of the run"),
    TEXT(cell_id, "the cell in results.csv"),
    U64(round, "", "the round of its block"),
    U64(block, "", "the worker process in blocks.csv; a run of hyperfine has no row there"),
    U64(iteration, "", "within the block: 0, 1, ..."),
    U64(warmup, "", "1: not used in statistics"),
    U64(ns, "ns", "one execution of the cell's whole plan"),
    U64(start_ns, "ns", "when its block began, since the start of the run"),
    { 0 },
};

#undef TEXT
#undef U64
#define TEXT(member, help) FB_COLUMN(fb_batch_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_batch_record, FB_COLUMN_U64, member, unit, help)

const struct fb_column fb_batch_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(run_id, "name of the run"),
    TEXT(cell_id, "the cell in results.csv"),
    U64(round, "", "the round of its block"),
    U64(block, "", "the worker process in blocks.csv"),
    U64(iteration, "", "the timed one in iterations.csv"),
    U64(batch, "", "within the iteration: 0, 1, ..."),
    U64(wait_ns, "ns", "from when the consumer wanted the batch to when it had it"),
    { 0 },
};

void fb_record_init(struct fb_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_record_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
}

void fb_block_record_init(struct fb_block_record *block)
{
    memset(block, 0, sizeof *block);
    fb_columns_clear(fb_block_columns, block);
    block->schema_version = FB_SCHEMA_VERSION;
}

void fb_iteration_init(struct fb_iteration *iteration)
{
    memset(iteration, 0, sizeof *iteration);
    fb_columns_clear(fb_iteration_columns, iteration);
    iteration->schema_version = FB_SCHEMA_VERSION;
}

void fb_cell_id(struct fb_record *record)
{
    const char *parts[] = { record->format,   record->options,
                            record->workload, record->workload_options,
                            record->cache,    record->handle,
                            record->clock };
    /* The NUL behind each part goes in, so that no two lists of parts run into one text. */
    char text[sizeof record->format + sizeof record->options + sizeof record->workload +
              sizeof record->workload_options + sizeof record->cache + sizeof record->handle +
              sizeof record->clock];
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]) + 1;
        memcpy(text + used, parts[i], length);
        used += length;
    }
    snprintf(record->cell_id, sizeof record->cell_id, "c%012" PRIx64,
             (uint64_t)XXH3_64bits(text, used) >> 16);
}

FB_ROWS(fb_records, fb_records, fb_record, fb_record_columns, FB_RECORDS_MAX)
FB_ROWS(fb_blocks, fb_blocks, fb_block_record, fb_block_columns, 0)
FB_ROWS(fb_iterations, fb_iterations, fb_iteration, fb_iteration_columns, 0)
FB_ROWS(fb_batches, fb_batches, fb_batch_record, fb_batch_columns, 0)
