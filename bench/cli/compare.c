/* `fmtbench compare`: two stored runs. */
#include "results/compare.h"
#include "base/output.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/json.h"
#include "bench/run.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#define THRESHOLD 0.02

enum key { KEY_THRESHOLD = FB_ARG_FIRST_OWN, KEY_FORCE, KEY_JSON };

struct arguments {
    const char *old, *new, *out;
    double threshold;
    bool force, json;
    enum fb_colour colour;
    struct fb_error *err;
    int rc;
};

static const struct argp_option options[] = {
    { "threshold", KEY_THRESHOLD, "PERCENT", 0, "A change that matters, as 2% (default)", 0 },
    { "force", KEY_FORCE, NULL, 0, "Compare what differs in machine or dataset, marked so", 0 },
    { "output", 'o', "DIR", 0, "Write compare.csv into DIR", 0 },
    { "json", KEY_JSON, NULL, 0, "Print the comparison as JSON, and nothing else", 0 },
    FB_COLOR_OPTION,
    { 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    const struct fb_positional table[] = { { "OLD", &a->old, true }, { "NEW", &a->new, true } };
    switch (key) {
    case 'o':
        a->out = text;
        return 0;
    case KEY_THRESHOLD:
        if (a->rc == 0)
            a->rc = fb_argument_threshold(text, &a->threshold, a->err);
        return 0;
    case KEY_FORCE:
        a->force = true;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case FB_ARG_COLOR:
        return fb_argument_color(state, text, &a->colour);
    default:
        return fb_argument_positional(key, text, state, table, 2);
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "OLD NEW",
    .doc = "Hold two stored runs against each other, cell by cell, the worst first.\v"
           "OLD and NEW are folders that 'run' wrote. The interval is of the Hodges-Lehmann shift "
           "of the block medians: 'slower' and 'faster' where it leaves 0 out and reaches beyond "
           "the threshold, 'alike' where it stays within, else 'unclear'. It knows nothing of what "
           "changed between the two times, which is told below the table; 'fmtbench gate' measures "
           "both sides in pairs. Runs of different machines, kernels or datasets are refused.\n\n"
           "Exit codes: 0 compared, with slower cells too, for this is no gate, 1 error, 2 usage, "
           "or refused, 4 nothing to compare: no cell is in both.",
};

/* --- output ----------------------------------------------------------------------------------- */

static json_t *side_json(const struct fb_compare_side *side)
{
    json_t *json = json_object();
    json_object_set_new(json, "run_id", fb_json_text(side->run_id));
    json_object_set_new(json, "time", fb_json_text(side->machine.time));
    json_object_set_new(json, "commit", fb_json_text(side->machine.commit));
    json_object_set_new(json, "machine", fb_json_text(side->machine.id));
    json_object_set_new(json, "kernel", fb_json_text(side->machine.kernel));
    return json;
}

static json_t *moved_json(const struct fb_compare_moved *moved)
{
    json_t *json = json_object();
    json_object_set_new(json, "ratio", fb_json_double(moved->ratio));
    json_object_set_new(json, "lower", fb_json_double(moved->lower));
    json_object_set_new(json, "upper", fb_json_double(moved->upper));
    json_object_set_new(json, "cells", json_integer((json_int_t)moved->cells));
    return json;
}

static int print_json(const struct fb_compare_side *old, const struct fb_compare_side *new,
                      const struct fb_comparison *comparison, const struct fb_compare_drift *drift,
                      struct fb_error *err)
{
    char caution[1024];
    json_t *all = json_object(), *machine = json_object(), *cells = json_array();
    json_object_set_new(machine, "floor_copy", moved_json(&drift->copy));
    json_object_set_new(machine, "floor_read", moved_json(&drift->read));
    json_object_set_new(machine, "share", fb_json_double(drift->share));
    json_object_set_new(machine, "changed", json_integer((json_int_t)drift->told));
    json_object_set_new(machine, "no_proof", json_integer((json_int_t)drift->doubted));
    json_object_set_new(machine, "caution",
                        fb_json_text(fb_compare_caution(drift, caution, sizeof caution)));
    for (size_t i = 0; i < comparison->count; i++)
        json_array_append_new(cells, fb_json_row(fb_compare_columns, &comparison->items[i]));
    json_object_set_new(all, "old", side_json(old));
    json_object_set_new(all, "new", side_json(new));
    json_object_set_new(all, "forced",
                        fb_json_text(comparison->count ? comparison->items[0].forced : ""));
    json_object_set_new(all, "machine", machine);
    json_object_set_new(all, "cells", cells);
    char *text = json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    if (!text)
        return fb_fail_memory(err, "the comparison");
    puts(text);
    free(text);
    return 0;
}

static int write_folder(const struct fb_comparison *comparison, const struct arguments *a,
                        struct fb_error *err)
{
    char *path;
    if (asprintf(&path, "%s/compare.csv", a->out) < 0)
        return fb_fail_memory(err, "a file name");
    int rc = fb_make_folder(a->out, err);
    if (rc == 0)
        rc = fb_comparison_write(comparison, path, err);
    if (rc == 0) {
        FILE *say = a->json ? stderr : stdout;
        fputs(a->json ? "" : "\n", say);
        fb_print_text(say, path);
        fputc('\n', say);
    }
    free(path);
    return rc;
}

static int compare(const struct fb_compare_side *old, const struct fb_compare_side *new,
                   const struct arguments *a, struct fb_error *err)
{
    struct fb_comparison comparison = { 0 };
    struct fb_compare_drift drift;
    char obstacle[700];
    fb_compare_obstacle(old, new, obstacle, sizeof obstacle);
    if (*obstacle && !a->force)
        return fb_fail(err, FB_EUSAGE,
                       "the runs differ in %s: what is faster would not be known; --force compares "
                       "them all the same",
                       obstacle);
    int rc = fb_compare(old, new, a->threshold, obstacle, &comparison, err);
    if (rc == 0)
        rc = fb_compare_drift(&comparison, &drift, err);
    if (rc == 0 && a->json)
        rc = print_json(old, new, &comparison, &drift, err);
    else if (rc == 0)
        fb_compare_print(stdout, &comparison, &drift, fb_terminal_colour(stdout, a->colour),
                         fb_terminal_width(stdout));
    if (rc == 0 && a->out)
        rc = write_folder(&comparison, a, err);
    free(comparison.items);
    return rc;
}

int fb_command_compare(int argc, char **argv, struct fb_error *err)
{
    struct fb_compare_side old = { 0 }, new = { 0 };
    struct arguments a = { .threshold = THRESHOLD, .err = err };
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int rc = a.rc;
    if (rc == 0 && a.out)
        rc = fb_run_folder_is_free(a.out, err);
    if (rc == 0)
        rc = fb_compare_side_read(a.old, &old, err);
    if (rc == 0)
        rc = fb_compare_side_read(a.new, &new, err);
    if (rc == 0)
        rc = compare(&old, &new, &a, err);
    fb_compare_side_free(&old);
    fb_compare_side_free(&new);
    return rc;
}
