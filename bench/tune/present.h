/* How a group of arrays lies in the file that is tuned. */
#ifndef FB_BENCH_TUNE_PRESENT_H
#define FB_BENCH_TUNE_PRESENT_H

#include "bench/tune/group.h"
#include "bench/tune/setting.h"
#include "formats/format.h"

struct fb_present {
    struct fb_setting setting;
    bool known;    /* every array has this setting, clipped to it: it can be written */
    bool filtered; /* chunks go through some filter, whether it can be written or not */
    double stored; /* stored over raw bytes, of all arrays */
    double beside; /* bytes an array that the file has beside data: headers, chunk indices */
    uint64_t cache_bytes, cache_slots;
    char text[256]; /* for people */
};

/* From the storage of all arrays of the catalog. The setting of the array with the longest chunks
 * stands for all of the group, if they have it. */
void fb_present_make(const char *file, const struct fb_catalog *catalog,
                     const struct fb_storage *all, const struct fb_group *group,
                     struct fb_present *out);

#endif
