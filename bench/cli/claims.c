/* `fmtbench claims`: the guide's claims, measured and judged. */
#include "base/memory.h"
#include "base/number.h"
#include "bench/claims/study.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "plots/plot.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES UINT64_C(256000000)
#define TIMEOUT_S 300

enum key { KEY_QUICK = FB_ARG_FIRST_OWN, KEY_BLOCKS, KEY_SEED, KEY_MAX_BYTES, KEY_NO_PLOTS };

static const struct argp_option options[] = {
    { "quick", KEY_QUICK, NULL, 0, "Smaller datasets, wider intervals, less than half of the time",
      0 },
    { "blocks", KEY_BLOCKS, "N", 0,
      "Exactly N timed blocks a row; fewer than 6 give no intervals, and so prove nothing", 0 },
    { "output", 'o', "DIR", 0, "Folder (default: results/runs/claims-TIME)", 0 },
    { "max-bytes", KEY_MAX_BYTES, "SIZE", 0,
      "Samples taken of SOURCE; four times as much where datasets grow (default: 256MB)", 0 },
    { "seed", KEY_SEED, "N", 0, "Seed of plans and of the order of blocks (default: 1)", 0 },
    { "no-plots", KEY_NO_PLOTS, NULL, 0, "Draw no pictures", 0 },
    FB_COLOR_OPTION,
    { 0 },
};

struct arguments {
    struct fb_run_config config;
    bool no_plots;
    enum fb_colour colour;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    const struct fb_positional table[] = { { "SOURCE", &a->config.source, false } };
    switch (key) {
    case KEY_QUICK:
        a->config.quick = true;
        return 0;
    case KEY_BLOCKS:
        if (!fb_parse_u64(text, &a->config.blocks) || a->config.blocks < 1 ||
            a->config.blocks > 100000)
            argp_error(state, "--blocks=%s is not an integer from 1 to 100000", text);
        return 0;
    case 'o':
        a->config.out = text;
        return 0;
    case KEY_SEED:
        if (!fb_parse_u64(text, &a->config.seed) || a->config.seed > INT64_MAX)
            argp_error(state, "--seed=%s is not a whole number", text);
        return 0;
    case KEY_MAX_BYTES:
        if (!fb_parse_size(text, &a->config.max_bytes) || a->config.max_bytes == 0)
            argp_error(state, "--max-bytes=%s is not a size such as 500MB or 2GiB", text);
        return 0;
    case KEY_NO_PLOTS:
        a->no_plots = true;
        return 0;
    case FB_ARG_COLOR:
        return fb_argument_color(state, text, &a->colour);
    default:
        return fb_argument_positional(key, text, state, table, 1);
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[SOURCE]",
    .doc =
        "Measure what the HDF5 guide claims about pickle and HDF5, and judge each claim.\v"
        "SOURCE is as in 'fmtbench run'; importers deliver float64 unless told otherwise, as the "
        "guide's pickle holds. Each claim is reproduced, not reproduced, or depends, by a rule "
        "that stands beside it in DIR/claims.csv and DIR/claims.md; the runs behind it are kept "
        "in DIR.\n\nExit codes: 0 fine, whatever the verdicts are, 1 something failed or was "
        "wrong, 2 usage, 4 nothing to measure.",
};

static int show(const struct fb_claims_study *study, const struct arguments *a,
                struct fb_error *err)
{
    struct fb_error plot_error;
    fb_claims_print(stdout, &study->figures, fb_terminal_colour(stdout, a->colour),
                    fb_terminal_width(stdout));
    printf("\n%s/claims.csv\n%s/claims.md\n", study->folder, study->folder);
    fflush(stdout);
    if (!a->no_plots && fb_plots_make(study->folder, stdout, &plot_error) != 0)
        fprintf(stderr, "fmtbench: no pictures: %s\n", plot_error.message);
    if (study->interrupted)
        return fb_fail(err, FB_EINTERRUPTED, "interrupted: everything measured until then is in %s",
                       study->folder);
    if (study->failed)
        return fb_fail(err, FB_EFORMAT, "%zu rows failed or delivered wrong data; the first: %s",
                       study->failed, study->failure);
    return 0;
}

int fb_command_claims(int argc, char **argv, struct fb_error *err)
{
    struct fb_progress progress = { 0 };
    struct fb_claims_study study;
    struct arguments a = {
        .config = {
            .seed = 1,
            .max_bytes = MAX_BYTES,
            .limits = { .timeout_ns = TIMEOUT_S * UINT64_C(1000000000),
                        .memory_bytes = fb_memory_limit() },
            .listener = &progress,
            .say = fb_progress_say,
            .progress = fb_progress_update,
        },
    };
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    fb_progress_start(&progress);
    int rc = fb_claims_study(&a.config, &study, err);
    fb_progress_end(&progress);
    if (rc)
        return rc;
    rc = show(&study, &a, err);
    fb_claims_study_free(&study);
    return rc;
}
