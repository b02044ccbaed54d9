#include "bench/tune/apply.h"
#include "base/interrupt.h"
#include "base/number.h"
#include "base/output.h"
#include "bench/tune/repack.h"
#include "bench/tune/tool.h"
#include "formats/format.h"
#include "formats/hdf5/rewrite.h"
#include "formats/hdf5/survey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A disk that has no more is taken to be full. */
#define LITTLE_ROOM (UINT64_C(16) << 20)

struct job {
    const char *file, *out;
    const struct fb_format *format;
    const struct fb_process_limits *limits;
    struct fb_portions portions;
    struct fb_repack repack;
    struct stat before; /* of the file */
    struct fb_error *err;
};

/* --- beforehand ------------------------------------------------------------------------------- */

int fb_apply_check(const char *file, const char *out, struct fb_error *err)
{
    struct stat from, to;
    if (stat(file, &from) < 0)
        return fb_fail_errno(err, "cannot read %s", file);
    if (stat(out, &to) == 0 && to.st_dev == from.st_dev && to.st_ino == from.st_ino)
        return fb_fail(err, FB_EUSAGE,
                       "%s is the file that is to be read; give the new file another name", out);
    return 0;
}

static int check_names(struct job *job)
{
    int rc = fb_apply_check(job->file, job->out, job->err);
    return rc == 0 && stat(job->file, &job->before) < 0
               ? fb_fail_errno(job->err, "cannot read %s", job->file)
               : rc;
}

/* True unless both names surely lie in one folder. */
static bool lies_elsewhere(const struct job *job)
{
    struct stat folder[2];
    const char *names[2] = { job->file, job->out };
    for (int i = 0; i < 2; i++) {
        char *copy = strdup(names[i]);
        char *slash = copy ? strrchr(copy, '/') : NULL;
        if (slash)
            slash[1] = '\0';
        bool found = copy && stat(slash ? copy : ".", &folder[i]) == 0;
        free(copy);
        if (!found)
            return true;
    }
    return folder[0].st_dev != folder[1].st_dev || folder[0].st_ino != folder[1].st_ino;
}

/* One line that names as many objects as it has room for. */
static int refuse(struct job *job, const struct fb_catalog *lost)
{
    char list[640] = "";
    size_t used = 0, i;
    for (i = 0; i < lost->skipped_count; i++) {
        size_t room = sizeof list - used;
        int length = snprintf(list + used, room, "%s%s (%s)", i ? "; " : "", lost->skipped[i].path,
                              lost->skipped[i].reason);
        if (length < 0 || (size_t)length >= room) {
            list[i ? used : room - 1] = '\0';
            break;
        }
        used += (size_t)length;
    }
    i += i == 0;
    if (i < lost->skipped_count)
        return fb_fail(job->err, FB_EUNSUPPORTED,
                       "%s: h5repack would not keep %s; and %zu more: nothing was written",
                       job->file, list, lost->skipped_count - i);
    return fb_fail(job->err, FB_EUNSUPPORTED, "%s: h5repack would not keep %s: nothing was written",
                   job->file, list);
}

static int check_contents(struct job *job)
{
    struct fb_catalog lost = { 0 };
    int rc = fb_hdf5_survey(job->file, lies_elsewhere(job), &lost, job->err);
    if (rc == 0 && lost.skipped_count > 0)
        rc = refuse(job, &lost);
    fb_catalog_free(&lost);
    return rc;
}

static int check_settings(struct job *job)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < job->portions.count; i++) {
        const struct fb_portion *portion = &job->portions.items[i];
        struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
        unsigned filter_count = fb_portion_filters(portion, steps);
        if (portion->rank == 0)
            rc = fb_hdf5_check_fixed(job->file, portion->paths, portion->count, job->err);
        for (unsigned k = 0; rc == 0 && k < filter_count; k++)
            if (!fb_hdf5_can_encode(steps[k].id))
                rc = fb_fail(job->err, FB_EUNSUPPORTED,
                             "the HDF5 filter %s (id %u) is not installed; its plugin belongs into "
                             "the folder that HDF5_PLUGIN_PATH names",
                             steps[k].name, steps[k].id);
    }
    return rc;
}

/* Calls visit for each array of the portions, open. */
static int each_array(struct job *job, const char *path,
                      int (*visit)(struct job *job, const struct fb_portion *portion,
                                   const char *array_path, const struct fb_storage *storage,
                                   void *context),
                      void *context)
{
    const struct fb_format *format = job->format;
    struct fb_reader *reader;
    int rc = format->open(path, NULL, &reader, job->err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < job->portions.count; i++) {
        const struct fb_portion *portion = &job->portions.items[i];
        for (size_t k = 0; rc == 0 && k < portion->count; k++) {
            struct fb_array *array;
            struct fb_storage storage;
            rc = format->array_open(reader, portion->paths[k], &array, job->err);
            if (rc)
                break;
            rc = format->storage(array, &storage, job->err);
            if (rc == 0)
                rc = visit(job, portion, portion->paths[k], &storage, context);
            format->array_close(array);
        }
    }
    format->close(reader);
    return rc;
}

/* Compressed arrays are taken to stay as large as they are. */
static int add_growth(struct job *job, const struct fb_portion *portion, const char *path,
                      const struct fb_storage *storage, void *context)
{
    uint64_t *bytes = context;
    const struct fb_array_info *info = fb_catalog_find(&job->portions.catalog, path);
    struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
    unsigned count = fb_portion_filters(portion, steps);
    bool plain = count == 0 || steps[count - 1].id == FB_HDF5_SHUFFLE;
    if (plain && info->bytes > storage->stored_bytes)
        *bytes += info->bytes - storage->stored_bytes;
    return 0;
}

static int check_space(struct job *job)
{
    uint64_t need = (uint64_t)job->before.st_size, free_bytes = fb_output_space(job->out);
    char a[32], b[32];
    int rc = each_array(job, job->file, add_growth, &need);
    if (rc == 0 && need > free_bytes)
        rc = fb_fail(
            job->err, FB_EIO,
            "cannot write %s: it needs about %s, and %s are free there; make room, or give "
            "a name on another disk",
            job->out, fb_format_bytes(need, a, sizeof a), fb_format_bytes(free_bytes, b, sizeof b));
    return rc;
}

/* A full disk makes h5repack crash as often as it is told. */
static int tell_where(struct job *job)
{
    char room[32];
    uint64_t free_bytes = fb_output_space(job->out);
    if (job->err->code == FB_EINTERRUPTED || job->err->code == FB_EUNSUPPORTED)
        return job->err->code;
    if (free_bytes < LITTLE_ROOM)
        return fb_fail_in(job->err, "cannot write %s, where no more than %s are free", job->out,
                          fb_format_bytes(free_bytes, room, sizeof room));
    return fb_fail_in(job->err, "cannot write %s", job->out);
}

/* --- copying ---------------------------------------------------------------------------------- */

static int print_options(void *context, FILE *stream, struct fb_error *err)
{
    (void)err;
    fb_repack_print_options(stream, context);
    return 0;
}

static int run_repack(struct job *job, const char *temp)
{
    char *options_file = NULL;
    char **words = NULL;
    int rc = 0;
    if (asprintf(&options_file, "%s.options", temp) < 0)
        return fb_fail_memory(job->err, "a file name");
    if (fb_repack_needs_file(&job->repack))
        rc = fb_output_write(options_file, print_options, &job->repack, job->err);
    if (rc == 0 && !(words = fb_repack_words(&job->repack, options_file, job->file, temp)))
        rc = fb_fail_memory(job->err, "a command");
    if (rc == 0)
        rc = fb_tool_run((const char *const *)words, job->limits, NULL, NULL, job->err);
    if (rc)
        rc = tell_where(job);
    if (fb_repack_needs_file(&job->repack))
        remove(options_file);
    fb_repack_free_words(words);
    free(options_file);
    return rc;
}

/* --- checking --------------------------------------------------------------------------------- */

/* "shuffle+gzip(4)" against the filters asked for. What stands in brackets is part of it for gzip
 * alone: filters fill in parameters of their own. */
static bool filters_are(const char *has, const struct fb_hdf5_step *steps, unsigned count)
{
    char wanted[48];
    for (unsigned i = 0; i < count; i++) {
        size_t length = strcspn(has, "+");
        if (steps[i].id == FB_HDF5_GZIP)
            snprintf(wanted, sizeof wanted, "gzip(%u)", steps[i].values[0]);
        else
            snprintf(wanted, sizeof wanted, "%s", steps[i].name);
        size_t compared = steps[i].id == FB_HDF5_GZIP ? length : strcspn(has, "+(");
        if (compared != strlen(wanted) || strncmp(has, wanted, compared) != 0)
            return false;
        has += length + (has[length] == '+');
    }
    return !*has;
}

static int check_stored(struct job *job, const struct fb_portion *portion, const char *path,
                        const struct fb_storage *storage, void *context)
{
    (void)context;
    char has[256], shape[FB_MAX_RANK * 21];
    struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
    unsigned count = fb_portion_filters(portion, steps);
    bool fine =
        strcmp(storage->layout, portion->rank ? "chunked" : "contiguous") == 0 &&
        storage->chunk_rank == portion->rank &&
        memcmp(storage->chunk, portion->chunk, portion->rank * sizeof *portion->chunk) == 0 &&
        filters_are(storage->filters, steps, count);
    if (fine)
        return 0;
    snprintf(has, sizeof has, "%s%s%s%s%s", storage->layout, storage->chunk_rank ? " " : "",
             storage->chunk_rank
                 ? fb_shape_text(storage->chunk_rank, storage->chunk, shape, sizeof shape)
                 : "",
             *storage->filters ? ", " : "", storage->filters);
    return fb_fail(job->err, FB_EUNSUPPORTED,
                   "%s: h5repack did not store array %s as it was told to (it is %s): nothing was "
                   "kept; an array with several names goes by one of them only",
                   job->file, path, has);
}

/* What h5repack leaves out is no difference to h5diff in all of its versions. */
static int check_catalog(struct job *job, const char *temp)
{
    const struct fb_catalog *old = &job->portions.catalog;
    struct fb_catalog new = { 0 };
    struct fb_reader *reader;
    int rc = job->format->open(temp, NULL, &reader, job->err);
    if (rc)
        return rc;
    rc = job->format->catalog(reader, &new, job->err);
    job->format->close(reader);
    for (size_t i = 0; rc == 0 && i < old->array_count; i++) {
        const struct fb_array_info *a = &old->arrays[i], *b = fb_catalog_find(&new, a->path);
        if (!b || !fb_dtype_equal(a->dtype, b->dtype) || a->rank != b->rank ||
            memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) != 0)
            rc = fb_fail(job->err, FB_EFORMAT,
                         "%s: array %s is not the same in what h5repack wrote: nothing was kept",
                         job->file, a->path);
    }
    bool same = new.array_count == old->array_count &&new.skipped_count == old->skipped_count;
    for (size_t i = 0; rc == 0 && same && i < old->skipped_count; i++)
        same = strcmp(new.skipped[i].path, old->skipped[i].path) == 0 &&
               strcmp(new.skipped[i].reason, old->skipped[i].reason) == 0;
    if (rc == 0 && !same)
        rc = fb_fail(job->err, FB_EFORMAT,
                     "%s: what h5repack wrote holds other objects: nothing was kept", job->file);
    fb_catalog_free(&new);
    return rc;
}

static int check_copy(struct job *job, const char *temp)
{
    struct stat now;
    int rc = fb_tool_compare(job->file, temp, job->limits, job->err);
    if (rc == 0)
        rc = check_catalog(job, temp);
    if (rc == 0)
        rc = each_array(job, temp, check_stored, NULL);
    if (rc == 0 && (stat(job->file, &now) < 0 || now.st_size != job->before.st_size ||
                    now.st_mtim.tv_sec != job->before.st_mtim.tv_sec ||
                    now.st_mtim.tv_nsec != job->before.st_mtim.tv_nsec))
        rc = fb_fail(job->err, FB_EIO,
                     "%s was changed by another program while it was copied: nothing was kept",
                     job->file);
    return rc;
}

static int copy(struct job *job)
{
    struct fb_output output;
    int rc = fb_output_begin(&output, job->out, job->err);
    if (rc)
        return rc;
    rc = run_repack(job, output.temp);
    if (rc == 0)
        rc = check_copy(job, output.temp);
    if (rc == 0 && fb_interrupted())
        rc = fb_fail(job->err, FB_EINTERRUPTED, "interrupted");
    if (rc == 0)
        return fb_output_commit(&output, job->err);
    fb_output_abort(&output);
    return rc;
}

int fb_apply(const char *file, const char *out, const struct fb_change *changes, size_t count,
             const struct fb_process_limits *limits, struct fb_error *err)
{
    struct fb_error own;
    struct job job = { .file = file,
                       .out = out,
                       .format = fb_format_find("as-is"),
                       .limits = limits,
                       .err = err ? err : &own };
    int rc = check_names(&job);
    if (rc == 0)
        rc = fb_portions_make(file, changes, count, &job.portions, job.err);
    if (rc)
        return rc;
    /* The survey comes first: it finds files that are not to be walked recursively. */
    rc = check_contents(&job);
    if (rc == 0)
        rc = fb_repack_make(file, &job.portions, &job.repack, job.err);
    if (rc == 0)
        rc = check_settings(&job);
    if (rc == 0)
        rc = check_space(&job);
    if (rc == 0)
        rc = copy(&job);
    fb_repack_free(&job.repack);
    fb_portions_free(&job.portions);
    return rc;
}
