#include "bench/tune/present.h"
#include "bench/cache.h"
#include "bench/tune/space.h"

#include <stdio.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* "shuffle+gzip(4)" -> a coding; false for what no setting has. */
static bool parse_filters(const char *filters, struct fb_setting *setting)
{
    unsigned level;
    char end;
    setting->shuffle = strncmp(filters, "shuffle", 7) == 0;
    if (setting->shuffle)
        filters += filters[7] == '+' ? 8 : 7;
    SET(setting->filter, "none");
    if (!*filters)
        return true;
    if (sscanf(filters, "gzip(%u%c", &level, &end) != 2 || end != ')' || level > 9 ||
        strchr(filters, '+'))
        return false;
    SET(setting->filter, level ? "gzip" : "none");
    setting->level = level;
    return level > 0;
}

static bool clipped_alike(const struct fb_setting *setting, const struct fb_array_info *array,
                          const struct fb_storage *storage)
{
    if (storage->chunk_rank != setting->rank)
        return false;
    for (unsigned k = 0; k < setting->rank; k++) {
        uint64_t length = setting->chunk[k];
        if (k == 0 && length > array->dims[0])
            length = array->dims[0];
        if (storage->chunk[k] != length)
            return false;
    }
    return true;
}

/* What a file has beside the data of its arrays, shared out among them. */
static double bytes_beside(const char *file, size_t count, const struct fb_storage *storage)
{
    uint64_t file_bytes = 0, stored = 0;
    if (fb_path_bytes(file, &file_bytes, NULL))
        return 0;
    for (size_t i = 0; i < count; i++)
        stored += storage[i].stored_bytes;
    return file_bytes > stored ? (double)(file_bytes - stored) / (double)count : 0;
}

void fb_present_make(const char *file, const struct fb_catalog *catalog,
                     const struct fb_storage *all, const struct fb_group *group,
                     struct fb_present *present)
{
    const struct fb_storage *first = &all[group->arrays[group->largest]];
    uint64_t stored = 0, bytes = 0;
    *present =
        (struct fb_present){ .cache_bytes = first->cache_bytes, .cache_slots = first->cache_slots };
    present->setting.rank = first->chunk_rank;
    present->setting.latest = first->latest;
    memcpy(present->setting.chunk, first->chunk, sizeof present->setting.chunk);
    present->filtered = first->chunk_rank > 0 && *first->filters;
    present->known = parse_filters(first->filters, &present->setting) &&
                     (first->chunk_rank > 0 || strcmp(first->layout, "contiguous") == 0);
    for (size_t i = 0; i < group->count; i++) {
        const struct fb_storage *storage = &all[group->arrays[i]];
        const struct fb_array_info *array = &catalog->arrays[group->arrays[i]];
        present->known &= strcmp(storage->filters, first->filters) == 0 &&
                          strcmp(storage->layout, first->layout) == 0 &&
                          clipped_alike(&present->setting, array, storage);
        stored += storage->stored_bytes;
        bytes += array->bytes;
    }
    present->stored = (double)stored / (double)bytes;
    present->beside = bytes_beside(file, catalog->array_count, all);
    if (present->known)
        fb_setting_text(&present->setting, present->text, sizeof present->text);
    else if (first->chunk_rank == 0)
        SET(present->text, "%s", first->layout);
    else {
        char shape[FB_MAX_RANK * 21];
        SET(present->text, "%.100s%s, %.100s",
            fb_shape_text(first->chunk_rank, first->chunk, shape, sizeof shape),
            group->count > 1 ? " and others" : "", *first->filters ? first->filters : "no filter");
    }
}
