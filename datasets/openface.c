/* A folder of OpenFace CSV files, paired by session: <session>_expert.csv, <session>_novice.csv.
 *
 * Opening parses every file once, for its frame count and to find all that is wrong before anything
 * is written; reading parses the one file again whose person is asked for. */
#include "datasets/features.h"
#include "datasets/importers.h"
#include "datasets/openface_csv.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    char *name;
    bool has[FB_PERSONS];
};

struct openface_source {
    struct fb_persons persons;
    char *folder;
    struct session *sessions; /* in natural order */
    size_t count;
    bool skip_bad;
};

/* The person that a file name tells, and the length of the session's name before it; false for any
 * other file. Names with a dot first are not data: macOS leaves "._NAME" beside every NAME. */
static bool split_name(const char *file, unsigned *person, size_t *length)
{
    static const char *const suffix[FB_PERSONS] = { "_expert.csv", "_novice.csv" };
    size_t n = strlen(file);
    for (unsigned i = 0; i < FB_PERSONS; i++) {
        size_t m = strlen(suffix[i]);
        if (n > m && file[0] != '.' && strcmp(file + n - m, suffix[i]) == 0) {
            *person = i;
            *length = n - m;
            return true;
        }
    }
    return false;
}

static bool openface_recognises(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    unsigned person;
    size_t length;
    bool found = false;
    if (!folder)
        return errno == EACCES; /* only open() can say that the folder is not readable */
    while (!found && (entry = readdir(folder)))
        found = split_name(entry->d_name, &person, &length);
    closedir(folder);
    return found;
}

/* --- which sessions there are ----------------------------------------------------------------- */

static int add_file(struct openface_source *self, const char *file, size_t length, unsigned person,
                    struct fb_error *err)
{
    for (size_t i = 0; i < self->count; i++) {
        if (strlen(self->sessions[i].name) == length &&
            memcmp(self->sessions[i].name, file, length) == 0) {
            self->sessions[i].has[person] = true;
            return 0;
        }
    }
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)file[i] < ' ')
            return fb_fail(err, FB_EFORMAT,
                           "%s: a file's name holds a control character: rename it", self->folder);
    struct session *grown = reallocarray(self->sessions, self->count + 1, sizeof *grown);
    if (!grown)
        return fb_fail_memory(err, self->folder);
    self->sessions = grown;
    grown[self->count] = (struct session){ .name = strndup(file, length) };
    if (!grown[self->count].name)
        return fb_fail_memory(err, self->folder);
    grown[self->count++].has[person] = true;
    return 0;
}

static int compare_sessions(const void *a, const void *b)
{
    return fb_natural_compare(((const struct session *)a)->name, ((const struct session *)b)->name);
}

static int list_sessions(struct openface_source *self, struct fb_error *err)
{
    DIR *folder = opendir(self->folder);
    struct dirent *entry;
    unsigned person;
    size_t length;
    int rc = 0;
    if (!folder)
        return fb_fail_errno(err, "%s", self->folder);
    while (rc == 0 && (entry = readdir(folder)))
        if (split_name(entry->d_name, &person, &length))
            rc = add_file(self, entry->d_name, length, person, err);
    closedir(folder);
    if (rc)
        return rc;
    if (self->count == 0)
        return fb_fail(err, FB_EFORMAT,
                       "%s: holds no OpenFace files (<session>_expert.csv and "
                       "<session>_novice.csv)",
                       self->folder);
    qsort(self->sessions, self->count, sizeof *self->sessions, compare_sessions);
    for (size_t i = 0; i < self->count; i++)
        for (unsigned j = 0; j < FB_PERSONS; j++)
            if (!self->sessions[i].has[j])
                return fb_fail(err, FB_EFORMAT,
                               "%s/%s_%s.csv: is missing, %s_%s.csv is there: add the one, or take "
                               "the other out of the folder",
                               self->folder, self->sessions[i].name, fb_person_name[j],
                               self->sessions[i].name, fb_person_name[1 - j]);
    return 0;
}

/* --- what they hold --------------------------------------------------------------------------- */

/* In fresh memory, or NULL. */
static char *file_path(const struct openface_source *self, size_t sample, unsigned person)
{
    char *path;
    if (asprintf(&path, "%s/%s_%s.csv", self->folder, self->sessions[sample].name,
                 fb_person_name[person]) < 0)
        return NULL;
    return path;
}

static int count_frames(struct openface_source *self, size_t sample, unsigned person,
                        void (*warn)(void *context, const char *message), void *warn_context,
                        uint64_t *frames, struct fb_error *err)
{
    struct fb_openface_rows rows;
    char message[sizeof err->message];
    char *path = file_path(self, sample, person);
    if (!path)
        return fb_fail_memory(err, self->folder);
    int rc = fb_openface_parse(path, self->skip_bad, NULL, NULL, &rows, err);
    *frames = rows.frames;
    if (rc == 0 && rows.frames > FB_FRAMES_MAX)
        rc = fb_fail(err, FB_EUNSUPPORTED,
                     "%s: has %" PRIu64 " frames; at most %" PRIu64 " are possible: split the file",
                     path, rows.frames, FB_FRAMES_MAX);
    if (rc == 0 && rows.skipped && warn) {
        snprintf(message, sizeof message,
                 "%s: skipped %" PRIu64 " bad row%s (first at line %" PRIu64 ": %s)", path,
                 rows.skipped, rows.skipped == 1 ? "" : "s", rows.first_skipped_line,
                 rows.first_skipped_why);
        warn(warn_context, message);
    }
    free(path);
    return rc;
}

struct filling {
    struct fb_features *features;
    const char *path;
};

static int add_row(void *context, const double *columns, struct fb_error *err)
{
    const struct filling *filling = context;
    if (filling->features->frames == filling->features->capacity)
        return fb_fail(err, FB_EFORMAT, "%s: grew while it was used", filling->path);
    fb_features_add(filling->features, columns);
    return 0;
}

static int openface_load(struct fb_persons *persons, size_t sample, unsigned person,
                         struct fb_features *out, struct fb_error *err)
{
    struct openface_source *self = (struct openface_source *)persons;
    struct fb_openface_rows rows;
    char *path = file_path(self, sample, person);
    if (!path)
        return fb_fail_memory(err, self->folder);
    struct filling filling = { out, path };
    int rc = fb_openface_parse(path, self->skip_bad, add_row, &filling, &rows, err);
    if (rc == 0 && out->frames != out->capacity)
        rc = fb_fail(err, FB_EFORMAT, "%s: shrank while it was used", path);
    free(path);
    return rc;
}

/* --- the importer ----------------------------------------------------------------------------- */

static void openface_close(struct fb_source *source)
{
    struct openface_source *self = (struct openface_source *)source;
    for (size_t i = 0; i < self->count; i++)
        free(self->sessions[i].name);
    free(self->sessions);
    free(self->folder);
    fb_persons_free(&self->persons);
    free(self);
}

static const struct fb_source_ops openface_ops = { fb_persons_catalog, fb_persons_read,
                                                   openface_close };

static const struct fb_option openface_options[] = {
    FB_FEATURES_DTYPE_OPTION,
    { "bad-rows", FB_OPTION_CHOICE, "error", 0, 0, "error|skip", NULL,
      "rows that are damaged: stop, or leave them out and warn" },
    { 0 },
};

/* The folder alone where nothing but defaults was asked for. */
static char *canonical_name(const char *folder, const struct fb_options *options)
{
    char given[FB_OPTION_VALUE_MAX], defaults[FB_OPTION_VALUE_MAX], *name;
    struct fb_options fallback;
    fb_options_canonical(options, given, sizeof given);
    if (fb_options_parse(openface_options, "source openface", NULL, &fallback, NULL) != 0)
        return NULL;
    if (strcmp(given, fb_options_canonical(&fallback, defaults, sizeof defaults)) == 0)
        return strdup(folder);
    return asprintf(&name, "openface:%s,%s", folder, given) < 0 ? NULL : name;
}

static int openface_open(const char *path, const struct fb_options *options,
                         void (*warn)(void *context, const char *message), void *warn_context,
                         struct fb_source **out, struct fb_error *err)
{
    struct openface_source *self = calloc(1, sizeof *self);
    if (!self)
        return fb_fail_memory(err, path);
    self->persons.base.ops = &openface_ops;
    self->persons.load = openface_load;
    self->skip_bad = strcmp(fb_options_text(options, "bad-rows"), "skip") == 0;
    self->folder = strdup(path);
    self->persons.base.name = canonical_name(path, options);
    int rc = self->folder && self->persons.base.name ? list_sessions(self, err)
                                                     : fb_fail_memory(err, path);
    struct fb_dtype dtype = fb_features_dtype(fb_options_text(options, "dtype"));
    for (size_t i = 0; rc == 0 && i < self->count; i++) {
        uint64_t frames[FB_PERSONS];
        for (unsigned j = 0; rc == 0 && j < FB_PERSONS; j++)
            rc = count_frames(self, i, j, warn, warn_context, &frames[j], err);
        if (rc == 0)
            rc = fb_persons_add(&self->persons, i, self->sessions[i].name, frames, dtype, err);
    }
    if (rc == 0)
        rc = fb_catalog_finish(&self->persons.catalog, err);
    if (rc) {
        openface_close(&self->persons.base);
        return rc;
    }
    *out = &self->persons.base;
    return 0;
}

const struct fb_importer fb_importer_openface = {
    .name = "openface",
    .summary = "a folder of OpenFace 2.x CSV files, SESSION_expert.csv and SESSION_novice.csv",
    .options = openface_options,
    .recognises = openface_recognises,
    .open = openface_open,
};
