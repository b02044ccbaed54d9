#include "bench/cli/store.h"
#include "base/number.h"
#include "base/output.h"
#include "base/terminal.h"
#include "bench/adapter.h"
#include "datasets/manifest.h"
#include "formats/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MUCH_BYTES UINT64_C(1000000000)
#define SKIPPED_SHOWN 3

/* --- progress --------------------------------------------------------------------------------- */

/* Passes everything on and draws how far it is. Borrows `inner` and its name. */
struct watched_source {
    struct fb_source base;
    struct fb_source *inner;
    struct fb_progress progress;
    uint64_t done, total;
};

static const struct fb_catalog *watched_catalog(const struct fb_source *source)
{
    return fb_source_catalog(((const struct watched_source *)source)->inner);
}

static int watched_read(struct fb_source *source, size_t array, const uint64_t *start,
                        const uint64_t *count, void *dst, struct fb_error *err)
{
    struct watched_source *self = (struct watched_source *)source;
    const struct fb_array_info *info = &watched_catalog(source)->arrays[array];
    fb_progress_update(&self->progress, self->done, self->total, "writing");
    self->done += fb_slab_bytes(info, count);
    return self->inner->ops->read(self->inner, array, start, count, dst, err);
}

static void watched_close(struct fb_source *source)
{
    fb_progress_end(&((struct watched_source *)source)->progress);
}

static const struct fb_source_ops watched_ops = { watched_catalog, watched_read, watched_close };

/* --- checks ----------------------------------------------------------------------------------- */

static int refuse_unwritable(const struct fb_format *format, struct fb_error *err)
{
    char names[512] = "";
    for (size_t i = 0; fb_formats[i]; i++) {
        size_t used = strlen(names);
        if (fb_format_can_create(fb_formats[i]))
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                     fb_formats[i]->name);
    }
    return fb_fail(err, FB_EUSAGE, "format %s cannot be written; take one of %s", format->name,
                   names);
}

int fb_target_parse(const char *spec, const char *path, struct fb_target *out, struct fb_error *err)
{
    struct stat st;
    int rc = fb_format_parse(spec, &out->format, &out->options, err);
    if (rc == 0 && !fb_format_can_create(out->format))
        rc = refuse_unwritable(out->format, err);
    if (rc == 0 && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        rc = fb_fail(err, FB_EIO, "cannot write %s: it is %s; give a file name", path,
                     S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    out->path = path;
    return rc;
}

/* Bytes of all arrays in the element types that the file will hold. */
static uint64_t stored_bytes(const struct fb_target *target, const struct fb_catalog *catalog)
{
    bool narrow = strcmp(fb_options_text(&target->options, "dtype"), "f32") == 0;
    uint64_t bytes = fb_catalog_bytes(catalog);
    for (size_t i = 0; narrow && i < catalog->array_count; i++)
        if (catalog->arrays[i].dtype.kind == FB_FLOAT && catalog->arrays[i].dtype.size == 8)
            bytes -= catalog->arrays[i].bytes / 2;
    return bytes;
}

/* No data worth keeping shrinks further; an array that was declared and never written would. */
#define COMPRESSION_MOST 10

static int check_space(const struct fb_target *target, uint64_t bytes, struct fb_error *err)
{
    char need[32], have[32];
    uint64_t space = fb_output_space(target->path);
    fb_format_bytes(bytes, need, sizeof need);
    fb_format_bytes(space, have, sizeof have);
    /* How far filters shrink the data nobody knows before: those may try, within reason. */
    bool filters = fb_options_has(&target->options, "level");
    if (bytes / (filters ? COMPRESSION_MOST : 1) > space)
        return fb_fail(err, FB_EIO, "cannot write %s: it needs %s and %s are free", target->path,
                       need, have);
    if (bytes > MUCH_BYTES || bytes > space)
        fprintf(stderr, "fmtbench: writing %s of array data to %s (%s free)\n", need, target->path,
                have);
    return 0;
}

static void warn_skipped(const struct fb_catalog *catalog)
{
    char text[1024];
    size_t used = (size_t)snprintf(text, sizeof text, "%zu %s not taken:", catalog->skipped_count,
                                   catalog->skipped_count == 1 ? "array is" : "arrays are");
    for (size_t i = 0; i < catalog->skipped_count && i < SKIPPED_SHOWN && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %.80s (%.120s)", i ? ";" : "",
                                 catalog->skipped[i].path, catalog->skipped[i].reason);
    if (catalog->skipped_count > SKIPPED_SHOWN && used < sizeof text)
        snprintf(text + used, sizeof text - used, "; 'fmtbench info' lists all");
    fb_warn(NULL, text);
}

int fb_target_write(const struct fb_target *target, struct fb_source *source, struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(source);
    uint64_t bytes = stored_bytes(target, catalog);
    if (catalog->skipped_count > 0)
        warn_skipped(catalog);
    if (catalog->array_count == 0)
        return fb_fail(err, FB_ENOTHING, "%s has no arrays that can be written", source->name);
    int rc = check_space(target, bytes, err);
    if (rc)
        return rc;
    struct fb_write_cost cost;
    struct watched_source watched = {
        { &watched_ops, source->name }, source, { 0 }, 0, fb_catalog_bytes(catalog)
    };
    fb_progress_start(&watched.progress);
    rc = target->format->adapter ? fb_adapter_write(target->format, &target->options, target->path,
                                                    &watched.base, &cost, err)
                                 : fb_file_write(target->format, &target->options, target->path,
                                                 &watched.base, &cost, err);
    fb_source_close(&watched.base);
    if (rc)
        return rc;
    char data[32], file[32], time[32], *manifest = fb_manifest_path(target->path);
    printf("wrote %s: %zu samples, %zu arrays, %s of array data in a file of %s (ratio %.2f), "
           "written in %s; %s has their hashes\n",
           target->path, catalog->sample_count, catalog->array_count,
           fb_format_bytes(bytes, data, sizeof data),
           fb_format_bytes(cost.file_bytes, file, sizeof file),
           (double)bytes / (double)cost.file_bytes, fb_format_ns(cost.wall_ns, time, sizeof time),
           manifest ? manifest : "its manifest");
    free(manifest);
    return 0;
}
