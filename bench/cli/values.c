#include "bench/cli/values.h"

#include <inttypes.h>
#include <string.h>

static void print_float(FILE *stream, size_t size, const void *element)
{
    double f64;
    float f32;
    uint16_t f16;
    if (size == 8) {
        memcpy(&f64, element, sizeof f64);
        fprintf(stream, "%.17g", f64);
    } else if (size == 4) {
        memcpy(&f32, element, sizeof f32);
        fprintf(stream, "%.9g", (double)f32);
    } else {
        memcpy(&f16, element, sizeof f16);
        fprintf(stream, "%.5g", (double)fb_half_value(f16));
    }
}

void fb_value_print(FILE *stream, struct fb_dtype dtype, const void *element)
{
    uint64_t bits = 0;
    if (dtype.kind == FB_FLOAT) {
        print_float(stream, dtype.size, element);
    } else if (dtype.kind == FB_OPAQUE) {
        for (uint32_t i = 0; i < dtype.size; i++)
            fprintf(stream, "%02x", ((const unsigned char *)element)[i]);
    } else {
        memcpy(&bits, element, dtype.size); /* little-endian */
        unsigned unused = 64 - 8 * dtype.size;
        if (dtype.kind == FB_INT)
            fprintf(stream, "%" PRId64, (int64_t)(bits << unused) >> unused);
        else
            fprintf(stream, "%" PRIu64, bits);
    }
}

static uint64_t row_elements(const struct fb_array_info *array)
{
    uint64_t elements = 1;
    for (unsigned i = 1; i < array->rank; i++)
        elements *= array->dims[i];
    return elements;
}

void fb_csv_header_print(FILE *stream, const struct fb_array_info *array)
{
    fputs(array->rank > 0 ? "row" : "", stream);
    if (array->rank <= 1)
        fputs(array->rank ? ",value" : "value", stream);
    /* An array without bytes may claim any number of columns. */
    uint64_t columns = array->rank > 1 && array->bytes > 0 ? row_elements(array) : 0;
    for (uint64_t column = 0; column < columns; column++) {
        uint64_t below = columns, rest = column;
        for (unsigned i = 1; i < array->rank; i++) {
            below /= array->dims[i];
            fprintf(stream, "%c%" PRIu64, i == 1 ? ',' : '.', rest / below);
            rest %= below;
        }
    }
    putc('\n', stream);
}

void fb_csv_rows_print(FILE *stream, const struct fb_array_info *array, uint64_t row, uint64_t rows,
                       const void *data)
{
    const unsigned char *element = data;
    uint64_t columns = row_elements(array);
    for (uint64_t r = 0; r < rows; r++) {
        if (array->rank > 0)
            fprintf(stream, "%" PRIu64 ",", row + r);
        for (uint64_t c = 0; c < columns; c++) {
            if (c > 0)
                putc(',', stream);
            fb_value_print(stream, array->dtype, element);
            element += array->dtype.size;
        }
        putc('\n', stream);
    }
}
