/* How somebody reads a file: a weighted mix of ways to read, easy to type and to read back.
 *
 *     3*window:axis=0,length=100 + index:axis=1 + point:n=50 + whole
 *
 * Terms are joined by '+', each is [WEIGHT*]PATTERN[:key=value,...]; blanks around '+' and '*' are
 * free. A weight is a positive decimal number, 1 where there is none, at the most 1000000, rounded
 * to millionths; what it weighs is the caller's to say. The patterns, their options and defaults
 * stand in one table, from which help and docs follow.
 *
 * The order of use: fb_access_parse (or _default), fb_access_check against the file's own catalog,
 * then plans and extents of each term, of that catalog or of one whose arrays were cropped, then
 * fb_access_free. Nothing here reads a clock or opens a file with arrays; the one file that is read
 * is the list of a term `slabs`, while it is parsed. */
#ifndef FB_BENCH_TUNE_ACCESS_H
#define FB_BENCH_TUNE_ACCESS_H

#include "base/options.h"
#include "bench/plan.h"

#define FB_ACCESS_TERMS_MAX 16
#define FB_ACCESS_WEIGHT_MAX 1000000
/* Of one term's text and of a mix's, with the NUL: what is longer is not taken, and canonical text
 * fits. */
#define FB_ACCESS_TERM_MAX 512
#define FB_ACCESS_TEXT_MAX (FB_ACCESS_TERMS_MAX * (FB_ACCESS_TERM_MAX + 3))

struct fb_access_draft;
struct fb_access_list;
struct fb_access_term;

struct fb_access_pattern {
    const char *name;
    const char *summary; /* one line for help and the docs */
    bool any_size;       /* takes what there is of an array, and fits one of any size */
    const struct fb_option *options;
    /* Appends the requests; the catalog has an array with elements. */
    int (*plan)(struct fb_access_draft *draft, struct fb_error *err);
    /* As fb_access_extent, for an array that has elements. */
    bool (*extent)(const struct fb_access_term *term, const struct fb_array_info *array,
                   uint64_t *count);
    /* As fb_access_check, for a catalog that has an array with elements. NULL: fits any. */
    int (*check)(const struct fb_access_term *term, const struct fb_catalog *catalog,
                 struct fb_error *err);
};

/* All patterns, ended by one without a name. */
extern const struct fb_access_pattern fb_access_patterns[];

/* Writes numbers without leading zeros, and lists of axes in rising order: what is the same has the
 * same text. */
void fb_access_settle(struct fb_options *options);

struct fb_access_term {
    const struct fb_access_pattern *pattern;
    double weight;
    struct fb_options options;
    struct fb_access_list *list; /* of `slabs`, else NULL; owned by the mix */
};

struct fb_access {
    struct fb_access_term terms[FB_ACCESS_TERMS_MAX];
    size_t count;
};

/* Reads a mix. FB_EUSAGE names the term, what is wrong with it and the nearest name; FB_EIO and
 * FB_EFORMAT name the file, and the line, of a list of slabs. On failure *out is empty. */
int fb_access_parse(const char *spec, struct fb_access *out, struct fb_error *err);

/* The mix where none is given, after the standard workloads, weights 1 each: windows of 100 along
 * axis 0 (of half of the longest axis 0 where that is shorter than 100; no windows where all arrays
 * are single values), random samples (where there are two or more), arrays whole. */
int fb_access_default(const struct fb_catalog *catalog, struct fb_access *out,
                      struct fb_error *err);

/* Safe on an empty mix; leaves one. */
void fb_access_free(struct fb_access *access);

/* Canonical text, all options spelt out, a weight of 1 left out; parses back to the same. Returns
 * buf; FB_ACCESS_TEXT_MAX and FB_ACCESS_TERM_MAX bytes suffice. */
char *fb_access_text(const struct fb_access *access, char *buf, size_t size);
char *fb_access_term_text(const struct fb_access_term *term, char *buf, size_t size);

/* Whether each term can be read from the file of this catalog: axes that an array has, windows that
 * fit one, slabs that name arrays and lie inside them. FB_EUSAGE says which does not and why. A
 * catalog without elements passes: there the plans are empty. */
int fb_access_check(const struct fb_access *access, const struct fb_catalog *catalog,
                    struct fb_error *err);

/* Appends the reads of one term to the plan. Arrays without elements are passed over, and so are
 * those that lack the axis or are shorter than the window. The others take turns in a random order;
 * within each, positions are uniform, and none comes again before all of all arrays have been
 * taken. The same catalog, term and seed give the same reads on every machine; terms of one mix
 * should get seeds of their own. The arrays of a sample are one call (`joined`).
 *
 * The plan stops growing where the bytes of this term would exceed bytes_max, but takes at least
 * one read; samples but for the first are taken whole or not at all.
 *
 * A list's slabs come in its order, each of every array that it names. Where an axis is shorter
 * than a slab needs (a cropped array) its count is clipped to the axis, and its start folded to
 * start % (length - count + 1). What the file itself does not have is fb_access_check's to find.
 *
 * A catalog without a target leaves the plan as it was and says why in reason (reason_size bytes).
 * FB_EUSAGE where no array has the axis, or no axis is as long as the window. After an error the
 * plan holds what had been appended by then; the caller frees it in any case. */
int fb_access_plan(const struct fb_access_term *term, const struct fb_catalog *catalog,
                   uint64_t seed, uint64_t bytes_max, struct fb_plan *plan, char *reason,
                   size_t reason_size, struct fb_error *err);

/* The shape of one read of this term on that array, for a list the largest count of each axis in
 * any of its slabs of the array: an axis may be cropped to that and no further. False, and zeros,
 * where the term reads nothing of the array. */
bool fb_access_extent(const struct fb_access_term *term, const struct fb_array_info *array,
                      uint64_t *count);

#endif
