#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

uint64_t fb_memory_private(pid_t pid)
{
    char path[64];
    uint64_t resident = 0, shared = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *stream = fopen(path, "re");
    if (!stream)
        return 0;
    int fields = fscanf(stream, "%*u %" SCNu64 " %" SCNu64, &resident, &shared);
    fclose(stream);
    return fields == 2 && resident > shared ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE)
                                            : 0;
}

void fb_memory_status(pid_t pid, struct fb_memory_status *out)
{
    char line[256];
    uint64_t kib;
    *out = (struct fb_memory_status){ 0 };
    snprintf(line, sizeof line, "/proc/%ld/status", (long)pid);
    FILE *status = fopen(line, "re");
    while (status && fgets(line, sizeof line, status)) {
        if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
            out->peak = kib * 1024;
        else if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1)
            out->own = kib * 1024;
        else if (sscanf(line, "RssShmem: %" SCNu64, &kib) == 1)
            out->shared = kib * 1024;
    }
    if (status)
        fclose(status);
}

uint64_t fb_memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t least = UINT64_C(2) << 30;
    uint64_t half = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : 0;
    return half > least ? half : least;
}

/* One call: touching page by page would trap for each, which virtual machines make dear. */
static void *map_touched(size_t bytes, int sharing)
{
    void *memory = bytes > SIZE_MAX / 2 ? MAP_FAILED
                                        : mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE,
                                               sharing | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *fb_memory_touched(size_t bytes)
{
    return map_touched(bytes, MAP_PRIVATE);
}

void *fb_memory_touched_shared(size_t bytes)
{
    return map_touched(bytes, MAP_SHARED);
}

void fb_memory_release(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, bytes + 1);
}
