/* Memory of processes, as the kernel counts it, and memory that is there before it is used. */
#ifndef FB_BASE_MEMORY_H
#define FB_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Resident memory that is no mapped file; 0 when not known. */
uint64_t fb_memory_private(pid_t pid);

/* Of one process, as /proc/PID/status tells it. */
struct fb_memory_status {
    uint64_t peak;   /* VmHWM: resident at the most */
    uint64_t own;    /* RssAnon: resident, private, of no file */
    uint64_t shared; /* RssShmem: resident, of mappings that processes share */
};
/* All 0 where the kernel does not say. */
void fb_memory_status(pid_t pid, struct fb_memory_status *out);

/* What a process may use unless told otherwise: 2 GiB or half of the machine's, whichever is more.
 */
uint64_t fb_memory_limit(void);

/* At least `bytes` of memory, page-aligned and zero, whose pages are all there already: no page
 * fault is left for whoever uses it first. NULL when out of memory. */
void *fb_memory_touched(size_t bytes);
/* The same, shared with the processes that are forked from here on. */
void *fb_memory_touched_shared(size_t bytes);
/* Gives either back; NULL is accepted. */
void fb_memory_release(void *memory, size_t bytes);

#endif
