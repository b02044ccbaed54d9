/* What a dataset contains: samples and their arrays, without data.
 *
 * Every source and every opened file describes itself by one catalog, always in the same order:
 * samples by path, arrays by path within a sample, both naturally (runs of digits compare as
 * numbers, so that sample_101 comes before sample_1000). Two files that hold the same dataset
 * therefore have equal catalogs, whatever their layout. */
#ifndef FB_DATASETS_CATALOG_H
#define FB_DATASETS_CATALOG_H

#include "base/error.h"
#include "datasets/dtype.h"

#define FB_MAX_RANK 32

struct fb_array_info {
    char *path; /* "sample_000/expert/face"; no leading slash */
    struct fb_dtype dtype;
    unsigned rank;              /* 0 is a single value */
    uint64_t dims[FB_MAX_RANK]; /* dims[0] is the frame axis; 0 is allowed */
    uint64_t bytes;             /* product of dims times dtype.size; checked for overflow */
    size_t sample;              /* index into samples */
};

struct fb_sample_info {
    char *path;          /* "sample_000", or a foreign file's parent group ("" for the root) */
    char *name;          /* "001.001.001.001"; equals path where the dataset gives no other */
    size_t first, count; /* its arrays: arrays[first .. first + count) */
};

struct fb_skipped {
    char *path;
    char *reason; /* why the array is not taken, for people */
};

/* Zero-initialise; the functions below own all members. */
struct fb_catalog {
    struct fb_sample_info *samples;
    size_t sample_count;
    struct fb_array_info *arrays;
    size_t array_count;
    struct fb_skipped *skipped;
    size_t skipped_count;
    size_t *by_path;   /* array indices in strcmp order of paths, for fb_catalog_find */
    char *description; /* what the file says of itself; NULL where it says nothing */
};

/* Adds an array to the sample at `sample_path` (made when new; `sample_name` NULL: the path).
 * Checks rank, dtype and that the byte count fits; copies everything. Call fb_catalog_finish at
 * the end. FB_EFORMAT for what cannot be. */
int fb_catalog_add(struct fb_catalog *catalog, const char *sample_path, const char *sample_name,
                   const char *path, struct fb_dtype dtype, unsigned rank, const uint64_t *dims,
                   struct fb_error *err);
int fb_catalog_skip(struct fb_catalog *catalog, const char *path, const char *reason,
                    struct fb_error *err);
/* Sorts and indexes. FB_EFORMAT when two arrays have one path. */
int fb_catalog_finish(struct fb_catalog *catalog, struct fb_error *err);
void fb_catalog_free(struct fb_catalog *catalog);
/* An independent copy. */
int fb_catalog_copy(const struct fb_catalog *from, struct fb_catalog *to, struct fb_error *err);

/* The same arrays as a file shows them that keeps nothing but paths: samples are the groups
 * sample_NNN where all arrays have the NoXiRe shape, else parent groups, and go by their paths. */
int fb_catalog_unname(const struct fb_catalog *from, struct fb_catalog *to, struct fb_error *err);

/* The array at `path` (a leading slash is ignored), or NULL. */
const struct fb_array_info *fb_catalog_find(const struct fb_catalog *catalog, const char *path);
/* The same, with an error that names the nearest path: for a name that a person typed. */
int fb_catalog_require(const struct fb_catalog *catalog, const char *path,
                       const struct fb_array_info **out, struct fb_error *err);

/* Sum of the arrays' bytes (the sum is checked in fb_catalog_finish). */
uint64_t fb_catalog_bytes(const struct fb_catalog *catalog);

/* True for the NoXiRe shape: every array is sample_NNN/expert|novice/FEATURE. */
bool fb_catalog_is_noxire(const struct fb_catalog *catalog);

/* Shell pattern over a whole path; '*' also matches '/'. */
bool fb_glob_match(const char *glob, const char *path);

/* Natural order of two paths: <0, 0, >0. Equal only for equal strings. */
int fb_natural_compare(const char *a, const char *b);

/* 0 when start + count lies within the array on every axis; else FB_EUSAGE naming axis and range.
 */
int fb_slab_check(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                  struct fb_error *err);
/* Bytes of a slab that fb_slab_check has passed. */
uint64_t fb_slab_bytes(const struct fb_array_info *array, const uint64_t *count);
/* "2851x68x2", "scalar". Returns buf. */
char *fb_shape_text(unsigned rank, const uint64_t *dims, char *buf, size_t size);

/* Which samples: by frame count of an array, or by name. */
struct fb_query {
    const char *array; /* glob: the arrays that count; other arrays are not looked at */
    unsigned axis;     /* the axis whose length is the frame count */
    uint64_t min, max; /* inclusive range of the frame count; ignored when name is given */
    const char *name;  /* the sample of this name, or NULL */
};

/* Answers as they are delivered: "NAME\tFRAMES\n" for each sample, in catalog order, FRAMES taken
 * from the sample's first array that matches the query. Zero-initialise, free text. */
struct fb_matches {
    char *text;
    size_t length, capacity;
    size_t count;
};

int fb_matches_add(struct fb_matches *matches, const char *name, uint64_t frames,
                   struct fb_error *err);
/* Whether a sample answers the query, and the frame count of its first array that does. */
bool fb_catalog_match(const struct fb_catalog *catalog, size_t sample, const struct fb_query *query,
                      uint64_t *frames);
/* The reference answer, from a catalog. */
int fb_catalog_query(const struct fb_catalog *catalog, const struct fb_query *query,
                     struct fb_matches *matches, struct fb_error *err);

#endif
