/* Where settings are tried: a part of the file's arrays, the requests of each term of an access
 * specification on it, and what they must deliver. Every file made here is written by a worker and
 * read by fresh ones, as in a run. */
#ifndef FB_BENCH_TUNE_STAND_H
#define FB_BENCH_TUNE_STAND_H

#include "bench/block.h"
#include "bench/tune/access.h"
#include "bench/tune/group.h"
#include "bench/tune/setting.h"

/* The two writers. */
#define FB_TUNE_CHUNKED "hdf5-chunked"
#define FB_TUNE_CONTIGUOUS "hdf5-contiguous"
#define FB_TUNE_READER "as-is"

/* What all stands have in common; borrowed. */
struct fb_ground {
    const char *file; /* that is tuned */
    const struct fb_access *access;
    struct fb_worker worker;
    struct fb_process_limits limits;
    const char *folder; /* for temporary files; its files are removed as stands are closed */
    enum fb_handle handle;
    uint64_t seed;
    uint64_t read_bytes; /* that the requests of a term may ask for */
};

struct fb_stand_term {
    struct fb_plan plan; /* on files that are made here */
    char *path;          /* the worker's copy of it */
    char *in_place;      /* the same requests on the file that is tuned */
    struct fb_hash *hashes;
    char reason[256]; /* why there is nothing to read; "" where there is */
};

struct fb_stand {
    const struct fb_ground *ground;
    char *staged;             /* the region as a plain file, */
    struct fb_source *source; /* opened */
    struct fb_stand_term terms[FB_ACCESS_TERMS_MAX];
};

/* Copies the region of `source` (the file's own) once, and plans every term. `name` tells the
 * stand's files from others' in the folder. FB_ENOTHING when no term finds anything to read. */
int fb_stand_open(const struct fb_ground *ground, struct fb_source *source,
                  const struct fb_region *region, const char *name, struct fb_stand *out,
                  struct fb_error *err);
/* Removes its files too. Safe on a zeroed one. */
void fb_stand_close(struct fb_stand *stand);

/* Writes the stand's arrays in a setting. write_ns is FB_NA where it is not known. FB_EUNSUPPORTED
 * for a filter that is not here. */
int fb_stand_write(const struct fb_stand *stand, const struct fb_setting *setting, const char *path,
                   uint64_t *file_bytes, uint64_t *write_ns, struct fb_error *err);

/* How a file is read. */
struct fb_reading {
    const char *format;  /* a reader of any HDF5 file */
    const char *options; /* its own */
    enum fb_handle handle;
    bool fastest; /* of the iterations, and not their median: what a disturbed machine tells best */
};

/* One block: the median of its iterations of a term's requests, each checked. `path` is a file made
 * of the stand; NULL: the file that is tuned, in place.
 * *proven: the file was seen to be in the page cache before. */
int fb_stand_read(const struct fb_stand *stand, const char *path, size_t term,
                  const struct fb_reading *how, uint64_t *ns, bool *proven, struct fb_error *err);

#endif
