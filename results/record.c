#include "results/record.h"
#include "base/output.h"
#include "results/csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define COLUMN(owner, type, member, unit, help)                                                    \
    {                                                                                              \
#member, type, offsetof(struct owner, member), sizeof(((struct owner *)0)->member), unit,  \
            help                                                                                   \
    }
#define TEXT(member, help) COLUMN(fb_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) COLUMN(fb_record, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help) COLUMN(fb_record, FB_COLUMN_DOUBLE, member, unit, help)

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
    TEXT(cache_state, "`proven` when the resident fraction was seen before every block, else "
                      "`unproven`"),
    TEXT(role, "`contender`, or `reference`: a line to compare with, never the fastest"),
    U64(requests, "", "requests in the plan"),
    U64(request_bytes, "bytes", "what the plan delivers in one iteration"),
    U64(blocks, "", "fresh worker processes that were timed"),
    U64(iterations, "", "timed executions of the plan in all blocks, warm-ups left out"),
    U64(median_ns, "ns", "median over the blocks of each block's median iteration"),
    U64(lower_ns, "ns", "lower end of the interval of that median: an order statistic"),
    U64(upper_ns, "ns", "upper end of the interval"),
    DOUBLE(interval_level, "fraction",
           "exact coverage of the interval, at least 0.95; empty with "
           "fewer than 6 blocks"),
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
    DOUBLE(resident_before, "fraction",
           "worst resident part of the file before a block: lowest "
           "for warm, highest for cold"),
    U64(peak_bytes, "bytes", "highest peak memory of a block's worker"),
    { 0 },
};

#undef TEXT
#undef U64
#undef DOUBLE
#define TEXT(member, help) COLUMN(fb_iteration, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) COLUMN(fb_iteration, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help) COLUMN(fb_iteration, FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_iteration_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(run_id, "name of the run"),
    TEXT(cell_id, "the cell in results.csv"),
    U64(round, "", "one block of every cell makes a round: 0, 1, ..."),
    U64(block, "", "running number of the worker process, over all cells, in order of execution"),
    U64(iteration, "", "within the block: 0, 1, ..."),
    U64(warmup, "", "1: not used in statistics"),
    U64(ns, "ns", "one execution of the cell's whole plan"),
    U64(start_ns, "ns", "when it began, since the start of the run"),
    DOUBLE(resident_before, "fraction", "resident part of the file before the block"),
    U64(peak_bytes, "bytes", "peak memory of the block's worker"),
    { 0 },
};

void fb_record_init(struct fb_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_record_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
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

/* Room for one more item: doubles whenever count has reached a power of two. */
static int grow(void **items, size_t count, size_t size, struct fb_error *err)
{
    if (count & (count - 1))
        return 0;
    size_t room = count ? 2 * count : 1;
    void *grown = room > SIZE_MAX / size ? NULL : realloc(*items, room * size);
    if (!grown)
        return fb_fail_memory(err, "the records");
    *items = grown;
    return 0;
}

int fb_records_add(struct fb_records *records, const struct fb_record *record, struct fb_error *err)
{
    void *items = records->items;
    int rc = grow(&items, records->count, sizeof *record, err);
    records->items = items;
    if (rc == 0)
        records->items[records->count++] = *record;
    return rc;
}

int fb_iterations_add(struct fb_iterations *iterations, const struct fb_iteration *iteration,
                      struct fb_error *err)
{
    void *items = iterations->items;
    int rc = grow(&items, iterations->count, sizeof *iteration, err);
    iterations->items = items;
    if (rc == 0)
        iterations->items[iterations->count++] = *iteration;
    return rc;
}

struct table {
    const struct fb_column *columns;
    const void *items;
    size_t count, size;
};

static int print_table(void *context, FILE *stream, struct fb_error *err)
{
    const struct table *table = context;
    (void)err;
    fb_csv_write_header(stream, table->columns);
    for (size_t i = 0; i < table->count && !ferror(stream); i++)
        fb_csv_write_row(stream, table->columns, (const char *)table->items + i * table->size);
    return 0;
}

int fb_records_write(const struct fb_records *records, const char *path, struct fb_error *err)
{
    struct table table = { fb_record_columns, records->items, records->count,
                           sizeof *records->items };
    return fb_output_write(path, print_table, &table, err);
}

int fb_iterations_write(const struct fb_iterations *iterations, const char *path,
                        struct fb_error *err)
{
    struct table table = { fb_iteration_columns, iterations->items, iterations->count,
                           sizeof *iterations->items };
    return fb_output_write(path, print_table, &table, err);
}

static int take_record(void *context, const void *row, struct fb_error *err)
{
    const struct fb_records *records = context;
    if (records->count == FB_RECORDS_MAX)
        return fb_fail(err, FB_EUNSUPPORTED, "more than %d rows; no run has so many",
                       FB_RECORDS_MAX);
    return fb_records_add(context, row, err);
}

static int take_iteration(void *context, const void *row, struct fb_error *err)
{
    return fb_iterations_add(context, row, err);
}

int fb_records_read(const char *path, struct fb_records *records, struct fb_error *err)
{
    struct fb_record row;
    *records = (struct fb_records){ 0 };
    memset(&row, 0, sizeof row);
    int rc = fb_csv_read(path, fb_record_columns, &row, take_record, records, err);
    if (rc) {
        free(records->items);
        *records = (struct fb_records){ 0 };
    }
    return rc;
}

int fb_iterations_read(const char *path, struct fb_iterations *iterations, struct fb_error *err)
{
    struct fb_iteration row;
    *iterations = (struct fb_iterations){ 0 };
    memset(&row, 0, sizeof row);
    int rc = fb_csv_read(path, fb_iteration_columns, &row, take_iteration, iterations, err);
    if (rc) {
        free(iterations->items);
        *iterations = (struct fb_iterations){ 0 };
    }
    return rc;
}
