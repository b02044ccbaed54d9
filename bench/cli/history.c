/* `fmtbench history`: runs over time, and where a time changed. */
#include "results/history.h"
#include "base/output.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/json.h"
#include "plots/plot.h"

#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "history.csv"
/* As an exit code: nothing that could have changed. */
#define NOTHING 4

/* --- add -------------------------------------------------------------------------------------- */

enum key { KEY_LABEL = FB_ARG_FIRST_OWN, KEY_JSON };

struct add_arguments {
    const char *folder, *file, *label;
};

static const struct argp_option add_options[] = {
    { "output", 'o', "FILE", 0, "The history (default: " FILE_NAME "); made if it is not there",
      0 },
    { "label", KEY_LABEL, "TEXT", 0, "What to call the run: a version, say", 0 },
    { 0 },
};

static error_t parse_add(int key, char *text, struct argp_state *state)
{
    struct add_arguments *a = state->input;
    const struct fb_positional table[] = { { "RUN_FOLDER", &a->folder, true } };
    switch (key) {
    case 'o':
        a->file = text;
        return 0;
    case KEY_LABEL:
        if (strlen(text) >= sizeof((struct fb_history_record *)0)->label)
            argp_error(state, "--label has more than %zu characters",
                       sizeof((struct fb_history_record *)0)->label - 1);
        a->label = text;
        return 0;
    default:
        return fb_argument_positional(key, text, state, table, 1);
    }
}

static const struct argp add_argp = {
    .options = add_options,
    .parser = parse_add,
    .args_doc = "RUN_FOLDER",
    .doc = "Add the cells of a stored run to a history.\v"
           "Lines are added, none is changed; a run that is there already is refused.",
};

static int add(int argc, char **argv, struct fb_error *err)
{
    struct add_arguments a = { .file = FILE_NAME, .label = "" };
    struct fb_history run;
    size_t left_out;
    argp_parse(&add_argp, argc, argv, 0, NULL, &a);
    int rc = fb_history_of_run(a.folder, a.label, &run, &left_out, err);
    if (rc)
        return rc;
    rc = fb_history_append(a.file, &run, err);
    if (rc == 0) {
        printf("%s: %zu cell%s of the run %s", a.file, run.count, run.count == 1 ? "" : "s",
               run.items[0].run_id);
        printf(left_out ? "; rows without a time, left out: %zu\n" : "\n", left_out);
    }
    free(run.items);
    return rc;
}

/* --- show ------------------------------------------------------------------------------------- */

struct show_arguments {
    const char *file, *out;
    bool json;
    enum fb_colour colour;
};

static const struct argp_option show_options[] = {
    { "output", 'o', "DIR", 0, "Draw a chart a workload, cache state and handle into DIR", 0 },
    { "json", KEY_JSON, NULL, 0, "Print the changes as JSON, and nothing else", 0 },
    FB_COLOR_OPTION,
    { 0 },
};

static error_t parse_show(int key, char *text, struct argp_state *state)
{
    struct show_arguments *a = state->input;
    const struct fb_positional table[] = { { "FILE", &a->file, false } };
    switch (key) {
    case 'o':
        a->out = text;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case FB_ARG_COLOR:
        return fb_argument_color(state, text, &a->colour);
    default:
        return fb_argument_positional(key, text, state, table, 1);
    }
}

static const struct argp show_argp = {
    .options = show_options,
    .parser = parse_show,
    .args_doc = "[FILE]",
    .doc = "Tell where the times in a history (default: " FILE_NAME
           ") changed, the worst first; or add a run to it ('history add --help').\v"
           "Only runs of one machine are compared. A change is found when five runs have the new "
           "level, by E-divisive (Matteson & James, 2014) on logarithms, at 5 % for the whole "
           "history; lone outliers, slow drift and less than 2 % are none.\n\n"
           "Exit codes: 0 fine, also with changes, 1 error, 2 usage, 4 nothing to show: no cell "
           "has ten runs.",
};

static json_t *change_json(const struct fb_history_change *found)
{
    const struct fb_history_record *row = found->series->rows[found->change->at];
    const struct {
        const char *key, *text;
    } texts[] = {
        { "run_id", row->run_id },
        { "time", row->time },
        { "commit", row->commit },
        { "label", row->label },
        { "machine", row->machine },
        { "cell_id", row->cell_id },
        { "dataset", fb_history_dataset(row->dataset) },
        { "format", row->format },
        { "options", row->options },
        { "workload", row->workload },
        { "workload_options", row->workload_options },
        { "cache", row->cache },
        { "cache_state", row->cache_state },
        { "handle", row->handle },
        { "clock", row->clock },
    };
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_object_set_new(json, texts[i].key, fb_json_text(texts[i].text));
    json_object_set_new(json, "ratio", json_real(found->change->ratio));
    json_object_set_new(json, "lower", json_real(found->change->lower));
    json_object_set_new(json, "upper", json_real(found->change->upper));
    return json;
}

static int show_json(const struct fb_history_view *view, struct fb_error *err)
{
    struct fb_history_change *changes;
    size_t count;
    int rc = fb_history_rank(view, &changes, &count, err);
    if (rc)
        return rc;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, change_json(&changes[i]));
    free(changes);
    json_t *all = json_pack("{s:I, s:I, s:o}", "series", (json_int_t)view->count, "judged",
                            (json_int_t)view->judged, "changes", list);
    char *text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
    json_decref(all);
    if (!text)
        return fb_fail_memory(err, "the answer");
    puts(text);
    free(text);
    return 0;
}

static int draw(const struct fb_history_view *view, const struct show_arguments *a,
                struct fb_error *err)
{
    struct fb_pictures pictures = { 0 };
    int rc = fb_make_folder(a->out, err);
    if (rc == 0)
        rc = fb_tidy_history(view, a->out, &pictures, err);
    fflush(stdout);
    if (rc == 0)
        rc = fb_plots_draw(&pictures, a->out, a->json ? stderr : stdout, err);
    free(pictures.items);
    return rc;
}

/* `named`: by its verb, which may be left out. */
static int show(int argc, char **argv, bool named, struct fb_error *err)
{
    struct show_arguments a = { .file = FILE_NAME };
    struct fb_history history;
    struct fb_history_view view;
    struct argp parser = show_argp;
    if (!named)
        parser.args_doc = "[FILE]\nshow [FILE]\nadd RUN_FOLDER";
    argp_parse(&parser, argc, argv, 0, NULL, &a);
    int rc = fb_history_read(a.file, &history, err);
    if (rc)
        return rc;
    if (history.count == 0)
        return fb_fail(err, FB_ENOTHING, "%s holds no run yet: 'fmtbench history add' adds one",
                       a.file);
    rc = fb_history_look(&history, &view, err);
    if (rc == 0) {
        rc = a.json ? show_json(&view, err)
                    : fb_history_print(stdout, &view, fb_terminal_colour(stdout, a.colour),
                                       fb_terminal_width(stdout), err);
        if (rc == 0 && a.out)
            rc = draw(&view, &a, err);
        if (rc == 0 && view.judged == 0)
            rc = NOTHING;
        fb_history_view_free(&view);
    }
    free(history.items);
    return rc;
}

int fb_command_history(int argc, char **argv, struct fb_error *err)
{
    bool adds = argc > 1 && strcmp(argv[1], "add") == 0;
    bool shows = argc > 1 && strcmp(argv[1], "show") == 0;
    if (!adds && !shows)
        return show(argc, argv, false, err);
    /* What argp takes for the program's name, in usage messages. */
    char *name;
    if (asprintf(&name, "%s %s", argv[0], argv[1]) < 0)
        return fb_fail_memory(err, "a name");
    argv[1] = name;
    int rc = adds ? add(argc - 1, argv + 1, err) : show(argc - 1, argv + 1, true, err);
    free(name);
    return rc;
}
