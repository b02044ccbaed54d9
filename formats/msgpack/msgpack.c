#include "formats/msgpack/internal.h"

#include <msgpack.h>
#include <stdio.h>
#include <string.h>

static const struct fb_option options[] = { FB_DTYPE_OPTION, { 0 } };

/* Any byte from 0x90 starts some list: only the reserved key of the first sample tells ours. */
static bool msgpack_recognises(const unsigned char *head, size_t length)
{
    static const char key[] = "\xa7" FB_MSGPACK_SAMPLE_KEY;
    size_t at;
    if (length == 1)
        return head[0] == 0x90; /* no samples at all */
    if (length > 0 && head[0] >= 0x91 && head[0] <= 0x9f)
        at = 1;
    else if (length > 0 && (head[0] == 0xdc || head[0] == 0xdd))
        at = head[0] == 0xdc ? 3 : 5;
    else
        return false;
    if (at < length && head[at] >= 0x81 && head[at] <= 0x8f)
        at += 1;
    else if (at < length && (head[at] == 0xde || head[at] == 0xdf))
        at += head[at] == 0xde ? 3 : 5;
    else
        return false;
    return at + sizeof key - 1 <= length && memcmp(head + at, key, sizeof key - 1) == 0;
}

static int msgpack_open(const char *path, const struct fb_options *unused, struct fb_reader **out,
                        struct fb_error *err)
{
    (void)unused;
    return fb_indexed_open(path, FB_LOADED, fb_msgpack_index, out, err);
}

static int msgpack_open_streaming(const char *path, struct fb_reader **out, struct fb_error *err)
{
    return fb_indexed_open(path, FB_STREAMED, fb_msgpack_index, out, err);
}

static int msgpack_storage(struct fb_array *array, struct fb_storage *out, struct fb_error *err)
{
    int rc = fb_indexed_storage(array, out, err);
    strcpy(out->layout, "document");
    return rc;
}

static const char *library_version(char *buf, size_t size)
{
    snprintf(buf, size, "%s", msgpack_version());
    return buf;
}

const struct fb_format fb_format_msgpack = {
    .name = "msgpack",
    .summary = "one MessagePack document without an index, unpacked whole on opening",
    .suffix = ".msgpack",
    .writer = "msgpack",
    .flags = FB_LOADS_WHOLE | FB_QUICK,
    .options = options,
    .recognises = msgpack_recognises,
    .create = fb_msgpack_create,
    .open = msgpack_open,
    .open_streaming = msgpack_open_streaming,
    .close = fb_indexed_close,
    .catalog = fb_indexed_catalog,
    .array_open = fb_indexed_array_open,
    .array_read = fb_indexed_array_read,
    .array_close = fb_indexed_array_close,
    .array_resident = fb_indexed_array_resident,
    .storage = msgpack_storage,
    .extents = fb_indexed_extents,
    .version = library_version,
};
