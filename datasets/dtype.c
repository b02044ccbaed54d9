#include "datasets/dtype.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    struct fb_dtype dtype;
} names[] = {
    { "int8", { FB_INT, 1 } },      { "int16", { FB_INT, 2 } },     { "int32", { FB_INT, 4 } },
    { "int64", { FB_INT, 8 } },     { "uint8", { FB_UINT, 1 } },    { "uint16", { FB_UINT, 2 } },
    { "uint32", { FB_UINT, 4 } },   { "uint64", { FB_UINT, 8 } },   { "float16", { FB_FLOAT, 2 } },
    { "float32", { FB_FLOAT, 4 } }, { "float64", { FB_FLOAT, 8 } }, { "bool", { FB_BOOL, 1 } },
};

#define NAME_COUNT (sizeof names / sizeof *names)

bool fb_dtype_equal(struct fb_dtype a, struct fb_dtype b)
{
    return a.kind == b.kind && a.size == b.size;
}

char *fb_dtype_name(struct fb_dtype dtype, char *buf, size_t size)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (fb_dtype_equal(names[i].dtype, dtype)) {
            snprintf(buf, size, "%s", names[i].name);
            return buf;
        }
    }
    snprintf(buf, size, "V%u", (unsigned)dtype.size);
    return buf;
}

bool fb_dtype_parse(const char *name, struct fb_dtype *out)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].dtype;
            return true;
        }
    }
    uint64_t size;
    if (name[0] != 'V' || !fb_parse_u64(name + 1, &size) || size == 0 || size > UINT32_MAX)
        return false;
    *out = (struct fb_dtype){ FB_OPAQUE, (uint32_t)size };
    return true;
}

bool fb_dtype_valid(struct fb_dtype dtype)
{
    if (dtype.kind == FB_OPAQUE)
        return dtype.size > 0;
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (fb_dtype_equal(names[i].dtype, dtype))
            return true;
    return false;
}

float fb_half_value(uint16_t half)
{
    unsigned exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    float sign = half >> 15 ? -1.0f : 1.0f;
    if (exponent == 0x1f)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(fraction | 0x400), (int)exponent - 25);
}
