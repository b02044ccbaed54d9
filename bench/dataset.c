#include "bench/dataset.h"
#include "base/number.h"
#include "bench/isolate.h"
#include "bench/reference.h"
#include "formats/format.h"

#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_SOURCE "synth"

void fb_config_say(const struct fb_run_config *config, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    config->say(config->listener, message);
}

struct fb_source *fb_dataset_source(const struct fb_dataset *dataset, enum fb_variant variant)
{
    bool narrowed = variant == FB_VARIANT_NARROWED || variant == FB_VARIANT_UNNAMED_NARROWED;
    return narrowed ? dataset->narrowed : dataset->source;
}

const struct fb_catalog *fb_dataset_searched(const struct fb_dataset *dataset,
                                             enum fb_variant variant)
{
    switch (variant) {
    case FB_VARIANT_AS_IS:
        return &dataset->whole;
    case FB_VARIANT_UNNAMED:
        return &dataset->unnamed;
    case FB_VARIANT_UNNAMED_NARROWED:
        return &dataset->unnamed_narrowed;
    default:
        return fb_source_catalog(fb_dataset_source(dataset, variant));
    }
}

void fb_dataset_close_sources(struct fb_dataset *dataset)
{
    fb_source_close(dataset->narrowed);
    fb_source_close(dataset->source);
    dataset->narrowed = dataset->source = NULL;
}

void fb_dataset_close(struct fb_dataset *dataset)
{
    fb_dataset_close_sources(dataset);
    fb_catalog_free(&dataset->whole);
    fb_catalog_free(&dataset->unnamed);
    fb_catalog_free(&dataset->unnamed_narrowed);
    for (size_t i = 0; i < dataset->manifest_count; i++) {
        fb_manifest_free(&dataset->manifests[i]);
        free(dataset->manifest_files[i]);
    }
    free(dataset->manifests);
    free(dataset->manifest_files);
    free(dataset->name);
    free(dataset->own_file);
    *dataset = (struct fb_dataset){ 0 };
}

/* --- how much of a file is taken -------------------------------------------------------------- */

struct selection {
    const struct fb_catalog *catalog;
    bool *keep;
};

static bool is_kept(void *context, size_t array)
{
    return ((struct selection *)context)->keep[array];
}

/* Whole arrays in catalog order as long as they fit; says what was left out. */
static int select_arrays(const struct fb_run_config *config, struct fb_dataset *dataset,
                         struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(dataset->source);
    char taken_text[32], all_text[32];
    uint64_t taken = 0;
    size_t kept = 0;
    if (fb_catalog_bytes(catalog) <= config->max_bytes)
        return 0;
    dataset->partial = true;
    struct selection selection = { catalog, calloc(catalog->array_count + 1, sizeof(bool)) };
    if (!selection.keep)
        return fb_fail_memory(err, "the catalog");
    for (size_t i = 0; i < catalog->array_count; i++) {
        if (catalog->arrays[i].bytes <= config->max_bytes - taken) {
            taken += catalog->arrays[i].bytes;
            selection.keep[i] = true;
            kept++;
        }
    }
    fb_config_say(config, "taking %zu of %zu arrays, %s of %s (--max-bytes)%s%s", kept,
                  catalog->array_count, fb_format_bytes(taken, taken_text, sizeof taken_text),
                  fb_format_bytes(fb_catalog_bytes(catalog), all_text, sizeof all_text),
                  kept == 0 ? "" : "; left out:", "");
    size_t named = 0;
    for (size_t i = 0; kept && i < catalog->array_count && named < 5; i++)
        if (!selection.keep[i] && ++named)
            fb_config_say(config, "  %s, %s", catalog->arrays[i].path,
                          fb_format_bytes(catalog->arrays[i].bytes, all_text, sizeof all_text));
    if (kept && catalog->array_count - kept > named)
        fb_config_say(config, "  and %zu more", catalog->array_count - kept - named);
    struct fb_source *inner = dataset->source;
    dataset->source = NULL;
    int rc = fb_source_select(inner, is_kept, &selection, &dataset->source, err);
    free(selection.keep);
    if (rc == 0 && kept == 0)
        rc = fb_fail(err, FB_ENOTHING, "%s: no array fits into --max-bytes; raise it",
                     dataset->name);
    return rc;
}

static bool is_early(void *context, size_t array)
{
    const struct selection *selection = context;
    return selection->keep[selection->catalog->arrays[array].sample];
}

/* The first config->samples samples. */
static int select_samples(const struct fb_run_config *config, struct fb_dataset *dataset,
                          struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(dataset->source);
    if (config->samples == 0 || config->samples >= catalog->sample_count)
        return 0;
    struct selection selection = { catalog, calloc(catalog->sample_count, sizeof(bool)) };
    if (!selection.keep)
        return fb_fail_memory(err, "the catalog");
    for (size_t i = 0; i < config->samples; i++)
        selection.keep[i] = true;
    struct fb_source *inner = dataset->source;
    dataset->source = NULL;
    dataset->partial = true;
    int rc = fb_source_select(inner, is_early, &selection, &dataset->source, err);
    free(selection.keep);
    return rc;
}

/* --- a SOURCE --------------------------------------------------------------------------------- */

/* A SOURCE file with a manifest is checked against it; without one, as-is can only be checked
 * against itself. */
static int take_own_manifest(struct fb_dataset *dataset, const char *file, struct fb_error *err)
{
    struct fb_manifest manifest;
    int rc = fb_manifest_read(file, &manifest, err);
    if (rc == FB_ENOTHING) {
        dataset->self_reference = true;
        return 0;
    }
    if (rc)
        return rc;
    struct fb_source *candidate = dataset->source;
    dataset->source = NULL;
    rc = fb_reference_open(&manifest, &candidate, 1, &dataset->source, err);
    if (rc)
        fb_source_close(candidate);
    fb_manifest_free(&manifest);
    return rc;
}

static bool read_by_as_is(const char *file)
{
    const struct fb_format *format;
    struct fb_error ignored;
    return fb_format_of_file(file, &format, &ignored) == 0 && (format->flags & FB_AS_IS);
}

static int open_source(const struct fb_run_config *config, struct fb_dataset *out,
                       struct fb_error *err)
{
    const char *spec = config->source ? config->source : DEFAULT_SOURCE;
    struct stat st;
    bool is_file = stat(spec, &st) == 0 && S_ISREG(st.st_mode);
    char *skipping = NULL;
    if (config->skip_bad_rows && asprintf(&skipping, "openface:%s,bad-rows=skip", spec) < 0)
        return fb_fail_memory(err, "a source");
    int rc = fb_source_open(skipping ? skipping : spec, config->say, config->listener, &out->source,
                            err);
    free(skipping);
    if (rc)
        return rc;
    out->name = strdup(out->source->name);
    if (!out->name)
        return fb_fail_memory(err, "a source");
    const struct fb_catalog *catalog = fb_source_catalog(out->source);
    for (size_t i = 0; i < catalog->skipped_count && i < 5; i++)
        fb_config_say(config, "skipping %s: %s", catalog->skipped[i].path,
                      catalog->skipped[i].reason);
    if (catalog->skipped_count > 5)
        fb_config_say(config, "skipping %zu more; 'fmtbench info' lists all",
                      catalog->skipped_count - 5);
    rc = fb_catalog_copy(catalog, &out->whole, err);
    if (rc == 0 && is_file && read_by_as_is(spec)) {
        out->own_file = strdup(spec);
        if (!out->own_file)
            rc = fb_fail_memory(err, "a source");
    }
    if (rc == 0 && is_file)
        rc = take_own_manifest(out, spec, err);
    if (rc == 0)
        rc = select_samples(config, out, err);
    if (rc == 0 && is_file)
        rc = select_arrays(config, out, err);
    return rc;
}

/* --- --files DIR ------------------------------------------------------------------------------ */

static int read_manifests(const struct fb_run_config *config, struct fb_dataset *out,
                          struct fb_error *err)
{
    static const char suffix[] = ".manifest.json";
    char *pattern;
    glob_t found;
    struct stat st;
    if (stat(config->files, &st) < 0)
        return fb_fail_errno(err, "cannot look into %s", config->files);
    if (asprintf(&pattern, "%s/*%s", config->files, suffix) < 0)
        return fb_fail_memory(err, "file names");
    int none = glob(pattern, 0, NULL, &found);
    free(pattern);
    if (none)
        return fb_fail(err, FB_ENOTHING,
                       "%s holds no FILE.manifest.json; 'fmtbench gen', 'convert' and 'run "
                       "--keep-files' write them",
                       config->files);
    int rc = 0;
    out->manifests = calloc(found.gl_pathc, sizeof *out->manifests);
    out->manifest_files = calloc(found.gl_pathc, sizeof *out->manifest_files);
    if (!out->manifests || !out->manifest_files)
        rc = fb_fail_memory(err, "manifests");
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        char *file = strndup(path, strlen(path) - (sizeof suffix - 1));
        if (!file)
            rc = fb_fail_memory(err, "manifests");
        else if ((rc = fb_manifest_read(file, &out->manifests[i], err)))
            free(file);
        else
            out->manifest_files[out->manifest_count++] = file;
    }
    globfree(&found);
    return rc;
}

static bool is_narrowed(const struct fb_manifest *manifest)
{
    return strstr(manifest->options, "dtype=f32") != NULL;
}

/* The same arrays of the same shapes and, where their types are the same, of the same bytes. */
static bool same_dataset(const struct fb_manifest *x, const struct fb_manifest *y)
{
    const struct fb_catalog *a = &x->catalog, *b = &y->catalog;
    bool same = a->array_count == b->array_count;
    for (size_t i = 0; same && i < a->array_count; i++) {
        const struct fb_array_info *p = &a->arrays[i], *q = &b->arrays[i];
        same = strcmp(p->path, q->path) == 0 && p->rank == q->rank &&
               memcmp(p->dims, q->dims, p->rank * sizeof *p->dims) == 0 &&
               (!fb_dtype_equal(p->dtype, q->dtype) ||
                strcmp(x->hashes[i].hex, y->hashes[i].hex) == 0);
    }
    return same;
}

static int check_manifests(const struct fb_dataset *dataset, size_t base, struct fb_error *err)
{
    const struct fb_manifest *all = dataset->manifests;
    for (size_t m = 0; m < dataset->manifest_count; m++) {
        if (!same_dataset(&all[base], &all[m]))
            return fb_fail(err, FB_EUSAGE,
                           "%s and %s hold different datasets; keep one in a folder",
                           dataset->manifest_files[base], dataset->manifest_files[m]);
        for (size_t k = 0; k < m; k++)
            if (strcmp(all[k].format, all[m].format) == 0 &&
                strcmp(all[k].options, all[m].options) == 0)
                return fb_fail(err, FB_EUSAGE,
                               "%s and %s were written in one format with the same options, and "
                               "would be one row; keep one in a folder",
                               dataset->manifest_files[k], dataset->manifest_files[m]);
    }
    return 0;
}

/* Opens SPEC as a candidate, narrowed where the files are. */
static int add_candidate(const struct fb_run_config *config, const char *spec, bool narrowed,
                         struct fb_source **candidate, struct fb_error *err)
{
    int rc = fb_source_open(spec, config->say, config->listener, candidate, err);
    return rc == 0 && narrowed ? fb_source_narrow_own(candidate, err) : rc;
}

/* Every place that may still deliver an array as the manifests say it was: the SOURCE given or the
 * one the files were made from, then the files themselves. */
static int gather_candidates(const struct fb_run_config *config, const struct fb_dataset *dataset,
                             size_t base, struct fb_source **candidates, size_t *count,
                             struct fb_error *err)
{
    struct fb_error ignored;
    bool narrowed = is_narrowed(&dataset->manifests[base]);
    *count = 0;
    if (config->source) {
        int rc = add_candidate(config, config->source, narrowed, &candidates[0], err);
        if (rc)
            return rc;
        *count = 1;
    } else if (add_candidate(config, dataset->manifests[base].source, narrowed, &candidates[0],
                             &ignored) == 0) {
        *count = 1; /* it may well have gone */
    }
    for (size_t i = 0; i < dataset->manifest_count; i++) {
        const struct fb_format *format = fb_format_find(dataset->manifests[i].format);
        if (format && is_narrowed(&dataset->manifests[i]) == narrowed &&
            fb_source_from_file(format, dataset->manifest_files[i], &candidates[*count],
                                &ignored) == 0)
            ++*count;
    }
    return 0;
}

static int open_files(const struct fb_run_config *config, struct fb_dataset *out,
                      struct fb_error *err)
{
    int rc = read_manifests(config, out, err);
    size_t base = 0;
    if (rc)
        return rc;
    while (base + 1 < out->manifest_count && is_narrowed(&out->manifests[base]))
        base++;
    rc = check_manifests(out, base, err);
    if (rc)
        return rc;
    struct fb_source **candidates = calloc(out->manifest_count + 2, sizeof(struct fb_source *));
    out->name = strdup(out->manifests[base].source);
    if (!candidates || !out->name) {
        free(candidates);
        return fb_fail_memory(err, "a source");
    }
    size_t count;
    rc = gather_candidates(config, out, base, candidates, &count, err);
    if (rc == 0)
        rc = fb_reference_open(&out->manifests[base], candidates, count, &out->source, err);
    for (size_t i = 0; rc && i < count; i++)
        fb_source_close(candidates[i]);
    free(candidates);
    if (rc == 0)
        rc = fb_catalog_copy(fb_source_catalog(out->source), &out->whole, err);
    if (rc == 0 && config->source && read_by_as_is(config->source)) {
        out->own_file = strdup(config->source);
        if (!out->own_file)
            rc = fb_fail_memory(err, "a source");
    }
    return rc;
}

int fb_dataset_open(const struct fb_run_config *config, struct fb_dataset *out,
                    struct fb_error *err)
{
    *out = (struct fb_dataset){ 0 };
    fb_isolate_patience(FB_PATIENCE_S);
    int rc = config->files ? open_files(config, out, err) : open_source(config, out, err);
    fb_isolate_patience(0);
    if (rc == 0)
        rc = fb_source_narrow(out->source, &out->narrowed, err);
    if (rc == 0)
        rc = fb_catalog_unname(fb_source_catalog(out->source), &out->unnamed, err);
    if (rc == 0)
        rc = fb_catalog_unname(fb_source_catalog(out->narrowed), &out->unnamed_narrowed, err);
    if (rc == 0 && fb_source_catalog(out->source)->array_count == 0)
        rc = fb_fail(err, FB_ENOTHING,
                     "%s has no arrays that can be read; 'fmtbench info' says why", out->name);
    if (rc)
        fb_dataset_close(out);
    return rc;
}
