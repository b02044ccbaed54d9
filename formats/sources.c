/* From a SOURCE as typed to something that delivers slabs: importers, generators, and any file of a
 * registered format. */
#include "datasets/importers.h"
#include "formats/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct file_source {
    struct fb_source base;
    const struct fb_format *format;
    struct fb_reader *reader;
    struct fb_catalog catalog;
    struct fb_array *array; /* the one that was read last stays open: reads come array by array */
    size_t array_index;
};

static const struct fb_catalog *file_catalog(const struct fb_source *source)
{
    return &((const struct file_source *)source)->catalog;
}

static int file_read(struct fb_source *source, size_t index, const uint64_t *start,
                     const uint64_t *count, void *dst, struct fb_error *err)
{
    struct file_source *self = (struct file_source *)source;
    const struct fb_array_info *info = &self->catalog.arrays[index];
    if (!self->array || self->array_index != index) {
        self->format->array_close(self->array);
        self->array = NULL;
        int rc = self->format->array_open(self->reader, info->path, &self->array, err);
        if (rc)
            return rc;
        self->array_index = index;
    }
    size_t delivered;
    return self->format->array_read(self->array, start, count, dst,
                                    (size_t)fb_slab_bytes(info, count), &delivered, err);
}

static void file_close(struct fb_source *source)
{
    struct file_source *self = (struct file_source *)source;
    if (self->reader) {
        self->format->array_close(self->array);
        self->format->close(self->reader);
    }
    fb_catalog_free(&self->catalog);
    free(self->base.name);
    free(self);
}

static const struct fb_source_ops file_ops = { file_catalog, file_read, file_close };

int fb_source_from_file(const struct fb_format *format, const char *path, struct fb_source **out,
                        struct fb_error *err)
{
    struct fb_options defaults;
    if (!format->open)
        return fb_fail(err, FB_EUNSUPPORTED,
                       "%s: files of format %s are read by a program of its own", path,
                       format->name);
    int rc = fb_options_parse(format->options, format->name, NULL, &defaults, err);
    if (rc)
        return rc;
    struct file_source *self = calloc(1, sizeof *self);
    if (!self)
        return fb_fail_memory(err, "a source");
    self->base.ops = &file_ops;
    self->format = format;
    self->base.name = strdup(path);
    if (!self->base.name)
        rc = fb_fail_memory(err, "a source");
    else if (format->open_streaming)
        rc = format->open_streaming(path, &self->reader, err);
    else
        rc = format->open(path, &defaults, &self->reader, err);
    if (rc == 0)
        rc = format->catalog(self->reader, &self->catalog, err);
    if (rc) {
        file_close(&self->base);
        return rc;
    }
    *out = &self->base;
    return 0;
}

static int open_importer(const struct fb_importer *importer, const char *path, const char *options,
                         void (*warn)(void *, const char *), void *warn_context,
                         struct fb_source **out, struct fb_error *err)
{
    char owner[64];
    struct fb_options parsed;
    snprintf(owner, sizeof owner, "source %s", importer->name);
    int rc = fb_options_parse(importer->options, owner, options, &parsed, err);
    return rc ? rc : importer->open(path, &parsed, warn, warn_context, out, err);
}

/* "name" or "name:rest" of an importer: rest holds a path where it reads one, then options. */
static int open_by_name(const struct fb_importer *importer, const char *rest,
                        void (*warn)(void *, const char *), void *warn_context,
                        struct fb_source **out, struct fb_error *err)
{
    if (!importer->recognises)
        return open_importer(importer, NULL, rest, warn, warn_context, out, err);
    char *path = strdup(rest);
    if (!path)
        return fb_fail_memory(err, "a source");
    char *comma = strchr(path, ',');
    if (comma)
        *comma = '\0';
    int rc = *path ? open_importer(importer, path, comma ? comma + 1 : NULL, warn, warn_context,
                                   out, err)
                   : fb_fail(err, FB_EUSAGE, "%s: needs a path, as in %s:PATH", importer->name,
                             importer->name);
    free(path);
    return rc;
}

int fb_source_open(const char *spec, void (*warn)(void *context, const char *message),
                   void *warn_context, struct fb_source **out, struct fb_error *err)
{
    struct stat st;
    bool exists = stat(spec, &st) == 0;
    for (size_t i = 0; !exists && fb_importers[i]; i++) {
        size_t length = strlen(fb_importers[i]->name);
        if (strncmp(spec, fb_importers[i]->name, length) == 0 &&
            (spec[length] == ':' || !spec[length]))
            return open_by_name(fb_importers[i], spec[length] ? spec + length + 1 : "", warn,
                                warn_context, out, err);
    }
    for (size_t i = 0; exists && fb_importers[i]; i++)
        if (fb_importers[i]->recognises && fb_importers[i]->recognises(spec))
            return open_importer(fb_importers[i], spec, NULL, warn, warn_context, out, err);
    if (exists && S_ISDIR(st.st_mode))
        return fb_fail(err, FB_EFORMAT,
                       "%s is a folder without OpenFace files (<session>_expert.csv and "
                       "<session>_novice.csv)",
                       spec);
    const struct fb_format *format;
    int rc = fb_format_of_file(spec, &format, err);
    return rc ? rc : fb_source_from_file(format, spec, out, err);
}
