/* Two stored runs, cell by cell: compare.csv has a row for each cell of either.
 *
 *   change = median_ns of NEW / median_ns of OLD - 1
 *
 * so that above 0 is slower; each is the median over block medians, one value a fresh process. The
 * interval is that of the Hodges-Lehmann shift of the logarithms of these block medians (shift.h,
 * where the references are): 95 % or more of the runs' own scatter. What changed between the runs
 * is in neither, for nothing was measured side by side: fb_compare_drift says how far what no
 * format has a part in moved. A gate (gate.h) measures in pairs. */
#ifndef FB_RESULTS_COMPARE_H
#define FB_RESULTS_COMPARE_H

#include "results/machine.h"
#include "results/record.h"

#include <stdbool.h>

/* A side with fewer has no interval. */
#define FB_COMPARE_BLOCKS_LEAST 6
#define FB_COMPARE_LEVEL 0.95

struct fb_compare_record {
    uint64_t schema_version;
    char old_run_id[64], new_run_id[64];
    char forced[256]; /* what --force passed over; "" for nothing */
    char cell_id[24];
    char cell[256]; /* for people: "hdf5-chunked level=4, slicing, warm, once" */
    char format[64], options[1024], workload[64], workload_options[1024];
    char cache[16], handle[16], clock[16];
    char word[16]; /* one of fb_compare_words */
    char reason[512];
    uint64_t old_blocks, new_blocks;
    uint64_t old_median_ns, new_median_ns;
    double change, change_lower, change_upper, interval_level;
    double threshold; /* an interval within it is `alike`: 0.02 for 2 % */
    uint64_t old_file_bytes, new_file_bytes;
    uint64_t old_read_bytes, new_read_bytes, old_read_calls, new_read_calls;
    char counters[256]; /* which of these differ, for people; "" none */
    uint64_t old_floor_copy_ns, new_floor_copy_ns, old_floor_read_ns, new_floor_read_ns;
};

/* In the order of tables, worst first. */
enum fb_compare_word {
    FB_COMPARE_SLOWER, /* the interval is above 0, and not within the threshold */
    FB_COMPARE_FAILED, /* on a side: failed or wrong data */
    FB_COMPARE_ONLY_OLD,
    FB_COMPARE_UNCLEAR,
    FB_COMPARE_ONLY_NEW,
    FB_COMPARE_FASTER, /* the interval is below 0, and not within the threshold */
    FB_COMPARE_ALIKE,  /* the interval is within the threshold on either side of 0 */
    FB_COMPARE_WORDS
};
extern const char *const fb_compare_words[FB_COMPARE_WORDS];
/* FB_COMPARE_UNCLEAR for any other text. */
enum fb_compare_word fb_compare_word_of(const struct fb_compare_record *record);

extern const struct fb_column fb_compare_columns[];

void fb_compare_record_init(struct fb_compare_record *record);

/* --- a side ----------------------------------------------------------------------------------- */

/* Zero-initialise. */
struct fb_compare_side {
    char run_id[64];
    struct fb_machine machine;
    struct fb_records records;
    struct fb_iterations iterations; /* by cell_id */
};

/* From results.csv, iterations.csv and environment.json of a run's folder, which must be of one run
 * and whole: FB_EFORMAT where not, FB_ENOTHING where there is no row. */
int fb_compare_side_read(const char *folder, struct fb_compare_side *out, struct fb_error *err);
/* For a side that was filled by hand: sorts its iterations. */
void fb_compare_side_sort(struct fb_compare_side *side);
void fb_compare_side_free(struct fb_compare_side *side);

/* Why the two are not comparable: other machine, kernel or dataset, of which folders are no part;
 * "" where nothing speaks against it. Returns buf. */
char *fb_compare_obstacle(const struct fb_compare_side *old, const struct fb_compare_side *new,
                          char *buf, size_t size);

/* --- both ------------------------------------------------------------------------------------- */

/* Zero-initialise, free items. */
struct fb_comparison {
    struct fb_compare_record *items; /* worst first; within a word the largest change first */
    size_t count;
    size_t matched; /* cells that both runs have */
};

/* `forced` goes into all rows. Rows that neither side measured (not applicable, not run) are left
 * out. FB_ENOTHING when no cell is in both. */
int fb_compare(const struct fb_compare_side *old, const struct fb_compare_side *new,
               double threshold, const char *forced, struct fb_comparison *out,
               struct fb_error *err);

int fb_comparison_write(const struct fb_comparison *comparison, const char *path,
                        struct fb_error *err);
int fb_comparison_read(const char *path, struct fb_comparison *out, struct fb_error *err);

/* How many times as long the machine took in NEW for what is the same in every format: median over
 * the cells, and the ends of their middle half; NAN without cells. */
struct fb_compare_moved {
    double ratio, lower, upper;
    size_t cells;
};
struct fb_compare_drift {
    struct fb_compare_moved copy; /* floor_copy_ns */
    struct fb_compare_moved read; /* floor_read_ns of warm rows with files of the same size */
    double share;   /* a change up to this, 0.07 for 7 %, may be the machine's: the farthest of
                       these ends; NAN where there are no floors */
    size_t told;    /* cells that are slower or faster */
    size_t doubted; /* those whose change is no larger */
};
int fb_compare_drift(const struct fb_comparison *comparison, struct fb_compare_drift *out,
                     struct fb_error *err);

/* How much less than a gate this says, with these figures, in one or two sentences. Returns buf. */
char *fb_compare_caution(const struct fb_compare_drift *drift, char *buf, size_t size);

/* A table in lines of at most `width` columns (60 to 160; 0: 100), then that. */
void fb_compare_print(FILE *out, const struct fb_comparison *comparison,
                      const struct fb_compare_drift *drift, bool colour, unsigned width);

#endif
