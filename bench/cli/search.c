#include "bench/cli/address.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/isolate.h"
#include "formats/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct search_arguments {
    const char *file, *frames, *array, *name;
};

enum { ARG_FRAMES = FB_ARG_FIRST_OWN, ARG_ARRAY, ARG_NAME };

static const struct argp_option argp_options[] = {
    { "frames", ARG_FRAMES, "MIN:MAX", 0, "Samples with so many frames, both ends included", 0 },
    { "array", ARG_ARRAY, "GLOB", 0,
      "The arrays whose length is the frame count (default: */expert/face in a NoXiRe dataset, "
      "else all)",
      0 },
    { "name", ARG_NAME, "NAME", 0, "The sample of this name", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct search_arguments *arguments = state->input;
    const struct fb_positional table[] = { { "FILE", &arguments->file, true } };
    switch (key) {
    case ARG_FRAMES:
        arguments->frames = arg;
        return 0;
    case ARG_ARRAY:
        arguments->array = arg;
        return 0;
    case ARG_NAME:
        arguments->name = arg;
        return 0;
    case ARGP_KEY_SUCCESS:
        if (!arguments->frames == !arguments->name)
            argp_error(state, "give either --frames MIN:MAX or --name NAME");
        return 0;
    default:
        return fb_argument_positional(key, arg, state, table, 1);
    }
}

static const struct argp search_argp = {
    argp_options,
    parse_option,
    "FILE --frames MIN:MAX\nFILE --name NAME",
    "Prints index, name and frame count of each sample found, separated by tabs. A sample's frame "
    "count is the length of axis 0 of its first array that matches.",
    NULL,
    NULL,
    NULL,
};

static int print_matches(const struct fb_catalog *catalog, const struct fb_query *query,
                         struct fb_error *err)
{
    size_t found = 0;
    bool named = false;
    for (size_t i = 0; i < catalog->sample_count; i++) {
        uint64_t frames;
        named |= query->name && strcmp(query->name, catalog->samples[i].name) == 0;
        if (!fb_catalog_match(catalog, i, query, &frames))
            continue;
        printf("%zu\t", i);
        fb_print_text(stdout, catalog->samples[i].name);
        printf("\t%" PRIu64 "\n", frames);
        found++;
    }
    if (query->name && !named)
        return fb_address_no_sample(catalog, query->name, err);
    if (found == 0 && query->name)
        return fb_fail(err, FB_EUSAGE, "no array of sample '%s' matches '%s'", query->name,
                       query->array);
    if (found == 0)
        fprintf(stderr, "fmtbench: no sample has %" PRIu64 " to %" PRIu64 " frames in '%s'\n",
                query->min, query->max, query->array);
    return 0;
}

int fb_command_search(int argc, char **argv, struct fb_error *err)
{
    struct search_arguments arguments = { 0 };
    struct fb_query query = { .max = UINT64_MAX };
    struct fb_source *source;
    int rc = 0;
    argp_parse(&search_argp, argc, argv, 0, NULL, &arguments);
    query.name = arguments.name;
    if (arguments.frames)
        rc = fb_argument_range("--frames", arguments.frames, &query.min, &query.max, err);
    if (rc == 0)
        rc = fb_isolate_open(arguments.file, &source, err);
    if (rc)
        return rc;
    const struct fb_catalog *catalog = fb_source_catalog(source);
    query.array =
        arguments.array ? arguments.array : (fb_catalog_is_noxire(catalog) ? "*/expert/face" : "*");
    rc = print_matches(catalog, &query, err);
    fb_source_close(source);
    return rc;
}
