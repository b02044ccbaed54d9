/* The filters that chunks go through: the one table of all that are known by name, of which those
 * with `written` can be asked for with the option `filter`.
 *
 * Some are in the library itself; others are plugins, which it finds in its own folder or in
 * HDF5_PLUGIN_PATH. A plugin is looked for, and loaded, when its filter is first asked about. */
#ifndef FB_FORMATS_HDF5_FILTERS_H
#define FB_FORMATS_HDF5_FILTERS_H

#include "formats/format.h"
#include "formats/hdf5/options.h"

#include <hdf5.h>

struct fb_hdf5_filter {
    H5Z_filter_t id;
    const char *name;
    const char *package; /* Debian's, that brings the plugin; NULL: it is part of HDF5 */
    const char *library; /* that the plugin there calls and does not load; NULL: none */
    bool written;
    /* What it is told (its cd_values), and what of it an option says. Numbers of parameters count
     * from 1; 0: there is none. */
    unsigned count, values[FB_HDF5_PARAMETERS_MAX];
    unsigned level_at, level_least; /* which one is the level, and the lowest; the highest is 9 */
    unsigned shuffle_at;            /* which one has it shuffle bytes by itself */
    unsigned
        block_at;  /* which one is the elements of a block: even, and no more than a chunk has */
    bool numbers;  /* takes numbers of 1, 2, 4 or 8 bytes, and no opaque elements */
    bool gives_up; /* fails on a chunk that it cannot make smaller: that is stored as it is */
};

/* The choices of the option `filter`: the names of all that are written. */
#define FB_HDF5_FILTER_CHOICES "gzip|none|lzf|szip|lz4|bzip2|blosc|bitshuffle"

/* The table, ended by a row without a name. */
extern const struct fb_hdf5_filter fb_hdf5_filter_table[];

/* A filter that is written, by its name: never NULL for a value of the option, else it can be. */
const struct fb_hdf5_filter *fb_hdf5_filter_named(const char *name);
/* Its name; "filter(300)" for an unknown one. Returns buf. */
char *fb_hdf5_filter_name(H5Z_filter_t id, char *buf, size_t size);

/* Whether this library, with its plugins, can decode it; and encode it. */
bool fb_hdf5_filter_reads(H5Z_filter_t id);
bool fb_hdf5_filter_writes(H5Z_filter_t id);
/* Why not: "the HDF5 filter lzf (id 32000), which is not installed (Debian: hdf5-plugin-lzf)".
 * Returns buf. */
char *fb_hdf5_filter_missing(H5Z_filter_t id, char *buf, size_t size);

/* How an array is to be filtered: filter none, or gzip with level 0, leaves its bytes as they are
 * but for the shuffle. */
struct fb_hdf5_filtering {
    const struct fb_hdf5_filter *filter; /* "none" and not NULL where there is none */
    unsigned level;
    bool shuffle;
};

/* From the options `filter`, `level` and `shuffle`, for the arrays of a catalog. FB_EUSAGE for a
 * level that the filter does not have, FB_EUNSUPPORTED where the filter is not to be had here, or
 * cannot take an array's elements. `path` is that of the file, for messages. */
int fb_hdf5_filtering_parse(const struct fb_options *options, const struct fb_catalog *catalog,
                            const char *path, struct fb_hdf5_filtering *out, struct fb_error *err);
/* Into the creation list of an array with chunks of so many elements. Negative on failure. */
herr_t fb_hdf5_filtering_set(const struct fb_hdf5_filtering *filtering, uint64_t chunk_elements,
                             hid_t creation);

/* A creation list's filters in the order of writing: "shuffle+gzip(4)", "" for none. */
void fb_hdf5_filters_text(hid_t creation, char *buf, size_t size);

/* The id of filter number i of a creation list. */
H5Z_filter_t fb_hdf5_filter_at(hid_t creation, int i);

#endif
