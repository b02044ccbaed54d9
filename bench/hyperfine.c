#include "bench/hyperfine.h"
#include "base/output.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT_MAX ((size_t)16 << 20)
#define SECONDS_MAX 1e9

/* --- is it there ------------------------------------------------------------------------------ */

bool fb_hyperfine_parse_version(const char *text, struct fb_hyperfine *out)
{
    unsigned major, minor;
    *out = (struct fb_hyperfine){ 0 };
    if (sscanf(text, "hyperfine %31[0-9.]", out->version) != 1 ||
        sscanf(out->version, "%4u.%4u", &major, &minor) != 2)
        return false;
    out->no_shell = major > 1 || minor >= 13;
    return true;
}

int fb_hyperfine_find(struct fb_hyperfine *out, struct fb_error *err)
{
    char line[128] = "";
    FILE *stream = popen("hyperfine --version 2>/dev/null", "re");
    bool told = stream && fgets(line, sizeof line, stream);
    if (stream)
        pclose(stream);
    if (told && fb_hyperfine_parse_version(line, out))
        return 0;
    return fb_fail(err, FB_EUNSUPPORTED,
                   "--whole-process needs hyperfine, and there is none in PATH; 'make deps' or "
                   "'apt-get install hyperfine' installs it");
}

/* --- what it is told -------------------------------------------------------------------------- */

void fb_hyperfine_quote(FILE *stream, const char *word)
{
    if (ftell(stream) > 0)
        putc(' ', stream);
    putc('\'', stream);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\'", stream);
        putc(*word, stream);
    }
    putc('\'', stream);
}

/* The commands' own words say more than what hyperfine makes of their exit code. */
static void tell_failure(const struct fb_process *process, struct fb_error *err)
{
    static const char own[] = "fmtbench: ", worker[] = "worker ";
    const char *said = strstr(process->complaint, own);
    char text[512];
    if (err->code == FB_EINTERRUPTED)
        return;
    if (said) {
        said += strlen(own);
        fb_fail(err, FB_EIO, "under hyperfine: %.*s", (int)strcspn(said, "\n"), said);
        return;
    }
    /* Processes are workers elsewhere. */
    said = strncmp(err->message, worker, strlen(worker)) == 0 ? strlen(worker) + err->message
                                                              : err->message;
    snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, said);
    fb_fail(err, FB_EIO, "hyperfine %s", text);
}

static int start(const struct fb_hyperfine *hyperfine, const struct fb_hyperfine_job *job,
                 const struct fb_process_limits *limits, struct fb_process *process,
                 struct fb_error *err)
{
    char runs[32], warmups[32];
    const char *argv[24] = { "hyperfine", "--style=none" };
    size_t n = 2;
    snprintf(runs, sizeof runs, "--runs=%" PRIu64, job->runs);
    snprintf(warmups, sizeof warmups, "--warmup=%" PRIu64, job->warmups);
    if (hyperfine->no_shell) {
        argv[n++] = "--shell=none";
        argv[n++] = "--output=inherit";
    }
    argv[n++] = runs;
    argv[n++] = warmups;
    argv[n++] = "--export-json";
    argv[n++] = job->export_path;
    argv[n++] = "--prepare";
    argv[n++] = job->prepare;
    argv[n++] = "--";
    argv[n++] = job->command;
    return fb_process_start(process, argv, limits, err);
}

int fb_hyperfine_run(const struct fb_hyperfine *hyperfine, const struct fb_hyperfine_job *job,
                     const struct fb_process_limits *limits, uint64_t **ns, struct fb_error *err)
{
    struct fb_process process;
    char *json = NULL;
    size_t length;
    *ns = NULL;
    unlink(job->export_path); /* nothing of an earlier job is taken for this one's */
    int rc = start(hyperfine, job, limits, &process, err);
    if (rc)
        return rc;
    rc = fb_process_finish(&process, err);
    if (rc)
        tell_failure(&process, err);
    fb_process_close(&process);
    if (rc == 0)
        rc = fb_read_file(job->export_path, EXPORT_MAX, &json, &length, err);
    if (rc == 0)
        rc = fb_hyperfine_times(json, length, job->runs, ns, err);
    free(json);
    unlink(job->export_path);
    return rc;
}

/* --- what it answers -------------------------------------------------------------------------- */

static int take_times(const json_t *times, const json_t *codes, uint64_t *ns, struct fb_error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(times, i, item)
    {
        double seconds = json_is_number(item) ? json_number_value(item) : NAN;
        if (!(seconds >= 0 && seconds <= SECONDS_MAX))
            return fb_fail(err, FB_EFORMAT, "hyperfine's export: run %zu has no time in seconds",
                           i);
        ns[i] = (uint64_t)llround(seconds * 1e9);
    }
    json_array_foreach(codes, i, item)
    {
        if (!json_is_integer(item) || json_integer_value(item) != 0)
            return fb_fail(err, FB_EFORMAT, "hyperfine's export: run %zu did not end with 0", i);
    }
    return 0;
}

int fb_hyperfine_times(const char *json, size_t length, uint64_t runs, uint64_t **ns,
                       struct fb_error *err)
{
    json_error_t what;
    json_t *root = json_loadb(json, length, 0, &what);
    const json_t *results = json_object_get(root, "results");
    const json_t *first = json_array_get(results, 0);
    const json_t *times = json_object_get(first, "times");
    int rc;
    *ns = NULL;
    if (!root)
        rc = fb_fail(err, FB_EFORMAT, "hyperfine's export is no JSON: %s", what.text);
    else if (json_array_size(results) != 1 || !json_is_array(times))
        rc = fb_fail(err, FB_EFORMAT, "hyperfine's export does not hold the times of one command");
    else if (json_array_size(times) != runs || runs == 0)
        rc = fb_fail(err, FB_EFORMAT, "hyperfine's export has %zu times instead of %" PRIu64,
                     json_array_size(times), runs);
    else if (!(*ns = calloc(runs, sizeof **ns)))
        rc = fb_fail_memory(err, "hyperfine's times");
    else
        rc = take_times(times, json_object_get(first, "exit_codes"), *ns, err);
    if (rc) {
        free(*ns);
        *ns = NULL;
    }
    json_decref(root);
    return rc;
}
