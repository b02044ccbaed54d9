#include "bench/isolate.h"
#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 20000000

uint64_t fb_isolate_default_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t least = UINT64_C(2) << 30;
    uint64_t half = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : 0;
    return half > least ? half : least;
}

/* Resident memory that is no mapped file, 0 when not known. */
static uint64_t anonymous_bytes(pid_t pid)
{
    char path[64];
    uint64_t resident = 0, shared = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *stream = fopen(path, "re");
    if (!stream)
        return 0;
    int fields = fscanf(stream, "%*u %" SCNu64 " %" SCNu64, &resident, &shared);
    fclose(stream);
    return fields == 2 && resident > shared ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE)
                                            : 0;
}

/* Until the child's end: passes signals on and watches its memory. True when it had to be killed
 * for that. */
static bool watch(pid_t pid, const sigset_t *signals, uint64_t memory_limit, int *status)
{
    const struct timespec tick = { 0, POLL_NS };
    bool killed = false;
    while (waitpid(pid, status, WNOHANG) == 0) {
        int signal_number = sigtimedwait(signals, NULL, &tick);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            kill(pid, signal_number);
        if (!killed && anonymous_bytes(pid) > memory_limit) {
            kill(pid, SIGKILL);
            killed = true;
        }
    }
    return killed;
}

/* Removes PATH.tmp-PID-*. The id of a process that has just ended can be nobody else's. */
static void remove_temporaries(const char *path, pid_t pid)
{
    char *folder_copy = strdup(path), *name_copy = strdup(path), *prefix = NULL, *victim = NULL;
    if (!folder_copy || !name_copy ||
        asprintf(&prefix, "%s.tmp-%ld-", basename(name_copy), (long)pid) < 0)
        goto out;
    const char *folder_name = dirname(folder_copy);
    DIR *folder = opendir(folder_name);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            asprintf(&victim, "%s/%s", folder_name, entry->d_name) >= 0) {
            unlink(victim);
            free(victim);
        }
    }
    if (folder)
        closedir(folder);
    free(prefix);
out:
    free(folder_copy);
    free(name_copy);
}

/* An output path is a word of its own ("-o x") or the end of one ("-ox", "--output=x"). */
static void clean_up(const char *const *words, int count, pid_t pid)
{
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        if (strncmp(word, "--", 2) == 0 && strchr(word, '='))
            word = strchr(word, '=') + 1;
        else if (word[0] == '-' && word[1] && word[1] != '-' && word[2])
            word += 2;
        remove_temporaries(word, pid);
    }
}

static int explain(int status, bool killed, uint64_t memory_limit, const char *what,
                   struct fb_error *err)
{
    char limit[32];
    int number = WTERMSIG(status);
    if (killed)
        return fb_fail(err, FB_EMEMORY,
                       "%s: stopped, as it needed more than %s of memory; 'fmtbench "
                       "--memory-limit SIZE ...' allows more",
                       what, fb_format_bytes(memory_limit, limit, sizeof limit));
    if (number == SIGKILL || number == SIGTERM || number == SIGINT)
        return fb_fail(err, FB_EINTERRUPTED, "%s: killed by signal %d (%s)", what, number,
                       strsignal(number));
    return fb_fail(err, FB_EFORMAT,
                   "%s: the storage library crashed (signal %d, %s); the file is probably damaged",
                   what, number, strsignal(number));
}

int fb_isolate(int (*work)(void *context), void *context, uint64_t memory_limit, const char *what,
               const char *const *words, int count, struct fb_error *err)
{
    sigset_t signals, before;
    int status = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &before);
    signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would lose the exit status */
    /* What is buffered now would be written by both. */
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(1);
        sigprocmask(SIG_SETMASK, &before, NULL);
        exit(work(context));
    }
    if (pid < 0) {
        int rc = fb_fail_errno(err, "cannot start a process");
        sigprocmask(SIG_SETMASK, &before, NULL);
        return rc;
    }
    bool killed = watch(pid, &signals, memory_limit, &status);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    clean_up(words, count, pid);
    return explain(status, killed, memory_limit, what, err);
}
