/* Where the chunks of HDF5 files lie, and who reads what: what stands below the library of
 * hdf5_direct.h, and below the other readers of HDF5 files.
 *
 * Asking the library for a chunk's address takes a walk over all chunks. Reading a raw chunk does
 * not; and so a scout has the file open by a driver of ours, and reads its chunks to nowhere: the
 * driver does not read them, but tells where it would have. */
#ifndef FB_FORMATS_DIRECT_SCOUT_H
#define FB_FORMATS_DIRECT_SCOUT_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- error.c --- */

#define FB_DIRECT_REASON 512

/* The most specific line of HDF5's error stack, without newlines; clears the stack. To be called
 * before any other HDF5 function, which would clear it too. Returns buf. */
char *fb_direct_reason(char *buf, size_t size);

/* Keeps HDF5 from printing, in this thread, until the end. */
struct fb_direct_quiet {
    unsigned is_v2; /* which of the two prints */
    H5E_auto2_t print;
    H5E_auto1_t old_print;
    void *context;
};
void fb_direct_quiet_begin(struct fb_direct_quiet *quiet);
void fb_direct_quiet_end(const struct fb_direct_quiet *quiet);

/* Closes an id, whatever it is; a negative one is none. */
void fb_direct_release(hid_t id);

/* --- driver.c --- */

/* What the driver tells of a file's reads, and whom. */
struct fb_direct_watch {
    /* With nowhere: the read to there that came last. Without: of all reads the last; HADDR_UNDEF
     * for one of the library's own structures. */
    haddr_t raw_address;
    size_t raw_bytes;
    /* Array data that is to be read to here is not read; NULL: all is. */
    const void *nowhere;
    /* Freed when the file is closed, which may be after its id, with the last object in it. */
    bool belongs;
    /* Called before and after every read that is done; NULL: not. */
    void (*enter)(void *context, bool raw, size_t bytes);
    void (*leave)(void *context);
    void *context;
};

/* A file access list whose file tells the watch of its reads, as long as it is open; negative on
 * failure. */
hid_t fb_direct_driver_access(struct fb_direct_watch *watch);

/* --- scout.c --- */

struct fb_direct_scout;

struct fb_direct_place {
    uint64_t address; /* bytes from the start of the file; not checked against its end */
    uint64_t stored;  /* bytes there */
    uint32_t skipped; /* filter mask: bit i is set where the chunk went past filter i */
};

/* Whether this process has any file open for writing. The library shares what it knows of such a
 * file only with those that open it by the same driver: what links lead to it would be stale, or
 * could not be locked. */
bool fb_direct_process_writes(void);

/* NULL on failure, with the reason. */
struct fb_direct_scout *fb_direct_scout_open(const char *path, char reason[FB_DIRECT_REASON]);
/* Accepts NULL. Whatever else is open in its file still reads. */
void fb_direct_scout_close(struct fb_direct_scout *scout);
/* Its file. */
hid_t fb_direct_scout_file(const struct fb_direct_scout *scout);
/* The same dataset in the scout's file, for whoever calls to close; negative on failure. */
hid_t fb_direct_scout_array(struct fb_direct_scout *scout, hid_t dataset);
/* Where the chunk that begins at `first` lies: 1 and *place, or 0 for one that is not stored.
 * Negative where that cannot be told, with the reason. One thread at a time. */
int fb_direct_scout_chunk(struct fb_direct_scout *scout, hid_t array, const hsize_t *first,
                          struct fb_direct_place *place, char reason[FB_DIRECT_REASON]);

/* After a raw chunk could not be read, with nothing called since: whether that is because it is not
 * stored. When false, `reason` says what is wrong. */
bool fb_direct_chunk_missing(hid_t array, const hsize_t *first, char reason[FB_DIRECT_REASON]);

#endif
