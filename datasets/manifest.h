/* FILE.manifest.json: what a file that fmtbench wrote must deliver.
 *
 * The source that the file was made from, the format and options it was written with, and for every
 * array its path, sample, element type, shape and the XXH3-128 of its bytes as delivered (C order,
 * little-endian as on the machines supported). Everything that a reader delivers is checked against
 * these hashes, or against hashes computed from data that matches them. */
#ifndef FB_DATASETS_MANIFEST_H
#define FB_DATASETS_MANIFEST_H

#include "base/error.h"
#include "datasets/catalog.h"
#include "datasets/source.h"

/* 32 lower-case hex digits and a NUL: XXH3-128 in its canonical (big-endian) form. */
struct fb_hash {
    char hex[33];
};

struct fb_manifest {
    char *source;  /* SOURCE as `run` would take it again */
    char *format;  /* name of the format that wrote the file */
    char *options; /* canonical options it was written with */
    struct fb_catalog catalog;
    struct fb_hash *hashes; /* by array number */
};

void fb_hash_bytes(const void *data, size_t bytes, struct fb_hash *out);

/* Hashes one array, or every array, of a source, streaming. `hashes` has array_count elements. */
int fb_hash_array(struct fb_source *source, size_t array, struct fb_hash *out,
                  struct fb_error *err);
int fb_hash_source(struct fb_source *source, struct fb_hash *hashes, struct fb_error *err);

/* A source that passes everything on from `inner` (borrowed) and hashes what it passes, and counts
 * the wall and CPU time that `inner` took. For create operations, which read each array exactly
 * once in rising rows (fb_source_stream). */
int fb_source_observe(struct fb_source *inner, struct fb_source **out, struct fb_error *err);
/* Hash by array number; FB_EFORMAT naming the array when one was not read completely and in order.
 */
int fb_source_observed_hashes(const struct fb_source *observer, struct fb_hash *hashes,
                              struct fb_error *err);
void fb_source_observed_time(const struct fb_source *observer, uint64_t *wall_ns, uint64_t *cpu_ns);

/* "FILE.manifest.json" in fresh memory; NULL when out of memory. Where FILE is a symbolic link, the
 * manifest is that of the file it leads to: that one is read and replaced. */
char *fb_manifest_path(const char *file);
/* Writes the manifest beside `file`, replaced whole. */
int fb_manifest_write(const struct fb_manifest *manifest, const char *file, struct fb_error *err);
/* FB_ENOTHING when there is none; FB_EFORMAT naming the place when it is damaged. */
int fb_manifest_read(const char *file, struct fb_manifest *out, struct fb_error *err);
void fb_manifest_free(struct fb_manifest *manifest);

#endif
