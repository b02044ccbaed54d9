/* The dataset of a run: its arrays, the data that files are made from, and the truth that
 * everything delivered is checked against. */
#ifndef FB_BENCH_DATASET_H
#define FB_BENCH_DATASET_H

#include "bench/config.h"
#include "datasets/manifest.h"
#include "datasets/source.h"

/* Element types and search scope differ between the files of one dataset. */
enum fb_variant {
    FB_VARIANT_NATIVE,   /* the source's own types */
    FB_VARIANT_NARROWED, /* dtype=f32 */
    FB_VARIANT_AS_IS,    /* the user's own file, which may hold more than --max-bytes lets in */
    FB_VARIANT_UNNAMED,  /* native, in files that keep no sample names (FB_NO_NAMES) */
    FB_VARIANT_UNNAMED_NARROWED,
    FB_VARIANT_COUNT
};

struct fb_dataset {
    char *name;               /* SOURCE as `run` would take it again */
    struct fb_source *source; /* native */
    struct fb_source *narrowed;
    struct fb_catalog whole; /* of all that SOURCE has, for searches in the user's own file */
    struct fb_catalog unnamed, unnamed_narrowed; /* as files without sample names show it */
    char *own_file;      /* SOURCE where it is a file that as-is can read, else NULL */
    bool partial;        /* --max-bytes left arrays out */
    bool self_reference; /* own_file has no manifest: its second reading is checked against
                            its first */
    struct fb_manifest *manifests; /* with config->files: of the files there */
    char **manifest_files;         /* the file of each */
    size_t manifest_count;
};

/* Opens config->source, or what stands in config->files. FB_ENOTHING when no array is to be had. */
int fb_dataset_open(const struct fb_run_config *config, struct fb_dataset *out,
                    struct fb_error *err);
/* Closes all files: the runner holds none open while it measures. Name, whole and manifests stay.
 */
void fb_dataset_close_sources(struct fb_dataset *dataset);
void fb_dataset_close(struct fb_dataset *dataset);

/* Data of a variant. */
struct fb_source *fb_dataset_source(const struct fb_dataset *dataset, enum fb_variant variant);
/* What a search in a file of the variant sees. */
const struct fb_catalog *fb_dataset_searched(const struct fb_dataset *dataset,
                                             enum fb_variant variant);

#endif
