/* Writing: one pass over the source, slabs of whole chunk rows. */
#include "base/number.h"
#include "base/output.h"
#include "formats/hdf5/chunk.h"
#include "formats/hdf5/filters.h"
#include "formats/hdf5/internal.h"

#include <stdlib.h>
#include <string.h>

#define SLAB_BYTES ((uint64_t)8 << 20)
/* A row of chunks is written at once, so that none is compressed twice, up to this size. */
#define SLAB_BYTES_MAX ((uint64_t)256 << 20)

struct writer {
    const char *path;    /* for messages */
    hid_t file, parents; /* link creation list that makes the groups above */
    bool chunked;
    struct fb_chunking chunking;
    struct fb_hdf5_filtering filtering;
    bool latest; /* version of the file format */
    struct fb_error *err;
};

static int fail(struct writer *w, const char *path)
{
    return fb_hdf5_fail(w->err, FB_EIO, "%s: cannot write %s", w->path, path);
}

/* --- samples ---------------------------------------------------------------------------------- */

/* Length of the parent's path; 0 for the root. */
static size_t parent_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

/* Parts of an HDF5 path that are empty or "." vanish: such an array would come back elsewhere. */
static bool path_fits(const char *path)
{
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0 || (length == 1 && *path == '.'))
            return false;
        if (!path[length])
            return true;
        path += length + 1;
    }
}

/* Whether the group at path[0 .. length) has a sample name. Missing groups have none. */
static bool group_named(struct writer *w, const char *path, size_t length)
{
    char *group = strndup(path, length);
    bool named = group && H5Aexists_by_name(w->file, group, "sample_name", H5P_DEFAULT) > 0;
    free(group);
    H5Eclear2(H5E_DEFAULT);
    return named;
}

/* The length of the sample path that a reader would find for an array: of the nearest named group,
 * or of the parent. */
static size_t sample_length(struct writer *w, const char *path)
{
    size_t parent = parent_length(path);
    for (size_t n = parent; n > 0;) {
        if (group_named(w, path, n))
            return n;
        while (n > 0 && path[n - 1] != '/')
            n--;
        n -= n > 0;
    }
    return parent;
}

/* A sample needs a name in the file when it has another than its path, when an array is not its
 * group's own child, and when the samples above it have one. */
static bool sample_needs_name(struct writer *w, const struct fb_catalog *catalog, size_t index)
{
    const struct fb_sample_info *sample = &catalog->samples[index];
    size_t length = strlen(sample->path);
    bool needs = strcmp(sample->name, sample->path) != 0;
    for (size_t i = sample->first; !needs && i < sample->first + sample->count; i++)
        needs = sample_length(w, catalog->arrays[i].path) != length;
    return needs && length > 0;
}

static int write_samples(struct writer *w, const struct fb_catalog *catalog)
{
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    int rc = H5Pset_obj_track_times(creation, false) < 0 ? fail(w, "groups") : 0;
    for (size_t i = 0; rc == 0 && i < catalog->sample_count; i++) {
        const struct fb_sample_info *sample = &catalog->samples[i];
        if (!sample_needs_name(w, catalog, i))
            continue;
        if (!path_fits(sample->path)) {
            rc = fb_fail(w->err, FB_EUNSUPPORTED, "%s: HDF5 cannot have a sample named '%s'",
                         w->path, sample->path);
            break;
        }
        /* A sample below may have made this group. */
        hid_t group = H5Lexists(w->file, sample->path, H5P_DEFAULT) > 0
                          ? H5Gopen2(w->file, sample->path, H5P_DEFAULT)
                          : H5Gcreate2(w->file, sample->path, w->parents, creation, H5P_DEFAULT);
        if (group < 0 || fb_hdf5_attribute_set_text(group, "sample_name", sample->name) < 0)
            rc = fail(w, sample->path);
        fb_hdf5_release(group);
    }
    fb_hdf5_release(creation);
    return rc;
}

/* --- arrays ----------------------------------------------------------------------------------- */

/* A single chunk without filters, in the newest file format and with no fill value to be written:
 * HDF5 1.10 writes its data but not where it lies, unless it has made room for it from the
 * beginning. */
static herr_t keep_single_chunk(hid_t list, const struct fb_array_info *array,
                                const uint64_t *chunk)
{
    if (H5Pget_nfilters(list) != 0 || memcmp(chunk, array->dims, array->rank * sizeof *chunk) != 0)
        return 0;
    return H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
}

/* Creation list of an array; *slab becomes the bytes of whole chunk rows to write at a time. */
static hid_t creation_list(struct writer *w, const struct fb_array_info *array, uint64_t *slab)
{
    hsize_t dims[FB_MAX_RANK];
    uint64_t chunk[FB_MAX_RANK], elements = 1;
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    *slab = SLAB_BYTES;
    bool fine = H5Pset_obj_track_times(list, false) >= 0 &&
                H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0;
    if (fine && w->chunked && array->rank > 0 && array->bytes > 0) {
        fb_chunking_shape(&w->chunking, array, chunk);
        /* No overflow: no chunk has more bytes than the array. */
        for (unsigned i = 0; i < array->rank; i++)
            elements *= dims[i] = chunk[i];
        fine = H5Pset_chunk(list, (int)array->rank, dims) >= 0 &&
               fb_hdf5_filtering_set(&w->filtering, elements, list) >= 0 &&
               keep_single_chunk(list, array, chunk) >= 0;
        uint64_t row = array->bytes / array->dims[0] * chunk[0];
        if (row <= SLAB_BYTES_MAX)
            *slab = row < SLAB_BYTES ? SLAB_BYTES / row * row : row;
    }
    if (fine)
        return list;
    fb_hdf5_release(list);
    return -1;
}

struct target {
    struct writer *w;
    const struct fb_array_info *array;
    hid_t dataset, space, type;
};

static int write_slab(void *context, const uint64_t *start, const uint64_t *count, const void *data,
                      size_t bytes, struct fb_error *err)
{
    struct target *t = context;
    hsize_t first[FB_MAX_RANK], length[FB_MAX_RANK];
    (void)err;
    if (bytes == t->array->bytes)
        return H5Dwrite(t->dataset, t->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0
                   ? fail(t->w, t->array->path)
                   : 0;
    for (unsigned i = 0; i < t->array->rank; i++) {
        first[i] = start[i];
        length[i] = count[i];
    }
    hid_t memory = H5Screate_simple((int)t->array->rank, length, NULL);
    int rc = 0;
    if (memory < 0 ||
        H5Sselect_hyperslab(t->space, H5S_SELECT_SET, first, NULL, length, NULL) < 0 ||
        H5Dwrite(t->dataset, t->type, memory, t->space, H5P_DEFAULT, data) < 0)
        rc = fail(t->w, t->array->path);
    fb_hdf5_release(memory);
    return rc;
}

static int write_array(struct writer *w, struct fb_source *source, size_t index)
{
    const struct fb_catalog *catalog = fb_source_catalog(source);
    const struct fb_array_info *array = &catalog->arrays[index];
    const char *sample = catalog->samples[array->sample].path;
    struct target t = { w, array, -1, -1, -1 };
    hsize_t dims[FB_MAX_RANK];
    uint64_t slab;
    int rc;
    for (unsigned i = 0; i < array->rank; i++)
        dims[i] = array->dims[i];
    size_t length = sample_length(w, array->path);
    if (!path_fits(array->path) || strlen(sample) != length ||
        strncmp(sample, array->path, length) != 0)
        return fb_fail(w->err, FB_EUNSUPPORTED,
                       "%s: HDF5 cannot hold array '%s' in sample '%s': the sample must be a group "
                       "above it",
                       w->path, array->path, sample);
    hid_t creation = creation_list(w, array, &slab);
    t.type = fb_hdf5_type_write(array->dtype);
    t.space = array->rank ? H5Screate_simple((int)array->rank, dims, NULL) : H5Screate(H5S_SCALAR);
    if (creation >= 0)
        t.dataset =
            H5Dcreate2(w->file, array->path, t.type, t.space, w->parents, creation, H5P_DEFAULT);
    rc = t.dataset < 0 ? fail(w, array->path)
                       : fb_source_stream(source, index, (size_t)slab, write_slab, &t, w->err);
    /* Closing writes the chunks that are still cached. */
    if (t.dataset >= 0 && H5Dclose(t.dataset) < 0 && rc == 0)
        rc = fail(w, array->path);
    fb_hdf5_release(t.space);
    fb_hdf5_release(t.type);
    fb_hdf5_release(creation);
    return rc;
}

/* --- files ------------------------------------------------------------------------------------ */

static int write_all(struct writer *w, struct fb_source *source)
{
    const struct fb_catalog *catalog = fb_source_catalog(source);
    int rc = write_samples(w, catalog);
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++)
        rc = write_array(w, source, i);
    if (rc == 0 && fb_hdf5_describe(w->file, catalog) < 0)
        rc = fail(w, "the attributes that describe the file");
    return rc;
}

static int write_file(struct writer *w, const char *temp, struct fb_source *source)
{
    hid_t access_list = H5Pcreate(H5P_FILE_ACCESS);
    w->parents = H5Pcreate(H5P_LINK_CREATE);
    int rc = 0;
    if (H5Pset_fclose_degree(access_list, H5F_CLOSE_STRONG) < 0 ||
        H5Pset_file_locking(access_list, true, true) < 0 ||
        (w->latest &&
         H5Pset_libver_bounds(access_list, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) < 0) ||
        H5Pset_create_intermediate_group(w->parents, 1) < 0)
        rc = fail(w, "the file");
    if (rc == 0) {
        w->file = H5Fcreate(temp, H5F_ACC_TRUNC, H5P_DEFAULT, access_list);
        rc = w->file < 0 ? fail(w, "the file") : write_all(w, source);
    }
    if (rc == 0 && H5Fflush(w->file, H5F_SCOPE_LOCAL) < 0)
        rc = fail(w, "the file");
    if (w->file >= 0 && H5Fclose(w->file) < 0 && rc == 0)
        rc = fail(w, "the file");
    fb_hdf5_release(w->parents);
    fb_hdf5_release(access_list);
    return rc;
}

int fb_hdf5_create(const char *path, struct fb_source *source, const struct fb_options *options,
                   struct fb_error *err)
{
    struct writer w = { .path = path, .file = -1, .parents = -1, .err = err };
    struct fb_output output;
    int rc = 0;
    fb_hdf5_quiet();
    w.latest = strcmp(fb_options_text(options, "libver"), "latest") == 0;
    w.chunked = fb_options_has(options, "chunk");
    if (w.chunked)
        rc = fb_chunking_parse(options, fb_source_catalog(source), FB_HDF5_CHUNK_MAX, &w.chunking,
                               err);
    if (rc == 0 && w.chunked)
        rc = fb_hdf5_filtering_parse(options, fb_source_catalog(source), path, &w.filtering, err);
    if (rc == 0)
        rc = fb_output_begin(&output, path, err);
    if (rc)
        return rc;
    rc = write_file(&w, output.temp, source);
    if (rc == 0)
        return fb_output_commit(&output, err);
    fb_output_abort(&output);
    return rc;
}
