/* The processes that load an epoch's batches: forked, told over sockets what to read, heard when it
 * is done, and waited for. Whatever becomes of one of them, its socket tells: nobody waits for a
 * process that is dead. */
#ifndef FB_BENCH_EPOCH_CHILDREN_H
#define FB_BENCH_EPOCH_CHILDREN_H

#include "bench/epoch/fetch.h"

#include <sys/types.h>

/* Where a batch lies in the memory that consumer and children share: those that are under way
 * together have places of their own. */
struct fb_slots {
    unsigned char *memory;
    size_t bytes, count; /* of one; how many */
};

struct fb_child {
    pid_t pid;    /* -1: none, or waited for */
    int socket;   /* our end */
    size_t tasks; /* batches that it has yet to read */
    bool ready;   /* has opened the file */
};

struct fb_children {
    struct fb_child *items;
    size_t count;
    uint64_t memory_bytes; /* that they and the consumer may use; 0: no limit */
};

/* Forks them; each opens the file by its handle policy. Nothing of the format may be open in this
 * process. `fetch` and the plan stay as they are until the children have ended. The children die
 * with this process. To be ended or killed whatever comes. */
int fb_children_start(struct fb_children *children, size_t count, const struct fb_fetch *fetch,
                      const struct fb_slots *slots, uint64_t memory_bytes, struct fb_error *err);
/* Waits until every one has opened the file. */
int fb_children_wait_ready(struct fb_children *children, struct fb_error *err);
/* A batch for the child with the fewest tasks, to be read into slot batch % slots->count. */
int fb_children_give(struct fb_children *children, size_t batch, struct fb_error *err);
/* Waits for any batch to be read. Of a child that failed: its own words; of one that ended: how. */
int fb_children_take(struct fb_children *children, size_t *batch, struct fb_error *err);
/* What they had resident at the most, together, beside what they have in common with this process,
 * which had `inherited` bytes of private memory when it forked them: less that and the shared
 * memory that they wrote. */
uint64_t fb_children_memory(const struct fb_children *children, uint64_t inherited);
/* Tells them to close the file and end, and waits for it. An error where one had ended otherwise.
 */
int fb_children_end(struct fb_children *children, struct fb_error *err);
/* Kills those that are left and frees all; fine after end, and twice. */
void fb_children_kill(struct fb_children *children);

#endif
