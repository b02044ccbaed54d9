/* Where the time of a cell's reads goes: one fb_anatomy_record per traced pass (anatomy.csv).
 *
 * A pass is separate from the timed blocks, and tracing takes time itself: its total is not the
 * cell's time. The parts and `unexplained` add up to total_ns. */
#ifndef FB_RESULTS_ANATOMY_H
#define FB_RESULTS_ANATOMY_H

#include "results/record.h"
#include "results/tidy.h"

#include <stdbool.h>

struct fb_anatomy_record {
    uint64_t schema_version;
    char run_id[64];
    char cell_id[24];  /* as in results.csv: of the timed row with the same columns */
    char dataset[512]; /* SOURCE */
    char format[64];
    char options[1024];
    char workload[64];
    char workload_options[1024];
    char cache[16];
    char handle[16];
    char verification[16];
    uint64_t total_ns;
    uint64_t open_ns, lookup_ns, metadata_io_ns, raw_io_ns, inflate_ns, unshuffle_ns, library_ns;
    uint64_t unexplained_ns;
    uint64_t requests, asked_bytes;
    uint64_t metadata_reads, metadata_bytes, raw_reads, raw_bytes;
    uint64_t chunks_touched;
    /* n/a where a library's filters cannot be seen apart, as are inflate_ns and unshuffle_ns */
    uint64_t chunks_inflated, chunks_again, chunk_cache_hits;
    uint64_t inflated_bytes, deflated_bytes;
    double inflate_amplification; /* inflated over asked bytes */
    char layout[16];
    char chunk[256];
    char filters[128];
    uint64_t stored_bytes;
    uint64_t chunk_cache_bytes;
};

/* Zero-initialise, free items. */
struct fb_anatomies {
    struct fb_anatomy_record *items;
    size_t count;
};

/* A part of the time: a member of the record, and its name for people. */
struct fb_anatomy_part {
    const char *name; /* "metadata I/O" */
    const char *key;  /* "metadata_io" */
    size_t offset;
    const char *help;
};

#define FB_ANATOMY_PARTS 8

extern const struct fb_column fb_anatomy_columns[];
/* In the order in which they are shown. */
extern const struct fb_anatomy_part fb_anatomy_parts[FB_ANATOMY_PARTS];

void fb_anatomy_record_init(struct fb_anatomy_record *record);
/* The time of a part; FB_NA where it was not measured. */
uint64_t fb_anatomy_part_ns(const struct fb_anatomy_record *record, size_t part);
/* Index of the part that took the longest. */
size_t fb_anatomy_largest(const struct fb_anatomy_record *record);

/* "hdf5-chunked level=4 357x17x1 once": format, what tells its rows apart most, handle. Returns
 * buf. */
char *fb_anatomy_label(const struct fb_anatomy_record *record, char *buf, size_t size);

int fb_anatomies_add(struct fb_anatomies *anatomies, const struct fb_anatomy_record *record,
                     struct fb_error *err);
/* As fb_records_write and _read. */
int fb_anatomies_write(const struct fb_anatomies *anatomies, const char *path,
                       struct fb_error *err);
int fb_anatomies_read(const char *path, struct fb_anatomies *anatomies, struct fb_error *err);

/* One pass on the terminal: parts with time and share, the largest marked, then the counts; in
 * lines of at most `width` columns (clamped to 60 to 100; 0: 100). */
void fb_anatomy_print(FILE *out, const struct fb_anatomy_record *record, bool colour,
                      unsigned width);
/* All passes of a run, a line each: total and the share of each part. */
void fb_anatomies_print(FILE *out, const struct fb_anatomies *anatomies, bool colour,
                        unsigned width);

/* The tidy table of the stacked bars, FOLDER/anatomy.csv, and its picture, added to *out:
 *   anatomy.csv  label,total_text,total_ms, then a column a part (open_ms, ...), then place
 * a row a pass, by workload and handle, the longest first. Nothing is written without a pass. */
int fb_tidy_anatomy(const struct fb_anatomies *anatomies, const char *folder,
                    struct fb_pictures *out, struct fb_error *err);

#endif
