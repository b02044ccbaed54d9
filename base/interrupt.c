#include "base/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* A signal handler can reach nothing but a file-scope flag. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void fb_interrupt_catch(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool fb_interrupted(void)
{
    return interrupted != 0;
}
