/* Work on files of which nothing is known, in a child process: a crash or runaway memory inside a
 * storage library becomes an error message of ours. */
#ifndef FB_BENCH_ISOLATE_H
#define FB_BENCH_ISOLATE_H

#include "base/error.h"
#include "datasets/source.h"

#include <stdint.h>

/* Within the work: ends the child when it computes for `seconds` from now on; 0: no longer. */
void fb_isolate_patience(unsigned seconds);

/* fb_source_open with warnings on stderr and patience for FB_PATIENCE_S: a damaged file can send a
 * library in circles. */
#define FB_PATIENCE_S 300
int fb_isolate_open(const char *spec, struct fb_source **out, struct fb_error *err);

/* Runs `work` in a child, which exits with what it returns, by exit(). The child's anonymous memory
 * (mapped files do not count) is looked at every 20 ms; beyond memory_limit bytes it is killed.
 * SIGTERM, SIGINT and SIGHUP are passed on, and the child decides; a second one, or 30 s, ends it.
 *
 * Returns the child's exit code (0 to 255), or a negative code where it was killed; then the
 * temporary files that it left beside any path among the `count` words are removed (see
 * base/output.h). `what` names the work in messages. */
int fb_isolate(int (*work)(void *context), void *context, uint64_t memory_limit, const char *what,
               const char *const *words, int count, struct fb_error *err);

#endif
