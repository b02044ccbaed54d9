/* Prints what fmtbench would tell people to do with a file, and does it: for apply_snippets.py.
 *
 *   apply_texts h5repack|python|c|apply FILE OUT SETTING PATH... [-- SETTING PATH...]
 *
 * SETTING is CHUNK:FILTER:LEVEL:SHUFFLE:LATEST, as 100x68x2:gzip:4:1:0; CHUNK 0 is one piece. */
#include "bench/tune/apply.h"
#include "bench/tune/repack.h"
#include "bench/tune/snippets.h"

#include "base/interrupt.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX 16

static int fail(const struct fb_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return fb_exit_code(err->code);
}

static void parse_setting(const char *text, struct fb_setting *setting)
{
    unsigned shuffle, latest;
    char *end;
    for (setting->rank = 0; *text != ':'; text = end + (*end == 'x'))
        setting->chunk[setting->rank++] = strtoull(text, &end, 10);
    if (setting->chunk[0] == 0)
        setting->rank = 0;
    if (sscanf(text, ":%15[a-z0-9]:%u:%u:%u", setting->filter, &setting->level, &shuffle,
               &latest) != 4)
        exit(2);
    setting->shuffle = shuffle;
    setting->latest = latest;
}

static int print(const char *what, const char *file, const char *out,
                 const struct fb_change *changes, size_t count)
{
    struct fb_portions portions;
    struct fb_repack repack = { 0 };
    struct fb_error err;
    int rc = fb_portions_make(file, changes, count, &portions, &err);
    if (rc)
        return fail(&err);
    if (strcmp(what, "python") == 0)
        fb_snippet_python(stdout, &portions, file, out);
    else if (strcmp(what, "c") == 0)
        fb_snippet_c(stdout, &portions, file, out);
    else if ((rc = fb_repack_make(file, &portions, &repack, &err)) == 0)
        rc = fb_repack_print(stdout, &repack, file, out, &err);
    fb_repack_free(&repack);
    fb_portions_free(&portions);
    return rc ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
    static const struct fb_process_limits limits = { UINT64_C(300000000000), UINT64_C(2) << 30 };
    struct fb_change changes[CHANGES_MAX] = { 0 };
    size_t count = 0;
    struct fb_error err;
    for (int i = 4; i < argc && count < CHANGES_MAX; count++) {
        struct fb_change *change = &changes[count];
        parse_setting(argv[i++], &change->setting);
        change->paths = argv + i;
        while (i < argc && strcmp(argv[i], "--") != 0)
            i++, change->count++;
        i++;
    }
    if (count == 0)
        return 2;
    if (strcmp(argv[1], "apply") != 0)
        return print(argv[1], argv[2], argv[3], changes, count);
    fb_interrupt_catch();
    return fb_apply(argv[2], argv[3], changes, count, &limits, &err) ? fail(&err) : 0;
}
