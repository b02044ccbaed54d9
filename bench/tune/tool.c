#include "bench/tune/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* --- any of them ------------------------------------------------------------------------------ */

static bool is_missing(const struct fb_process *process)
{
    return WIFEXITED(process->status) && WEXITSTATUS(process->status) == 127 &&
           strstr(process->complaint, "cannot start");
}

/* Where several lines were complained, the first says what went wrong. */
static void take_first_complaint(const struct fb_process *process, struct fb_error *err)
{
    const char *first = process->complaint;
    const char *end = strchr(first, '\n');
    if (end && end > first && !strstr(err->message, first)) {
        char inner[sizeof err->message];
        snprintf(inner, sizeof inner, "%s", err->message);
        fb_fail(err, err->code, "%.*s (%.600s)", (int)(end - first > 300 ? 300 : end - first),
                first, inner);
    }
}

static int tell_failure(const char *name, const struct fb_process *process, struct fb_error *err)
{
    static const char worker[] = "worker ";
    if (err->code == FB_EINTERRUPTED)
        return err->code;
    if (is_missing(process))
        return fb_fail(err, FB_EUNSUPPORTED,
                       "there is no %s in PATH; it comes with HDF5: 'apt-get install hdf5-tools' "
                       "installs it",
                       name);
    /* Processes are workers elsewhere. */
    if (strncmp(err->message, worker, strlen(worker)) == 0) {
        char said[sizeof err->message];
        snprintf(said, sizeof said, "%s", err->message + strlen(worker));
        fb_fail(err, err->code, "%s %.980s", name, said);
    }
    take_first_complaint(process, err);
    return err->code;
}

static int run(struct fb_process *process, const char *const argv[],
               const struct fb_process_limits *limits,
               void (*on_line)(void *context, const char *line, size_t length), void *context,
               struct fb_error *err)
{
    const char *line;
    size_t length;
    int rc = fb_process_start(process, argv, limits, err);
    if (rc)
        return rc;
    while ((rc = fb_process_read(process, &line, &length, err)) > 0)
        if (on_line)
            on_line(context, line, length);
    return rc;
}

int fb_tool_run(const char *const argv[], const struct fb_process_limits *limits,
                void (*on_line)(void *context, const char *line, size_t length), void *context,
                struct fb_error *err)
{
    struct fb_process process = FB_PROCESS_NONE;
    int rc = run(&process, argv, limits, on_line, context, err);
    if (rc)
        rc = tell_failure(argv[0], &process, err);
    fb_process_close(&process);
    return rc;
}

char *fb_tool_file_word(const char *name)
{
    char *word;
    return asprintf(&word, "%s%s", *name == '-' ? "./" : "", name) < 0 ? NULL : word;
}

/* --- h5diff ----------------------------------------------------------------------------------- */

/* The first line that tells of something that is not equal, or was not compared: both leave the
 * exit code 0 where h5diff thinks that it could not compare. */
struct doubt {
    char line[512];
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void look_for_doubt(void *context, const char *line, size_t length)
{
    static const char found[] = " differences found", not_comparable[] = "Not comparable:";
    struct doubt *doubt = context;
    char text[4096];
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1),
             line);
    bool counted =
        *text >= '1' && *text <= '9' && strcmp(text + strspn(text, "0123456789"), found) == 0;
    /* Of arrays without elements the shape is compared elsewhere. */
    bool compared = strncmp(text, not_comparable, strlen(not_comparable)) != 0 ||
                    ends_with(text, " is an empty dataset");
    if (!*doubt->line && (counted || !compared))
        snprintf(doubt->line, sizeof doubt->line, "%.500s", text);
}

int fb_tool_compare(const char *old_file, const char *new_file,
                    const struct fb_process_limits *limits, struct fb_error *err)
{
    struct doubt doubt = { "" };
    struct fb_process process = FB_PROCESS_NONE;
    char *words[2] = { fb_tool_file_word(old_file), fb_tool_file_word(new_file) };
    const char *argv[] = { "h5diff", "-v", "-n", "1", words[0], words[1], NULL };
    int rc = words[0] && words[1] ? run(&process, argv, limits, look_for_doubt, &doubt, err)
                                  : fb_fail_memory(err, "a command");
    bool differs = WIFEXITED(process.status) && WEXITSTATUS(process.status) == 1;
    if (rc == 0 && *doubt.line)
        rc = fb_fail(err, FB_EFORMAT,
                     "%s: h5diff does not find what h5repack wrote equal to it (%s): nothing was "
                     "kept",
                     old_file, doubt.line);
    else if (rc && differs)
        rc = fb_fail(err, FB_EFORMAT,
                     "%s: h5diff finds that what h5repack wrote differs from it (%s): nothing was "
                     "kept",
                     old_file,
                     *doubt.line ? doubt.line
                                 : "one file has objects that the other "
                                   "does not have");
    else if (rc)
        rc = tell_failure("h5diff", &process, err);
    fb_process_close(&process);
    free(words[0]);
    free(words[1]);
    return rc;
}
