#include "bench/tune/contest.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "results/statistics.h"
#include "results/stopping.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a round takes long, there are no more than an interval needs, unless they were asked for.
 */
#define TRIAL_NS UINT64_C(2000000000)
/* A setting that is so much dearer than the best one is not read any more: what it costs is known
 * well enough, and each of its blocks would take longer than all others. */
#define HOPELESS 3
/* Nor is it tried at all where the model, which is not exact, has it so much dearer. */
#define OUT_OF_REACH 30

/* --- a trial ---------------------------------------------------------------------------------- */

bool fb_contest_term(const struct fb_contest *contest, size_t term)
{
    return !*contest->stand->terms[term].reason;
}

static void trial_remove(struct fb_trial *trial)
{
    if (trial->path)
        unlink(trial->path);
    free(trial->path);
    trial->path = NULL;
}

void fb_contest_clear(struct fb_contest *contest)
{
    for (size_t i = 0; i < contest->count; i++)
        trial_remove(&contest->trials[i]);
}

void fb_contest_free(struct fb_contest *contest)
{
    fb_contest_clear(contest);
    free(contest->forecasts);
    *contest = (struct fb_contest){ 0 };
}

void fb_contest_restart(struct fb_contest *contest)
{
    for (size_t i = 0; i < contest->count; i++)
        if (!contest->trials[i].dropped)
            contest->trials[i].rounds = 0;
}

int fb_contest_add(struct fb_contest *contest, size_t candidate, struct fb_error *err)
{
    const struct fb_ground *ground = contest->stand->ground;
    struct fb_trial *trial = &contest->trials[contest->count];
    struct fb_error why;
    if (fb_contest_has(contest, candidate) || contest->count == FB_TRIALS_MOST)
        return 0;
    *trial = (struct fb_trial){ .candidate = candidate, .file_bytes = FB_NA, .write_ns = FB_NA };
    contest->count++;
    if (candidate == SIZE_MAX)
        return 0;
    if (asprintf(&trial->path, "%s/trial-%zu.h5", ground->folder, contest->count) < 0) {
        trial->path = NULL;
        return fb_fail_memory(err, "a file name");
    }
    int rc = fb_stand_write(contest->stand, &contest->space->items[candidate].setting, trial->path,
                            &trial->file_bytes, &trial->write_ns, &why);
    if (rc == FB_EUNSUPPORTED || rc == FB_EUSAGE) {
        trial->failed = true;
        return 0;
    }
    if (rc)
        *err = why;
    return rc;
}

/* --- ratios ----------------------------------------------------------------------------------- */

/* Time over that of the baseline in one round, by the weights. */
static double read_ratio(const struct fb_contest *contest, const struct fb_trial *trial,
                         size_t round)
{
    const struct fb_trial *base = &contest->trials[contest->baseline];
    double sum = 0, weights = 0;
    for (size_t t = 0; t < contest->search->access->count; t++)
        if (fb_contest_term(contest, t)) {
            double weight = contest->search->access->terms[t].weight;
            sum += weight * (double)trial->ns[t][round] / (double)base->ns[t][round];
            weights += weight;
        }
    return sum / weights;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts them; NAN where there are none. */
static double median_of(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return n == 0 ? NAN : n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double fb_trial_read_ratio(const struct fb_contest *contest, const struct fb_trial *trial,
                           double *lower, double *upper)
{
    double ratios[FB_ROUNDS_MOST];
    uint64_t millionths[FB_ROUNDS_MOST], low, high;
    double coverage;
    const size_t n = trial->rounds;
    *lower = *upper = NAN;
    for (size_t r = 0; r < n; r++)
        ratios[r] = read_ratio(contest, trial, r);
    const double median = median_of(ratios, n);
    for (size_t r = 0; r < n; r++)
        millionths[r] = (uint64_t)(ratios[r] * 1e6);
    if (fb_median_interval(millionths, n, 0.95, &low, &high, &coverage)) {
        *lower = (double)low / 1e6;
        *upper = (double)high / 1e6;
    }
    return median;
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
                            const struct fb_trial *b)
{
    double ratios[FB_ROUNDS_MOST];
    const size_t n = a->rounds < b->rounds ? a->rounds : b->rounds;
    for (size_t r = 0; r < n; r++)
        ratios[r] = read_ratio(contest, a, r) / read_ratio(contest, b, r);
    return cost_between(contest, a, b, median_of(ratios, n));
}

bool fb_trial_admissible(const struct fb_contest *contest, const struct fb_trial *trial)
{
    const struct fb_tune_config *config = contest->search->config;
    double lower, upper;
    return !trial->failed && fb_trial_size_ratio(contest, trial) <= config->max_size &&
           fb_trial_read_ratio(contest, trial, &lower, &upper) <= config->max_read;
}

/* --- rounds ------------------------------------------------------------------------------------
 */

static int read_trial(struct fb_contest *contest, struct fb_trial *trial, struct fb_error *err)
{
    int rc = 0;
    for (size_t t = 0; rc == 0 && t < contest->search->access->count; t++) {
        bool proven = true;
        if (fb_contest_term(contest, t))
            rc = fb_stand_read(contest->stand, trial->path, t, "", contest->stand->ground->handle,
                               &trial->ns[t][trial->rounds], &proven, err);
        trial->unproven |= !proven;
    }
    trial->rounds += rc == 0;
    return rc;
}

/* In every round: a single disturbed one would have lost a good setting. */
static bool is_hopeless(const struct fb_contest *contest, const struct fb_trial *trial,
                        const struct fb_trial *best)
{
    const size_t n = trial->rounds < best->rounds ? trial->rounds : best->rounds;
    for (size_t r = 0; r < n; r++)
        if (!(cost_between(contest, trial, best,
                           read_ratio(contest, trial, r) / read_ratio(contest, best, r)) >
              HOPELESS))
            return false;
    return n > 0;
}

/* What may not be recommended sets no measure for the others. */
static void drop_hopeless(struct fb_contest *contest)
{
    const struct fb_trial *best = NULL;
    for (size_t i = 0; i < contest->count; i++) {
        const struct fb_trial *trial = &contest->trials[i];
        if (fb_trial_admissible(contest, trial) &&
            (!best || fb_trial_cost(contest, trial) < fb_trial_cost(contest, best)))
            best = trial;
    }
    for (size_t i = 0; best && i < contest->count; i++)
        if (i != contest->baseline && is_hopeless(contest, &contest->trials[i], best))
            contest->trials[i].dropped = true;
}

static bool is_read(const struct fb_trial *trial)
{
    return !trial->failed && !trial->dropped && trial->rounds < (trial->brief ? 1 : FB_ROUNDS_MOST);
}

int fb_contest_rounds(struct fb_contest *contest, const struct fb_rounds *how, struct fb_error *err)
{
    const uint64_t started = fb_clock_ns();
    struct fb_random random;
    int rc = 0;
    fb_random_seed(&random, how->seed);
    for (size_t round = 0; rc == 0 && round < how->most; round++) {
        size_t order[FB_TRIALS_MOST];
        if (round >= how->least && fb_clock_ns() - started > how->trial_ns * contest->count)
            return 0;
        for (size_t i = 0; i < contest->count; i++)
            order[i] = i;
        fb_random_shuffle(&random, order, contest->count);
        fb_search_progress(contest->search,
                           how->from + (how->to - how->from) * (double)round / (double)how->most,
                           how->what);
        for (size_t i = 0; rc == 0 && i < contest->count; i++) {
            if (fb_interrupted())
                return fb_fail(err, FB_EINTERRUPTED, "interrupted");
            if (is_read(&contest->trials[order[i]]))
                rc = read_trial(contest, &contest->trials[order[i]], err);
        }
        if (rc == 0 && round + 1 == how->patience)
            drop_hopeless(contest);
    }
    return rc;
}

/* --- what the model says ---------------------------------------------------------------------- */

/* The baseline's own forecast, or, where it has none (it lies as no setting does, or has too many
 * chunks to count), its measured times. */
static double base_ns(const struct fb_contest *contest, size_t term)
{
    const struct fb_trial *base = &contest->trials[contest->baseline];
    uint64_t ns[FB_ROUNDS_MOST];
    if (base->candidate != SIZE_MAX && isfinite(contest->forecasts[base->candidate].read_ns[term]))
        return contest->forecasts[base->candidate].read_ns[term];
    memcpy(ns, base->ns[term], sizeof ns);
    return (double)fb_median_of(ns, base->rounds);
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
    double write = base == FB_NA ? 1 : contest->forecasts[candidate].write_ns / (double)base;
    return fb_tune_cost(contest->search->config, size, read, write);
}

int fb_contest_add_baseline(struct fb_contest *contest, struct fb_error *err)
{
    size_t candidate = SIZE_MAX;
    for (size_t i = 0; i < contest->known; i++)
        if (contest->space->items[i].names & (1u << FB_PROPOSER_PRESENT))
            candidate = i;
    int rc = fb_contest_add(contest, candidate, err);
    contest->baseline = 0;
    if (rc == 0 && contest->trials[0].failed) {
        fb_contest_clear(contest);
        contest->count = 0;
        rc = fb_contest_add(contest, SIZE_MAX, err);
    }
    return rc;
}

/* The least cost that the model says. */
static double best_forecast(const struct fb_contest *contest)
{
    double best = INFINITY;
    for (size_t i = 0; i < contest->known; i++) {
        double cost = fb_forecast_cost(contest, i);
        best = cost < best ? cost : best;
    }
    return best;
}

static bool was_hopeless(const struct fb_contest *tried, size_t candidate)
{
    for (size_t i = 0; i < tried->count; i++)
        if (tried->trials[i].candidate == candidate)
            return tried->trials[i].dropped;
    return true;
}

int fb_contest_add_named(struct fb_contest *contest, const struct fb_contest *tried,
                         struct fb_error *err)
{
    const double most = OUT_OF_REACH * best_forecast(contest);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < contest->known; i++) {
        const struct fb_candidate *candidate = &contest->space->items[i];
        bool named = candidate->names || candidate->setting.rank == 0;
        if (!named || fb_contest_has(contest, i) || (!tried && fb_forecast_cost(contest, i) > most))
            continue;
        rc = fb_contest_add(contest, i, err);
        if (rc == 0 && tried && !contest->search->config->rounds && was_hopeless(tried, i))
            contest->trials[contest->count - 1].brief = true;
    }
    return rc;
}

bool fb_contest_has(const struct fb_contest *contest, size_t candidate)
{
    for (size_t i = 0; i < contest->count; i++)
        if (contest->trials[i].candidate == candidate)
            return true;
    return false;
}

int fb_contest_open(struct fb_contest *contest, const struct fb_search *search,
                    const struct fb_stand *stand, struct fb_space *space, struct fb_error *err)
{
    contest->search = search;
    contest->stand = stand;
    contest->space = space;
    contest->known = space->count;
    contest->forecasts = calloc(space->count + 1, sizeof *contest->forecasts);
    if (!contest->forecasts)
        return fb_fail_memory(err, "the forecasts");
    return fb_model_forecast(search->model, stand, space, contest->forecasts, err);
}
