#include "bench/tune/access_list.h"
#include "base/number.h"
#include "base/output.h"

#include <stdlib.h>
#include <string.h>

void fb_access_list_free(struct fb_access_list *list)
{
    if (!list)
        return;
    free(list->path);
    free(list->text);
    free(list->slabs);
    free(list);
}

/* Numbers parted by blanks; false unless there are 1 to FB_MAX_RANK of them. */
static bool parse_numbers(char *text, uint64_t *numbers, unsigned *n)
{
    char *place;
    *n = 0;
    for (char *item = strtok_r(text, " ", &place); item; item = strtok_r(NULL, " ", &place))
        if (*n == FB_MAX_RANK || !fb_parse_u64(item, &numbers[(*n)++]))
            return false;
    return *n > 0;
}

/* What is wrong with a line, NULL when nothing is. Cuts it in place. */
static const char *parse_line(char *line, struct fb_access_slab *slab)
{
    unsigned counts;
    uint64_t end;
    char *start = strchr(line, '\t'), *count = start ? strchr(start + 1, '\t') : NULL;
    if (!count || strchr(count + 1, '\t'))
        return "a slab is ARRAY<TAB>START<TAB>COUNT, three fields parted by one tab each";
    *start++ = *count++ = '\0';
    slab->glob = line + (*line == '/');
    slab->pattern = strpbrk(slab->glob, "*?[\\") != NULL;
    if (!*slab->glob)
        return "the array has no name; * is any";
    if (strlen(slab->glob) >= FB_ACCESS_GLOB_MAX)
        return "the name of the array is longer than 1023 characters";
    if (!parse_numbers(start, slab->start, &slab->rank))
        return "START is not 1 to 32 numbers parted by blanks";
    if (!parse_numbers(count, slab->count, &counts))
        return "COUNT is not 1 to 32 numbers parted by blanks";
    if (counts != slab->rank)
        return "START and COUNT have different numbers of axes";
    for (unsigned k = 0; k < slab->rank; k++) {
        if (slab->count[k] == 0)
            return "a count is 0, and nothing would be read";
        if (!fb_add_u64(slab->start[k], slab->count[k], &end))
            return "START and COUNT together are larger than any axis";
    }
    return NULL;
}

static int add_slab(struct fb_access_list *list, const struct fb_access_slab *slab,
                    struct fb_error *err)
{
    if ((list->count & (list->count - 1)) == 0) {
        size_t capacity = list->count ? list->count * 2 : 1;
        struct fb_access_slab *grown = reallocarray(list->slabs, capacity, sizeof *grown);
        if (!grown)
            return fb_fail_memory(err, "a list of slabs");
        list->slabs = grown;
    }
    list->slabs[list->count++] = *slab;
    return 0;
}

static int parse_lines(struct fb_access_list *list, size_t length, struct fb_error *err)
{
    char *line = list->text, *end = list->text + length;
    for (size_t number = 1; line < end; number++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (number > FB_ACCESS_LIST_LINES_MAX)
            return fb_fail(err, FB_EFORMAT, "%s:%zu: a list of slabs has at the most %d lines",
                           list->path, number, FB_ACCESS_LIST_LINES_MAX);
        if (memchr(line, '\0', (size_t)(stop - line)))
            return fb_fail(err, FB_EFORMAT, "%s:%zu: not text: it has a zero byte", list->path,
                           number);
        if (stop > line && stop[-1] == '\r')
            stop--;
        *stop = '\0';
        struct fb_access_slab slab = { .line = number };
        if (*line && *line != '#') {
            const char *wrong = parse_line(line, &slab);
            int rc = wrong ? fb_fail(err, FB_EFORMAT, "%s:%zu: %s", list->path, number, wrong)
                           : add_slab(list, &slab, err);
            if (rc)
                return rc;
        }
        line = next;
    }
    if (list->count == 0)
        return fb_fail(err, FB_EFORMAT,
                       "%s: there is no slab in it; a line is "
                       "ARRAY<TAB>START<TAB>COUNT",
                       list->path);
    return 0;
}

int fb_access_list_read(const char *path, struct fb_access_list **out, struct fb_error *err)
{
    size_t length = 0;
    struct fb_access_list *list = calloc(1, sizeof *list);
    *out = NULL;
    if (!list || !(list->path = strdup(path))) {
        free(list);
        return fb_fail_memory(err, "a list of slabs");
    }
    int rc = fb_read_file(path, FB_ACCESS_LIST_BYTES_MAX, &list->text, &length, err);
    if (rc == 0)
        rc = parse_lines(list, length, err);
    if (rc)
        fb_access_list_free(list);
    else
        *out = list;
    return rc;
}

bool fb_access_slab_is_of(const struct fb_access_slab *slab, const struct fb_array_info *array)
{
    return array->rank == slab->rank && array->bytes > 0 &&
           (strcmp(slab->glob, array->path) == 0 ||
            (slab->pattern && fb_glob_match(slab->glob, array->path)));
}

/* A name without pattern characters was meant to be a path: the nearest one helps. */
static int refuse_unmatched(const struct fb_access_slab *slab, const struct fb_catalog *catalog,
                            struct fb_error *err)
{
    const struct fb_array_info *array;
    if (!slab->pattern) {
        int rc = fb_catalog_require(catalog, slab->glob, &array, err);
        if (rc)
            return rc;
    }
    return fb_fail(err, FB_EUSAGE, "no array with elements that '%.200s' names has %u ax%s",
                   slab->glob, slab->rank, slab->rank == 1 ? "is" : "es");
}

static int check_slab(const struct fb_access_slab *slab, const struct fb_catalog *catalog,
                      struct fb_error *err)
{
    const struct fb_array_info *exact = fb_catalog_find(catalog, slab->glob);
    bool any = false;
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        if ((exact && array != exact) || !fb_access_slab_is_of(slab, array))
            continue;
        any = true;
        int rc = fb_slab_check(array, slab->start, slab->count, err);
        if (rc)
            return rc;
    }
    return any ? 0 : refuse_unmatched(slab, catalog, err);
}

int fb_access_list_check(const struct fb_access_list *list, const struct fb_catalog *catalog,
                         struct fb_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        int rc = check_slab(&list->slabs[i], catalog, err);
        if (rc) {
            fb_fail_in(err, "%s:%zu", list->path, list->slabs[i].line);
            return rc;
        }
    }
    return 0;
}
