/* What is to be stored in another way: arrays of a file and settings for them, checked against the
 * file and grouped by what each array really gets. */
#ifndef FB_BENCH_TUNE_CHANGE_H
#define FB_BENCH_TUNE_CHANGE_H

#include "bench/tune/setting.h"

#include <stdio.h>

struct fb_change {
    char *const
        *paths; /* arrays of the file, as the catalog has them (a leading slash is ignored) */
    size_t count;
    struct fb_setting setting;
};

/* Arrays that get the same chunk and filters. A chunk is clipped to each array, so that one change
 * may become several of these. */
struct fb_portion {
    const struct fb_setting *setting; /* its chunk is the one before clipping */
    unsigned rank;                    /* 0: in one piece */
    uint64_t chunk[FB_MAX_RANK];
    const char **paths; /* in natural order; the array is owned, the paths are not */
    size_t count;
};

/* Zero-initialise. Those in one piece come first, else in the order of the changes. */
struct fb_portions {
    struct fb_portion *items;
    size_t count;
    bool latest;               /* the file is written in the newest version of the format */
    struct fb_catalog catalog; /* of the file; owns the paths */
};

/* Looks into the file. Keeps pointers to the changes, which must live as long as the portions.
 * FB_EUSAGE where an array is not there, stands in two changes, has another rank than the chunk or
 * no elements, for a filter without a name that HDF5 knows, for chunks of 1 GiB and more, and where
 * only some changes ask for the newest version of the file format. */
int fb_portions_make(const char *file, const struct fb_change *changes, size_t count,
                     struct fb_portions *out, struct fb_error *err);
void fb_portions_free(struct fb_portions *portions);

/* One filter of a chunk, in the order of writing. */
struct fb_filter_step {
    unsigned id;      /* of HDF5; FB_FILTER_... where it is part of the library */
    const char *name; /* as in struct fb_storage */
    bool optional;    /* a chunk that it cannot make smaller is stored without it */
    unsigned count, values[8];
};

enum { FB_FILTER_GZIP = 1, FB_FILTER_SHUFFLE = 2, FB_FILTER_SZIP = 4, FB_FILTER_LZF = 32000 };

#define FB_FILTER_STEPS_MAX 2

/* The filters that arrays of a portion get: their number. Level 0 of gzip is none; level 0 of
 * another filter that has levels is the one that it takes by itself. */
unsigned fb_portion_filters(const struct fb_portion *portion,
                            struct fb_filter_step steps[FB_FILTER_STEPS_MAX]);

/* "100x68x2" (or with another separator). */
void fb_chunk_print(FILE *stream, const struct fb_portion *portion, const char *separator);

#endif
