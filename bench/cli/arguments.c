#include "bench/cli/arguments.h"
#include "base/number.h"

#include <inttypes.h>
#include <string.h>

error_t fb_argument_color(struct argp_state *state, const char *arg, enum fb_colour *out)
{
    if (!fb_colour_parse(arg, out))
        argp_error(state, "--color=%s is not one of auto, always, never", arg);
    return 0;
}

error_t fb_argument_positional(int key, char *arg, struct argp_state *state,
                               const struct fb_positional *table, unsigned count)
{
    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num >= count)
            argp_error(state, "'%s' is one argument too many", arg);
        else
            *table[state->arg_num].value = arg;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < count && table[state->arg_num].required)
            argp_error(state, "%s is missing", table[state->arg_num].name);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void fb_argument_require(const struct argp_state *state, const void *value, const char *what)
{
    if (!value)
        argp_error(state, "%s is missing", what);
}

int fb_argument_range(const char *option, const char *text, uint64_t *first, uint64_t *last,
                      struct fb_error *err)
{
    if (fb_parse_range(text, first, last))
        return 0;
    const char *colon = strchr(text, ':');
    bool numbers = colon && strspn(text, "0123456789") == (size_t)(colon - text) &&
                   strspn(colon + 1, "0123456789") == strlen(colon + 1);
    return fb_fail(err, FB_EUSAGE,
                   numbers ? "%s=%s: the range is reversed or too large"
                           : "%s=%s is not a range A:B of numbers (either may be left out)",
                   option, text);
}

/* Marks each name of a comma-separated list. */
int fb_argument_list(const char *text, const char *const *names, int count, bool *marks,
                     const char *what, struct fb_error *err)
{
    for (int i = 0; i < count; i++)
        marks[i] = false;
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ",");
        int i = 0;
        while (i < count && (strlen(names[i]) != length || strncmp(names[i], p, length) != 0))
            i++;
        if (i == count)
            return fb_fail(err, FB_EUSAGE, "--%s=%s: '%.*s' is not one of %s, %s%s%s", what, text,
                           (int)length, p, names[0], names[1], count > 2 ? ", " : "",
                           count > 2 ? names[2] : "");
        marks[i] = true;
        p += length;
        if (!*p)
            return 0;
    }
}

int fb_argument_number(const char *text, const char *what, uint64_t least, uint64_t most,
                       uint64_t *out, struct fb_error *err)
{
    if (fb_parse_u64(text, out) && *out >= least && *out <= most)
        return 0;
    return fb_fail(err, FB_EUSAGE, "--%s=%s is not an integer from %" PRIu64 " to %" PRIu64, what,
                   text, least, most);
}

int fb_argument_seconds(const char *text, const char *what, uint64_t *ns, struct fb_error *err)
{
    uint64_t seconds = 0;
    int rc = fb_argument_number(text, what, 1, 86400, &seconds, err);
    *ns = seconds * 1000000000;
    return rc;
}

int fb_argument_percent(const char *text, const char *what, double *part, struct fb_error *err)
{
    double percent;
    if (!fb_parse_double(text, strlen(text), &percent) || percent < 0.1 || percent > 10000)
        return fb_fail(err, FB_EUSAGE, "--%s=%s is not a number of percent from 0.1 to 10000", what,
                       text);
    *part = percent / 100;
    return 0;
}

int fb_argument_threshold(const char *text, double *part, struct fb_error *err)
{
    const char *digits = text + (*text == '+');
    size_t length = strcspn(digits, "%");
    double percent;
    if (length == 0 || strlen(digits + length) > 1 || !fb_parse_double(digits, length, &percent) ||
        percent <= 0 || percent > 1000)
        return fb_fail(err, FB_EUSAGE, "--threshold=%s is not a slow-down such as +2%%", text);
    *part = percent / 100;
    return 0;
}

int fb_argument_size(const char *text, const char *what, uint64_t *out, struct fb_error *err)
{
    if (fb_parse_size(text, out) && *out > 0)
        return 0;
    return fb_fail(err, FB_EUSAGE, "--%s=%s is not a size such as 500MB or 2GiB", what, text);
}
