#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "results/claims.h"
#include "results/gate.h"
#include "results/record.h"
#include "results/table.h"

#include <stdlib.h>
#include <unistd.h>

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
    argp_options,
    parse_option,
    "RUNDIR",
    "Prints the table and the sentences of a run again, from its results.csv; or those of a folder "
    "of claims or of a gate.",
    NULL,
    NULL,
    NULL,
};

static int show_claims(const char *path, enum fb_colour colour, struct fb_error *err)
{
    struct fb_figures figures;
    int rc = fb_figures_read(path, &figures, err);
    if (rc)
        return rc;
    fb_claims_print(stdout, &figures, fb_terminal_colour(stdout, colour),
                    fb_terminal_width(stdout));
    fb_figures_free(&figures);
    return 0;
}

static int show_gate(const char *path, enum fb_colour colour, struct fb_error *err)
{
    struct fb_gate_records records;
    int rc = fb_gate_records_read(path, &records, err);
    if (rc)
        return rc;
    fb_gate_print(stdout, &records, fb_terminal_colour(stdout, colour), fb_terminal_width(stdout));
    free(records.items);
    return 0;
}

static int show_run(const char *path, enum fb_colour colour, struct fb_error *err)
{
    struct fb_records records;
    int rc = fb_records_read(path, &records, err);
    if (rc)
        return rc;
    fb_table_print(stdout, &records, fb_terminal_colour(stdout, colour), fb_terminal_width(stdout));
    fb_sentences_print(stdout, &records);
    free(records.items);
    return 0;
}

int fb_command_show(int argc, char **argv, struct fb_error *err)
{
    /* The last one stands for a folder that has none of them. */
    static const struct {
        const char *file;
        int (*show)(const char *path, enum fb_colour colour, struct fb_error *err);
    } kinds[] = { { "claims.csv", show_claims },
                  { "gate.csv", show_gate },
                  { "results.csv", show_run } };
    const size_t count = sizeof kinds / sizeof *kinds;
    struct show_arguments arguments = { NULL, FB_COLOUR_AUTO };
    argp_parse(&show_argp, argc, argv, 0, NULL, &arguments);
    for (size_t i = 0; i < count; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", arguments.run_dir, kinds[i].file) < 0)
            return fb_fail_memory(err, "a file name");
        bool found = i + 1 == count || access(path, F_OK) == 0;
        int rc = found ? kinds[i].show(path, arguments.colour, err) : 0;
        free(path);
        if (found)
            return rc;
    }
    return 0;
}
