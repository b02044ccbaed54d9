/* How arrays of one shape could be stored, and read: one point of the space that is searched. */
#ifndef FB_BENCH_TUNE_SETTING_H
#define FB_BENCH_TUNE_SETTING_H

#include "datasets/catalog.h"

#include <stdbool.h>

struct fb_setting {
    unsigned rank; /* of the chunk, as that of the arrays; 0: each array in one piece, no filters */
    uint64_t chunk[FB_MAX_RANK];
    char filter[16]; /* as the option filter= of the writing format names it: "gzip", "lzf", ...;
                        "none": chunks are stored as they are */
    unsigned level;  /* of gzip; 0 for filters without one */
    bool shuffle;    /* bytes are shuffled first */
    bool latest;     /* the newest version of the file format that the library writes */
};

#endif
