/* What is to be stored in another way: arrays of a file and settings for them, checked against the
 * file and grouped by what each array really gets. */
#ifndef FB_BENCH_TUNE_CHANGE_H
#define FB_BENCH_TUNE_CHANGE_H

#include "bench/tune/setting.h"

#include <stdio.h>

struct fb_change {
    char *const *paths; /* arrays of the file, as the catalog has them (a leading slash is ignored) */
    size_t count;
    struct fb_setting setting;
};

/* Arrays that get the same chunk and filters. A chunk is clipped to each array, so that one change
 * may become several of these. */
struct fb_batch {
    const struct fb_setting *setting; /* its chunk is the one before clipping */
    unsigned rank;                    /* 0: in one piece */
    uint64_t chunk[FB_MAX_RANK];
    const char **paths; /* in natural order; the array is owned, the paths are not */
    size_t count;
};

/* Zero-initialise. Those in one piece come first, else in the order of the changes. */
struct fb_batches {
    struct fb_batch *items;
    size_t count;
    bool latest; /* the file is written in the newest version of the format */
    struct fb_catalog catalog; /* of the file; owns the paths */
};

/* Looks into the file. Keeps pointers to the changes, which must live as long as the batches.
 * FB_EUSAGE where an array is not there, stands in two changes, has another rank than the chunk or
 * no elements, for a filter without a name that HDF5 knows, for chunks of 1 GiB and more, and where
 * only some changes ask for the newest version of the file format. */
int fb_batches_make(const char *file, const struct fb_change *changes, size_t count,
                    struct fb_batches *out, struct fb_error *err);
void fb_batches_free(struct fb_batches *batches);

/* Filters that HDF5 knows by a number only, and the parameters that they are given. */
struct fb_plugin {
    const char *name; /* as in struct fb_setting */
    unsigned id;
    const char *parameters; /* "0,2", decimal numbers; "" for none */
};
/* NULL for "gzip", "none" and names that are not known. */
const struct fb_plugin *fb_plugin_find(const char *name);
/* True for any name that stands for a filter or for none. */
bool fb_filter_known(const char *name);

/* "100x68x2" (or with another separator). */
void fb_chunk_print(FILE *stream, const struct fb_batch *batch, const char *separator);

#endif
