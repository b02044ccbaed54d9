#include "plots/plot.h"
#include "base/interrupt.h"
#include "base/output.h"
#include "base/share.h"
#include "results/anatomy.h"
#include "results/claims.h"
#include "results/record.h"
#include "results/tidy.h"
#include "results/tune.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* name='text';  gnuplot interprets nothing within single quotes but the quote itself. */
static void assign(char *commands, size_t size, const char *name, const char *text)
{
    size_t used = strlen(commands);
    used += (size_t)snprintf(commands + used, size - used, "%s='", name);
    for (; *text && used + 8 < size; text++) {
        if (*text == '\'')
            commands[used++] = '\'';
        commands[used++] = *text;
    }
    snprintf(commands + used, size - used, "';");
}

/* All that gnuplot has to say, its line ends as blanks; what does not fit is dropped. */
static void read_message(int fd, char *message, size_t size)
{
    char chunk[512];
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        for (ssize_t i = 0; i < n; i++)
            if (used + 1 < size &&
                !(strchr(" \n", chunk[i]) && (!used || message[used - 1] == ' ')))
                message[used++] = chunk[i] == '\n' ? ' ' : chunk[i];
    while (used > 0 && message[used - 1] == ' ')
        used--;
    message[used] = '\0';
}

static int fail_missing(struct fb_error *err)
{
    return fb_fail(err, FB_EUNSUPPORTED,
                   "gnuplot is not installed: pictures need it (`apt install gnuplot-nox`, or "
                   "`make deps`)");
}

/* Runs gnuplot in `folder`, without a shell and without the user's own settings. */
static int run_gnuplot(const char *folder, const char *commands, const char *common,
                       const char *script, struct fb_error *err)
{
    char *argv[] = {
        "gnuplot", "-d", "-e", (char *)commands, (char *)common, (char *)script, NULL
    };
    char message[700];
    int fds[2], status = 0;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return fb_fail_errno(err, "cannot start gnuplot");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 2);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    if (failed) {
        close(fds[0]);
        errno = failed;
        return failed == ENOENT ? fail_missing(err) : fb_fail_errno(err, "cannot start gnuplot");
    }
    read_message(fds[0], message, sizeof message);
    close(fds[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    /* Where fork and exec are apart, as under valgrind, a failed exec shows only here. */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return fail_missing(err);
    return fb_fail(err, FB_EIO, "gnuplot failed: %s",
                   message[0] ? message : "it was ended by a signal");
}

/* Draws one picture as one kind of file. gnuplot works in the plots folder and sees only names
 * that we made, so that whatever the run's folder is called needs no quoting. */
static int draw(const char *folder, const char *scripts, const struct fb_picture *picture,
                const char *terminal, const char *suffix, FILE *say, struct fb_error *err)
{
    struct fb_output output = { 0 };
    char commands[2048] = "", data[128], common[PATH_MAX + 16], script[PATH_MAX + 64];
    size_t size = strlen(folder) + sizeof picture->name + 16;
    char *path = malloc(size);
    int rc = 0;
    if (!path)
        return fb_fail_memory(err, "a file name");
    snprintf(path, size, "%s/%s.%s", folder, picture->name, suffix);
    if ((rc = fb_output_begin(&output, path, err)) != 0)
        goto out;
    snprintf(data, sizeof data, "%s.csv", picture->name);
    snprintf(common, sizeof common, "%s/common.gp", scripts);
    snprintf(script, sizeof script, "%s/%s", scripts, picture->script);
    assign(commands, sizeof commands, "terminal", terminal);
    assign(commands, sizeof commands, "output", strrchr(output.temp, '/') + 1);
    assign(commands, sizeof commands, "data", data);
    assign(commands, sizeof commands, "title", picture->title);
    assign(commands, sizeof commands, "subtitle", picture->subtitle);
    rc = run_gnuplot(folder, commands, common, script, err);
    if (rc) {
        fb_fail_in(err, "cannot draw %s", path);
        goto out;
    }
    if ((rc = fb_output_commit(&output, err)) == 0)
        fprintf(say, "%s\n", path);
out:
    fb_output_abort(&output);
    free(path);
    return rc;
}

static int draw_all(const char *scripts, const char *folder, const struct fb_pictures *pictures,
                    FILE *say, struct fb_error *err)
{
    static const struct {
        const char *terminal, *suffix;
    } kinds[] = { { "svg", "svg" }, { "pngcairo", "png" } };
    int first = 0;
    /* Without gnuplot each would fail the same way. */
    for (size_t i = 0; i < 2 * pictures->count && first != FB_EUNSUPPORTED; i++) {
        struct fb_error later;
        if (fb_interrupted())
            return fb_fail(err, FB_EINTERRUPTED, "interrupted; not all pictures were made");
        int rc = draw(folder, scripts, &pictures->items[i / 2], kinds[i % 2].terminal,
                      kinds[i % 2].suffix, say, first ? &later : err);
        first = first ? first : rc;
    }
    return first;
}

static char *in_folder(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int tidy_run(const char *path, const char *folder, struct fb_pictures *pictures,
                    struct fb_error *err)
{
    struct fb_records records = { 0 };
    int rc = fb_records_read(path, &records, err);
    if (rc == 0)
        rc = fb_make_folder(folder, err);
    if (rc == 0)
        rc = fb_tidy_write(&records, folder, pictures, err);
    free(records.items);
    return rc;
}

static int tidy_anatomy(const char *path, const char *folder, struct fb_pictures *pictures,
                        struct fb_error *err)
{
    struct fb_anatomies anatomies = { 0 };
    int rc = fb_anatomies_read(path, &anatomies, err);
    if (rc == 0)
        rc = fb_make_folder(folder, err);
    if (rc == 0)
        rc = fb_tidy_anatomy(&anatomies, folder, pictures, err);
    free(anatomies.items);
    return rc;
}

static int tidy_claims(const char *path, const char *folder, struct fb_pictures *pictures,
                       struct fb_error *err)
{
    struct fb_figures figures = { 0 };
    int rc = fb_figures_read(path, &figures, err);
    if (rc == 0)
        rc = fb_make_folder(folder, err);
    if (rc == 0)
        rc = fb_tidy_claims(&figures, folder, pictures, err);
    fb_figures_free(&figures);
    return rc;
}

static int tidy_tune(const char *path, const char *folder, struct fb_pictures *pictures,
                     struct fb_error *err)
{
    struct fb_tune_records records = { 0 };
    int rc = fb_tune_records_read(path, &records, err);
    if (rc == 0)
        rc = fb_make_folder(folder, err);
    if (rc == 0)
        rc = fb_tidy_tune(&records, folder, pictures, err);
    free(records.items);
    return rc;
}

/* What a folder may hold. A run's own table is missed where there is nothing else. */
static const struct {
    const char *name;
    int (*tidy)(const char *path, const char *folder, struct fb_pictures *pictures,
                struct fb_error *err);
} tables[] = {
    { "results.csv", tidy_run },
    { "anatomy.csv", tidy_anatomy },
    { "claims.csv", tidy_claims },
    { "tune.csv", tidy_tune },
};
#define TABLES (sizeof tables / sizeof *tables)

/* The tidy tables of all that the folder holds. */
static int write_tables(const char *run_dir, const char *folder, struct fb_pictures *pictures,
                        struct fb_error *err)
{
    char *paths[TABLES] = { NULL };
    bool there[TABLES], any = false;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < TABLES; i++) {
        paths[i] = in_folder(run_dir, tables[i].name);
        there[i] = paths[i] && access(paths[i], F_OK) == 0;
        any |= there[i];
        rc = paths[i] ? 0 : fb_fail_memory(err, "a file name");
    }
    for (size_t i = 0; rc == 0 && i < TABLES; i++)
        if (there[i] || (i == 0 && !any))
            rc = tables[i].tidy(paths[i], folder, pictures, err);
    if (rc == 0 && pictures->count == 0)
        rc = fb_fail(err, FB_ENOTHING, "%s has no row with a time: nothing to draw", run_dir);
    for (size_t i = 0; i < TABLES; i++)
        free(paths[i]);
    return rc;
}

int fb_plots_make_with(const char *scripts, const char *run_dir, FILE *say, struct fb_error *err)
{
    struct fb_pictures pictures = { 0 };
    char *folder = in_folder(run_dir, "plots");
    int rc = folder ? 0 : fb_fail_memory(err, "a file name");
    if (rc == 0)
        rc = write_tables(run_dir, folder, &pictures, err);
    if (rc == 0)
        rc = draw_all(scripts, folder, &pictures, say, err);
    free(pictures.items);
    free(folder);
    return rc;
}

int fb_plots_draw(const struct fb_pictures *pictures, const char *folder, FILE *say,
                  struct fb_error *err)
{
    char scripts[PATH_MAX];
    int rc = fb_share_find("plots/common.gp", scripts, sizeof scripts, err);
    return rc ? rc : draw_all(dirname(scripts), folder, pictures, say, err);
}

int fb_plots_make(const char *run_dir, FILE *say, struct fb_error *err)
{
    char scripts[PATH_MAX];
    int rc = fb_share_find("plots/common.gp", scripts, sizeof scripts, err);
    return rc ? rc : fb_plots_make_with(dirname(scripts), run_dir, say, err);
}
