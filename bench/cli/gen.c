#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gen_arguments {
    const char *out, *format;
    const char *samples, *frames, *dtype, *seed; /* of synth; NULL: its default */
};

enum { ARG_SAMPLES = FB_ARG_FIRST_OWN, ARG_FRAMES, ARG_DTYPE, ARG_SEED };

static const struct argp_option argp_options[] = {
    { NULL, 'o', "FILE", 0, "Write to FILE, and its hashes to FILE.manifest.json", 0 },
    { "format", 'f', "FORMAT", 0, "NAME or NAME:option=value,... ('fmtbench list' shows all)", 0 },
    { "samples", ARG_SAMPLES, "N", 0, "Recorded sessions", 0 },
    { "frames", ARG_FRAMES, "MIN:MAX", 0, "Frames a person", 0 },
    { "dtype", ARG_DTYPE, "TYPE", 0, "f32 or f64", 0 },
    { "seed", ARG_SEED, "N", 0, "The same seed makes the same bytes, everywhere", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct gen_arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->out = arg;
        return 0;
    case 'f':
        arguments->format = arg;
        return 0;
    case ARG_SAMPLES:
        arguments->samples = arg;
        return 0;
    case ARG_FRAMES:
        arguments->frames = arg;
        return 0;
    case ARG_DTYPE:
        arguments->dtype = arg;
        return 0;
    case ARG_SEED:
        arguments->seed = arg;
        return 0;
    case ARGP_KEY_END:
        fb_argument_require(state, arguments->out, "-o FILE");
        fb_argument_require(state, arguments->format, "-f FORMAT");
        return 0;
    default:
        return fb_argument_positional(key, arg, state, NULL, 0);
    }
}

static const struct argp gen_argp = {
    argp_options,
    parse_option,
    "-f FORMAT -o FILE",
    "Makes a file of the built-in dataset: made-up NoXiRe sessions with the statistics of real "
    "ones.",
    NULL,
    NULL,
    NULL,
};

/* "synth:samples=3,seed=7": the generator checks the values. */
static char *make_spec(const struct gen_arguments *arguments)
{
    const struct {
        const char *key, *value;
    } options[] = {
        { "samples", arguments->samples },
        { "frames", arguments->frames },
        { "dtype", arguments->dtype },
        { "seed", arguments->seed },
    };
    char *spec;
    size_t size;
    FILE *stream = open_memstream(&spec, &size);
    if (!stream)
        return NULL;
    fputs("synth:", stream);
    for (size_t i = 0, used = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].value)
            fprintf(stream, "%s%s=%s", used++ ? "," : "", options[i].key, options[i].value);
    return fclose(stream) == 0 ? spec : NULL;
}

int fb_command_gen(int argc, char **argv, struct fb_error *err)
{
    struct gen_arguments arguments = { 0 };
    struct fb_target target;
    struct fb_source *source = NULL;
    argp_parse(&gen_argp, argc, argv, 0, NULL, &arguments);
    int rc = fb_target_parse(arguments.format, arguments.out, &target, err);
    if (rc)
        return rc;
    char *spec = make_spec(&arguments);
    rc = spec ? fb_source_open(spec, fb_warn, NULL, &source, err)
              : fb_fail_memory(err, "the source");
    if (rc == 0)
        rc = fb_target_write(&target, source, err);
    fb_source_close(source);
    free(spec);
    return rc;
}
