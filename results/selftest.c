#include "results/selftest.h"
#include "base/number.h"
#include "results/csv.h"
#include "results/distribution.h"
#include "results/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(member, help) FB_COLUMN(fb_selftest_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_selftest_record, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, unit, help)                                                                 \
    FB_COLUMN(fb_selftest_record, FB_COLUMN_DOUBLE, member, unit, help)

const struct fb_column fb_selftest_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    U64(trial, "", "1, 2, ..."),
    TEXT(kind,
         "`identical`; `slow-down`: B waits inside the clock; `extra-read`: B reads once more"),
    DOUBLE(injected, "ratio", "how much slower B was made: 0.05 is 5 %"),
    TEXT(cell, "as in gate.csv"),
    DOUBLE(change, "ratio", "as in gate.csv"),
    DOUBLE(change_lower, "ratio", "as in gate.csv"),
    DOUBLE(change_upper, "ratio", "as in gate.csv"),
    DOUBLE(smallest_effect, "ratio", "as in gate.csv"),
    U64(pairs, "", "as in gate.csv"),
    U64(confirm_pairs, "", "as in gate.csv"),
    TEXT(verdict, "as in gate.csv"),
    TEXT(counters, "as in gate.csv"),
    TEXT(reason, "as in gate.csv"),
    TEXT(control, "verdict on A against A"),
    U64(wall_ns, "ns", "the whole trial, making of files included"),
    U64(load_permille, "1/1000", "running tasks before it, averaged over a minute"),
    { 0 },
};

void fb_selftest_record_init(struct fb_selftest_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_selftest_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
}

FB_ROWS(fb_selftest_records, fb_selftest_records, fb_selftest_record, fb_selftest_columns, 0)

/* --- rates ------------------------------------------------------------------------------------ */

size_t fb_selftest_count(const struct fb_selftest_records *records, const char *kind,
                         const char *verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < records->count; i++)
        count += strcmp(records->items[i].kind, kind) == 0 &&
                 (!verdict || strcmp(records->items[i].verdict, verdict) == 0);
    return count;
}

/* The share at which so many or more are seen with that probability. */
static double share_at(uint64_t k, uint64_t n, double probability)
{
    double low = 0, high = 1;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (fb_incomplete_beta(middle, (double)k, (double)(n - k + 1)) < probability)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

void fb_share_interval(uint64_t k, uint64_t n, double *lower, double *upper)
{
    *lower = k == 0 ? 0 : share_at(k, n, 0.025);
    *upper = k >= n ? 1 : share_at(k + 1, n, 0.975);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double fb_selftest_effect(const struct fb_selftest_records *records)
{
    double effect = NAN, *values = malloc((records->count + 1) * sizeof *values);
    size_t n = 0;
    for (size_t i = 0; values && i < records->count; i++)
        if (strcmp(records->items[i].kind, "identical") == 0 &&
            isfinite(records->items[i].smallest_effect))
            values[n++] = records->items[i].smallest_effect;
    if (n) {
        qsort(values, n, sizeof *values, compare);
        effect = values[(n - 1) * 9 / 10];
    }
    free(values);
    return effect;
}

static void print_share(FILE *out, const char *what, size_t k, size_t n)
{
    double lower, upper;
    if (n == 0)
        return;
    fb_share_interval(k, n, &lower, &upper);
    fprintf(out, "%-44s %4zu of %4zu  %5.1f %%  (95 %%: %.1f to %.1f %%)\n", what, k, n,
            100 * (double)k / (double)n, 100 * lower, 100 * upper);
}

void fb_selftest_print(FILE *out, const struct fb_selftest_records *records)
{
    const size_t same = fb_selftest_count(records, "identical", NULL);
    const size_t slow = fb_selftest_count(records, "slow-down", NULL);
    const size_t extra = fb_selftest_count(records, "extra-read", NULL);
    size_t stated = 0, found = 0, alarms = 0, seen = 0;
    double wall = 0, load = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct fb_selftest_record *r = &records->items[i];
        bool owed = strcmp(r->kind, "slow-down") == 0 && r->injected >= r->smallest_effect;
        stated += owed;
        found += owed && strcmp(r->verdict, "regressed") == 0;
        seen += strcmp(r->kind, "extra-read") == 0 && *r->counters;
        alarms += strcmp(r->control, "regressed") == 0 || strcmp(r->control, "improved") == 0;
        wall += (double)r->wall_ns / 1e9;
        load += r->load_permille == FB_NA ? 0 : (double)r->load_permille / 1000;
    }
    print_share(out, "identical sides called regressed",
                fb_selftest_count(records, "identical", "regressed"), same);
    print_share(out, "identical sides called improved",
                fb_selftest_count(records, "identical", "improved"), same);
    print_share(out, "slow-downs found", fb_selftest_count(records, "slow-down", "regressed"),
                slow);
    print_share(out, "  of those at least as large as stated", found, stated);
    print_share(out, "extra reads reported", seen, extra);
    print_share(out, "alarms of A against A", alarms, records->count);
    if (records->count == 0)
        return;
    fprintf(out, "smallest effect stated, nine of ten trials       %.1f %%\n",
            100 * fb_selftest_effect(records));
    fprintf(out, "a verdict took %.1f s, the machine's load was %.2f\n",
            wall / (double)records->count, load / (double)records->count);
}
