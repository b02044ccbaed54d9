/* Windows, single indices and single elements: boxes of one shape at random places. */
#include "base/number.h"
#include "base/random.h"
#include "bench/tune/access_draft.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A box is `length` long along its axes and whole along the others. */
struct box {
    uint64_t axes; /* a bit an axis */
    bool all;      /* all axes that an array has, even none: a single element */
    uint64_t length;
};

bool fb_access_axes_parse(const char *text, uint64_t *axes)
{
    *axes = 0;
    for (;;) {
        char item[8];
        uint64_t axis;
        size_t length = strcspn(text, "x");
        if (length >= sizeof item)
            return false;
        memcpy(item, text, length);
        item[length] = '\0';
        if (!fb_parse_u64(item, &axis) || axis >= FB_MAX_RANK || (*axes >> axis & 1))
            return false;
        *axes |= UINT64_C(1) << axis;
        if (!text[length])
            return true;
        text += length + 1;
    }
}

static struct box box_of(const struct fb_access_term *term)
{
    struct box box = { .length = 1 };
    if (!fb_options_has(&term->options, "axis"))
        box.all = true;
    else
        fb_access_axes_parse(fb_options_text(&term->options, "axis"), &box.axes);
    if (fb_options_has(&term->options, "length"))
        box.length = fb_options_uint(&term->options, "length");
    return box;
}

static bool box_has(const struct box *box, unsigned axis)
{
    return box->all || (box->axes >> axis & 1);
}

/* The array has all axes of the box. */
static bool box_knows(const struct box *box, const struct fb_array_info *array)
{
    return box->all || box->axes >> array->rank == 0;
}

/* The shortest of its axes, of an array that has them. */
static unsigned box_narrowest(const struct box *box, const struct fb_array_info *array)
{
    unsigned narrow = FB_MAX_RANK;
    for (unsigned k = 0; k < array->rank; k++)
        if (box_has(box, k) && (narrow == FB_MAX_RANK || array->dims[k] < array->dims[narrow]))
            narrow = k;
    return narrow;
}

static bool box_fits(const struct box *box, const struct fb_array_info *array)
{
    return array->bytes > 0 && box_knows(box, array) &&
           (box->all || array->dims[box_narrowest(box, array)] >= box->length);
}

/* Places where the box can lie: no more of them than the array has elements. */
static uint64_t box_places(const struct box *box, const struct fb_array_info *array)
{
    uint64_t places = 1;
    for (unsigned k = 0; k < array->rank; k++)
        if (box_has(box, k))
            places *= array->dims[k] - box->length + 1;
    return places;
}

bool fb_access_box_extent(const struct fb_access_term *term, const struct fb_array_info *array,
                          uint64_t *count)
{
    struct box box = box_of(term);
    if (!box_fits(&box, array))
        return false;
    for (unsigned k = 0; k < array->rank; k++)
        count[k] = box_has(&box, k) ? box.length : array->dims[k];
    return true;
}

/* Says why a box fits no array, of which one has elements. */
static int refuse_box(const struct fb_access_term *term, const struct fb_catalog *catalog,
                      const struct box *box, struct fb_error *err)
{
    char text[FB_ACCESS_TERM_MAX];
    const struct fb_array_info *widest = NULL, *highest = NULL;
    unsigned axis = 0, asked = 63;
    fb_access_term_text(term, text, sizeof text);
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        if (array->bytes == 0)
            continue;
        if (!highest || array->rank > highest->rank)
            highest = array;
        if (!box_knows(box, array))
            continue;
        unsigned narrow = box_narrowest(box, array);
        if (!widest || array->dims[narrow] > widest->dims[axis]) {
            widest = array;
            axis = narrow;
        }
    }
    if (widest)
        return fb_fail(err, FB_EUSAGE,
                       "%s: length=%" PRIu64 " is longer than axis %u of every array; the longest "
                       "is that of %s, %" PRIu64,
                       text, box->length, axis, widest->path, widest->dims[axis]);
    while (asked > 0 && !box_has(box, asked))
        asked--;
    return fb_fail(err, FB_EUSAGE,
                   "%s: no array with elements has an axis %u, counted from 0; %s has the most "
                   "axes, %u",
                   text, asked, highest->path, highest->rank);
}

int fb_access_box_check(const struct fb_access_term *term, const struct fb_catalog *catalog,
                        struct fb_error *err)
{
    struct box box = box_of(term);
    for (size_t i = 0; i < catalog->array_count; i++)
        if (box_fits(&box, &catalog->arrays[i]))
            return 0;
    return refuse_box(term, catalog, &box, err);
}

/* The index-th of `count` numbers in the random order that belongs to `key`, without a list of
 * them: an array may have more places than fit in memory. A Feistel network permutes the numbers
 * below a power of four; it is gone through until it comes out below `count`. */
static uint64_t permute(uint64_t index, uint64_t count, uint64_t key)
{
    unsigned half = 1;
    while (half < 32 && (count - 1) >> (2 * half))
        half++;
    uint64_t mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = index >> half, right = index & mask;
        for (unsigned round = 0; round < 6; round++) {
            uint64_t next = left ^ (fb_random_stream(key + round, right) & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= count);
    return index;
}

/* The places of one array, in an order of its own. */
struct lane {
    const struct fb_array_info *array;
    uint64_t places, key;
};

static int add_place(struct fb_access_draft *draft, const struct box *box, const struct lane *lane,
                     uint64_t turn, uint64_t epoch, struct fb_error *err)
{
    const struct fb_array_info *array = lane->array;
    uint64_t start[FB_MAX_RANK] = { 0 }, count[FB_MAX_RANK];
    uint64_t place = permute(turn, lane->places, fb_random_stream(lane->key, epoch));
    memcpy(count, array->dims, sizeof count);
    for (unsigned k = array->rank; k-- > 0;) {
        if (!box_has(box, k))
            continue;
        uint64_t places = array->dims[k] - box->length + 1;
        start[k] = place % places;
        place /= places;
        count[k] = box->length;
    }
    return fb_access_draft_add(draft, array, start, count, err);
}

/* One place of each array in turn; an array whose places have all been taken waits for the others,
 * then all begin anew in another order. */
static int deal(struct fb_access_draft *draft, const struct box *box, struct lane *lanes,
                size_t lane_count, struct fb_error *err)
{
    uint64_t n = fb_options_uint(&draft->term->options, "n"), planned = 0;
    for (uint64_t epoch = 0;; epoch++) {
        size_t live = lane_count;
        for (uint64_t turn = 0; live > 0; turn++) {
            size_t kept = 0;
            for (size_t i = 0; i < live; i++) {
                struct lane lane = lanes[i];
                if (planned++ == n || draft->full)
                    return 0;
                int rc = add_place(draft, box, &lane, turn, epoch, err);
                if (rc)
                    return rc;
                if (turn + 1 < lane.places) {
                    lanes[i] = lanes[kept];
                    lanes[kept++] = lane;
                }
            }
            live = kept;
        }
    }
}

int fb_access_box_plan(struct fb_access_draft *draft, struct fb_error *err)
{
    struct box box = box_of(draft->term);
    size_t lane_count = 0;
    struct lane *lanes = calloc(draft->count, sizeof *lanes);
    if (!lanes)
        return fb_fail_memory(err, "a plan");
    for (size_t i = 0; i < draft->count; i++) {
        const struct fb_array_info *array = &draft->catalog->arrays[draft->arrays[i]];
        if (box_fits(&box, array))
            lanes[lane_count++] = (struct lane){
                .array = array,
                .places = box_places(&box, array),
                .key = fb_random_stream(draft->seed, 1 + draft->arrays[i]),
            };
    }
    int rc = lane_count > 0 ? deal(draft, &box, lanes, lane_count, err)
                            : refuse_box(draft->term, draft->catalog, &box, err);
    free(lanes);
    return rc;
}
