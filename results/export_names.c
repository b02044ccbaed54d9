/* Text that can stand in every format, and the names of cells. */
#include "results/export.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the UTF-8 character at `p`, and the character; 0 for none (RFC 3629: no overlong forms,
 * no surrogates, nothing above 10FFFF). */
static size_t decode(const unsigned char *p, uint32_t *character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (length == 0 || p[0] > 0xf4)
        return 0;
    *character = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the end of the text too */
            return 0;
        *character = *character << 6 | (p[i] & 0x3f);
    }
    bool surrogate = *character >= 0xd800 && *character <= 0xdfff;
    return *character < least[length] || *character > 0x10ffff || surrogate ? 0 : length;
}

static bool is_printable(uint32_t c)
{
    bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    bool separator = c == 0x2028 || c == 0x2029;
    bool direction =
        c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    bool no_character = (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
    return !control && !separator && !direction && !no_character;
}

void fb_export_clean(char *text)
{
    char *to = text;
    while (*text) {
        uint32_t character = 0;
        size_t length = decode((const unsigned char *)text, &character);
        if (length > 0 && is_printable(character)) {
            memmove(to, text, length);
            to += length;
        } else {
            *to++ = '?';
        }
        text += length > 0 ? length : 1;
    }
    *to = '\0';
}

/* --- names ------------------------------------------------------------------------------------ */

struct side {
    char text[64 + 1 + 1024];
};

static struct side join(const char *name, const char *options)
{
    struct side side;
    snprintf(side.text, sizeof side.text, "%s%s%s", name, *options ? ":" : "", options);
    return side;
}

static char *run_name(const struct fb_record *record)
{
    struct side format = join(record->format, record->options);
    struct side workload = join(record->workload, record->workload_options);
    char *name;
    int n = asprintf(&name, "%s %s %s %s%s", format.text, workload.text, record->cache,
                     record->handle, strcmp(record->clock, "process") == 0 ? " process" : "");
    return n < 0 ? NULL : name;
}

static char *gate_name(const struct fb_gate_record *record)
{
    struct side a = join(record->format, record->options);
    struct side b = join(record->b_format, record->b_options);
    struct side workload = join(record->workload, record->workload_options);
    bool alike = fb_gate_is_control(record) || strcmp(a.text, b.text) == 0;
    char *name;
    int n = asprintf(&name, "%s%s%s %s %s %s%s", a.text, alike ? "" : " vs ", alike ? "" : b.text,
                     workload.text, record->cache, record->handle,
                     fb_gate_is_control(record) ? " control" : "");
    return n < 0 ? NULL : name;
}

static bool is_taken(char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* How many have the name, with a number behind it or without. */
static size_t count_alike(char *const *names, size_t count, const char *name)
{
    size_t alike = 0, length = strlen(name);
    for (size_t i = 0; i < count; i++)
        alike += strncmp(names[i], name, length) == 0 &&
                 (names[i][length] == '\0' || strncmp(names[i] + length, " #", 2) == 0);
    return alike;
}

/* Takes `name`; NULL when out of memory. */
static char *number_name(char *const *names, size_t count, char *name)
{
    if (!name || !is_taken(names, count, name))
        return name;
    char *numbered = NULL;
    size_t number = count_alike(names, count, name);
    do {
        free(numbered);
        if (asprintf(&numbered, "%s #%zu", name, ++number) < 0)
            numbered = NULL;
    } while (numbered && is_taken(names, count, numbered));
    free(name);
    return numbered;
}

int fb_export_name_all(struct fb_export *export, struct fb_error *err)
{
    size_t count = export->gate ? export->cells.count : export->records.count;
    export->names = calloc(count + 1, sizeof *export->names);
    if (!export->names)
        return fb_fail_memory(err, "the names");
    for (size_t i = 0; i < count; i++) {
        char *name =
            export->gate ? gate_name(&export->cells.items[i]) : run_name(&export->records.items[i]);
        export->names[i] = number_name(export->names, i, name);
        if (!export->names[i])
            return fb_fail_memory(err, "the names");
        export->name_count++;
    }
    return 0;
}

/* --- JSON ------------------------------------------------------------------------------------- */

int fb_export_print_json(json_t *json, FILE *out, struct fb_error *err)
{
    /* 15 digits are as many as a double keeps of any decimal number. */
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(json);
    if (!text)
        return fb_fail_memory(err, "the export");
    fprintf(out, "%s\n", text);
    free(text);
    return 0;
}

json_t *fb_export_integer(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_real((double)value);
}
