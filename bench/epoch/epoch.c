#include "bench/epoch/epoch.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/number.h"
#include "bench/epoch/children.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Batches start on cache lines. */
#define ALIGNMENT 64

/* --- sizes ------------------------------------------------------------------------------------ */

/* A batch of more than all samples is one of all samples. */
static uint64_t samples_of(const struct fb_plan *plan, uint64_t batch)
{
    return batch < plan->count ? batch : plan->count;
}

static bool slot_bytes(const struct fb_plan *plan, uint64_t batch, uint64_t *out)
{
    if (!fb_mul_u64(plan->requests[0].bytes, samples_of(plan, batch), out) || *out > INT64_MAX / 2)
        return false;
    *out = (*out + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return true;
}

/* Batches under way together. */
static uint64_t batches_ahead(const struct fb_loading *loading)
{
    return loading->workers ? loading->workers * loading->prefetch : 1;
}

static uint64_t count_batches(const struct fb_plan *plan, uint64_t batch)
{
    return (plan->count + batch - 1) / batch;
}

uint64_t fb_epoch_buffer(const struct fb_plan *plan, uint64_t room)
{
    const struct fb_loading *loading = &plan->loading;
    uint64_t bytes, slots = batches_ahead(loading);
    if (plan->count == 0)
        return 0;
    if (!slot_bytes(plan, loading->batch, &bytes))
        return INT64_MAX;
    if (bytes > 0 && room / bytes > slots)
        slots = room / bytes;
    if (slots > count_batches(plan, loading->batch))
        slots = count_batches(plan, loading->batch);
    return fb_mul_u64(bytes, slots, &bytes) && bytes < INT64_MAX ? bytes : INT64_MAX;
}

int fb_epoch_init(struct fb_epoch *epoch, const struct fb_plan *plan,
                  const struct fb_loading *loading, struct fb_error *err)
{
    *epoch = (struct fb_epoch){ .loading = *loading };
    for (size_t i = 0; i < plan->count; i++)
        if (plan->requests[i].op != FB_OP_SAMPLE ||
            plan->requests[i].bytes != plan->requests[0].bytes)
            return fb_fail(err, FB_EUSAGE,
                           "request %zu of the plan is no sample as large as the others: there are "
                           "no batches of it",
                           i);
    epoch->loading.batch = samples_of(plan, loading->batch);
    if (plan->count > 0)
        epoch->batches = (size_t)count_batches(plan, epoch->loading.batch);
    epoch->batches_ns = calloc(epoch->batches + 1, sizeof *epoch->batches_ns);
    epoch->done = calloc(epoch->batches + 1, sizeof *epoch->done);
    return epoch->batches_ns && epoch->done ? 0 : fb_fail_memory(err, "the batches");
}

void fb_epoch_free(struct fb_epoch *epoch)
{
    free(epoch->batches_ns);
    free(epoch->done);
    *epoch = (struct fb_epoch){ 0 };
}

/* --- the clock -------------------------------------------------------------------------------- */

struct state {
    struct fb_epoch *epoch;
    const struct fb_execution *run;
    struct fb_fetch fetch; /* the consumer's own, without workers */
    struct fb_children children;
    struct fb_slots slots;
    size_t given;       /* batches that the children have been told to read */
    size_t flushed;     /* batches whose slots are free again */
    uint64_t inherited; /* private memory that the children begin with */
    uint64_t elapsed, started;
};

static void clock_on(struct state *state)
{
    fb_meter_begin(state->run->meter);
    state->started = fb_clock_ns();
}

static void clock_off(struct state *state)
{
    state->elapsed += fb_clock_ns() - state->started;
    fb_meter_end(state->run->meter);
}

/* --- batches ---------------------------------------------------------------------------------- */

static unsigned char *slot_of(const struct state *state, size_t batch)
{
    return state->slots.memory + batch % state->slots.count * state->slots.bytes;
}

/* Up to the batch `most`, as far as there are slots that have been delivered. */
static int give_until(struct state *state, size_t most, struct fb_error *err)
{
    size_t room = state->flushed + state->slots.count;
    int rc = 0;
    most = most < state->epoch->batches ? most : state->epoch->batches;
    most = most < room ? most : room;
    while (rc == 0 && state->given < most)
        rc = fb_children_give(&state->children, state->given++, err);
    return rc;
}

/* From the children, who get the next task before the consumer goes on. */
static int await_batch(struct state *state, size_t batch, struct fb_error *err)
{
    size_t ahead = (size_t)batches_ahead(&state->epoch->loading), read;
    int rc = give_until(state, batch + ahead, err);
    while (rc == 0 && !state->epoch->done[batch]) {
        rc = fb_children_take(&state->children, &read, err);
        if (rc == 0)
            state->epoch->done[read] = true;
    }
    return rc ? rc : give_until(state, batch + 1 + ahead, err);
}

static void note_samples(struct state *state, size_t batch)
{
    struct fb_delivery *delivery = state->run->delivery;
    size_t first, count = fb_fetch_samples(&state->fetch, batch, &first);
    size_t bytes = (size_t)state->run->plan->requests[0].bytes;
    for (size_t i = 0; i < count; i++)
        fb_delivery_note_outside(delivery, slot_of(state, batch) + i * bytes, bytes, NULL);
    fb_delivery_touch(delivery, (batch - state->flushed + 1) * state->slots.bytes);
}

/* A training step on a processor: busy, and of a known length. */
static void compute(uint64_t ns)
{
    uint64_t end = fb_clock_ns() + ns;
    while (fb_clock_ns() < end)
        ;
}

/* All slots have been delivered, so that the children have nothing to do while the clock stands. */
static int empty_slots(struct state *state, size_t batch, struct fb_error *err)
{
    clock_off(state);
    int rc = fb_delivery_flush(state->run->delivery, err);
    state->flushed = batch;
    clock_on(state);
    return rc;
}

static int deliver_batches(struct state *state, struct fb_error *err)
{
    struct fb_epoch *epoch = state->epoch;
    int rc = 0;
    for (size_t batch = 0; rc == 0 && batch < epoch->batches; batch++) {
        if (batch - state->flushed == state->slots.count)
            rc = empty_slots(state, batch, err);
        uint64_t wanted = fb_clock_ns();
        if (rc == 0)
            rc = epoch->loading.workers
                     ? await_batch(state, batch, err)
                     : fb_fetch_batch(&state->fetch, batch, slot_of(state, batch), err);
        epoch->batches_ns[batch] = fb_clock_ns() - wanted;
        if (rc)
            break;
        note_samples(state, batch);
        if (epoch->loading.step_ns)
            compute(epoch->loading.step_ns);
    }
    return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int begin(struct state *state, struct fb_error *err)
{
    const struct fb_loading *loading = &state->epoch->loading;
    if (loading->workers == 0)
        return fb_fetch_open(&state->fetch, err);
    int rc = fb_children_start(&state->children, (size_t)loading->workers, &state->fetch,
                               &state->slots, loading->memory_bytes, err);
    if (rc == 0 && state->run->handle == FB_HANDLE_KEEP)
        rc = fb_children_wait_ready(&state->children, err);
    return rc;
}

static int end(struct state *state, struct fb_error *err)
{
    fb_fetch_close(&state->fetch);
    return fb_children_end(&state->children, err);
}

/* Of the children, who wait to be told what is next, while the clock stands. */
static void note_memory(struct state *state)
{
    if (state->children.count == 0)
        return;
    clock_off(state);
    uint64_t bytes = fb_children_memory(&state->children, state->inherited);
    if (bytes > state->epoch->children_bytes)
        state->epoch->children_bytes = bytes;
    clock_on(state);
}

/* From the first fork or open to the last close: with `keep`, what lies between. */
static int run_clocked(struct state *state, struct fb_error *err)
{
    bool keep = state->run->handle == FB_HANDLE_KEEP;
    int rc = keep ? begin(state, err) : 0;
    if (rc)
        return rc;
    clock_on(state);
    if (!keep)
        rc = begin(state, err);
    if (rc == 0)
        rc = deliver_batches(state, err);
    note_memory(state);
    if (rc == 0 && !keep)
        rc = end(state, err);
    clock_off(state);
    return rc;
}

int fb_epoch_run(struct fb_epoch *epoch, const struct fb_execution *run, struct fb_error *err)
{
    struct state state = {
        .epoch = epoch,
        .run = run,
        .fetch = { .run = run, .batch = (size_t)epoch->loading.batch },
    };
    struct fb_memory_status status;
    uint64_t bytes;
    epoch->ns = 0;
    if (epoch->batches == 0)
        return 0;
    if (!slot_bytes(run->plan, epoch->loading.batch, &bytes) || bytes > run->delivery->capacity)
        return fb_fail(err, FB_EUSAGE, "the job's buffer is smaller than a batch");
    state.slots = (struct fb_slots){ run->delivery->ring, (size_t)bytes, 1 };
    if (bytes > 0)
        state.slots.count = run->delivery->capacity / (size_t)bytes;
    memset(epoch->done, 0, epoch->batches * sizeof *epoch->done);
    fb_memory_status(getpid(), &status);
    state.inherited = status.own;
    int rc = run_clocked(&state, err);
    /* Children that are waited for behind the clock are in no span. */
    if (epoch->loading.workers && run->handle == FB_HANDLE_KEEP)
        fb_meter_spoil(run->meter);
    if (rc == 0)
        rc = fb_delivery_flush(run->delivery, err);
    if (rc == 0 && run->handle == FB_HANDLE_KEEP)
        rc = end(&state, err);
    fb_fetch_close(&state.fetch);
    fb_children_kill(&state.children);
    epoch->ns = state.elapsed;
    return rc;
}
