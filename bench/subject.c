#include "bench/subject.h"
#include "bench/adapter.h"
#include "datasets/importers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By its path rather than as /proc/self/exe, which under an emulator names the emulator. */
struct fb_worker fb_own_worker(void)
{
    struct fb_worker worker = { .own = true };
    if (readlink("/proc/self/exe", worker.command, sizeof worker.command - 1) < 0)
        strcpy(worker.command, "fmtbench");
    return worker;
}

static struct fb_worker external_worker(const struct fb_run_config *config)
{
    struct fb_worker worker = { .own = false };
    snprintf(worker.command, sizeof worker.command, "%s", config->worker);
    return worker;
}

void fb_subjects_free(struct fb_subjects *subjects)
{
    free(subjects->items);
    json_decref(subjects->libraries);
    *subjects = (struct fb_subjects){ 0 };
}

static int add(struct fb_subjects *subjects, const struct fb_subject *subject, struct fb_error *err)
{
    for (size_t i = 0; i < subjects->count; i++)
        if (strcmp(subjects->items[i].name, subject->name) == 0 &&
            strcmp(subjects->items[i].options, subject->options) == 0)
            return 0;
    struct fb_subject *items =
        reallocarray(subjects->items, subjects->count + 1, sizeof *subjects->items);
    if (!items)
        return fb_fail_memory(err, "the formats");
    subjects->items = items;
    subjects->items[subjects->count++] = *subject;
    return 0;
}

static int add_libraries(struct fb_subjects *subjects, const json_t *hello, struct fb_error *err)
{
    json_t *libraries = json_object_get(hello, "libraries");
    if (!subjects->libraries)
        subjects->libraries = json_object();
    return json_is_object(libraries) && json_object_update(subjects->libraries, libraries)
               ? fb_fail_memory(err, "the libraries' versions")
               : 0;
}

/* Starting a Python takes its time: once for all formats of the same adapter. */
static int adapter_worker(struct fb_subjects *subjects, const struct fb_run_config *config,
                          const struct fb_format *format, struct fb_worker *out,
                          struct fb_error *err)
{
    json_t *hello;
    for (size_t i = 0; i < subjects->count; i++) {
        const struct fb_format *other = fb_format_find(subjects->items[i].name);
        if (other && other->adapter == format->adapter) {
            *out = subjects->items[i].worker;
            return 0;
        }
    }
    int rc = fb_adapter_worker(format, out, err);
    if (rc == 0)
        rc = fb_block_hello(out, &config->limits, &hello, err);
    if (rc)
        return rc;
    rc = add_libraries(subjects, hello, err);
    json_decref(hello);
    return rc;
}

static enum fb_variant variant_of(const struct fb_format *format, const struct fb_options *values)
{
    bool narrowed =
        fb_options_has(values, "dtype") && strcmp(fb_options_text(values, "dtype"), "f32") == 0;
    if (format->flags & FB_AS_IS)
        return FB_VARIANT_AS_IS;
    if (format->flags & FB_NO_NAMES)
        return narrowed ? FB_VARIANT_UNNAMED_NARROWED : FB_VARIANT_UNNAMED;
    return narrowed ? FB_VARIANT_NARROWED : FB_VARIANT_NATIVE;
}

static int add_ours(struct fb_subjects *subjects, const struct fb_run_config *config,
                    const char *spec, struct fb_error *err)
{
    const struct fb_format *format;
    struct fb_options values, values_written;
    int rc = fb_format_parse(spec, &format, &values, err);
    if (rc)
        return rc;
    const struct fb_format *writer = fb_format_writer(format);
    struct fb_subject subject = {
        .flags = format->flags,
        .can_create = writer && fb_format_can_create(writer),
        .epoch = !format->adapter,
        .worker = fb_own_worker(),
        .creator = fb_own_worker(),
        .variant = variant_of(format, &values),
    };
    if (format->adapter)
        rc = adapter_worker(subjects, config, format, &subject.worker, err);
    if (rc)
        return rc;
    if (writer && writer->adapter)
        subject.creator = subject.worker;
    snprintf(subject.name, sizeof subject.name, "%s", format->name);
    snprintf(subject.writer, sizeof subject.writer, "%s", writer ? writer->name : "");
    snprintf(subject.suffix, sizeof subject.suffix, "%s", format->suffix ? format->suffix : "");
    fb_options_canonical(&values, subject.options, sizeof subject.options);
    /* How a file is read is nothing to who writes it. */
    if (writer)
        fb_options_restrict(&values, writer->options, &values_written);
    fb_options_canonical(writer ? &values_written : &values, subject.written,
                         sizeof subject.written);
    return add(subjects, &subject, err);
}

/* --- external workers ------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static unsigned flags_of(const json_t *format)
{
    unsigned flags = 0;
    size_t i;
    json_t *flag;
    json_array_foreach(json_object_get(format, "flags"), i, flag)
    {
        const char *name = json_string_value(flag);
        if (name && strcmp(name, "loads_whole") == 0)
            flags |= FB_LOADS_WHOLE;
        if (name && strcmp(name, "no_file") == 0)
            flags |= FB_NO_FILE;
    }
    return flags;
}

/* A suffix becomes part of a file name. */
static bool plain_suffix(const char *suffix)
{
    return strlen(suffix) < 16 &&
           strspn(suffix, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(suffix);
}

static int add_external(struct fb_subjects *subjects, const struct fb_run_config *config,
                        const json_t *hello, const char *name, const char *options,
                        struct fb_error *err)
{
    size_t i;
    json_t *format;
    json_array_foreach(json_object_get(hello, "formats"), i, format)
    {
        struct fb_subject subject = {
            .flags = flags_of(format),
            .can_create = json_is_true(json_object_get(format, "create")),
            .epoch = json_is_true(json_object_get(hello, "epoch")),
            .worker = external_worker(config),
            .creator = external_worker(config),
        };
        const char *suffix = text_of(format, "suffix");
        if (strcmp(text_of(format, "name"), name) != 0)
            continue;
        if (!plain_suffix(suffix) || strlen(options) >= sizeof subject.options)
            return fb_fail(err, FB_EFORMAT,
                           "worker %s: format %s has an unusable suffix or options", config->worker,
                           name);
        snprintf(subject.name, sizeof subject.name, "%s", name);
        snprintf(subject.writer, sizeof subject.writer, "%s", name);
        snprintf(subject.options, sizeof subject.options, "%s", options);
        snprintf(subject.written, sizeof subject.written, "%s", options);
        snprintf(subject.suffix, sizeof subject.suffix, "%s", suffix);
        return add(subjects, &subject, err);
    }
    return FB_ENOTHING;
}

/* A name that is no format of ours may be the external worker's. */
static int add_spec(struct fb_subjects *subjects, const struct fb_run_config *config,
                    const json_t *hello, const char *spec, struct fb_error *err)
{
    char name[64];
    const char *options;
    int rc = fb_spec_split(spec, name, sizeof name, &options, err);
    if (rc)
        return rc;
    if (hello && !fb_format_find(name)) {
        rc = add_external(subjects, config, hello, name, options, err);
        if (rc != FB_ENOTHING)
            return rc;
    }
    return add_ours(subjects, config, spec, err);
}

/* All formats of an external worker whose names are not ours. */
static int add_all_external(struct fb_subjects *subjects, const struct fb_run_config *config,
                            const json_t *hello, struct fb_error *err)
{
    size_t i;
    json_t *format;
    int rc = 0;
    json_array_foreach(json_object_get(hello, "formats"), i, format)
    {
        const char *name = text_of(format, "name");
        if (rc == 0 && *name && strlen(name) < 64 && !fb_format_find(name))
            rc = add_external(subjects, config, hello, name, "", err);
    }
    return rc;
}

/* --- --files DIR ------------------------------------------------------------------------------ */

/* The formats of the files there, and every other format of this binary that reads the same files
 * and need not be asked for by name. */
static int add_from_files(struct fb_subjects *subjects, const struct fb_run_config *config,
                          const json_t *hello, const struct fb_dataset *dataset,
                          struct fb_error *err)
{
    int rc = 0;
    for (size_t m = 0; rc == 0 && m < dataset->manifest_count; m++) {
        const struct fb_manifest *manifest = &dataset->manifests[m];
        char spec[1200];
        snprintf(spec, sizeof spec, "%s%s%s", manifest->format, *manifest->options ? ":" : "",
                 manifest->options);
        if (!fb_format_find(manifest->format) && !hello) {
            fb_config_say(config, "leaving out %s: its format %s needs --worker",
                          dataset->manifest_files[m], manifest->format);
            continue;
        }
        rc = add_spec(subjects, config, hello, spec, err);
        if (rc == FB_EUNSUPPORTED) {
            fb_config_say(config, "leaving out %s: %s", dataset->manifest_files[m], err->message);
            rc = 0;
        }
        for (size_t i = 0; rc == 0 && fb_formats[i]; i++) {
            if (fb_formats[i]->create || fb_formats[i]->adapter || !fb_formats[i]->writer ||
                (fb_formats[i]->flags & FB_BY_NAME) ||
                strcmp(fb_formats[i]->writer, manifest->format) != 0)
                continue;
            snprintf(spec, sizeof spec, "%s%s%s", fb_formats[i]->name,
                     *manifest->options ? ":" : "", manifest->options);
            rc = add_ours(subjects, config, spec, err);
        }
    }
    if (rc == 0 && dataset->own_file)
        rc = add_ours(subjects, config, "as-is", err);
    return rc;
}

/* Without -f: every format of this binary with its presets, unless it is for who asks; those that
 * read the user's own file where there is one; for a quick look only some; and the format that
 * SOURCE itself has. */
static int add_presets(struct fb_subjects *subjects, const struct fb_run_config *config,
                       const struct fb_dataset *dataset, struct fb_error *err)
{
    static const char *const defaults[] = { "", NULL };
    int rc = 0;
    for (size_t i = 0; rc == 0 && fb_formats[i]; i++) {
        const struct fb_format *format = fb_formats[i];
        if (format->adapter || (format->flags & FB_BY_NAME) ||
            ((format->flags & FB_AS_IS) && !dataset->own_file) ||
            (config->quick && !(format->flags & FB_QUICK)))
            continue;
        const char *const *presets = format->presets && !config->quick ? format->presets : defaults;
        for (; rc == 0 && *presets; presets++) {
            char spec[256];
            snprintf(spec, sizeof spec, "%s%s%s", format->name, **presets ? ":" : "", *presets);
            rc = add_ours(subjects, config, spec, err);
        }
    }
    const struct fb_importer *importer = config->source ? fb_importer_of(config->source) : NULL;
    return rc == 0 && importer && importer->format
               ? add_ours(subjects, config, importer->format, err)
               : rc;
}

int fb_subjects_make(const struct fb_run_config *config, const struct fb_dataset *dataset,
                     struct fb_subjects *out, struct fb_error *err)
{
    json_t *hello = NULL;
    int rc = 0;
    *out = (struct fb_subjects){ 0 };
    if (config->worker) {
        struct fb_worker worker = external_worker(config);
        rc = fb_block_hello(&worker, &config->limits, &hello, err);
        if (rc)
            return rc;
        rc = add_libraries(out, hello, err);
    }
    for (size_t i = 0; rc == 0 && i < config->format_count; i++)
        rc = add_spec(out, config, hello, config->formats[i], err);
    if (rc == 0 && config->format_count == 0 && config->files) {
        rc = add_from_files(out, config, hello, dataset, err);
    } else if (rc == 0 && config->format_count == 0) {
        rc = add_presets(out, config, dataset, err);
        if (rc == 0 && hello)
            rc = add_all_external(out, config, hello, err);
    }
    json_decref(hello);
    if (rc)
        fb_subjects_free(out);
    return rc;
}
