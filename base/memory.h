/* Memory of processes, as the kernel counts it. */
#ifndef FB_BASE_MEMORY_H
#define FB_BASE_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* Resident memory that is no mapped file; 0 when not known. */
uint64_t fb_memory_private(pid_t pid);

/* What a process may use unless told otherwise: 2 GiB or half of the machine's, whichever is more.
 */
uint64_t fb_memory_limit(void);

#endif
