/* A list of slabs that somebody wrote down, or that came out of a program that traces itself.
 *
 * One slab a line, ARRAY_GLOB<TAB>START<TAB>COUNT, the numbers one an axis, parted by blanks as in
 * plan.csv. Lines that are empty or begin with '#' say nothing. A glob is matched as
 * fb_glob_match does, after a leading slash, which is ignored; one that is the path of an array is
 * that array alone. */
#ifndef FB_BENCH_TUNE_ACCESS_LIST_H
#define FB_BENCH_TUNE_ACCESS_LIST_H

#include "datasets/catalog.h"

#define FB_ACCESS_LIST_BYTES_MAX (UINT64_C(1) << 20)
#define FB_ACCESS_LIST_LINES_MAX 10000
#define FB_ACCESS_GLOB_MAX 1024

struct fb_access_slab {
    char *glob;   /* into the list's text */
    bool pattern; /* has characters by which it may match several paths */
    size_t line;
    unsigned rank;                                   /* 1 or more */
    uint64_t start[FB_MAX_RANK], count[FB_MAX_RANK]; /* counts are 1 or more; the sums fit */
};

struct fb_access_list {
    char *path; /* of the file, for messages */
    char *text;
    struct fb_access_slab *slabs;
    size_t count; /* 1 or more */
};

/* FB_EIO, or FB_EFORMAT naming file and line: a file that is too long is refused, not cut. Freed
 * with fb_access_list_free. */
int fb_access_list_read(const char *path, struct fb_access_list **out, struct fb_error *err);
/* NULL is fine. */
void fb_access_list_free(struct fb_access_list *list);

/* Whether the slab is one of this array: its glob, its rank, and the array has elements. */
bool fb_access_slab_is_of(const struct fb_access_slab *slab, const struct fb_array_info *array);

/* 0 when every slab names at least one array and lies inside each that it names; else FB_EUSAGE
 * with file and line. */
int fb_access_list_check(const struct fb_access_list *list, const struct fb_catalog *catalog,
                         struct fb_error *err);

#endif
