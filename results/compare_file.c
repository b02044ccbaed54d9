/* compare.csv: its columns, writing and reading. */
#include "base/output.h"
#include "results/compare.h"
#include "results/csv.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN(type, member, unit, help)                                                           \
    {                                                                                              \
#member, type, offsetof(struct fb_compare_record, member),                                 \
            sizeof(((struct fb_compare_record *)0)->member), unit, help, false                     \
    }
#define TEXT(member, help) COLUMN(FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) COLUMN(FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help) COLUMN(FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_compare_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(old_run_id, "name of the run OLD"),
    TEXT(new_run_id, "name of the run NEW"),
    TEXT(forced, "what differs between the runs that `--force` passed over; empty for nothing"),
    TEXT(cell_id, "this and the next as in results.csv, by which cells are matched"),
    TEXT(cell, "for people"),
    TEXT(format, "name of the format"),
    TEXT(options, "its options in canonical form"),
    TEXT(workload, "name of the workload"),
    TEXT(workload_options, "its options in canonical form"),
    TEXT(cache, "`warm` or `cold`"),
    TEXT(handle, "`once`, `each` or `keep`"),
    TEXT(clock, "`inner` or `process`"),
    TEXT(word, "`slower`, `faster`, `alike`, `unclear`, `only old`, `only new` or `failed`"),
    TEXT(reason, "of the word, where it needs one"),
    U64(old_blocks, "", "fresh processes that were timed in OLD"),
    U64(new_blocks, "", "in NEW"),
    U64(old_median_ns, "ns", "median of OLD's block medians"),
    U64(new_median_ns, "ns", "of NEW's"),
    DOUBLE(change, "ratio", "new_median_ns over old_median_ns, less 1; above 0 is slower"),
    DOUBLE(change_lower, "ratio",
           "lower end of the interval of the Hodges-Lehmann shift of the block medians' "
           "logarithms, as a change; nothing of it is for what differs between the times of the "
           "runs"),
    DOUBLE(change_upper, "ratio", "upper end"),
    DOUBLE(interval_level, "", "its nominal coverage, 0.95 or more"),
    DOUBLE(threshold, "ratio", "an interval within it is `alike`; 0.02 is 2 %"),
    U64(old_file_bytes, "bytes", "size of the file in OLD"),
    U64(new_file_bytes, "bytes", "in NEW"),
    U64(old_read_bytes, "bytes", "by read calls in an iteration of OLD"),
    U64(new_read_bytes, "bytes", "of NEW"),
    U64(old_read_calls, "", "read calls in an iteration of OLD"),
    U64(new_read_calls, "", "of NEW"),
    TEXT(counters, "which of these differ, as `read calls 12 -> 13`; empty for none"),
    U64(old_floor_copy_ns, "ns", "copying the delivered bytes in memory, in OLD's blocks"),
    U64(new_floor_copy_ns, "ns", "in NEW's"),
    U64(old_floor_read_ns, "ns", "bare pread of the stored bytes, in OLD's blocks"),
    U64(new_floor_read_ns, "ns", "in NEW's"),
    { 0 },
};

void fb_compare_record_init(struct fb_compare_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_compare_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
}

static int print_all(void *context, FILE *stream, struct fb_error *err)
{
    const struct fb_comparison *comparison = context;
    (void)err;
    fb_csv_write_header(stream, fb_compare_columns);
    for (size_t i = 0; i < comparison->count && !ferror(stream); i++)
        fb_csv_write_row(stream, fb_compare_columns, &comparison->items[i]);
    return 0;
}

int fb_comparison_write(const struct fb_comparison *comparison, const char *path,
                        struct fb_error *err)
{
    return fb_output_write(path, print_all, (void *)(uintptr_t)comparison, err);
}

static int take_row(void *context, const void *row, struct fb_error *err)
{
    struct fb_comparison *out = context;
    const struct fb_compare_record *record = row;
    /* Two runs with no cell in common. */
    if (out->count == 2 * FB_RECORDS_MAX)
        return fb_fail(err, FB_EUNSUPPORTED, "more than %d rows; no two runs have so many",
                       2 * FB_RECORDS_MAX);
    struct fb_compare_record *items = reallocarray(out->items, out->count + 1, sizeof *items);
    if (!items)
        return fb_fail_memory(err, "the comparison");
    out->items = items;
    out->items[out->count++] = *record;
    out->matched += record->old_blocks != FB_NA && record->new_blocks != FB_NA;
    return 0;
}

int fb_comparison_read(const char *path, struct fb_comparison *out, struct fb_error *err)
{
    struct fb_compare_record row;
    *out = (struct fb_comparison){ 0 };
    memset(&row, 0, sizeof row);
    int rc = fb_csv_read(path, fb_compare_columns, &row, take_row, out, err);
    if (rc) {
        free(out->items);
        *out = (struct fb_comparison){ 0 };
    }
    return rc;
}
