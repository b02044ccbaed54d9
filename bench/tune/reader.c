#include "bench/tune/reader.h"
#include "base/interrupt.h"
#include "base/number.h"
#include "base/random.h"
#include "formats/hdf5/chunk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

#define ROUNDS 6
/* Less is not worth trying. */
#define FEWER 0.9

static const uint64_t caches[] = { UINT64_C(4) << 20, UINT64_C(16) << 20, UINT64_C(64) << 20,
                                   UINT64_C(256) << 20 };

/* A way to read, against the present one. */
struct way {
    const char *format;
    char options[64], text[128];
    enum fb_handle handle;
    struct fb_trial trial;
};
#define WAYS_MOST 4

static int loads(const struct fb_contest *contest, uint64_t bytes, uint64_t slots, double *sum,
                 struct fb_error *err)
{
    const struct fb_search *search = contest->search;
    int rc = 0;
    *sum = 0;
    for (size_t t = 0; rc == 0 && t < search->access->count; t++) {
        uint64_t loaded = 0;
        if (fb_contest_term(contest, t))
            rc = fb_model_loads(contest->stand, t, &search->present.setting,
                                search->present.filtered, bytes, slots, &loaded, err);
        *sum += loaded == FB_NA ? NAN : (double)loaded;
    }
    return rc;
}

/* The smallest cache with which the fewest chunks are loaded; 0: that of today will do. */
static int choose_cache(const struct fb_contest *contest, uint64_t *out, struct fb_error *err)
{
    const struct fb_present *present = &contest->search->present;
    double now, best;
    *out = 0;
    if (present->setting.rank == 0)
        return 0;
    int rc = loads(contest, present->cache_bytes, present->cache_slots, &now, err);
    best = FEWER * now;
    for (size_t i = 0; rc == 0 && i < sizeof caches / sizeof *caches; i++) {
        double then;
        rc = loads(contest, caches[i], fb_chunk_cache_slots(caches[i]), &then, err);
        if (rc == 0 && caches[i] > present->cache_bytes && then < best) {
            *out = caches[i];
            best = then - 0.5;
        }
    }
    return rc;
}

static int read_way(const struct fb_contest *contest, struct way *way, size_t round,
                    struct fb_error *err)
{
    const char *path = contest->trials[contest->baseline].path;
    const struct fb_reading how = { way->format, way->options, way->handle, false };
    int rc = fb_interrupted() ? fb_fail(err, FB_EINTERRUPTED, "interrupted") : 0;
    for (size_t t = 0; rc == 0 && t < contest->search->access->count; t++) {
        bool proven = true;
        if (fb_contest_term(contest, t))
            rc = fb_stand_read(contest->stand, path, t, &how, &way->trial.ns[t][round], &proven,
                               err);
        way->trial.unproven |= !proven;
    }
    return rc;
}

static int measure(const struct fb_contest *contest, struct way *ways, size_t count,
                   struct fb_error *err)
{
    struct fb_random random;
    int rc = 0;
    fb_random_seed(&random, contest->search->config->seed + 4);
    for (size_t round = 0; rc == 0 && round < ROUNDS; round++) {
        size_t order[WAYS_MOST] = { 0, 1, 2, 3 };
        fb_random_shuffle(&random, order, count);
        for (size_t i = 0; rc == 0 && i < count; i++)
            rc = read_way(contest, &ways[order[i]], round, err);
    }
    for (size_t i = 0; i < count; i++)
        ways[i].trial.rounds = ROUNDS;
    return rc;
}

static int add_row(const struct fb_contest *contest, const struct way *way,
                   struct fb_tune_records *records, struct fb_error *err)
{
    struct fb_tune_record record;
    fb_contest_begin_record(contest, "reader", &record);
    SET(record.setting, "%s", way->text);
    SET(record.format, "%s", way->format);
    SET(record.options, "%s", way->options);
    record.blocks = way->trial.rounds;
    SET(record.cache_state, "%s", way->trial.unproven ? "warm-unproven" : "proven");
    record.size_ratio = record.write_ratio = 1;
    record.read_ratio =
        fb_trial_read_ratio(contest, &way->trial, &record.read_lower, &record.read_upper);
    record.cost = fb_tune_cost(contest->search->config, 1, record.read_ratio, 1);
    record.cost_lower = fb_tune_cost(contest->search->config, 1, record.read_lower, 1);
    record.cost_upper = fb_tune_cost(contest->search->config, 1, record.read_upper, 1);
    return fb_tune_records_add(records, &record, err);
}

static struct way *add_way(struct way *ways, size_t *count, const char *format,
                           enum fb_handle handle)
{
    struct way *way = &ways[(*count)++];
    way->format = format;
    way->handle = handle;
    return way;
}

int fb_reader_advice(const struct fb_contest *contest, struct fb_tune_records *records,
                     struct fb_error *err)
{
    enum fb_handle handle = contest->stand->ground->handle;
    const char *beside = fb_format_find(FB_TUNE_READER)->beside;
    struct way ways[WAYS_MOST] = { { .options = "" } };
    struct fb_contest pair = *contest; /* its baseline is read anew, beside the others */
    size_t count = 0;
    uint64_t cache;
    char bytes[32];
    pair.leader = NULL;
    add_way(ways, &count, FB_TUNE_READER, handle);
    int rc = choose_cache(contest, &cache, err);
    if (rc == 0 && cache) {
        struct way *way = add_way(ways, &count, FB_TUNE_READER, handle);
        SET(way->options, "cache=%llu", (unsigned long long)cache);
        SET(way->text, "a chunk cache of %s", fb_format_bytes(cache, bytes, sizeof bytes));
    }
    if (rc == 0 && handle != FB_HANDLE_KEEP)
        SET(add_way(ways, &count, FB_TUNE_READER, FB_HANDLE_KEEP)->text,
            "the file held open between reads");
    if (rc == 0 && beside && contest->search->present.filtered)
        SET(add_way(ways, &count, beside, handle)->text, "the same file through %s", beside);
    if (rc == 0 && count > 1)
        rc = measure(contest, ways, count, err);
    if (rc == 0 && count > 1) {
        memcpy(pair.trials[pair.baseline].ns, ways[0].trial.ns, sizeof ways[0].trial.ns);
        pair.trials[pair.baseline].rounds = ROUNDS;
    }
    for (size_t i = 1; rc == 0 && i < count; i++)
        rc = add_row(&pair, &ways[i], records, err);
    return rc;
}
