/* Trials against each other and the baseline, as measured and as the model has it. */
#include "bench/tune/contest.h"
#include "results/statistics.h"
#include "results/stopping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.95
#define CHAIN_LEAST 7 /* rounds that give an interval at (1 + LEVEL) / 2 */

/* --- ratios ----------------------------------------------------------------------------------- */

static double weight_of(const struct fb_contest *contest, size_t term)
{
    return fb_contest_term(contest, term) ? contest->search->access->terms[term].weight : 0;
}

/* Time over that of the baseline in one round, by the weights. */
static double read_ratio(const struct fb_contest *contest, const struct fb_trial *trial,
                         size_t round)
{
    const struct fb_trial *base = &contest->trials[contest->baseline];
    double sum = 0, weights = 0;
    for (size_t t = 0; t < contest->search->access->count; t++)
        if (fb_contest_term(contest, t)) {
            sum += weight_of(contest, t) * (double)trial->ns[t][round] / (double)base->ns[t][round];
            weights += weight_of(contest, t);
        }
    return sum / weights;
}

static size_t common_rounds(const struct fb_trial *a, const struct fb_trial *b)
{
    return a->rounds < b->rounds ? a->rounds : b->rounds;
}

static double base_median(const struct fb_contest *contest, size_t term)
{
    const struct fb_trial *base = &contest->trials[contest->baseline];
    uint64_t ns[FB_ROUNDS_MOST];
    memcpy(ns, base->ns[term], sizeof ns);
    return (double)fb_median_of(ns, base->rounds);
}

/* The readings of a over those of b, by round: their number. */
static size_t pair_rounds(const struct fb_contest *contest, const struct fb_trial *a,
                          const struct fb_trial *b, double *ratios)
{
    const size_t n = common_rounds(a, b);
    double of_a[FB_ROUNDS_MOST] = { 0 }, of_b[FB_ROUNDS_MOST] = { 0 };
    for (size_t t = 0; t < contest->search->access->count; t++) {
        double weight = weight_of(contest, t);
        if (weight > 0)
            weight /= base_median(contest, t);
        for (size_t r = 0; r < n && weight > 0; r++) {
            of_a[r] += weight * (double)a->ns[t][r];
            of_b[r] += weight * (double)b->ns[t][r];
        }
    }
    for (size_t r = 0; r < n; r++)
        ratios[r] = of_a[r] / of_b[r];
    return n;
}

/* Over the baseline, round by round. */
static double plain_ratio(const struct fb_contest *contest, const struct fb_trial *trial,
                          double level, double *lower, double *upper)
{
    double ratios[FB_ROUNDS_MOST];
    const size_t n = common_rounds(trial, &contest->trials[contest->baseline]);
    for (size_t r = 0; r < n; r++)
        ratios[r] = read_ratio(contest, trial, r);
    return fb_median_of_ratios(ratios, n, level, lower, upper);
}

double fb_trial_read_ratio(const struct fb_contest *contest, const struct fb_trial *trial,
                           double *lower, double *upper)
{
    const struct fb_trial *leader = contest->leader;
    double ratios[FB_ROUNDS_MOST], low, high;
    if (trial->read_ratio > 0) {
        *lower = *upper = NAN;
        return trial->read_ratio;
    }
    if (!leader || trial == leader || common_rounds(trial, leader) < CHAIN_LEAST ||
        common_rounds(leader, &contest->trials[contest->baseline]) < CHAIN_LEAST ||
        trial == &contest->trials[contest->baseline])
        return plain_ratio(contest, trial, LEVEL, lower, upper);
    /* Two intervals, each of which misses half as often, hold together. */
    const double half = 1 - (1 - LEVEL) / 2;
    double first = plain_ratio(contest, leader, half, lower, upper);
    double second =
        fb_median_of_ratios(ratios, pair_rounds(contest, trial, leader, ratios), half, &low, &high);
    *lower *= low;
    *upper *= high;
    return first * second;
}

/* Bytes that the present file spends on the tried part. */
static double present_bytes(const struct fb_contest *contest)
{
    const struct fb_trial *base = &contest->trials[contest->baseline];
    if (base->file_bytes != FB_NA)
        return (double)base->file_bytes;
    const struct fb_catalog *catalog = fb_source_catalog(contest->stand->source);
    const struct fb_present *present = &contest->search->present;
    return (double)fb_catalog_bytes(catalog) * present->stored +
           (double)catalog->array_count * present->beside;
}

static double power(double base, double exponent)
{
    return exponent == 0 ? 1 : pow(base, exponent);
}

double fb_tune_cost(const struct fb_tune_config *config, double size, double read, double write)
{
    return power(size, config->size_weight) * power(read, config->read_weight) *
           power(write, config->write_weight);
}

double fb_trial_size_ratio(const struct fb_contest *contest, const struct fb_trial *trial)
{
    return trial->file_bytes == FB_NA ? 1 : (double)trial->file_bytes / present_bytes(contest);
}

/* What writing is compared with: the baseline, or, where that is the file in place, what h5py would
 * have written. */
static uint64_t base_write_ns(const struct fb_contest *contest)
{
    uint64_t ns = contest->trials[contest->baseline].write_ns;
    for (size_t i = 0; ns == FB_NA && i < contest->count; i++) {
        size_t candidate = contest->trials[i].candidate;
        if (candidate != SIZE_MAX &&
            (contest->space->items[candidate].names & (1u << FB_PROPOSER_H5PY)))
            ns = contest->trials[i].write_ns;
    }
    return ns;
}

double fb_trial_write_ratio(const struct fb_contest *contest, const struct fb_trial *trial)
{
    uint64_t base = base_write_ns(contest);
    return trial == &contest->trials[contest->baseline] ? 1
           : trial->write_ns == FB_NA || base == FB_NA  ? NAN
                                                        : (double)trial->write_ns / (double)base;
}

double fb_trial_cost(const struct fb_contest *contest, const struct fb_trial *trial)
{
    double lower, upper, read = fb_trial_read_ratio(contest, trial, &lower, &upper);
    return trial->failed
               ? INFINITY
               : fb_tune_cost(contest->search->config, fb_trial_size_ratio(contest, trial), read,
                              fb_trial_write_ratio(contest, trial));
}

/* Cost of a over that of b, where a reads in so many times the time of b. */
static double cost_between(const struct fb_contest *contest, const struct fb_trial *a,
                           const struct fb_trial *b, double read)
{
    return fb_tune_cost(contest->search->config,
                        fb_trial_size_ratio(contest, a) / fb_trial_size_ratio(contest, b), read,
                        fb_trial_write_ratio(contest, a) / fb_trial_write_ratio(contest, b));
}

double fb_trial_paired_cost(const struct fb_contest *contest, const struct fb_trial *a,
                            const struct fb_trial *b, double *lower, double *upper)
{
    double ratios[FB_ROUNDS_MOST];
    double median =
        fb_median_of_ratios(ratios, pair_rounds(contest, a, b, ratios), LEVEL, lower, upper);
    *lower = cost_between(contest, a, b, *lower);
    *upper = cost_between(contest, a, b, *upper);
    return cost_between(contest, a, b, median);
}

double fb_trial_least_cost(const struct fb_contest *contest, const struct fb_trial *a,
                           const struct fb_trial *b)
{
    double ratios[FB_ROUNDS_MOST], least = INFINITY;
    const size_t n = pair_rounds(contest, a, b, ratios);
    for (size_t r = 0; r < n; r++)
        least = ratios[r] < least ? ratios[r] : least;
    return n ? cost_between(contest, a, b, least) : NAN;
}

bool fb_trial_admissible(const struct fb_contest *contest, const struct fb_trial *trial)
{
    const struct fb_tune_config *config = contest->search->config;
    double lower, upper;
    return !trial->failed && fb_trial_size_ratio(contest, trial) <= config->max_size &&
           fb_trial_read_ratio(contest, trial, &lower, &upper) <= config->max_read;
}

/* --- what the model says ---------------------------------------------------------------------- */

/* The baseline's own forecast, or, where it has none (it lies as no setting does, or has too many
 * chunks to count), its measured times. */
static double base_ns(const struct fb_contest *contest, size_t term)
{
    const struct fb_trial *base = &contest->trials[contest->baseline];
    if (base->candidate != SIZE_MAX && isfinite(contest->forecasts[base->candidate].read_ns[term]))
        return contest->forecasts[base->candidate].read_ns[term];
    return base_median(contest, term);
}

void fb_forecast_ratios(const struct fb_contest *contest, size_t candidate, double *size,
                        double *read)
{
    const struct fb_search *search = contest->search;
    const struct fb_forecast *forecast = &contest->forecasts[candidate];
    double sum = 0, weights = 0;
    for (size_t t = 0; t < search->access->count; t++)
        if (fb_contest_term(contest, t)) {
            sum += search->access->terms[t].weight * forecast->read_ns[t] / base_ns(contest, t);
            weights += search->access->terms[t].weight;
        }
    *read = sum / weights;
    *size = forecast->file_bytes / present_bytes(contest);
}

double fb_forecast_cost(const struct fb_contest *contest, size_t candidate)
{
    uint64_t base = base_write_ns(contest);
    double size, read;
    fb_forecast_ratios(contest, candidate, &size, &read);
    if (!isfinite(read) || !isfinite(size))
        return NAN;
    double write = base == FB_NA ? 1 : contest->forecasts[candidate].write_ns / (double)base;
    return fb_tune_cost(contest->search->config, size, read, write);
}
