/* Work on files of which nothing is known, in a child process: a crash or runaway memory inside a
 * storage library becomes an error message of ours. */
#ifndef FB_BENCH_ISOLATE_H
#define FB_BENCH_ISOLATE_H

#include "base/error.h"

#include <stdint.h>

/* 2 GiB or half of the machine's memory, whichever is more. */
uint64_t fb_isolate_default_limit(void);

/* Runs `work` in a child, which exits with what it returns, by exit(). The child's anonymous memory
 * (mapped files do not count) is looked at every 20 ms; beyond memory_limit bytes it is killed.
 * SIGTERM and SIGINT are passed on, and the child decides.
 *
 * Returns the child's exit code (0 to 255), or a negative code where it was killed; then the
 * temporary files that it left beside any path among the `count` words are removed (see
 * base/output.h). `what` names the work in messages. */
int fb_isolate(int (*work)(void *context), void *context, uint64_t memory_limit, const char *what,
               const char *const *words, int count, struct fb_error *err);

#endif
