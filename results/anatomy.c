#include "results/anatomy.h"
#include "results/csv.h"
#include "results/label.h"
#include "results/rows.h"

#include <string.h>

#define TEXT(member, help) FB_COLUMN(fb_anatomy_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_anatomy_record, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help)                                                                 \
    FB_COLUMN(fb_anatomy_record, FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_anatomy_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(run_id, "name of the run"),
    TEXT(cell_id, "the cell in results.csv"),
    TEXT(dataset, "the source"),
    TEXT(format, "name of the format"),
    TEXT(options, "its options in canonical form; empty for none"),
    TEXT(workload, "name of the workload"),
    TEXT(workload_options, "its options in canonical form"),
    TEXT(cache, "`warm` or `cold`"),
    TEXT(handle, "`once`, `each` or `keep`"),
    TEXT(verification, "`verified` or `repeatable`, as in results.csv"),
    U64(total_ns, "ns", "the whole pass; the eight parts that follow add up to it"),
    U64(open_ns, "ns", "opening and closing the file"),
    U64(lookup_ns, "ns", "finding, opening and closing arrays"),
    U64(metadata_io_ns, "ns", "file reads of the library's own structures"),
    U64(raw_io_ns, "ns", "file reads of array data"),
    U64(inflate_ns, "ns", "undoing gzip; empty where filters cannot be seen apart"),
    U64(unshuffle_ns, "ns", "undoing byte shuffle; empty where filters cannot be seen apart"),
    U64(library_ns, "ns", "the rest of read calls: chunk index, conversion, copy, other filters"),
    U64(unexplained_ns, "ns", "between the calls: plan, clock, tracing itself"),
    U64(requests, "", "requests in the plan"),
    U64(asked_bytes, "bytes", "delivered to the caller"),
    U64(metadata_reads, "", "file reads of metadata"),
    U64(metadata_bytes, "bytes", "what they read"),
    U64(raw_reads, "", "file reads of array data"),
    U64(raw_bytes, "bytes", "what they read"),
    U64(chunks_touched, "", "chunks with an element in a request, summed over the requests"),
    U64(chunks_inflated, "", "chunks that went through gzip's decoder"),
    U64(chunks_again, "", "of them, those that had been inflated before in the same pass"),
    U64(chunk_cache_hits, "", "touched less inflated; empty where arrays are not compressed"),
    U64(inflated_bytes, "bytes", "what the decoder gave"),
    U64(deflated_bytes, "bytes", "what it was given"),
    DOUBLE(inflate_amplification, "ratio", "inflated over asked bytes"),
    TEXT(layout, "layout of the array that the workload reads first"),
    TEXT(chunk, "its chunk shape, as `357x17x1`; empty where not chunked"),
    TEXT(filters, "its filters in writing order"),
    U64(stored_bytes, "bytes", "its data in the file"),
    U64(chunk_cache_bytes, "bytes", "chunk cache in force; 0 for none"),
    { 0 },
};

#define PART(name, key, help)                                                                      \
    {                                                                                              \
        name, #key, offsetof(struct fb_anatomy_record, key##_ns), help                             \
    }

const struct fb_anatomy_part fb_anatomy_parts[FB_ANATOMY_PARTS] = {
    PART("open", open, "opening and closing the file"),
    PART("lookup", lookup, "finding, opening and closing arrays"),
    PART("metadata I/O", metadata_io, "file reads of the library's own structures"),
    PART("raw I/O", raw_io, "file reads of array data"),
    PART("inflate", inflate, "undoing gzip"),
    PART("unshuffle", unshuffle, "undoing byte shuffle"),
    PART("library", library, "chunk index, conversion, copy"),
    PART("unexplained", unexplained, "between the calls; tracing itself"),
};

void fb_anatomy_record_init(struct fb_anatomy_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_anatomy_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
}

uint64_t fb_anatomy_part_ns(const struct fb_anatomy_record *record, size_t part)
{
    uint64_t ns;
    memcpy(&ns, (const char *)record + fb_anatomy_parts[part].offset, sizeof ns);
    return ns;
}

size_t fb_anatomy_largest(const struct fb_anatomy_record *record)
{
    size_t largest = 0;
    uint64_t most = 0;
    for (size_t i = 0; i < FB_ANATOMY_PARTS; i++) {
        uint64_t ns = fb_anatomy_part_ns(record, i);
        if (ns != FB_NA && ns > most) {
            most = ns;
            largest = i;
        }
    }
    return largest;
}

/* Of all options a level and a cache tell rows apart; a chunk shape says more than the rest. */
char *fb_anatomy_label(const struct fb_anatomy_record *record, char *buf, size_t size)
{
    static const char *const keys[] = { "level", "cache" };
    char value[32], text[512];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", record->format);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (fb_option_value(record->options, keys[i], value, sizeof value))
            used += (size_t)snprintf(text + used, sizeof text - used, " %s=%s", keys[i], value);
    snprintf(text + used, sizeof text - used, "%s%s %s", record->chunk[0] ? " " : "", record->chunk,
             record->handle);
    return fb_plain_text(text, buf, size);
}

FB_ROWS(fb_anatomies, fb_anatomies, fb_anatomy_record, fb_anatomy_columns, FB_RECORDS_MAX)
