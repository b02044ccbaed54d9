#include "bench/epoch/children.h"
#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* While nothing comes, memory is looked at this often. */
#define POLL_MS 20

/* In place of a batch: to a child, and from one. */
#define TASK_END UINT64_MAX
#define ANSWER_READY UINT64_MAX

struct answer {
    uint64_t batch;
    int64_t rc; /* else the message says why */
    char message[sizeof((struct fb_error *)0)->message];
};

/* --- in a child ------------------------------------------------------------------------------- */

static bool say(int socket, uint64_t batch, int rc, const struct fb_error *err)
{
    struct answer answer = { .batch = batch, .rc = rc };
    if (rc)
        memcpy(answer.message, err->message, sizeof answer.message);
    size_t bytes = offsetof(struct answer, message) + (rc ? sizeof answer.message : 0);
    return send(socket, &answer, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

static bool hear(int socket, uint64_t *task)
{
    ssize_t n;
    do
        n = recv(socket, task, sizeof *task, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *task;
}

/* Until told to end, or until the consumer is gone. What the library or the consumer would do at
 * exit is not the child's to do. */
static _Noreturn void work(struct fb_fetch fetch, const struct fb_slots *slots, int socket)
{
    struct fb_error err = { 0 };
    uint64_t task = TASK_END;
    int rc = fb_fetch_open(&fetch, &err);
    bool fine = say(socket, ANSWER_READY, rc, &err) && rc == 0;
    while (fine && (fine = hear(socket, &task)) && task != TASK_END) {
        rc = fb_fetch_batch(&fetch, (size_t)task,
                            slots->memory + (size_t)task % slots->count * slots->bytes, &err);
        fine = say(socket, task, rc, &err) && rc == 0;
    }
    fb_fetch_close(&fetch);
    _exit(fine ? 0 : 1);
}

/* --- starting --------------------------------------------------------------------------------- */

static int start_one(struct fb_children *children, size_t number, const struct fb_fetch *fetch,
                     const struct fb_slots *slots, struct fb_error *err)
{
    struct fb_child *child = &children->items[number];
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fb_fail_errno(err, "cannot start a loader process");
    child->pid = fork();
    if (child->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        /* As long as a sister held them, nobody would see that their owners are gone. */
        for (size_t i = 0; i < number; i++)
            close(children->items[i].socket);
        close(ends[0]);
        work(*fetch, slots, ends[1]);
    }
    close(ends[1]);
    child->socket = ends[0];
    return child->pid < 0 ? fb_fail_errno(err, "cannot start a loader process") : 0;
}

int fb_children_start(struct fb_children *children, size_t count, const struct fb_fetch *fetch,
                      const struct fb_slots *slots, uint64_t memory_bytes, struct fb_error *err)
{
    int rc = 0;
    *children = (struct fb_children){ .memory_bytes = memory_bytes };
    children->items = calloc(count, sizeof *children->items);
    if (!children->items)
        return fb_fail_memory(err, "the loader processes");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        children->items[i] = (struct fb_child){ .pid = -1, .socket = -1 };
        children->count++;
        rc = start_one(children, i, fetch, slots, err);
    }
    return rc;
}

/* --- how it ended ----------------------------------------------------------------------------- */

static int wait_for(struct fb_child *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = -1;
    return status;
}

static size_t number_of(const struct fb_children *children, const struct fb_child *child)
{
    return (size_t)(child - children->items) + 1;
}

/* What a child said before it ended, and nobody has heard yet: why it cannot go on. 0: nothing. */
static int last_words(const struct fb_children *children, const struct fb_child *child,
                      struct fb_error *err)
{
    struct answer answer;
    ssize_t n;
    while ((n = recv(child->socket, &answer, sizeof answer, MSG_DONTWAIT)) > 0 ||
           (n < 0 && errno == EINTR))
        if (n == (ssize_t)sizeof answer && answer.rc)
            return fb_fail(err, (int)answer.rc, "loader process %zu of %zu: %s",
                           number_of(children, child), children->count, answer.message);
    return 0;
}

/* Fine where it ended as told. */
static int judge(const struct fb_children *children, const struct fb_child *child, pid_t pid,
                 int status, struct fb_error *err)
{
    size_t number = number_of(children, child);
    int rc = last_words(children, child, err);
    if (rc)
        return rc;
    if (WIFSIGNALED(status))
        return fb_fail(
            err, FB_EIO,
            "loader process %zu of %zu (pid %ld) was killed by signal %d (%s): the epoch "
            "ends here",
            number, children->count, (long)pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        return fb_fail(err, FB_EIO,
                       "loader process %zu of %zu (pid %ld) exited with %d: the epoch ends here",
                       number, children->count, (long)pid, WEXITSTATUS(status));
    return 0;
}

/* Its socket has ended, which happens when how it ends has been decided: the signal comes too late
 * to change that, and only sees to it that nobody waits for long. */
static int bury(const struct fb_children *children, struct fb_child *child, struct fb_error *err)
{
    pid_t pid = child->pid;
    if (pid < 0)
        return fb_fail(err, FB_EIO, "a loader process is gone");
    kill(pid, SIGKILL);
    int rc = judge(children, child, pid, wait_for(child), err);
    return rc ? rc
              : fb_fail(err, FB_EIO, "loader process %zu of %zu ended before the epoch did",
                        number_of(children, child), children->count);
}

/* --- talking ---------------------------------------------------------------------------------- */

int fb_children_give(struct fb_children *children, size_t batch, struct fb_error *err)
{
    struct fb_child *child = &children->items[0];
    uint64_t task = batch;
    for (size_t i = 1; i < children->count; i++)
        if (children->items[i].tasks < child->tasks)
            child = &children->items[i];
    if (send(child->socket, &task, sizeof task, MSG_NOSIGNAL) != (ssize_t)sizeof task)
        return bury(children, child, err);
    child->tasks++;
    return 0;
}

static int check_memory(const struct fb_children *children, struct fb_error *err)
{
    char limit[32];
    uint64_t used = fb_memory_private(getpid());
    for (size_t i = 0; i < children->count; i++)
        used += fb_memory_private(children->items[i].pid);
    if (children->memory_bytes == 0 || used <= children->memory_bytes)
        return 0;
    return fb_fail(err, FB_EMEMORY,
                   "%zu loader processes use more than %s of memory together; raise --memory-limit "
                   "or take fewer workers=",
                   children->count, fb_format_bytes(children->memory_bytes, limit, sizeof limit));
}

/* Waits until a child has something to say, or is gone. */
static int wait_any(const struct fb_children *children, struct fb_child **out, struct fb_error *err)
{
    struct pollfd fds[FB_LOADERS_MAX];
    int rc = 0;
    for (size_t i = 0; i < children->count; i++)
        fds[i] = (struct pollfd){ .fd = children->items[i].socket, .events = POLLIN };
    for (*out = NULL; rc == 0 && !*out;) {
        int n = poll(fds, (nfds_t)children->count, POLL_MS);
        if (n < 0 && errno != EINTR)
            rc = fb_fail_errno(err, "cannot wait for the loader processes");
        else if (n == 0)
            rc = check_memory(children, err);
        for (size_t i = 0; n > 0 && !*out && i < children->count; i++)
            if (fds[i].revents)
                *out = &children->items[i];
    }
    return rc;
}

/* One answer, which may be of a batch or that the file is open. */
static int take_answer(struct fb_children *children, uint64_t *batch, struct fb_error *err)
{
    struct answer answer;
    struct fb_child *child;
    ssize_t n;
    int rc = wait_any(children, &child, err);
    if (rc)
        return rc;
    do
        n = recv(child->socket, &answer, sizeof answer, 0);
    while (n < 0 && errno == EINTR);
    /* The end of the socket, or that tasks lie unread in one that has been closed. */
    if (n < (ssize_t)offsetof(struct answer, message))
        return bury(children, child, err);
    if (answer.rc)
        return fb_fail(err, (int)answer.rc, "loader process %zu of %zu: %s",
                       number_of(children, child), children->count, answer.message);
    *batch = answer.batch;
    if (answer.batch == ANSWER_READY)
        child->ready = true;
    else
        child->tasks--;
    return 0;
}

int fb_children_take(struct fb_children *children, size_t *batch, struct fb_error *err)
{
    uint64_t answer = ANSWER_READY;
    int rc = 0;
    while (rc == 0 && answer == ANSWER_READY)
        rc = take_answer(children, &answer, err);
    *batch = (size_t)answer;
    return rc;
}

int fb_children_wait_ready(struct fb_children *children, struct fb_error *err)
{
    uint64_t answer;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < children->count; i++)
        while (rc == 0 && !children->items[i].ready)
            rc = take_answer(children, &answer, err);
    return rc;
}

uint64_t fb_children_memory(const struct fb_children *children, uint64_t inherited)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < children->count; i++) {
        struct fb_memory_status status;
        fb_memory_status(children->items[i].pid, &status);
        if (status.peak > status.shared + inherited)
            sum += status.peak - status.shared - inherited;
    }
    return sum;
}

/* --- ending ----------------------------------------------------------------------------------- */

int fb_children_end(struct fb_children *children, struct fb_error *err)
{
    uint64_t task = TASK_END;
    int first = 0;
    /* All are told before the first is waited for. One that does not hear is gone. */
    for (size_t i = 0; i < children->count; i++)
        send(children->items[i].socket, &task, sizeof task, MSG_NOSIGNAL);
    for (size_t i = 0; i < children->count; i++) {
        struct fb_error later;
        pid_t pid = children->items[i].pid;
        if (pid < 0)
            continue;
        int rc = judge(children, &children->items[i], pid, wait_for(&children->items[i]),
                       first ? &later : err);
        first = first ? first : rc;
    }
    return first;
}

void fb_children_kill(struct fb_children *children)
{
    for (size_t i = 0; i < children->count; i++)
        if (children->items[i].pid > 0)
            kill(children->items[i].pid, SIGKILL);
    for (size_t i = 0; i < children->count; i++) {
        if (children->items[i].pid > 0)
            wait_for(&children->items[i]);
        if (children->items[i].socket >= 0)
            close(children->items[i].socket);
    }
    free(children->items);
    *children = (struct fb_children){ 0 };
}
