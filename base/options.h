/* Option tables: `name:key=value,key=value`, checked against a table.
 *
 * Formats, workloads and generators each bring one `static const struct fb_option[]`, ended by a
 * row without a name. Parsing, defaults, help, error messages and the canonical text that stands
 * in records all follow from it. */
#ifndef FB_BASE_OPTIONS_H
#define FB_BASE_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fb_option_type {
    FB_OPTION_UINT,        /* decimal integer within [min, max] */
    FB_OPTION_CHOICE,      /* one of choices, "a|b|c" */
    FB_OPTION_TEXT,        /* anything without a comma; check() may refuse it */
    FB_OPTION_LATER_CHOICE /* a choice that came when there were records: it is left out of them at
                              its default, so that the cells of before keep their ids */
};

struct fb_option {
    const char *name;
    enum fb_option_type type;
    const char *fallback; /* default, as text; "" is a default too, and is left out of records */
    uint64_t min, max;    /* FB_OPTION_UINT */
    const char *choices;  /* of both kinds of choice */
    bool (*check)(const char *value); /* FB_OPTION_TEXT: form is right; NULL accepts all */
    const char *help;                 /* one line, for `fmtbench list` and the docs; for TEXT
                                         options it states the accepted forms */
};

#define FB_OPTIONS_MAX 12
#define FB_OPTION_VALUE_MAX 256

/* Values in table order; copy freely. */
struct fb_options {
    const struct fb_option *table;
    char values[FB_OPTIONS_MAX][FB_OPTION_VALUE_MAX];
};

/* Parses "key=value,key=value" (NULL or "" for all defaults). `owner` names the thing in messages
 * ("format hdf5-chunked"). FB_EUSAGE with the valid keys or values and the nearest name. */
int fb_options_parse(const struct fb_option *table, const char *owner, const char *text,
                     struct fb_options *out, struct fb_error *err);

/* The value of a key that the table has (asserted: a wrong key is a bug, not an input). */
const char *fb_options_text(const struct fb_options *options, const char *key);
uint64_t fb_options_uint(const struct fb_options *options, const char *key);

/* Sets a key that the table has to a value that it accepts. */
void fb_options_set(struct fb_options *options, const char *key, const char *value);

/* True when a key that the table has is as if nobody had given it. */
bool fb_options_is_default(const struct fb_options *options, const char *key);

/* True when the table has the key. */
bool fb_options_has(const struct fb_options *options, const char *key);

/* Canonical text: all keys in table order with their values; without those that are empty, and
 * without later choices at their default. Returns buf. */
char *fb_options_canonical(const struct fb_options *options, char *buf, size_t size);

/* The same of those alone that are not as if nobody had given them. Returns buf. */
char *fb_options_given(const struct fb_options *options, char *buf, size_t size);

/* What is said of the keys of another table, which has its defaults for those that are missing
 * here. */
void fb_options_restrict(const struct fb_options *options, const struct fb_option *table,
                         struct fb_options *out);

/* Splits "name:rest" into name (copied, FB_EUSAGE when too long or empty) and rest ("" if none). */
int fb_spec_split(const char *spec, char *name, size_t name_size, const char **rest,
                  struct fb_error *err);

/* The candidate nearest to `word` by edit distance, or NULL when none is near enough to suggest.
 * candidate(context, i) returns the i-th name. */
const char *fb_nearest(const char *word, const char *(*candidate)(const void *context, size_t i),
                       const void *context, size_t count);

#endif
