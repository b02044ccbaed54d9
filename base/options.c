#include "base/options.h"
#include "base/number.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t table_length(const struct fb_option *table)
{
    size_t n = 0;
    while (table && table[n].name)
        n++;
    assert(n <= FB_OPTIONS_MAX);
    return n;
}

static const char *option_name(const void *context, size_t i)
{
    return ((const struct fb_option *)context)[i].name;
}

static void join_names(const struct fb_option *table, char *buf, size_t size)
{
    buf[0] = '\0';
    for (size_t i = 0; table[i].name; i++) {
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, "%s%s", i ? ", " : "", table[i].name);
    }
}

static bool choice_has(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *p = choices; *p;) {
        size_t n = strcspn(p, "|");
        if (n == length && strncmp(p, value, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

static int check_value(const struct fb_option *option, const char *owner, const char *value,
                       struct fb_error *err)
{
    uint64_t number;
    switch (option->type) {
    case FB_OPTION_UINT:
        if (fb_parse_u64(value, &number) && number >= option->min && number <= option->max)
            return 0;
        return fb_fail(err, FB_EUSAGE, "%s: %s=%s is not an integer from %llu to %llu", owner,
                       option->name, value, (unsigned long long)option->min,
                       (unsigned long long)option->max);
    case FB_OPTION_CHOICE:
    case FB_OPTION_LATER_CHOICE:
        if (choice_has(option->choices, value))
            return 0;
        return fb_fail(err, FB_EUSAGE, "%s: %s=%s is not one of %s", owner, option->name, value,
                       option->choices);
    case FB_OPTION_TEXT:
        if (!option->check || option->check(value))
            return 0;
        return fb_fail(err, FB_EUSAGE, "%s: cannot take %s=%s (%s)", owner, option->name, value,
                       option->help);
    }
    return 0;
}

static int set_one(struct fb_options *out, size_t count, const char *owner, const char *text,
                   size_t length, struct fb_error *err)
{
    char item[FB_OPTION_VALUE_MAX + 64];
    if (length >= sizeof item)
        return fb_fail(err, FB_EUSAGE, "%s: option of %zu characters is too long", owner, length);
    memcpy(item, text, length);
    item[length] = '\0';
    char *equals = strchr(item, '=');
    if (equals)
        *equals = '\0';
    for (size_t i = 0; i < count; i++) {
        if (strcmp(out->table[i].name, item) != 0)
            continue;
        if (!equals || !equals[1])
            return fb_fail(err, FB_EUSAGE, "%s: option %s needs a value, as in %s=%s", owner, item,
                           item, out->table[i].fallback);
        if (strlen(equals + 1) >= FB_OPTION_VALUE_MAX)
            return fb_fail(err, FB_EUSAGE, "%s: value of %s is too long", owner, item);
        int rc = check_value(&out->table[i], owner, equals + 1, err);
        if (rc == 0)
            strcpy(out->values[i], equals + 1);
        return rc;
    }
    if (count == 0)
        return fb_fail(err, FB_EUSAGE, "%s takes no options, but got '%s'", owner, item);
    char names[256];
    join_names(out->table, names, sizeof names);
    const char *near = fb_nearest(item, option_name, out->table, count);
    return fb_fail(err, FB_EUSAGE, "%s has no option '%s'%s%s%s; it takes %s", owner, item,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "", names);
}

int fb_options_parse(const struct fb_option *table, const char *owner, const char *text,
                     struct fb_options *out, struct fb_error *err)
{
    size_t count = table_length(table);
    memset(out, 0, sizeof *out);
    out->table = table;
    for (size_t i = 0; i < count; i++) {
        assert(strlen(table[i].fallback) < FB_OPTION_VALUE_MAX);
        strcpy(out->values[i], table[i].fallback);
    }
    for (const char *p = text ? text : ""; *p;) {
        size_t length = strcspn(p, ",");
        int rc = set_one(out, count, owner, p, length, err);
        if (rc)
            return rc;
        p += length;
        if (*p == ',' && !*++p)
            return fb_fail(err, FB_EUSAGE, "%s: the options end in a comma", owner);
    }
    return 0;
}

static size_t index_of(const struct fb_options *options, const char *key)
{
    size_t i = 0;
    while (options->table && options->table[i].name && strcmp(options->table[i].name, key) != 0)
        i++;
    return i;
}

bool fb_options_has(const struct fb_options *options, const char *key)
{
    return options->table && options->table[index_of(options, key)].name != NULL;
}

const char *fb_options_text(const struct fb_options *options, const char *key)
{
    size_t i = index_of(options, key);
    assert(options->table && options->table[i].name);
    return options->values[i];
}

void fb_options_set(struct fb_options *options, const char *key, const char *value)
{
    size_t i = index_of(options, key);
    assert(options->table && options->table[i].name && strlen(value) < FB_OPTION_VALUE_MAX);
    strcpy(options->values[i], value);
}

static bool at_default(const struct fb_options *options, size_t i)
{
    return strcmp(options->values[i], options->table[i].fallback) == 0;
}

bool fb_options_is_default(const struct fb_options *options, const char *key)
{
    size_t i = index_of(options, key);
    assert(options->table && options->table[i].name);
    return at_default(options, i);
}

uint64_t fb_options_uint(const struct fb_options *options, const char *key)
{
    uint64_t value = 0;
    bool fine = fb_parse_u64(fb_options_text(options, key), &value);
    assert(fine);
    (void)fine;
    return value;
}

static bool in_records(const struct fb_options *options, size_t i)
{
    return options->values[i][0] &&
           !(options->table[i].type == FB_OPTION_LATER_CHOICE && at_default(options, i));
}

static char *print_options(const struct fb_options *options, bool given, char *buf, size_t size)
{
    assert(size > 0);
    buf[0] = '\0';
    for (size_t i = 0; options->table && options->table[i].name; i++) {
        if (!in_records(options, i) ||
            (given && fb_options_is_default(options, options->table[i].name)))
            continue;
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, "%s%s=%s", used ? "," : "", options->table[i].name,
                 options->values[i]);
    }
    return buf;
}

char *fb_options_canonical(const struct fb_options *options, char *buf, size_t size)
{
    return print_options(options, false, buf, size);
}

char *fb_options_given(const struct fb_options *options, char *buf, size_t size)
{
    return print_options(options, true, buf, size);
}

void fb_options_restrict(const struct fb_options *options, const struct fb_option *table,
                         struct fb_options *out)
{
    *out = (struct fb_options){ .table = table };
    for (size_t i = 0; table[i].name; i++)
        snprintf(out->values[i], sizeof out->values[i], "%s",
                 fb_options_has(options, table[i].name) ? fb_options_text(options, table[i].name)
                                                        : table[i].fallback);
}

int fb_spec_split(const char *spec, char *name, size_t name_size, const char **rest,
                  struct fb_error *err)
{
    size_t length = strcspn(spec, ":");
    if (length == 0)
        return fb_fail(err, FB_EUSAGE, "'%s' does not start with a name", spec);
    if (length >= name_size)
        return fb_fail(err, FB_EUSAGE, "the name in '%.80s' is too long", spec);
    memcpy(name, spec, length);
    name[length] = '\0';
    *rest = spec[length] ? spec + length + 1 : "";
    return 0;
}

/* Levenshtein distance, one row at a time; words longer than the row count as far away. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[129];
    size_t na = strlen(a), nb = strlen(b);
    if (na > 128 || nb > 128)
        return SIZE_MAX;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t other = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = change < other ? change : other;
        }
    }
    return row[nb];
}

const char *fb_nearest(const char *word, const char *(*candidate)(const void *context, size_t i),
                       const void *context, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 2 + 2;
    for (size_t i = 0; i < count; i++) {
        const char *name = candidate(context, i);
        size_t distance = edit_distance(word, name);
        if (distance < best_distance) {
            best_distance = distance;
            best = name;
        }
    }
    return best;
}
