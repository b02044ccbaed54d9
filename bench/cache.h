/* The page cache: put a file in or out of it, and prove where it is. */
#ifndef FB_BENCH_CACHE_H
#define FB_BENCH_CACHE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum fb_cache { FB_CACHE_WARM, FB_CACHE_COLD, FB_CACHE_COUNT };
extern const char *const fb_cache_names[FB_CACHE_COUNT];

/* Brings the file (or every file below a folder) into the asked state: warm reads all of it; cold
 * syncs it and asks the kernel to drop it, which needs no privilege. Retried a few times. */
int fb_cache_prepare(const char *path, enum fb_cache state, struct fb_error *err);

/* Resident fraction, 0 to 1, by mincore; NAN where the kernel would not tell the truth: a file that
 * one neither owns nor may write, for which mincore reports everything resident. */
int fb_cache_resident(const char *path, double *fraction, struct fb_error *err);

/* True when the fraction proves the state: warm at least 99 %, cold at most 1 %. */
bool fb_cache_proven(enum fb_cache state, double fraction);

/* Bytes of a file, or of all files below a folder. */
int fb_path_bytes(const char *path, uint64_t *bytes, struct fb_error *err);

#endif
