/* Figures, the rule that makes a verdict of them, and claims.csv. */
#include "results/claims.h"
#include "base/number.h"
#include "results/csv.h"
#include "results/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

#define TEXT(member, help) FB_COLUMN(fb_figure, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_figure, FB_COLUMN_U64, member, unit, help)
#define DOUBLE(member, help) FB_COLUMN(fb_figure, FB_COLUMN_DOUBLE, member, "", help)

const struct fb_column fb_figure_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(claim, "which claim"),
    TEXT(row, "`figure`, or `verdict`: the last row of a claim"),
    TEXT(figure, "name of the figure; of a verdict what the guide says, in short"),
    TEXT(role, "`must` and `decides` make the verdict, `softens` may turn `not reproduced` into "
               "`depends`, `told` and `series` are shown only"),
    DOUBLE(at, "place in a series: step, gzip level, bytes of all arrays, worker processes"),
    DOUBLE(value, "the figure, in its unit"),
    DOUBLE(lower, "lower end of its 95 % interval; the value itself where the figure is exact"),
    DOUBLE(upper, "upper end; empty where there is none"),
    TEXT(unit, "`ns`, `bytes`, `ratio`, `part` (of 1) or `count`"),
    DOUBLE(bound_low, "the least that the rule takes"),
    DOUBLE(bound_high, "the most that it takes"),
    TEXT(holds, "`yes`: the whole interval lies within the bounds; `no`: all of it outside; else "
                "`unclear`"),
    TEXT(verdict, "`not measured` where a figure that is `must` or `decides` is missing; `not "
                  "reproduced` where a `must` is `no`, or every `decides` is and no `softens` is "
                  "otherwise; `reproduced` where all of them are `yes`; else `depends`"),
    TEXT(rule, "that rule with the figures and bounds of this claim"),
    TEXT(why, "of a verdict: the figures behind it; of a figure: why it is missing"),
    TEXT(formula, "what the figure was computed from, as `results/evidence.h` defines it; "
                  "`RUN/CELL` is the row `cell_id` of `RUN/results.csv`"),
    { 0 },
};

const struct fb_claim *fb_claim_find(const char *id)
{
    for (const struct fb_claim *claim = fb_claims; claim->id; claim++)
        if (strcmp(claim->id, id) == 0)
            return claim;
    return NULL;
}

/* --- figures ---------------------------------------------------------------------------------- */

static const char *judge_bounds(const struct fb_claim_part *part,
                                const struct fb_quantity *quantity)
{
    double low = isnan(part->low) ? -INFINITY : part->low;
    double high = isnan(part->high) ? INFINITY : part->high;
    if ((isnan(part->low) && isnan(part->high)) || quantity->missing[0])
        return "";
    if (isnan(quantity->lower) || isnan(quantity->upper))
        return "unclear"; /* too few blocks for an interval prove nothing */
    if (quantity->lower >= low && quantity->upper <= high)
        return "yes";
    return quantity->upper < low || quantity->lower > high ? "no" : "unclear";
}

static int append(struct fb_figures *figures, const struct fb_figure *figure, struct fb_error *err)
{
    struct fb_figure *items = fb_rows_grow(figures->items, figures->count, sizeof *items, err);
    if (!items)
        return err->code;
    figures->items = items;
    figures->items[figures->count++] = *figure;
    return 0;
}

static void clear(struct fb_figure *figure, const struct fb_claim *claim, const char *row)
{
    memset(figure, 0, sizeof *figure);
    fb_columns_clear(fb_figure_columns, figure);
    figure->schema_version = FB_SCHEMA_VERSION;
    SET(figure->claim, "%s", claim->id);
    SET(figure->row, "%s", row);
}

int fb_figures_add(struct fb_figures *figures, const struct fb_claim *claim,
                   const struct fb_claim_part *part, const struct fb_quantity *quantity,
                   struct fb_error *err)
{
    struct fb_figure figure;
    clear(&figure, claim, "figure");
    SET(figure.figure, "%s", part->figure);
    SET(figure.role, "%s", part->role);
    SET(figure.unit, "%s", part->unit);
    figure.at = part->at;
    figure.value = quantity->value;
    figure.lower = quantity->lower;
    figure.upper = quantity->upper;
    figure.bound_low = part->low;
    figure.bound_high = part->high;
    SET(figure.holds, "%s", judge_bounds(part, quantity));
    SET(figure.why, "%s", quantity->missing);
    SET(figure.formula, "%s", quantity->formula);
    return append(figures, &figure, err);
}

void fb_figures_free(struct fb_figures *figures)
{
    free(figures->items);
    *figures = (struct fb_figures){ 0 };
}

/* --- the rule --------------------------------------------------------------------------------- */

static bool has_role(const struct fb_figure *figure, const char *role)
{
    return strcmp(figure->role, role) == 0;
}

static bool is_needed(const struct fb_figure *figure)
{
    return has_role(figure, "must") || has_role(figure, "decides");
}

/* Figures of a role of which `holds` is, or is not, this. "" is neither. */
static size_t count_holding(const struct fb_figure *figures, size_t count, const char *role,
                            const char *holds, bool same)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += has_role(&figures[i], role) && figures[i].holds[0] &&
                 (strcmp(figures[i].holds, holds) == 0) == same;
    return found;
}

const char *fb_verdict_of(const struct fb_figure *figures, size_t count)
{
    size_t needed = 0;
    for (size_t i = 0; i < count; i++) {
        needed += is_needed(&figures[i]);
        if (is_needed(&figures[i]) && !figures[i].holds[0])
            return "not measured";
    }
    if (needed == 0)
        return "not measured";
    if (count_holding(figures, count, "must", "no", true) > 0)
        return "not reproduced";
    if (count_holding(figures, count, "must", "yes", false) == 0 &&
        count_holding(figures, count, "decides", "yes", false) == 0)
        return "reproduced";
    bool decided = count_holding(figures, count, "decides", "no", true) > 0 &&
                   count_holding(figures, count, "decides", "no", false) == 0;
    if (decided && count_holding(figures, count, "softens", "no", false) == 0)
        return "not reproduced";
    return "depends";
}

/* --- telling ---------------------------------------------------------------------------------- */

static char *format_ratio(double value, char *buf, size_t size)
{
    int decimals = fabs(value) >= 99.5 ? 0 : fabs(value) >= 9.95 ? 1 : 2;
    snprintf(buf, size, "%.*fx", decimals, value);
    return buf;
}

char *fb_figure_value(const char *unit, double value, char *buf, size_t size)
{
    if (isnan(value))
        snprintf(buf, size, "?");
    else if (isinf(value))
        snprintf(buf, size, "any");
    else if (strcmp(unit, "part") == 0)
        snprintf(buf, size, "%.1f %%", 100 * value);
    else if (strcmp(unit, "ratio") == 0)
        format_ratio(value, buf, size);
    else if (strcmp(unit, "ns") == 0 && value >= 0 && value < 1e18)
        fb_format_ns((uint64_t)value, buf, size);
    else if (strcmp(unit, "bytes") == 0 && value >= 0 && value < 1e18)
        fb_format_bytes((uint64_t)value, buf, size);
    else
        snprintf(buf, size, "%.3g", value);
    return buf;
}

char *fb_figure_text(const struct fb_figure *figure, char *buf, size_t size)
{
    char value[32], lower[32], upper[32];
    fb_figure_value(figure->unit, figure->value, value, sizeof value);
    fb_figure_value(figure->unit, figure->lower, lower, sizeof lower);
    fb_figure_value(figure->unit, figure->upper, upper, sizeof upper);
    if (isnan(figure->value) && isnan(figure->lower))
        snprintf(buf, size, "not measured");
    else if (isnan(figure->value) && !(figure->lower > 0))
        snprintf(buf, size, isfinite(figure->upper) ? "below %s" : "not within the sizes measured",
                 upper);
    else if (isnan(figure->value))
        snprintf(buf, size, "above %s", lower);
    else if (isnan(figure->lower))
        snprintf(buf, size, "about %s", value);
    else if (figure->lower == figure->upper)
        snprintf(buf, size, "%s", value);
    else if (isnan(figure->upper) || isinf(figure->upper))
        snprintf(buf, size, "%s (from %s)", value, lower);
    else
        snprintf(buf, size, "%s (%s to %s)", value, lower, upper);
    return buf;
}

/* Text that grows in a member of its own size; what does not fit ends in "...". */
struct writing {
    char *buf;
    size_t size;
};

static void put(struct writing *writing, const char *text)
{
    size_t used = strlen(writing->buf), length = strlen(text);
    if (used + length < writing->size)
        memcpy(writing->buf + used, text, length + 1);
    else if (used + 4 < writing->size)
        strcpy(writing->buf + used, "...");
}

static void put_bounds(struct writing *writing, const struct fb_figure *figure)
{
    char low[32], high[32], text[96];
    fb_figure_value(figure->unit, figure->bound_low, low, sizeof low);
    fb_figure_value(figure->unit, figure->bound_high, high, sizeof high);
    if (isnan(figure->bound_low))
        SET(text, "at most %s", high);
    else if (isnan(figure->bound_high))
        SET(text, "at least %s", low);
    else if (figure->bound_low == figure->bound_high)
        SET(text, "%s", low);
    else
        SET(text, "%s to %s", low, high);
    put(writing, text);
}

static size_t put_role(struct writing *writing, const struct fb_figure *figures, size_t count,
                       const char *role, const char *before)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!has_role(&figures[i], role))
            continue;
        put(writing, found++ ? ", " : before);
        put_bounds(writing, &figures[i]);
        put(writing, " ");
        put(writing, figures[i].figure);
    }
    return found;
}

static void write_rule(struct writing *writing, const struct fb_figure *figures, size_t count)
{
    size_t must = put_role(writing, figures, count, "must", "not reproduced unless ");
    put_role(writing, figures, count, "decides",
             must ? "; then reproduced if all, depends if some of " : "reproduced if all of ");
    if (must == 0)
        put(writing, "; depends if only some");
    put_role(writing, figures, count, "softens", ", or one of ");
}

static void put_figure(struct writing *writing, const struct fb_figure *figure)
{
    char text[128];
    put(writing, fb_figure_text(figure, text, sizeof text));
    put(writing, " ");
    put(writing, figure->figure);
}

static void put_holding(struct writing *writing, const struct fb_figure *figures, size_t count,
                        const char *holds, const char *before)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(figures[i].holds, holds) != 0 || !figures[i].role[0])
            continue;
        put(writing, found++ ? ", " : writing->buf[0] ? "; " : "");
        put(writing, found == 1 ? before : "");
        put_figure(writing, &figures[i]);
    }
}

static void write_why(struct writing *writing, const struct fb_figure *figures, size_t count,
                      const char *verdict)
{
    for (size_t i = 0; i < count && strcmp(verdict, "not measured") == 0; i++) {
        if (is_needed(&figures[i]) && !figures[i].holds[0]) {
            put(writing, figures[i].figure);
            put(writing, ": ");
            put(writing, figures[i].why);
            return;
        }
    }
    put_holding(writing, figures, count, "yes", "holds: ");
    put_holding(writing, figures, count, "no", "does not: ");
    put_holding(writing, figures, count, "unclear", "not told apart: ");
    for (size_t i = 0, found = 0; i < count; i++) {
        if (!has_role(&figures[i], "told") || figures[i].why[0])
            continue;
        put(writing, found++ ? ", " : writing->buf[0] ? "; beside it: " : "");
        put_figure(writing, &figures[i]);
    }
}

/* --- all claims ------------------------------------------------------------------------------- */

static int add_verdict(const struct fb_claim *claim, size_t first, struct fb_figures *out,
                       struct fb_error *err)
{
    struct fb_figure verdict;
    const struct fb_figure *figures = out->items + first;
    size_t count = out->count - first;
    clear(&verdict, claim, "verdict");
    SET(verdict.figure, "%s", claim->says);
    SET(verdict.verdict, "%s", count ? fb_verdict_of(figures, count) : "not measured");
    write_rule(&(struct writing){ verdict.rule, sizeof verdict.rule }, figures, count);
    write_why(&(struct writing){ verdict.why, sizeof verdict.why }, figures, count,
              verdict.verdict);
    return append(out, &verdict, err);
}

int fb_claims_judge(const struct fb_evidence *evidence, struct fb_figures *out,
                    struct fb_error *err)
{
    int rc = 0;
    *out = (struct fb_figures){ 0 };
    for (const struct fb_claim *claim = fb_claims; rc == 0 && claim->id; claim++) {
        size_t first = out->count;
        rc = claim->measure(claim, evidence, out, err);
        if (rc == 0)
            rc = add_verdict(claim, first, out, err);
    }
    if (rc)
        fb_figures_free(out);
    return rc;
}

/* --- claims.csv ------------------------------------------------------------------------------- */

static const struct fb_table table = { fb_figure_columns, sizeof(struct fb_figure),
                                       FB_RECORDS_MAX };

int fb_figures_write(const struct fb_figures *figures, const char *path, struct fb_error *err)
{
    return fb_rows_write(&table, figures->items, figures->count, path, err);
}

int fb_figures_read(const char *path, struct fb_figures *figures, struct fb_error *err)
{
    void *items;
    int rc = fb_rows_read(&table, path, &items, &figures->count, err);
    figures->items = items;
    return rc;
}
