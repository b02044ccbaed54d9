#include "bench/isolate.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/output.h"
#include "base/terminal.h"
#include "formats/format.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS 20000000

/* How long a child may take to end in good order once it has been asked to. */
#define GRACE_NS UINT64_C(30000000000)

void fb_isolate_patience(unsigned seconds)
{
    struct itimerval timer = { .it_value = { .tv_sec = seconds } };
    setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

int fb_isolate_open(const char *spec, struct fb_source **out, struct fb_error *err)
{
    fb_isolate_patience(FB_PATIENCE_S);
    int rc = fb_source_open(spec, fb_warn, NULL, out, err);
    fb_isolate_patience(0);
    return rc;
}

/* Until the child's end: passes signals on and watches its memory. Who asks twice, or waits longer
 * than the grace, wants an end of it: a library that goes in circles never sees the first signal.
 * True when the child had to be killed for its memory. */
static bool watch(pid_t pid, const sigset_t *signals, uint64_t memory_limit, int *status)
{
    const struct timespec tick = { 0, POLL_NS };
    bool too_large = false;
    uint64_t asked_ns = 0;
    while (waitpid(pid, status, WNOHANG) == 0) {
        int number = sigtimedwait(signals, NULL, &tick);
        bool asked = number == SIGTERM || number == SIGINT || number == SIGHUP;
        if (asked)
            kill(pid, asked_ns ? SIGKILL : number);
        if (asked && !asked_ns)
            asked_ns = fb_clock_ns();
        else if (asked_ns && fb_clock_ns() - asked_ns > GRACE_NS)
            kill(pid, SIGKILL);
        if (!too_large && fb_memory_private(pid) > memory_limit) {
            kill(pid, SIGKILL);
            too_large = true;
        }
    }
    return too_large;
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
        /* The id of a process that has just ended can be nobody else's. */
        fb_output_remove_temporaries(word, pid);
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
    if (number == SIGKILL || number == SIGTERM || number == SIGINT || number == SIGHUP)
        return fb_fail(err, FB_EINTERRUPTED, "%s: killed by signal %d (%s)", what, number,
                       strsignal(number));
    if (number == SIGVTALRM)
        return fb_fail(err, FB_EFORMAT,
                       "%s: the storage library does not come to an end with it; the file is "
                       "probably damaged",
                       what);
    return fb_fail(err, FB_EFORMAT,
                   "%s: the storage library crashed (signal %d, %s); the file is probably damaged",
                   what, number, strsignal(number));
}

int fb_isolate(int (*work)(void *context), void *context, uint64_t memory_limit, const char *what,
               const char *const *words, int count, struct fb_error *err)
{
    sigset_t signals, before;
    int status = SIGKILL; /* how it ended, should nobody tell */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
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
