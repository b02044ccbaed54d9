#include "formats/direct/scout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where raw chunks are read to that are not read. */
static const char nowhere;

struct fb_direct_scout {
    hid_t file;
    struct fb_direct_watch *watch; /* its file's */
};

bool fb_direct_process_writes(void)
{
    bool writes = false;
    ssize_t count = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE);
    hid_t *ids = count > 0 ? calloc((size_t)count, sizeof *ids) : NULL;
    if (count > 0 && !ids)
        return true;
    count = ids ? H5Fget_obj_ids((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE, (size_t)count, ids) : 0;
    for (ssize_t i = 0; i < count; i++) {
        unsigned intent;
        writes |= H5Fget_intent(ids[i], &intent) < 0 || intent != H5F_ACC_RDONLY;
    }
    free(ids);
    return writes;
}

struct fb_direct_scout *fb_direct_scout_open(const char *path, char reason[FB_DIRECT_REASON])
{
    struct fb_direct_scout *scout = calloc(1, sizeof *scout);
    struct fb_direct_watch *watch = calloc(1, sizeof *watch);
    if (!scout || !watch) {
        free(scout);
        free(watch);
        snprintf(reason, FB_DIRECT_REASON, "out of memory");
        return NULL;
    }
    watch->nowhere = &nowhere;
    scout->watch = watch;
    hid_t access = fb_direct_driver_access(watch);
    scout->file = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDONLY, access);
    if (scout->file < 0) {
        fb_direct_reason(reason, FB_DIRECT_REASON);
        free(scout);
        free(watch);
        scout = NULL;
    } else {
        watch->belongs = true;
    }
    fb_direct_release(access);
    return scout;
}

void fb_direct_scout_close(struct fb_direct_scout *scout)
{
    if (!scout)
        return;
    fb_direct_release(scout->file);
    free(scout);
}

hid_t fb_direct_scout_file(const struct fb_direct_scout *scout)
{
    return scout->file;
}

/* By its address: links have been followed, and judged, before. */
hid_t fb_direct_scout_array(struct fb_direct_scout *scout, hid_t dataset)
{
    H5O_info_t info;
    if (H5Oget_info2(dataset, &info, H5O_INFO_BASIC) < 0)
        return -1;
    return H5Oopen_by_addr(scout->file, info.addr);
}

static bool says_missing(const char *reason)
{
    return strstr(reason, "not allocated") || strstr(reason, "not initialized") ||
           strstr(reason, "isn't defined");
}

bool fb_direct_chunk_missing(hid_t array, const hsize_t *first, char reason[FB_DIRECT_REASON])
{
    hsize_t stored = 0;
    fb_direct_reason(reason, FB_DIRECT_REASON);
    if (H5Dget_chunk_storage_size(array, first, &stored) < 0) {
        fb_direct_reason(reason, FB_DIRECT_REASON);
        return says_missing(reason);
    }
    /* Without filters, a chunk that is not there has the size of one that is. */
    return stored == 0 || says_missing(reason);
}

int fb_direct_scout_chunk(struct fb_direct_scout *scout, hid_t array, const hsize_t *first,
                          struct fb_direct_place *place, char reason[FB_DIRECT_REASON])
{
    struct fb_direct_watch *watch = scout->watch;
    watch->raw_address = HADDR_UNDEF;
    if (H5Dread_chunk(array, H5P_DEFAULT, first, &place->skipped, (void *)(uintptr_t)&nowhere) < 0)
        return fb_direct_chunk_missing(array, first, reason) ? 0 : -1;
    /* It is stored, or that would have failed; the library has no driver read nothing. */
    if (watch->raw_address == HADDR_UNDEF) {
        snprintf(reason, FB_DIRECT_REASON, "a chunk without bytes");
        return -1;
    }
    place->address = watch->raw_address;
    place->stored = watch->raw_bytes;
    return 1;
}
