/* Where a slab of an array lies in the file.
 *
 * Asking the library for a chunk's address takes a walk over all chunks. Reading a raw chunk does
 * not; and so the file is opened a second time, by a driver that does not read array data but tells
 * where it would have: the scout. */
#include "base/interrupt.h"
#include "base/number.h"
#include "formats/hdf5/internal.h"
#include "formats/slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fb_hdf5_scout {
    hid_t file;
    struct fb_hdf5_watch watch;
    uint64_t file_bytes;
    void *buffer; /* what a raw chunk would be read to; stays untouched */
    size_t capacity;
};

/* One request for pieces. */
struct search {
    struct fb_array *array;
    struct fb_hdf5_filters filters;
    uint64_t file_bytes;
    int (*visit)(void *context, const struct fb_extent *extent, struct fb_error *err);
    void *context;
    struct fb_error *err;
};

void fb_hdf5_scout_close(struct fb_hdf5_scout *scout)
{
    if (!scout)
        return;
    fb_hdf5_release(scout->file);
    free(scout->buffer);
    free(scout);
}

static int file_bytes(const struct fb_reader *reader, uint64_t *bytes, struct fb_error *err)
{
    struct stat st;
    if (stat(reader->path, &st) < 0)
        return fb_fail_errno(err, "cannot look at %s", reader->path);
    *bytes = (uint64_t)st.st_size;
    return 0;
}

static int send_scout(struct fb_reader *reader, struct fb_error *err)
{
    int rc = 0;
    if (reader->scout)
        return 0;
    struct fb_hdf5_scout *scout = calloc(1, sizeof *scout);
    if (!scout)
        return fb_fail_memory(err, "the places of chunks");
    scout->watch.only_where = true;
    hid_t access = fb_hdf5_driver_access(&scout->watch);
    scout->file = access < 0 ? -1 : H5Fopen(reader->path, H5F_ACC_RDONLY, access);
    if (scout->file < 0)
        rc = fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot look where its chunks lie", reader->path);
    fb_hdf5_release(access);
    if (rc)
        fb_hdf5_scout_close(scout);
    else
        reader->scout = scout;
    return rc;
}

/* The same object, whatever its path: links have been followed, and judged, before. */
static int scout_array(struct fb_array *array, struct fb_error *err)
{
    H5O_info_t info;
    if (array->scouted >= 0)
        return 0;
    if (H5Oget_info2(array->dataset, &info, H5O_INFO_BASIC) >= 0)
        array->scouted = H5Oopen_by_addr(array->reader->scout->file, info.addr);
    if (array->scouted >= 0)
        return 0;
    return fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot look where the chunks of array %s lie",
                        array->reader->path, array->info.path);
}

/* Numbers from the file, before anybody believes them. */
static int visit_piece(const struct search *search, const struct fb_extent *piece)
{
    uint64_t end;
    if (!fb_add_u64(piece->offset, piece->stored_bytes, &end) || end > search->file_bytes)
        return fb_fail(search->err, FB_EFORMAT,
                       "%s is truncated or damaged: a piece of array %s lies beyond its end",
                       search->array->reader->path, search->array->info.path);
    return search->visit(search->context, piece, search->err);
}

/* --- in one piece ----------------------------------------------------------------------------- */

struct piece {
    const struct search *search;
    haddr_t address;
};

static int visit_stretch(void *context, uint64_t offset, uint64_t bytes, struct fb_error *err)
{
    const struct piece *piece = context;
    (void)err; /* the search's own */
    return visit_piece(piece->search,
                       &(struct fb_extent){ piece->address + offset, bytes, bytes, false });
}

static int visit_runs(const struct search *search, haddr_t address, const uint64_t *start,
                      const uint64_t *count)
{
    struct piece piece = { search, address };
    struct fb_array_info stored = search->array->info;
    stored.dtype.size = search->array->element; /* of the file, which may differ */
    return fb_slab_pieces(&stored, start, count, visit_stretch, &piece, search->err);
}

/* --- in chunks -------------------------------------------------------------------------------- */

/* 0 where HDF5 failed only because there is no such chunk: releases differ in whether that is an
 * error, and none has a code for it. */
static int missing_or_lost(const struct search *search)
{
    char why[FB_HDF5_REASON_MAX];
    fb_hdf5_why(why, sizeof why);
    if (strstr(why, "not allocated"))
        return 0;
    return fb_fail(search->err, FB_EFORMAT, "%s: cannot find a chunk of array %s: %s",
                   search->array->reader->path, search->array->info.path, why);
}

/* Where the chunk at `first` lies: *stored_bytes is 0 for one that is not in the file. */
static int find_chunk(const struct search *search, const hsize_t *first, uint64_t *address,
                      uint64_t *stored_bytes, uint32_t *mask)
{
    const struct fb_array *array = search->array;
    struct fb_hdf5_scout *scout = array->reader->scout;
    struct fb_hdf5_watch *watch = &scout->watch;
    hsize_t stored = 0;
    *stored_bytes = 0;
    if (H5Dget_chunk_storage_size(array->scouted, first, &stored) < 0)
        return missing_or_lost(search);
    if (stored == 0)
        return 0;
    if (stored > FB_HDF5_CHUNK_MAX)
        return fb_fail(search->err, FB_EFORMAT,
                       "%s is damaged: array %s has a chunk of more than 1 GiB",
                       array->reader->path, array->info.path);
    if (stored > scout->capacity) {
        free(scout->buffer);
        scout->capacity = 0;
        scout->buffer = malloc((size_t)stored);
        if (!scout->buffer)
            return fb_fail_memory(search->err, "a chunk");
        scout->capacity = (size_t)stored;
    }
    watch->raw_address = HADDR_UNDEF;
    herr_t rc = H5Dread_chunk(array->scouted, H5P_DEFAULT, first, mask, scout->buffer);
    /* Without filters, a chunk that is not there has the size of one that is. */
    if (rc < 0)
        return missing_or_lost(search);
    if (watch->raw_address == HADDR_UNDEF)
        return 0;
    *address = watch->raw_address;
    *stored_bytes = watch->raw_bytes;
    return 0;
}

static bool beyond_edge(const struct fb_array *array, const hsize_t *first)
{
    for (unsigned i = 0; i < array->chunk_rank; i++)
        if (first[i] + array->chunk[i] > array->info.dims[i])
            return true;
    return false;
}

static int visit_chunk(const struct search *search, const hsize_t *first, uint64_t bytes)
{
    const struct fb_array *array = search->array;
    const struct fb_hdf5_filters *filters = &search->filters;
    struct fb_extent piece = { .bytes = bytes };
    uint32_t mask = 0;
    int rc = find_chunk(search, first, &piece.offset, &piece.stored_bytes, &mask);
    if (rc || piece.stored_bytes == 0)
        return rc;
    piece.deflated = filters->deflate >= 0 && !(mask >> filters->deflate & 1) &&
                     !(filters->whole_chunks_only && beyond_edge(array, first));
    if (!piece.deflated && piece.stored_bytes != bytes)
        return fb_fail(search->err, FB_EFORMAT,
                       "%s is damaged: array %s has a chunk of %llu bytes instead of %llu",
                       array->reader->path, array->info.path,
                       (unsigned long long)piece.stored_bytes, (unsigned long long)bytes);
    return visit_piece(search, &piece);
}

/* In C order; false behind the last one. */
static bool next_chunk(const struct fb_array *array, const uint64_t *start, const uint64_t *count,
                       hsize_t *first)
{
    for (unsigned i = array->chunk_rank; i-- > 0;) {
        first[i] += array->chunk[i];
        if (first[i] < start[i] + count[i])
            return true;
        first[i] = start[i] / array->chunk[i] * array->chunk[i];
    }
    return false;
}

static int visit_chunks(const struct search *search, const uint64_t *start, const uint64_t *count)
{
    const struct fb_array *array = search->array;
    hsize_t first[FB_MAX_RANK];
    uint64_t bytes = array->element;
    int rc;
    for (unsigned i = 0; i < array->chunk_rank; i++) {
        first[i] = start[i] / array->chunk[i] * array->chunk[i];
        bytes *= array->chunk[i];
    }
    do
        rc = fb_interrupted() ? fb_fail(search->err, FB_EINTERRUPTED, "interrupted")
                              : visit_chunk(search, first, bytes);
    while (rc == 0 && next_chunk(array, start, count, first));
    return rc;
}

int fb_hdf5_extents(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                    int (*visit)(void *context, const struct fb_extent *extent,
                                 struct fb_error *err),
                    void *context, struct fb_error *err)
{
    struct search search = { .array = array, .visit = visit, .context = context, .err = err };
    haddr_t address = HADDR_UNDEF;
    int rc = fb_slab_check(&array->info, start, count, err);
    if (rc)
        return fb_fail_in(err, "%s", array->reader->path);
    if (fb_slab_bytes(&array->info, count) == 0)
        return 0;
    rc = file_bytes(array->reader, &search.file_bytes, err);
    if (rc == 0 && array->chunk_rank == 0) {
        /* Compact data lies among the library's own; what was never written, nowhere (and behind a
         * user block it has an offset nevertheless). */
        if (H5Dget_storage_size(array->dataset) > 0)
            address = H5Dget_offset(array->dataset);
        H5Eclear2(H5E_DEFAULT);
        return address == HADDR_UNDEF ? 0 : visit_runs(&search, address, start, count);
    }
    if (rc == 0)
        rc = fb_hdf5_filters(array, &search.filters, err);
    if (rc == 0)
        rc = send_scout(array->reader, err);
    if (rc == 0)
        rc = scout_array(array, err);
    return rc ? rc : visit_chunks(&search, start, count);
}
