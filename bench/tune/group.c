#include "bench/tune/group.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

/* A stand of more arrays would say nothing more. */
#define LOPSIDED 3 /* times the bytes of the other region */
#define ARRAYS_MOST 64
/* Smaller arrays are not cut along an axis that requests take whole: that would change what is
 * read more than it would tell. */
#define HALVED_BYTES 65536
/* A half that is less than this part of the whole is none. */
#define HALF_LEAST 4

/* --- groups ----------------------------------------------------------------------------------- */

static bool alike(const struct fb_array_info *a, const struct fb_array_info *b)
{
    return fb_dtype_equal(a->dtype, b->dtype) && a->rank == b->rank &&
           memcmp(a->dims + 1, b->dims + 1, (a->rank - 1) * sizeof *a->dims) == 0;
}

static int add_to_group(const struct fb_catalog *catalog, struct fb_groups *groups, size_t array,
                        struct fb_error *err)
{
    const struct fb_array_info *info = &catalog->arrays[array];
    struct fb_group *group = NULL;
    for (size_t g = 0; g < groups->count && !group; g++)
        if (alike(&catalog->arrays[groups->items[g].arrays[0]], info))
            group = &groups->items[g];
    if (!group) {
        struct fb_group *grown =
            reallocarray(groups->items, groups->count + 1, sizeof *groups->items);
        if (!grown)
            return fb_fail_memory(err, "the arrays");
        groups->items = grown;
        group = &grown[groups->count++];
        *group = (struct fb_group){ 0 };
    }
    if ((group->count & (group->count - 1)) == 0) {
        size_t *grown =
            reallocarray(group->arrays, group->count ? 2 * group->count : 1, sizeof *grown);
        if (!grown)
            return fb_fail_memory(err, "the arrays");
        group->arrays = grown;
    }
    group->arrays[group->count++] = array;
    group->bytes += info->bytes; /* the catalog's sum was checked */
    if (info->bytes > catalog->arrays[group->arrays[group->largest]].bytes)
        group->largest = group->count - 1;
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const struct fb_group *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->arrays[0] < y->arrays[0] ? -1 : 1;
}

int fb_groups_make(const struct fb_catalog *catalog, const bool *take, struct fb_groups *out,
                   struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++)
        if ((!take || take[i]) && catalog->arrays[i].rank > 0 && catalog->arrays[i].bytes > 0)
            rc = add_to_group(catalog, out, i, err);
    if (rc)
        fb_groups_free(out);
    else if (out->count)
        qsort(out->items, out->count, sizeof *out->items, compare_groups);
    return rc;
}

void fb_groups_free(struct fb_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        free(groups->items[i].arrays);
    free(groups->items);
    *groups = (struct fb_groups){ 0 };
}

/* --- regions ---------------------------------------------------------------------------------- */

static uint64_t patch_bytes(const struct fb_array_info *array, const struct fb_patch *patch)
{
    return fb_slab_bytes(array, patch->count);
}

/* The axis of which the largest part can be spared: SIZE_MAX where none is longer than needed. */
static size_t spare_axis(const struct fb_array_info *array, const uint64_t *count,
                         const uint64_t *need)
{
    size_t axis = SIZE_MAX;
    double most = 1;
    for (unsigned k = 0; k < array->rank; k++) {
        double times = (double)count[k] / (double)(need[k] ? need[k] : 1);
        if (count[k] / 2 >= need[k] && count[k] > 1 && times > most) {
            most = times;
            axis = k;
        }
    }
    return axis;
}

/* Of the axes that requests take as long as they are, the longest: there they take what is left.
 * SIZE_MAX where there is none. */
static size_t whole_axis(const struct fb_array_info *array, const uint64_t *count,
                         const uint64_t *need)
{
    size_t axis = SIZE_MAX;
    for (unsigned k = 0; k < array->rank; k++)
        if (need[k] >= array->dims[k] && need[k] != FB_NEED_ALL && count[k] > 1 &&
            (axis == SIZE_MAX || count[k] > count[axis]))
            axis = k;
    return axis;
}

/* Up to the next multiple of the grid, if there is one within. */
static uint64_t align(uint64_t length, uint64_t grid, uint64_t whole)
{
    if (grid == 0 || grid >= whole)
        return length;
    uint64_t aligned = (length + grid - 1) / grid * grid;
    return aligned < whole ? aligned : length;
}

/* Makes the patch smaller, from its end, until it fits. */
static void shrink(const struct fb_array_info *array, const uint64_t *need, const uint64_t *grid,
                   uint64_t budget, struct fb_patch *patch)
{
    while (patch_bytes(array, patch) > budget) {
        size_t axis = spare_axis(array, patch->count, need);
        if (axis == SIZE_MAX)
            axis = whole_axis(array, patch->count, need);
        if (axis == SIZE_MAX)
            return;
        uint64_t half = (patch->count[axis] + 1) / 2;
        uint64_t aligned = grid ? align(half, grid[axis], patch->count[axis]) : half;
        patch->count[axis] = aligned < patch->count[axis] ? aligned : half;
    }
}

static int add_patch(const struct fb_catalog *catalog, struct fb_region *region,
                     const struct fb_patch *patch, struct fb_error *err)
{
    struct fb_patch *grown =
        reallocarray(region->patches, region->count + 1, sizeof *region->patches);
    if (!grown)
        return fb_fail_memory(err, "a region");
    region->patches = grown;
    grown[region->count++] = *patch;
    region->bytes += patch_bytes(&catalog->arrays[patch->array], patch);
    return 0;
}

static struct fb_patch whole(const struct fb_catalog *catalog, size_t array)
{
    struct fb_patch patch = { .array = array };
    memcpy(patch.count, catalog->arrays[array].dims, sizeof patch.count);
    return patch;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Where to cut an axis in two: where chunks meet, unless that leaves a part that is too short. */
static uint64_t middle(uint64_t whole, uint64_t grid, uint64_t need)
{
    uint64_t half = (whole + 1) / 2, cut = half;
    if (grid > 0 && grid < whole) {
        uint64_t below = half / grid * grid, above = below + (half % grid ? grid : 0);
        cut = above < whole && whole - above > below ? above : below;
    }
    uint64_t shorter = lesser(cut, whole - cut);
    return shorter < whole / HALF_LEAST || (need < whole && shorter < need) ? whole / 2 : cut;
}

/* Two halves of a single array. */
static int halve(const struct fb_catalog *catalog, size_t array, const uint64_t *need,
                 const uint64_t *grid, uint64_t budget, struct fb_region out[2], bool *held_out,
                 struct fb_error *err)
{
    const struct fb_array_info *info = &catalog->arrays[array];
    struct fb_patch first = whole(catalog, array), second = first;
    size_t axis = spare_axis(info, first.count, need);
    if (axis == SIZE_MAX && info->bytes >= HALVED_BYTES)
        axis = whole_axis(info, first.count, need);
    /* Nor is the only chunk along an axis cut in two: it would be read in another way. */
    *held_out = axis != SIZE_MAX && !(grid && grid[axis] >= info->dims[axis]);
    if (*held_out) {
        uint64_t cut = middle(info->dims[axis], grid ? grid[axis] : 0, need[axis]);
        second.start[axis] = cut;
        /* What is tried on is as large as what is measured on: a chunk of one fits the other. */
        first.count[axis] = second.count[axis] = lesser(cut, info->dims[axis] - cut);
    }
    shrink(info, need, grid, budget, &first);
    shrink(info, need, grid, budget, &second);
    int rc = add_patch(catalog, &out[0], &first, err);
    return rc ? rc : add_patch(catalog, &out[1], &second, err);
}

static int compare_patches(const void *a, const void *b)
{
    const struct fb_patch *x = a, *y = b;
    return (x->array > y->array) - (x->array < y->array);
}

/* Arrays in random order go to the region that has fewer bytes. All are cut where the largest one
 * is: axes that are equally long in the file stay so, and a chunk that fits one of them fits all.
 */
static int deal(const struct fb_catalog *catalog, const struct fb_group *group,
                const uint64_t *need, const uint64_t (*grid)[FB_MAX_RANK], uint64_t budget,
                uint64_t seed, struct fb_region out[2], struct fb_error *err)
{
    struct fb_random random;
    size_t largest = group->arrays[group->largest];
    struct fb_patch most = whole(catalog, largest);
    shrink(&catalog->arrays[largest], need, grid ? grid[largest] : NULL, budget, &most);
    size_t *order = malloc(group->count * sizeof *order);
    int rc = order ? 0 : fb_fail_memory(err, "a region");
    fb_random_seed(&random, seed);
    for (size_t i = 0; rc == 0 && i < group->count; i++)
        order[i] = group->arrays[i];
    if (rc == 0)
        fb_random_shuffle(&random, order, group->count);
    for (size_t i = 0; rc == 0 && i < group->count && i < 2 * ARRAYS_MOST; i++) {
        struct fb_region *region = &out[out[1].bytes < out[0].bytes];
        struct fb_patch patch = whole(catalog, order[i]);
        for (unsigned k = 0; k < catalog->arrays[order[i]].rank; k++)
            patch.count[k] = most.count[k] < patch.count[k] ? most.count[k] : patch.count[k];
        uint64_t bytes = patch_bytes(&catalog->arrays[order[i]], &patch);
        if (region->count == 0 || region->bytes + bytes <= budget)
            rc = add_patch(catalog, region, &patch, err);
    }
    for (int r = 0; rc == 0 && r < 2; r++)
        qsort(out[r].patches, out[r].count, sizeof *out[r].patches, compare_patches);
    free(order);
    return rc;
}

/* One array has nearly all bytes: what is measured would be nothing like what is tried. */
static bool is_lopsided(const struct fb_region regions[2])
{
    return regions[0].bytes / LOPSIDED > regions[1].bytes ||
           regions[1].bytes / LOPSIDED > regions[0].bytes;
}

int fb_regions_make(const struct fb_catalog *catalog, const struct fb_group *group,
                    const uint64_t *need, const uint64_t (*grid)[FB_MAX_RANK], uint64_t budget,
                    uint64_t seed, struct fb_region out[2], bool *held_out, struct fb_error *err)
{
    out[0] = out[1] = (struct fb_region){ 0 };
    *held_out = true;
    const size_t largest = group->arrays[group->largest];
    int rc = group->count > 1 ? deal(catalog, group, need, grid, budget, seed, out, err) : 0;
    if (rc == 0 && (group->count == 1 || is_lopsided(out))) {
        for (int r = 0; r < 2; r++)
            fb_region_free(&out[r]);
        rc = halve(catalog, largest, need, grid ? grid[largest] : NULL, budget, out, held_out, err);
    }
    if (rc)
        for (int r = 0; r < 2; r++)
            fb_region_free(&out[r]);
    return rc;
}

void fb_region_free(struct fb_region *region)
{
    free(region->patches);
    *region = (struct fb_region){ 0 };
}

const struct fb_patch *fb_region_patch(const struct fb_region *region, size_t array)
{
    const struct fb_patch key = { .array = array };
    return region->count
               ? bsearch(&key, region->patches, region->count, sizeof key, compare_patches)
               : NULL;
}
