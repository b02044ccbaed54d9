/* What a plan costs in a layout, counted exactly from shapes alone: no file is read.
 *
 * Chunks go through HDF5's chunk cache as version 1.10 runs it (H5Dchunk.c): a hash table whose
 * slots hold one chunk each, an approximate LRU list in which a hit moves a chunk back by one
 * place, and eviction of chunks that were read whole before others (w0 = 0.75). An array in one
 * piece is read through a sieve buffer of 64 KiB (H5Dcontig.c). */
#ifndef FB_BENCH_ANATOMY_GEOMETRY_H
#define FB_BENCH_ANATOMY_GEOMETRY_H

#include "bench/plan.h"
#include "bench/protocol.h"
#include "formats/format.h"

/* An array that the plan reads, and how it is stored. */
struct fb_stored {
    struct fb_array_info info; /* path borrowed */
    struct fb_storage storage;
};

/* How an array could be stored. */
struct fb_layout {
    unsigned rank; /* of the chunk; 0: in one piece */
    uint64_t chunk[FB_MAX_RANK];
    bool filtered;     /* a chunk must be read and decoded as a whole */
    double compressed; /* stored over raw bytes */
    uint64_t cache_bytes, cache_slots;
};

/* A plan over stored arrays. */
struct fb_case {
    const struct fb_plan *plan;
    const size_t *array_of;   /* by request: index into arrays; SIZE_MAX for all but slabs */
    struct fb_stored *arrays; /* that the plan reads */
    size_t array_count;
    enum fb_handle handle;
    double long_compressed; /* stored over raw bytes of chunks much longer than short ones of now,
                               from a probe; 0: not known */
    const struct fb_catalog *catalog; /* of the whole file: what a new chunk shape must fit */
};

/* Sums over the plan. */
struct fb_work {
    uint64_t requests, bytes;      /* that read arrays, and what they deliver */
    uint64_t array_opens;          /* an array stays open while requests for it follow each other */
    uint64_t touched;              /* chunks with an element in a request */
    uint64_t loaded, loaded_bytes; /* chunks read (and decoded): misses of the cache; as decoded */
    uint64_t loaded_inside;        /* bytes of those that are not beyond the end of the array */
    uint64_t copied;               /* bytes that pass through a chunk or the sieve on their way */
    uint64_t runs;                 /* pieces to copy that lie in one row in chunk and memory */
    uint64_t reads, read_bytes;    /* file reads of array data */
    /* Bytes of those that lie in pages fresh from the kernel: what is decoded, and what is read
     * from the file. Blocks from 32 MiB on are mapped and unmapped each time (glibc's largest
     * M_MMAP_THRESHOLD); of smaller ones as many as the cache holds. */
    uint64_t fresh_decoded, fresh_read;
    uint64_t unmapped, unmapped_on_close; /* given back within read calls, with the array */
    double nodes;                         /* of chunk indices, about: 64 chunks a full node */
};

/* How the array is stored now. */
struct fb_layout fb_layout_of(const struct fb_stored *stored);
uint64_t fb_layout_chunk_bytes(const struct fb_layout *layout, uint64_t element_bytes);

/* The work of the plan with each array in its layout (by array). False when it has more than
 * `limit` chunks and runs to go through, or no memory. */
bool fb_work_of(const struct fb_case *what, const struct fb_layout *layouts, uint64_t limit,
                struct fb_work *out);

#endif
