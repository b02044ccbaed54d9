/* Array elements as text. */
#ifndef FB_BENCH_CLI_VALUES_H
#define FB_BENCH_CLI_VALUES_H

#include "datasets/catalog.h"

#include <stdio.h>

/* Prints one element so that it reads back the same: integers whole, bool as 0 and 1, floats with
 * as many digits as their type needs, opaque records as hex. */
void fb_value_print(FILE *stream, struct fb_dtype dtype, const void *element);

/* The CSV header of an array: "row" and a column for each element of a row, named by its indices
 * ("0.1"); "value" where a row has one element. */
void fb_csv_header_print(FILE *stream, const struct fb_array_info *array);
/* CSV lines of `rows` whole rows whose bytes stand in `data`; the first has the number `row`. */
void fb_csv_rows_print(FILE *stream, const struct fb_array_info *array, uint64_t row, uint64_t rows,
                       const void *data);

#endif
