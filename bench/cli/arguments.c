#include "bench/cli/arguments.h"
#include "base/number.h"

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
