#include "bench/tune/repack.h"
#include "bench/tune/tool.h"
#include "formats/hdf5/rewrite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES_MAX 254
#define OPTION_BYTES_MAX 1000
#define CHUNK_LENGTH_MAX 999999999
/* Of a command that somebody may still want to read. */
#define COMMAND_BYTES_MAX 4000

/* --- options ---------------------------------------------------------------------------------- */

static int add_option(struct fb_repack *repack, char letter, const char *paths, const char *what,
                      struct fb_error *err)
{
    struct fb_repack_option *options =
        reallocarray(repack->options, repack->count + 1, sizeof *repack->options);
    if (!options)
        return fb_fail_memory(err, "the options of h5repack");
    repack->options = options;
    struct fb_repack_option *option = &options[repack->count];
    *option = (struct fb_repack_option){ .letter = letter, .blank = strpbrk(paths, " \n") != NULL };
    if (asprintf(&option->text, "%s:%s", paths, what) < 0)
        return fb_fail_memory(err, "the options of h5repack");
    repack->count++;
    repack->bytes += strlen(option->text) + 4;
    return 0;
}

/* One layout or filter for all arrays of a portion, in as many options as their paths need. Those
 * with blanks go by themselves, so that the others can stand in a file. */
static int add_for_paths(struct fb_repack *repack, const struct fb_portion *portion, char letter,
                         const char *what, struct fb_error *err)
{
    char paths[OPTION_BYTES_MAX + PATH_BYTES_MAX];
    int rc = 0;
    for (int blank = 0; rc == 0 && blank < 2; blank++) {
        size_t used = 0;
        for (size_t i = 0; rc == 0 && i < portion->count; i++) {
            const char *path = portion->paths[i];
            if ((strpbrk(path, " \n") != NULL) != blank)
                continue;
            if (used > 0 && used + strlen(path) + strlen(what) + 2 > OPTION_BYTES_MAX) {
                rc = add_option(repack, letter, paths, what, err);
                used = 0;
            }
            used +=
                (size_t)snprintf(paths + used, sizeof paths - used, "%s%s", used ? "," : "", path);
        }
        if (rc == 0 && used > 0)
            rc = add_option(repack, letter, paths, what, err);
    }
    return rc;
}

static int add_layout(struct fb_repack *repack, const struct fb_portion *portion,
                      struct fb_error *err)
{
    char what[16 + 12 * FB_MAX_RANK];
    size_t used = (size_t)snprintf(what, sizeof what, portion->rank ? "CHUNK=" : "CONTI");
    for (unsigned i = 0; i < portion->rank; i++) {
        if (portion->chunk[i] > CHUNK_LENGTH_MAX)
            return fb_fail(err, FB_EUNSUPPORTED,
                           "array %s: a chunk of %" PRIu64 " elements on an axis is more than "
                           "h5repack can be told",
                           portion->paths[0], portion->chunk[i]);
        used += (size_t)snprintf(what + used, sizeof what - used, "%s%" PRIu64, i ? "x" : "",
                                 portion->chunk[i]);
    }
    return add_for_paths(repack, portion, 'l', what, err);
}

static int add_filter(struct fb_repack *repack, const struct fb_portion *portion,
                      const struct fb_hdf5_step *step, struct fb_error *err)
{
    char what[160];
    size_t used;
    if (step->id == FB_HDF5_SHUFFLE) {
        snprintf(what, sizeof what, "SHUF");
    } else if (step->id == FB_HDF5_GZIP) {
        snprintf(what, sizeof what, "GZIP=%u", step->values[0]);
    } else if (step->id == FB_HDF5_SZIP) {
        snprintf(what, sizeof what, "SZIP=%u,NN", step->values[1]);
    } else {
        used = (size_t)snprintf(what, sizeof what, "UD=%u,%d,%u", step->id, step->optional,
                                step->count);
        for (unsigned i = 0; i < step->count; i++)
            used += (size_t)snprintf(what + used, sizeof what - used, ",%u", step->values[i]);
    }
    return add_for_paths(repack, portion, 'f', what, err);
}

static int add_filters(struct fb_repack *repack, const struct fb_portion *portion,
                       struct fb_error *err)
{
    struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
    unsigned count = fb_portion_filters(portion, steps);
    int rc = count == 0 ? add_for_paths(repack, portion, 'f', "NONE", err) : 0;
    for (unsigned i = 0; rc == 0 && i < count; i++)
        rc = add_filter(repack, portion, &steps[i], err);
    return rc;
}

static int check_path(const char *path, struct fb_error *err)
{
    if (strlen(path) > PATH_BYTES_MAX)
        return fb_fail(
            err, FB_EUNSUPPORTED,
            "array %.200s...: h5repack takes no path of more than %d bytes; use the h5py "
            "or the C program",
            path, PATH_BYTES_MAX);
    if (strpbrk(path, ",:"))
        return fb_fail(err, FB_EUNSUPPORTED,
                       "array %s: h5repack takes no path with a comma or a colon; use the h5py or "
                       "the C program",
                       path);
    return 0;
}

/* `names` are those by which h5repack knows the arrays, where these are others. */
static int add_batch(struct fb_repack *repack, const struct fb_portion *portion, char *const *names,
                     struct fb_error *err)
{
    struct fb_portion named = *portion;
    int rc = 0;
    named.paths = calloc(portion->count, sizeof *named.paths);
    if (!named.paths)
        return fb_fail_memory(err, "the options of h5repack");
    for (size_t k = 0; rc == 0 && k < portion->count; k++) {
        named.paths[k] = names[k] ? names[k] : portion->paths[k];
        rc = check_path(named.paths[k], err);
    }
    if (rc == 0)
        rc = add_layout(repack, &named, err);
    if (rc == 0 && portion->rank > 0)
        rc = add_filters(repack, &named, err);
    free(named.paths);
    return rc;
}

/* For all portions in a row, since finding the names visits every object of the file. */
static int find_names(const char *file, const struct fb_portions *portions, size_t count,
                      char **names, struct fb_error *err)
{
    const char **paths = calloc(count + 1, sizeof *paths);
    size_t n = 0;
    if (!paths)
        return fb_fail_memory(err, "the options of h5repack");
    for (size_t i = 0; i < portions->count; i++)
        for (size_t k = 0; k < portions->items[i].count; k++)
            paths[n++] = portions->items[i].paths[k];
    int rc = fb_hdf5_tool_names(file, paths, count, names, err);
    free(paths);
    return rc;
}

int fb_repack_make(const char *file, const struct fb_portions *portions, struct fb_repack *out,
                   struct fb_error *err)
{
    size_t count = 0, done = 0;
    *out = (struct fb_repack){ .latest = portions->latest };
    for (size_t i = 0; i < portions->count; i++)
        count += portions->items[i].count;
    char **names = calloc(count + 1, sizeof *names);
    int rc = names ? find_names(file, portions, count, names, err)
                   : fb_fail_memory(err, "the options of h5repack");
    for (size_t i = 0; rc == 0 && i < portions->count; i++) {
        rc = add_batch(out, &portions->items[i], names + done, err);
        done += portions->items[i].count;
    }
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
    if (rc)
        fb_repack_free(out);
    return rc;
}

void fb_repack_free(struct fb_repack *repack)
{
    for (size_t i = 0; i < repack->count; i++)
        free(repack->options[i].text);
    free(repack->options);
    *repack = (struct fb_repack){ 0 };
}

/* --- words ------------------------------------------------------------------------------------ */

bool fb_repack_needs_file(const struct fb_repack *repack)
{
    return repack->bytes > COMMAND_BYTES_MAX;
}

static bool in_file(const struct fb_repack *repack, const struct fb_repack_option *option)
{
    return fb_repack_needs_file(repack) && !option->blank;
}

void fb_repack_print_options(FILE *stream, const struct fb_repack *repack)
{
    for (size_t i = 0; i < repack->count; i++)
        if (in_file(repack, &repack->options[i]))
            fprintf(stream, "-%c %s\n", repack->options[i].letter, repack->options[i].text);
}

char **fb_repack_words(const struct fb_repack *repack, const char *options_file, const char *file,
                       const char *out)
{
    char **words = calloc(repack->count * 2 + 8, sizeof *words);
    size_t n = 0;
    if (!words)
        return NULL;
    words[n++] = strdup("h5repack");
    if (repack->latest)
        words[n++] = strdup("-L");
    if (fb_repack_needs_file(repack)) {
        words[n++] = strdup("-e");
        words[n++] = fb_tool_file_word(options_file);
    }
    for (size_t i = 0; i < repack->count; i++) {
        const struct fb_repack_option *option = &repack->options[i];
        if (in_file(repack, option))
            continue;
        words[n++] = strdup(option->letter == 'l' ? "-l" : "-f");
        words[n++] = strdup(option->text);
    }
    words[n++] = fb_tool_file_word(file);
    words[n++] = fb_tool_file_word(out);
    while (n > 0)
        if (!words[--n]) {
            fb_repack_free_words(words);
            return NULL;
        }
    return words;
}

void fb_repack_free_words(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

/* --- for a shell ------------------------------------------------------------------------------ */

void fb_shell_word(FILE *stream, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./,:=+@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, stream);
        return;
    }
    putc('\'', stream);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\'", stream);
        putc(*word, stream);
    }
    putc('\'', stream);
}

/* An option a line, the letter beside its text. */
static void print_words(FILE *stream, char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        bool letter = words[i][0] == '-' && words[i][1] && !words[i][2];
        if (i > 0)
            fputs(letter && i > 1 ? " \\\n    " : " ", stream);
        fb_shell_word(stream, words[i]);
    }
}

int fb_repack_print(FILE *stream, const struct fb_repack *repack, const char *file, const char *out,
                    struct fb_error *err)
{
    char *options_file = NULL;
    if (asprintf(&options_file, "%s.options", out) < 0)
        return fb_fail_memory(err, "a command");
    char **words = fb_repack_words(repack, options_file, file, out);
    if (words && fb_repack_needs_file(repack)) {
        fputs("cat >", stream);
        fb_shell_word(stream, options_file);
        fputs(" <<'END'\n", stream);
        fb_repack_print_options(stream, repack);
        fputs("END\n", stream);
    }
    if (words)
        print_words(stream, words);
    if (words && fb_repack_needs_file(repack)) {
        fputs(" && rm ", stream);
        fb_shell_word(stream, options_file);
    }
    putc('\n', stream);
    int rc = words ? 0 : fb_fail_memory(err, "a command");
    fb_repack_free_words(words);
    free(options_file);
    return rc;
}
