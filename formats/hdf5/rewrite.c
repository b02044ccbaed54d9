#include "formats/hdf5/rewrite.h"
#include "base/interrupt.h"
#include "formats/hdf5/internal.h"

#include <stdlib.h>
#include <string.h>

/* HDF5 walks recursively; nobody nests as deep as this. */
#define DEPTH_MAX 256

/* --- what a dataset can be -------------------------------------------------------------------- */

int fb_hdf5_check_fixed(const char *path, const char *const *arrays, size_t count,
                        struct fb_error *err)
{
    hsize_t dims[FB_MAX_RANK], most[FB_MAX_RANK];
    struct fb_reader *reader;
    int rc = fb_hdf5_open(path, NULL, &reader, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        hid_t dataset = H5Dopen2(reader->file, arrays[i], H5P_DEFAULT);
        hid_t space = H5Dget_space(dataset);
        int rank = H5Sget_simple_extent_dims(space, dims, most);
        if (rank < 0)
            rc = fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot open array %s", path, arrays[i]);
        else if (rank > 0 && memcmp(dims, most, (size_t)rank * sizeof *dims) != 0)
            rc = fb_fail(err, FB_EUNSUPPORTED,
                         "%s: array %s can grow, which only arrays in chunks can: it cannot be "
                         "stored in one piece",
                         path, arrays[i]);
        fb_hdf5_release(space);
        fb_hdf5_release(dataset);
    }
    fb_hdf5_close(reader);
    return rc;
}

bool fb_hdf5_can_encode(unsigned id)
{
    unsigned config = 0;
    fb_hdf5_quiet();
    bool writes = H5Zfilter_avail((H5Z_filter_t)id) > 0 &&
                  H5Zget_filter_info((H5Z_filter_t)id, &config) >= 0 &&
                  (config & H5Z_FILTER_CONFIG_ENCODE_ENABLED);
    H5Eclear2(H5E_DEFAULT);
    return writes;
}

/* --- names ------------------------------------------------------------------------------------ */

struct alias {
    haddr_t address;
    size_t index;
};

struct aliases {
    struct alias *items; /* the arrays by address */
    size_t count;
    const char *const *arrays;
    char **names;
};

static int compare_aliases(const void *a, const void *b)
{
    haddr_t x = ((const struct alias *)a)->address, y = ((const struct alias *)b)->address;
    return (x > y) - (x < y);
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* h5repack visits objects in the same way, each once. */
static herr_t visit_name(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
    struct aliases *aliases = context;
    const struct alias key = { info->addr, 0 };
    (void)root;
    /* Groups are visited after their callback: this bounds how deep HDF5 goes. */
    if (fb_interrupted() || depth_of(name) > DEPTH_MAX)
        return -1;
    const struct alias *found =
        bsearch(&key, aliases->items, aliases->count, sizeof key, compare_aliases);
    if (found && strcmp(aliases->arrays[found->index], name) != 0)
        return (aliases->names[found->index] = strdup(name)) ? 0 : -1;
    return 0;
}

int fb_hdf5_tool_names(const char *path, const char *const *arrays, size_t count, char **names,
                       struct fb_error *err)
{
    struct fb_reader *reader;
    struct aliases aliases = { .arrays = arrays, .names = names };
    memset(names, 0, count * sizeof *names);
    int rc = fb_hdf5_open(path, NULL, &reader, err);
    if (rc)
        return rc;
    aliases.items = calloc(count + 1, sizeof *aliases.items);
    if (!aliases.items)
        rc = fb_fail_memory(err, "a list of names");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        H5O_info_t info;
        if (H5Oget_info_by_name2(reader->file, arrays[i], &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
            rc = fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot open array %s", path, arrays[i]);
        else
            aliases.items[aliases.count++] = (struct alias){ info.addr, i };
    }
    qsort(aliases.items, aliases.count, sizeof *aliases.items, compare_aliases);
    if (rc == 0 && H5Ovisit2(reader->file, H5_INDEX_CRT_ORDER, H5_ITER_INC, visit_name, &aliases,
                             H5O_INFO_BASIC) < 0)
        rc = fb_interrupted() ? fb_fail(err, FB_EINTERRUPTED, "interrupted")
                              : fb_hdf5_fail(err, FB_EFORMAT, "%s: cannot list its objects", path);
    free(aliases.items);
    fb_hdf5_close(reader);
    return rc;
}
