#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "results/record.h"
#include "results/table.h"

#include <stdlib.h>

struct show_arguments {
    const char *run_dir;
    enum fb_colour colour;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct show_arguments *arguments = state->input;
    const struct fb_positional table[] = { { "RUNDIR", &arguments->run_dir, true } };
    if (key == FB_ARG_COLOR)
        return fb_argument_color(state, arg, &arguments->colour);
    return fb_argument_positional(key, arg, state, table, 1);
}

static const struct argp_option argp_options[] = { FB_COLOR_OPTION, { 0 } };

static const struct argp show_argp = {
    argp_options, parse_option,
    "RUNDIR",     "Prints the table and the sentences of a run again, from its results.csv.",
    NULL,         NULL,
    NULL,
};

int fb_command_show(int argc, char **argv, struct fb_error *err)
{
    struct show_arguments arguments = { NULL, FB_COLOUR_AUTO };
    struct fb_records records;
    char *path;
    argp_parse(&show_argp, argc, argv, 0, NULL, &arguments);
    if (asprintf(&path, "%s/results.csv", arguments.run_dir) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = fb_records_read(path, &records, err);
    free(path);
    if (rc)
        return rc;
    fb_table_print(stdout, &records, fb_terminal_colour(stdout, arguments.colour),
                   fb_terminal_width(stdout));
    fb_sentences_print(stdout, &records);
    free(records.items);
    return 0;
}
