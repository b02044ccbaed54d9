#include "formats/hdf5/filters.h"
#include "formats/hdf5/internal.h"
#include "formats/hdf5/options.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define PLUGINS "hdf5-filter-plugin"
#define LEVEL_MOST 9
#define SZIP_RAW 128 /* without a header of szip's own, as H5Pset_szip has it */

/* Parameters are what h5py gives where it can write a filter; else what the filter's own
 * documentation takes for the default. Zeros in front are filled in by the filter itself. */
const struct fb_hdf5_filter fb_hdf5_filter_table[] = {
    { .name = "gzip", .id = H5Z_FILTER_DEFLATE, .written = true, .count = 1, .level_at = 1 },
    { .name = "none", .id = H5Z_FILTER_NONE, .written = true },
    { .name = "lzf",
      .id = 32000,
      .written = true,
      .package = "hdf5-plugin-lzf liblzf1",
      .library = "liblzf.so.1",
      .gives_up = true },
    { .name = "szip",
      .id = H5Z_FILTER_SZIP,
      .written = true,
      .count = 2,
      .values = { H5_SZIP_NN_OPTION_MASK | SZIP_RAW, 8 },
      .block_at = 2,
      .numbers = true,
      .gives_up = true },
    { .name = "lz4", .id = 32004, .written = true, .package = PLUGINS },
    { .name = "bzip2",
      .id = 307,
      .written = true,
      .package = PLUGINS,
      .count = 1,
      .level_at = 1,
      .level_least = 1 },
    { .name = "blosc",
      .id = 32001,
      .written = true,
      .package = "hdf5-filter-plugin-blosc-serial",
      .count = 7, /* the last one is its compressor: blosclz */
      .level_at = 5,
      .level_least = 1,
      .shuffle_at = 6,
      .gives_up = true },
    { .name = "bitshuffle",
      .id = 32008,
      .written = true,
      .package = "bitshuffle",
      .count = 2,
      .values = { 0, 2 } }, /* blocks of its own choice, compressed with LZ4 */
    { .name = "shuffle", .id = H5Z_FILTER_SHUFFLE },
    { .name = "fletcher32", .id = H5Z_FILTER_FLETCHER32 },
    { .name = "nbit", .id = H5Z_FILTER_NBIT },
    { .name = "scaleoffset", .id = H5Z_FILTER_SCALEOFFSET },
    { .name = "zstd", .id = 32015 },
    { 0 },
};

const char *fb_hdf5_filter_plugin(const char *name)
{
    const struct fb_hdf5_filter *filter = fb_hdf5_filter_table;
    while (filter->name && strcmp(filter->name, name) != 0)
        filter++;
    return filter->name && filter->package ? filter->package : "";
}

static const struct fb_hdf5_filter *find(H5Z_filter_t id)
{
    for (const struct fb_hdf5_filter *filter = fb_hdf5_filter_table; filter->name; filter++)
        if (filter->id == id)
            return filter;
    return NULL;
}

const struct fb_hdf5_filter *fb_hdf5_filter_named(const char *name)
{
    for (const struct fb_hdf5_filter *filter = fb_hdf5_filter_table; filter->name; filter++)
        if (filter->written && strcmp(filter->name, name) == 0)
            return filter;
    return NULL;
}

char *fb_hdf5_filter_name(H5Z_filter_t id, char *buf, size_t size)
{
    const struct fb_hdf5_filter *filter = find(id);
    if (filter)
        snprintf(buf, size, "%s", filter->name);
    else
        snprintf(buf, size, "filter(%d)", (int)id);
    return buf;
}

/* --- what is there ---------------------------------------------------------------------------- */

static bool can(H5Z_filter_t id, unsigned what)
{
    unsigned config = 0;
    const struct fb_hdf5_filter *filter = find(id);
    if (filter && filter->library)
        dlopen(filter->library, RTLD_NOW | RTLD_GLOBAL);
    bool fine = id == H5Z_FILTER_NONE || (H5Zfilter_avail(id) > 0 &&
                                          H5Zget_filter_info(id, &config) >= 0 && (config & what));
    H5Eclear2(H5E_DEFAULT);
    return fine;
}

bool fb_hdf5_filter_reads(H5Z_filter_t id)
{
    return can(id, H5Z_FILTER_CONFIG_DECODE_ENABLED);
}

bool fb_hdf5_filter_writes(H5Z_filter_t id)
{
    return can(id, H5Z_FILTER_CONFIG_ENCODE_ENABLED);
}

char *fb_hdf5_filter_missing(H5Z_filter_t id, char *buf, size_t size)
{
    const struct fb_hdf5_filter *filter = find(id);
    const char *package = filter ? filter->package : NULL;
    char name[32];
    snprintf(buf, size, "the HDF5 filter %s (id %d), which is not installed%s%s%s",
             fb_hdf5_filter_name(id, name, sizeof name), (int)id, package ? " (Debian: " : "",
             package ? package : "", package ? ")" : "");
    return buf;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int check_level(const struct fb_options *options, const struct fb_hdf5_filtering *filtering,
                       struct fb_error *err)
{
    const struct fb_hdf5_filter *filter = filtering->filter;
    const char *level = fb_options_text(options, "level");
    if (filter->level_at > 0 && filtering->level < filter->level_least)
        return fb_fail(err, FB_EUSAGE, "filter=%s has levels %u to 9, and no level=%s",
                       filter->name, filter->level_least, level);
    if (filter->level_at == 0 && !fb_options_is_default(options, "level"))
        return fb_fail(err, FB_EUSAGE, "filter=%s has no levels; leave out level=%s", filter->name,
                       level);
    return 0;
}

static int check_elements(const struct fb_hdf5_filter *filter, const struct fb_catalog *catalog,
                          const char *path, struct fb_error *err)
{
    for (size_t i = 0; filter->numbers && i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        char name[FB_DTYPE_NAME_MAX];
        if (array->dtype.kind == FB_OPAQUE && array->rank > 0 && array->bytes > 0)
            return fb_fail(err, FB_EUNSUPPORTED,
                           "%s: filter=%s compresses numbers alone, and array %s is of %s; take "
                           "another filter",
                           path, filter->name, array->path,
                           fb_dtype_name(array->dtype, name, sizeof name));
    }
    return 0;
}

int fb_hdf5_filtering_parse(const struct fb_options *options, const struct fb_catalog *catalog,
                            const char *path, struct fb_hdf5_filtering *out, struct fb_error *err)
{
    const struct fb_hdf5_filter *filter = fb_hdf5_filter_named(fb_options_text(options, "filter"));
    char missing[160];
    *out = (struct fb_hdf5_filtering){
        .filter = filter,
        .level = (unsigned)fb_options_uint(options, "level"),
        .shuffle = fb_options_uint(options, "shuffle") != 0,
    };
    int rc = check_level(options, out, err);
    if (rc == 0)
        rc = check_elements(filter, catalog, path, err);
    if (rc || fb_hdf5_filter_writes(filter->id))
        return rc;
    if (fb_hdf5_filter_reads(filter->id))
        return fb_fail(err, FB_EUNSUPPORTED,
                       "%s: cannot write with filter=%s: the HDF5 library here can only read what "
                       "went through %s (id %d)",
                       path, filter->name, filter->name, (int)filter->id);
    return fb_fail(err, FB_EUNSUPPORTED, "%s: cannot write with filter=%s: it needs %s", path,
                   filter->name, fb_hdf5_filter_missing(filter->id, missing, sizeof missing));
}

bool fb_hdf5_filter_has(const char *name, unsigned level)
{
    const struct fb_hdf5_filter *filter = fb_hdf5_filter_named(name);
    return filter && (filter->level_at > 0 ? level >= filter->level_least && level <= LEVEL_MOST
                                           : level == 0);
}

unsigned fb_hdf5_steps(const char *name, unsigned level, bool shuffle, uint64_t chunk_elements,
                       struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX])
{
    const struct fb_hdf5_filter *filter = fb_hdf5_filter_named(name);
    unsigned count = 0;
    if (!filter)
        return 0;
    struct fb_hdf5_step step = { .id = (unsigned)filter->id,
                                 .name = filter->name,
                                 .optional = filter->gives_up,
                                 .count = filter->count };
    memcpy(step.values, filter->values, sizeof step.values);
    if (shuffle && filter->shuffle_at > 0)
        step.values[filter->shuffle_at - 1] = 1;
    else if (shuffle)
        steps[count++] = (struct fb_hdf5_step){ .id = FB_HDF5_SHUFFLE, .name = "shuffle" };
    if (filter->level_at > 0)
        step.values[filter->level_at - 1] = level;
    if (filter->block_at > 0) {
        unsigned *block = &step.values[filter->block_at - 1];
        /* A single element has nothing to be compressed with. */
        if (chunk_elements < 2)
            return count;
        if (*block > chunk_elements)
            *block = (unsigned)chunk_elements / 2 * 2;
    }
    if (filter->id != H5Z_FILTER_NONE && !(filter->level_at > 0 && level == 0))
        steps[count++] = step;
    return count;
}

herr_t fb_hdf5_filtering_set(const struct fb_hdf5_filtering *filtering, uint64_t chunk_elements,
                             hid_t creation)
{
    struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
    unsigned count = fb_hdf5_steps(filtering->filter->name, filtering->level, filtering->shuffle,
                                   chunk_elements, steps);
    herr_t rc = 0;
    for (unsigned i = 0; rc >= 0 && i < count; i++)
        rc = H5Pset_filter(creation, (H5Z_filter_t)steps[i].id,
                           steps[i].optional ? H5Z_FLAG_OPTIONAL : H5Z_FLAG_MANDATORY,
                           steps[i].count, steps[i].values);
    return rc;
}

/* --- what a file has -------------------------------------------------------------------------- */

/* Fills values[0 .. *count). */
static H5Z_filter_t filter_at(hid_t creation, int i, unsigned *values, size_t *count)
{
    unsigned flags, config;
    size_t room = *count;
    H5Z_filter_t id =
        H5Pget_filter2(creation, (unsigned)i, &flags, count, values, 0, NULL, &config);
    /* It gives the number that there is. */
    *count = *count < room ? *count : room;
    return id;
}

H5Z_filter_t fb_hdf5_filter_at(hid_t creation, int i)
{
    unsigned values[FB_HDF5_PARAMETERS_MAX];
    size_t count = FB_HDF5_PARAMETERS_MAX;
    return filter_at(creation, i, values, &count);
}

void fb_hdf5_filters_text(hid_t creation, char *buf, size_t size)
{
    buf[0] = '\0';
    for (int i = 0, n = H5Pget_nfilters(creation); i < n; i++) {
        unsigned values[FB_HDF5_PARAMETERS_MAX] = { 0 };
        size_t count = FB_HDF5_PARAMETERS_MAX, used = strlen(buf);
        char name[32];
        H5Z_filter_t id = filter_at(creation, i, values, &count);
        const struct fb_hdf5_filter *filter = find(id);
        snprintf(buf + used, size - used, "%s%s", used ? "+" : "",
                 fb_hdf5_filter_name(id, name, sizeof name));
        used = strlen(buf);
        if (!filter || filter->level_at == 0 || filter->level_at > count)
            continue;
        bool shuffles = filter->shuffle_at > 0 && filter->shuffle_at <= count &&
                        values[filter->shuffle_at - 1] == 1;
        snprintf(buf + used, size - used, "(%u%s)", values[filter->level_at - 1],
                 shuffles ? ",shuffle" : "");
    }
}
