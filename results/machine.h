/* Where and when a run was made: what its environment.json says, as far as it decides which runs
 * may be compared. */
#ifndef FB_RESULTS_MACHINE_H
#define FB_RESULTS_MACHINE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts are "n/a" where the file has none, numbers FB_NA; all in one line. */
struct fb_machine {
    char id[24]; /* fb_machine_id */
    char cpu[128];
    uint64_t cores, memory_bytes;
    char filesystem[64];
    char kernel[128];
    char time[24];   /* when the run ended, unchecked */
    char commit[64]; /* of the fmtbench that ran */
};

/* "m" and 8 hex digits over processor, cores, memory (in GiB) and file system: not the kernel, for
 * what a new one changes is to be seen. Returns buf. */
char *fb_machine_id(const char *cpu, uint64_t cores, uint64_t memory_bytes, const char *filesystem,
                    char *buf, size_t size);

/* Reads an environment.json. FB_EFORMAT when it is none, or is not that of the run. */
int fb_machine_read(const char *path, const char *run_id, struct fb_machine *out,
                    struct fb_error *err);

/* What differs between two machines, the kernel too: "cores (2, 7) and kernel (Linux 6.1, Linux
 * 6.2)"; "" where nothing does. Returns buf. */
char *fb_machine_differences(const struct fb_machine *a, const struct fb_machine *b, char *buf,
                             size_t size);

#endif
