#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"
#include "bench/workload.h"
#include "datasets/importers.h"
#include "formats/format.h"

#include <inttypes.h>
#include <stdio.h>

struct style {
    const char *bold, *plain;
};

#define ARG_MARKDOWN FB_ARG_FIRST_OWN

struct list_arguments {
    enum fb_colour colour;
    bool markdown;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct list_arguments *arguments = state->input;
    if (key == FB_ARG_COLOR)
        return fb_argument_color(state, arg, &arguments->colour);
    if (key == ARG_MARKDOWN) {
        arguments->markdown = true;
        return 0;
    }
    return fb_argument_positional(key, arg, state, NULL, 0);
}

static const struct argp_option argp_options[] = {
    { "markdown", ARG_MARKDOWN, NULL, 0, "The tables of the README", 0 },
    FB_COLOR_OPTION,
    { 0 },
};

static const struct argp list_argp = {
    argp_options,
    parse_option,
    "",
    "Shows formats, sources and workloads, each with its options, their defaults and what they "
    "accept.",
    NULL,
    NULL,
    NULL,
};

static void print_option(const struct fb_option *option)
{
    printf("      %s=%s", option->name, *option->fallback ? option->fallback : "...");
    if (option->type == FB_OPTION_UINT && option->max < UINT32_MAX)
        printf("  (%" PRIu64 " to %" PRIu64 ")", option->min, option->max);
    else if (option->type == FB_OPTION_UINT)
        printf("  (%" PRIu64 " or more)", option->min);
    else if (option->choices)
        printf("  (%s)", option->choices);
    printf("  %s\n", option->help);
}

static void print_entry(const struct style *style, const char *name, const char *summary,
                        const char *notes, const struct fb_option *options)
{
    printf("  %s%s%s%s  %s\n", style->bold, name, style->plain, notes, summary);
    for (const struct fb_option *option = options; option && option->name; option++)
        print_option(option);
}

static const char *format_kind(const struct fb_format *format)
{
    if (format->flags & FB_NO_FILE)
        return " [reference, no file]";
    if (format->flags & FB_REFERENCE)
        return format->flags & FB_LOADS_WHOLE ? " [reference, loads whole]" : " [reference]";
    if (format->flags & FB_AS_IS)
        return " [read only]";
    return format->flags & FB_LOADS_WHOLE ? " [loads whole]" : "";
}

struct notes {
    char text[64];
};

static struct notes format_notes(const struct fb_format *format)
{
    struct notes notes;
    snprintf(notes.text, sizeof notes.text, "%s%s", format_kind(format),
             format->adapter              ? " [on request, by Python]"
             : format->flags & FB_BY_NAME ? " [on request]"
                                          : "");
    return notes;
}

static const char *workload_notes(const struct fb_workload *workload)
{
    return workload->standard ? "" : " [on request]";
}

/* --- Markdown --------------------------------------------------------------------------------- */

static void print_row(const char *name, const char *notes, const char *summary,
                      const struct fb_option *options)
{
    printf("| `%s` | %s%s | ", name, summary, notes);
    for (const struct fb_option *option = options; option && option->name; option++)
        printf("%s`%s=%s`", option == options ? "" : " ", option->name,
               *option->fallback ? option->fallback : "...");
    puts(" |");
}

static void print_markdown(void)
{
    puts("| format | what it is | options and their defaults |\n| --- | --- | --- |");
    for (size_t i = 0; fb_formats[i]; i++)
        print_row(fb_formats[i]->name, format_notes(fb_formats[i]).text, fb_formats[i]->summary,
                  fb_formats[i]->options);
    puts("\n| workload | what it reads | options and their defaults |\n| --- | --- | --- |");
    for (size_t i = 0; fb_workloads[i]; i++)
        print_row(fb_workloads[i]->name, workload_notes(fb_workloads[i]), fb_workloads[i]->summary,
                  fb_workloads[i]->options);
    puts("\n| source | what it is | options and their defaults |\n| --- | --- | --- |");
    for (size_t i = 0; fb_importers[i]; i++)
        print_row(fb_importers[i]->name, "", fb_importers[i]->summary, fb_importers[i]->options);
}

int fb_command_list(int argc, char **argv, struct fb_error *err)
{
    (void)err;
    struct list_arguments arguments = { FB_COLOUR_AUTO, false };
    argp_parse(&list_argp, argc, argv, 0, NULL, &arguments);
    bool coloured = fb_terminal_colour(stdout, arguments.colour);
    const struct style style = { coloured ? "\033[1m" : "", coloured ? "\033[0m" : "" };
    if (arguments.markdown) {
        print_markdown();
        return 0;
    }
    puts("Formats, as in -f NAME:option=value,option=value (defaults are shown)");
    for (size_t i = 0; fb_formats[i]; i++)
        print_entry(&style, fb_formats[i]->name, fb_formats[i]->summary,
                    format_notes(fb_formats[i]).text, fb_formats[i]->options);
    puts("\nSources: any file of a format above, found by its content, and");
    for (size_t i = 0; fb_importers[i]; i++)
        print_entry(&style, fb_importers[i]->name, fb_importers[i]->summary,
                    fb_importers[i]->recognises ? ":PATH" : ":", fb_importers[i]->options);
    puts("\nWorkloads, as in -w NAME:option=value,option=value; those on request are not taken "
         "without -w, and\n-w all takes every one");
    for (size_t i = 0; fb_workloads[i]; i++)
        print_entry(&style, fb_workloads[i]->name, fb_workloads[i]->summary,
                    workload_notes(fb_workloads[i]), fb_workloads[i]->options);
    return 0;
}
