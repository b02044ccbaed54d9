#include "plots/plot.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    const struct fb_positional table[] = { { "RUNDIR", state->input, true } };
    return fb_argument_positional(key, arg, state, table, 1);
}

static const struct argp plot_argp = {
    NULL,
    parse_option,
    "RUNDIR",
    "Draws the pictures of a run from its results.csv, as SVG and PNG in RUNDIR/plots/, and prints "
    "their paths. Needs gnuplot.",
    NULL,
    NULL,
    NULL,
};

int fb_command_plot(int argc, char **argv, struct fb_error *err)
{
    const char *run_dir = NULL;
    argp_parse(&plot_argp, argc, argv, 0, NULL, &run_dir);
    return fb_plots_make(run_dir, stdout, err);
}
