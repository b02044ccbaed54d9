#include "bench/tune/access.h"
#include "base/number.h"
#include "bench/tune/access_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a weight is rounded to, so that it has an exact, short text. */
#define PARTS 1000000

#define BLANKS " \t"

static const char *pattern_name(const void *context, size_t i)
{
    (void)context;
    return fb_access_patterns[i].name;
}

static int find_pattern(const char *name, size_t number, const struct fb_access_pattern **out,
                        struct fb_error *err)
{
    char names[128] = "";
    size_t count = 0;
    for (; fb_access_patterns[count].name; count++) {
        size_t used = strlen(names);
        if (strcmp(fb_access_patterns[count].name, name) == 0) {
            *out = &fb_access_patterns[count];
            return 0;
        }
        snprintf(names + used, sizeof names - used, "%s%s", count ? ", " : "",
                 fb_access_patterns[count].name);
    }
    const char *near = fb_nearest(name, pattern_name, NULL, count);
    return fb_fail(err, FB_EUSAGE, "term %zu: there is no pattern '%s'%s%s%s; there are %s", number,
                   name, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "", names);
}

/* The part before the '*'. */
static int parse_weight(const char *text, size_t number, double *out, struct fb_error *err)
{
    double value;
    if (!text[strspn(text, BLANKS)])
        return fb_fail(err, FB_EUSAGE,
                       "term %zu: the weight before the * is missing, as in "
                       "3*window",
                       number);
    /* fb_parse_double takes signs and exponents too. */
    if (text[strspn(text, "0123456789." BLANKS)] || !fb_parse_double(text, strlen(text), &value) ||
        value > FB_ACCESS_WEIGHT_MAX)
        return fb_fail(err, FB_EUSAGE,
                       "term %zu: the weight '%.40s' is not a positive decimal number of at the "
                       "most %d",
                       number, text, FB_ACCESS_WEIGHT_MAX);
    uint64_t parts = (uint64_t)(value * PARTS + 0.5);
    if (parts == 0)
        return fb_fail(err, FB_EUSAGE,
                       "term %zu: the weight '%.40s' is 0 when rounded to millionths; leave the "
                       "term out, or weigh the others more",
                       number, text);
    *out = (double)parts / PARTS;
    return 0;
}

static int read_list(struct fb_access_term *term, size_t number, struct fb_error *err)
{
    const char *path = fb_options_text(&term->options, "file");
    if (!*path)
        return fb_fail(err, FB_EUSAGE, "term %zu (%s) needs a list, as in %s:file=slabs.txt",
                       number, term->pattern->name, term->pattern->name);
    return fb_access_list_read(path, &term->list, err);
}

/* `text` is a copy of the term, and cut in place. */
static int parse_term(char *text, size_t number, struct fb_access_term *out, struct fb_error *err)
{
    char name[32], owner[64];
    const char *options;
    char *star = memchr(text, '*', strcspn(text, ":"));
    *out = (struct fb_access_term){ .weight = 1 };
    if (star) {
        *star = '\0';
        int rc = parse_weight(text, number, &out->weight, err);
        if (rc)
            return rc;
        text = star + 1 + strspn(star + 1, BLANKS);
    }
    if (!*text || *text == ':')
        return fb_fail(err, FB_EUSAGE,
                       "term %zu has no pattern before '%.40s'; a term is [WEIGHT*]PATTERN[:key="
                       "value,...]",
                       number, text);
    int rc = fb_spec_split(text, name, sizeof name, &options, err);
    if (rc) {
        fb_fail_in(err, "term %zu", number);
        return rc;
    }
    rc = find_pattern(name, number, &out->pattern, err);
    if (rc)
        return rc;
    snprintf(owner, sizeof owner, "term %zu (%s)", number, name);
    rc = fb_options_parse(out->pattern->options, owner, options, &out->options, err);
    if (rc)
        return rc;
    fb_access_settle(&out->options);
    return fb_options_has(&out->options, "file") ? read_list(out, number, err) : 0;
}

/* Copies one term without the blanks around it. */
static int cut_term(const char *text, size_t length, size_t number, char *copy, size_t size,
                    struct fb_error *err)
{
    size_t blanks = strspn(text, BLANKS);
    blanks = blanks < length ? blanks : length;
    text += blanks;
    length -= blanks;
    while (length > 0 && strchr(BLANKS, text[length - 1]))
        length--;
    if (number > FB_ACCESS_TERMS_MAX)
        return fb_fail(err, FB_EUSAGE, "there are more than %d terms", FB_ACCESS_TERMS_MAX);
    if (length == 0)
        return fb_fail(err, FB_EUSAGE,
                       "term %zu is empty; terms are joined by a +, as in 3*window:length=100 + "
                       "whole",
                       number);
    if (length >= size)
        return fb_fail(err, FB_EUSAGE, "term %zu, '%.40s...', is too long: %zu characters", number,
                       text, length);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return 0;
}

int fb_access_parse(const char *spec, struct fb_access *out, struct fb_error *err)
{
    int rc = 0;
    *out = (struct fb_access){ 0 };
    for (const char *text = spec ? spec : ""; rc == 0; text++) {
        char copy[FB_ACCESS_TERM_MAX];
        size_t length = strcspn(text, "+"), number = out->count + 1;
        rc = cut_term(text, length, number, copy, sizeof copy, err);
        if (rc == 0)
            rc = parse_term(copy, number, &out->terms[out->count++], err);
        text += length;
        if (!*text)
            break;
    }
    if (rc)
        fb_access_free(out);
    return rc;
}

void fb_access_free(struct fb_access *access)
{
    for (size_t i = 0; i < access->count; i++)
        fb_access_list_free(access->terms[i].list);
    *access = (struct fb_access){ 0 };
}

/* --- default and text ------------------------------------------------------------------------- */

int fb_access_default(const struct fb_catalog *catalog, struct fb_access *out, struct fb_error *err)
{
    char spec[128] = "";
    uint64_t longest = 0;
    size_t samples = 0;
    for (size_t i = 0; i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        if (array->rank > 0 && array->bytes > 0 && array->dims[0] > longest)
            longest = array->dims[0];
    }
    for (size_t i = 0; i < catalog->sample_count; i++) {
        const struct fb_sample_info *sample = &catalog->samples[i];
        size_t k = sample->first, end = sample->first + sample->count;
        while (k < end && catalog->arrays[k].bytes == 0)
            k++;
        samples += k < end;
    }
    if (longest > 0)
        snprintf(spec, sizeof spec, "window:axis=0,length=%" PRIu64 " + ",
                 longest >= 100 ? 100 : (longest + 1) / 2);
    strcat(spec, samples > 1 ? "sample + whole" : "whole");
    return fb_access_parse(spec, out, err);
}

/* Without a float in printf: no locale can change it. */
static void print_weight(double weight, char *buf, size_t size)
{
    uint64_t parts = (uint64_t)(weight * PARTS + 0.5);
    snprintf(buf, size, "%" PRIu64 ".%06" PRIu64, parts / PARTS, parts % PARTS);
    char *end = buf + strlen(buf);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        *--end = '\0';
}

char *fb_access_term_text(const struct fb_access_term *term, char *buf, size_t size)
{
    char options[FB_ACCESS_TERM_MAX], weight[48];
    print_weight(term->weight, weight, sizeof weight);
    fb_options_canonical(&term->options, options, sizeof options);
    bool one = strcmp(weight, "1") == 0;
    snprintf(buf, size, "%s%s%s%s%s", one ? "" : weight, one ? "" : "*", term->pattern->name,
             *options ? ":" : "", options);
    return buf;
}

char *fb_access_text(const struct fb_access *access, char *buf, size_t size)
{
    buf[0] = '\0';
    for (size_t i = 0; i < access->count; i++) {
        char term[FB_ACCESS_TERM_MAX];
        size_t used = strlen(buf);
        snprintf(buf + used, size - used, "%s%s", i ? " + " : "",
                 fb_access_term_text(&access->terms[i], term, sizeof term));
    }
    return buf;
}
