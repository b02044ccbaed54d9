/* What claims are judged from: the runs that were made for them, and quantities taken from their
 * rows, each with an interval and with the formula that says from which columns it comes.
 *
 * A formula can be computed again by anybody who has the runs' CSV files; RUN/CELL names the row of
 * RUN/results.csv with that cell_id:
 *
 *   RUN/CELL.COLUMN        that column; exact
 *   time(RUN/CELL)         median_ns with lower_ns and upper_ns
 *   cpu(RUN/CELL)          median over the cell's rows of RUN/blocks.csv of (user_ns + system_ns) /
 *                          counted, with the interval of fb_median_interval (statistics.h)
 *   peak(RUN/CELL)         the same of peak_bytes
 *   over(RUN*, CELL.COLUMN) the same of a column over all runs whose name starts with RUN
 *   paired(RUN/A, RUN/B)   median over the rounds of the run of A's time over B's, in millionths,
 * each the median of the block's timed iterations; interval as of cpu() ratio(a, b)            a /
 * b; interval [a.lower / b.upper, a.upper / b.lower] saving(a, b)           1 - a / b; interval
 * from the ends of that ratio slope(a, b, x, y)      (b - a) / (y - x); interval [(b.lower -
 * a.upper), (b.upper - a.lower)] over y - x, x and y exact largest(a, b, ...)     the largest of
 * each: value, lower, upper reach(T, x, a, ...)    where the least-squares straight line through
 * the points (x, a) reaches T; interval: the lines through all upper and through all lower ends;
 * none where one of these does not rise crossing(x, a, b, ...) the x from which b is less than a:
 * between the last x where a's median is not above b's and the next, straight in logarithms of x
 * and a / b; interval: the last x with a.upper < b.lower (0 if none), the first x from which on
 * a.lower > b.upper (none: no end) dominators(I, s, w, r, ...)  how many of the triples dominate
 * triple I (0, 1, ...): s not larger, neither w nor r surely longer (lower above I's upper), and w
 * or r surely shorter (upper below I's lower). Upper end: those for which the last condition is
 * left out cheaper(I, F, s, w, ...) the largest ratio(w of I, w of J) over J < I with s of J at
 * most F times s of I; 1 where there is none
 *
 * Quotients of interval ends hold at least as often as both intervals together. */
#ifndef FB_RESULTS_EVIDENCE_H
#define FB_RESULTS_EVIDENCE_H

#include "results/record.h"

#include <stdbool.h>

#define FB_FORMULA_SIZE 3072

struct fb_evidence_run {
    char name[32]; /* of the run's folder */
    struct fb_records records;
    struct fb_blocks blocks;
    struct fb_iterations iterations;
};

/* Zero-initialise. */
struct fb_evidence {
    struct fb_evidence_run *items;
    size_t count;
    /* Why rows of a format are not there at all ("" where they are), for fb_evidence_explain. */
    struct {
        char format[64], reason[256];
    } absent[4];
    size_t absent_count;
};

/* Adds FOLDER/NAME/results.csv, blocks.csv and iterations.csv. */
int fb_evidence_read(struct fb_evidence *evidence, const char *folder, const char *name,
                     struct fb_error *err);
/* Adds an empty run, to be filled by the caller (tests), who may keep the pointer until the next
 * one is added. NULL without memory. */
struct fb_evidence_run *fb_evidence_add(struct fb_evidence *evidence, const char *name);
/* Rows of the format are missing for this reason. */
void fb_evidence_explain(struct fb_evidence *evidence, const char *format, const char *reason);
void fb_evidence_free(struct fb_evidence *evidence);

/* Which row; NULL members fit any. */
struct fb_pick {
    const char *run, *format;
    const char *options; /* "level=4,dtype=f32": these keys have these values, others any */
    const char *workload, *asked; /* asked: the same for the workload's options */
    const char *cache, *handle;
};

struct fb_quantity {
    double value, lower, upper;    /* NAN where not known; upper may be INFINITY */
    char formula[FB_FORMULA_SIZE]; /* "" where missing */
    char missing[256];             /* why there is no value; "" where there is one */
};

/* The first row that fits, whatever its status; NULL where none does. */
const struct fb_record *fb_evidence_find(const struct fb_evidence *evidence,
                                         const struct fb_pick *pick);

/* Quantities of a row. Missing where the row is, failed, or has another cache state than it
 * claims. A column without a value is missing too. */
void fb_quantity_column(struct fb_quantity *out, const struct fb_evidence *evidence,
                        const struct fb_pick *pick, const char *column);
void fb_quantity_time(struct fb_quantity *out, const struct fb_evidence *evidence,
                      const struct fb_pick *pick);
void fb_quantity_cpu(struct fb_quantity *out, const struct fb_evidence *evidence,
                     const struct fb_pick *pick);
void fb_quantity_peak(struct fb_quantity *out, const struct fb_evidence *evidence,
                      const struct fb_pick *pick);
/* How many times as long row a took as row b of the same run, block against block of a round: what
 * disturbed both does not tell in their ratio. */
void fb_quantity_paired(struct fb_quantity *out, const struct fb_evidence *evidence,
                        const struct fb_pick *a, const struct fb_pick *b);
/* pick->run is the prefix of the runs' names. */
void fb_quantity_over(struct fb_quantity *out, const struct fb_evidence *evidence,
                      const struct fb_pick *pick, const char *column);

/* Quantities of others; missing where one of them is. `out` may be none of the operands. */
void fb_quantity_ratio(struct fb_quantity *out, const struct fb_quantity *a,
                       const struct fb_quantity *b);
void fb_quantity_saving(struct fb_quantity *out, const struct fb_quantity *a,
                        const struct fb_quantity *b);
void fb_quantity_slope(struct fb_quantity *out, const struct fb_quantity *a,
                       const struct fb_quantity *b, const struct fb_quantity *x,
                       const struct fb_quantity *y);
void fb_quantity_largest(struct fb_quantity *out, const struct fb_quantity *items, size_t count);

/* A point of a series: where, and what was measured there. */
struct fb_point {
    struct fb_quantity x, a, b;
};

/* `b` is not used. Missing where fewer than two points are there or the line does not rise. */
void fb_quantity_reach(struct fb_quantity *out, double target, const struct fb_point *points,
                       size_t count);
/* The value is NAN, with an interval, where the medians cross outside of the points. */
void fb_quantity_crossing(struct fb_quantity *out, const struct fb_point *points, size_t count);

struct fb_tradeoff {
    struct fb_quantity size, write, read;
};

void fb_quantity_dominators(struct fb_quantity *out, const struct fb_tradeoff *items, size_t count,
                            size_t which);
void fb_quantity_cheaper(struct fb_quantity *out, const struct fb_tradeoff *items, size_t which,
                         double factor);

#endif
