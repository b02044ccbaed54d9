#include "bench/cli/tune_means.h"
#include "base/number.h"
#include "base/output.h"
#include "bench/tune/apply.h"
#include "bench/tune/repack.h"
#include "bench/tune/snippets.h"
#include "bench/tune/stand.h"
#include "formats/format.h"

#include <stdlib.h>
#include <string.h>

#define LIST_BYTES (UINT64_C(1) << 20)

static int parse_chunk(const char *text, struct fb_setting *setting, struct fb_error *err)
{
    for (const char *at = text; setting->rank < FB_MAX_RANK;) {
        size_t length = strcspn(at, "x");
        char number[24] = "";
        if (length < sizeof number)
            memcpy(number, at, length);
        if (!fb_parse_u64(number, &setting->chunk[setting->rank]) ||
            setting->chunk[setting->rank] == 0)
            break;
        setting->rank++;
        if (!at[length])
            return 0;
        at += length + 1;
    }
    return fb_fail(err, FB_EUSAGE, "chunk=%s is not a shape such as 100x68x2, which a setting has",
                   text);
}

int fb_means_parse(const char *spec, struct fb_setting *out, struct fb_error *err)
{
    const struct fb_format *format;
    struct fb_options options;
    *out = (struct fb_setting){ .filter = "none" };
    int rc = fb_format_parse(spec, &format, &options, err);
    if (rc)
        return rc;
    if (strcmp(format->name, FB_TUNE_CHUNKED) != 0 && strcmp(format->name, FB_TUNE_CONTIGUOUS) != 0)
        return fb_fail(err, FB_EUSAGE, "a setting is of %s or %s, and not of %s", FB_TUNE_CHUNKED,
                       FB_TUNE_CONTIGUOUS, format->name);
    out->latest = strcmp(fb_options_text(&options, "libver"), "latest") == 0;
    if (strcmp(format->name, FB_TUNE_CONTIGUOUS) == 0)
        return 0;
    out->level = (unsigned)fb_options_uint(&options, "level");
    out->shuffle = fb_options_uint(&options, "shuffle") == 1;
    snprintf(out->filter, sizeof out->filter, "%s", fb_options_text(&options, "filter"));
    if (strcmp(out->filter, "gzip") == 0 && out->level == 0)
        snprintf(out->filter, sizeof out->filter, "none");
    if (strcmp(out->filter, "none") == 0)
        out->level = 0;
    if (fb_options_is_default(&options, "level") && fb_hdf5_filter_has(out->filter, 0) &&
        !fb_hdf5_filter_has(out->filter, out->level))
        out->level = 0; /* a filter without levels */
    if (strcmp(out->filter, "none") != 0 && !fb_hdf5_filter_has(out->filter, out->level))
        return fb_fail(err, FB_EUSAGE, "filter=%s has no level=%u", out->filter, out->level);
    return parse_chunk(fb_options_text(&options, "chunk"), out, err);
}

/* Up to a #, without blanks around. */
static char *content(char *line)
{
    line[strcspn(line, "#\r")] = '\0';
    line += strspn(line, " \t");
    for (size_t end = strlen(line); end > 0 && strchr(" \t", line[end - 1]); end--)
        line[end - 1] = '\0';
    return line;
}

static int add_line(const char *path, size_t number, const char *text, struct fb_setting **out,
                    size_t *count, struct fb_error *err)
{
    struct fb_error why;
    struct fb_setting *grown = reallocarray(*out, *count + 1, sizeof *grown);
    if (!grown)
        return fb_fail_memory(err, "the candidates");
    *out = grown;
    if (fb_means_parse(text, &grown[*count], &why))
        return fb_fail(err, FB_EUSAGE, "%s:%zu: %s", path, number, why.message);
    ++*count;
    return 0;
}

int fb_means_list(const char *path, struct fb_setting **out, size_t *count, struct fb_error *err)
{
    char *text, *rest, *line;
    size_t length, number = 0;
    *out = NULL;
    *count = 0;
    int rc = fb_read_file(path, LIST_BYTES, &text, &length, err);
    if (rc)
        return rc;
    for (rest = text; rc == 0 && (line = strsep(&rest, "\n"));) {
        const char *words = content(line);
        number++;
        if (*words)
            rc = add_line(path, number, words, out, count, err);
    }
    if (rc == 0 && *count == 0)
        rc = fb_fail(err, FB_EUSAGE,
                     "%s has no settings, one a line as hdf5-chunked:chunk=100x68x2", path);
    free(text);
    if (rc) {
        free(*out);
        *out = NULL;
        *count = 0;
    }
    return rc;
}

bool fb_means_any(const struct fb_tune *tune)
{
    for (size_t g = 0; g < tune->group_count; g++)
        if (!tune->groups[g].keep)
            return true;
    return false;
}

char *fb_means_name(const char *file)
{
    const char *slash = strrchr(file, '/'), *dot = strrchr(file, '.');
    char *name;
    int stem = (int)(dot && (!slash || dot > slash + 1) && dot > file ? (size_t)(dot - file)
                                                                      : strlen(file));
    return asprintf(&name, "%.*s-tuned.h5", stem, file) < 0 ? NULL : name;
}

static size_t changes_of(const struct fb_tune *tune, struct fb_change *changes)
{
    size_t count = 0;
    for (size_t g = 0; g < tune->group_count; g++)
        if (!tune->groups[g].keep)
            changes[count++] = (struct fb_change){ tune->groups[g].paths, tune->groups[g].count,
                                                   tune->groups[g].best };
    return count;
}

/* --- showing ---------------------------------------------------------------------------------- */

struct text {
    const char *file, *out;
    const struct fb_portions *portions;
    const struct fb_repack *repack;
};

static int print_shell(void *context, FILE *stream, struct fb_error *err)
{
    const struct text *text = context;
    return fb_repack_print(stream, text->repack, text->file, text->out, err);
}

static int print_python(void *context, FILE *stream, struct fb_error *err)
{
    const struct text *text = context;
    (void)err;
    fb_snippet_python(stream, text->portions, text->file, text->out);
    return 0;
}

static int print_c(void *context, FILE *stream, struct fb_error *err)
{
    const struct text *text = context;
    (void)err;
    fb_snippet_c(stream, text->portions, text->file, text->out);
    return 0;
}

static int store(FILE *stream, const char *folder, struct text *text, struct fb_error *err)
{
    static const struct {
        const char *name;
        int (*print)(void *context, FILE *stream, struct fb_error *err);
    } files[] = { { "apply.sh", print_shell },
                  { "apply.py", print_python },
                  { "apply.c", print_c } };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof files / sizeof *files; i++) {
        char *path;
        if (!text->repack && files[i].print == print_shell)
            continue;
        if (asprintf(&path, "%s/%s", folder, files[i].name) < 0)
            return fb_fail_memory(err, "a file name");
        rc = fb_output_write(path, files[i].print, text, err);
        if (rc == 0)
            fprintf(stream, "%s\n", path);
        free(path);
    }
    return rc;
}

/* A long list of arrays is no reading; with a folder it is in a file. */
#define SHOWN_BYTES 1500

int fb_means_show(FILE *stream, const char *file, const char *out, const struct fb_tune *tune,
                  const char *folder, struct fb_error *err)
{
    struct fb_portions portions;
    struct fb_repack repack = { 0 };
    struct fb_error why;
    struct fb_change *changes = calloc(tune->group_count + 1, sizeof *changes);
    if (!changes)
        return fb_fail_memory(err, "the changes");
    int rc = fb_portions_make(file, changes, changes_of(tune, changes), &portions, err);
    if (rc) {
        free(changes);
        return rc;
    }
    bool said = fb_repack_make(file, &portions, &repack, &why) == 0;
    struct text text = { file, out, &portions, said ? &repack : NULL };
    if (!said)
        fprintf(stream, "\nh5repack cannot do it: %s\n", why.message);
    else if (repack.bytes <= SHOWN_BYTES) {
        fputs("\nTo store the arrays so (or --apply OUT.h5, which checks the copy too):\n", stream);
        rc = fb_repack_print(stream, &repack, file, out, err);
    } else if (!folder) {
        fputs("\nTo store the arrays so: --apply OUT.h5; or -o DIR for the h5repack command, which "
              "is long.\n",
              stream);
    }
    if (rc == 0 && folder)
        rc = store(stream, folder, &text, err);
    fb_repack_free(&repack);
    fb_portions_free(&portions);
    free(changes);
    return rc;
}

/* --- doing ------------------------------------------------------------------------------------ */

int fb_means_apply(FILE *stream, const char *file, const char *out, const struct fb_tune *tune,
                   const struct fb_process_limits *limits, struct fb_error *err)
{
    struct fb_change *changes = calloc(tune->group_count + 1, sizeof *changes);
    if (!changes)
        return fb_fail_memory(err, "the changes");
    int rc = fb_apply(file, out, changes, changes_of(tune, changes), limits, err);
    free(changes);
    if (rc == 0)
        fprintf(stream, "%s: written by h5repack; h5diff finds no difference\n", out);
    return rc;
}
