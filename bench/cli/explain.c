/* `fmtbench explain`: where the time of reading a file goes, and what would make it less. */
#include "base/memory.h"
#include "base/number.h"
#include "base/output.h"
#include "bench/anatomy/study.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/cli/json.h"
#include "bench/run.h"
#include "plots/plot.h"

#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 64
#define TIMEOUT_S 300
#define DEFAULT_WORKLOAD "slicing"

enum key { KEY_CACHE = FB_ARG_FIRST_OWN, KEY_HANDLE, KEY_JSON };

static const struct argp_option options[] = {
    { "workload", 'w', "WORKLOAD[:opts]", 0,
      "Workload; may be given again (default: " DEFAULT_WORKLOAD ")", 0 },
    { "handle", KEY_HANDLE, "POLICY", 0, "once, each or keep (default: once)", 0 },
    { "cache", KEY_CACHE, "STATE", 0, "warm or cold (default: warm)", 0 },
    { "format", 'f', "FORMAT[:opts]", 0,
      "How to read FILE, as in as-is:cache=8388608 (default: as it is)", 0 },
    { "output", 'o', "DIR", 0, "Write anatomy.csv and its picture into DIR", 0 },
    { "json", KEY_JSON, NULL, 0, "Print cause, advice and promise as JSON, and nothing else", 0 },
    FB_COLOR_OPTION,
    { 0 },
};

struct arguments {
    struct fb_run_config config;
    const char *formats[1], *workloads[LIST_MAX];
    bool json;
    enum fb_colour colour;
};

static void choose(const char *text, const char *const *names, int count, bool *marks,
                   const char *what, struct argp_state *state)
{
    bool any = false;
    for (int i = 0; i < count; i++) {
        marks[i] = strcmp(text, names[i]) == 0;
        any |= marks[i];
    }
    if (!any)
        argp_error(state, "--%s=%s is not one of %s, %s%s%s", what, text, names[0], names[1],
                   count > 2 ? ", " : "", count > 2 ? names[2] : "");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct fb_run_config *config = &a->config;
    const struct fb_positional table[] = { { "FILE", &config->source, true } };
    switch (key) {
    case 'w':
        if (config->workload_count == LIST_MAX)
            argp_error(state, "more than %d workloads", LIST_MAX);
        else
            a->workloads[config->workload_count++] = text;
        return 0;
    case 'f':
        if (config->format_count)
            argp_error(state, "one format at a time, but got %s and %s", a->formats[0], text);
        a->formats[0] = text;
        config->format_count = 1;
        return 0;
    case 'o':
        config->out = text;
        return 0;
    case KEY_CACHE:
        choose(text, fb_cache_names, FB_CACHE_COUNT, config->cache, "cache", state);
        return 0;
    case KEY_HANDLE:
        choose(text, fb_handle_names, FB_HANDLE_COUNT, config->handle, "handle", state);
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

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Tell where the time of reading an HDF5 file goes, and what would make it less.\v"
           "FILE is read in a few traced passes of each workload, as it lies. What is advised "
           "comes with the time that is to be expected of it, from the file's geometry and the "
           "parts that were measured. Without -o nothing is written.\n\nExit codes: 0 fine, 1 "
           "something failed or was wrong, 2 usage, 4 nothing to read.",
};

/* --- output ----------------------------------------------------------------------------------- */

static const struct fb_format *writer_of(const struct fb_study *study,
                                         const struct fb_advice *advice)
{
    return advice->remedy == FB_REMEDY_CHUNK || advice->remedy == FB_REMEDY_PLAIN
               ? fb_study_writer(study, true)
           : advice->remedy == FB_REMEDY_CONTIGUOUS ? fb_study_writer(study, false)
                                                    : NULL;
}

/* The command that does what was advised. */
static void print_command(const struct fb_study *study, const struct fb_finding *finding,
                          const struct arguments *a)
{
    const struct fb_advice *advice = &finding->advice;
    const struct fb_format *writer = writer_of(study, advice);
    if (writer) {
        printf("    fmtbench convert ");
        fb_print_text(stdout, a->config.source);
        printf(" -f %s%s%s -o NEW.h5\n", writer->name, *advice->options ? ":" : "",
               advice->options);
    } else if (advice->remedy == FB_REMEDY_CACHE) {
        printf("    h5py.File(name, rdcc_nbytes=%llu), H5Pset_chunk_cache in C; to try it:\n"
               "    fmtbench run ",
               (unsigned long long)advice->cache_bytes);
        fb_print_text(stdout, a->config.source);
        printf(" -f %s -f %s:%s -w %s\n", finding->record.format, finding->record.format,
               advice->options, finding->record.workload);
    }
}

static void print_beside(const struct fb_beside *beside)
{
    char own[32], then[32];
    if (!beside->format)
        return;
    printf("\nThrough %s: %.2fx as fast", beside->format, beside->ratio);
    if (isfinite(beside->lower))
        printf(" (95 %%: %.2f-%.2f)", beside->lower, beside->upper);
    printf(": %s instead of %s.\n", fb_format_ns(beside->ns, then, sizeof then),
           fb_format_ns(beside->own_ns, own, sizeof own));
}

static json_t *beside_json(const struct fb_beside *beside)
{
    if (!beside->format)
        return json_null();
    return json_pack("{s:s, s:I, s:I, s:f, s:o, s:o}", "format", beside->format, "own_ns",
                     (json_int_t)beside->own_ns, "ns", (json_int_t)beside->ns, "ratio",
                     beside->ratio, "lower", fb_json_double(beside->lower), "upper",
                     fb_json_double(beside->upper));
}

static void print_finding(const struct fb_study *study, const struct fb_finding *finding,
                          const struct arguments *a)
{
    unsigned width = fb_terminal_width(stdout);
    fb_anatomy_print(stdout, &finding->record, fb_terminal_colour(stdout, a->colour), width);
    putchar('\n');
    if (*finding->no_advice) {
        fb_print_text(stdout, finding->no_advice);
        putchar('\n');
    } else {
        fb_advice_print(stdout, &finding->what, &finding->anatomy, &finding->advice, width);
        print_command(study, finding, a);
    }
    print_beside(&finding->beside);
}

static json_t *finding_json(const struct fb_study *study, const struct fb_finding *finding)
{
    const struct fb_advice *advice = &finding->advice;
    const struct fb_anatomy_record *record = &finding->record;
    const struct fb_format *writer = writer_of(study, advice);
    json_t *parts = json_object();
    for (size_t i = 0; i < FB_ANATOMY_PARTS; i++) {
        uint64_t ns = fb_anatomy_part_ns(record, i);
        json_object_set_new(parts, fb_anatomy_parts[i].key,
                            ns == FB_NA ? json_null() : json_integer((json_int_t)ns));
    }
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:o, s:s, s:s, s:s, s:s, s:f, s:f, s:I, s:I, s:I, s:I, s:o}",
        "workload", record->workload, "workload_options", record->workload_options, "cache",
        record->cache, "handle", record->handle, "total_ns", (json_int_t)record->total_ns,
        "parts_ns", parts, "cause", *finding->no_advice ? "" : fb_cause_names[advice->cause],
        "remedy", fb_remedy_names[advice->remedy], "options", advice->options, "writer",
        writer ? writer->name : "", "promised_ns", advice->then_ns, "promised_ratio", advice->gain,
        "chunks_now", (json_int_t)advice->now.touched, "decoded_bytes_now",
        (json_int_t)advice->now.loaded_bytes, "chunks_then", (json_int_t)advice->then.touched,
        "decoded_bytes_then", (json_int_t)advice->then.loaded_bytes, "beside",
        beside_json(&finding->beside));
}

static int print_json(const struct fb_study *study, struct fb_error *err)
{
    json_t *all = json_array();
    for (size_t i = 0; i < fb_study_count(study); i++)
        if (!*fb_study_finding(study, i)->reason)
            json_array_append_new(all, finding_json(study, fb_study_finding(study, i)));
    char *text = json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    if (!text)
        return fb_fail_memory(err, "the findings");
    puts(text);
    free(text);
    return 0;
}

static int write_folder(const struct fb_study *study, const struct arguments *a,
                        struct fb_error *err)
{
    struct fb_anatomies anatomies = { 0 };
    struct fb_error plot_error;
    char *path;
    int rc = 0;
    if (asprintf(&path, "%s/anatomy.csv", a->config.out) < 0)
        return fb_fail_memory(err, "a file name");
    for (size_t i = 0; rc == 0 && i < fb_study_count(study); i++)
        if (!*fb_study_finding(study, i)->reason)
            rc = fb_anatomies_add(&anatomies, &fb_study_finding(study, i)->record, err);
    if (rc == 0)
        rc = fb_make_folder(a->config.out, err);
    if (rc == 0)
        rc = fb_anatomies_write(&anatomies, path, err);
    if (rc == 0) {
        FILE *say = a->json ? stderr : stdout;
        fprintf(say, "%s%s\n", a->json ? "" : "\n", path);
        if (fb_plots_make(a->config.out, say, &plot_error))
            fprintf(stderr, "fmtbench: no picture: %s\n", plot_error.message);
    }
    free(anatomies.items);
    free(path);
    return rc;
}

static int show(const struct fb_study *study, const struct arguments *a, struct fb_error *err)
{
    const char *reason = "";
    size_t told = 0;
    for (size_t i = 0; i < fb_study_count(study); i++) {
        const struct fb_finding *finding = fb_study_finding(study, i);
        if (*finding->reason) {
            reason = finding->reason;
            fprintf(stderr, "fmtbench: nothing to explain: ");
            fb_print_text(stderr, reason);
            fputc('\n', stderr);
        } else if (!a->json) {
            if (told > 0)
                putchar('\n');
            print_finding(study, finding, a);
        }
        told += !*finding->reason;
    }
    if (told == 0)
        return fb_fail(err, FB_ENOTHING, "%s: %s", a->config.source, reason);
    int rc = a->json ? print_json(study, err) : 0;
    if (rc == 0 && a->config.out)
        rc = write_folder(study, a, err);
    return rc;
}

/* --- the command ------------------------------------------------------------------------------ */

int fb_command_explain(int argc, char **argv, struct fb_error *err)
{
    struct fb_progress progress = { 0 };
    struct fb_study *study;
    struct arguments a = {
        .config = {
            .cache = { true, false },
            .handle = { true, false, false },
            .seed = 1,
            .max_bytes = UINT64_MAX,
            .limits = { .timeout_ns = TIMEOUT_S * UINT64_C(1000000000),
                        .memory_bytes = fb_memory_limit() },
            .listener = &progress,
            .say = fb_progress_say,
            .progress = fb_progress_update,
        },
    };
    a.config.formats = a.formats;
    a.config.workloads = a.workloads;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.config.workload_count == 0)
        a.workloads[a.config.workload_count++] = DEFAULT_WORKLOAD;
    int rc = a.config.out ? fb_run_folder_is_free(a.config.out, err) : 0;
    if (rc)
        return rc;
    fb_progress_start(&progress);
    rc = fb_study_make(&a.config, &study, err);
    fb_progress_end(&progress);
    if (rc)
        return rc;
    rc = show(study, &a, err);
    fb_study_free(study);
    return rc;
}
