/* Memory of processes, as the kernel counts it, and memory that is there before it is used. */
#ifndef FB_BASE_MEMORY_H
#define FB_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Resident memory that is no mapped file; 0 when not known. */
uint64_t fb_memory_private(pid_t pid);

/* What a process may use unless told otherwise: what the variable FMTBENCH_MEMORY_LIMIT says, by
 * which a command tells the processes that it starts; else 2 GiB or half of the machine's, whichever
 * is more. */
uint64_t fb_memory_limit(void);

/* At least `bytes` of memory, page-aligned and zero, whose pages are all there already: no page
 * fault is left for whoever uses it first. NULL when out of memory. */
void *fb_memory_touched(size_t bytes);
/* Gives it back; NULL is accepted. */
void fb_memory_release(void *memory, size_t bytes);

#endif
