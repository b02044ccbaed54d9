#include "base/number.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/info_table.h"
#include "bench/isolate.h"
#include "datasets/importers.h"
#include "datasets/manifest.h"
#include "formats/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct info_arguments {
    const char *file;
    enum fb_colour colour;
};

static const struct argp_option argp_options[] = { FB_COLOR_OPTION, { 0 } };

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct info_arguments *arguments = state->input;
    const struct fb_positional table[] = { { "FILE", &arguments->file, true } };
    if (key == FB_ARG_COLOR)
        return fb_argument_color(state, arg, &arguments->colour);
    return fb_argument_positional(key, arg, state, table, 1);
}

static const struct argp info_argp = {
    argp_options,
    parse_option,
    "FILE",
    "Shows what a file or any other SOURCE holds: samples, sizes, frames, and of each array its "
    "type, shape, layout, chunk shape, filters and compression ratio; and what is skipped, and "
    "why.",
    NULL,
    NULL,
    NULL,
};

/* --- the head --------------------------------------------------------------------------------- */

static void print_line(const char *label, const char *text)
{
    printf("%-15s ", label);
    fb_print_text(stdout, text);
    putchar('\n');
}

/* What the manifest knows, if there is one; a damaged one is worth a word. */
static void print_manifest(const char *file)
{
    struct fb_manifest manifest;
    struct fb_error err;
    int rc = fb_manifest_read(file, &manifest, &err);
    if (rc && rc != FB_ENOTHING)
        fb_warn(NULL, err.message);
    if (rc)
        return;
    printf("%-15s ", "written as");
    fb_print_text(stdout, manifest.format);
    fb_print_text(stdout, *manifest.options ? ":" : "");
    fb_print_text(stdout, manifest.options);
    putchar('\n');
    print_line("made from", manifest.source);
    fb_manifest_free(&manifest);
}

static void print_head(const struct fb_catalog *catalog, const struct fb_format *format,
                       const char *file)
{
    char size[32];
    struct stat st;
    print_line(format ? "file" : "source", file);
    if (format) {
        print_line("format", format->name);
        if (stat(file, &st) == 0)
            printf("%-15s %s (%" PRIu64 " bytes)\n", "file size",
                   fb_format_bytes((uint64_t)st.st_size, size, sizeof size), (uint64_t)st.st_size);
        print_manifest(file);
    }
    uint64_t bytes = fb_catalog_bytes(catalog);
    printf("%-15s %zu\n%-15s %zu\n%-15s %s (%" PRIu64 " bytes)\n", "samples", catalog->sample_count,
           "arrays", catalog->array_count, "array data", fb_format_bytes(bytes, size, sizeof size),
           bytes);
    if (catalog->description)
        print_line("description", catalog->description);
}

/* --- the NoXiRe shape ------------------------------------------------------------------------- */

/* The features of the first sample, as "aus (17), face (68x2)". */
static void print_features(const struct fb_catalog *catalog)
{
    char shape[FB_MAX_RANK * 21];
    const struct fb_sample_info *sample = &catalog->samples[0];
    const char *person = catalog->arrays[sample->first].path + strlen(sample->path) + 1;
    size_t length = strcspn(person, "/");
    printf("%-15s ", "features");
    for (size_t i = sample->first; i < sample->first + sample->count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        const char *rest = array->path + strlen(sample->path) + 1;
        if (strncmp(rest, person, length) != 0)
            break;
        fputs(i > sample->first ? ", " : "", stdout);
        fb_print_text(stdout, rest + length + 1);
        if (array->rank > 1)
            printf(" (%s)", fb_shape_text(array->rank - 1, array->dims + 1, shape, sizeof shape));
    }
    putchar('\n');
}

/* A person's frames in a sample are the rows of the first array that is theirs. */
static void print_frames(const struct fb_catalog *catalog, const char *person)
{
    uint64_t total = 0, min = UINT64_MAX, max = 0, samples = 0;
    size_t length = strlen(person);
    for (size_t i = 0; i < catalog->sample_count; i++) {
        const struct fb_sample_info *sample = &catalog->samples[i];
        for (size_t k = sample->first; k < sample->first + sample->count; k++) {
            const struct fb_array_info *array = &catalog->arrays[k];
            const char *rest = array->path + strlen(sample->path) + 1;
            if (array->rank == 0 || strncmp(rest, person, length) != 0 || rest[length] != '/')
                continue;
            total += array->dims[0];
            min = array->dims[0] < min ? array->dims[0] : min;
            max = array->dims[0] > max ? array->dims[0] : max;
            samples++;
            break;
        }
    }
    if (samples > 0)
        printf("%s frames   total %" PRIu64 ", min %" PRIu64 ", max %" PRIu64 ", mean %.1f\n",
               person, total, min, max, (double)total / (double)samples);
}

int fb_command_info(int argc, char **argv, struct fb_error *err)
{
    struct info_arguments arguments = { 0 };
    struct fb_source *source;
    const struct fb_format *format = NULL;
    struct fb_reader *reader = NULL;
    struct stat st;
    argp_parse(&info_argp, argc, argv, 0, NULL, &arguments);
    int rc = fb_isolate_open(arguments.file, &source, err);
    if (rc)
        return rc;
    if (stat(arguments.file, &st) == 0 && S_ISREG(st.st_mode) && !fb_importer_of(arguments.file))
        rc = fb_format_of_file(arguments.file, &format, err);
    if (rc == 0 && format && format->open_streaming)
        rc = format->open_streaming(arguments.file, &reader, err);
    else if (rc == 0 && format)
        rc = format->open(arguments.file, NULL, &reader, err);
    if (rc == 0) {
        const struct fb_catalog *catalog = fb_source_catalog(source);
        print_head(catalog, format, arguments.file);
        if (fb_catalog_is_noxire(catalog)) {
            print_features(catalog);
            print_frames(catalog, "expert");
            print_frames(catalog, "novice");
        }
        rc = fb_info_table(catalog, format, reader, fb_terminal_colour(stdout, arguments.colour),
                           err);
    }
    if (format)
        format->close(reader);
    fb_source_close(source);
    return rc;
}
