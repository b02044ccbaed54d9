#include "bench/tune/search.h"
#include "bench/tune/contest.h"
#include "bench/tune/reader.h"
#include "bench/tune/recommend.h"
#include "results/stopping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Settings that are tried because the model says so, and in a second wave because of what the
 * first one showed: how many, and of one shape, both waves together; fewer when writing them has
 * taken longer. */
struct wave {
    size_t most, least, of_one_shape;
    uint64_t write_ns;
};
static const struct wave first_wave = { 8, 4, 2, UINT64_C(4000000000) };
static const struct wave second_wave = { 5, 2, 5, UINT64_C(2000000000) };
#define WAVES_MOST 13
#define FINALISTS 4
#define FINAL_BLOCKS 8
#define VARIANTS 1
#define QUICK_PART 3 /* of these, where it is to be quick */
#define TRIAL_BLOCKS 2
/* What is read beside the second wave; and, more often, before the finalists are chosen. */
#define AFTER_FIRST 6
#define SEMIFINALISTS 6
#define MORE_BLOCKS 4
#define TRIAL_NS UINT64_C(100000000)
/* How much of a group is usually done behind each step. */
#define PART_CALIBRATED 0.25
#define PART_WRITTEN 0.35
#define PART_FIRST 0.5
#define PART_SECOND 0.55
#define PART_TRIED 0.6
#define PART_FINALISTS 0.65
#define PART_SETTLING 0.8
#define PART_MEASURED 0.9
_Static_assert(WAVES_MOST + FB_PROPOSER_COUNT + 1 <= FB_TRIALS_MOST,
               "there is room for all trials");

/* Those with a plugin are tried where it is installed. */
static const struct fb_coding codings[] = {
    { "none", 0, false },       { "gzip", 1, false }, { "gzip", 1, true },   { "gzip", 2, false },
    { "gzip", 2, true },        { "gzip", 3, false }, { "gzip", 3, true },   { "gzip", 4, false },
    { "gzip", 4, true },        { "gzip", 5, false }, { "gzip", 5, true },   { "gzip", 6, false },
    { "gzip", 6, true },        { "gzip", 7, false }, { "gzip", 7, true },   { "gzip", 8, false },
    { "gzip", 8, true },        { "gzip", 9, false }, { "gzip", 9, true },   { "szip", 0, false },
    { "lzf", 0, false },        { "lzf", 0, true },   { "lz4", 0, false },   { "lz4", 0, true },
    { "blosc", 4, false },      { "blosc", 4, true }, { "bzip2", 9, false }, { "bzip2", 9, true },
    { "bitshuffle", 0, false },
};

static const struct fb_coding quick_codings[] = {
    { "none", 0, false }, { "gzip", 1, false }, { "gzip", 1, true },
    { "gzip", 4, false }, { "gzip", 4, true },  { "gzip", 9, true },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const struct fb_coding *fb_tune_codings(const struct fb_tune_config *config, size_t *count)
{
    *count = config->quick ? COUNT(quick_codings) : COUNT(codings);
    return config->quick ? quick_codings : codings;
}

/* --- ranking ---------------------------------------------------------------------------------- */

/* How far beyond the constraints a forecast may be, which is not exact. */
#define SIZE_OFF 1.1
#define READ_OFF 1.5

static bool promising(const struct fb_contest *contest, size_t candidate)
{
    const struct fb_tune_config *config = contest->search->config;
    double size, read;
    fb_forecast_ratios(contest, candidate, &size, &read);
    return size <= SIZE_OFF * config->max_size && read <= READ_OFF * config->max_read;
}

struct ranked {
    size_t candidate;
    double cost;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

static bool same_coding(const struct fb_setting *a, const struct fb_setting *b)
{
    return strcmp(a->filter, b->filter) == 0 && a->level == b->level && a->shuffle == b->shuffle;
}

/* How far measurement was from the model at the settings most like this one: of its shape, else of
 * its coding, else of all. */
static double correction(const struct fb_contest *contest, size_t candidate)
{
    const struct fb_setting *setting = &contest->space->items[candidate].setting;
    double sum[3] = { 0 };
    size_t n[3] = { 0 };
    for (size_t i = 0; i < contest->count; i++) {
        const struct fb_trial *trial = &contest->trials[i];
        if (trial->failed || trial->candidate == SIZE_MAX)
            continue;
        double off =
            log(fb_trial_cost(contest, trial) / fb_forecast_cost(contest, trial->candidate));
        const struct fb_setting *other = &contest->space->items[trial->candidate].setting;
        int like = fb_setting_same_shape(setting, other) ? 0 : same_coding(setting, other) ? 1 : 2;
        if (!isfinite(off))
            continue;
        sum[like] += off;
        n[like]++;
    }
    for (int like = 0; like < 3; like++)
        if (n[like])
            return exp(sum[like] / (double)n[like]);
    return 1;
}

/* --- the two waves ---------------------------------------------------------------------------- */

static size_t trials_of_shape(const struct fb_contest *contest, const struct fb_setting *setting)
{
    size_t n = 0;
    for (size_t i = 0; i < contest->count; i++)
        n += contest->trials[i].candidate != SIZE_MAX &&
             fb_setting_same_shape(&contest->space->items[contest->trials[i].candidate].setting,
                                   setting);
    return n;
}

/* The best of the space that have not been tried, best first: their number. */
static size_t rank_untried(const struct fb_contest *contest, struct ranked *ranked)
{
    size_t n = 0;
    for (size_t i = 0; i < contest->known; i++) {
        double cost = fb_forecast_cost(contest, i) * correction(contest, i);
        if (isfinite(cost) && !fb_contest_has(contest, i) && promising(contest, i) &&
            fb_may_recommend(contest->search, &contest->space->items[i].setting))
            ranked[n++] = (struct ranked){ i, cost };
    }
    if (n)
        qsort(ranked, n, sizeof *ranked, compare_ranked);
    return n;
}

/* What the last trial took to be written. */
static uint64_t last_write_ns(const struct fb_contest *contest)
{
    uint64_t ns = contest->trials[contest->count - 1].write_ns;
    return ns == FB_NA ? 0 : ns;
}

/* As many of the best as the wave has, fewer where writing them takes long. */
static int add_wave(struct fb_contest *contest, const struct wave *wave, struct fb_error *err)
{
    const size_t part = contest->search->config->quick ? QUICK_PART : 1;
    struct ranked *ranked = malloc((contest->known + 1) * sizeof *ranked);
    size_t n = ranked ? rank_untried(contest, ranked) : 0, added = 0;
    uint64_t spent = 0;
    int rc = ranked ? 0 : fb_fail_memory(err, "a ranking");
    for (size_t i = 0; rc == 0 && i < n && added < wave->most / part; i++) {
        const struct fb_setting *setting = &contest->space->items[ranked[i].candidate].setting;
        if (trials_of_shape(contest, setting) >= wave->of_one_shape)
            continue;
        if (added >= wave->least && spent > wave->write_ns)
            break;
        rc = fb_contest_add(contest, ranked[i].candidate, err);
        spent += rc == 0 ? last_write_ns(contest) : 0;
        added++;
    }
    free(ranked);
    return rc;
}

void fb_search_progress(const struct fb_search *search, double part, const char *what)
{
    const struct fb_tune_config *config = search->config;
    config->progress(config->listener, (uint64_t)(((double)search->group - 1 + part) * 1000),
                     search->groups * 1000, what);
}

static int try_all(struct fb_contest *contest, size_t rounds, uint64_t stage, double from,
                   double to, struct fb_error *err)
{
    const struct fb_tune_config *config = contest->search->config;
    const struct fb_rounds how = {
        .least = 1,
        .most = config->quick ? 1 : rounds,
        .trial_ns = TRIAL_NS,
        .patience = TRIAL_BLOCKS,
        .seed = config->seed + stage,
        .what = "trying",
        .from = from,
        .to = to,
    };
    return fb_contest_rounds(contest, &how, err);
}

static int search_waves(struct fb_contest *contest, struct fb_error *err)
{
    const size_t part = contest->search->config->quick ? QUICK_PART : 1;
    int rc = fb_contest_add_baseline(contest, err);
    /* In place it has no forecast: its times are what forecasts are over. */
    if (rc == 0 && contest->trials[contest->baseline].candidate == SIZE_MAX)
        rc = try_all(contest, 1, 0, PART_CALIBRATED, PART_CALIBRATED, err);
    if (rc == 0)
        fb_search_progress(contest->search, PART_CALIBRATED, "writing");
    if (rc == 0)
        rc = fb_contest_add_named(contest, NULL, err);
    if (rc == 0)
        rc = add_wave(contest, &first_wave, err);
    fb_contest_restart(contest);
    if (rc == 0)
        rc = try_all(contest, 1, 1, PART_WRITTEN, PART_FIRST, err);
    size_t before = contest->count;
    fb_contest_keep(contest, AFTER_FIRST / part);
    if (rc == 0)
        rc = add_wave(contest, &second_wave, err);
    /* Once more, so that the new ones are read beside the others. */
    if (rc == 0 && contest->count > before) {
        fb_contest_restart(contest);
        rc = try_all(contest, TRIAL_BLOCKS, 2, PART_FIRST, PART_SECOND, err);
    }
    fb_contest_keep(contest, SEMIFINALISTS / part);
    return rc ? rc : try_all(contest, MORE_BLOCKS, 3, PART_SECOND, PART_TRIED, err);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int make_space(const struct fb_search *search, struct fb_space *space, struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(search->tried->source);
    const struct fb_array_info *array = &catalog->arrays[0];
    uint64_t slabs[FB_ACCESS_TERMS_MAX][FB_MAX_RANK];
    size_t count = 0, at, coding_count;
    const struct fb_coding *codings_tried = fb_tune_codings(search->config, &coding_count);
    for (size_t a = 1; a < catalog->array_count; a++)
        if (catalog->arrays[a].bytes > array->bytes)
            array = &catalog->arrays[a];
    for (size_t t = 0; t < search->access->count; t++)
        count += fb_access_extent(&search->access->terms[t], array, slabs[count]);
    /* Others' shapes come with the coding of today, or gzip 4, which most take. */
    struct fb_coding usual = { "gzip", 4, false };
    if (search->present.known && search->present.setting.rank &&
        strcmp(search->present.setting.filter, "none") != 0)
        usual = (struct fb_coding){ search->present.setting.filter, search->present.setting.level,
                                    search->present.setting.shuffle };
    int rc = fb_space_make(array, search->array->dims, (const uint64_t(*)[FB_MAX_RANK])slabs, count,
                           codings_tried, coding_count, &usual, space, err);
    for (size_t i = 0; i < space->count; i++)
        space->items[i].setting.latest = search->latest;
    return rc || !search->present.known
               ? rc
               : fb_space_add(space, &search->present.setting, 1u << FB_PROPOSER_PRESENT, &at, err);
}

/* The best of what was tried, best first: their number. Those that stood to the end come before
 * those that were dropped, whose ratios are of few blocks at other times. */
static size_t rank_trials(const struct fb_contest *tried, struct ranked *ranked)
{
    size_t n = 0, standing = 0;
    for (int dropped = 0; dropped < 2; dropped++) {
        for (size_t i = 0; i < tried->count; i++)
            if (i != tried->baseline && tried->trials[i].dropped == dropped &&
                fb_trial_admissible(tried, &tried->trials[i]) &&
                tried->trials[i].candidate != SIZE_MAX)
                ranked[n++] = (struct ranked){ tried->trials[i].candidate,
                                               fb_trial_cost(tried, &tried->trials[i]) };
        if (n > standing)
            qsort(ranked + standing, n - standing, sizeof *ranked, compare_ranked);
        standing = n;
    }
    return n;
}

/* The very best in the newest version of the file format too. */
static int add_variants(const struct fb_contest *tried, struct fb_space *space, size_t *variants,
                        size_t *count, struct fb_error *err)
{
    struct ranked ranked[FB_TRIALS_MOST];
    const struct fb_search *search = tried->search;
    size_t n = rank_trials(tried, ranked);
    int rc = 0;
    *count = 0;
    if (search->latest_fixed || search->latest || search->config->quick)
        return 0;
    for (size_t i = 0; rc == 0 && i < n && i < VARIANTS; i++) {
        struct fb_setting setting = space->items[ranked[i].candidate].setting;
        setting.latest = true;
        rc = fb_space_add(space, &setting, 0, &variants[*count], err);
        ++*count;
    }
    return rc;
}

/* On the other stand: the finalists of the search, a variant, and what others propose. */
static int choose_finalists(const struct fb_contest *tried, const size_t *variants,
                            size_t variant_count, struct fb_contest *final, struct fb_error *err)
{
    struct ranked ranked[FB_TRIALS_MOST];
    size_t n = rank_trials(tried, ranked);
    int rc = fb_contest_add_baseline(final, err);
    if (rc == 0)
        rc = fb_contest_add_named(final, tried, err);
    for (size_t i = 0; rc == 0 && i < n && i < FINALISTS; i++)
        rc = fb_contest_add(final, ranked[i].candidate, err);
    for (size_t i = 0; rc == 0 && i < variant_count; i++)
        rc = fb_contest_add(final, variants[i], err);
    return rc;
}

int fb_search_group(const struct fb_search *search, struct fb_tune_records *records,
                    struct fb_setting *setting, size_t *best, struct fb_error *err)
{
    struct fb_space space = { 0 };
    struct fb_contest *trying = calloc(1, sizeof *trying), *final = calloc(1, sizeof *final);
    size_t variants[VARIANTS], variant_count = 0;
    int rc = trying && final ? 0 : fb_fail_memory(err, "the search");
    *best = SIZE_MAX;
    if (rc == 0)
        rc = make_space(search, &space, err);
    if (rc == 0)
        rc = fb_contest_open(trying, search, search->tried, &space, err);
    if (rc == 0)
        rc = search_waves(trying, err);
    if (rc == 0)
        rc = add_variants(trying, &space, variants, &variant_count, err);
    if (rc == 0) {
        fb_contest_clear(trying);
        rc = fb_contest_open(final, search, search->measured, &space, err);
    }
    if (rc == 0)
        fb_search_progress(search, PART_TRIED, "writing");
    if (rc == 0)
        rc = choose_finalists(trying, variants, variant_count, final, err);
    if (rc == 0)
        rc = fb_final_rounds(final, FINAL_BLOCKS, search->config->seed + 4, PART_FINALISTS,
                             PART_SETTLING, err);
    if (rc == 0)
        rc = fb_settle(final, search->config->seed + 5, PART_SETTLING, PART_MEASURED, err);
    size_t first = records->count;
    if (rc == 0)
        rc = fb_contest_records(final, "final", true, records, err);
    if (rc == 0)
        fb_recommend(final, true, records, first, setting, best);
    if (rc == 0)
        fb_search_progress(search, PART_MEASURED, "reading in other ways");
    if (rc == 0)
        rc = fb_reader_advice(final, records, err);
    if (rc == 0)
        rc = fb_contest_records(trying, "search", false, records, err);
    if (rc == 0)
        rc = fb_contest_model_records(trying, records, err);
    if (rc == 0 && *best != SIZE_MAX)
        records->items[*best].recommended = 1;
    if (trying)
        fb_contest_free(trying);
    if (final)
        fb_contest_free(final);
    free(trying);
    free(final);
    free(space.items);
    return rc;
}
