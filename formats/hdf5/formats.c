/* The formats of this backend: two presets of one writer, one reader for all of their files, and
 * another one that goes past H5Dread. */
#include "formats/hdf5/chunk.h"
#include "formats/hdf5/filters.h"
#include "formats/hdf5/internal.h"
#include "formats/hdf5/options.h"

#include <stdio.h>
#include <string.h>

#define SUFFIX ".h5"

#define LIBVER_OPTION                                                                              \
    {                                                                                              \
        .name = "libver", .type = FB_OPTION_LATER_CHOICE, .fallback = "earliest",                  \
        .choices = "earliest|latest",                                                              \
        .help = "version of the file format: the oldest that can hold it, or the newest"           \
    }

const struct fb_option fb_hdf5_contiguous_options[] = { FB_DTYPE_OPTION, LIBVER_OPTION, { 0 } };

#define CHUNKED_OPTIONS                                                                            \
    FB_DTYPE_OPTION,                                                                               \
        { .name = "level",                                                                         \
          .type = FB_OPTION_UINT,                                                                  \
          .fallback = "4",                                                                         \
          .max = 9,                                                                                \
          .help =                                                                                  \
              "of gzip; 0 stores uncompressed chunks. bzip2 and blosc have 1 to 9, others none" }, \
        { .name = "shuffle",                                                                       \
          .type = FB_OPTION_UINT,                                                                  \
          .fallback = "0",                                                                         \
          .max = 1,                                                                                \
          .help = "1: byte shuffle before the filter" },                                           \
        { .name = "chunk",                                                                         \
          .type = FB_OPTION_TEXT,                                                                  \
          .fallback = "h5py",                                                                      \
          .check = fb_chunk_check_shape,                                                           \
          .help =                                                                                  \
              "h5py (its automatic guess) or a shape as 64x68x2, for arrays of that rank; others " \
              "take its first number as rows" },                                                   \
        { .name = "rows",                                                                          \
          .type = FB_OPTION_TEXT,                                                                  \
          .fallback = "",                                                                          \
          .check = fb_chunk_check_rows,                                                            \
          .help = "chunks of N whole rows: a number from 1; instead of chunk" },                   \
        { .name = "filter",                                                                        \
          .type = FB_OPTION_LATER_CHOICE,                                                          \
          .fallback = "gzip",                                                                      \
          .choices = FB_HDF5_FILTER_CHOICES,                                                       \
          .help = "what chunks are compressed with; most need a plugin of the HDF5 library" },     \
        LIBVER_OPTION

#define THREADS_OPTION                                                                             \
    {                                                                                              \
        .name = "threads", .type = FB_OPTION_TEXT, .fallback = "", .check = fb_hdf5_check_threads, \
        .help = "that decode chunks: a number from 1 to 256 (default: as many as there are "       \
                "processors that it may run on)"                                                   \
    }

const struct fb_option fb_hdf5_chunked_options[] = { CHUNKED_OPTIONS, { 0 } };

static const struct fb_option direct_options[] = { CHUNKED_OPTIONS, THREADS_OPTION, { 0 } };
static const struct fb_option direct_as_is_options[] = { THREADS_OPTION, { 0 } };

static const struct fb_option as_is_options[] = {
    { .name = "cache",
      .type = FB_OPTION_TEXT,
      .fallback = "",
      .check = fb_hdf5_check_cache,
      .help = "bytes of the chunk cache of each open array (default: HDF5's, 1048576)" },
    { 0 },
};

static bool recognises(const unsigned char *head, size_t length)
{
    static const unsigned char signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
    /* Behind a user block the signature stands at 512, 1024, 2048, ... */
    for (size_t at = 0; at + sizeof signature <= length; at = at ? at * 2 : 512)
        if (memcmp(head + at, signature, sizeof signature) == 0)
            return true;
    return false;
}

static const char *version(char *buf, size_t size)
{
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(buf, size, "%u.%u.%u", major, minor, release);
    return buf;
}

/* Writes and reads a small dataset that goes through a filter. */
static herr_t rehearse(hid_t file, const struct fb_hdf5_filter *filter)
{
    float values[64] = { 0 }, back[64];
    const hsize_t dims[2] = { 8, 8 }, chunk[2] = { 4, 8 };
    const struct fb_hdf5_filtering filtering = { filter, 1, true };
    hid_t space = H5Screate_simple(2, dims, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), dataset = -1;
    herr_t rc = -1;
    for (int i = 0; i < 64; i++)
        values[i] = (float)i;
    if (H5Pset_chunk(creation, 2, chunk) >= 0 &&
        fb_hdf5_filtering_set(&filtering, 32, creation) >= 0)
        dataset = H5Dcreate2(file, filter->name, H5T_IEEE_F32LE, space, H5P_DEFAULT, creation,
                             H5P_DEFAULT);
    /* Reading must decode: closed and opened anew, the dataset has an empty chunk cache. */
    if (dataset >= 0 &&
        H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) {
        fb_hdf5_release(dataset);
        dataset = H5Dopen2(file, filter->name, H5P_DEFAULT);
        rc = H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, back);
    }
    if (rc >= 0 && memcmp(values, back, sizeof values) != 0)
        rc = -1;
    fb_hdf5_release(dataset);
    fb_hdf5_release(creation);
    fb_hdf5_release(space);
    return rc;
}

/* Which plugins a job needs is known of files that are ours. */
static bool needs(const struct fb_options *options, const struct fb_hdf5_filter *filter)
{
    if (filter->id == H5Z_FILTER_DEFLATE)
        return true;
    if (options && fb_options_has(options, "filter"))
        return strcmp(fb_options_text(options, "filter"), filter->name) == 0;
    return !options || !fb_options_has(options, "libver");
}

/* So that type tables, filters and their plugins are set up. A plugin that does not work is none of
 * our business until a file needs it. */
static herr_t rehearse_all(hid_t file, const struct fb_options *options)
{
    herr_t rc = 0;
    for (const struct fb_hdf5_filter *filter = fb_hdf5_filter_table; filter->name; filter++) {
        bool built_in = filter->id == H5Z_FILTER_DEFLATE;
        if (!needs(options, filter))
            continue;
        if (!filter->written)
            fb_hdf5_filter_reads(filter->id);
        else if ((built_in || fb_hdf5_filter_writes(filter->id)) && rehearse(file, filter) < 0 &&
                 built_in)
            rc = -1;
    }
    return rc;
}

static int start(const struct fb_options *options, struct fb_error *err)
{
    if (H5open() < 0)
        return fb_fail(err, FB_EUNSUPPORTED, "the HDF5 library does not start");
    fb_hdf5_quiet();
    hid_t memory = H5Pcreate(H5P_FILE_ACCESS), file = -1;
    int rc = 0;
    if (H5Pset_fapl_core(memory, 65536, false) >= 0)
        file = H5Fcreate("fmtbench-rehearsal", H5F_ACC_TRUNC, H5P_DEFAULT, memory);
    if (file < 0 || rehearse_all(file, options) < 0)
        rc = fb_hdf5_fail(err, FB_EUNSUPPORTED, "the HDF5 library does not work here");
    fb_hdf5_release(file);
    fb_hdf5_release(memory);
    return rc;
}

/* All three read any HDF5 file; as-is is the one that is chosen by content. */
#define READING                                                                                    \
    .beside = "hdf5-direct-as-is", .start = start, .open = fb_hdf5_open, .close = fb_hdf5_close,   \
    .catalog = fb_hdf5_catalog, .array_open = fb_hdf5_array_open,                                  \
    .array_read = fb_hdf5_array_read, .array_close = fb_hdf5_array_close, .find = fb_hdf5_find,    \
    .storage = fb_hdf5_storage, .open_traced = fb_hdf5_open_traced, .extents = fb_hdf5_extents,    \
    .version = version

#define READING_DIRECTLY                                                                           \
    .start = start, .open = fb_hdf5_direct_open, .close = fb_hdf5_direct_close,                    \
    .catalog = fb_hdf5_catalog, .array_open = fb_hdf5_direct_array_open,                           \
    .array_read = fb_hdf5_direct_array_read, .array_close = fb_hdf5_direct_array_close,            \
    .find = fb_hdf5_find, .storage = fb_hdf5_direct_storage, .extents = fb_hdf5_extents,           \
    .version = version

/* The lowest, the default and the highest level of gzip. */
static const char *const gzip_levels[] = { "level=1", "level=4", "level=9", NULL };

const struct fb_format fb_format_hdf5_contiguous = {
    .name = "hdf5-contiguous",
    .summary = "HDF5 in the NoXiRe layout, each array in one piece",
    .suffix = SUFFIX,
    .writer = "hdf5-contiguous",
    .flags = FB_QUICK,
    .options = fb_hdf5_contiguous_options,
    .create = fb_hdf5_create,
    READING,
};

const struct fb_format fb_format_hdf5_chunked = {
    .name = "hdf5-chunked",
    .summary = "HDF5 in the NoXiRe layout, arrays in chunks, compressed with gzip or other filters",
    .suffix = SUFFIX,
    .writer = "hdf5-chunked",
    .flags = FB_QUICK,
    .presets = gzip_levels,
    .options = fb_hdf5_chunked_options,
    .create = fb_hdf5_create,
    READING,
};

const struct fb_format fb_format_as_is = {
    .name = "as-is",
    .summary = "the user's own HDF5 file where it lies, whatever its layout",
    .suffix = SUFFIX,
    .flags = FB_AS_IS,
    .options = as_is_options,
    .recognises = recognises,
    READING,
};

const struct fb_format fb_format_hdf5_direct = {
    .name = "hdf5-direct",
    .summary = "the files of hdf5-chunked, read past H5Dread: chunks as they are stored, decoded "
               "with libdeflate by several threads; what cannot be read so, by H5Dread",
    .suffix = SUFFIX,
    .writer = "hdf5-chunked",
    .flags = FB_BY_NAME | FB_THREADED,
    .options = direct_options,
    READING_DIRECTLY,
};

const struct fb_format fb_format_hdf5_direct_as_is = {
    .name = "hdf5-direct-as-is",
    .summary = "the user's own HDF5 file where it lies, read as by hdf5-direct",
    .suffix = SUFFIX,
    .flags = FB_AS_IS | FB_BY_NAME | FB_THREADED,
    .options = direct_as_is_options,
    READING_DIRECTLY,
};
