#include "bench/cache.h"
#include "results/record.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

const char *const fb_cache_names[FB_CACHE_COUNT] = {
    [FB_CACHE_WARM] = "warm", [FB_CACHE_COLD] = "cold"
};

/* Files are mapped and read in pieces, so that a huge one needs neither address space nor memory.
 */
#define PIECE ((off_t)256 << 20)

/* Calls visit for every regular file at or below `path`. */
static int each_file(const char *path,
                     int (*visit)(const char *file, off_t size, void *context,
                                  struct fb_error *err),
                     void *context, struct fb_error *err)
{
    char *const roots[2] = { (char *)path, NULL };
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return fb_fail_errno(err, "cannot look at %s", path);
    int rc = 0;
    FTSENT *entry;
    while (rc == 0 && (entry = fts_read(tree))) {
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS) {
            errno = entry->fts_errno;
            rc = fb_fail_errno(err, "cannot look at %s", entry->fts_path);
        } else if (entry->fts_info == FTS_F) {
            rc = visit(entry->fts_path, entry->fts_statp->st_size, context, err);
        }
    }
    fts_close(tree);
    return rc;
}

static int open_to_read(const char *file, struct fb_error *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fb_fail_errno(err, "cannot open %s", file);
    return fd;
}

/* --- warm ------------------------------------------------------------------------------------- */

static int warm_file(const char *file, off_t size, void *context, struct fb_error *err)
{
    (void)size;
    (void)context;
    size_t room = 1 << 20;
    int rc = 0;
    int fd = open_to_read(file, err);
    char *buffer = fd < 0 ? NULL : malloc(room);
    if (fd < 0)
        return err->code;
    ssize_t n = buffer ? 1 : 0;
    if (!buffer)
        rc = fb_fail_memory(err, "reading a file into the page cache");
    while (n > 0 || (n < 0 && errno == EINTR))
        n = read(fd, buffer, room);
    if (n < 0)
        rc = fb_fail_errno(err, "cannot read %s", file);
    free(buffer);
    close(fd);
    return rc;
}

/* --- cold ------------------------------------------------------------------------------------- */

static int evict_file(const char *file, off_t size, void *context, struct fb_error *err)
{
    (void)size;
    (void)context;
    int fd = open_to_read(file, err);
    if (fd < 0)
        return err->code;
    /* Dirty pages cannot be dropped. fsync may be refused on a file that is only readable. */
    fsync(fd);
    /* Over the whole file: unaligned ranges would keep their ends. */
    int failed = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    if (failed) {
        errno = failed;
        return fb_fail_errno(err, "cannot evict %s from the page cache", file);
    }
    return 0;
}

/* --- residency -------------------------------------------------------------------------------- */

struct residency {
    uint64_t pages, resident;
    bool unknown;
};

static int count_piece(int fd, off_t at, size_t length, struct residency *sum)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (length + page - 1) / page;
    /* Mapping touches no page. */
    void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, at);
    if (map == MAP_FAILED)
        return -1;
    unsigned char *vector = malloc(pages);
    int failed = !vector || mincore(map, length, vector) < 0;
    for (size_t i = 0; !failed && i < pages; i++)
        sum->resident += vector[i] & 1;
    sum->pages += pages;
    free(vector);
    munmap(map, length);
    return failed ? -1 : 0;
}

static int count_file(const char *file, off_t size, void *context, struct fb_error *err)
{
    struct residency *sum = context;
    struct stat st;
    int rc = 0;
    int fd = open_to_read(file, err);
    if (fd < 0)
        return err->code;
    if (fstat(fd, &st) == 0 && st.st_uid != geteuid() && geteuid() != 0 && access(file, W_OK) != 0)
        sum->unknown = true;
    for (off_t at = 0; rc == 0 && at < size; at += PIECE) {
        size_t length = (size_t)(size - at < PIECE ? size - at : PIECE);
        if (count_piece(fd, at, length, sum) < 0)
            rc = fb_fail_errno(err, "cannot tell what of %s is in the page cache", file);
    }
    close(fd);
    return rc;
}

int fb_cache_resident(const char *path, double *fraction, struct fb_error *err)
{
    struct residency sum = { 0 };
    int rc = each_file(path, count_file, &sum, err);
    if (rc)
        return rc;
    *fraction = sum.unknown ? NAN : sum.pages ? (double)sum.resident / (double)sum.pages : NAN;
    return 0;
}

/* --- proof ------------------------------------------------------------------------------------ */

#define WARM_LEAST 0.99
#define COLD_MOST 0.01
#define DEVICE_LEAST 0.99

bool fb_cache_settled(enum fb_cache state, double fraction)
{
    return state == FB_CACHE_WARM ? fraction >= WARM_LEAST : fraction <= COLD_MOST;
}

/* Filesystems of which the page cache does not tell what a read costs. Numbers as in statfs(2). */
static const struct filesystem {
    uint32_t magic;
    const char *name, *why;
} no_eviction[] = {
    { 0x01021994, "tmpfs", "keeps its files in memory, so nothing can be evicted" },
    { 0x858458f6, "ramfs", "keeps its files in memory, so nothing can be evicted" },
    { 0x958458f6, "hugetlbfs", "keeps its files in memory, so nothing can be evicted" },
    { 0x2fc12fc1, "zfs", "has a cache of its own, which eviction does not reach" },
    { 0x01021997, "9p", "reads through a host, which may hold the data" },
    { 0x6a656a63, "virtiofs", "reads through a host, which may hold the data" },
    { 0x00006969, "nfs", "reads from a server, which may hold the data" },
    { 0xff534d42, "cifs", "reads from a server, which may hold the data" },
    { 0x65735546, "fuse", "reads through another program, which may hold the data" },
};

static const struct filesystem *find_filesystem(const char *path)
{
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof no_eviction / sizeof *no_eviction; i++)
        if (no_eviction[i].magic == (uint32_t)fs.f_type)
            return &no_eviction[i];
    return NULL;
}

/* A mapped file is read without a call; a few calls remain, of the C library and the like. */
static bool from_device(const struct fb_cache_evidence *evidence)
{
    uint64_t read = evidence->read_bytes;
    if (evidence->device_bytes == FB_NA || read == FB_NA)
        return false;
    uint64_t needed = read < evidence->asked_bytes / 100 ? evidence->asked_bytes : read;
    if (evidence->file_bytes > 0 && needed > evidence->file_bytes)
        needed = evidence->file_bytes;
    return needed > 0 && (double)evidence->device_bytes >= DEVICE_LEAST * (double)needed;
}

bool fb_cache_proven(const char *path, enum fb_cache state,
                     const struct fb_cache_evidence *evidence, char *why, size_t size)
{
    const struct filesystem *filesystem = state == FB_CACHE_COLD ? find_filesystem(path) : NULL;
    why[0] = '\0';
    if (filesystem)
        snprintf(why, size, "%s lies on %s, which %s; keep the files on a local disk (-o DIR)",
                 path, filesystem->name, filesystem->why);
    else if (!isnan(evidence->resident) && !fb_cache_settled(state, evidence->resident))
        snprintf(why, size, "%.0f %% of %s was in the page cache%s", evidence->resident * 100, path,
                 state == FB_CACHE_COLD ? " after eviction; does another program have it mapped?"
                                        : "; is there too little memory to hold it?");
    else if (isnan(evidence->resident) && (state == FB_CACHE_WARM || !from_device(evidence)))
        snprintf(why, size,
                 "the kernel does not tell what of %s is in the page cache: it is empty, or you "
                 "neither own it nor may write it",
                 path);
    return !why[0];
}

void fb_cache_forget(const char *path)
{
    struct fb_error ignored;
    each_file(path, evict_file, NULL, &ignored);
}

int fb_cache_prepare(const char *path, enum fb_cache state, struct fb_error *err)
{
    double fraction;
    int rc = fb_cache_resident(path, &fraction, err);
    if (rc == 0 && state == FB_CACHE_WARM && fraction >= 1)
        return 0;
    /* What is there in part came in pieces; the kernel loses a page now and then. */
    if (rc == 0 && state == FB_CACHE_WARM && fraction < WARM_LEAST)
        fb_cache_forget(path);
    /* What is still missing after reading everything finds no room. */
    const int attempts = state == FB_CACHE_WARM ? 1 : 3;
    for (int attempt = 0; rc == 0 && attempt < attempts; attempt++) {
        rc = each_file(path, state == FB_CACHE_WARM ? warm_file : evict_file, NULL, err);
        if (rc == 0)
            rc = fb_cache_resident(path, &fraction, err);
        if (rc == 0 && (isnan(fraction) || fb_cache_settled(state, fraction)))
            break;
    }
    return rc;
}

/* --- size ------------------------------------------------------------------------------------- */

static int add_size(const char *file, off_t size, void *context, struct fb_error *err)
{
    (void)file;
    (void)err;
    *(uint64_t *)context += (uint64_t)size;
    return 0;
}

int fb_path_bytes(const char *path, uint64_t *bytes, struct fb_error *err)
{
    *bytes = 0;
    return each_file(path, add_size, bytes, err);
}
