#include "bench/cli/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *fb_json_text(const char *text)
{
    json_t *json = json_string(text);
    char *plain = json ? NULL : strdup(text);
    if (!plain)
        return json;
    for (char *p = plain; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    json = json_string(plain);
    free(plain);
    return json;
}

static json_t *integer(uint64_t value)
{
    return value == FB_NA      ? json_null()
           : value > INT64_MAX ? json_real((double)value)
                               : json_integer((json_int_t)value);
}

json_t *fb_json_double(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *fb_json_row(const struct fb_column *columns, const void *row)
{
    json_t *json = json_object();
    for (columns++; columns->name; columns++) {
        const void *member = (const char *)row + columns->offset;
        json_object_set_new(json, columns->name,
                            columns->type == FB_COLUMN_TEXT ? fb_json_text(member)
                            : columns->type == FB_COLUMN_U64
                                ? integer(*(const uint64_t *)member)
                                : fb_json_double(*(const double *)member));
    }
    return json;
}
