#include "bench/tune/recommend.h"
#include "base/clock.h"
#include "bench/tune/reader.h"
#include "formats/hdf5/options.h"
#include "results/stopping.h"

#include <stdlib.h>
#include <string.h>

/* Of a list: rounds that tell settings apart which differ by a few percent. */
#define ROUNDS 15
/* Where a round takes long, there are no more than an interval needs. */
#define TRIAL_NS UINT64_C(1000000000)
/* Rounds behind which a hopeless setting is not read any more. */
#define PATIENCE 2
/* To tell the best apart: rounds between looks, looks, the time for it, and how many are read at
 * first, one less after each look down to two. What costs more than so much of the leader's cost is
 * not worth looking for. */
#define STEP 5
#define STEPS_MOST 10
#define SETTLE_NS UINT64_C(1500000000)
#define ABREAST 4
#define ALIKE 0.97

int fb_final_rounds(struct fb_contest *final, size_t rounds, uint64_t seed, double from, double to,
                    struct fb_error *err)
{
    const struct fb_tune_config *config = final->search->config;
    const size_t asked = config->rounds;
    /* Who asks for so many blocks means all of them, of all settings. */
    const struct fb_rounds how = {
        .least = asked ? asked : FB_BLOCKS_LEAST,
        .most = asked           ? asked
                : config->quick ? FB_BLOCKS_LEAST
                                : rounds,
        .trial_ns = TRIAL_NS,
        .patience = asked ? 0 : PATIENCE,
        .seed = seed,
        .what = "measuring",
        .from = from,
        .to = to,
    };
    return fb_contest_rounds(final, &how, err);
}

bool fb_may_recommend(const struct fb_search *search, const struct fb_setting *setting)
{
    return (search->config->plugins || !*fb_hdf5_filter_plugin(setting->filter)) &&
           !(search->grows && setting->rank == 0);
}

/* What is simpler is taken, unless the cost of the other is less than so much of its cost: a file
 * that older libraries can read, and arrays in one piece before uncompressed chunks. */
#define LATEST_WORTH 0.97
#define CHUNKS_WORTH 0.98

static double handicap(const struct fb_contest *final, const struct fb_setting *setting,
                       const struct fb_setting *other)
{
    bool plain = setting->rank > 0 && strcmp(setting->filter, "none") == 0;
    return (plain && other->rank == 0 ? 1 / CHUNKS_WORTH : 1) *
           (setting->latest && !final->search->latest ? 1 / LATEST_WORTH : 1);
}

/* Whether a is to be taken and not b. What both have in common in a round, its disturbances, is no
 * difference between them. */
static bool is_better(const struct fb_contest *final, const struct fb_trial *a,
                      const struct fb_trial *b)
{
    const struct fb_setting *x = &final->space->items[a->candidate].setting;
    const struct fb_setting *y = &final->space->items[b->candidate].setting;
    double lower, upper;
    return fb_trial_paired_cost(final, a, b, &lower, &upper) * handicap(final, x, y) <
           handicap(final, y, x);
}

/* Whether the trial may be recommended, as far as is known before there are rows. */
static bool is_contender(const struct fb_contest *final, const struct fb_trial *trial)
{
    return trial->candidate != SIZE_MAX && !trial->dropped && !trial->brief &&
           fb_may_recommend(final->search, &final->space->items[trial->candidate].setting) &&
           fb_trial_admissible(final, trial);
}

/* Whether it may be cheaper than the present setting by as much as would matter, but may not be
 * cheaper at all. */
static bool is_doubtful(const struct fb_contest *final, const struct fb_trial *trial)
{
    const struct fb_tune_config *config = final->search->config;
    const double size = fb_trial_size_ratio(final, trial);
    const double write = fb_trial_write_ratio(final, trial);
    double lower, upper;
    fb_trial_read_ratio(final, trial, &lower, &upper);
    return !(fb_tune_cost(config, size, lower, write) >= ALIKE) &&
           !(fb_tune_cost(config, size, upper, write) < 1);
}

static struct fb_trial *find_leader(struct fb_contest *final)
{
    struct fb_trial *leader = NULL;
    for (size_t i = 0; i < final->count; i++) {
        struct fb_trial *trial = &final->trials[i];
        if (is_contender(final, trial) && (!leader || is_better(final, trial, leader)))
            leader = trial;
    }
    return leader;
}

/* Drops all that cannot be better than the leader by as much as would matter. The baseline goes too
 * where all that are left are better than that: what it takes is known. True while something is to
 * be told. */
static bool is_open(struct fb_contest *final)
{
    struct fb_trial *const leader = find_leader(final);
    struct fb_trial *const baseline = &final->trials[final->baseline];
    final->leader = leader;
    bool others = false, doubtful = leader && is_doubtful(final, leader), any = doubtful;
    for (size_t i = 0; i < final->count; i++) {
        struct fb_trial *trial = &final->trials[i];
        double lower, upper;
        if (trial == leader || trial == baseline)
            continue;
        trial->dropped |= !leader || !is_contender(final, trial);
        if (trial->dropped)
            continue;
        fb_trial_paired_cost(final, trial, leader, &lower, &upper);
        trial->dropped = lower >= ALIKE;
        others |= !trial->dropped;
        any |= !trial->dropped && is_doubtful(final, trial);
    }
    if (baseline != leader)
        baseline->dropped |= !any;
    return others || (doubtful && !baseline->dropped);
}

int fb_settle(struct fb_contest *final, uint64_t seed, double from, double to, struct fb_error *err)
{
    const struct fb_tune_config *config = final->search->config;
    const uint64_t started = fb_clock_ns();
    uint64_t spent = 0, last = 0;
    struct fb_rounds how = { .least = STEP,
                             .most = STEP,
                             .seed = seed,
                             .what = "telling the best apart",
                             .from = from,
                             .to = to };
    int rc = 0;
    if (config->rounds || config->quick)
        return 0;
    for (size_t step = 0; rc == 0 && step < STEPS_MOST && is_open(final); step++) {
        if (spent + last > SETTLE_NS)
            return 0;
        fb_contest_keep(final, step + 2 < ABREAST ? ABREAST - step : 2);
        how.seed++;
        rc = fb_contest_rounds(final, &how, err);
        last = fb_clock_ns() - started - spent;
        spent += last;
    }
    return rc;
}

/* Whether the trial may be recommended, by its row. */
static bool is_choice(const struct fb_contest *final, const struct fb_trial *trial,
                      const struct fb_tune_record *row)
{
    return trial->candidate != SIZE_MAX &&
           fb_may_recommend(final->search, &final->space->items[trial->candidate].setting) &&
           fb_trial_admissible(final, trial) && row->cost_upper < 1;
}

void fb_recommend(const struct fb_contest *final, bool with_baseline,
                  const struct fb_tune_records *records, size_t first, struct fb_setting *setting,
                  size_t *best)
{
    const struct fb_trial *leader = NULL;
    size_t record = first, leading = SIZE_MAX;
    for (size_t i = 0; i < final->count; i++) {
        const struct fb_trial *trial = &final->trials[i];
        /* Failed trials have no rows. */
        if (trial->failed)
            continue;
        if (i == final->baseline) {
            record += with_baseline;
            continue;
        }
        if (is_choice(final, trial, &records->items[record]) &&
            (!leader || is_better(final, trial, leader))) {
            leader = trial;
            leading = record;
        }
        record++;
    }
    if (leader &&
        (*best == SIZE_MAX || records->items[leading].cost < records->items[*best].cost)) {
        *best = leading;
        *setting = final->space->items[leader->candidate].setting;
    }
}

/* --- a list of candidates --------------------------------------------------------------------- */

static int make_space(const struct fb_search *search, struct fb_space *space, struct fb_error *err)
{
    const struct fb_tune_config *config = search->config;
    size_t at;
    int rc = 0;
    if (search->present.known)
        rc = fb_space_add(space, &search->present.setting, 1u << FB_PROPOSER_PRESENT, &at, err);
    for (size_t i = 0; rc == 0 && i < config->candidate_count; i++) {
        struct fb_setting setting = config->candidates[i];
        /* A file has one version. */
        setting.latest = search->latest_fixed ? search->latest : setting.latest;
        if (setting.rank == 0 || setting.rank == search->array->rank)
            rc = fb_space_add(space, &setting, 0, &at, err);
    }
    if (rc == 0 && space->count == search->present.known)
        rc = fb_fail(err, FB_ENOTHING,
                     "no candidate fits the %u axes of %s, or all are the present setting",
                     search->array->rank, search->arrays);
    return rc;
}

/* As many as there is room for, from *next on, beside the present setting. */
static int measure_some(struct fb_contest *contest, size_t *next, struct fb_error *err)
{
    const struct fb_space *space = contest->space;
    const double all = (double)space->count, from = (double)*next / all;
    const uint64_t seed = contest->search->config->seed + 3 + *next;
    int rc = fb_contest_add_baseline(contest, err);
    for (; rc == 0 && *next < space->count && contest->count < FB_TRIALS_MOST; ++*next) {
        fb_search_progress(contest->search, from, "writing");
        rc = fb_contest_add(contest, *next, err);
    }
    return rc ? rc : fb_final_rounds(contest, ROUNDS, seed, from, (double)*next / all, err);
}

static int measure_batch(const struct fb_search *search, struct fb_space *space, size_t *next,
                         struct fb_tune_records *records, struct fb_setting *setting, size_t *best,
                         struct fb_error *err)
{
    const bool start = *next == 0;
    const size_t first = records->count;
    struct fb_contest *contest = calloc(1, sizeof *contest);
    if (!contest)
        return fb_fail_memory(err, "the trials");
    int rc = fb_contest_open(contest, search, search->measured, space, err);
    if (rc == 0)
        rc = measure_some(contest, next, err);
    if (rc == 0 && search->config->write_weight > 0 &&
        contest->trials[contest->baseline].write_ns == FB_NA)
        rc = fb_fail(err, FB_EUNSUPPORTED,
                     "the time of writing cannot be weighed: how %s lies now cannot be written "
                     "here; give --weights whose third number is 0",
                     search->arrays);
    if (rc == 0)
        rc = fb_contest_records(contest, "final", start, records, err);
    if (rc == 0)
        fb_recommend(contest, start, records, first, setting, best);
    if (rc == 0 && start)
        rc = fb_reader_advice(contest, records, err);
    fb_contest_free(contest);
    free(contest);
    return rc;
}

int fb_measure_candidates(const struct fb_search *search, struct fb_tune_records *records,
                          struct fb_setting *setting, size_t *best, struct fb_error *err)
{
    struct fb_space space = { 0 };
    int rc = make_space(search, &space, err);
    *best = SIZE_MAX;
    for (size_t next = 0; rc == 0 && next < space.count;)
        rc = measure_batch(search, &space, &next, records, setting, best, err);
    if (rc == 0 && *best != SIZE_MAX)
        records->items[*best].recommended = 1;
    free(space.items);
    return rc;
}
