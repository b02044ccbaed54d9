/* A worker process and the pipes to it. Nothing here knows what is said over them. */
#ifndef FB_BASE_PROCESS_H
#define FB_BASE_PROCESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fb_process_limits {
    uint64_t timeout_ns;   /* from start to exit */
    uint64_t memory_bytes; /* resident memory that is no mapped file, polled every 20 ms */
};

struct fb_process {
    pid_t pid;
    int to, from, deliver, create,
        complaints; /* our ends of descriptors 0, 1, 3, 4, 2; -1: closed */
    struct fb_process_limits limits;
    uint64_t deadline_ns, next_watch_ns;
    int status; /* as waitpid gave it, once the child has ended */
    char *line; /* bytes from descriptor 1 not yet handed out */
    size_t line_length, line_capacity, line_taken;
    char complaint[2048]; /* the end of what came on descriptor 2 */
    size_t complaint_length;
    /* Called with what comes on descriptor 3; NULL: nothing may come. */
    int (*on_bytes)(void *context, const unsigned char *data, size_t bytes, struct fb_error *err);
    void *on_bytes_context;
};

/* No process: what fb_process_close may be given. */
#define FB_PROCESS_NONE                                                                            \
    ((struct fb_process){                                                                          \
        .pid = -1, .to = -1, .from = -1, .deliver = -1, .create = -1, .complaints = -1 })

/* Starts argv[0] (searched in PATH) with the five descriptors of the protocol. The child dies with
 * its parent. */
int fb_process_start(struct fb_process *process, const char *const argv[],
                     const struct fb_process_limits *limits, struct fb_error *err);

/* Sends one line (a newline is added). */
int fb_process_send(struct fb_process *process, const char *text, struct fb_error *err);

/* The next line from the child (without its newline, valid until the next call), while bytes and
 * complaints are taken in. Fails with what happened to the child: it exited, was killed, ran out
 * of time or memory, or Ctrl-C came. */
int fb_process_receive(struct fb_process *process, const char **line, size_t *length,
                       struct fb_error *err);

/* The same for a program that speaks no protocol: 1 with the next line of what it prints (the last
 * may lack its newline), 0 once it has ended with exit code 0, else negative as above. */
int fb_process_read(struct fb_process *process, const char **line, size_t *length,
                    struct fb_error *err);

/* Writes to descriptor 4 under the same watch. */
int fb_process_feed(struct fb_process *process, const void *data, size_t bytes,
                    struct fb_error *err);
/* End of file on descriptor 4. */
void fb_process_feed_end(struct fb_process *process);

/* Takes in all bytes that are still to come, up to the end of descriptors 1 and 3, and waits for
 * the exit, which must be 0. */
int fb_process_finish(struct fb_process *process, struct fb_error *err);

/* Kills what still runs and frees all; safe after a failed start and after finish. */
void fb_process_close(struct fb_process *process);

#endif
