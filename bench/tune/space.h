/* The settings worth looking at for arrays of one shape that are read in certain slabs, and the
 * shapes that others would take, who know nothing of how the arrays are read. */
#ifndef FB_BENCH_TUNE_SPACE_H
#define FB_BENCH_TUNE_SPACE_H

#include "base/error.h"
#include "bench/tune/setting.h"
#include "datasets/catalog.h"

/* Who proposes a setting; bits of fb_candidate.names. */
enum fb_proposer {
    FB_PROPOSER_PRESENT, /* how the arrays lie now */
    FB_PROPOSER_H5PY,    /* h5py's guess for chunks=True */
    FB_PROPOSER_NETCDF,  /* netCDF-C's default for arrays of fixed size */
    FB_PROPOSER_UNIDATA, /* Unidata's balanced shape */
    FB_PROPOSER_COUNT
};
extern const char *const fb_proposer_names[FB_PROPOSER_COUNT];

struct fb_candidate {
    struct fb_setting setting;
    unsigned names; /* bits by enum fb_proposer; 0: found here */
};

/* Zero-initialise, free items. */
struct fb_space {
    struct fb_candidate *items;
    size_t count;
};

/* A way to code chunks: what a setting has beside its shape. */
struct fb_coding {
    const char *filter;
    unsigned level;
    bool shuffle;
};

/* Adds to *out, each setting once: contiguous; then every shape in every coding. Shapes are those
 * of the proposers, made for `dims`, the whole array, and clipped to this part of it; for each of
 * `slabs` (count by axis, `slab_count` of them) those made of it; whole rows, balanced shapes and
 * equal sides of 4 KiB to 4 MiB. All of them have 512 bytes to 8 MiB and are no larger than the
 * array, whose dims are those of the largest one. The proposers' settings have the coding `usual`.
 * FB_EMEMORY. */
int fb_space_make(const struct fb_array_info *array, const uint64_t *dims,
                  const uint64_t (*slabs)[FB_MAX_RANK], size_t slab_count,
                  const struct fb_coding *codings, size_t coding_count,
                  const struct fb_coding *usual, struct fb_space *out, struct fb_error *err);

/* The candidate with this setting, added where there is none; it gets the names too. FB_EMEMORY. */
int fb_space_add(struct fb_space *space, const struct fb_setting *setting, unsigned names,
                 size_t *at, struct fb_error *err);

bool fb_setting_equal(const struct fb_setting *a, const struct fb_setting *b);
bool fb_setting_same_shape(const struct fb_setting *a, const struct fb_setting *b);
uint64_t fb_setting_chunk_bytes(const struct fb_setting *setting, uint64_t element_bytes);

/* netCDF-C's default for a variable without unlimited dimensions (nc4_find_default_chunksizes2 in
 * its libhdf5): every axis takes the same part of its length, so that a chunk has 4 MiB at most;
 * then the last chunk of each axis is made to overhang as little as can be. */
void fb_shape_netcdf(unsigned rank, const uint64_t *dims, uint64_t element_bytes, uint64_t *chunk);

/* Unidata's balanced shape (R. Rew, "Chunking Data: Choosing Shapes", 2013), for chunks of
 * `chunk_bytes`: with N chunks, axis 0 is cut into sqrt(N) pieces and the others together into as
 * many, so that a series along axis 0 and a slice across it touch the same number of chunks. */
void fb_shape_balanced(unsigned rank, const uint64_t *dims, uint64_t element_bytes,
                       uint64_t chunk_bytes, uint64_t *chunk);

/* "hdf5-chunked" or "hdf5-contiguous" and its options: "level=4,chunk=100x68x2". For records and
 * for the writer. Returns buf. */
char *fb_setting_options(const struct fb_setting *setting, char *buf, size_t size);
/* "100x68x2, shuffle, gzip 4", "in one piece". Returns buf. */
char *fb_setting_text(const struct fb_setting *setting, char *buf, size_t size);

#endif
