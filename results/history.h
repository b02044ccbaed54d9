/* Stored runs over time: history.csv has a row a cell of each run, in a file that fits into git.
 *
 * Only lines are added, behind those that are there, which stay as they are byte by byte. A series
 * is what can be compared: rows of one machine, dataset, cell and proven or unproven cache state,
 * in the order of the runs' times. A dataset is known by its name without folders and its size, so
 * that a file may lie elsewhere from run to run. */
#ifndef FB_RESULTS_HISTORY_H
#define FB_RESULTS_HISTORY_H

#include "results/changes.h"
#include "results/record.h"
#include "results/tidy.h"

#include <stdbool.h>

struct fb_history_record {
    uint64_t schema_version;
    char run_id[64];
    char time[24];    /* of the run: 2026-11-24T20:31:30Z */
    char commit[64];  /* of the fmtbench that ran */
    char label[128];  /* of a person; "" for none */
    char machine[24]; /* fb_machine_id (machine.h) */
    char cpu[128];
    uint64_t cores;
    char kernel[128];
    char cell_id[24]; /* from here on as in struct fb_record */
    char dataset[512];
    uint64_t dataset_bytes;
    char format[64];
    char options[1024];
    char workload[64];
    char workload_options[1024];
    char cache[16];
    char handle[16];
    char clock[16];
    char cache_state[16];
    uint64_t median_ns, lower_ns, upper_ns;
    uint64_t file_bytes;
    uint64_t read_bytes, read_calls;
};

/* Rows of one history.csv. */
#define FB_HISTORY_MAX 100000

/* Zero-initialise, free items. */
struct fb_history {
    struct fb_history_record *items;
    size_t count;
};

extern const struct fb_column fb_history_columns[];

void fb_history_record_init(struct fb_history_record *record);
int fb_history_records_add(struct fb_history *history, const struct fb_history_record *record,
                           struct fb_error *err);
/* Any order of columns; besides what fb_csv_read refuses, FB_EFORMAT for a time of another form and
 * for a median of 0, and FB_EUNSUPPORTED for more than FB_HISTORY_MAX rows. */
int fb_history_read(const char *path, struct fb_history *history, struct fb_error *err);

/* True for text of the form 2026-11-24T20:31:30Z, whose order is that of time. */
bool fb_history_is_time(const char *text);

/* The cells of a stored run that have a time, from its results.csv and environment.json, with the
 * label ("" for none). *left_out: its rows without a time. FB_EFORMAT where one of the files is not
 * what it should be, or they are of different runs; FB_ENOTHING when no row has a time. */
int fb_history_of_run(const char *folder, const char *label, struct fb_history *out,
                      size_t *left_out, struct fb_error *err);

/* Adds rows of one run to the file, which is made if it is not there, replaced whole, and left as
 * it is on any error. Another fmtbench that does the same with a file of that folder is waited for
 * for some seconds. FB_EUSAGE when the run is in the file already; FB_EFORMAT when the file is no
 * history, or has other columns or another order of them than this program writes. */
int fb_history_append(const char *path, const struct fb_history *run, struct fb_error *err);

/* --- series ----------------------------------------------------------------------------------- */

/* All series together alarm without a reason at most in so many of 1 histories. */
#define FB_HISTORY_LEVEL 0.05

struct fb_history_series {
    const struct fb_history_record **rows; /* by rising time: the latest FB_CHANGES_MOST */
    size_t count;
    bool judged; /* long enough for changes */
    struct fb_changes changes;
};

/* Zero-initialise; fb_history_series_free. */
struct fb_history_view {
    struct fb_history_series *items; /* by machine, dataset, workload, cache, handle, format */
    size_t count, judged;
    const struct fb_history_record **rows; /* what the series point into */
    struct fb_records cells;               /* format and options of each series, for fb_label */
};

/* Series with their changes. Borrows from the history. */
int fb_history_look(const struct fb_history *history, struct fb_history_view *out,
                    struct fb_error *err);
void fb_history_view_free(struct fb_history_view *view);

/* The series of the same chart: those that differ only in format, options, dataset_bytes and
 * cache_state. */
bool fb_history_same_family(const struct fb_history_record *a, const struct fb_history_record *b);

/* A dataset without the folders that it lies in. Returns a place within the text. */
const char *fb_history_dataset(const char *dataset);

/* A change with its series. */
struct fb_history_change {
    const struct fb_history_series *series;
    const struct fb_change *change;
};

/* All changes, the largest slowdown first, the largest gain last; the caller frees *out (NULL for
 * none). Borrows from the view. */
int fb_history_rank(const struct fb_history_view *view, struct fb_history_change **out,
                    size_t *count, struct fb_error *err);

/* What was looked at, and the changes, for people, in lines of at most `width` columns (0: 100; not
 * less than 60). */
int fb_history_print(FILE *out, const struct fb_history_view *view, bool colour, unsigned width,
                     struct fb_error *err);

/* A tidy table and a picture a family (at most FB_HISTORY_PANELS series each, then the next), added
 * to *out:
 *   history-N-WORKLOAD-CACHE-HANDLE.csv
 *     panel,place,median_ms,lower_ms,upper_ms,level_ms,change,run,label
 * a row a point; panel: number of the series; place: number of the run in the picture; level_ms:
 * median between two changes; change: text at the first point of a new level. */
#define FB_HISTORY_PANELS 10
int fb_tidy_history(const struct fb_history_view *view, const char *folder, struct fb_pictures *out,
                    struct fb_error *err);

#endif
