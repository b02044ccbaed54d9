#include "bench/mean.h"

#include <math.h>
#include <string.h>

bool fb_mean_possible(struct fb_dtype dtype)
{
    return dtype.kind == FB_INT || dtype.kind == FB_UINT || dtype.kind == FB_FLOAT;
}

/* One row onto the sums. A function for each type: the loop in it is what the clock sees, and must
 * be as plain as a compiler can be given it. */
typedef void add_row(const void *row, uint64_t width, double *sums);

#define ADD_ROW(name, type, value)                                                                 \
    static void name(const void *row, uint64_t width, double *sums)                                \
    {                                                                                              \
        const type *elements = row;                                                                \
        for (uint64_t i = 0; i < width; i++)                                                       \
            sums[i] += (double)value(elements[i]);                                                 \
    }

ADD_ROW(add_int8, int8_t, )
ADD_ROW(add_int16, int16_t, )
ADD_ROW(add_int32, int32_t, )
ADD_ROW(add_int64, int64_t, )
ADD_ROW(add_uint8, uint8_t, )
ADD_ROW(add_uint16, uint16_t, )
ADD_ROW(add_uint32, uint32_t, )
ADD_ROW(add_uint64, uint64_t, )
ADD_ROW(add_float16, uint16_t, fb_half_value)
ADD_ROW(add_float32, float, )
ADD_ROW(add_float64, double, )

static const struct {
    struct fb_dtype dtype;
    add_row *add;
} types[] = {
    { { FB_INT, 1 }, add_int8 },      { { FB_INT, 2 }, add_int16 },
    { { FB_INT, 4 }, add_int32 },     { { FB_INT, 8 }, add_int64 },
    { { FB_UINT, 1 }, add_uint8 },    { { FB_UINT, 2 }, add_uint16 },
    { { FB_UINT, 4 }, add_uint32 },   { { FB_UINT, 8 }, add_uint64 },
    { { FB_FLOAT, 2 }, add_float16 }, { { FB_FLOAT, 4 }, add_float32 },
    { { FB_FLOAT, 8 }, add_float64 },
};

void fb_mean_rows(struct fb_dtype dtype, const void *data, uint64_t rows, uint64_t width,
                  double *means)
{
    static const uint64_t no_number = UINT64_C(0x7ff8000000000000);
    const unsigned char *row = data;
    size_t type = 0;
    while (!fb_dtype_equal(types[type].dtype, dtype))
        type++;
    /* -0.0 is what may be added to the first row without changing any of it. */
    for (uint64_t i = 0; i < width; i++)
        means[i] = -0.0;
    for (uint64_t r = 0; r < rows; r++, row += width * dtype.size)
        types[type].add(row, width, means);
    for (uint64_t i = 0; i < width; i++) {
        means[i] /= (double)rows;
        if (isnan(means[i]))
            memcpy(&means[i], &no_number, sizeof no_number);
    }
}
