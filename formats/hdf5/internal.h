/* What the files of the HDF5 backend share. Nothing outside of this folder includes it, or HDF5.
 *
 * Ids are closed with fb_hdf5_release, whatever they are; a negative id means "none". */
#ifndef FB_FORMATS_HDF5_INTERNAL_H
#define FB_FORMATS_HDF5_INTERNAL_H

#include "formats/format.h"

#include <hdf5.h>

#define FB_HDF5_REASON_MAX 512
/* Writers refuse larger chunks, and readers do not touch them: a chunk is read as a whole. */
#define FB_HDF5_CHUNK_MAX ((uint64_t)1 << 30)

struct fb_reader {
    char *path;
    hid_t file;
};

/* A dataset that can be delivered, as far as reading it goes. */
struct fb_hdf5_dataset {
    struct fb_dtype dtype;
    unsigned rank;
    uint64_t dims[FB_MAX_RANK];
    hid_t space;          /* of the file */
    hid_t type, own_type; /* as below */
};

struct fb_array {
    const struct fb_reader *reader;
    hid_t dataset, space;
    hid_t type, own_type; /* to read with: one of HDF5's own, or own_type, which is released */
    hid_t memory; /* dataspace of the slab that was read last; of memory_count elements an axis */
    uint64_t memory_count[FB_MAX_RANK];
    struct fb_array_info info; /* path, dtype, rank, dims, bytes */
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

/* --- reader.c --- */

int fb_hdf5_open(const char *path, const struct fb_options *options, struct fb_reader **out,
                 struct fb_error *err);
void fb_hdf5_close(struct fb_reader *reader);
int fb_hdf5_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                       struct fb_error *err);
int fb_hdf5_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                       void *dst, size_t capacity, size_t *delivered, struct fb_error *err);
void fb_hdf5_array_close(struct fb_array *array);

/* --- writer.c, noxire.c --- */

/* Chunked where the options have the key `chunk`, contiguous where not. */
int fb_hdf5_create(const char *path, struct fb_source *source, const struct fb_options *options,
                   struct fb_error *err);
/* Into a file whose arrays are written: the description, and in the NoXiRe layout its attributes
 * and the names of the samples. Negative on failure. */
herr_t fb_hdf5_describe(hid_t file, const struct fb_catalog *catalog);

#endif
