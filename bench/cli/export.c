#include "results/export.h"
#include "base/output.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"

#include <stdlib.h>
#include <string.h>

struct export_arguments {
    const char *folder, *format, *output;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct export_arguments *arguments = state->input;
    const struct fb_positional table[] = { { "FOLDER", &arguments->folder, true } };
    switch (key) {
    case 't':
        arguments->format = arg;
        return 0;
    case 'o':
        arguments->output = arg;
        return 0;
    case ARGP_KEY_SUCCESS:
        fb_argument_require(state, arguments->format, "--to FORMAT");
        return 0;
    default:
        return fb_argument_positional(key, arg, state, table, 1);
    }
}

static const struct argp_option argp_options[] = {
    { "to", 't', "FORMAT", 0, "One of those below", 0 },
    { "output", 'o', "FILE", 0,
      "Write FILE, whole or not at all (default: standard output, as with -)", 0 },
    { 0 },
};

/* The formats, from their table. */
static char *help_filter(int key, const char *text, void *input)
{
    char *out;
    size_t size;
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    FILE *stream = open_memstream(&out, &size);
    if (!stream)
        return NULL;
    fputs("Formats:\n", stream);
    for (size_t i = 0; fb_exporters[i].name; i++)
        fprintf(stream, "  %-24s %s\n", fb_exporters[i].name, fb_exporters[i].summary);
    return fclose(stream) == 0 ? out : NULL;
}

static const struct argp export_argp = {
    .options = argp_options,
    .parser = parse_option,
    .args_doc = "FOLDER",
    .doc = "Writes the results of a run's or a gate's folder in the format of another tool.\v",
    .help_filter = help_filter,
};

struct job {
    const struct fb_exporter *exporter;
    const struct fb_export *export;
};

static int print(void *context, FILE *stream, struct fb_error *err)
{
    const struct job *job = context;
    return job->exporter->print(job->export, stream, err);
}

/* Through memory: what fails halfway prints nothing. */
static int print_stdout(struct job *job, struct fb_error *err)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return fb_fail_memory(err, "the export");
    int rc = print(job, stream, err);
    bool failed = ferror(stream) != 0;
    failed |= fclose(stream) != 0;
    if (rc == 0 && failed)
        rc = fb_fail_memory(err, "the export");
    /* What cannot be written is told by main(). */
    if (rc == 0)
        fwrite(text, 1, size, stdout);
    free(text);
    return rc;
}

int fb_command_export(int argc, char **argv, struct fb_error *err)
{
    struct export_arguments arguments = { 0 };
    struct fb_export export = { 0 };
    struct job job = { NULL, &export };
    argp_parse(&export_argp, argc, argv, 0, NULL, &arguments);
    int rc = fb_exporter_find(arguments.format, &job.exporter, err);
    if (rc == 0)
        rc = fb_export_read(arguments.folder, job.exporter, &export, err);
    if (rc == 0)
        rc = !arguments.output || strcmp(arguments.output, "-") == 0
                 ? print_stdout(&job, err)
                 : fb_output_write(arguments.output, print, &job, err);
    fb_export_free(&export);
    return rc;
}
