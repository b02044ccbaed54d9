/* Delivers without reading: what is left of a time when nothing is read is the harness. */
#include "formats/format.h"

#include <stdlib.h>

/* Nothing is kept for an open file or array, but the interface hands out pointers. */
struct fb_reader {
    char nothing;
};

struct fb_array {
    char nothing;
};

static const struct fb_option options[] = { { 0 } };

static int null_open(const char *path, const struct fb_options *unused, struct fb_reader **out,
                     struct fb_error *err)
{
    (void)path;
    (void)unused;
    *out = calloc(1, sizeof **out);
    return *out ? 0 : fb_fail_memory(err, "null");
}

static void null_close(struct fb_reader *reader)
{
    free(reader);
}

static int null_catalog(struct fb_reader *reader, struct fb_catalog *out, struct fb_error *err)
{
    (void)reader;
    return fb_catalog_finish(out, err);
}

static int null_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                           struct fb_error *err)
{
    (void)reader;
    *out = calloc(1, sizeof **out);
    return *out ? 0 : fb_fail_memory(err, path);
}

/* Claims to have filled the buffer, of which it does not touch a byte: no shape is known here. */
static int null_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                           void *dst, size_t capacity, size_t *delivered, struct fb_error *err)
{
    (void)array;
    (void)start;
    (void)count;
    (void)dst;
    (void)err;
    *delivered = capacity;
    return 0;
}

static void null_array_close(struct fb_array *array)
{
    free(array);
}

static int null_find(struct fb_reader *reader, const struct fb_query *query, struct fb_matches *out,
                     struct fb_error *err)
{
    (void)reader;
    (void)query;
    (void)out;
    (void)err;
    return 0;
}

const struct fb_format fb_format_null = {
    .name = "null",
    .summary = "delivers without reading: weighs the harness",
    .suffix = "",
    .flags = FB_REFERENCE | FB_NO_FILE,
    .options = options,
    .open = null_open,
    .close = null_close,
    .catalog = null_catalog,
    .array_open = null_array_open,
    .array_read = null_array_read,
    .array_close = null_array_close,
    .find = null_find,
};
