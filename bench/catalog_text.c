#include "bench/catalog_text.h"

#include <stdio.h>
#include <stdlib.h>

/* Every axis takes 20 digits and an x at the most. */
#define SHAPE_MAX (FB_MAX_RANK * 21 + 1)

int fb_catalog_text(const struct fb_catalog *catalog, char **text, size_t *length,
                    struct fb_error *err)
{
    char dtype[FB_DTYPE_NAME_MAX], shape[SHAPE_MAX];
    *text = NULL;
    FILE *stream = open_memstream(text, length);
    if (!stream)
        return fb_fail_memory(err, "a catalog");
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        fprintf(stream, "%s\t%s\t%s\n", array->path,
                fb_dtype_name(array->dtype, dtype, sizeof dtype),
                array->rank ? fb_shape_text(array->rank, array->dims, shape, sizeof shape) : "");
    }
    bool failed = ferror(stream);
    if (fclose(stream) != 0 || failed) {
        free(*text);
        *text = NULL;
        return fb_fail_memory(err, "a catalog");
    }
    return 0;
}
