#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fb_parse_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (!*text)
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        if (!fb_mul_u64(value, 10, &value) || !fb_add_u64(value, (uint64_t)(*p - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

bool fb_parse_size(const char *text, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t factor;
    } units[] = {
        { "", 1 },
        { "B", 1 },
        { "kB", 1000 },
        { "KB", 1000 },
        { "MB", 1000000 },
        { "GB", 1000000000 },
        { "TB", 1000000000000 },
        { "KiB", UINT64_C(1) << 10 },
        { "MiB", UINT64_C(1) << 20 },
        { "GiB", UINT64_C(1) << 30 },
        { "TiB", UINT64_C(1) << 40 },
    };
    char digits[24];
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    uint64_t value;
    if (!fb_parse_u64(digits, &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + length, units[i].unit) == 0)
            return fb_mul_u64(value, units[i].factor, out);
    return false;
}

bool fb_parse_range(const char *text, uint64_t *first, uint64_t *last)
{
    char left[24];
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof left)
        return false;
    memcpy(left, text, (size_t)(colon - text));
    left[colon - text] = '\0';
    *first = 0;
    *last = UINT64_MAX;
    if (left[0] && !fb_parse_u64(left, first))
        return false;
    if (colon[1] && !fb_parse_u64(colon + 1, last))
        return false;
    return *first <= *last;
}

bool fb_parse_double(const char *text, size_t length, double *out)
{
    char buf[64];
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    if (length == 0 || length >= sizeof buf)
        return false;
    memcpy(buf, text, length);
    buf[length] = '\0';
    /* strtod also takes hexadecimal, nan and inf; the program never leaves the C locale. */
    if (strspn(buf, "0123456789+-.eE") != length)
        return false;
    char *end;
    double value = strtod(buf, &end);
    if (*end || !isfinite(value))
        return false;
    *out = value;
    return true;
}

bool fb_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool fb_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

struct unit {
    const char *name;
    double factor;
};

/* The largest unit that leaves at least 1; values print with three significant digits. */
static char *format_units(double value, const struct unit *units, size_t count, char *buf,
                          size_t size)
{
    size_t i = 0;
    while (i + 1 < count && value / units[i + 1].factor >= 0.9995)
        i++;
    double scaled = value / units[i].factor;
    int decimals = i == 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
    snprintf(buf, size, "%.*f %s", decimals, scaled, units[i].name);
    return buf;
}

char *fb_format_bytes(uint64_t bytes, char *buf, size_t size)
{
    static const struct unit units[] = {
        { "B", 1 }, { "kB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 }, { "PB", 1e15 },
    };
    return format_units((double)bytes, units, sizeof units / sizeof *units, buf, size);
}

char *fb_format_ns(uint64_t ns, char *buf, size_t size)
{
    static const struct unit units[] = {
        { "ns", 1 },
        { "us", 1e3 },
        { "ms", 1e6 },
        { "s", 1e9 },
    };
    return format_units((double)ns, units, sizeof units / sizeof *units, buf, size);
}
