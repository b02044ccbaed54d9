#include "results/gate.h"
#include "results/csv.h"
#include "results/rows.h"

#include <string.h>

#define TEXT(of, member, help) FB_COLUMN(of, FB_COLUMN_TEXT, member, "", help)
#define U64(of, member, unit, help) FB_COLUMN(of, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(of, member, unit, help) FB_COLUMN(of, FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_gate_columns[] = {
    U64(fb_gate_record, schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(fb_gate_record, gate_id, "the same in all rows of one gate"),
    TEXT(fb_gate_record, arm, "`A/B`; `A/A` for the control, A against itself"),
    TEXT(fb_gate_record, cell, "for people; one of a kind within its arm"),
    TEXT(fb_gate_record, format, "of side A"),
    TEXT(fb_gate_record, options, "of side A, in canonical form"),
    TEXT(fb_gate_record, b_format, "of side B"),
    TEXT(fb_gate_record, b_options, "of side B, in canonical form"),
    TEXT(fb_gate_record, workload, "what was read"),
    TEXT(fb_gate_record, workload_options, "its options in canonical form"),
    TEXT(fb_gate_record, cache, "`warm` or `cold`"),
    TEXT(fb_gate_record, handle, "`once`, `each` or `keep`"),
    TEXT(fb_gate_record, cache_state,
         "`proven`: before every block the file was seen to be, or not to be, in the page cache; "
         "`warm-unproven`, `cold-unproven`: of some it could not be told, and the clock gives no "
         "verdict"),
    U64(fb_gate_record, pairs, "", "pairs of fresh workers, one of each side"),
    U64(fb_gate_record, confirm_pairs, "", "fresh pairs that were to confirm what those showed"),
    U64(fb_gate_record, looks, "", "how often the figures were judged"),
    U64(fb_gate_record, a_median_ns, "ns", "median of side A over the pairs"),
    U64(fb_gate_record, b_median_ns, "ns", "median of side B"),
    DOUBLE(fb_gate_record, change, "ratio",
           "median over pairs of the time of B over that of A, less 1; above 0 is slower"),
    DOUBLE(fb_gate_record, change_lower, "ratio", "lower end of its 95 % interval"),
    DOUBLE(fb_gate_record, change_upper, "ratio", "upper end"),
    DOUBLE(fb_gate_record, threshold, "ratio", "what counts as a change; 0.05 is 5 %"),
    DOUBLE(fb_gate_record, p_value, "", "of the pairs, if nothing had changed"),
    DOUBLE(fb_gate_record, level, "", "what p_value was held against"),
    DOUBLE(fb_gate_record, confirm_p_value, "", "of the confirming pairs"),
    DOUBLE(fb_gate_record, smallest_effect, "ratio",
           "smallest slow-down that this gate would have found, with a probability of 0.95"),
    U64(fb_gate_record, a_read_bytes, "bytes", "by read calls in an iteration of side A"),
    U64(fb_gate_record, b_read_bytes, "bytes", "of side B"),
    U64(fb_gate_record, a_read_calls, "", "read calls in an iteration of side A"),
    U64(fb_gate_record, b_read_calls, "", "of side B"),
    U64(fb_gate_record, a_chunks, "", "chunks that side A touches in an iteration"),
    U64(fb_gate_record, b_chunks, "", "of side B"),
    U64(fb_gate_record, a_inflated_bytes, "bytes", "what side A decodes in an iteration"),
    U64(fb_gate_record, b_inflated_bytes, "bytes", "of side B"),
    U64(fb_gate_record, a_file_bytes, "bytes", "size of side A's file"),
    U64(fb_gate_record, b_file_bytes, "bytes", "of side B's"),
    TEXT(fb_gate_record, counters,
         "which counters differ, as `read calls 12 -> 13`; empty for none"),
    TEXT(fb_gate_record, verdict,
         "`regressed`, `improved`, `equivalent`, `inconclusive` or `no data`"),
    TEXT(fb_gate_record, reason, "of the verdict"),
    { 0 },
};

const struct fb_column fb_gate_pair_columns[] = {
    U64(fb_gate_pair, schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(fb_gate_pair, gate_id, "as in gate.csv"),
    TEXT(fb_gate_pair, arm, "as in gate.csv"),
    TEXT(fb_gate_pair, cell, "as in gate.csv"),
    U64(fb_gate_pair, stage, "", "1; 2 for the confirming pairs"),
    U64(fb_gate_pair, pair, "", "running number within cell and stage: 1, 2, ..."),
    TEXT(fb_gate_pair, order, "`AB` or `BA`: which side was first"),
    U64(fb_gate_pair, a_ns, "ns", "median iteration of side A's worker"),
    U64(fb_gate_pair, b_ns, "ns", "of side B's"),
    U64(fb_gate_pair, start_ns, "ns", "when the pair began, since the start of the gate"),
    { 0 },
};

void fb_gate_record_init(struct fb_gate_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_gate_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
}

void fb_gate_pair_init(struct fb_gate_pair *pair)
{
    memset(pair, 0, sizeof *pair);
    fb_columns_clear(fb_gate_pair_columns, pair);
    pair->schema_version = FB_SCHEMA_VERSION;
}

FB_ROWS(fb_gate_records, fb_gate_records, fb_gate_record, fb_gate_columns, FB_RECORDS_MAX)
FB_ROWS(fb_gate_pairs, fb_gate_pairs, fb_gate_pair, fb_gate_pair_columns, 0)
