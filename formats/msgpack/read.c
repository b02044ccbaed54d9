#include "formats/msgpack/internal.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

/* --- a first look ----------------------------------------------------------------------------- */

struct head {
    uint64_t children; /* objects that follow and belong to this one */
    uint64_t body;     /* bytes to skip behind the head */
    unsigned length;   /* bytes of a big-endian number behind the first byte: children or body */
    unsigned factor;   /* 2 for maps, 1 for arrays, 0 where the number is of body bytes */
};

/* What the first byte of an object says (https://github.com/msgpack/msgpack, spec.md). */
static bool first_byte(unsigned char byte, struct head *head)
{
    static const unsigned char fixed[] = { 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17 };
    *head = (struct head){ 0 };
    if (byte < 0x80 || byte >= 0xe0 || byte == 0xc0 || byte == 0xc2 || byte == 0xc3)
        return true;
    if (byte < 0x90)
        head->children = 2 * (byte & 0x0fu);
    else if (byte < 0xa0)
        head->children = byte & 0x0fu;
    else if (byte < 0xc0)
        head->body = byte & 0x1fu;
    else if (byte >= 0xc4 && byte <= 0xc6)
        head->length = 1u << (byte - 0xc4);
    else if (byte >= 0xca && byte <= 0xd8)
        head->body = fixed[byte - 0xca];
    else if (byte >= 0xd9 && byte <= 0xdb)
        head->length = 1u << (byte - 0xd9);
    else if (byte >= 0xdc)
        *head = (struct head){ .length = byte & 1u ? 4 : 2, .factor = byte >= 0xde ? 2 : 1 };
    else
        return false; /* 0xc1 is never used, and extension types 0xc7 to 0xc9 not by us */
    return true;
}

/* Steps over the document once, so that the library is never let loose on counts that the file
 * cannot hold: it allocates by them before it looks at what follows. Every object takes a byte. */
static bool is_plausible(const unsigned char *data, size_t bytes)
{
    uint64_t open = 1; /* objects that must still come */
    size_t at = 0;
    while (open > 0) {
        struct head head;
        if (at >= bytes || !first_byte(data[at++], &head) || head.length > bytes - at)
            return false;
        uint64_t number = 0;
        for (unsigned i = 0; i < head.length; i++)
            number = number << 8 | data[at++];
        if (head.length && head.factor)
            head.children = number * head.factor;
        else if (head.length)
            head.body = number;
        if (head.body > bytes - at)
            return false;
        at += (size_t)head.body;
        open += head.children - 1;
        if (open > bytes - at)
            return false;
    }
    return at == bytes;
}

/* --- the document ----------------------------------------------------------------------------- */

struct place {
    const char *path; /* of the catalog's array, which keeps it while it is sorted */
    uint64_t offset;
};

struct walk {
    struct fb_reader *reader;
    struct place *places; /* in document order */
    size_t capacity;
    const char *sample_path, *sample_name;
};

static int damaged(const struct walk *walk, const char *what, const char *where,
                   struct fb_error *err)
{
    return fb_fail(err, FB_EFORMAT, "%s is damaged: %s%s%s", walk->reader->path, what,
                   *where ? " in " : "", where);
}

static bool text_is(const msgpack_object *object, const char *text)
{
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == strlen(text) &&
           memcmp(object->via.str.ptr, text, object->via.str.size) == 0;
}

static const msgpack_object *member(const msgpack_object *map, const char *key)
{
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (text_is(&map->via.map.ptr[i].key, key))
            return &map->via.map.ptr[i].val;
    return NULL;
}

/* A fresh C string, or NULL: not a string, or with a NUL inside. */
static char *copy_text(const msgpack_object *object)
{
    if (!object || object->type != MSGPACK_OBJECT_STR ||
        (object->via.str.size && memchr(object->via.str.ptr, '\0', object->via.str.size)))
        return NULL;
    return strndup(object->via.str.size ? object->via.str.ptr : "", object->via.str.size);
}

static int keep_place(struct walk *walk, const msgpack_object *data, struct fb_error *err)
{
    struct fb_catalog *catalog = &walk->reader->catalog;
    const struct fb_array_info *info = &catalog->arrays[catalog->array_count - 1];
    if (info->bytes != data->via.bin.size)
        return damaged(walk, "shape and data do not fit together", info->path, err);
    if (catalog->array_count > walk->capacity) {
        size_t capacity = 2 * catalog->array_count;
        struct place *places = reallocarray(walk->places, capacity, sizeof *places);
        if (!places)
            return fb_fail_memory(err, "the catalog");
        walk->places = places;
        walk->capacity = capacity;
    }
    const unsigned char *start = (const unsigned char *)data->via.bin.ptr;
    walk->places[catalog->array_count - 1] =
        (struct place){ info->path,
                        data->via.bin.size ? (uint64_t)(start - walk->reader->base) : 0 };
    return 0;
}

static int add_array(struct walk *walk, const char *path, const msgpack_object *map,
                     const msgpack_object *data, struct fb_error *err)
{
    const msgpack_object *shape = member(map, "shape");
    struct fb_dtype dtype;
    uint64_t dims[FB_MAX_RANK];
    char *name = copy_text(member(map, "dtype"));
    bool fine = name && fb_dtype_parse(name, &dtype);
    free(name);
    if (!fine)
        return damaged(walk, "no valid dtype", path, err);
    if (!shape || shape->type != MSGPACK_OBJECT_ARRAY || shape->via.array.size > FB_MAX_RANK)
        return damaged(walk, "no valid shape", path, err);
    for (uint32_t i = 0; i < shape->via.array.size; i++) {
        if (shape->via.array.ptr[i].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return damaged(walk, "no valid shape", path, err);
        dims[i] = shape->via.array.ptr[i].via.u64;
    }
    int rc = fb_catalog_add(&walk->reader->catalog, walk->sample_path, walk->sample_name, path,
                            dtype, shape->via.array.size, dims, err);
    return rc ? fb_fail_in(err, "%s is damaged", walk->reader->path) : keep_place(walk, data, err);
}

/* Arrays and groups of a map; `path` is that of the map, "" at the root. */
static int add_group(struct walk *walk, const char *path, const msgpack_object *map, uint32_t first,
                     struct fb_error *err)
{
    int rc = 0;
    for (uint32_t i = first; rc == 0 && i < map->via.map.size; i++) {
        const msgpack_object *value = &map->via.map.ptr[i].val;
        char *key = copy_text(&map->via.map.ptr[i].key), *below = NULL;
        if (!key || value->type != MSGPACK_OBJECT_MAP) {
            rc = damaged(walk, "an entry that is neither array nor group", path, err);
        } else if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", key) < 0) {
            below = NULL;
            rc = fb_fail_memory(err, path);
        } else {
            const msgpack_object *data = member(value, "data");
            if (data && data->type == MSGPACK_OBJECT_BIN)
                rc = add_array(walk, below, value, data, err);
            else
                rc = add_group(walk, below, value, 0, err);
        }
        free(below);
        free(key);
    }
    return rc;
}

static int add_sample(struct walk *walk, const msgpack_object *sample, struct fb_error *err)
{
    const msgpack_object *about = NULL;
    if (sample->type == MSGPACK_OBJECT_MAP && sample->via.map.size > 0 &&
        text_is(&sample->via.map.ptr[0].key, FB_MSGPACK_SAMPLE_KEY))
        about = &sample->via.map.ptr[0].val;
    if (!about || about->type != MSGPACK_OBJECT_MAP)
        return damaged(walk, "a sample does not start with " FB_MSGPACK_SAMPLE_KEY, "", err);
    char *path = copy_text(member(about, "path")), *name = copy_text(member(about, "name"));
    walk->sample_path = path;
    walk->sample_name = name;
    int rc = path && name ? add_group(walk, path, sample, 1, err)
                          : damaged(walk, "a sample has no path and name", "", err);
    free(path);
    free(name);
    return rc;
}

/* The catalog sorts: each array's place is found again by its path. */
static int sort_places(struct walk *walk, size_t samples, struct fb_error *err)
{
    struct fb_catalog *catalog = &walk->reader->catalog;
    int rc = fb_catalog_finish(catalog, err);
    if (rc)
        return fb_fail_in(err, "%s is damaged", walk->reader->path);
    if (catalog->sample_count != samples)
        return damaged(walk, "a sample is listed twice or without arrays", "", err);
    uint64_t *offsets = calloc(catalog->array_count + 1, sizeof *offsets);
    if (!offsets)
        return fb_fail_memory(err, "the catalog");
    for (size_t i = 0; i < catalog->array_count; i++)
        offsets[fb_catalog_find(catalog, walk->places[i].path) - catalog->arrays] =
            walk->places[i].offset;
    walk->reader->offsets = offsets;
    return 0;
}

int fb_msgpack_index(struct fb_reader *reader, struct fb_error *err)
{
    struct walk walk = { .reader = reader };
    msgpack_unpacked unpacked;
    size_t used = 0;
    if (!is_plausible(reader->base, reader->bytes))
        return damaged(&walk, "truncated, or not one msgpack document", "", err);
    msgpack_unpacked_init(&unpacked);
    /* Strings and binary values stay where they are: the objects point into reader->base. */
    int rc = 0;
    if (msgpack_unpack_next(&unpacked, (const char *)reader->base, reader->bytes, &used) !=
            MSGPACK_UNPACK_SUCCESS ||
        unpacked.data.type != MSGPACK_OBJECT_ARRAY)
        rc = damaged(&walk, "not a list of samples, or nested too deep", "", err);
    const msgpack_object_array *samples = &unpacked.data.via.array;
    for (uint32_t i = 0; rc == 0 && i < samples->size; i++)
        rc = add_sample(&walk, &samples->ptr[i], err);
    if (rc == 0)
        rc = sort_places(&walk, samples->size, err);
    free(walk.places);
    msgpack_unpacked_destroy(&unpacked);
    return rc;
}
