/* What is to be stored in another way: arrays of a file and settings for them, checked against the
 * file and grouped by what each array really gets. */
#ifndef FB_BENCH_TUNE_CHANGE_H
#define FB_BENCH_TUNE_CHANGE_H

#include "bench/tune/setting.h"
#include "formats/hdf5/options.h"

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
 * no elements, for a filter or level that chunks cannot be written with, for chunks of 1 GiB and
 * more, and where only some changes ask for the newest version of the file format. */
int fb_portions_make(const char *file, const struct fb_change *changes, size_t count,
                     struct fb_portions *out, struct fb_error *err);
void fb_portions_free(struct fb_portions *portions);

/* The filters that arrays of a portion get: their number. */
unsigned fb_portion_filters(const struct fb_portion *portion,
                            struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX]);

/* "100x68x2" (or with another separator). */
void fb_chunk_print(FILE *stream, const struct fb_portion *portion, const char *separator);

#endif
