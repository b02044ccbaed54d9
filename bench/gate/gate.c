#include "bench/gate/gate.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/output.h"
#include "bench/environment.h"
#include "bench/gate/measure.h"
#include "bench/run.h"
#include "results/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

struct state {
    const struct fb_gate_config *config;
    struct fb_gate_session session;
    struct fb_gate judge;
    struct fb_gate_cell control;
    size_t *order;   /* room for all series */
    double *scratch; /* the judge's */
    char *folder;    /* for files: in the system's folder for temporary ones */
};

static struct fb_gate_series *control_series(const struct state *state)
{
    return &state->session.series[state->session.ground.count];
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* What the judge sees of the series. */
static void tell(struct state *state)
{
    for (size_t i = 0; i <= state->session.ground.count; i++) {
        const struct fb_gate_series *series = &state->session.series[i];
        struct fb_gate_cell *cell = series->match ? &state->judge.cells[i] : &state->control;
        cell->values = series->values[0];
        cell->pairs = series->pairs[0];
        cell->fresh = series->values[1];
        cell->fresh_pairs = series->pairs[1];
        cell->failed = *series->reason;
    }
}

static bool time_is_up(const struct state *state)
{
    const uint64_t limit = state->config->run.time_limit_ns;
    return limit && fb_clock_ns() - state->session.start_ns >= limit;
}

/* How many pairs of the stage a cell is to have, where those still to be decided are to have
 * `wanted` in the first. */
static size_t pairs_of(const struct state *state, size_t i, int stage, size_t wanted)
{
    const struct fb_gate_cell *cell = &state->judge.cells[i];
    if (stage == 1)
        return fb_gate_fresh_wanted(&state->judge, cell);
    return cell->state == FB_GATE_OPEN ? wanted : 0;
}

static bool wants_pair(const struct state *state, size_t i, int stage, size_t wanted)
{
    const struct fb_gate_series *series = &state->session.series[i];
    return !*series->reason && series->pairs[stage] < pairs_of(state, i, stage, wanted);
}

/* Counters need no control. */
static bool control_wants_pair(const struct state *state, int stage, size_t done)
{
    const struct fb_gate_series *control = control_series(state);
    return !state->config->counters_only && !*control->reason &&
           control->pairs[stage] < fb_gate_control_pairs(done + 1);
}

static void show_progress(const struct state *state, int stage, size_t done, size_t wanted,
                          size_t open)
{
    const struct fb_run_config *config = &state->config->run;
    char what[96];
    SET(what, "%s: pair %zu of %zu, %zu cells open", stage == 0 ? "measuring" : "confirming",
        done + 1, wanted, open);
    /* Pairs that nobody wants are passed over, so that it never goes back. */
    const struct fb_gate_looks *looks = &state->judge.looks;
    const size_t total = looks->pairs[looks->count - 1] + 2 * state->judge.fresh_pairs;
    config->progress(config->listener, stage == 0 ? done : total - wanted + done, total, what);
}

/* One pair of every cell that wants one, in random order, again and again until all have so many;
 * the control goes along. */
static int run_pairs(struct state *state, int stage, size_t wanted, struct fb_error *err)
{
    struct fb_gate_session *session = &state->session;
    int rc = 0;
    while (rc == 0 && !time_is_up(state)) {
        size_t n = 0, done = wanted;
        for (size_t i = 0; i < session->ground.count; i++) {
            if (!wants_pair(state, i, stage, wanted))
                continue;
            state->order[n++] = i;
            if (session->series[i].pairs[stage] < done)
                done = session->series[i].pairs[stage];
        }
        if (n == 0)
            return 0;
        show_progress(state, stage, done, wanted, n);
        if (control_wants_pair(state, stage, done))
            state->order[n++] = session->ground.count;
        fb_random_shuffle(&session->random, state->order, n);
        for (size_t i = 0; rc == 0 && i < n && !time_is_up(state); i++)
            rc = fb_interrupted()
                     ? fb_fail(err, FB_EINTERRUPTED, "interrupted")
                     : fb_gate_pair_run(session, &session->series[state->order[i]], stage, err);
    }
    return rc;
}

static int count_all(struct state *state, struct fb_error *err)
{
    struct fb_gate_session *session = &state->session;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < session->ground.count && !time_is_up(state); i++)
        rc = fb_interrupted() ? fb_fail(err, FB_EINTERRUPTED, "interrupted")
                              : fb_gate_count_inflated(session, &session->series[i], err);
    return rc;
}

static size_t most_fresh(const struct state *state)
{
    size_t most = 0;
    for (size_t i = 0; i < state->judge.count; i++) {
        size_t fresh = fb_gate_fresh_wanted(&state->judge, &state->judge.cells[i]);
        most = fresh > most ? fresh : most;
    }
    return most;
}

/* Whether cells that scatter would take the time in which others are to be confirmed. */
static bool leaves_out_last_look(const struct state *state)
{
    const uint64_t limit = state->config->run.time_limit_ns;
    return state->judge.look > state->judge.looks.usual && limit && most_fresh(state) > 0 &&
           fb_clock_ns() - state->session.start_ns > limit / 2;
}

static int measure(struct state *state, struct fb_error *err)
{
    int rc = count_all(state, err);
    if (rc == 0 && state->config->counters_only)
        return run_pairs(state, 0, 1, err);
    for (size_t wanted; rc == 0 && (wanted = fb_gate_pairs_wanted(&state->judge)) > 0;) {
        if (leaves_out_last_look(state))
            break;
        rc = run_pairs(state, 0, wanted, err);
        if (rc || time_is_up(state))
            break;
        tell(state);
        fb_gate_look(&state->judge);
    }
    return rc ? rc : run_pairs(state, 1, most_fresh(state), err);
}

/* --- records ---------------------------------------------------------------------------------- */

static double *pooled(const struct fb_gate_series *series, size_t *count)
{
    double *values = malloc((series->pairs[0] + series->pairs[1] + 1) * sizeof *values);
    *count = 0;
    for (int stage = 0; values && stage < 2; stage++)
        for (size_t i = 0; i < series->pairs[stage]; i++)
            values[(*count)++] = series->values[stage][i];
    return values;
}

/* Times of a cell that failed are not told, as in a run. */
static int fill_change(const struct state *state, const struct fb_gate_series *series,
                       const struct fb_gate_cell *cell, struct fb_gate_record *record,
                       struct fb_error *err)
{
    size_t count;
    double *values = pooled(series, &count);
    int rc = values ? 0 : fb_fail_memory(err, "the pairs");
    if (rc == 0 && count > 0 && !*series->reason && !state->config->counters_only) {
        struct fb_gate_interval interval = fb_gate_interval(values, count, 0.95);
        record->change = expm1(interval.median);
        record->change_lower = expm1(interval.lower);
        record->change_upper = expm1(interval.upper);
        record->a_median_ns = fb_median_of(series->ns[0], count);
        record->b_median_ns = fb_median_of(series->ns[1], count);
        if (series->match)
            record->smallest_effect = fb_gate_smallest_effect(&state->judge, cell);
        record->p_value = cell->tests[FB_GATE_ABOVE].p;
        record->level = cell->tests[FB_GATE_ABOVE].level;
        record->confirm_p_value = cell->tests[FB_GATE_CONFIRM].p;
    }
    if (!isfinite(record->smallest_effect))
        record->smallest_effect = NAN;
    free(values);
    return rc;
}

static void fill_counters(const struct fb_gate_series *series, struct fb_gate_record *record)
{
    const struct fb_gate_exact *a = &series->exact[0], *b = &series->exact[1];
    record->a_read_bytes = fb_gate_exact_value(a, FB_EXACT_BYTES);
    record->b_read_bytes = fb_gate_exact_value(b, FB_EXACT_BYTES);
    record->a_read_calls = fb_gate_exact_value(a, FB_EXACT_CALLS);
    record->b_read_calls = fb_gate_exact_value(b, FB_EXACT_CALLS);
    record->a_chunks = a->chunks;
    record->b_chunks = b->chunks;
    record->a_inflated_bytes = a->inflated_bytes;
    record->b_inflated_bytes = b->inflated_bytes;
    record->a_file_bytes = series->match->side[0]->file->file_bytes;
    record->b_file_bytes = series->match->side[1]->file->file_bytes;
}

static void say_verdict(struct fb_gate_record *record, enum fb_gate_state verdict,
                        const char *reason)
{
    SET(record->verdict, "%s", fb_gate_state_name(verdict));
    SET(record->reason, "%.500s", reason);
}

static const char *why(const struct fb_gate_cell *cell)
{
    static const char *const words[] = {
        [FB_GATE_BUDGET] = "all pairs do not tell; more --pairs, or a quieter machine, may",
        [FB_GATE_UNCONFIRMED] = "it looked slower, but fresh pairs do not confirm it",
        [FB_GATE_INCOMPLETE] = "the gate ended before all pairs were run",
        [FB_GATE_MACHINE] = "machine: A against itself differs as well",
    };
    const size_t i = (size_t)cell->reason;
    return i < sizeof words / sizeof *words && words[i] ? words[i]
                                                        : fb_gate_reason_name(cell->reason);
}

/* Times that were taken in a state which nobody proved say nothing of it. */
static void judge_clock(const struct fb_gate_series *series, const struct fb_gate_cell *cell,
                        struct fb_gate_record *record)
{
    if (*series->unproven)
        say_verdict(record, FB_GATE_INCONCLUSIVE, series->unproven);
    else
        say_verdict(record, cell->state, why(cell));
}

/* What the clock says, but that work which grew is certain: only a cell that is clearly faster all
 * the same is not slower for it. */
static void judge_cell(const struct state *state, const struct fb_gate_series *series,
                       const struct fb_gate_cell *cell, struct fb_gate_record *record)
{
    bool grew, shrank;
    fb_gate_compare_counters(series, record->counters, sizeof record->counters, &grew, &shrank);
    if (*series->reason)
        say_verdict(record, FB_GATE_NO_DATA, series->reason);
    else if (series->pairs[0] == 0)
        say_verdict(record, FB_GATE_NO_DATA, "the gate ended before its turn");
    else if (state->config->counters_only && !fb_gate_has_counters(series))
        say_verdict(record, FB_GATE_NO_DATA, "the sides have no counter in common");
    else if (state->config->counters_only)
        say_verdict(record,
                    grew     ? FB_GATE_REGRESSED
                    : shrank ? FB_GATE_IMPROVED
                             : FB_GATE_EQUIVALENT,
                    "counters");
    else if (grew && cell->state != FB_GATE_IMPROVED && cell->state != FB_GATE_REGRESSED)
        say_verdict(record, FB_GATE_REGRESSED, "counters");
    else
        judge_clock(series, cell, record);
}

/* A change of the control is one that has no cause. That it gave no alarm is no proof that there
 * was none. */
static void judge_control(const struct state *state, const struct fb_gate_series *series,
                          struct fb_gate_record *record)
{
    const bool within =
        record->change_lower > -record->threshold && record->change_upper < record->threshold;
    if (*series->reason || series->pairs[0] == 0)
        say_verdict(record, FB_GATE_NO_DATA, *series->reason ? series->reason : "it had no pair");
    else if (state->judge.alarm)
        say_verdict(record, record->change > 0 ? FB_GATE_REGRESSED : FB_GATE_IMPROVED, "machine");
    else
        say_verdict(record, within ? FB_GATE_EQUIVALENT : FB_GATE_INCONCLUSIVE,
                    within ? "" : "no alarm");
}

static void describe(const struct fb_gate_session *session, const struct fb_gate_series *series,
                     struct fb_gate_record *record)
{
    fb_gate_record_init(record);
    SET(record->gate_id, "%s", session->gate_id);
    SET(record->arm, "%s", series->match ? "A/B" : "A/A");
    SET(record->cell, "%s", series->match ? series->match->name : "control");
    record->threshold = session->config->threshold;
    record->pairs = series->pairs[0];
    record->confirm_pairs = series->pairs[1];
    if (series->pairs[0] > 0 && !*series->unproven)
        SET(record->cache_state, "proven");
    else if (series->pairs[0] > 0)
        SET(record->cache_state, "%s%sunproven",
            series->match ? fb_cache_names[series->match->side[0]->cache] : "",
            series->match ? "-" : "");
    if (!series->match)
        return;
    const struct fb_record *a = &series->match->side[0]->record;
    const struct fb_record *b = &series->match->side[1]->record;
    SET(record->format, "%s", a->format);
    SET(record->options, "%s", a->options);
    SET(record->b_format, "%s", b->format);
    SET(record->b_options, "%s", b->options);
    SET(record->workload, "%s", a->workload);
    SET(record->workload_options, "%s", a->workload_options);
    SET(record->cache, "%s", a->cache);
    SET(record->handle, "%s", a->handle);
}

static int make_records(struct state *state, struct fb_gate_records *out, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i <= state->session.ground.count; i++) {
        const struct fb_gate_series *series = &state->session.series[i];
        const struct fb_gate_cell *cell = series->match ? &state->judge.cells[i] : &state->control;
        struct fb_gate_record record;
        if (!series->match && state->config->counters_only)
            continue;
        describe(&state->session, series, &record);
        record.looks = state->judge.look;
        rc = fill_change(state, series, cell, &record, err);
        if (series->match) {
            fill_counters(series, &record);
            judge_cell(state, series, cell, &record);
        } else {
            judge_control(state, series, &record);
        }
        if (rc == 0)
            rc = fb_gate_records_add(out, &record, err);
    }
    return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int make_folder(struct state *state, struct fb_error *err)
{
    const char *tmp = getenv("TMPDIR");
    if (asprintf(&state->folder, "%s/fmtbench-gate-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
        state->folder = NULL;
    if (!state->folder)
        return fb_fail_memory(err, "a folder name");
    if (mkdtemp(state->folder))
        return 0;
    int rc = fb_fail_errno(err, "cannot make a folder like %s", state->folder);
    free(state->folder);
    state->folder = NULL;
    return rc;
}

static int prepare(struct state *state, struct fb_gate_pairs *pairs, struct fb_error *err)
{
    const struct fb_gate_config *config = state->config;
    struct fb_gate_session *session = &state->session;
    *session = (struct fb_gate_session){ .config = config, .record = pairs };
    int rc = make_folder(state, err);
    if (rc == 0)
        rc = fb_gate_ground_make(&config->run, config->side, state->folder, &session->ground, err);
    if (rc)
        return rc;
    const size_t count = session->ground.count;
    session->series = calloc(count + 1, sizeof *session->series);
    state->order = calloc(count + 1, sizeof *state->order);
    state->judge.cells = calloc(count + 1, sizeof *state->judge.cells);
    state->scratch = calloc(3 * config->pairs + 1, sizeof *state->scratch);
    if (!session->series || !state->order || !state->judge.cells || !state->scratch)
        return fb_fail_memory(err, "the cells");
    for (size_t i = 0; i < count; i++) {
        session->series[i].match = &session->ground.matches[i];
        SET(session->series[i].reason, "%s", session->ground.matches[i].reason);
        for (int s = 0; s < 2; s++)
            session->series[i].exact[s].chunks = session->series[i].exact[s].inflated_bytes = FB_NA;
    }
    fb_run_id(session->gate_id, sizeof session->gate_id);
    fb_random_seed(&session->random, config->run.seed);
    struct fb_gate_cell *cells = state->judge.cells;
    fb_gate_begin(&state->judge, config->threshold, config->pairs);
    state->judge.cells = cells;
    state->judge.count = count;
    state->judge.control = &state->control;
    state->judge.scratch = state->scratch;
    tell(state);
    session->start_ns = fb_clock_ns();
    return 0;
}

static json_t *facts(const struct state *state, const struct fb_gate_result *result)
{
    const struct fb_gate_config *config = state->config;
    json_t *sides = json_array();
    for (int s = 0; s < 2; s++) {
        const struct fb_gate_side *side = &config->side[s];
        json_t *env = json_array();
        for (size_t i = 0; i < side->env_count; i++)
            json_array_append_new(env, json_string(side->env[i]));
        json_array_append_new(sides,
                              json_pack("{s:s*, s:s*, s:s*, s:o}", "worker", side->worker, "format",
                                        side->format, "file", side->file, "env", env));
    }
    return json_pack("{s:s, s:I, s:f, s:I, s:I, s:b, s:b, s:o}", "gate_id", state->session.gate_id,
                     "seed", (json_int_t)config->run.seed, "threshold", config->threshold, "pairs",
                     (json_int_t)config->pairs, "time_limit_ns",
                     (json_int_t)config->run.time_limit_ns, "counters_only", config->counters_only,
                     "interrupted", result->interrupted, "sides", sides);
}

static int write_all(const struct state *state, struct fb_gate_result *result, struct fb_error *err)
{
    static const char *const names[] = { "gate.csv", "pairs.csv", "environment.json" };
    char *paths[3] = { NULL };
    const char *out = state->config->run.out;
    int rc = fb_make_folder(out, err);
    for (int i = 0; rc == 0 && i < 3; i++)
        if (asprintf(&paths[i], "%s/%s", out, names[i]) < 0) {
            paths[i] = NULL;
            rc = fb_fail_memory(err, "file names");
        }
    if (rc == 0)
        rc = fb_gate_pairs_write(&result->pairs, paths[1], err);
    if (rc == 0)
        rc = fb_environment_write(paths[2], out, facts(state, result), NULL, err);
    if (rc == 0)
        rc = fb_gate_records_write(&result->records, paths[0], err);
    for (int i = 0; i < 3; i++)
        free(paths[i]);
    if (rc == 0 && !(result->folder = strdup(out)))
        rc = fb_fail_memory(err, "a folder name");
    return rc;
}

static void release(struct state *state)
{
    for (size_t i = 0; state->session.series && i <= state->session.ground.count; i++)
        fb_gate_series_free(&state->session.series[i]);
    free(state->session.series);
    free(state->order);
    free(state->scratch);
    free(state->judge.cells);
    fb_gate_ground_free(&state->session.ground);
    if (state->folder) {
        char *b;
        if (asprintf(&b, "%s/b", state->folder) >= 0) {
            fb_remove_folder(b);
            free(b);
        }
        fb_remove_folder(state->folder);
    }
    free(state->folder);
}

int fb_gate(const struct fb_gate_config *config, struct fb_gate_result *out, struct fb_error *err)
{
    struct state state = { .config = config };
    *out = (struct fb_gate_result){ 0 };
    int rc = prepare(&state, &out->pairs, err);
    if (rc == 0) {
        rc = measure(&state, err);
        out->interrupted = rc == FB_EINTERRUPTED;
        if (out->interrupted)
            rc = 0;
    }
    if (rc == 0) {
        tell(&state);
        fb_gate_confirm(&state.judge);
        fb_gate_finish(&state.judge);
        rc = make_records(&state, &out->records, err);
    }
    if (rc == 0 && config->run.out)
        rc = write_all(&state, out, err);
    release(&state);
    if (rc)
        fb_gate_result_free(out);
    return rc;
}

void fb_gate_result_free(struct fb_gate_result *result)
{
    free(result->records.items);
    free(result->pairs.items);
    free(result->folder);
    *result = (struct fb_gate_result){ 0 };
}
