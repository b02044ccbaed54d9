#include "base/number.h"
#include "base/output.h"
#include "bench/cli/address.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/values.h"
#include "bench/isolate.h"
#include "datasets/npy.h"
#include "formats/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_BYTES (1 << 20)

struct read_arguments {
    const char *file, *array, *rows, *out;
    const char *sample, *person, *feature;
};

enum { ARG_ROWS = FB_ARG_FIRST_OWN, ARG_SAMPLE, ARG_PERSON, ARG_FEATURE };

static const struct argp_option argp_options[] = {
    { "rows", ARG_ROWS, "A:B", 0, "Rows A to B - 1 of axis 0 (default: all)", 0 },
    { NULL, 'o', "OUT", 0, "Write to OUT.npy or OUT.csv; '-' (the default) is CSV on stdout", 0 },
    { "sample", ARG_SAMPLE, "N|NAME", 0, "Instead of ARRAY: a sample by index or name, with", 1 },
    { "person", ARG_PERSON, "NAME", 0, "a person (expert, novice), and", 1 },
    { "feature", ARG_FEATURE, "NAME", 0, "a feature (aus, face, head)", 1 },
    { 0 },
};

static void check_combination(const struct read_arguments *arguments, struct argp_state *state)
{
    bool any = arguments->sample || arguments->person || arguments->feature;
    bool all = arguments->sample && arguments->person && arguments->feature;
    if (arguments->array && any)
        argp_error(state, "give either ARRAY or --sample, --person and --feature");
    else if (!arguments->array && !any)
        argp_error(state, "ARRAY is missing ('fmtbench info %s' lists all)", arguments->file);
    else if (any && !all)
        argp_error(state, "--sample, --person and --feature go together");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct read_arguments *arguments = state->input;
    const struct fb_positional table[] = { { "FILE", &arguments->file, true },
                                           { "ARRAY", &arguments->array, false } };
    switch (key) {
    case ARG_ROWS:
        arguments->rows = arg;
        return 0;
    case 'o':
        arguments->out = arg;
        return 0;
    case ARG_SAMPLE:
        arguments->sample = arg;
        return 0;
    case ARG_PERSON:
        arguments->person = arg;
        return 0;
    case ARG_FEATURE:
        arguments->feature = arg;
        return 0;
    case ARGP_KEY_SUCCESS:
        check_combination(arguments, state);
        return 0;
    default:
        return fb_argument_positional(key, arg, state, table, 2);
    }
}

static const struct argp read_argp = {
    argp_options,
    parse_option,
    "FILE ARRAY\nFILE --sample N|NAME --person NAME --feature NAME",
    "Prints an array as CSV, or saves it.",
    NULL,
    NULL,
    NULL,
};

/* Rows of one array on their way out. */
struct rows {
    struct fb_source *source;
    const struct fb_array_info *info;
    uint64_t first, last; /* last is not included; 0 and 1 for a scalar */
    bool npy;
};

static int parse_rows(const char *text, struct rows *rows, struct fb_error *err)
{
    const struct fb_array_info *info = rows->info;
    uint64_t length = info->rank ? info->dims[0] : 1;
    rows->first = 0;
    rows->last = length;
    if (!text)
        return 0;
    if (info->rank == 0)
        return fb_fail(err, FB_EUSAGE, "--rows=%s: array %s is a single value", text, info->path);
    int rc = fb_argument_range("--rows", text, &rows->first, &rows->last, err);
    if (rc)
        return fb_fail_in(err, "array %s has rows 0:%" PRIu64, info->path, length);
    if (rows->last == UINT64_MAX)
        rows->last = length;
    if (rows->last > length || rows->first > rows->last)
        return fb_fail(err, FB_EUSAGE,
                       "--rows=%s: array %s has %" PRIu64 " rows; valid is 0:%" PRIu64, text,
                       info->path, length, length);
    return 0;
}

static int print_rows(const struct rows *rows, FILE *stream, const char *name, struct fb_error *err)
{
    const struct fb_array_info *info = rows->info;
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK], step = 1;
    memcpy(count, info->dims, sizeof count);
    count[0] = 1;
    uint64_t row_bytes = fb_slab_bytes(info, count);
    if (row_bytes > 0 && row_bytes < SLAB_BYTES)
        step = SLAB_BYTES / row_bytes;
    size_t capacity = (size_t)(step * row_bytes);
    void *data = malloc(capacity + 1);
    int rc = data ? 0 : fb_fail_memory(err, info->path);
    for (uint64_t row = rows->first; rc == 0 && row_bytes > 0 && row < rows->last; row += step) {
        start[0] = row;
        count[0] = rows->last - row < step ? rows->last - row : step;
        size_t bytes = (size_t)fb_slab_bytes(info, count);
        rc = fb_source_read(rows->source, (size_t)(info - fb_source_catalog(rows->source)->arrays),
                            start, count, data, capacity, err);
        if (rc == 0 && rows->npy)
            fwrite(data, 1, bytes, stream);
        else if (rc == 0)
            fb_csv_rows_print(stream, info, row, count[0], data);
        if (rc == 0 && ferror(stream))
            rc = fb_fail_errno(err, "cannot write %s", name);
    }
    free(data);
    return rc;
}

static int print_all(const struct rows *rows, FILE *stream, const char *name, struct fb_error *err)
{
    uint64_t dims[FB_MAX_RANK];
    memcpy(dims, rows->info->dims, sizeof dims);
    dims[0] = rows->last - rows->first;
    if (!rows->npy)
        fb_csv_header_print(stream, rows->info);
    else if (fb_npy_write_header(stream, rows->info->dtype, rows->info->rank, dims) < 0)
        return fb_fail_errno(err, "cannot write %s", name);
    return print_rows(rows, stream, name, err);
}

struct saving {
    const struct rows *rows;
    const char *path;
};

static int print_file(void *context, FILE *stream, struct fb_error *err)
{
    const struct saving *saving = context;
    return print_all(saving->rows, stream, saving->path, err);
}

static int save(const struct rows *rows, const char *path, struct fb_error *err)
{
    struct saving saving = { rows, path };
    char need[32], have[32];
    uint64_t space = fb_output_space(path);
    uint64_t bytes = rows->info->bytes;
    if (rows->info->rank && rows->info->dims[0])
        bytes = bytes / rows->info->dims[0] * (rows->last - rows->first);
    if (rows->npy && bytes > space)
        return fb_fail(
            err, FB_EIO, "cannot write %s: it needs %s and %s are free; take fewer --rows", path,
            fb_format_bytes(bytes, need, sizeof need), fb_format_bytes(space, have, sizeof have));
    return fb_output_write(path, print_file, &saving, err);
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

int fb_command_read(int argc, char **argv, struct fb_error *err)
{
    struct read_arguments arguments = { .out = "-" };
    struct rows rows = { 0 };
    argp_parse(&read_argp, argc, argv, 0, NULL, &arguments);
    rows.npy = ends_in(arguments.out, ".npy");
    bool to_stdout = strcmp(arguments.out, "-") == 0;
    if (!rows.npy && !to_stdout && !ends_in(arguments.out, ".csv"))
        return fb_fail(err, FB_EUSAGE, "-o %s: the name must end in .npy or .csv, or be -",
                       arguments.out);
    int rc = fb_isolate_open(arguments.file, &rows.source, err);
    if (rc)
        return rc;
    const struct fb_catalog *catalog = fb_source_catalog(rows.source);
    if (arguments.array)
        rc = fb_catalog_require(catalog, arguments.array, &rows.info, err);
    else
        rc = fb_address_feature(catalog, arguments.sample, arguments.person, arguments.feature,
                                &rows.info, err);
    if (rc == 0)
        rc = parse_rows(arguments.rows, &rows, err);
    if (rc == 0)
        rc = to_stdout ? print_all(&rows, stdout, "standard output", err)
                       : save(&rows, arguments.out, err);
    fb_source_close(rows.source);
    return rc;
}
