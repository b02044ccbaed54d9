#include "results/schema.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    return fb_argument_positional(key, arg, state, NULL, 0);
}

static const struct argp schema_argp = {
    NULL,
    parse_option,
    "",
    "Prints the columns of results.csv and iterations.csv with type, unit and meaning, as "
    "Markdown.",
    NULL,
    NULL,
    NULL,
};

int fb_command_schema(int argc, char **argv, struct fb_error *err)
{
    (void)err;
    argp_parse(&schema_argp, argc, argv, 0, NULL, NULL);
    fb_schema_print(stdout);
    return 0;
}
