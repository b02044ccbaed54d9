/* What a dataset is: whether it can be delivered, in which shape and type, and how it is stored. */
#include "base/number.h"
#include "formats/hdf5/filters.h"
#include "formats/hdf5/internal.h"

#include <stdio.h>
#include <string.h>

/* Far more than any file holds, and few enough that sums over arrays do not overflow. */
_Static_assert(FB_MAX_RANK >= H5S_MAX_RANK, "a shape of HDF5 fits ours");

#define BYTES_MAX ((uint64_t)1 << 50)

static bool chunk_fits(hid_t creation, struct fb_hdf5_dataset *out, char *reason, size_t size)
{
    hsize_t chunk[FB_MAX_RANK];
    uint64_t bytes = out->element;
    int rank = H5Pget_chunk(creation, FB_MAX_RANK, chunk);
    for (int i = 0; i < rank && i < FB_MAX_RANK; i++) {
        out->chunk[i] = chunk[i];
        if (!fb_mul_u64(bytes, chunk[i], &bytes))
            bytes = UINT64_MAX;
    }
    out->chunk_rank = rank > 0 ? (unsigned)rank : 0;
    if (rank > 0 && bytes == 0) {
        snprintf(reason, size, "its chunks have no elements");
        return false;
    }
    if (rank >= 0 && bytes <= FB_HDF5_CHUNK_MAX)
        return true;
    snprintf(reason, size, "its chunks are larger than 1 GiB");
    return false;
}

/* All but the plain contiguous layout: is the data in this file, and can it be decoded? */
static bool layout_reads(hid_t dataset, struct fb_hdf5_dataset *out, char *reason, size_t size)
{
    hid_t creation = H5Dget_create_plist(dataset);
    H5D_layout_t layout = H5Pget_layout(creation);
    bool fine = false;
    reason[0] = '\0';
    if (layout < 0) {
        char why[FB_HDF5_REASON_MAX];
        snprintf(reason, size, "its layout cannot be read: %s", fb_hdf5_why(why, sizeof why));
    } else if (layout == H5D_VIRTUAL) {
        snprintf(reason, size, "it is a virtual dataset: its data lies in other files");
    } else if (H5Pget_external_count(creation) > 0) {
        snprintf(reason, size, "its data lies in an external file");
    } else if (layout != H5D_CHUNKED || chunk_fits(creation, out, reason, size)) {
        fine = true;
    }
    int filters = fine ? H5Pget_nfilters(creation) : 0;
    out->filters = filters > 0 ? (unsigned)filters : 0;
    for (int i = 0; fine && i < filters; i++) {
        char missing[160];
        H5Z_filter_t id = fb_hdf5_filter_at(creation, i);
        fine = fb_hdf5_filter_reads(id);
        if (!fine)
            snprintf(reason, size, "it needs %s",
                     fb_hdf5_filter_missing(id, missing, sizeof missing));
    }
    fb_hdf5_release(creation);
    return fine;
}

static bool shape_reads(hid_t space, struct fb_hdf5_dataset *out, char *reason, size_t size)
{
    hsize_t dims[FB_MAX_RANK];
    uint64_t bytes = out->dtype.size;
    bool fits = true, empty = false;
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank == 0 && H5Sget_simple_extent_type(space) == H5S_NULL) {
        snprintf(reason, size, "it has no data (null dataspace)");
        return false;
    }
    if (rank < 0) {
        snprintf(reason, size, "its shape cannot be read");
        return false;
    }
    out->rank = (unsigned)rank;
    for (unsigned i = 0; i < out->rank; i++) {
        out->dims[i] = dims[i];
        empty |= dims[i] == 0;
        fits = fits && (dims[i] == 0 || fb_mul_u64(bytes, dims[i], &bytes));
    }
    if (empty || (fits && bytes <= BYTES_MAX))
        return true;
    snprintf(reason, size, "its shape has more bytes than any file can hold");
    return false;
}

bool fb_hdf5_dataset_look(hid_t dataset, struct fb_hdf5_dataset *out, char *reason, size_t size)
{
    hid_t file_type = H5Dget_type(dataset);
    *out = (struct fb_hdf5_dataset){ .space = -1, .type = -1, .own_type = file_type };
    if (file_type < 0) {
        char why[FB_HDF5_REASON_MAX];
        snprintf(reason, size, "its type cannot be read: %s", fb_hdf5_why(why, sizeof why));
        return false;
    }
    out->element = H5Tget_size(file_type);
    bool fine = fb_hdf5_type_read(&out->own_type, &out->dtype, &out->type, reason, size);
    /* An offset tells at once that the data lies in this file in one piece. Everything else is in
     * the creation list, which takes twenty times as long to get; the dataspace comes after it,
     * because asking for a virtual dataset's would open its source files. */
    if (fine && H5Dget_offset(dataset) == HADDR_UNDEF)
        fine = layout_reads(dataset, out, reason, size);
    if (fine) {
        out->space = H5Dget_space(dataset);
        fine = shape_reads(out->space, out, reason, size);
    }
    if (fine && out->chunk_rank > 0 && out->chunk_rank != out->rank) {
        snprintf(reason, size, "its chunks have another rank than it has");
        fine = false;
    }
    if (!fine)
        fb_hdf5_dataset_release(out);
    return fine;
}

void fb_hdf5_dataset_release(struct fb_hdf5_dataset *dataset)
{
    fb_hdf5_release(dataset->space);
    fb_hdf5_release(dataset->own_type);
}

/* Filters are counted in the order of writing. */
static int place_filter(struct fb_array *array, H5Z_filter_t id, int at,
                        struct fb_hdf5_filters *out, struct fb_error *err)
{
    char name[32];
    if (id == H5Z_FILTER_SHUFFLE && out->shuffle < 0 && out->deflate < 0)
        out->shuffle = at;
    else if (id == H5Z_FILTER_DEFLATE && out->deflate < 0)
        out->deflate = at;
    else {
        return fb_fail(err, FB_EUNSUPPORTED,
                       "%s: array %s: its pieces are not known: its filter %s is not gzip, alone "
                       "or behind one shuffle",
                       array->reader->path, array->info.path,
                       fb_hdf5_filter_name(id, name, sizeof name));
    }
    return 0;
}

int fb_hdf5_filters(struct fb_array *array, struct fb_hdf5_filters *out, struct fb_error *err)
{
    hid_t creation = H5Dget_create_plist(array->dataset);
    unsigned chunk_options = 0;
    int rc = 0, count = H5Pget_nfilters(creation);
    *out = (struct fb_hdf5_filters){ .deflate = -1, .shuffle = -1 };
    if (count < 0 || (array->chunk_rank > 0 && H5Pget_chunk_opts(creation, &chunk_options) < 0))
        rc = fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot read how array %s is stored",
                          array->reader->path, array->info.path);
    for (int i = 0; rc == 0 && i < count; i++)
        rc = place_filter(array, fb_hdf5_filter_at(creation, i), i, out, err);
    out->whole_chunks_only = chunk_options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
    fb_hdf5_release(creation);
    return rc;
}

/* What libver="latest" begins a file with: 2 before HDF5 1.10, 3 since. */
#define SUPERBLOCK_LATEST 2

int fb_hdf5_storage(struct fb_array *array, struct fb_storage *out, struct fb_error *err)
{
    hsize_t chunk[FB_MAX_RANK];
    size_t slots, bytes;
    double preemption;
    int rc = 0;
    H5F_info2_t file;
    hid_t access = -1, creation = H5Dget_create_plist(array->dataset);
    H5D_layout_t layout = H5Pget_layout(creation);
    *out = (struct fb_storage){ 0 };
    if (layout < 0 || H5Fget_info2(array->dataset, &file) < 0) {
        rc = fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot read how array %s is stored",
                          array->reader->path, array->info.path);
        goto out;
    }
    snprintf(out->layout, sizeof out->layout, "%s",
             layout == H5D_CHUNKED   ? "chunked"
             : layout == H5D_COMPACT ? "compact"
                                     : "contiguous");
    fb_hdf5_filters_text(creation, out->filters, sizeof out->filters);
    out->stored_bytes = H5Dget_storage_size(array->dataset);
    out->latest = file.super.version >= SUPERBLOCK_LATEST;
    if (layout != H5D_CHUNKED)
        goto out;
    access = H5Dget_access_plist(array->dataset);
    int rank = H5Pget_chunk(creation, FB_MAX_RANK, chunk);
    if (rank < 0 || H5Pget_chunk_cache(access, &slots, &bytes, &preemption) < 0) {
        rc = fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot read the chunks of array %s",
                          array->reader->path, array->info.path);
        goto out;
    }
    out->cache_bytes = bytes;
    out->cache_slots = slots;
    out->chunk_rank = (unsigned)rank;
    for (unsigned i = 0; i < out->chunk_rank; i++)
        out->chunk[i] = chunk[i];
out:
    fb_hdf5_release(access);
    fb_hdf5_release(creation);
    return rc;
}
