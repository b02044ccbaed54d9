/* The page cache: put a file in or out of it, and prove where it is. */
#ifndef FB_BENCH_CACHE_H
#define FB_BENCH_CACHE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum fb_cache { FB_CACHE_WARM, FB_CACHE_COLD, FB_CACHE_COUNT };
extern const char *const fb_cache_names[FB_CACHE_COUNT];

/* Brings the file (or every file below a folder) into the asked state: warm reads all of it, if
 * anything is missing; cold syncs it and asks the kernel to drop it, which needs no privilege.
 * The latter is tried a few times.
 *
 * Warm is not always the same. The kernel keeps what is read in order in large folios, and what is
 * read here and there, or on advice, in pages; copying from those took 1.4 times as long. So warm
 * is what reading the whole file in order makes of an empty cache: what is there in part is dropped
 * first, and what others may have left there, or a cold block does, is to be forgotten. */
int fb_cache_prepare(const char *path, enum fb_cache state, struct fb_error *err);

/* Asks the kernel to drop the file. Whatever cannot be dropped stays. */
void fb_cache_forget(const char *path);

/* Resident fraction, 0 to 1, by mincore; NAN where the kernel would not tell the truth: a file that
 * one neither owns nor may write, for which mincore reports everything resident. */
int fb_cache_resident(const char *path, double *fraction, struct fb_error *err);

/* True when such a fraction is what the state asks for; false where it is NAN. */
bool fb_cache_settled(enum fb_cache state, double fraction);

/* What is known of a block's cache state. */
struct fb_cache_evidence {
    double resident;       /* fraction before the block, or NAN */
    uint64_t device_bytes; /* fetched from the device during it, FB_NA where not known */
    uint64_t read_bytes;   /* returned by read system calls meanwhile, FB_NA likewise */
    uint64_t asked_bytes;  /* delivered by them */
    uint64_t file_bytes;   /* 0 where not known */
};

/* True when the state is proven: warm by at least 99 % resident, cold by at most 1 %. Where
 * residency is not known, cold is proven when at least 99 % of what was read came from the device:
 * of the bytes of read calls or, where those are next to nothing since the file is mapped, of what
 * was delivered; or the whole file did, as some of it was read twice. On a filesystem with a cache
 * of its own, cold is never proven. When not, `why` (`size` bytes) says so, names
 * the filesystem and what to do. */
bool fb_cache_proven(const char *path, enum fb_cache state,
                     const struct fb_cache_evidence *evidence, char *why, size_t size);

/* Bytes of a file, or of all files below a folder. */
int fb_path_bytes(const char *path, uint64_t *bytes, struct fb_error *err);

#endif
