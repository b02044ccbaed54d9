#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/store.h"
#include "bench/isolate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct convert_arguments {
    const char *source, *out, *format;
    bool skip_bad_rows;
};

enum { ARG_SKIP_BAD_ROWS = FB_ARG_FIRST_OWN };

static const struct argp_option argp_options[] = {
    { NULL, 'o', "FILE", 0, "Write to FILE, and its hashes to FILE.manifest.json", 0 },
    { "format", 'f', "FORMAT", 0, "NAME or NAME:option=value,... ('fmtbench list' shows all)", 0 },
    { "skip-bad-rows", ARG_SKIP_BAD_ROWS, NULL, 0,
      "Leave out damaged rows of an OpenFace folder, with a warning that counts them", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct convert_arguments *arguments = state->input;
    const struct fb_positional table[] = { { "SOURCE", &arguments->source, true } };
    switch (key) {
    case 'o':
        arguments->out = arg;
        return 0;
    case 'f':
        arguments->format = arg;
        return 0;
    case ARG_SKIP_BAD_ROWS:
        arguments->skip_bad_rows = true;
        return 0;
    case ARGP_KEY_SUCCESS:
        fb_argument_require(state, arguments->out, "-o FILE");
        fb_argument_require(state, arguments->format, "-f FORMAT");
        return 0;
    default:
        return fb_argument_positional(key, arg, state, table, 1);
    }
}

static const struct argp convert_argp = {
    argp_options,
    parse_option,
    "SOURCE -f FORMAT -o FILE",
    "Writes all arrays of SOURCE in another format. SOURCE is a file (its format is found by its "
    "content), a folder of OpenFace CSV pairs, or 'synth:samples=24,seed=1'.",
    NULL,
    NULL,
    NULL,
};

static int check_arguments(const struct convert_arguments *arguments, struct fb_error *err)
{
    struct stat source, out;
    bool is_path = stat(arguments->source, &source) == 0;
    if (is_path && stat(arguments->out, &out) == 0 && source.st_dev == out.st_dev &&
        source.st_ino == out.st_ino)
        return fb_fail(err, FB_EUSAGE, "source and output are the same file, %s",
                       arguments->source);
    if (arguments->skip_bad_rows && !(is_path && S_ISDIR(source.st_mode)))
        return fb_fail(err, FB_EUSAGE,
                       "--skip-bad-rows is for a folder of OpenFace CSV files, "
                       "which %s is not",
                       arguments->source);
    return 0;
}

int fb_command_convert(int argc, char **argv, struct fb_error *err)
{
    struct convert_arguments arguments = { 0 };
    struct fb_target target;
    struct fb_source *source = NULL;
    char *skipping = NULL;
    argp_parse(&convert_argp, argc, argv, 0, NULL, &arguments);
    int rc = fb_target_parse(arguments.format, arguments.out, &target, err);
    if (rc == 0)
        rc = check_arguments(&arguments, err);
    if (rc == 0 && arguments.skip_bad_rows &&
        asprintf(&skipping, "openface:%s,bad-rows=skip", arguments.source) < 0)
        rc = fb_fail_memory(err, "the source");
    if (rc == 0)
        rc = fb_isolate_open(skipping ? skipping : arguments.source, &source, err);
    if (rc == 0)
        rc = fb_target_write(&target, source, err);
    fb_source_close(source);
    free(skipping);
    return rc;
}
