#include "base/process.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 20
/* A line holds at most the hashes of a plan of a million requests. */
#define LINE_MAX_BYTES (UINT64_C(64) << 20)

/* --- starting --------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* In the child: pipe ends to the protocol's numbers. All are above 4 first, so that none is
 * overwritten before it has been moved. The parent's memory is still shared (vfork): nothing of it
 * may be changed. */
static void child_run(const char *const argv[], const int ends[5], pid_t parent)
{
    int high[5];
    for (int i = 0; i < 5; i++)
        if ((high[i] = fcntl(ends[i], F_DUPFD, 16)) < 0)
            _exit(127);
    for (int i = 0; i < 5; i++)
        if (dup2(high[i], i) < 0)
            _exit(127);
    for (int i = 0; i < 5; i++)
        close(high[i]);
    /* Ctrl-C goes to the whole terminal group; the runner decides when a worker ends, and its own
     * children with it. */
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    execvp(argv[0], (char *const *)argv);
    int error = errno;
    dprintf(2, "cannot start %s: %s\n", argv[0], strerror(error));
    _exit(127);
}

/* A fork would copy the page tables, and every page that is written afterwards. */
static pid_t spawn(const char *const argv[], const int ends[5])
{
    const pid_t parent = getpid();
    pid_t pid = vfork();
    if (pid == 0)
        child_run(argv, ends, parent);
    return pid;
}

int fb_process_start(struct fb_process *process, const char *const argv[],
                     const struct fb_process_limits *limits, struct fb_error *err)
{
    *process = FB_PROCESS_NONE;
    process->limits = *limits;
    process->deadline_ns = fb_clock_ns() + limits->timeout_ns;
    /* Ours, theirs, and which way: the child reads from 0 and 4. */
    int *ours[5] = { &process->to, &process->from, &process->complaints, &process->deliver,
                     &process->create };
    int theirs[5] = { -1, -1, -1, -1, -1 };
    int rc = 0;
    for (int i = 0; i < 5 && rc == 0; i++) {
        int ends[2];
        bool child_reads = i == 0 || i == 4;
        if (pipe2(ends, O_CLOEXEC) < 0) {
            rc = fb_fail_errno(err, "cannot start %s", argv[0]);
            break;
        }
        theirs[i] = ends[child_reads ? 0 : 1];
        *ours[i] = ends[child_reads ? 1 : 0];
        fcntl(*ours[i], F_SETFL, O_NONBLOCK);
    }
    if (rc == 0)
        process->pid = spawn(argv, theirs);
    if (rc == 0 && process->pid < 0)
        rc = fb_fail_errno(err, "cannot start %s", argv[0]);
    for (int i = 0; i < 5; i++)
        close_fd(&theirs[i]);
    if (rc)
        fb_process_close(process);
    return rc;
}

void fb_process_close(struct fb_process *process)
{
    if (process->pid > 0) {
        kill(-process->pid, SIGKILL);
        kill(process->pid, SIGKILL); /* where it has not come to have a group of its own */
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    process->pid = -1;
    close_fd(&process->to);
    close_fd(&process->from);
    close_fd(&process->deliver);
    close_fd(&process->create);
    close_fd(&process->complaints);
    free(process->line);
    process->line = NULL;
}

/* --- how it ended ----------------------------------------------------------------------------- */

/* The last line of what the child wrote to its standard error, as ": text". */
static void append_complaint(struct fb_process *process, struct fb_error *err)
{
    char *text = process->complaint;
    size_t length = process->complaint_length;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    char *last = strrchr(text, '\n');
    last = last ? last + 1 : text;
    size_t used = strlen(err->message);
    if (*last)
        snprintf(err->message + used, sizeof err->message - used, ": %s", last);
    for (char *p = err->message; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = '?';
}

static void take_complaints(struct fb_process *process)
{
    char chunk[512];
    ssize_t n;
    while (process->complaints >= 0 && (n = read(process->complaints, chunk, sizeof chunk)) != -1) {
        if (n == 0) {
            close_fd(&process->complaints);
            break;
        }
        size_t keep = sizeof process->complaint - 1 - (size_t)n;
        if (process->complaint_length > keep) {
            memmove(process->complaint, process->complaint + (process->complaint_length - keep),
                    keep);
            process->complaint_length = keep;
        }
        memcpy(process->complaint + process->complaint_length, chunk, (size_t)n);
        process->complaint_length += (size_t)n;
    }
}

/* Reaps the child, which has closed its output, and says how it ended; 0 for a good exit. */
static int reap(struct fb_process *process, struct fb_error *err)
{
    int status = 0;
    /* It may hang between closing its output and exiting. */
    for (;;) {
        pid_t pid = waitpid(process->pid, &status, WNOHANG);
        if (pid == process->pid)
            break;
        if (pid < 0 && errno != EINTR)
            return fb_fail_errno(err, "cannot wait for the worker");
        if (fb_interrupted())
            return fb_fail(err, FB_EINTERRUPTED, "interrupted");
        if (fb_clock_ns() > process->deadline_ns)
            return fb_fail(err, FB_EIO,
                           "worker closed its output but did not exit within the "
                           "block timeout");
        poll(NULL, 0, 1);
    }
    process->pid = -1;
    process->status = status;
    take_complaints(process);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        fb_fail(err, FB_EIO, "worker was killed by signal %d (%s)", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    else
        fb_fail(err, FB_EIO, "worker exited with code %d", WEXITSTATUS(status));
    append_complaint(process, err);
    return err->code;
}

/* --- talking ---------------------------------------------------------------------------------- */

static int watch(struct fb_process *process, struct fb_error *err)
{
    char used[32], limit[32];
    if (fb_interrupted())
        return fb_fail(err, FB_EINTERRUPTED, "interrupted");
    uint64_t now = fb_clock_ns();
    if (now < process->next_watch_ns)
        return 0;
    process->next_watch_ns = now + POLL_MS * 1000000;
    if (now > process->deadline_ns)
        return fb_fail(err, FB_EIO, "worker did not finish within the block timeout of %.3g s",
                       (double)process->limits.timeout_ns / 1e9);
    uint64_t bytes = fb_memory_private(process->pid);
    if (bytes > process->limits.memory_bytes)
        return fb_fail(err, FB_EMEMORY,
                       "worker used %s, more than the memory limit of %s (--memory-limit)",
                       fb_format_bytes(bytes, used, sizeof used),
                       fb_format_bytes(process->limits.memory_bytes, limit, sizeof limit));
    return 0;
}

static int take_bytes(struct fb_process *process, struct fb_error *err)
{
    unsigned char chunk[65536];
    ssize_t n = read(process->deliver, chunk, sizeof chunk);
    if (n == 0)
        close_fd(&process->deliver);
    if (n <= 0)
        return 0;
    if (!process->on_bytes)
        return fb_fail(err, FB_EFORMAT, "worker broke the protocol: it delivered bytes unasked");
    return process->on_bytes(process->on_bytes_context, chunk, (size_t)n, err);
}

static int take_line_bytes(struct fb_process *process, struct fb_error *err)
{
    if (process->line_length + 4096 > process->line_capacity) {
        size_t capacity = process->line_capacity ? process->line_capacity * 2 : 8192;
        char *line = capacity > LINE_MAX_BYTES ? NULL : realloc(process->line, capacity);
        if (!line)
            return fb_fail(err, FB_EFORMAT, "worker broke the protocol: a line without an end");
        process->line = line;
        process->line_capacity = capacity;
    }
    ssize_t n = read(process->from, process->line + process->line_length,
                     process->line_capacity - process->line_length);
    if (n == 0)
        close_fd(&process->from);
    if (n > 0)
        process->line_length += (size_t)n;
    return 0;
}

/* Waits up to POLL_MS for anything; `feeding` also for room on descriptor 4. */
static int turn(struct fb_process *process, bool feeding, struct fb_error *err)
{
    struct pollfd fds[4] = {
        { .fd = process->from, .events = POLLIN },
        { .fd = process->deliver, .events = POLLIN },
        { .fd = process->complaints, .events = POLLIN },
        { .fd = feeding ? process->create : -1, .events = POLLOUT },
    };
    int rc = 0;
    int ready = poll(fds, 4, POLL_MS);
    if (ready > 0 && fds[2].revents)
        take_complaints(process);
    if (ready > 0 && fds[1].revents)
        rc = take_bytes(process, err);
    if (rc == 0 && ready > 0 && fds[0].revents)
        rc = take_line_bytes(process, err);
    return rc ? rc : watch(process, err);
}

int fb_process_send(struct fb_process *process, const char *text, struct fb_error *err)
{
    struct {
        const char *data;
        size_t length;
    } parts[2] = { { text, strlen(text) }, { "\n", 1 } };
    for (int i = 0; i < 2; i++) {
        while (parts[i].length > 0) {
            ssize_t n = write(process->to, parts[i].data, parts[i].length);
            if (n > 0) {
                parts[i].data += n;
                parts[i].length -= (size_t)n;
            } else if (errno == EAGAIN) {
                int rc = turn(process, false, err);
                if (rc)
                    return rc;
            } else if (errno != EINTR) {
                /* It has gone; how it ended says more than "broken pipe". */
                int rc = reap(process, err);
                return rc ? rc : fb_fail(err, FB_EFORMAT, "worker ended before its job");
            }
        }
    }
    return 0;
}

/* 1 with a line, 0 at the end of descriptor 1. */
static int next_line(struct fb_process *process, const char **line, size_t *length,
                     struct fb_error *err)
{
    size_t searched = 0;
    if (process->line_taken > 0) {
        process->line_length -= process->line_taken;
        memmove(process->line, process->line + process->line_taken, process->line_length);
        process->line_taken = 0;
    }
    for (;;) {
        char *newline = process->line_length > searched ? memchr(process->line + searched, '\n',
                                                                 process->line_length - searched)
                                                        : NULL;
        if (newline) {
            *line = process->line;
            *length = (size_t)(newline - process->line);
            process->line_taken = *length + 1;
            return 1;
        }
        searched = process->line_length;
        if (process->from < 0)
            return 0;
        int rc = turn(process, false, err);
        if (rc)
            return rc;
    }
}

int fb_process_receive(struct fb_process *process, const char **line, size_t *length,
                       struct fb_error *err)
{
    int rc = next_line(process, line, length, err);
    if (rc != 0)
        return rc > 0 ? 0 : rc;
    rc = reap(process, err);
    return rc ? rc : fb_fail(err, FB_EFORMAT, "worker ended in the middle of its job");
}

int fb_process_read(struct fb_process *process, const char **line, size_t *length,
                    struct fb_error *err)
{
    int rc = next_line(process, line, length, err);
    if (rc != 0)
        return rc;
    if (process->line_length > 0) {
        *line = process->line;
        *length = process->line_taken = process->line_length;
        return 1;
    }
    return reap(process, err);
}

int fb_process_feed(struct fb_process *process, const void *data, size_t bytes,
                    struct fb_error *err)
{
    const char *p = data;
    while (bytes > 0) {
        ssize_t n = write(process->create, p, bytes);
        if (n > 0) {
            p += n;
            bytes -= (size_t)n;
        } else if (errno == EAGAIN) {
            int rc = turn(process, true, err);
            if (rc)
                return rc;
        } else if (errno == EPIPE) {
            /* Its own message, which has yet to be received, says why. */
            return 0;
        } else if (errno != EINTR) {
            return fb_fail_errno(err, "cannot send data to the worker");
        }
    }
    return 0;
}

void fb_process_feed_end(struct fb_process *process)
{
    close_fd(&process->create);
}

int fb_process_finish(struct fb_process *process, struct fb_error *err)
{
    close_fd(&process->to);
    while (process->from >= 0 || process->deliver >= 0) {
        if (process->line_length > process->line_taken)
            return fb_fail(err, FB_EFORMAT, "worker broke the protocol: it went on after its end");
        int rc = turn(process, false, err);
        if (rc)
            return rc;
    }
    return reap(process, err);
}
