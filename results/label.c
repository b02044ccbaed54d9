#include "results/label.h"
#include "base/number.h"

#include <string.h>

/* Finds "key=" as a whole word; returns the value's start and its length. */
static const char *find_option(const char *options, const char *key, size_t key_length,
                               size_t *length)
{
    for (const char *p = options; *p;) {
        size_t n = strcspn(p, ",");
        if (n > key_length && p[key_length] == '=' && strncmp(p, key, key_length) == 0) {
            *length = n - key_length - 1;
            return p + key_length + 1;
        }
        p += n + (p[n] == ',');
    }
    return NULL;
}

const char *fb_option_value(const char *options, const char *key, char *buf, size_t size)
{
    size_t length;
    const char *value = find_option(options, key, strlen(key), &length);
    if (!value)
        return NULL;
    if (length >= size)
        length = size - 1;
    memcpy(buf, value, length);
    buf[length] = '\0';
    return buf;
}

uint64_t fb_option_u64(const char *options, const char *key)
{
    char text[24];
    uint64_t value = FB_NA;
    if (!fb_option_value(options, key, text, sizeof text) || !fb_parse_u64(text, &value))
        return FB_NA;
    return value;
}

bool fb_same_options_but(const char *a, const char *b, const char *key)
{
    size_t length = strlen(key);
    while (*a && *b) {
        size_t n = strcspn(a, ","), m = strcspn(b, ",");
        bool both = n > length && m > length && a[length] == '=' && b[length] == '=' &&
                    strncmp(a, key, length) == 0 && strncmp(b, key, length) == 0;
        if (!both && (n != m || strncmp(a, b, n) != 0))
            return false;
        a += n + (a[n] == ',');
        b += m + (b[m] == ',');
    }
    return *a == *b;
}

/* What a label is made of: a row's format, or its workload. */
struct named {
    const char *name, *options;
};

static struct named named(const struct fb_record *record, bool workload)
{
    return workload ? (struct named){ record->workload, record->workload_options }
                    : (struct named){ record->format, record->options };
}

/* True when some row of the same name has another value for the key, or none. */
static bool option_differs(const struct fb_records *records, struct named self, bool workload,
                           const char *key, size_t key_length)
{
    size_t own_length = 0, length = 0;
    const char *own = find_option(self.options, key, key_length, &own_length);
    for (size_t i = 0; i < records->count; i++) {
        struct named other = named(&records->items[i], workload);
        if (strcmp(other.name, self.name) != 0)
            continue;
        const char *value = find_option(other.options, key, key_length, &length);
        if (!own || !value || length != own_length || strncmp(value, own, length) != 0)
            return true;
    }
    return false;
}

char *fb_plain_text(const char *text, char *buf, size_t size)
{
    size_t length = strlen(text);
    bool cut = length >= size;
    if (cut) {
        length = size - 1;
        /* Not in the middle of a UTF-8 character. */
        for (length -= 3; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    }
    for (size_t i = 0; i < length; i++)
        buf[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    strcpy(buf + length, cut ? "..." : "");
    return buf;
}

int fb_columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

void fb_print_words(FILE *out, const char *text, unsigned width)
{
    unsigned column = 0;
    while (*text) {
        unsigned length = (unsigned)strcspn(text, " ");
        bool fits = column + 1 + length <= width;
        fprintf(out, "%s%.*s", column == 0 ? "" : fits ? " " : "\n", (int)length, text);
        column = column > 0 && fits ? column + 1 + length : length;
        text += length + (text[length] == ' ');
    }
    fputc('\n', out);
}

static char *label(const struct fb_records *records, const struct fb_record *record, bool workload,
                   char *buf, size_t size)
{
    struct named self = named(record, workload);
    _Static_assert(sizeof record->workload == sizeof record->format &&
                       sizeof record->workload_options == sizeof record->options,
                   "either fits");
    char text[sizeof record->workload + sizeof record->workload_options + 1];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", self.name);
    for (const char *p = self.options; *p;) {
        size_t n = strcspn(p, ","), key = strcspn(p, "=,");
        if (key < n && option_differs(records, self, workload, p, key))
            used += (size_t)snprintf(text + used, sizeof text - used, " %.*s", (int)n, p);
        p += n + (p[n] == ',');
    }
    for (char *p = text; *p; p++)
        if (strchr("\"'`,\\", *p))
            *p = '_';
    return fb_plain_text(text, buf, size);
}

char *fb_label(const struct fb_records *records, const struct fb_record *record, char *buf,
               size_t size)
{
    return label(records, record, false, buf, size);
}

char *fb_workload_label(const struct fb_records *records, const struct fb_record *record, char *buf,
                        size_t size)
{
    return label(records, record, true, buf, size);
}

static int order_in(const char *word, const char *const *words, int count)
{
    int i = 0;
    while (i < count && strcmp(word, words[i]) != 0)
        i++;
    return i;
}

int fb_clock_order(const struct fb_record *record)
{
    return strcmp(record->clock, "process") == 0;
}

int fb_cache_order(const struct fb_record *record)
{
    static const char *const words[] = { "warm", "cold" };
    return order_in(record->cache, words, 2);
}

int fb_handle_order(const struct fb_record *record)
{
    static const char *const words[] = { "once", "keep", "each" };
    return order_in(record->handle, words, 3);
}

bool fb_is_ok(const struct fb_record *record)
{
    return strcmp(record->status, "ok") == 0 && record->median_ns != FB_NA;
}

bool fb_is_contender(const struct fb_record *record)
{
    return fb_is_ok(record) && strcmp(record->role, "contender") == 0 && !fb_is_unproven(record);
}

bool fb_is_unproven(const struct fb_record *record)
{
    return record->cache_state[0] && strcmp(record->cache_state, "proven") != 0;
}

int fb_compare_rows(const void *a, const void *b)
{
    const struct fb_record *x = *(const struct fb_record *const *)a;
    const struct fb_record *y = *(const struct fb_record *const *)b;
    if (fb_clock_order(x) != fb_clock_order(y))
        return fb_clock_order(x) - fb_clock_order(y);
    if (fb_cache_order(x) != fb_cache_order(y))
        return fb_cache_order(x) - fb_cache_order(y);
    if (fb_handle_order(x) != fb_handle_order(y))
        return fb_handle_order(x) - fb_handle_order(y);
    if (fb_is_ok(x) != fb_is_ok(y))
        return fb_is_ok(x) ? -1 : 1;
    if (fb_is_ok(x) && x->median_ns != y->median_ns)
        return x->median_ns < y->median_ns ? -1 : 1;
    int names = strcmp(x->format, y->format);
    return names ? names : strcmp(x->options, y->options);
}

bool fb_same_workload(const struct fb_record *a, const struct fb_record *b)
{
    return strcmp(a->workload, b->workload) == 0 &&
           strcmp(a->workload_options, b->workload_options) == 0;
}

bool fb_is_first_of_workload(const struct fb_records *records, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (fb_same_workload(&records->items[i], &records->items[index]))
            return false;
    return true;
}
