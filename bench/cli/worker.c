/* `fmtbench worker`: one job of the worker protocol on standard input and output. Not for people.
 */
#include "bench/worker.h"
#include "bench/cli/commands.h"

int fb_command_worker(int argc, char **argv, struct fb_error *err)
{
    (void)argv;
    if (argc > 1)
        return fb_fail(err, FB_EUSAGE,
                       "worker takes no arguments: it is spoken to by the worker "
                       "protocol");
    return fb_worker_main(err);
}
