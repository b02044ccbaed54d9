#include "base/clock.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "bench/tune/recommend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A setting that is so much dearer than the best one is not read any more: what it costs is known
 * well enough, and each of its blocks would take longer than all others. */
#define HOPELESS 3
#define HOPELESS_AT_ONCE 10 /* by a single round, which may have been disturbed */
/* Nor is it tried at all where the model, which is not exact, has it so much dearer. */
#define OUT_OF_REACH 30
#define WRITES 3

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
    for (size_t i = 0; i < contest->count; i++) {
        struct fb_trial *trial = &contest->trials[i];
        double lower, upper;
        /* The rounds that it was read in are gone with those of the baseline. */
        if (trial->dropped && trial->rounds > 0)
            trial->read_ratio = fb_trial_read_ratio(contest, trial, &lower, &upper);
    }
    for (size_t i = 0; i < contest->count; i++)
        contest->trials[i].rounds *= contest->trials[i].dropped;
}

/* Where the time of writing counts, the fastest of a few. */
static int write_trial(const struct fb_contest *contest, struct fb_trial *trial,
                       struct fb_error *err)
{
    const struct fb_setting *setting = &contest->space->items[trial->candidate].setting;
    const int writes = contest->search->config->write_weight > 0 ? WRITES : 1;
    int rc = 0;
    for (int i = 0; rc == 0 && i < writes; i++) {
        uint64_t ns;
        rc = fb_stand_write(contest->stand, setting, trial->path, &trial->file_bytes, &ns, err);
        if (rc == 0 && (i == 0 || ns < trial->write_ns))
            trial->write_ns = ns;
    }
    return rc;
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
    int rc = write_trial(contest, trial, &why);
    if (rc == FB_EUNSUPPORTED || rc == FB_EUSAGE) {
        trial->failed = true;
        /* Whoever named it wants to know. */
        if (contest->search->config->candidate_count)
            contest->search->config->say(contest->search->config->listener, why.message);
        return 0;
    }
    if (rc)
        *err = why;
    return rc;
}

/* --- rounds ------------------------------------------------------------------------------------
 */

static int read_trial(struct fb_contest *contest, struct fb_trial *trial, struct fb_error *err)
{
    const struct fb_reading how = { FB_TUNE_READER, "", contest->stand->ground->handle, false };
    int rc = 0;
    for (size_t t = 0; rc == 0 && t < contest->search->access->count; t++) {
        bool proven = true;
        if (fb_contest_term(contest, t))
            rc = fb_stand_read(contest->stand, trial->path, t, &how, &trial->ns[t][trial->rounds],
                               &proven, err);
        trial->unproven |= !proven;
    }
    trial->rounds += rc == 0;
    return rc;
}

static bool may_lead(const struct fb_contest *contest, const struct fb_trial *trial)
{
    return fb_trial_admissible(contest, trial) &&
           (trial->candidate == SIZE_MAX ||
            fb_may_recommend(contest->search, &contest->space->items[trial->candidate].setting));
}

/* In every round: a single disturbed one would lose a good setting. What may not be recommended
 * sets no measure for the others. */
static void drop_hopeless(struct fb_contest *contest)
{
    const struct fb_trial *best = NULL;
    for (size_t i = 0; i < contest->count; i++) {
        const struct fb_trial *trial = &contest->trials[i];
        if (!trial->dropped && may_lead(contest, trial) &&
            (!best || fb_trial_cost(contest, trial) < fb_trial_cost(contest, best)))
            best = trial;
    }
    const double limit = best && best->rounds > 1 ? HOPELESS : HOPELESS_AT_ONCE;
    for (size_t i = 0; best && i < contest->count; i++)
        if (i != contest->baseline && !contest->trials[i].dropped &&
            fb_trial_least_cost(contest, &contest->trials[i], best) > limit)
            contest->trials[i].hopeless = contest->trials[i].dropped = true;
}

void fb_contest_keep(struct fb_contest *contest, size_t most)
{
    for (size_t i = 0; i < contest->count; i++) {
        struct fb_trial *trial = &contest->trials[i];
        const double cost = fb_trial_cost(contest, trial);
        size_t better = 0;
        for (size_t k = 0; k < contest->count; k++)
            better += k != contest->baseline && !contest->trials[k].dropped &&
                      may_lead(contest, &contest->trials[k]) &&
                      fb_trial_cost(contest, &contest->trials[k]) < cost;
        trial->dropped |= i != contest->baseline && trial != contest->leader && better >= most;
    }
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
        if (rc == 0 && round + 1 <= how->patience)
            drop_hopeless(contest);
    }
    return rc;
}

/* --- whom to let in --------------------------------------------------------------------------- */

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
            return tried->trials[i].hopeless;
    return true;
}

int fb_contest_add_named(struct fb_contest *contest, const struct fb_contest *tried,
                         struct fb_error *err)
{
    const double most = OUT_OF_REACH * best_forecast(contest);
    int rc = 0;
    /* Variants of what was tried are not among those that it knew. */
    const size_t known = tried ? tried->known : contest->known;
    for (size_t i = 0; rc == 0 && i < known; i++) {
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
