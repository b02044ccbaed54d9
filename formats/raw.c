/* Our binary file: a header that lists all arrays, then their bytes.
 *
 *   0   8 bytes   "FMTBRAW1"
 *   8   uint64    length of the header in bytes
 *   16  header    JSON as in datasets/catalog_json.h; each array has "offset", bytes from the start
 *                 of the data, and the whole has "data_bytes", so that truncation is seen on open;
 *                 arrays follow each other as they are listed
 *   data          starts at the next multiple of 64 behind the header; so does each array in it
 *
 * All numbers are little-endian. */
#include "base/number.h"
#include "base/output.h"
#include "datasets/catalog_json.h"
#include "formats/indexed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "FMTBRAW1"
#define MAGIC_SIZE 8
#define PREFIX_SIZE 16
#define ALIGNMENT 64
/* Room for a million arrays; a damaged length shall not make us parse gigabytes. */
#define HEADER_MAX (256 << 20)

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "raw files are little-endian, and so must be the machine: array bytes are not swapped"
#endif

static const struct fb_option options[] = { FB_DTYPE_OPTION, { 0 } };

static uint64_t align_up(uint64_t offset)
{
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool raw_recognises(const unsigned char *head, size_t length)
{
    return length >= MAGIC_SIZE && memcmp(head, MAGIC, MAGIC_SIZE) == 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Shapes are known before any data, and so the header can be written first. */
static int make_header(const struct fb_catalog *catalog, char **text, struct fb_error *err)
{
    json_t *root;
    uint64_t offset = 0;
    int rc = fb_catalog_to_json(catalog, &root, err);
    if (rc)
        return rc;
    json_t *arrays = json_object_get(root, "arrays");
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++) {
        offset = align_up(offset);
        if (json_object_set_new(json_array_get(arrays, i), "offset",
                                json_integer((json_int_t)offset)) < 0)
            rc = fb_fail_memory(err, "the header");
        offset += catalog->arrays[i].bytes;
    }
    if (rc == 0 && json_object_set_new(root, "data_bytes", json_integer((json_int_t)offset)) < 0)
        rc = fb_fail_memory(err, "the header");
    if (rc == 0 && !(*text = json_dumps(root, JSON_COMPACT)))
        rc = fb_fail_memory(err, "the header");
    if (rc == 0 && strlen(*text) > HEADER_MAX) {
        rc = fb_fail(err, FB_EUNSUPPORTED, "raw: a header of %zu bytes for %zu arrays is too long",
                     strlen(*text), catalog->array_count);
        free(*text);
    }
    json_decref(root);
    return rc;
}

struct writer {
    FILE *stream;
    const char *path;
    uint64_t position;
};

static int write_bytes(struct writer *writer, const void *data, size_t bytes, struct fb_error *err)
{
    if (fwrite(data, 1, bytes, writer->stream) != bytes)
        return fb_fail_errno(err, "cannot write %s", writer->path);
    writer->position += bytes;
    return 0;
}

static int write_padding(struct writer *writer, struct fb_error *err)
{
    static const char zeros[ALIGNMENT];
    return write_bytes(writer, zeros, (size_t)(align_up(writer->position) - writer->position), err);
}

static int write_slab(void *context, const uint64_t *start, const uint64_t *count, const void *data,
                      size_t bytes, struct fb_error *err)
{
    (void)start;
    (void)count;
    return write_bytes(context, data, bytes, err);
}

static int write_all(struct writer *writer, struct fb_source *source, struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(source);
    char *header = NULL;
    int rc = make_header(catalog, &header, err);
    if (rc)
        return rc;
    uint64_t length = strlen(header);
    rc = write_bytes(writer, MAGIC, MAGIC_SIZE, err);
    if (rc == 0)
        rc = write_bytes(writer, &length, sizeof length, err);
    if (rc == 0)
        rc = write_bytes(writer, header, (size_t)length, err);
    free(header);
    if (rc == 0)
        rc = write_padding(writer, err);
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++) {
        rc = write_padding(writer, err);
        if (rc == 0)
            rc = fb_source_stream(source, i, 1 << 20, write_slab, writer, err);
    }
    return rc;
}

struct raw_job {
    const char *path;
    struct fb_source *source;
};

static int print_raw(void *context, FILE *stream, struct fb_error *err)
{
    const struct raw_job *job = context;
    struct writer writer = { stream, job->path, 0 };
    return write_all(&writer, job->source, err);
}

static int raw_create(const char *path, struct fb_source *source, const struct fb_options *unused,
                      struct fb_error *err)
{
    struct raw_job job = { path, source };
    (void)unused;
    return fb_output_write(path, print_raw, &job, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int place_arrays(struct fb_reader *reader, const json_t *root, uint64_t data_start,
                        uint64_t data_bytes, struct fb_error *err)
{
    const json_t *arrays = json_object_get(root, "arrays");
    uint64_t taken = 0;
    reader->offsets = calloc(reader->catalog.array_count + 1, sizeof *reader->offsets);
    if (!reader->offsets)
        return fb_fail_memory(err, reader->path);
    for (size_t i = 0; i < json_array_size(arrays); i++) {
        const json_t *array = json_array_get(arrays, i);
        const struct fb_array_info *info =
            fb_catalog_find(&reader->catalog, json_string_value(json_object_get(array, "path")));
        uint64_t offset, end;
        if (!info || !fb_json_u64(json_object_get(array, "offset"), &offset) ||
            !fb_add_u64(offset, info->bytes, &end) || end > data_bytes)
            return fb_fail(err, FB_EFORMAT, "%s is damaged: array %zu lies outside the file",
                           reader->path, i);
        /* Else a small file could unfold to any size, and one array pass for another. */
        if (offset < taken)
            return fb_fail(err, FB_EFORMAT, "%s is damaged: array %zu overlaps the one before it",
                           reader->path, i);
        taken = end;
        reader->offsets[info - reader->catalog.arrays] = data_start + offset;
    }
    return 0;
}

static int raw_index(struct fb_reader *reader, struct fb_error *err)
{
    const char *path = reader->path;
    uint64_t length, data_bytes;
    json_t *root;
    if (!raw_recognises(reader->base, reader->bytes))
        return fb_fail(err, FB_EFORMAT, "%s is not a raw file of fmtbench", path);
    if (reader->bytes < PREFIX_SIZE)
        return fb_fail(err, FB_EFORMAT, "%s is truncated", path);
    memcpy(&length, reader->base + MAGIC_SIZE, sizeof length);
    if (length > HEADER_MAX || length > reader->bytes - PREFIX_SIZE)
        return fb_fail(err, FB_EFORMAT,
                       "%s is truncated or damaged: a header of %" PRIu64 " bytes in a file of %zu",
                       path, length, reader->bytes);
    int rc =
        fb_json_parse((const char *)reader->base + PREFIX_SIZE, (size_t)length, path, &root, err);
    if (rc)
        return rc;
    uint64_t data_start = align_up(PREFIX_SIZE + length), have = 0;
    if (reader->bytes > data_start)
        have = reader->bytes - data_start;
    if (!fb_json_u64(json_object_get(root, "data_bytes"), &data_bytes))
        rc = fb_fail(err, FB_EFORMAT, "%s is damaged: its header has no data_bytes", path);
    else if (data_bytes != have)
        rc = fb_fail(err, FB_EFORMAT,
                     "%s is truncated or damaged: it holds %" PRIu64
                     " bytes of data instead of %" PRIu64,
                     path, have, data_bytes);
    if (rc == 0)
        rc = fb_catalog_from_json(root, path, &reader->catalog, err);
    if (rc == 0)
        rc = place_arrays(reader, root, data_start, data_bytes, err);
    json_decref(root);
    return rc;
}

static int raw_open(const char *path, const struct fb_options *unused, struct fb_reader **out,
                    struct fb_error *err)
{
    (void)unused;
    return fb_indexed_open(path, FB_LOADED, raw_index, out, err);
}

static int raw_open_streaming(const char *path, struct fb_reader **out, struct fb_error *err)
{
    return fb_indexed_open(path, FB_STREAMED, raw_index, out, err);
}

static int mmap_open(const char *path, const struct fb_options *unused, struct fb_reader **out,
                     struct fb_error *err)
{
    (void)unused;
    return fb_indexed_open(path, FB_MAPPED, raw_index, out, err);
}

const struct fb_format fb_format_raw = {
    .name = "raw",
    .summary = "binary file with an index, loaded whole on opening, as pickle is",
    .suffix = ".raw",
    .writer = "raw",
    .flags = FB_LOADS_WHOLE | FB_QUICK,
    .options = options,
    .recognises = raw_recognises,
    .create = raw_create,
    .open = raw_open,
    .open_streaming = raw_open_streaming,
    .close = fb_indexed_close,
    .catalog = fb_indexed_catalog,
    .array_open = fb_indexed_array_open,
    .array_read = fb_indexed_array_read,
    .array_close = fb_indexed_array_close,
    .array_resident = fb_indexed_array_resident,
    .storage = fb_indexed_storage,
    .extents = fb_indexed_extents,
};

const struct fb_format fb_format_raw_mmap = {
    .name = "raw-mmap",
    .summary = "the same file, mapped into memory: a reference line",
    .suffix = ".raw",
    .writer = "raw",
    .flags = FB_REFERENCE,
    .options = options,
    .open = mmap_open,
    .close = fb_indexed_close,
    .catalog = fb_indexed_catalog,
    .array_open = fb_indexed_array_open,
    .array_read = fb_indexed_array_read,
    .array_close = fb_indexed_array_close,
    .storage = fb_indexed_storage,
    .extents = fb_indexed_extents,
};
