/* Quantities made of other quantities. */
#include "results/evidence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clear(struct fb_quantity *out)
{
    *out = (struct fb_quantity){ .value = NAN, .lower = NAN, .upper = NAN };
}

/* Adds to the formula. One that does not fit could not be computed again: the quantity is given up
 * rather than cut. */
static void write_formula(struct fb_quantity *out, const char *format, ...) FB_PRINTF(2, 3);

static void write_formula(struct fb_quantity *out, const char *format, ...)
{
    va_list args;
    size_t used = strlen(out->formula);
    if (out->missing[0])
        return;
    va_start(args, format);
    int length = vsnprintf(out->formula + used, sizeof out->formula - used, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof out->formula - used) {
        clear(out);
        strcpy(out->missing, "its formula is too long to be written down");
    }
}

/* True, with `out` missing for the same reason, where an operand is. */
static bool lacks(struct fb_quantity *out, const struct fb_quantity *operand)
{
    clear(out);
    memcpy(out->missing, operand->missing, sizeof out->missing);
    return operand->missing[0];
}

void fb_quantity_ratio(struct fb_quantity *out, const struct fb_quantity *a,
                       const struct fb_quantity *b)
{
    if (lacks(out, a) || lacks(out, b))
        return;
    out->value = a->value / b->value;
    out->lower = a->lower / b->upper;
    out->upper = a->upper / b->lower;
    write_formula(out, "ratio(%s, %s)", a->formula, b->formula);
}

void fb_quantity_saving(struct fb_quantity *out, const struct fb_quantity *a,
                        const struct fb_quantity *b)
{
    if (lacks(out, a) || lacks(out, b))
        return;
    out->value = 1 - a->value / b->value;
    out->lower = 1 - a->upper / b->lower;
    out->upper = 1 - a->lower / b->upper;
    write_formula(out, "saving(%s, %s)", a->formula, b->formula);
}

void fb_quantity_slope(struct fb_quantity *out, const struct fb_quantity *a,
                       const struct fb_quantity *b, const struct fb_quantity *x,
                       const struct fb_quantity *y)
{
    if (lacks(out, a) || lacks(out, b) || lacks(out, x) || lacks(out, y))
        return;
    double run = y->value - x->value;
    if (!(run > 0)) {
        strcpy(out->missing, "needs two datasets of different size");
        return;
    }
    out->value = (b->value - a->value) / run;
    out->lower = (b->lower - a->upper) / run;
    out->upper = (b->upper - a->lower) / run;
    write_formula(out, "slope(%s, %s, %s, %s)", a->formula, b->formula, x->formula, y->formula);
}

void fb_quantity_largest(struct fb_quantity *out, const struct fb_quantity *items, size_t count)
{
    clear(out);
    for (size_t i = 0; i < count; i++)
        if (lacks(out, &items[i]))
            return;
    if (count == 0) {
        strcpy(out->missing, "nothing was measured");
        return;
    }
    *out = items[0];
    out->formula[0] = '\0';
    write_formula(out, "largest(");
    for (size_t i = 0; i < count; i++) {
        /* An end that is not known must not be lost in a comparison. */
        out->value = fmax(out->value, items[i].value);
        out->lower = isnan(items[i].lower) ? NAN : fmax(out->lower, items[i].lower);
        out->upper = isnan(items[i].upper) ? NAN : fmax(out->upper, items[i].upper);
        write_formula(out, "%s%s", i ? ", " : "", items[i].formula);
    }
    write_formula(out, ")");
}

/* --- series ----------------------------------------------------------------------------------- */

static double get_value(const struct fb_quantity *quantity)
{
    return quantity->value;
}

static double get_lower(const struct fb_quantity *quantity)
{
    return quantity->lower;
}

static double get_upper(const struct fb_quantity *quantity)
{
    return quantity->upper;
}

/* x where the least-squares line of get(a) over x is `target`; NAN for a line that does not rise.
 */
static double solve(double target, const struct fb_point *points, size_t count,
                    double (*get)(const struct fb_quantity *))
{
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        mean_x += points[i].x.value / (double)count;
        mean_y += get(&points[i].a) / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        double dx = points[i].x.value - mean_x;
        xx += dx * dx;
        xy += dx * (get(&points[i].a) - mean_y);
    }
    double rise = xy / xx;
    return rise > 0 ? mean_x + (target - mean_y) / rise : NAN;
}

static bool points_lack(struct fb_quantity *out, const struct fb_point *points, size_t count,
                        bool with_b)
{
    clear(out);
    for (size_t i = 0; i < count; i++)
        if (lacks(out, &points[i].x) || lacks(out, &points[i].a) ||
            (with_b && lacks(out, &points[i].b)))
            return true;
    return false;
}

void fb_quantity_reach(struct fb_quantity *out, double target, const struct fb_point *points,
                       size_t count)
{
    if (points_lack(out, points, count, false))
        return;
    double value = count < 2 ? NAN : solve(target, points, count, get_value);
    if (isnan(value)) {
        snprintf(out->missing, sizeof out->missing, "%s",
                 count < 2 ? "needs two datasets of different size"
                           : "the time does not grow with the dataset");
        return;
    }
    out->value = value;
    out->lower = solve(target, points, count, get_upper);
    out->upper = solve(target, points, count, get_lower);
    /* The lines through the ends may cross on the way. */
    if (out->lower > out->upper) {
        double swap = out->lower;
        out->lower = out->upper;
        out->upper = swap;
    }
    /* fmin and fmax would take a line that does not rise for one that agrees. */
    bool bounded = !isnan(out->lower) && !isnan(out->upper);
    out->lower = bounded ? fmin(out->lower, value) : NAN;
    out->upper = bounded ? fmax(out->upper, value) : NAN;
    write_formula(out, "reach(%.17g", target);
    for (size_t i = 0; i < count; i++)
        write_formula(out, ", %s, %s", points[i].x.formula, points[i].a.formula);
    write_formula(out, ")");
}

/* Straight in log x and log(a / b) between two points. */
static double cross_between(const struct fb_point *p, const struct fb_point *q)
{
    double at_p = log(p->a.value / p->b.value), at_q = log(q->a.value / q->b.value);
    double part = at_q == at_p ? 1 : -at_p / (at_q - at_p);
    return exp(log(p->x.value) + part * (log(q->x.value) - log(p->x.value)));
}

void fb_quantity_crossing(struct fb_quantity *out, const struct fb_point *points, size_t count)
{
    size_t above = count; /* from here on a's median is above b's */
    if (points_lack(out, points, count, true))
        return;
    if (count == 0) {
        strcpy(out->missing, "nothing was measured");
        return;
    }
    while (above > 0 && points[above - 1].a.value > points[above - 1].b.value)
        above--;
    if (above > 0 && above < count)
        out->value = cross_between(&points[above - 1], &points[above]);
    out->lower = 0;
    for (size_t i = 0; i < count; i++)
        if (points[i].a.upper < points[i].b.lower)
            out->lower = points[i].x.value;
    out->upper = INFINITY;
    for (size_t i = count; i > 0 && points[i - 1].a.lower > points[i - 1].b.upper; i--)
        out->upper = points[i - 1].x.value;
    write_formula(out, "crossing(");
    for (size_t i = 0; i < count; i++)
        write_formula(out, "%s%s, %s, %s", i ? ", " : "", points[i].x.formula, points[i].a.formula,
                      points[i].b.formula);
    write_formula(out, ")");
}

/* --- trade-offs ------------------------------------------------------------------------------- */

static bool surely_less(const struct fb_quantity *a, const struct fb_quantity *b)
{
    return a->upper < b->lower;
}

static bool may_dominate(const struct fb_tradeoff *other, const struct fb_tradeoff *item)
{
    return other->size.value <= item->size.value && !surely_less(&item->write, &other->write) &&
           !surely_less(&item->read, &other->read);
}

static bool gains(const struct fb_tradeoff *other, const struct fb_tradeoff *item)
{
    return surely_less(&other->write, &item->write) || surely_less(&other->read, &item->read);
}

void fb_quantity_dominators(struct fb_quantity *out, const struct fb_tradeoff *items, size_t count,
                            size_t which)
{
    double sure = 0, possible = 0;
    for (size_t i = 0; i < count; i++)
        if (lacks(out, &items[i].size) || lacks(out, &items[i].write) || lacks(out, &items[i].read))
            return;
    for (size_t i = 0; i < count; i++) {
        if (i == which || !may_dominate(&items[i], &items[which]))
            continue;
        possible++;
        sure += gains(&items[i], &items[which]);
    }
    clear(out);
    out->value = out->lower = sure;
    out->upper = possible;
    write_formula(out, "dominators(%zu", which);
    for (size_t i = 0; i < count; i++)
        write_formula(out, ", %s, %s, %s", items[i].size.formula, items[i].write.formula,
                      items[i].read.formula);
    write_formula(out, ")");
}

void fb_quantity_cheaper(struct fb_quantity *out, const struct fb_tradeoff *items, size_t which,
                         double factor)
{
    for (size_t i = 0; i <= which; i++)
        if (lacks(out, &items[i].size) || lacks(out, &items[i].write))
            return;
    clear(out);
    out->value = out->lower = out->upper = 1;
    for (size_t i = 0; i < which; i++) {
        double ratio = items[which].write.value / items[i].write.value;
        if (items[i].size.value > factor * items[which].size.value || ratio <= out->value)
            continue;
        out->value = ratio;
        out->lower = items[which].write.lower / items[i].write.upper;
        out->upper = items[which].write.upper / items[i].write.lower;
    }
    write_formula(out, "cheaper(%zu, %.17g", which, factor);
    for (size_t i = 0; i <= which; i++)
        write_formula(out, ", %s, %s", items[i].size.formula, items[i].write.formula);
    write_formula(out, ")");
}
