/* Rows of tune.csv. */
#include "bench/tune/contest.h"
#include "formats/hdf5/options.h"
#include "results/statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

static void names_text(unsigned names, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (unsigned who = 0; who < FB_PROPOSER_COUNT; who++)
        if (names & (1u << who))
            used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
                                     fb_proposer_names[who]);
}

static void describe_setting(const struct fb_setting *setting, struct fb_tune_record *record)
{
    fb_setting_text(setting, record->setting, sizeof record->setting);
    SET(record->format, "%s", setting->rank ? FB_TUNE_CHUNKED : FB_TUNE_CONTIGUOUS);
    fb_setting_options(setting, record->options, sizeof record->options);
    if (setting->rank) {
        fb_shape_text(setting->rank, setting->chunk, record->chunk, sizeof record->chunk);
        SET(record->filter, "%s", setting->filter);
        record->level = setting->level;
        record->shuffle = setting->shuffle;
    }
    SET(record->plugin, "%s", fb_hdf5_filter_plugin(setting->filter));
}

void fb_contest_begin_record(const struct fb_contest *contest, const char *stage,
                             struct fb_tune_record *record)
{
    const struct fb_search *search = contest->search;
    fb_tune_record_init(record);
    SET(record->file, "%.500s", search->config->file);
    fb_access_text(search->access, record->access, sizeof record->access);
    record->group = search->group;
    SET(record->arrays, "%s", search->arrays);
    record->array_count = search->array_count;
    SET(record->stage, "%s", stage);
}

static double weighted(const struct fb_contest *contest, const double *ns)
{
    double sum = 0;
    for (size_t t = 0; t < contest->search->access->count; t++)
        if (fb_contest_term(contest, t))
            sum += contest->search->access->terms[t].weight * ns[t];
    return sum;
}

static uint64_t whole(double value)
{
    return value >= 0 && value < 1e18 ? (uint64_t)(value + 0.5) : FB_NA;
}

static void fill_forecast(const struct fb_contest *contest, size_t candidate,
                          struct fb_tune_record *record)
{
    const struct fb_forecast *forecast = &contest->forecasts[candidate];
    record->predicted_read_ns = whole(weighted(contest, forecast->read_ns));
    record->predicted_bytes = whole(forecast->file_bytes);
    double size;
    fb_forecast_ratios(contest, candidate, &size, &record->predicted_read_ratio);
    record->predicted_cost = fb_forecast_cost(contest, candidate);
}

static void fill_measured(const struct fb_contest *contest, const struct fb_trial *trial,
                          struct fb_tune_record *record)
{
    const struct fb_tune_config *config = contest->search->config;
    double ns[FB_ACCESS_TERMS_MAX];
    for (size_t t = 0; t < contest->search->access->count; t++) {
        uint64_t values[FB_ROUNDS_MOST];
        memcpy(values, trial->ns[t], sizeof values);
        ns[t] = fb_contest_term(contest, t) ? (double)fb_median_of(values, trial->rounds) : 0;
    }
    record->read_ns = whole(weighted(contest, ns));
    record->blocks = trial->rounds;
    SET(record->cache_state, "%s", trial->unproven ? "warm-unproven" : "proven");
    record->file_bytes = trial->file_bytes;
    record->write_ns = trial->write_ns;
    record->size_ratio = fb_trial_size_ratio(contest, trial);
    record->write_ratio = fb_trial_write_ratio(contest, trial);
    record->read_ratio =
        fb_trial_read_ratio(contest, trial, &record->read_lower, &record->read_upper);
    record->cost =
        fb_tune_cost(config, record->size_ratio, record->read_ratio, record->write_ratio);
    record->cost_lower =
        fb_tune_cost(config, record->size_ratio, record->read_lower, record->write_ratio);
    record->cost_upper =
        fb_tune_cost(config, record->size_ratio, record->read_upper, record->write_ratio);
}

int fb_contest_records(const struct fb_contest *contest, const char *stage, bool with_baseline,
                       struct fb_tune_records *records, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < contest->count; i++) {
        const struct fb_trial *trial = &contest->trials[i];
        bool baseline = i == contest->baseline;
        struct fb_tune_record record;
        if (trial->failed || (baseline && !with_baseline))
            continue;
        fb_contest_begin_record(contest, baseline ? "present" : stage, &record);
        if (trial->candidate != SIZE_MAX) {
            const struct fb_candidate *candidate = &contest->space->items[trial->candidate];
            describe_setting(&candidate->setting, &record);
            names_text(candidate->names, record.names, sizeof record.names);
            fill_forecast(contest, trial->candidate, &record);
        }
        if (baseline) {
            SET(record.setting, "%s", contest->search->present.text);
            if (trial->candidate == SIZE_MAX) {
                SET(record.format, "%s", FB_TUNE_READER);
                SET(record.names, "present");
            }
        }
        fill_measured(contest, trial, &record);
        rc = fb_tune_records_add(records, &record, err);
    }
    return rc;
}

/* Settings that were not tried: for the map of the space. */
int fb_contest_model_records(const struct fb_contest *contest, struct fb_tune_records *records,
                             struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < contest->known; i++) {
        struct fb_tune_record record;
        if (fb_contest_has(contest, i) || !isfinite(fb_forecast_cost(contest, i)))
            continue;
        fb_contest_begin_record(contest, "model", &record);
        describe_setting(&contest->space->items[i].setting, &record);
        fill_forecast(contest, i, &record);
        rc = fb_tune_records_add(records, &record, err);
    }
    return rc;
}
