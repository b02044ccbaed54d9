/* What a run records: one fb_record per cell (results.csv), one fb_block_record per worker process
 * (blocks.csv), one fb_iteration per timed execution (iterations.csv), in plain structs that know
 * neither formats nor workloads.
 *
 * The CSV files follow from one table of columns each (record.c): header, writer, reader,
 * `fmtbench schema` and SCHEMA.md. To add a column: a member here and a line there. */
#ifndef FB_RESULTS_RECORD_H
#define FB_RESULTS_RECORD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FB_SCHEMA_VERSION 2

/* "Not available": an empty field in CSV, "n/a" for people. Doubles use NAN. */
#define FB_NA UINT64_MAX

struct fb_record {
    uint64_t schema_version;
    char run_id[64];
    char cell_id[24];  /* fb_cell_id of the columns from format to clock: the same in every run */
    char dataset[512]; /* SOURCE as `run` would take it again */
    uint64_t dataset_bytes; /* bytes of all arrays in the element type of this cell's file */
    char format[64];
    char options[1024]; /* canonical; "" for none */
    char workload[64];
    char workload_options[1024]; /* canonical, as asked for */
    char cache[16];              /* warm | cold */
    char handle[16];             /* once | each | keep */
    char clock[16];              /* inner: the worker's own clock around the reads | process */
    char status[24];             /* ok | wrong-data | failed | not-applicable | not-run */
    char reason[512];            /* of a status other than ok */
    char verification[16];       /* verified | repeatable | none | not verified */
    char cache_state[16];        /* proven | warm-unproven | cold-unproven */
    char cache_reason[256];      /* why it is not proven */
    char role[16];               /* contender | reference */
    uint64_t requests;           /* n in force: requests in the plan */
    uint64_t request_bytes;      /* bytes that the plan asks for in one iteration */
    uint64_t blocks;             /* fresh worker processes that were timed */
    uint64_t iterations;         /* timed executions in all blocks, warm-ups left out */
    uint64_t median_ns;          /* median over blocks of the block's median iteration */
    uint64_t lower_ns, upper_ns; /* 95 % interval of that median (statistics.h) */
    double interval_level; /* nominal coverage, more than 0.95 to make up for repeated looks and
                              correlated blocks; NAN with fewer than 6 blocks */
    uint64_t looks; /* how often stopping was considered; 0: the number of blocks was fixed, or
                       time ran out before the first look */
    char stop_reason[16]; /* precision | time-limit | blocks | most-blocks | interrupted |
                              hyperfine */
    uint64_t minimum_ns;  /* fastest block */
    double times_fastest; /* median over that of the fastest contender of the same workload,
                             cache and handle */
    uint64_t write_ns, write_cpu_ns; /* making the file once, without the source's own time */
    uint64_t file_bytes;
    char layout[16];
    char chunk[256]; /* "357x17x1" of the array that the workload reads first; "" if not chunked */
    char filters[128];          /* "shuffle+gzip(4)" */
    uint64_t stored_bytes;      /* of the same array in the file */
    uint64_t chunk_cache_bytes; /* in force while reading; 0 for none */
    char fallback[128];         /* why the format left that array to another reader; "" if not */
    double resident_before;     /* worst resident fraction of the file over the blocks: lowest for
                                   warm, highest for cold */
    double resident_after;      /* median after the blocks */
    uint64_t peak_bytes;        /* highest VmHWM of a block's worker */

    /* Of one iteration: medians over the blocks of each block's mean. */
    uint64_t read_bytes, read_calls; /* by read system calls (/proc/self/io) */
    uint64_t device_bytes;           /* fetched from the device for this process */
    uint64_t minor_faults, major_faults;
    uint64_t user_ns, system_ns; /* processor time */
    double read_amplification;   /* read_bytes / request_bytes */
    double throughput;           /* request_bytes a second of median_ns */
    uint64_t steal_ns;    /* of the whole machine, summed over the cell's blocks: taken by the
                             host, */
    uint64_t pressure_ns; /* and with somebody waiting for a processor */

    /* The machine's own floor for the same bytes, in the same blocks: medians over the blocks. */
    uint64_t floor_copy_ns;    /* copying what the plan delivers, from memory to memory */
    uint64_t floor_read_ns;    /* pread of the stored bytes that it needs, warm or cold */
    uint64_t floor_inflate_ns; /* bare inflate of the compressed ones */
    uint64_t floor_ns;         /* read and inflate */
    double times_floor;        /* median_ns / floor_ns */

    /* Of a workload that is loaded in batches, over all timed batches of all blocks. */
    double samples_per_s;                /* requests a second of median_ns */
    uint64_t batch_p50_ns, batch_p99_ns; /* from wanting a batch to having it */
    double wait_share;                   /* sum of these waits over that of the iterations */
};

/* One block. Counters are sums over the counted iterations. */
struct fb_block_record {
    uint64_t schema_version;
    char run_id[64];
    char cell_id[24];
    uint64_t round;      /* 1, 2, ... */
    uint64_t block;      /* running number in the order of execution, over all cells */
    uint64_t start_ns;   /* since the start of the run */
    uint64_t wall_ns;    /* of the whole block, process start and checks included */
    uint64_t iterations; /* timed ones */
    uint64_t counted; /* those with counters: the timed ones, or where these are short, one more */
    uint64_t asked_bytes;
    uint64_t read_bytes, read_calls, device_bytes;
    uint64_t minor_faults, major_faults;
    uint64_t user_ns, system_ns;
    uint64_t peak_bytes; /* VmHWM of the worker */
    double resident_before, resident_after;
    uint64_t steal_ns, pressure_ns; /* of the whole machine while the iterations ran */
    uint64_t floor_copy_ns, floor_read_ns, floor_inflate_ns; /* medians of the block's */
};

struct fb_iteration {
    uint64_t schema_version;
    char run_id[64];
    char cell_id[24];
    uint64_t round;     /* 1, 2, ... */
    uint64_t block;     /* running number in the order of execution, over all cells */
    uint64_t iteration; /* within the block, 0, 1, ... */
    uint64_t warmup;    /* 1: not used in statistics */
    uint64_t ns;
    uint64_t start_ns; /* of the block, since the start of the run: time order */
};

/* One batch of a timed iteration (batches.csv, which only runs with such a workload have). */
struct fb_batch_record {
    uint64_t schema_version;
    char run_id[64];
    char cell_id[24];
    uint64_t round, block, iteration; /* as in iterations.csv */
    uint64_t batch;                   /* within the iteration, 0, 1, ... */
    uint64_t wait_ns;
};

enum fb_column_type { FB_COLUMN_TEXT, FB_COLUMN_U64, FB_COLUMN_DOUBLE };

struct fb_column {
    const char *name;
    enum fb_column_type type;
    size_t offset, size; /* in the struct */
    const char *unit;    /* "ns", "bytes", "" */
    const char *help;    /* one sentence */
    bool later; /* files of the same schema version from before it came lack it: n/a there */
};

/* Ended by a row without a name. */
extern const struct fb_column fb_record_columns[];
extern const struct fb_column fb_block_columns[];
extern const struct fb_column fb_iteration_columns[];
extern const struct fb_column fb_batch_columns[];

/* Rows of one results.csv. Tables and pictures compare every row with every other. */
#define FB_RECORDS_MAX 5000

/* Growing arrays; zero-initialise, free items. */
struct fb_records {
    struct fb_record *items;
    size_t count;
};
struct fb_blocks {
    struct fb_block_record *items;
    size_t count;
};
struct fb_iterations {
    struct fb_iteration *items;
    size_t count;
};
struct fb_batches {
    struct fb_batch_record *items;
    size_t count;
};

/* Sets text members "" and all numbers to n/a, schema_version to this program's. */
void fb_record_init(struct fb_record *record);
void fb_block_record_init(struct fb_block_record *block);
void fb_iteration_init(struct fb_iteration *iteration);

/* Fills record->cell_id: "c" and 12 hex digits of XXH3-64 over the columns that identify a cell
 * (format, options, workload, workload_options, cache, handle, clock). */
void fb_cell_id(struct fb_record *record);

/* Appends a copy. */
int fb_records_add(struct fb_records *records, const struct fb_record *record,
                   struct fb_error *err);
int fb_blocks_add(struct fb_blocks *blocks, const struct fb_block_record *block,
                  struct fb_error *err);
int fb_iterations_add(struct fb_iterations *iterations, const struct fb_iteration *iteration,
                      struct fb_error *err);
int fb_batches_add(struct fb_batches *batches, const struct fb_batch_record *batch,
                   struct fb_error *err);

/* CSV (RFC 4180, LF, a header of names). Numbers are locale-independent; doubles print so that they
 * read back the same. */
int fb_csv_write_header(FILE *stream, const struct fb_column *columns);
int fb_csv_write_row(FILE *stream, const struct fb_column *columns, const void *row);

/* Writes or replaces a whole file; the _read functions take any column order, ignore unknown
 * columns, and refuse missing ones (but those that came later) and another schema_version
 * (FB_EFORMAT with file and line). */
int fb_records_write(const struct fb_records *records, const char *path, struct fb_error *err);
int fb_records_read(const char *path, struct fb_records *records, struct fb_error *err);
int fb_blocks_write(const struct fb_blocks *blocks, const char *path, struct fb_error *err);
int fb_blocks_read(const char *path, struct fb_blocks *blocks, struct fb_error *err);
int fb_iterations_write(const struct fb_iterations *iterations, const char *path,
                        struct fb_error *err);
int fb_iterations_read(const char *path, struct fb_iterations *iterations, struct fb_error *err);
int fb_batches_write(const struct fb_batches *batches, const char *path, struct fb_error *err);
int fb_batches_read(const char *path, struct fb_batches *batches, struct fb_error *err);

#endif
