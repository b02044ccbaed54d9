/* What the files of the HDF5 backend share. Nothing outside of this folder includes it, or HDF5.
 *
 * Ids are closed with fb_hdf5_release, whatever they are; a negative id means "none". */
#ifndef FB_FORMATS_HDF5_INTERNAL_H
#define FB_FORMATS_HDF5_INTERNAL_H

#include "formats/direct/scout.h"
#include "formats/format.h"

#include <hdf5.h>

#define FB_HDF5_REASON_MAX 512
/* Writers refuse larger chunks, and readers do not touch them: a chunk is read as a whole. */
#define FB_HDF5_CHUNK_MAX ((uint64_t)1 << 30)

/* A traced reader's. */
struct fb_hdf5_watch {
    struct fb_trace *trace;
    struct fb_direct_watch reads;
    /* The library's own filters, and what replaces them; NULL while they are not replaced. */
    const H5Z_class2_t *deflate, *shuffle;
    herr_t (*install)(const H5Z_class2_t *filter);
};

struct fb_reader {
    char *path;
    hid_t file;
    hid_t array_access; /* how arrays are opened: HDF5's defaults, or with a cache of its own size;
                           released where it is not H5P_DEFAULT */
    struct fb_trace *trace;        /* of a traced reader, else NULL, */
    struct fb_hdf5_watch *watch;   /* and so is this */
    struct fb_direct_file *direct; /* of a direct reader, else NULL */
    struct fb_direct_scout *scout; /* made by fb_hdf5_extents when it is first called */
};

/* A dataset that can be delivered, as far as reading it goes. */
struct fb_hdf5_dataset {
    struct fb_dtype dtype;
    unsigned rank;
    uint64_t dims[FB_MAX_RANK];
    uint64_t element;    /* bytes of one in the file */
    unsigned chunk_rank; /* 0 where it is not chunked */
    uint64_t chunk[FB_MAX_RANK];
    unsigned filters;     /* that its chunks go through */
    hid_t space;          /* of the file */
    hid_t type, own_type; /* as below */
};

struct fb_array {
    struct fb_reader *reader;
    hid_t dataset, space;
    hid_t type, own_type; /* to read with: one of HDF5's own, or own_type, which is released */
    hid_t memory; /* dataspace of the slab that was read last; of memory_count elements an axis */
    uint64_t memory_count[FB_MAX_RANK];
    struct fb_array_info info; /* path, dtype, rank, dims, bytes */
    uint64_t element;          /* as above */
    unsigned chunk_rank;
    uint64_t chunk[FB_MAX_RANK];
    unsigned filters;
    struct fb_direct_array *direct; /* of a direct reader, where the array has filters; else NULL */
    hid_t scouted;                  /* the dataset in the scout's file; -1 until it is needed */
};

/* --- error.c --- */

/* Keeps HDF5 from printing. Its error stacks belong to the thread, so every entry calls it. */
void fb_hdf5_quiet(void);
/* The most specific line of HDF5's error stack, without newlines; clears the stack. To be called
 * before any other HDF5 function, which would clear it too. Returns buf. */
char *fb_hdf5_why(char *buf, size_t size);
/* fb_fail with ": " and that line behind the message. */
int fb_hdf5_fail(struct fb_error *err, int code, const char *format, ...) FB_PRINTF(3, 4);
void fb_hdf5_release(hid_t id);

/* --- types.c --- */

/* The element type that the file type *own is delivered in, and the memory type to read it with:
 * one of HDF5's own, which nobody releases, or *own, which may become another type. False with the
 * reason when it cannot be delivered. */
bool fb_hdf5_type_read(hid_t *own, struct fb_dtype *dtype, hid_t *memory, char *reason,
                       size_t size);
/* The type to write a dtype with, in file and memory; negative on failure. */
hid_t fb_hdf5_type_write(struct fb_dtype dtype);

/* --- dataset.c --- */

/* Whether a dataset can be delivered, and how: false with the reason, and nothing to release. */
bool fb_hdf5_dataset_look(hid_t dataset, struct fb_hdf5_dataset *out, char *reason, size_t size);
void fb_hdf5_dataset_release(struct fb_hdf5_dataset *dataset);
int fb_hdf5_storage(struct fb_array *array, struct fb_storage *out, struct fb_error *err);

/* Where gzip and shuffle stand among the filters of an array; -1: they do not. */
struct fb_hdf5_filters {
    int deflate, shuffle;
    bool whole_chunks_only; /* chunks that reach beyond the array's edge are stored unfiltered */
};
/* FB_EUNSUPPORTED where there is another filter, or gzip below a shuffle. */
int fb_hdf5_filters(struct fb_array *array, struct fb_hdf5_filters *out, struct fb_error *err);

/* --- direct.c: the same files and arrays, read past H5Dread --- */

/* The option `threads`: a number from 1. */
bool fb_hdf5_check_threads(const char *value);
int fb_hdf5_direct_open(const char *path, const struct fb_options *options, struct fb_reader **out,
                        struct fb_error *err);
void fb_hdf5_direct_close(struct fb_reader *reader);
int fb_hdf5_direct_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                              struct fb_error *err);
int fb_hdf5_direct_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                              void *dst, size_t capacity, size_t *delivered, struct fb_error *err);
void fb_hdf5_direct_array_close(struct fb_array *array);
int fb_hdf5_direct_storage(struct fb_array *array, struct fb_storage *out, struct fb_error *err);

/* --- attribute.c --- */

/* The value of a string attribute with one element; NULL when there is none (no error). The caller
 * frees it. */
char *fb_hdf5_attribute_text(hid_t object, const char *name);
/* Writers of attributes as h5py makes them from str and int. Negative on failure. */
herr_t fb_hdf5_attribute_set_text(hid_t object, const char *name, const char *text);
herr_t fb_hdf5_attribute_set_int(hid_t object, const char *name, int64_t value);
/* Variable-length UTF-8, as h5py stores str; negative on failure. */
hid_t fb_hdf5_text_type(void);

/* --- catalog.c --- */

int fb_hdf5_catalog(struct fb_reader *reader, struct fb_catalog *out, struct fb_error *err);
int fb_hdf5_find(struct fb_reader *reader, const struct fb_query *query, struct fb_matches *out,
                 struct fb_error *err);

/* --- find.c --- */

/* The same for a file in the NoXiRe layout that has FB_HDF5_UNIFORM, and a pattern for one array of
 * each sample, by way of attributes. 1, with nothing in *out, where the file has to be walked. */
int fb_hdf5_find_in_layout(struct fb_reader *reader, const struct fb_query *query,
                           struct fb_matches *out, struct fb_error *err);

/* --- reader.c --- */

/* The option `cache` of as-is: a size that HDF5 takes. */
bool fb_hdf5_check_cache(const char *value);
int fb_hdf5_open(const char *path, const struct fb_options *options, struct fb_reader **out,
                 struct fb_error *err);
void fb_hdf5_close(struct fb_reader *reader);
int fb_hdf5_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                       struct fb_error *err);
int fb_hdf5_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                       void *dst, size_t capacity, size_t *delivered, struct fb_error *err);
void fb_hdf5_array_close(struct fb_array *array);

int fb_hdf5_open_traced(const char *path, const struct fb_options *options, struct fb_trace *trace,
                        struct fb_reader **out, struct fb_error *err);

/* --- trace.c --- */

/* Puts watched filters in place of the library's, until the end, which accepts NULL. */
int fb_hdf5_watch_begin(struct fb_trace *trace, struct fb_hdf5_watch **out, struct fb_error *err);
void fb_hdf5_watch_end(struct fb_hdf5_watch *watch);
/* Counts a slab of a traced reader that has been delivered, and the chunks it touches. */
void fb_hdf5_trace_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                        size_t delivered);

/* --- extents.c --- */

int fb_hdf5_extents(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                    int (*visit)(void *context, const struct fb_extent *extent,
                                 struct fb_error *err),
                    void *context, struct fb_error *err);

/* --- writer.c, noxire.c --- */

/* Root attribute, an integer: 1 where samples are numbered from 0 and each of their persons has
 * every feature that `features` lists, of as many frames as the sample's num_frames attribute. */
#define FB_HDF5_UNIFORM "uniform_frames"

/* Chunked where the options have the key `chunk`, contiguous where not. */
int fb_hdf5_create(const char *path, struct fb_source *source, const struct fb_options *options,
                   struct fb_error *err);
/* Into a file whose arrays are written: the description, and in the NoXiRe layout its attributes
 * and the names of the samples. Negative on failure. */
herr_t fb_hdf5_describe(hid_t file, const struct fb_catalog *catalog);

#endif
