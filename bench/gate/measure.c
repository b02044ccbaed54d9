#include "bench/gate/measure.h"
#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* Pairs whose counters are looked at: what is not the same in all of them says nothing. */
#define COUNTED 3

/* --- counters --------------------------------------------------------------------------------- */

static void take_counters(struct fb_gate_exact *exact, const struct fb_counters *counters)
{
    const uint64_t now[] = { counters->read_bytes, counters->read_calls };
    for (int i = 0; i < 2; i++) {
        if (exact->blocks == 0)
            exact->low[i] = exact->high[i] = now[i];
        exact->low[i] = now[i] < exact->low[i] ? now[i] : exact->low[i];
        exact->high[i] = now[i] > exact->high[i] ? now[i] : exact->high[i];
    }
    exact->blocks++;
}

uint64_t fb_gate_exact_value(const struct fb_gate_exact *exact, int which)
{
    return exact->blocks && exact->low[which] == exact->high[which] ? exact->low[which] : FB_NA;
}

int fb_gate_count_inflated(struct fb_gate_session *session, struct fb_gate_series *series,
                           struct fb_error *err)
{
    struct fb_error why;
    for (int s = 0; s < 2 && !*series->reason; s++) {
        struct fb_gate_exact *exact = &series->exact[s];
        int rc =
            fb_gate_inflated(&session->config->run, &session->config->side[s],
                             series->match->side[s], &exact->chunks, &exact->inflated_bytes, &why);
        if (rc == FB_EINTERRUPTED)
            return fb_fail(err, rc, "%s", why.message);
        if (rc)
            SET(series->reason, "side %c: %.480s", "AB"[s], why.message);
    }
    return 0;
}

static void compare(const char *what, uint64_t a, uint64_t b, char *text, size_t size, bool *grew,
                    bool *shrank)
{
    size_t used = strlen(text);
    if (a == FB_NA || b == FB_NA || a == b)
        return;
    snprintf(text + used, size - used, "%s%s %" PRIu64 " -> %" PRIu64, used ? ", " : "", what, a,
             b);
    *(b > a ? grew : shrank) = true;
}

void fb_gate_compare_counters(const struct fb_gate_series *series, char *text, size_t size,
                              bool *grew, bool *shrank)
{
    const struct fb_gate_exact *a = &series->exact[0], *b = &series->exact[1];
    text[0] = '\0';
    *grew = *shrank = false;
    if (!series->match || *series->reason)
        return;
    compare("read calls", fb_gate_exact_value(a, FB_EXACT_CALLS),
            fb_gate_exact_value(b, FB_EXACT_CALLS), text, size, grew, shrank);
    compare("bytes read", fb_gate_exact_value(a, FB_EXACT_BYTES),
            fb_gate_exact_value(b, FB_EXACT_BYTES), text, size, grew, shrank);
    compare("chunks inflated", a->chunks, b->chunks, text, size, grew, shrank);
    compare("bytes inflated", a->inflated_bytes, b->inflated_bytes, text, size, grew, shrank);
    compare("file bytes", series->match->side[0]->file->file_bytes,
            series->match->side[1]->file->file_bytes, text, size, grew, shrank);
}

bool fb_gate_has_counters(const struct fb_gate_series *series)
{
    const struct fb_gate_exact *a = &series->exact[0], *b = &series->exact[1];
    bool known = a->chunks != FB_NA && b->chunks != FB_NA;
    for (int i = 0; i < 2; i++)
        known |= fb_gate_exact_value(a, i) != FB_NA && fb_gate_exact_value(b, i) != FB_NA;
    return known;
}

/* --- a pair ----------------------------------------------------------------------------------- */

static bool is_power_of_two(size_t n)
{
    return (n & (n - 1)) == 0;
}

static int keep(struct fb_gate_series *series, int stage, const uint64_t ns[2],
                struct fb_error *err)
{
    const size_t all = series->pairs[0] + series->pairs[1], n = series->pairs[stage];
    for (int s = 0; s < 2; s++) {
        if (is_power_of_two(all)) {
            uint64_t *grown = reallocarray(series->ns[s], all ? 2 * all : 1, sizeof *grown);
            if (!grown)
                return fb_fail_memory(err, "the blocks");
            series->ns[s] = grown;
        }
        series->ns[s][all] = ns[s];
    }
    if (is_power_of_two(n)) {
        double *grown = reallocarray(series->values[stage], n ? 2 * n : 1, sizeof *grown);
        if (!grown)
            return fb_fail_memory(err, "the pairs");
        series->values[stage] = grown;
    }
    series->values[stage][n] = log((double)ns[1] / (double)ns[0]);
    series->pairs[stage]++;
    return 0;
}

static int keep_row(struct fb_gate_session *session, const struct fb_gate_series *series, int stage,
                    bool b_first, const uint64_t ns[2], uint64_t began, struct fb_error *err)
{
    struct fb_gate_pair row;
    fb_gate_pair_init(&row);
    SET(row.gate_id, "%s", session->gate_id);
    SET(row.arm, "%s", series->match ? "A/B" : "A/A");
    SET(row.cell, "%s", series->match ? series->match->name : "control");
    row.stage = (uint64_t)stage + 1;
    row.pair = series->pairs[stage];
    SET(row.order, "%s", b_first ? "BA" : "AB");
    row.a_ns = ns[0];
    row.b_ns = ns[1];
    row.start_ns = began - session->start_ns;
    return fb_gate_pairs_add(session->record, &row, err);
}

/* Of every two pairs one is the other way round, by turns of chance: ABBA or BAAB. */
static bool choose_order(struct fb_gate_session *session, struct fb_gate_series *series)
{
    bool second = (series->pairs[0] + series->pairs[1]) % 2 == 1;
    series->b_first = second ? !series->b_first : fb_random_below(&session->random, 2) == 1;
    return series->b_first;
}

/* The control's cells take turns; those that failed are passed over. */
static const struct fb_gate_match *match_of(const struct fb_gate_session *session,
                                            const struct fb_gate_series *series)
{
    const size_t count = session->ground.count, turn = series->pairs[0] + series->pairs[1];
    if (series->match)
        return series->match;
    for (size_t i = 0; i < count; i++)
        if (!*session->series[(turn + i) % count].reason)
            return &session->ground.matches[(turn + i) % count];
    return NULL;
}

int fb_gate_pair_run(struct fb_gate_session *session, struct fb_gate_series *series, int stage,
                     struct fb_error *err)
{
    const struct fb_gate_match *match = match_of(session, series);
    const bool b_first = choose_order(session, series), control = !series->match;
    const uint64_t began = fb_clock_ns();
    uint64_t ns[2] = { 0 };
    if (!match) {
        SET(series->reason, "no cell could be measured");
        return 0;
    }
    /* The control is A on both sides. */
    const struct fb_gate_side *sides = session->config->side;
    const int other = control ? FB_SIDE_A : FB_SIDE_B;
    const struct fb_gate_side *const side[2] = { &sides[FB_SIDE_A], &sides[other] };
    const struct fb_cell *const cells[2] = { match->side[FB_SIDE_A], match->side[other] };
    const bool counted = !control && series->exact[0].blocks < COUNTED;
    struct fb_gate_block blocks[2];
    struct fb_error why;
    int failed = 0;
    int rc =
        fb_gate_pair(&session->config->run, side, cells, b_first, counted, blocks, &failed, &why);
    if (rc == FB_EINTERRUPTED || rc == FB_EMEMORY)
        return fb_fail(err, rc, "%s", why.message);
    if (rc || blocks[0].ns == 0 || blocks[1].ns == 0) {
        SET(series->reason, "side %c: %.480s", "AB"[control ? 0 : failed],
            rc ? why.message : "the clock stood still");
        return 0;
    }
    for (int s = 0; s < 2; s++) {
        ns[s] = blocks[s].ns;
        if (counted)
            take_counters(&series->exact[s], &blocks[s].counters);
        if (!*series->unproven && *blocks[s].unproven)
            SET(series->unproven, "%s", blocks[s].unproven);
    }
    rc = keep(series, stage, ns, err);
    return rc ? rc : keep_row(session, series, stage, b_first, ns, began, err);
}

void fb_gate_series_free(struct fb_gate_series *series)
{
    for (int i = 0; i < 2; i++) {
        free(series->values[i]);
        free(series->ns[i]);
    }
    *series = (struct fb_gate_series){ 0 };
}
