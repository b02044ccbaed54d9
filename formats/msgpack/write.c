#include "base/output.h"
#include "formats/msgpack/internal.h"

#include <inttypes.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    msgpack_packer packer;
    const char *path;
    struct fb_source *source;
    const struct fb_catalog *catalog;
};

static int write_callback(void *stream, const char *data, size_t length)
{
    return fwrite(data, 1, length, stream) == length ? 0 : -1;
}

static int check(const struct writer *writer, bool packed, struct fb_error *err)
{
    return packed ? 0 : fb_fail_errno(err, "cannot write %s", writer->path);
}

static bool pack_text(struct writer *writer, const char *text, size_t length)
{
    return msgpack_pack_str(&writer->packer, length) == 0 &&
           msgpack_pack_str_body(&writer->packer, text, length) == 0;
}

static bool pack_word(struct writer *writer, const char *word)
{
    return pack_text(writer, word, strlen(word));
}

static int write_slab(void *context, const uint64_t *start, const uint64_t *count, const void *data,
                      size_t bytes, struct fb_error *err)
{
    struct writer *writer = context;
    (void)start;
    (void)count;
    return check(writer, msgpack_pack_bin_body(&writer->packer, data, bytes) == 0, err);
}

static int write_array(struct writer *writer, size_t index, struct fb_error *err)
{
    const struct fb_array_info *info = &writer->catalog->arrays[index];
    char dtype[FB_DTYPE_NAME_MAX];
    fb_dtype_name(info->dtype, dtype, sizeof dtype);
    bool fine = msgpack_pack_map(&writer->packer, 3) == 0 && pack_word(writer, "dtype") &&
                pack_word(writer, dtype) && pack_word(writer, "shape") &&
                msgpack_pack_array(&writer->packer, info->rank) == 0;
    for (unsigned i = 0; fine && i < info->rank; i++)
        fine = msgpack_pack_uint64(&writer->packer, info->dims[i]) == 0;
    fine = fine && pack_word(writer, "data") &&
           msgpack_pack_bin(&writer->packer, (size_t)info->bytes) == 0;
    int rc = check(writer, fine, err);
    return rc ? rc : fb_source_stream(writer->source, index, 1 << 20, write_slab, writer, err);
}

/* --- groups ----------------------------------------------------------------------------------- */

/* How many of the n arrays from `first` on share the path component that starts at `from`: catalog
 * order keeps the members of a group together. */
static size_t same_component(const struct writer *writer, size_t first, size_t n, size_t from,
                             size_t *length)
{
    const struct fb_array_info *arrays = writer->catalog->arrays + first;
    const char *component = arrays[0].path + from;
    size_t same = 1;
    *length = strcspn(component, "/");
    while (same < n) {
        const char *next = arrays[same].path + from;
        if (strncmp(component, next, *length) != 0 || (next[*length] && next[*length] != '/'))
            break;
        same++;
    }
    return same;
}

static size_t count_components(const struct writer *writer, size_t first, size_t n, size_t from)
{
    size_t components = 0, length;
    for (size_t i = 0; i < n; components++)
        i += same_component(writer, first + i, n - i, from, &length);
    return components;
}

/* The entries of a map: arrays and groups below the first `from` bytes of their paths. */
static int write_entries(struct writer *writer, size_t first, size_t n, size_t from, unsigned depth,
                         struct fb_error *err)
{
    int rc = 0;
    size_t length, same;
    for (size_t i = 0; rc == 0 && i < n; i += same) {
        const char *path = writer->catalog->arrays[first + i].path;
        same = same_component(writer, first + i, n - i, from, &length);
        rc = check(writer, pack_text(writer, path + from, length), err);
        if (rc)
            break;
        if (!path[from + length] && same > 1)
            rc = fb_fail(err, FB_EUNSUPPORTED,
                         "msgpack cannot hold %s: it is an array and a group of arrays", path);
        else if (!path[from + length])
            rc = write_array(writer, first + i, err);
        else if (depth >= FB_MSGPACK_DEPTH_MAX)
            rc = fb_fail(err, FB_EUNSUPPORTED, "msgpack cannot hold %s: more than %d levels", path,
                         FB_MSGPACK_DEPTH_MAX);
        else {
            size_t next = from + length + 1;
            size_t entries = count_components(writer, first + i, same, next);
            rc = check(writer, msgpack_pack_map(&writer->packer, entries) == 0, err);
            if (rc == 0)
                rc = write_entries(writer, first + i, same, next, depth + 1, err);
        }
    }
    return rc;
}

/* --- samples ---------------------------------------------------------------------------------- */

static int check_array(const struct fb_sample_info *sample, const struct fb_array_info *info,
                       struct fb_error *err)
{
    size_t length = strlen(sample->path);
    const char *below = info->path + (length ? length + 1 : 0);
    if (length && (strncmp(info->path, sample->path, length) != 0 || info->path[length] != '/'))
        return fb_fail(err, FB_EUNSUPPORTED, "msgpack cannot hold %s: not below its sample %s",
                       info->path, sample->path);
    if (strcmp(below, FB_MSGPACK_SAMPLE_KEY) == 0 ||
        strncmp(below, FB_MSGPACK_SAMPLE_KEY "/", strlen(FB_MSGPACK_SAMPLE_KEY) + 1) == 0)
        return fb_fail(err, FB_EUNSUPPORTED, "msgpack cannot hold %s: the name %s is reserved",
                       info->path, FB_MSGPACK_SAMPLE_KEY);
    if (info->bytes > UINT32_MAX)
        return fb_fail(err, FB_EUNSUPPORTED,
                       "msgpack cannot hold %s: %" PRIu64
                       " bytes are more than the 4 GiB - 1 of its largest value",
                       info->path, info->bytes);
    return 0;
}

static int write_sample(struct writer *writer, const struct fb_sample_info *sample,
                        struct fb_error *err)
{
    size_t from = *sample->path ? strlen(sample->path) + 1 : 0;
    size_t entries = count_components(writer, sample->first, sample->count, from);
    msgpack_packer *packer = &writer->packer;
    bool fine = msgpack_pack_map(packer, entries + 1) == 0 &&
                pack_word(writer, FB_MSGPACK_SAMPLE_KEY) && msgpack_pack_map(packer, 2) == 0 &&
                pack_word(writer, "path") && pack_word(writer, sample->path) &&
                pack_word(writer, "name") && pack_word(writer, sample->name);
    int rc = check(writer, fine, err);
    if (rc == 0)
        rc = write_entries(writer, sample->first, sample->count, from, 1, err);
    return rc;
}

static int write_all(struct writer *writer, struct fb_error *err)
{
    const struct fb_catalog *catalog = writer->catalog;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++)
        rc = check_array(&catalog->samples[catalog->arrays[i].sample], &catalog->arrays[i], err);
    if (rc == 0)
        rc = check(writer, msgpack_pack_array(&writer->packer, catalog->sample_count) == 0, err);
    for (size_t i = 0; rc == 0 && i < catalog->sample_count; i++)
        rc = write_sample(writer, &catalog->samples[i], err);
    return rc;
}

static int print_document(void *context, FILE *stream, struct fb_error *err)
{
    struct writer *writer = context;
    msgpack_packer_init(&writer->packer, stream, write_callback);
    return write_all(writer, err);
}

int fb_msgpack_create(const char *path, struct fb_source *source, const struct fb_options *unused,
                      struct fb_error *err)
{
    struct writer writer = { .path = path, .source = source, .catalog = fb_source_catalog(source) };
    (void)unused;
    return fb_output_write(path, print_document, &writer, err);
}
