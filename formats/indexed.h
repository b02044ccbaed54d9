/* Reading a file in which every array lies uncompressed and in C order at a known place: what
 * `raw`, `raw-mmap` and `msgpack` share. They differ in how a file's index is found.
 *
 * Defines struct fb_reader and struct fb_array for those backends; the functions below stand in
 * their tables as they are. */
#ifndef FB_FORMATS_INDEXED_H
#define FB_FORMATS_INDEXED_H

#include "formats/format.h"

enum fb_access {
    FB_LOADED,  /* read whole into fresh memory; slabs are copied from there */
    FB_MAPPED,  /* mapped; slabs are copied from the mapping */
    FB_STREAMED /* mapped only to find the index; slabs are read by pread */
};

struct fb_reader {
    char *path;
    enum fb_access access;
    int fd;                    /* -1 where it is not needed after opening */
    const unsigned char *base; /* the file's bytes */
    size_t bytes;              /* of the file */
    struct fb_catalog catalog; /* finished by the index function, */
    uint64_t *offsets;         /* which puts here where each array starts, by array number */
};

/* Finds all arrays in reader->base: fills catalog and offsets. Each array has been checked to lie
 * within the file. */
typedef int (*fb_index_function)(struct fb_reader *reader, struct fb_error *err);

int fb_indexed_open(const char *path, enum fb_access access, fb_index_function index,
                    struct fb_reader **out, struct fb_error *err);
void fb_indexed_close(struct fb_reader *reader);
int fb_indexed_catalog(struct fb_reader *reader, struct fb_catalog *out, struct fb_error *err);
int fb_indexed_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                          struct fb_error *err);
int fb_indexed_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                          void *dst, size_t capacity, size_t *delivered, struct fb_error *err);
void fb_indexed_array_close(struct fb_array *array);
int fb_indexed_array_resident(struct fb_array *array, const void **data, size_t *bytes,
                              struct fb_error *err);
/* Layout "contiguous": each array is one stretch of the file. */
int fb_indexed_storage(struct fb_array *array, struct fb_storage *out, struct fb_error *err);
int fb_indexed_extents(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                       int (*visit)(void *context, const struct fb_extent *extent,
                                    struct fb_error *err),
                       void *context, struct fb_error *err);

#endif
