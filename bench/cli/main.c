#include "base/interrupt.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/options.h"
#include "bench/cli/arguments.h"
#include "bench/cli/command.h"
#include "bench/isolate.h"
#include "formats/format.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#ifndef FB_VERSION
#define FB_VERSION "0.1.0"
#endif

#define EXIT_USAGE 2

struct invocation {
    uint64_t memory_limit;
    const struct fb_command *command;
    int argc;
    char **argv; /* from the command's name on */
};

static size_t command_count(void)
{
    size_t n = 0;
    while (fb_commands[n].name)
        n++;
    return n;
}

/* Hidden commands have no summary, and are not suggested either. */
static const char *command_name(const void *context, size_t i)
{
    (void)context;
    return fb_commands[i].summary ? fb_commands[i].name : "";
}

static const struct fb_command *find_command(const char *name)
{
    for (size_t i = 0; fb_commands[i].name; i++)
        if (strcmp(fb_commands[i].name, name) == 0)
            return &fb_commands[i];
    return NULL;
}

static void print_commands(FILE *stream)
{
    for (size_t i = 0; fb_commands[i].name; i++)
        if (fb_commands[i].summary)
            fprintf(stream, "  %-10s %s\n", fb_commands[i].name, fb_commands[i].summary);
}

static void print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    char version[64];
    fprintf(stream, "fmtbench %s\njansson %s, xxHash %u.%u.%u\n", FB_VERSION, jansson_version_str(),
            XXH_versionNumber() / 10000, XXH_versionNumber() / 100 % 100,
            XXH_versionNumber() % 100);
    for (size_t i = 0; fb_formats[i]; i++)
        if (fb_formats[i]->version)
            fprintf(stream, "format %s: library version %s\n", fb_formats[i]->name,
                    fb_formats[i]->version(version, sizeof version));
}

/* The list of commands stands in the help where argp puts its text behind the options. */
static char *help_filter(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    char *help = NULL;
    size_t size;
    FILE *stream = open_memstream(&help, &size);
    if (!stream)
        return NULL;
    fputs("Commands:\n", stream);
    print_commands(stream);
    fputs("\n'fmtbench COMMAND --help' tells more about each.", stream);
    fclose(stream);
    return help;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct invocation *invocation = state->input;
    switch (key) {
    case FB_ARG_FIRST_OWN:
        if (!fb_parse_size(arg, &invocation->memory_limit) || invocation->memory_limit == 0)
            argp_error(state, "--memory-limit=%s is not a size such as 4GiB", arg);
        setenv("FMTBENCH_MEMORY_LIMIT", arg, 1); /* of what reads a file in a process of its own */
        return 0;
    case ARGP_KEY_ARG:
        /* The first word is the command; the rest is for its own parser. */
        invocation->argv = state->argv + state->next - 1;
        invocation->argc = state->argc - state->next + 1;
        state->next = state->argc;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option global_options[] = {
    { "memory-limit", FB_ARG_FIRST_OWN, "SIZE", 0,
      "Stop a command that reads files when it needs more memory than this, as 4GiB or 500MB "
      "(default: half of the machine's memory, 2 GiB at least); 'run' has its own for workers",
      0 },
    { 0 }
};

static const struct argp main_argp = {
    global_options,
    parse_option,
    "COMMAND [ARGUMENT...]",
    "Measures how fast array datasets can be read back from different file formats.\v ",
    NULL,
    help_filter,
    NULL,
};

/* Results that could not be written are an error, whatever else went well. */
static void check_stdout(void)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) != 0 || failed) {
        fprintf(stderr, "fmtbench: cannot write to standard output%s%s\n", errno ? ": " : "",
                errno ? strerror(errno) : "");
        _exit(1);
    }
}

static int run_command(void *context)
{
    struct invocation *invocation = context;
    struct fb_error err = { 0 };
    char name[64];
    snprintf(name, sizeof name, "fmtbench %s", invocation->command->name);
    invocation->argv[0] = name;
    /* Work that looks for the request ends in good order; what does not look must simply end. */
    if (invocation->command->isolated)
        fb_interrupt_catch();
    signal(SIGPIPE, SIG_IGN);
    int rc = invocation->command->main(invocation->argc, invocation->argv, &err);
    if (rc < 0) {
        fflush(stdout);
        fprintf(stderr, "fmtbench: %s\n", err.message);
    }
    return rc < 0 ? fb_exit_code(rc) : rc;
}

static int run_isolated(struct invocation *invocation)
{
    struct fb_error err = { 0 };
    char what[256] = "fmtbench";
    for (int i = 0; i < invocation->argc; i++) {
        size_t used = strlen(what);
        snprintf(what + used, sizeof what - used, " %s", invocation->argv[i]);
    }
    int rc = fb_isolate(run_command, invocation, invocation->memory_limit, what,
                        (const char *const *)invocation->argv, invocation->argc, &err);
    if (rc < 0)
        fprintf(stderr, "fmtbench: %s\n", err.message);
    return rc < 0 ? fb_exit_code(rc) : rc;
}

int main(int argc, char **argv)
{
    struct invocation invocation = { .memory_limit = fb_memory_limit() };
    argp_err_exit_status = EXIT_USAGE;
    argp_program_version_hook = print_version;
    /* A file that may not grow is an error to report, not a death. */
    signal(SIGXFSZ, SIG_IGN);
    atexit(check_stdout);
    error_t problem = argp_parse(&main_argp, argc, argv, ARGP_IN_ORDER, NULL, &invocation);
    if (problem) {
        fprintf(stderr, "fmtbench: %s\n", strerror(problem));
        return 1;
    }
    if (!invocation.argv) {
        fputs("Usage: fmtbench COMMAND [ARGUMENT...]\n\n", stderr);
        print_commands(stderr);
        fputs("\n'fmtbench --help' tells more.\n", stderr);
        return EXIT_USAGE;
    }
    invocation.command = find_command(invocation.argv[0]);
    if (!invocation.command) {
        const char *near = fb_nearest(invocation.argv[0], command_name, NULL, command_count());
        fprintf(stderr, "fmtbench: there is no command '%s'%s%s%s; 'fmtbench --help' lists all\n",
                invocation.argv[0], near ? " (did you mean " : "", near ? near : "",
                near ? "?)" : "");
        return EXIT_USAGE;
    }
    return invocation.command->isolated ? run_isolated(&invocation) : run_command(&invocation);
}
