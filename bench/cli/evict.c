/* `fmtbench evict`: a file out of the page cache (or into it), or an error: what `run
 * --whole-process` lets happen before every run. Not for people. */
#include "bench/cache.h"
#include "bench/cli/arguments.h"
#include "bench/cli/commands.h"

#include <argp.h>
#include <math.h>

#define KEY_WARM FB_ARG_FIRST_OWN

static const struct argp_option options[] = {
    { "warm", KEY_WARM, NULL, 0, "Read it into the page cache instead", 0 },
    { 0 },
};

struct arguments {
    const char *file;
    enum fb_cache state;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    const struct fb_positional table[] = { { "FILE", &a->file, true } };
    if (key != KEY_WARM)
        return fb_argument_positional(key, text, state, table, 1);
    a->state = FB_CACHE_WARM;
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Put FILE, or all files below a folder, out of the page cache, and fail unless at most "
           "1 % of it is left there.",
};

int fb_command_evict(int argc, char **argv, struct fb_error *err)
{
    struct arguments a = { .state = FB_CACHE_COLD };
    struct fb_cache_evidence evidence = { .device_bytes = UINT64_MAX, .read_bytes = UINT64_MAX };
    char why[256];
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int rc = fb_cache_prepare(a.file, a.state, err);
    if (rc == 0)
        rc = fb_cache_resident(a.file, &evidence.resident, err);
    /* Where the kernel does not tell, there is nothing to judge; the row is marked `unproven`. */
    if (rc || isnan(evidence.resident) || fb_cache_settled(a.state, evidence.resident))
        return rc;
    fb_cache_proven(a.file, a.state, &evidence, why, sizeof why);
    return fb_fail(err, FB_EIO, "not %s: %s", fb_cache_names[a.state], why);
}
