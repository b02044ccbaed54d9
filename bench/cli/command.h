/* The table of commands: one file a command, one line in commands.c. */
#ifndef FB_BENCH_CLI_COMMAND_H
#define FB_BENCH_CLI_COMMAND_H

#include "base/error.h"

#include <stdbool.h>

struct fb_command {
    const char *name;
    const char *summary; /* one line for `fmtbench --help`; NULL hides it (worker) */
    /* Parses its own arguments with argp (argv[0] is the command's name, as "fmtbench run"), works,
     * prints results to stdout. Returns 0, a negative fb_code with err filled, or a positive exit
     * code when everything has been said already. */
    int (*main)(int argc, char **argv, struct fb_error *err);
    /* Opens files that a storage library parses: main() runs it in a child process, so that a crash
     * or runaway memory inside a library on a hostile file becomes an error message. Such a command
     * also looks for fb_interrupted() and ends in good order; others just end. */
    bool isolated;
};

/* Ended by a row without a name. */
extern const struct fb_command fb_commands[];

#endif
