/* Chunk shapes worth trying. */
#include "bench/anatomy/advice.h"

#include <string.h>

/* Chunks beyond these are never advised: HDF5 reads each as a whole, and each costs a fixed sum. */
#define CHUNK_BYTES_MAX (UINT64_C(16) << 20)
#define CHUNK_BYTES_MIN 512

/* Lengths to try along one axis, the whole axis first. */
struct choices {
    uint64_t length[16];
    size_t count;
};

static void choose(struct choices *choices, uint64_t length, uint64_t axis)
{
    length = length < 1 ? 1 : length > axis ? axis : length;
    for (size_t i = 0; i < choices->count; i++)
        if (choices->length[i] == length)
            return;
    if (choices->count < sizeof choices->length / sizeof *choices->length)
        choices->length[choices->count++] = length;
}

/* Whole axes may be cut too, where nothing else makes a chunk small enough: axis 0 only. */
static void choose_axis(struct choices *choices, unsigned k, uint64_t slab, uint64_t axis)
{
    choose(choices, axis, axis);
    if (slab < axis) {
        choose(choices, slab, axis);
        for (uint64_t part = 2; part <= 8; part *= 2)
            choose(choices, slab / part, axis);
        if (k == 0)
            for (uint64_t times = 2; times <= 16; times *= 2)
                choose(choices, slab > axis / times ? axis : slab * times, axis);
    } else if (k == 0) {
        for (uint64_t part = 2; part <= 4096; part *= 4)
            choose(choices, (axis + part - 1) / part, axis);
    }
}

void fb_chunk_candidates(const struct fb_array_info *array, const uint64_t *count,
                         struct fb_shapes *out)
{
    struct choices axes[FB_MAX_RANK];
    size_t pick[FB_MAX_RANK] = { 0 };
    out->rank = array->rank;
    out->count = 0;
    if (array->rank == 0 || array->bytes == 0)
        return;
    memset(axes, 0, sizeof axes);
    for (unsigned k = 0; k < array->rank; k++)
        choose_axis(&axes[k], k, count[k], array->dims[k]);
    while (out->count < FB_CANDIDATES_MAX) {
        uint64_t bytes = array->dtype.size, slab = array->dtype.size;
        for (unsigned k = 0; k < array->rank; k++) {
            out->chunk[out->count][k] = axes[k].length[pick[k]];
            bytes *= axes[k].length[pick[k]]; /* at most the array's, which was checked */
            slab *= count[k];
        }
        if (bytes <= CHUNK_BYTES_MAX && (bytes >= CHUNK_BYTES_MIN || bytes >= slab))
            out->count++;
        unsigned k = array->rank;
        while (k > 0 && ++pick[k - 1] == axes[k - 1].count)
            pick[--k] = 0;
        if (k == 0)
            return;
    }
}

bool fb_chunk_fits(const struct fb_catalog *catalog, unsigned rank, const uint64_t *chunk)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        if (array->rank != rank || array->bytes == 0)
            continue;
        longest = array->dims[0] > longest ? array->dims[0] : longest;
        for (unsigned k = 1; k < rank; k++)
            if (chunk[k] > array->dims[k])
                return false;
    }
    return chunk[0] <= longest;
}

void fb_chunk_apply(unsigned rank, const uint64_t *chunk, const struct fb_array_info *array,
                    struct fb_layout *layout)
{
    layout->rank = array->rank;
    memcpy(layout->chunk, rank == array->rank ? chunk : array->dims,
           array->rank * sizeof *layout->chunk);
    if (array->rank > 0)
        layout->chunk[0] = chunk[0] < array->dims[0] ? chunk[0] : array->dims[0];
    for (unsigned k = 0; k < array->rank; k++)
        layout->chunk[k] += layout->chunk[k] == 0;
}
