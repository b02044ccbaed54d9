/* Records as JSON. Results are NULL only without memory, which json_object_set_new takes and
 * json_dumps tells of. */
#ifndef FB_BENCH_CLI_JSON_H
#define FB_BENCH_CLI_JSON_H

#include "results/record.h"

#include <jansson.h>

/* Text that may be no UTF-8, which has no place in JSON: '?' for its bytes beyond ASCII then. */
json_t *fb_json_text(const char *text);

/* null for what is n/a. */
json_t *fb_json_double(double value);

/* An object with all columns of a row but schema_version. */
json_t *fb_json_row(const struct fb_column *columns, const void *row);

#endif
