/* compare.csv: its columns, writing and reading. */
#include "results/compare.h"
#include "results/csv.h"
#include "results/rows.h"

#include <string.h>

#define TEXT(member, help) FB_COLUMN(fb_compare_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_compare_record, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help)                                                                 \
    FB_COLUMN(fb_compare_record, FB_COLUMN_DOUBLE, member, unit, help)

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

/* Two runs with no cell in common have the most rows. */
static const struct fb_table table = { fb_compare_columns, sizeof(struct fb_compare_record),
                                       2 * (size_t)FB_RECORDS_MAX };

int fb_comparison_write(const struct fb_comparison *comparison, const char *path,
                        struct fb_error *err)
{
    return fb_rows_write(&table, comparison->items, comparison->count, path, err);
}

int fb_comparison_read(const char *path, struct fb_comparison *out, struct fb_error *err)
{
    void *items;
    *out = (struct fb_comparison){ 0 };
    int rc = fb_rows_read(&table, path, &items, &out->count, err);
    out->items = items;
    for (size_t i = 0; i < out->count; i++)
        out->matched += out->items[i].old_blocks != FB_NA && out->items[i].new_blocks != FB_NA;
    return rc;
}
