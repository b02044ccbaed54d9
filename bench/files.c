#include "bench/files.h"
#include "base/number.h"
#include "base/output.h"
#include "bench/cache.h"
#include "results/record.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* From here on a run says what it is about to write. */
#define MUCH (UINT64_C(1) << 30)

/* --- which files ------------------------------------------------------------------------------ */

static struct fb_file *new_file(struct fb_files *files, const struct fb_subject *subject)
{
    struct fb_file *file = &files->items[files->count++];
    *file = (struct fb_file){ .write_ns = FB_NA, .write_cpu_ns = FB_NA, .file_bytes = FB_NA };
    snprintf(file->writer, sizeof file->writer, "%s", subject->writer);
    snprintf(file->options, sizeof file->options, "%s", subject->written);
    return file;
}

/* The file that a subject shares with an earlier one, or a new one. */
static size_t file_for(struct fb_files *files, const struct fb_subject *subject)
{
    for (size_t i = 0; *subject->writer && i < files->count; i++)
        if (strcmp(files->items[i].writer, subject->writer) == 0 &&
            strcmp(files->items[i].options, subject->written) == 0)
            return i;
    new_file(files, subject);
    return files->count - 1;
}

/* --- finding ---------------------------------------------------------------------------------- */

static int find_file(const struct fb_run_config *config, const struct fb_dataset *dataset,
                     struct fb_file *file, struct fb_error *err)
{
    for (size_t m = 0; m < dataset->manifest_count; m++) {
        const struct fb_manifest *manifest = &dataset->manifests[m];
        if (strcmp(manifest->format, file->writer) != 0 ||
            strcmp(manifest->options, file->options) != 0)
            continue;
        file->path = strdup(dataset->manifest_files[m]);
        if (!file->path)
            return fb_fail_memory(err, "a file name");
        file->failed = fb_path_bytes(file->path, &file->file_bytes, err) != 0;
        if (file->failed)
            snprintf(file->reason, sizeof file->reason, "%.500s", err->message);
        return 0;
    }
    snprintf(file->reason, sizeof file->reason, "%s holds no file of %.60s:%.200s", config->files,
             file->writer, file->options);
    return 0;
}

/* --- making ----------------------------------------------------------------------------------- */

/* "04-hdf5-chunked.h5": its manifest tells the options. */
static char *new_path(const struct fb_subject *subject, const char *folder, size_t number)
{
    char *path;
    return asprintf(&path, "%s/%02zu-%s%s", folder, number, subject->writer, subject->suffix) < 0
               ? NULL
               : path;
}

static int write_manifest(const struct fb_dataset *dataset, const struct fb_file *file,
                          struct fb_source *observer, struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(observer);
    struct fb_manifest manifest = {
        .source = dataset->name,
        .format = (char *)file->writer,
        .options = (char *)file->options,
        .catalog = *catalog,
        .hashes = calloc(catalog->array_count + 1, sizeof(struct fb_hash)),
    };
    if (!manifest.hashes)
        return fb_fail_memory(err, "hashes");
    int rc = fb_source_observed_hashes(observer, manifest.hashes, err);
    if (rc == 0)
        rc = fb_manifest_write(&manifest, file->path, err);
    free(manifest.hashes);
    return rc;
}

static int create(const struct fb_run_config *config, const struct fb_dataset *dataset,
                  const struct fb_subject *subject, struct fb_file *file, const char *plan_path,
                  struct fb_error *err)
{
    struct fb_source *observer;
    struct fb_create_result cost;
    int rc = fb_source_observe(fb_dataset_source(dataset, subject->variant), &observer, err);
    if (rc)
        return rc;
    struct fb_job job = { .create = true,
                          .format = subject->writer,
                          .options = subject->written,
                          .file = file->path,
                          .plan = plan_path };
    struct fb_process_limits limits = config->limits;
    /* Writing is no block: it takes as long as the dataset is large. */
    limits.timeout_ns += fb_catalog_bytes(fb_source_catalog(observer)) * 1000;
    rc = fb_block_create_file(&subject->creator, &limits, &job, observer, &cost, err);
    if (rc == 0)
        rc = write_manifest(dataset, file, observer, err);
    if (rc == 0)
        rc = fb_path_bytes(file->path, &file->file_bytes, err);
    if (rc == 0) {
        file->write_ns = cost.ns;
        file->write_cpu_ns = cost.cpu_ns;
    }
    fb_source_close(observer);
    return rc;
}

static int make_file(const struct fb_run_config *config, const struct fb_dataset *dataset,
                     const struct fb_subject *subject, const char *folder, size_t number,
                     struct fb_file *file, struct fb_error *err)
{
    char *plan_path;
    if (!subject->can_create) {
        snprintf(file->reason, sizeof file->reason, "%s cannot write files; give them with --files",
                 subject->name);
        return 0;
    }
    file->path = new_path(subject, folder, number);
    if (!file->path || asprintf(&plan_path, "%s/create-plan.csv", folder) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = create(config, dataset, subject, file, plan_path, err);
    file->made = true;
    free(plan_path);
    if (rc)
        fb_output_remove_temporaries(file->path, 0); /* of a worker that was killed */
    if (rc == 0 || rc == FB_EINTERRUPTED || rc == FB_EUSAGE)
        return rc;
    snprintf(file->reason, sizeof file->reason, "its file could not be made: %.400s", err->message);
    file->failed = true;
    fb_config_say(config, "%s: %s", subject->name, file->reason);
    return 0;
}

/* Before anything is written: does it fit, and does the user know? */
static int announce(const struct fb_run_config *config, const struct fb_dataset *dataset,
                    const struct fb_files *files, const char *folder, struct fb_error *err)
{
    char need_text[32], free_text[32];
    uint64_t need = 0, one = fb_catalog_bytes(fb_source_catalog(dataset->source));
    for (size_t i = 0; i < files->count; i++)
        if (*files->items[i].writer && !fb_add_u64(need, one, &need))
            need = UINT64_MAX;
    char inside[PATH_MAX];
    snprintf(inside, sizeof inside, "%s/x", folder);
    uint64_t room = fb_output_space(inside);
    fb_format_bytes(need, need_text, sizeof need_text);
    fb_format_bytes(room, free_text, sizeof free_text);
    if (need >= MUCH)
        fb_config_say(config,
                      "about to write up to %s to %s, where %s are free; at 50 MB/s it takes %llu "
                      "minutes",
                      need_text, folder, free_text, (unsigned long long)(need / 50000000 / 60 + 1));
    if (need > room)
        return fb_fail(err, FB_EIO,
                       "%s may need %s, but only %s are free; choose another folder with -o, or "
                       "fewer formats",
                       folder, need_text, free_text);
    return 0;
}

static int own_file(const struct fb_dataset *dataset, struct fb_file *file, struct fb_error *err)
{
    if (!dataset->own_file) {
        snprintf(file->reason, sizeof file->reason, "SOURCE is no HDF5 file");
        return 0;
    }
    file->path = strdup(dataset->own_file);
    if (!file->path)
        return fb_fail_memory(err, "a file name");
    /* The size of a file of which a part was taken compares with nothing. */
    return dataset->partial ? 0 : fb_path_bytes(file->path, &file->file_bytes, err);
}

static int settle(const struct fb_run_config *config, const struct fb_dataset *dataset,
                  const struct fb_subject *subject, const char *folder, size_t number,
                  struct fb_file *file, struct fb_error *err)
{
    if (subject->flags & FB_NO_FILE) {
        file->path = strdup("");
        return file->path ? 0 : fb_fail_memory(err, "a file name");
    }
    if (subject->flags & FB_AS_IS)
        return own_file(dataset, file, err);
    if (config->files)
        return find_file(config, dataset, file, err);
    return make_file(config, dataset, subject, folder, number, file, err);
}

int fb_files_make(const struct fb_run_config *config, const struct fb_dataset *dataset,
                  const struct fb_subjects *subjects, const char *folder, struct fb_files *out,
                  struct fb_error *err)
{
    *out = (struct fb_files){ 0 };
    out->items = calloc(subjects->count + 1, sizeof *out->items);
    out->by_subject = calloc(subjects->count + 1, sizeof *out->by_subject);
    if (!out->items || !out->by_subject)
        return fb_fail_memory(err, "the files");
    for (size_t i = 0; i < subjects->count; i++)
        out->by_subject[i] = file_for(out, &subjects->items[i]);
    int rc = config->files ? 0 : announce(config, dataset, out, folder, err);
    size_t done = 0;
    for (size_t i = 0; rc == 0 && i < subjects->count; i++) {
        struct fb_file *file = &out->items[out->by_subject[i]];
        if (file->path || *file->reason)
            continue;
        config->progress(config->listener, done++, out->count, "writing files");
        rc = settle(config, dataset, &subjects->items[i], folder, done, file, err);
    }
    return rc;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

void fb_files_forget(const struct fb_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i].path && *files->items[i].path)
            fb_cache_forget(files->items[i].path);
}

void fb_files_free(struct fb_files *files, bool keep)
{
    for (size_t i = 0; i < files->count; i++) {
        struct fb_file *file = &files->items[i];
        if (file->made && (!keep || file->failed) && file->path) {
            char *manifest = fb_manifest_path(file->path);
            nftw(file->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
            if (manifest)
                unlink(manifest);
            free(manifest);
        }
        free(file->path);
    }
    free(files->items);
    free(files->by_subject);
    *files = (struct fb_files){ 0 };
}
