/* Where a slab of an array lies in the file. */
#include "base/interrupt.h"
#include "base/number.h"
#include "formats/hdf5/internal.h"
#include "formats/slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One request for pieces. */
struct search {
    struct fb_array *array;
    struct fb_hdf5_filters filters;
    uint64_t file_bytes;
    int (*visit)(void *context, const struct fb_extent *extent, struct fb_error *err);
    void *context;
    struct fb_error *err;
};

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
    char reason[FB_DIRECT_REASON];
    if (!reader->scout)
        reader->scout = fb_direct_scout_open(reader->path, reason);
    return reader->scout ? 0
                         : fb_fail(err, FB_EFORMAT, "%s: cannot look where its chunks lie: %s",
                                   reader->path, reason);
}

static int scout_array(struct fb_array *array, struct fb_error *err)
{
    if (array->scouted < 0)
        array->scouted = fb_direct_scout_array(array->reader->scout, array->dataset);
    return array->scouted >= 0
               ? 0
               : fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot look where the chunks of array %s lie",
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

/* 1 where the chunk at `first` is stored, 0 where it is not. */
static int find_chunk(const struct search *search, const hsize_t *first,
                      struct fb_direct_place *place)
{
    const struct fb_array *array = search->array;
    char reason[FB_DIRECT_REASON];
    int rc = fb_direct_scout_chunk(array->reader->scout, array->scouted, first, place, reason);
    if (rc < 0)
        return fb_fail(search->err, FB_EFORMAT, "%s: cannot find a chunk of array %s: %s",
                       array->reader->path, array->info.path, reason);
    if (rc > 0 && place->stored > FB_HDF5_CHUNK_MAX)
        return fb_fail(search->err, FB_EFORMAT,
                       "%s is damaged: array %s has a chunk of more than 1 GiB",
                       array->reader->path, array->info.path);
    return rc;
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
    struct fb_direct_place place;
    int rc = find_chunk(search, first, &place);
    if (rc <= 0)
        return rc;
    struct fb_extent piece = {
        .offset = place.address,
        .stored_bytes = place.stored,
        .bytes = bytes,
        .deflated = filters->deflate >= 0 && !(place.skipped >> filters->deflate & 1) &&
                    !(filters->whole_chunks_only && beyond_edge(array, first)),
    };
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
