#include "formats/write.h"
#include "base/clock.h"
#include "base/output.h"
#include "datasets/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Both new files are made under temporary names, whole, before either takes its place. Then the old
 * manifest is set aside, the data file moves in, and its manifest last: at no moment, whatever
 * stops us, does a manifest stand beside a file that it does not describe. In between there is a
 * file without a manifest, which only means that nothing can be verified against it. */
static int put_in_place(struct fb_output *output, const char *temp_manifest, const char *aside,
                        struct fb_error *err)
{
    char *manifest = fb_manifest_path(output->path);
    if (!manifest)
        return fb_fail_memory(err, "a file name");
    int rc = 0;
    bool had_one = rename(manifest, aside) == 0;
    if (!had_one && errno != ENOENT)
        rc = fb_fail_errno(err, "cannot replace %s", manifest);
    if (rc == 0) {
        rc = fb_output_commit(output, err);
        if (rc && had_one)
            rename(aside, manifest);
        else if (rc == 0 && rename(temp_manifest, manifest) < 0)
            rc = fb_fail_errno(err, "cannot write %s", manifest);
    }
    unlink(aside);
    free(manifest);
    return rc;
}

/* By the format's own create: the context. */
static int create_here(const void *context, const struct fb_options *options, const char *path,
                       struct fb_source *observer, struct fb_write_cost *cost, struct fb_error *err)
{
    const struct fb_format *format = context;
    uint64_t wall = fb_clock_ns(), cpu = fb_clock_cpu_ns(), source_wall, source_cpu;
    int rc = format->create(path, observer, options, err);
    wall = fb_clock_ns() - wall;
    cpu = fb_clock_cpu_ns() - cpu;
    fb_source_observed_time(observer, &source_wall, &source_cpu);
    cost->wall_ns = wall - source_wall;
    cost->cpu_ns = cpu - source_cpu;
    return rc;
}

static int create_observed(const struct fb_creator *creator, const struct fb_options *options,
                           const char *temp, struct fb_source *source, struct fb_manifest *manifest,
                           struct fb_write_cost *cost, struct fb_error *err)
{
    struct fb_source *observer;
    struct stat st;
    int rc = fb_source_observe(source, &observer, err);
    if (rc)
        return rc;
    rc = creator->create(creator->context, options, temp, observer, cost, err);
    if (rc == 0)
        rc = fb_source_observed_hashes(observer, manifest->hashes, err);
    if (rc == 0 && stat(temp, &st) < 0)
        rc = fb_fail_errno(err, "cannot read %s", temp);
    if (rc == 0)
        cost->file_bytes = (uint64_t)st.st_size;
    fb_source_close(observer);
    return rc;
}

/* The file and its manifest under temporary names. */
static int write_both(const struct fb_format *format, const struct fb_creator *creator,
                      const struct fb_options *options, const char *temp, struct fb_source *source,
                      struct fb_write_cost *cost, struct fb_error *err)
{
    char canonical[FB_OPTIONS_MAX * (FB_OPTION_VALUE_MAX + 64)];
    struct fb_manifest manifest = {
        .source = source->name,
        .format = (char *)format->name,
        .options = fb_options_canonical(options, canonical, sizeof canonical),
        .catalog = *fb_source_catalog(source), /* borrowed, and so never freed here */
    };
    manifest.hashes = calloc(manifest.catalog.array_count + 1, sizeof *manifest.hashes);
    if (!manifest.hashes)
        return fb_fail_memory(err, "a manifest");
    int rc = create_observed(creator, options, temp, source, &manifest, cost, err);
    if (rc == 0)
        rc = fb_manifest_write(&manifest, temp, err);
    free(manifest.hashes);
    return rc;
}

/* Known before gigabytes are written; rename would move a folder aside without a word. */
static int check_manifest_place(const char *path, struct fb_error *err)
{
    struct stat st;
    char *manifest = fb_manifest_path(path);
    if (!manifest)
        return fb_fail_memory(err, "a file name");
    int rc = 0;
    if (stat(manifest, &st) == 0 && S_ISDIR(st.st_mode))
        rc = fb_fail(err, FB_EIO, "cannot write %s: it is a folder", manifest);
    free(manifest);
    return rc;
}

/* The backend was given the temporary name; a person knows only the final one. */
static void name_final_path(struct fb_error *err, const char *temp, const char *path)
{
    char *at = err ? strstr(err->message, temp) : NULL;
    if (!at)
        return;
    char *rest = strdup(at + strlen(temp));
    if (rest)
        snprintf(at, sizeof err->message - (size_t)(at - err->message), "%s%s", path, rest);
    free(rest);
}

static int write_narrowed(const struct fb_format *format, const struct fb_creator *creator,
                          const struct fb_options *options, const char *path,
                          struct fb_source *source, struct fb_write_cost *cost,
                          struct fb_error *err)
{
    struct fb_output output;
    int rc = check_manifest_place(path, err);
    if (rc == 0)
        rc = fb_output_begin(&output, path, err);
    if (rc)
        return rc;
    char *manifest = fb_manifest_path(output.temp), *aside = NULL;
    if (!manifest || asprintf(&aside, "%s.aside", output.temp) < 0)
        rc = fb_fail_memory(err, "a file name");
    if (rc == 0)
        rc = write_both(format, creator, options, output.temp, source, cost, err);
    if (rc)
        name_final_path(err, output.temp, path);
    else
        rc = put_in_place(&output, manifest, aside, err);
    if (rc && manifest)
        unlink(manifest);
    fb_output_abort(&output);
    free(manifest);
    free(aside);
    return rc;
}

int fb_file_write(const struct fb_format *format, const struct fb_options *options,
                  const char *path, struct fb_source *source, struct fb_write_cost *cost,
                  struct fb_error *err)
{
    const struct fb_creator here = { create_here, format };
    if (!format->create)
        return fb_fail(err, FB_EUSAGE, "format %s cannot be written", format->name);
    return fb_file_write_by(&here, format, options, path, source, cost, err);
}

int fb_file_write_by(const struct fb_creator *creator, const struct fb_format *format,
                     const struct fb_options *options, const char *path, struct fb_source *source,
                     struct fb_write_cost *cost, struct fb_error *err)
{
    struct fb_write_cost unwanted;
    struct fb_source *narrowed = NULL;
    /* Narrowing comes first: the hashes are of what the file will deliver. */
    if (strcmp(fb_options_text(options, "dtype"), "f32") == 0) {
        int rc = fb_source_narrow(source, &narrowed, err);
        if (rc)
            return rc;
    }
    int rc = write_narrowed(format, creator, options, path, narrowed ? narrowed : source,
                            cost ? cost : &unwanted, err);
    fb_source_close(narrowed);
    return rc;
}
