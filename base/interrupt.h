/* Ctrl-C, SIGTERM and a closed terminal ask for a clean end: what is under way stops at the next
 * safe point. */
#ifndef FB_BASE_INTERRUPT_H
#define FB_BASE_INTERRUPT_H

#include <stdbool.h>

/* Installs the handlers (no SA_RESTART: a blocking call returns EINTR). */
void fb_interrupt_catch(void);
/* True once a signal has come. */
bool fb_interrupted(void);

#endif
