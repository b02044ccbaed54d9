/* What an array is, and whether it can be read directly. */
#include "formats/direct/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fall_back(struct fb_direct_array *array, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fall_back(struct fb_direct_array *array, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(array->reason, sizeof array->reason, format, args);
    va_end(args);
    return false;
}

/* --- shape ------------------------------------------------------------------------------------ */

int fb_direct_look_at_shape(struct fb_direct_array *array, char *why)
{
    hsize_t dims[H5S_MAX_RANK];
    char reason[FB_DIRECT_REASON];
    hid_t space = H5Dget_space(array->dataset);
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank < 0) {
        fb_direct_reason(reason, sizeof reason);
        fb_direct_release(space);
        return fb_direct_fail(why, "the shape of the array cannot be read: %s", reason);
    }
    array->no_data = H5Sget_simple_extent_type(space) == H5S_NULL;
    array->rank = (unsigned)rank;
    for (int i = 0; i < rank; i++)
        array->dims[i] = dims[i];
    fb_direct_release(space);
    return 0;
}

/* --- type ------------------------------------------------------------------------------------- */

/* A copy of a type in the byte order of another; -1 where it has no such form. */
static hid_t in_order_of(hid_t type, hid_t other)
{
    H5T_order_t order = H5Tget_order(other), own = H5Tget_order(type);
    if ((order != H5T_ORDER_LE && order != H5T_ORDER_BE) ||
        (own != H5T_ORDER_LE && own != H5T_ORDER_BE) || order == own)
        return -1;
    hid_t copy = H5Tcopy(type);
    if (copy >= 0 && H5Tset_order(copy, order) < 0) {
        fb_direct_release(copy);
        return -1;
    }
    return copy;
}

static bool fills_its_bytes(hid_t type)
{
    size_t size = H5Tget_size(type);
    return size >= 1 && size <= 8 && H5Tget_precision(type) == 8 * size && H5Tget_offset(type) == 0;
}

/* Numbers in this machine's order; all else as it is. */
static hid_t delivered_type(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_BITFIELD) {
        hid_t turned = in_order_of(type, H5T_NATIVE_INT);
        if (turned >= 0)
            return turned;
    }
    return H5Tcopy(type);
}

static const char *class_name(H5T_class_t class)
{
    switch (class) {
    case H5T_COMPOUND:
        return "compound";
    case H5T_ARRAY:
        return "array";
    case H5T_VLEN:
        return "variable-length";
    case H5T_REFERENCE:
        return "reference";
    case H5T_TIME:
        return "time";
    default:
        return "unknown";
    }
}

static bool plain_class(hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_FLOAT:
    case H5T_BITFIELD:
    case H5T_ENUM:
    case H5T_OPAQUE:
        return true;
    case H5T_STRING:
        return H5Tis_variable_str(type) == 0;
    default:
        return false;
    }
}

/* Whether the bytes of `type` are those of the delivered one, turned round or not. */
static bool same_bytes(struct fb_direct_array *array, hid_t type)
{
    if (H5Tequal(type, array->memory) > 0)
        return true;
    hid_t turned = fills_its_bytes(type) ? in_order_of(type, array->memory) : -1;
    array->swap = turned >= 0 && H5Tequal(turned, array->memory) > 0;
    fb_direct_release(turned);
    return array->swap;
}

static bool type_reads(struct fb_direct_array *array, hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    if (!plain_class(type))
        return fall_back(array, "elements of class %s", class_name(class));
    if (same_bytes(array, type))
        return true;
    /* An enumeration delivered as the integers that it is made of. */
    hid_t base = class == H5T_ENUM ? H5Tget_super(type) : -1;
    bool reads = base >= 0 && same_bytes(array, base);
    fb_direct_release(base);
    return reads || fall_back(array, "elements are converted");
}

static int look_at_type(struct fb_direct_array *array, hid_t type, char *why)
{
    if (type >= 0 && array->memory < 0)
        array->memory = array->own_memory = delivered_type(type);
    array->element = array->memory < 0 ? 0 : H5Tget_size(array->memory);
    if (array->element > 0)
        return 0;
    char reason[FB_DIRECT_REASON];
    fb_direct_reason(reason, sizeof reason);
    return fb_direct_fail(why, "the type of the array cannot be read: %s", reason);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static bool filters_read(struct fb_direct_array *array, hid_t creation)
{
    struct fb_direct_pipeline *pipeline = &array->pipeline;
    int count = H5Pget_nfilters(creation);
    if (count == 0)
        return fall_back(array, "chunks without filters");
    for (int i = 0; i < count; i++) {
        unsigned flags, config, values[1] = { 0 };
        size_t value_count = 1;
        H5Z_filter_t id =
            H5Pget_filter2(creation, (unsigned)i, &flags, &value_count, values, 0, NULL, &config);
        enum fb_direct_filter filter = FB_DIRECT_DEFLATE;
        if (id == H5Z_FILTER_SHUFFLE)
            filter = FB_DIRECT_SHUFFLE;
        else if (id == H5Z_FILTER_FLETCHER32)
            filter = FB_DIRECT_FLETCHER32;
        else if (id != H5Z_FILTER_DEFLATE)
            return fall_back(array, "filter %d", (int)id);
        /* Of others HDF5 decodes nothing. */
        if (id == H5Z_FILTER_DEFLATE && (value_count != 1 || values[0] > 9))
            return fall_back(array, "a gzip level that HDF5 refuses");
        /* Nothing but HDF5 itself writes another width, for elements of another size. */
        if (id == H5Z_FILTER_SHUFFLE && (value_count != 1 || values[0] != array->element))
            return fall_back(array, "a shuffle of another width than its elements");
        if (i == FB_DIRECT_FILTERS_MAX)
            return fall_back(array, "%d filters", count);
        pipeline->filters[i] = filter;
        pipeline->count++;
    }
    pipeline->element = array->element;
    return count > 0 && fb_direct_pipeline_fits(pipeline) ? true
                                                          : fall_back(array, "order of filters");
}

static bool chunks_fit(struct fb_direct_array *array, hid_t creation)
{
    hsize_t chunk[H5S_MAX_RANK];
    uint64_t bytes = array->element;
    int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    array->chunks = 1;
    if (rank < 1 || (unsigned)rank != array->rank)
        return fall_back(array, "chunks of another rank");
    for (unsigned i = 0; i < array->rank; i++) {
        array->chunk[i] = chunk[i];
        if (chunk[i] == 0 || __builtin_mul_overflow(bytes, chunk[i], &bytes) ||
            bytes > FB_DIRECT_CHUNK_MAX)
            return fall_back(array, "chunks without elements, or of more than 1 GiB");
        array->grid[i] = array->dims[i] / chunk[i] + (array->dims[i] % chunk[i] != 0);
        if (__builtin_mul_overflow(array->chunks, array->grid[i], &array->chunks))
            return fall_back(array, "more chunks than any file can hold");
    }
    array->chunk_bytes = (size_t)bytes;
    /* gzip makes no chunk longer than by this; one that is is damaged. */
    array->stored_most = array->chunk_bytes + array->chunk_bytes / 64 + 4096;
    return true;
}

static bool layout_reads(struct fb_direct_array *array, hid_t creation)
{
    unsigned options = 0;
    switch (H5Pget_layout(creation)) {
    case H5D_CHUNKED:
        break;
    case H5D_COMPACT:
        return fall_back(array, "compact layout");
    case H5D_CONTIGUOUS:
        return fall_back(array, H5Pget_external_count(creation) > 0 ? "external files"
                                                                    : "contiguous layout");
    case H5D_VIRTUAL:
        return fall_back(array, "virtual layout");
    default:
        return fall_back(array, "unknown layout");
    }
    if (H5Pget_chunk_opts(creation, &options) < 0)
        return fall_back(array, "unknown layout");
    array->whole_chunks_only = options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
    return filters_read(array, creation) && chunks_fit(array, creation);
}

/* The library's number of an open file, of which there can be several ids. */
static bool number_of(hid_t id, unsigned long *number)
{
    H5O_info_t info;
    bool told = H5Oget_info2(id, &info, H5O_INFO_BASIC) >= 0;
    *number = told ? info.fileno : 0;
    return told;
}

/* External links and mounted files lead elsewhere, where addresses mean other things. */
static bool lies_in_file(const struct fb_direct_array *array)
{
    struct fb_direct_file *file = array->file;
    unsigned long own, number;
    if (!number_of(array->dataset, &own))
        return false;
    if (!file->numbered)
        file->numbered = number_of(file->file, &file->number);
    return (file->numbered && file->number == own) ||
           (file->scout && number_of(fb_direct_scout_file(file->scout), &number) && number == own);
}

static bool reads_directly(struct fb_direct_array *array, hid_t type)
{
    unsigned intent;
    bool own = lies_in_file(array);
    array->changes =
        !own || H5Fget_intent(array->file->file, &intent) < 0 || intent != H5F_ACC_RDONLY;
    /* An offset tells at once, and everything else of the layout takes twenty times as long. */
    if (H5Dget_offset(array->dataset) != HADDR_UNDEF)
        return fall_back(array, "contiguous layout");
    if (array->rank == 0 || array->no_data)
        return fall_back(array, "no axes");
    if (!own)
        return fall_back(array, "it lies in another file");
    if (array->changes)
        return fall_back(array, "a file that is open for writing, or while another writes it");
    if (!type_reads(array, type))
        return false;
    hid_t creation = H5Dget_create_plist(array->dataset);
    bool reads = creation >= 0 && layout_reads(array, creation);
    fb_direct_release(creation);
    if (!reads && !array->reason[0])
        return fall_back(array, "unknown layout");
    return reads;
}

int fb_direct_look(struct fb_direct_array *array, char *why)
{
    hid_t type = H5Dget_type(array->dataset);
    int rc = look_at_type(array, type, why);
    if (rc == 0)
        rc = fb_direct_look_at_shape(array, why);
    if (rc == 0 && reads_directly(array, type)) {
        fb_direct_cache_begin(&array->cache, array->chunk_bytes);
        atomic_store(&array->kind, FB_DIRECT_READS);
    } else if (rc == 0) {
        atomic_store(&array->kind, FB_DIRECT_FALLS_BACK);
    }
    fb_direct_release(type);
    H5Eclear2(H5E_DEFAULT);
    return rc;
}

/* H5Dread leaves the caller's bytes as they are where no fill value is ever written. */
const unsigned char *fb_direct_fill(struct fb_direct_array *array)
{
    H5D_fill_value_t defined;
    H5D_fill_time_t time;
    if (array->fill_tried)
        return array->fill;
    array->fill_tried = true;
    hid_t creation = H5Dget_create_plist(array->dataset);
    unsigned char *fill = calloc(1, array->element);
    if (fill && H5Pfill_value_defined(creation, &defined) >= 0 &&
        H5Pget_fill_time(creation, &time) >= 0 && defined != H5D_FILL_VALUE_UNDEFINED &&
        time != H5D_FILL_TIME_NEVER && H5Pget_fill_value(creation, array->memory, fill) >= 0) {
        array->fill = fill;
        fill = NULL;
    }
    free(fill);
    fb_direct_release(creation);
    H5Eclear2(H5E_DEFAULT);
    return array->fill;
}
