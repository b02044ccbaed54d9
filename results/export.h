/* Results in the formats of other tools. One table drives `fmtbench export`: its help, its checks
 * and what it does. To add a format: results/export_NAME.c and a row in results/export.c. */
#ifndef FB_RESULTS_EXPORT_H
#define FB_RESULTS_EXPORT_H

#include "results/gate.h"
#include "results/record.h"

#include <jansson.h>
#include <stdbool.h>

/* What one folder holds. Zero-initialise; fb_export_free. No text in it has a control character or
 * is invalid UTF-8: such become '?'. */
struct fb_export {
    bool gate;                 /* a gate's folder; else a run's */
    struct fb_records records; /* of a run */
    struct fb_blocks blocks;   /* these where the exporter needs them */
    struct fb_iterations iterations;
    struct fb_gate_records cells; /* of a gate */
    struct fb_gate_pairs pairs;   /* where the exporter needs them */
    size_t *pair_cells;           /* for each pair, the index of its row in cells */
    char **names;                 /* of each row: fb_export_name_all */
    size_t name_count;
    json_t *environment; /* environment.json, or NULL */
};

struct fb_exporter {
    const char *name, *summary; /* one line */
    bool needs_blocks;          /* blocks and iterations of a run, pairs of a gate */
    /* Prints the whole; ferror is the caller's to check. An error is one of memory. */
    int (*print)(const struct fb_export *export, FILE *out, struct fb_error *err);
};

/* Ended by a row without a name. */
extern const struct fb_exporter fb_exporters[];

/* The row of that name; FB_EUSAGE with the names that there are. */
int fb_exporter_find(const char *name, const struct fb_exporter **out, struct fb_error *err);

/* Reads results.csv or gate.csv (which goes first) and what else the exporter needs. FB_EIO where
 * it is no folder or cannot be read, FB_EFORMAT where it holds neither or they are damaged,
 * FB_ENOTHING where there is no row: an empty report would look like a good one. */
int fb_export_read(const char *folder, const struct fb_exporter *exporter, struct fb_export *out,
                   struct fb_error *err);
void fb_export_free(struct fb_export *export);

/* --- for exporters ---------------------------------------------------------------------------- */

/* Replaces in place what cannot stand in one line of any of the formats by '?': control and
 * direction characters, line separators, what Unicode sets apart, bytes that are no UTF-8. */
void fb_export_clean(char *text);

/* Fills names: "FORMAT:OPTIONS WORKLOAD:OPTIONS CACHE HANDLE", the same in every run that has the
 * cell, whatever else it holds, and one of a kind: further rows of that name get " #2", " #3". Of a
 * gate "A vs B WORKLOAD...", one side where both are alike, and " control" behind a control's. */
int fb_export_name_all(struct fb_export *export, struct fb_error *err);

/* Prints the JSON text and a newline, and takes the reference; FB_EMEMORY for NULL. */
int fb_export_print_json(json_t *json, FILE *out, struct fb_error *err);
/* An integer; a real number where it is too large for one. */
json_t *fb_export_integer(uint64_t value);

int fb_export_print_markdown(const struct fb_export *export, FILE *out, struct fb_error *err);
int fb_export_print_junit(const struct fb_export *export, FILE *out, struct fb_error *err);
int fb_export_print_github(const struct fb_export *export, FILE *out, struct fb_error *err);
int fb_export_print_google(const struct fb_export *export, FILE *out, struct fb_error *err);

#endif
