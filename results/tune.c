#include "results/tune.h"
#include "results/csv.h"
#include "results/rows.h"

#include <math.h>
#include <string.h>

#define TEXT(member, help) FB_COLUMN(fb_tune_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_tune_record, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help) FB_COLUMN(fb_tune_record, FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_tune_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(file, "the file that is tuned"),
    TEXT(access, "how it is read, in canonical form"),
    U64(group, "", "number of the group of arrays that get one setting; 1 has the most bytes"),
    TEXT(arrays, "the group for people"),
    U64(array_count, "", "arrays in it"),
    TEXT(stage, "`present`: as the file is; `reader`: the present file, read in another way; "
                "`model`: reckoned only; `search`: tried; `final`: measured on data that the "
                "search did not use"),
    TEXT(setting, "for people"),
    TEXT(format, "the format that writes it, or reads it so"),
    TEXT(options, "its options"),
    TEXT(chunk, "chunk shape, as `357x17x1`; empty in one piece"),
    TEXT(filter, "`gzip`, `none`, ...; empty in one piece"),
    U64(level, "", "of gzip"),
    U64(shuffle, "", "1: bytes are shuffled first"),
    TEXT(names, "who proposes it: `present`, `h5py`, `netcdf`, `unidata`; empty: found here"),
    TEXT(plugin, "what every reader must have installed; empty for none"),
    U64(predicted_read_ns, "ns", "an iteration of each term, weighted, as reckoned"),
    U64(predicted_bytes, "bytes", "the tried part of the data in a file, as reckoned"),
    U64(read_ns, "ns", "the same as predicted_read_ns, measured"),
    U64(file_bytes, "bytes", "the same as predicted_bytes, measured"),
    U64(write_ns, "ns", "writing the tried part"),
    U64(blocks, "", "fresh workers that read each term"),
    TEXT(cache_state,
         "`proven`: before each block the file was seen to be in the page cache; "
         "`warm-unproven`: of some it could not be told; empty where nothing was read"),
    DOUBLE(size_ratio, "ratio", "size over that of the present file"),
    DOUBLE(read_ratio, "ratio", "time of reading over that of the present file"),
    DOUBLE(read_lower, "ratio", "lower end of its 95 % interval"),
    DOUBLE(read_upper, "ratio", "upper end"),
    DOUBLE(write_ratio, "ratio", "time of writing over that of the present setting"),
    DOUBLE(cost, "ratio", "size_ratio^a * read_ratio^b * write_ratio^c"),
    DOUBLE(cost_lower, "ratio", "lower end of its 95 % interval"),
    DOUBLE(cost_upper, "ratio", "upper end"),
    DOUBLE(predicted_read_ratio, "ratio", "read_ratio as reckoned"),
    DOUBLE(predicted_cost, "ratio", "cost as reckoned"),
    U64(pareto, "", "1: no other final row of the group is both smaller and faster"),
    U64(recommended, "", "1: the recommendation"),
    { 0 },
};

void fb_tune_record_init(struct fb_tune_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_tune_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
    record->pareto = record->recommended = 0;
}

FB_ROWS(fb_tune_records, fb_tune_records, fb_tune_record, fb_tune_columns, FB_RECORDS_MAX)

/* --- Pareto ----------------------------------------------------------------------------------- */

static bool measured(const struct fb_tune_record *record)
{
    return (strcmp(record->stage, "final") == 0 || strcmp(record->stage, "present") == 0) &&
           !isnan(record->size_ratio) && !isnan(record->read_ratio);
}

static bool dominates(const struct fb_tune_record *a, const struct fb_tune_record *b)
{
    return a->size_ratio <= b->size_ratio && a->read_ratio <= b->read_ratio &&
           (a->size_ratio < b->size_ratio || a->read_ratio < b->read_ratio);
}

void fb_tune_mark_pareto(struct fb_tune_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        struct fb_tune_record *record = &records->items[i];
        record->pareto = measured(record);
        for (size_t k = 0; record->pareto && k < records->count; k++)
            if (records->items[k].group == record->group && measured(&records->items[k]) &&
                dominates(&records->items[k], record))
                record->pareto = 0;
    }
}
