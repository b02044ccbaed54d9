/* The guide's claims, judged from runs: pure functions from evidence to figures and verdicts, and
 * claims.csv, which holds them all: one row a figure, one row a verdict.
 *
 * Every verdict follows from its claim's figures by one rule. A figure with bounds holds `yes` when
 * its whole interval lies within them, `no` when all of it lies outside, else it is `unclear`. Then
 *
 *   not measured    a figure whose role is `must` or `decides` is missing
 *   not reproduced  a `must` is `no`; or every `decides` is `no`, and no `softens` is anything else
 *   reproduced      every `must` and `decides` is `yes`
 *   depends         anything else
 *
 * `told` figures are shown beside the verdict, `series` are drawn. */
#ifndef FB_RESULTS_CLAIMS_H
#define FB_RESULTS_CLAIMS_H

#include "results/evidence.h"
#include "results/tidy.h"

/* One row of claims.csv. Rows of a claim stand together, its verdict last. */
struct fb_figure {
    uint64_t schema_version;
    char claim[24];  /* id */
    char row[16];    /* figure | verdict */
    char figure[64]; /* its name: "saved in all"; of a verdict the guide's words in short */
    char role[16];   /* must | decides | softens | told | series */
    double at;       /* place in a series: step, gzip level, bytes of arrays, workers */
    double value, lower, upper;   /* 95 % interval; exact figures have it of no width */
    char unit[16];                /* ns | bytes | ratio | part | count */
    double bound_low, bound_high; /* of the rule; NAN: none */
    char holds[12];               /* yes | no | unclear; "" without bounds or value */
    char verdict[20];
    char rule[1024]; /* of a verdict: the rule with this claim's figures and bounds */
    char why[1536];  /* of a verdict; of a figure: why it is missing */
    char formula[FB_FORMULA_SIZE];
};

struct fb_figures {
    struct fb_figure *items;
    size_t count;
};

extern const struct fb_column fb_figure_columns[];

/* The formats that the claims compare. */
enum fb_contestant {
    FB_PICKLE,     /* what the guide migrates from: float64 */
    FB_H5PY_GZIP,  /* what it migrates to: float32, gzip 4, read by h5py */
    FB_H5PY_PLAIN, /* the same without chunks and gzip */
    FB_HDF5_GZIP,  /* the files of both, read by fmtbench itself */
    FB_HDF5_PLAIN,
    FB_CONTESTANTS
};

struct fb_contestant_row {
    const char *format, *options; /* "format:options" is what -f takes */
    const char *label;
};

extern const struct fb_contestant_row fb_contestants[FB_CONTESTANTS];

/* Names of the study's runs, which the claims look their rows up in. */
#define FB_RUN_SIZES "sizes"     /* every way of writing, once */
#define FB_RUN_LEVELS "levels-"  /* gzip levels, written again in each: levels-1, ... */
#define FB_RUN_WHOLE "whole"     /* full loads */
#define FB_RUN_PARTS "parts"     /* one slice, one search, of a file opened for it */
#define FB_RUN_HABITS "habits"   /* ways to read an open file */
#define FB_RUN_HANDLES "handles" /* the file opened for every sample, and held open */
#define FB_RUN_GROWTH "growth-"  /* one access, over growing datasets: growth-1, ... */
#define FB_RUN_MEMORY "memory-"  /* one array in memory at a time: memory-1 and memory-2, larger */
#define FB_RUN_WORKERS "workers" /* epochs with worker processes */

/* Datasets that grow: at the most so many. */
#define FB_GROWTH_MOST 8

/* One access: all arrays of one person, as the guide's load_sample() returns them. */
#define FB_ACCESS_WORKLOAD "load-sample"

struct fb_claim {
    const char *id;
    const char *says;  /* what the guide says, in short: "40-60 % smaller" */
    const char *words; /* in its own words */
    const char *asked; /* what is measured */
    int (*measure)(const struct fb_claim *claim, const struct fb_evidence *evidence,
                   struct fb_figures *out, struct fb_error *err);
};

/* Ended by a row without an id. */
extern const struct fb_claim fb_claims[];
const struct fb_claim *fb_claim_find(const char *id);

/* How a figure takes part, and within which bounds; for the claims' measure functions. */
struct fb_claim_part {
    const char *figure, *role, *unit;
    double low, high; /* NAN: unbounded */
    double at;        /* NAN: no place */
};

/* Appends the figure of a quantity, judged against its bounds. */
int fb_figures_add(struct fb_figures *figures, const struct fb_claim *claim,
                   const struct fb_claim_part *part, const struct fb_quantity *quantity,
                   struct fb_error *err);
void fb_figures_free(struct fb_figures *figures);

/* Measures every claim and appends its verdict with rule and reason. */
int fb_claims_judge(const struct fb_evidence *evidence, struct fb_figures *out,
                    struct fb_error *err);

/* The verdict of the figures first .. first + count by the rule above. */
const char *fb_verdict_of(const struct fb_figure *figures, size_t count);

/* As fb_records_write and _read. */
int fb_figures_write(const struct fb_figures *figures, const char *path, struct fb_error *err);
int fb_figures_read(const char *path, struct fb_figures *figures, struct fb_error *err);

/* "69.8 %", "3.21x", "12.5 ms" of a value in a figure's unit; "?" for NAN. Returns buf. */
char *fb_figure_value(const char *unit, double value, char *buf, size_t size);
/* Value and, where it has a width, interval: "3.21x (2.9x to 3.6x)"; the figure's name reads on
 * from there. Returns buf. */
char *fb_figure_text(const struct fb_figure *figure, char *buf, size_t size);

/* The table on the terminal, in lines of at most `width` columns (clamped to 80 to 100; 0: 100),
 * then why. */
void fb_claims_print(FILE *out, const struct fb_figures *figures, bool colour, unsigned width);
/* The same as Markdown, with words, rules and all figures. `dataset` names what was measured. */
int fb_claims_markdown(const struct fb_figures *figures, const char *dataset, const char *path,
                       struct fb_error *err);

/* The tidy tables and pictures of claims, appended to *out:
 *   claims.csv         claim,says,measured,verdict,place
 *   claims-size.csv    label,MB,share,place: what each step leaves of the pickle
 *   claims-gzip.csv    dominated,size_MB,write_ms,write_lower_ms,write_upper_ms, read_... likewise,
 *                      then level
 *   claims-access.csv  label,cache,median_ms,lower_ms,upper_ms,MB: one access over growing datasets
 */
int fb_tidy_claims(const struct fb_figures *figures, const char *folder, struct fb_pictures *out,
                   struct fb_error *err);

#endif
