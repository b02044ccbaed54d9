#include "formats/direct/weave.h"

#include <stdint.h>
#include <string.h>

void fb_direct_weave_plain(const unsigned char *plane, ptrdiff_t step, size_t element, size_t count,
                           unsigned char *to)
{
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < element; b++)
            *to++ = plane[(ptrdiff_t)b * step + (ptrdiff_t)i];
}

/* Vectors as gcc 12 and clang know them on every machine. */
#ifdef __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define LANES 16
#endif
#endif

#ifdef LANES

struct lanes {
    unsigned char v __attribute__((vector_size(LANES)));
};

static inline struct lanes zip_front(struct lanes a, struct lanes b)
{
    return (struct lanes){ __builtin_shufflevector(a.v, b.v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                                   21, 6, 22, 7, 23) };
}

static inline struct lanes zip_back(struct lanes a, struct lanes b)
{
    return (struct lanes){ __builtin_shufflevector(a.v, b.v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                   13, 29, 14, 30, 15, 31) };
}

/* Each round brings bytes twice as many places of an element together: for 4 bytes it zips planes 0
 * with 2 and 1 with 3, and then these two. */
static inline __attribute__((always_inline)) void
weave_lanes(const unsigned char *plane, ptrdiff_t step, const unsigned element, unsigned char *to)
{
    struct lanes now[8], next[8];
#pragma GCC unroll 8
    for (unsigned b = 0; b < element; b++)
        memcpy(&now[b], plane + (ptrdiff_t)b * step, LANES);
#pragma GCC unroll 3
    for (unsigned round = 1; round < element; round *= 2) {
#pragma GCC unroll 4
        for (unsigned k = 0; k < element / 2; k++) {
            next[2 * k] = zip_front(now[k], now[k + element / 2]);
            next[2 * k + 1] = zip_back(now[k], now[k + element / 2]);
        }
#pragma GCC unroll 8
        for (unsigned b = 0; b < element; b++)
            now[b] = next[b];
    }
#pragma GCC unroll 8
    for (unsigned b = 0; b < element; b++)
        memcpy(to + (size_t)b * LANES, &now[b], LANES);
}

/* The last step goes back as far as it must, and writes some elements twice. */
static inline __attribute__((always_inline)) void weave_run(const unsigned char *plane,
                                                            ptrdiff_t step, const unsigned element,
                                                            size_t count, unsigned char *to)
{
    if (count < LANES) {
        fb_direct_weave_plain(plane, step, element, count, to);
        return;
    }
    for (size_t i = 0; i < count - LANES; i += LANES)
        weave_lanes(plane + i, step, element, to + i * element);
    weave_lanes(plane + count - LANES, step, element, to + (count - LANES) * element);
}

#else
#define weave_run fb_direct_weave_plain
#endif

void fb_direct_weave(const unsigned char *plane, ptrdiff_t step, size_t element, size_t count,
                     unsigned char *to)
{
    switch (element) {
    case 1:
        memcpy(to, plane, count);
        break;
    case 2:
        weave_run(plane, step, 2, count, to);
        break;
    case 4:
        weave_run(plane, step, 4, count, to);
        break;
    case 8:
        weave_run(plane, step, 8, count, to);
        break;
    default:
        fb_direct_weave_plain(plane, step, element, count, to);
    }
}

/* Rows lie too far apart for the processor to guess where the next one is: so far ahead, its lines
 * are asked for. */
#define AHEAD_ROWS 8

/* Elements of a size that a register holds: each a load, perhaps a turn, and a store. */
#define COPY_ELEMENTS(bits, turned)                                                                \
    for (size_t row = 0; row < rows; row++, from += from_row, to += to_row) {                      \
        for (size_t k = 0; row + AHEAD_ROWS < rows && k < span; k += 64)                           \
            __builtin_prefetch(to + AHEAD_ROWS * to_row + k, 1);                                   \
        for (size_t i = 0, j = 0, k = 0; i < count; i++, j += from_step, k += to_step) {           \
            uint##bits##_t value;                                                                  \
            memcpy(&value, from + j, sizeof value);                                                \
            value = turned(value);                                                                 \
            memcpy(to + k, &value, sizeof value);                                                  \
        }                                                                                          \
    }

#define COPY_FUNCTION(bits)                                                                        \
    static void copy_##bits(const struct fb_direct_grid *grid, bool swap,                          \
                            const unsigned char *from, unsigned char *to)                          \
    {                                                                                              \
        const size_t rows = grid->rows, from_row = grid->from_row, to_row = grid->to_row;          \
        const size_t count = grid->count, from_step = grid->from_step, to_step = grid->to_step;    \
        const size_t span = count * to_step;                                                       \
        if (swap)                                                                                  \
            COPY_ELEMENTS(bits, __builtin_bswap##bits)                                             \
        else                                                                                       \
            COPY_ELEMENTS(bits, )                                                                  \
    }

COPY_FUNCTION(16)
COPY_FUNCTION(32)
COPY_FUNCTION(64)

static void copy_any(const struct fb_direct_grid *grid, size_t element, bool swap,
                     const unsigned char *from, unsigned char *to)
{
    for (size_t row = 0; row < grid->rows; row++, from += grid->from_row, to += grid->to_row)
        for (size_t i = 0; i < grid->count; i++) {
            const unsigned char *source = from + i * grid->from_step;
            unsigned char *target = to + i * grid->to_step;
            for (size_t b = 0; b < element; b++)
                target[b] = source[swap ? element - 1 - b : b];
        }
}

static void copy_rows(const struct fb_direct_grid *grid, size_t bytes, const unsigned char *from,
                      unsigned char *to)
{
    for (size_t row = 0; row < grid->rows; row++)
        memcpy(to + row * grid->to_row, from + row * grid->from_row, bytes);
}

void fb_direct_copy(const struct fb_direct_grid *grid, size_t element, bool swap,
                    const unsigned char *from, unsigned char *to)
{
    if (!swap && grid->from_step == element && grid->to_step == element)
        copy_rows(grid, grid->count * element, from, to);
    else if (element == 2)
        copy_16(grid, swap, from, to);
    else if (element == 4)
        copy_32(grid, swap, from, to);
    else if (element == 8)
        copy_64(grid, swap, from, to);
    else
        copy_any(grid, element, swap, from, to);
}
