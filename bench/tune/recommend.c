#include "bench/tune/recommend.h"
#include "bench/tune/reader.h"
#include "formats/hdf5/options.h"
#include "results/stopping.h"

#include <stdlib.h>
#include <string.h>

/* Rounds that tell settings apart which differ by a few percent. */
#define ROUNDS 15
/* Where a round takes long, there are no more than an interval needs. */
#define TRIAL_NS UINT64_C(1000000000)
/* Rounds behind which a hopeless setting is not read any more. */
#define PATIENCE 2
/* Uncompressed chunks that cannot be told from arrays in one piece are not worth having. */
#define ALIKE 1.05

int fb_final_rounds(struct fb_contest *final, uint64_t seed, double from, double to,
                    struct fb_error *err)
{
    const struct fb_tune_config *config = final->search->config;
    const size_t asked = config->rounds;
    /* Who asks for so many blocks means all of them, of all settings. */
    const struct fb_rounds how = {
        .least = asked ? asked : FB_BLOCKS_LEAST,
        .most = asked           ? asked
                : config->quick ? FB_BLOCKS_LEAST
                                : ROUNDS,
        .trial_ns = TRIAL_NS,
        .patience = asked ? SIZE_MAX : PATIENCE,
        .seed = seed,
        .what = "measuring",
        .from = from,
        .to = to,
    };
    return fb_contest_rounds(final, &how, err);
}

bool fb_may_recommend(const struct fb_search *search, const struct fb_setting *setting)
{
    return search->config->plugins || !*fb_hdf5_filter_plugin(setting->filter);
}

static void prefer_one_piece(const struct fb_contest *final, const struct fb_tune_records *records,
                             size_t first, struct fb_setting *setting, size_t *best)
{
    const struct fb_setting piece = { .filter = "none" };
    if (*best == SIZE_MAX || setting->rank == 0 || strcmp(setting->filter, "none") != 0)
        return;
    const struct fb_tune_record *than = &records->items[*best];
    for (size_t i = first; i < records->count; i++) {
        const struct fb_tune_record *row = &records->items[i];
        if (strcmp(row->stage, "final") == 0 && !*row->chunk && row->cost_upper < 1 &&
            row->cost <= ALIKE * than->cost && row->cost_lower <= than->cost_upper &&
            row->size_ratio <= final->search->config->max_size &&
            row->read_ratio <= final->search->config->max_read) {
            *best = i;
            *setting = piece;
        }
    }
}

/* Whether the trial may be recommended, by its row. */
static bool is_choice(const struct fb_contest *final, const struct fb_trial *trial,
                      const struct fb_tune_record *row)
{
    return trial->candidate != SIZE_MAX &&
           fb_may_recommend(final->search, &final->space->items[trial->candidate].setting) &&
           fb_trial_admissible(final, trial) && row->cost_upper < 1;
}

void fb_recommend(const struct fb_contest *final, const struct fb_tune_records *records,
                  size_t first, struct fb_setting *setting, size_t *best)
{
    const struct fb_trial *leader = NULL;
    size_t record = first, leading = SIZE_MAX;
    for (size_t i = 0; i < final->count; i++) {
        const struct fb_trial *trial = &final->trials[i];
        /* Failed trials have no rows, and the baseline has one in the first batch only. */
        if (trial->failed)
            continue;
        if (i == final->baseline) {
            record += strcmp(records->items[record].stage, "present") == 0;
            continue;
        }
        /* What both have in common in a round, its disturbances, is no difference between them. */
        if (is_choice(final, trial, &records->items[record]) &&
            (!leader || fb_trial_paired_cost(final, trial, leader) < 1)) {
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
    prefer_one_piece(final, records, first, setting, best);
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
        const struct fb_setting *setting = &config->candidates[i];
        if (setting->rank == 0 || setting->rank == search->array->rank)
            rc = fb_space_add(space, setting, 0, &at, err);
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
    return rc ? rc : fb_final_rounds(contest, seed, from, (double)*next / all, err);
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
    if (rc == 0)
        rc = fb_contest_records(contest, "final", start, records, err);
    if (rc == 0)
        fb_recommend(contest, records, first, setting, best);
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
