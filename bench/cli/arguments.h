/* What the commands' argument parsers share. */
#ifndef FB_BENCH_CLI_ARGUMENTS_H
#define FB_BENCH_CLI_ARGUMENTS_H

#include "base/error.h"
#include "base/terminal.h"

#include <argp.h>

/* Keys of options without a short letter. */
enum fb_argument_key {
    FB_ARG_COLOR = 0x100,
    FB_ARG_FIRST_OWN = 0x180 /* a command's own keys start here */
};

/* The row of --color in an argp option table, and what its key does. */
#define FB_COLOR_OPTION                                                                            \
    {                                                                                              \
        "color", FB_ARG_COLOR, "WHEN", 0, "auto, always or never; NO_COLOR is respected", 0        \
    }
error_t fb_argument_color(struct argp_state *state, const char *arg, enum fb_colour *out);

/* A command's positional arguments. */
struct fb_positional {
    const char *name; /* "FILE", for messages */
    const char **value;
    bool required;
};

/* To be called for the keys that a parser does not know itself: puts arguments into the table
 * (`count` rows) in order, and complains about missing and surplus ones (exit 2, by argp_error). */
error_t fb_argument_positional(int key, char *arg, struct argp_state *state,
                               const struct fb_positional *table, unsigned count);

/* argp_error unless the option was given: "-o FILE is missing". */
void fb_argument_require(const struct argp_state *state, const void *value, const char *what);

/* fb_parse_range with messages: FB_EUSAGE for a malformed or reversed "A:B". */
int fb_argument_range(const char *option, const char *text, uint64_t *first, uint64_t *last,
                      struct fb_error *err);

/* Values of options, FB_EUSAGE with a message that names --WHAT. A list "a,b" of `count` names sets
 * marks[] and clears the others. Percent become parts: 3 -> 0.03. */
int fb_argument_list(const char *text, const char *const *names, int count, bool *marks,
                     const char *what, struct fb_error *err);
int fb_argument_number(const char *text, const char *what, uint64_t least, uint64_t most,
                       uint64_t *out, struct fb_error *err);
int fb_argument_seconds(const char *text, const char *what, uint64_t *ns, struct fb_error *err);
int fb_argument_percent(const char *text, const char *what, double *part, struct fb_error *err);
/* --threshold: "+2%", of which both signs may be left out. */
int fb_argument_threshold(const char *text, double *part, struct fb_error *err);
int fb_argument_size(const char *text, const char *what, uint64_t *out, struct fb_error *err);

#endif
