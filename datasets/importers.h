/* The table of importers and generators: sources that are not a registered format's file. */
#ifndef FB_DATASETS_IMPORTERS_H
#define FB_DATASETS_IMPORTERS_H

#include "base/options.h"
#include "datasets/source.h"

struct fb_importer {
    const char *name;    /* "synth" in "synth:samples=24,seed=1" */
    const char *summary; /* one line for `fmtbench list` */
    const char *format;  /* that reads the same files, for `run` to measure too; NULL: none */
    const struct fb_option *options;
    /* True when the file or folder at `path` is this importer's; NULL for a generator, which is
     * only opened by name. */
    bool (*recognises)(const char *path);
    /* Opens path (NULL for a generator). Warnings for people go to `warn` (may be NULL). */
    int (*open)(const char *path, const struct fb_options *options,
                void (*warn)(void *context, const char *message), void *warn_context,
                struct fb_source **out, struct fb_error *err);
};

extern const struct fb_importer fb_importer_synth;
extern const struct fb_importer fb_importer_openface;
extern const struct fb_importer fb_importer_pickle;
extern const struct fb_importer fb_importer_npy;
extern const struct fb_importer fb_importer_npz;

/* All importers, ended by NULL. */
extern const struct fb_importer *const fb_importers[];

/* The importer whose file or folder this is, or NULL. */
const struct fb_importer *fb_importer_of(const char *path);

#endif
