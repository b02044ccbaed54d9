/* hyperfine, a program that times whole commands: is it there, what it is told, what it answers. */
#ifndef FB_BENCH_HYPERFINE_H
#define FB_BENCH_HYPERFINE_H

#include "base/error.h"
#include "base/process.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct fb_hyperfine {
    char version[32];
    bool no_shell; /* it can start commands without a shell between (from 1.13 on) */
};

/* Asks the hyperfine in PATH for its version; FB_EUNSUPPORTED with what to install where there is
 * none. */
int fb_hyperfine_find(struct fb_hyperfine *out, struct fb_error *err);

/* From what `hyperfine --version` prints; false when that is something else. */
bool fb_hyperfine_parse_version(const char *text, struct fb_hyperfine *out);

/* Writes a word as a shell (and hyperfine without one) reads it back, whatever is in it, and a
 * blank before it unless it is the first. */
void fb_hyperfine_quote(FILE *stream, const char *word);

/* What is timed. Both commands are text made with fb_hyperfine_quote. */
struct fb_hyperfine_job {
    const char *command;
    const char *prepare; /* before each run, off the clock */
    uint64_t runs, warmups;
    const char *export_path; /* takes hyperfine's JSON; replaced */
};

/* Runs it and returns one time a run, in time order, in fresh memory of job->runs items. The time
 * limit holds for hyperfine and all that it starts, the memory limit for itself. Errors carry the
 * commands' or hyperfine's last words; FB_EINTERRUPTED after Ctrl-C. */
int fb_hyperfine_run(const struct fb_hyperfine *hyperfine, const struct fb_hyperfine_job *job,
                     const struct fb_process_limits *limits, uint64_t **ns, struct fb_error *err);

/* The times in an export of one command: exactly `runs` numbers of seconds, each from 0 to 10^9,
 * and exit codes of 0 where they are told. Anything else is FB_EFORMAT. */
int fb_hyperfine_times(const char *json, size_t length, uint64_t runs, uint64_t **ns,
                       struct fb_error *err);

#endif
