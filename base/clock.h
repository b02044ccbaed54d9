/* The one clock: monotonic nanoseconds. */
#ifndef FB_BASE_CLOCK_H
#define FB_BASE_CLOCK_H

#include <stdint.h>

uint64_t fb_clock_ns(void);
/* CPU time of this process, user and system, in ns. */
uint64_t fb_clock_cpu_ns(void);

#endif
