#include "formats/direct/decode.h"

#include "formats/direct/weave.h"

#include <string.h>

#define RANK_MAX 32 /* H5S_MAX_RANK */

/* The elements that chunk and slab share, as axes with steps on either side, the innermost first:
 * the first two are done in one go, the others are stepped over. Counted in elements. */
struct walk {
    size_t chunk_at, slab_at;
    unsigned axes;
    struct walk_axis {
        size_t count, index, chunk_step, slab_step;
    } axis[RANK_MAX + 2];
};

/* What chunk and slab share of an axis: `count` from `chunk` in the one, from `slab` in the other.
 * No sum of positions, which could overflow. */
struct share {
    uint64_t chunk, slab, count;
};

static bool share_axis(const struct fb_direct_box *box, unsigned i, struct share *share)
{
    uint64_t first = box->first[i], start = box->start[i];
    share->chunk = start > first ? start - first : 0;
    share->slab = first > start ? first - start : 0;
    if (share->chunk >= box->chunk[i] || share->slab >= box->count[i])
        return false;
    uint64_t of_chunk = box->chunk[i] - share->chunk, of_slab = box->count[i] - share->slab;
    share->count = of_chunk < of_slab ? of_chunk : of_slab;
    return true;
}

/* An axis joins the one within it where there is no gap between them on either side. */
static void walk_add(struct walk *walk, size_t count, size_t chunk_step, size_t slab_step)
{
    struct walk_axis *inner = walk->axes > 0 ? &walk->axis[walk->axes - 1] : NULL;
    if (count == 1)
        return;
    if (inner && inner->count * inner->chunk_step == chunk_step &&
        inner->count * inner->slab_step == slab_step)
        inner->count *= count;
    else
        walk->axis[walk->axes++] = (struct walk_axis){ count, 0, chunk_step, slab_step };
}

/* False where chunk and slab share nothing. */
static bool walk_begin(struct walk *walk, const struct fb_direct_box *box)
{
    size_t chunk_step = 1, slab_step = 1;
    walk->chunk_at = walk->slab_at = 0;
    walk->axes = 0;
    if (box->rank > RANK_MAX)
        return false;
    for (unsigned i = box->rank; i-- > 0;) {
        struct share share;
        if (!share_axis(box, i, &share))
            return false;
        walk->chunk_at += (size_t)share.chunk * chunk_step;
        walk->slab_at += (size_t)share.slab * slab_step;
        walk_add(walk, (size_t)share.count, chunk_step, slab_step);
        chunk_step *= (size_t)box->chunk[i];
        slab_step *= (size_t)box->count[i];
    }
    while (walk->axes < 2)
        walk->axis[walk->axes++] = (struct walk_axis){ 1, 0, 1, 1 };
    return true;
}

/* Steps over the axes from `first` on. */
static bool walk_next(struct walk *walk, unsigned first)
{
    for (unsigned i = first; i < walk->axes; i++) {
        struct walk_axis *axis = &walk->axis[i];
        walk->chunk_at += axis->chunk_step;
        walk->slab_at += axis->slab_step;
        if (++axis->index < axis->count)
            return true;
        walk->chunk_at -= axis->count * axis->chunk_step;
        walk->slab_at -= axis->count * axis->slab_step;
        axis->index = 0;
    }
    return false;
}

static bool walk_gapless(const struct walk *walk)
{
    return walk->axis[0].chunk_step == 1 && walk->axis[0].slab_step == 1;
}

static struct fb_direct_grid grid_of(const struct walk *walk, size_t element)
{
    const struct walk_axis *row = &walk->axis[0], *rows = &walk->axis[1];
    return (
        struct fb_direct_grid){ rows->count, rows->chunk_step * element, rows->slab_step * element,
                                row->count,  row->chunk_step * element,  row->slab_step * element };
}

static void place_plain(struct walk *walk, const struct fb_direct_box *box,
                        const unsigned char *chunk, unsigned char *slab)
{
    const size_t element = box->element;
    const struct fb_direct_grid grid = grid_of(walk, element);
    do
        fb_direct_copy(&grid, element, box->swap, chunk + walk->chunk_at * element,
                       slab + walk->slab_at * element);
    while (walk_next(walk, 2));
}

/* --- shuffled --------------------------------------------------------------------------------- */

/* Planes as fb_direct_weave takes them. */
struct planes {
    const unsigned char *first;
    ptrdiff_t step;
    size_t elements, element;
};

static struct planes planes_of(const struct fb_direct_box *box, const unsigned char *chunk)
{
    size_t elements = 1;
    for (unsigned i = 0; i < box->rank; i++)
        elements *= (size_t)box->chunk[i];
    struct planes planes = { chunk, (ptrdiff_t)elements, elements, box->element };
    if (box->swap) {
        planes.first += (box->element - 1) * elements;
        planes.step = -planes.step;
    }
    return planes;
}

/* Elements of the chunk, woven some at a time ahead of those that copy them. */
#define WINDOW_BYTES 4096

struct window {
    size_t first, count;
    unsigned char bytes[WINDOW_BYTES];
};

/* The element at this place of the chunk, and in *count how many are there with it, at least 1. */
static const unsigned char *window_at(struct window *window, const struct planes *planes, size_t at,
                                      size_t *count)
{
    if (at < window->first || at - window->first >= window->count) {
        size_t room = WINDOW_BYTES / planes->element, left = planes->elements - at;
        window->first = at;
        window->count = room < left ? room : left;
        fb_direct_weave(planes->first + at, planes->step, planes->element, window->count,
                        window->bytes);
    }
    size_t within = at - window->first;
    *count = window->count - within;
    return window->bytes + within * planes->element;
}

/* Rows that lie close together in the chunk, so that little is woven in vain. */
static void place_windows(struct walk *walk, const struct planes *planes, unsigned char *slab)
{
    const struct walk_axis *row = &walk->axis[0];
    const size_t element = planes->element;
    struct fb_direct_grid grid = grid_of(walk, element);
    struct window window;
    window.first = window.count = 0;
    grid.rows = 1;
    do
        for (size_t done = 0, there; done < row->count; done += grid.count) {
            const unsigned char *from =
                window_at(&window, planes, walk->chunk_at + done * row->chunk_step, &there);
            grid.count = (there - 1) / row->chunk_step + 1;
            if (grid.count > row->count - done)
                grid.count = row->count - done;
            fb_direct_copy(&grid, element, false, from,
                           slab + (walk->slab_at + done * row->slab_step) * element);
        }
    while (walk_next(walk, 1));
}

static void place_woven(struct walk *walk, const struct planes *planes, unsigned char *slab)
{
    do
        fb_direct_weave(planes->first + walk->chunk_at, planes->step, planes->element,
                        walk->axis[0].count, slab + walk->slab_at * planes->element);
    while (walk_next(walk, 1));
}

static void place_single(struct walk *walk, const struct planes *planes, unsigned char *slab)
{
    do
        fb_direct_weave_plain(planes->first + walk->chunk_at, planes->step, planes->element, 1,
                              slab + walk->slab_at * planes->element);
    while (walk_next(walk, 0));
}

/* Rows of fewer elements are not woven by themselves. */
#define LONG_ROW 32

static void place_shuffled(struct walk *walk, const struct fb_direct_box *box,
                           const unsigned char *chunk, unsigned char *slab)
{
    const struct planes planes = planes_of(box, chunk);
    size_t wanted = 1, span = 1;
    for (unsigned i = 0; i < walk->axes; i++) {
        wanted *= walk->axis[i].count;
        span += (walk->axis[i].count - 1) * walk->axis[i].chunk_step;
    }
    if (walk_gapless(walk) && walk->axis[0].count >= LONG_ROW)
        place_woven(walk, &planes, slab);
    else if (box->element <= WINDOW_BYTES && span / 4 <= wanted)
        place_windows(walk, &planes, slab);
    else
        place_single(walk, &planes, slab);
}

void fb_direct_place(const struct fb_direct_box *box, const void *chunk, bool shuffled, void *slab)
{
    struct walk walk;
    if (!walk_begin(&walk, box))
        return;
    if (shuffled)
        place_shuffled(&walk, box, chunk, slab);
    else
        place_plain(&walk, box, chunk, slab);
}

/* --- a chunk that is not there ---------------------------------------------------------------- */

/* Copies what is there already, twice as much each time. */
static void repeat(const void *fill, size_t element, size_t count, unsigned char *to)
{
    const size_t bytes = count * element;
    memcpy(to, fill, element);
    for (size_t done = element; done < bytes;) {
        size_t more = done < bytes - done ? done : bytes - done;
        memcpy(to + done, to, more);
        done += more;
    }
}

void fb_direct_place_fill(const struct fb_direct_box *box, const void *fill, void *slab)
{
    const size_t element = box->element;
    struct walk walk;
    if (!walk_begin(&walk, box))
        return;
    if (walk_gapless(&walk)) {
        do
            repeat(fill, element, walk.axis[0].count,
                   (unsigned char *)slab + walk.slab_at * element);
        while (walk_next(&walk, 1));
        return;
    }
    struct fb_direct_grid grid = grid_of(&walk, element);
    grid.from_row = grid.from_step = 0;
    do
        fb_direct_copy(&grid, element, false, fill, (unsigned char *)slab + walk.slab_at * element);
    while (walk_next(&walk, 2));
}
