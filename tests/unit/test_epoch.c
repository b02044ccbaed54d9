/* An epoch: each sample once, in its place, whoever reads; and an end, whatever becomes of whom.
 * Over a made-up format, whose state the processes share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "bench/epoch/children.h"
#include "bench/epoch/epoch.h"
#include "bench/reference.h"
#include "bench/sample.h"
#include "tests/unit/pattern_source.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLES 23
#define ROWS 6
#define WIDTH 5
#define SAMPLE_BYTES (ROWS * WIDTH * sizeof(float))
/* A hang would end here. */
#define PATIENCE 60

enum where { NOWHERE, IN_OPEN, IN_READ, IN_CLOSE };

/* What the made-up format has done in all processes, and what it is to do. */
struct shared {
    atomic_int opens, closes, reads[SAMPLES], in_consumer, total_reads;
    pid_t consumer;
    enum where trouble;
    int after;  /* so many times it is fine */
    int signal; /* 0: an error instead; -1: exits */
    atomic_int counted;
    atomic_bool spoil; /* writes one wrong byte */
};

static struct shared *shared;

struct fb_reader {
    pid_t pid;
};

struct fb_array {
    pid_t pid;
    unsigned number;
};

static uint64_t rows_of(unsigned number)
{
    return number % (2 * ROWS); /* shorter, as long, longer, and none at all */
}

static float value_of(unsigned number, uint64_t row, unsigned column)
{
    return (float)(number * 1000 + row * 10 + column + 1);
}

static int trouble(enum where where, struct fb_error *err)
{
    if (shared->trouble != where || atomic_fetch_add(&shared->counted, 1) != shared->after)
        return 0;
    if (shared->signal > 0)
        raise(shared->signal);
    if (shared->signal < 0)
        _exit(3);
    return fb_fail(err, FB_EFORMAT, "the file is damaged here");
}

static int fake_open(const char *path, const struct fb_options *options, struct fb_reader **out,
                     struct fb_error *err)
{
    (void)path;
    (void)options;
    atomic_fetch_add(&shared->opens, 1);
    int rc = trouble(IN_OPEN, err);
    if (rc)
        return rc;
    *out = malloc(sizeof **out);
    (*out)->pid = getpid();
    return 0;
}

static void fake_close(struct fb_reader *reader)
{
    if (!reader)
        return;
    assert_int_equal(reader->pid, getpid());
    trouble(IN_CLOSE, NULL);
    atomic_fetch_add(&shared->closes, 1);
    free(reader);
}

/* A reader is used in the process that opened it. */
static int fake_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                           struct fb_error *err)
{
    if (reader->pid != getpid())
        return fb_fail(err, FB_EUSAGE, "a handle from before the fork");
    *out = malloc(sizeof **out);
    **out = (struct fb_array){ reader->pid, (unsigned)atoi(path + 1) };
    return 0;
}

static int fake_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                           void *dst, size_t capacity, size_t *delivered, struct fb_error *err)
{
    float *to = dst;
    int rc = trouble(IN_READ, err);
    if (rc)
        return rc;
    assert_int_equal(start[0], 0);
    assert_true(count[0] <= rows_of(array->number) && capacity == count[0] * WIDTH * sizeof *to);
    for (uint64_t row = 0; row < count[0]; row++)
        for (unsigned column = 0; column < WIDTH; column++)
            *to++ = value_of(array->number, row, column);
    if (shared->spoil && array->number == 7)
        ((unsigned char *)dst)[3] ^= 1;
    atomic_fetch_add(&shared->reads[array->number], 1);
    atomic_fetch_add(&shared->total_reads, 1);
    atomic_fetch_add(&shared->in_consumer, getpid() == shared->consumer);
    *delivered = capacity;
    return 0;
}

static void fake_array_close(struct fb_array *array)
{
    free(array);
}

static const struct fb_format fake_format = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .array_open = fake_array_open,
    .array_read = fake_array_read,
    .array_close = fake_array_close,
};

/* --- a setting -------------------------------------------------------------------------------- */

struct setting {
    struct fb_plan plan;
    struct fb_hash expected[SAMPLES];
    struct fb_delivery delivery;
    struct fb_epoch epoch;
};

/* In an order of their own: 0, 10, 20, 7, 17, ... */
static void make_plan(struct setting *setting)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        unsigned number = i * 10 % SAMPLES;
        char path[16];
        float sample[ROWS * WIDTH] = { 0 };
        struct fb_array_info array = {
            .path = path, .dtype = { FB_FLOAT, 4 }, .rank = 2, .dims = { rows_of(number), WIDTH }
        };
        snprintf(path, sizeof path, "a%u", number);
        assert_int_equal(fb_sample_add(&setting->plan, &array, ROWS, NULL), 0);
        for (uint64_t row = 0; row < ROWS && row < rows_of(number); row++)
            for (unsigned column = 0; column < WIDTH; column++)
                sample[row * WIDTH + column] = value_of(number, row, column);
        fb_hash_bytes(sample, sizeof sample, &setting->expected[i]);
    }
}

static void begin(struct setting *setting, struct fb_loading loading, uint64_t buffer)
{
    memset(shared, 0, sizeof *shared);
    shared->consumer = getpid();
    *setting = (struct setting){ 0 };
    make_plan(setting);
    assert_int_equal(fb_epoch_init(&setting->epoch, &setting->plan, &loading, NULL), 0);
    assert_int_equal(
        fb_delivery_init_shared(&setting->delivery, buffer, SAMPLES, FB_DELIVERY_HASH, NULL), 0);
    alarm(PATIENCE);
}

static int run(struct setting *setting, enum fb_handle handle, struct fb_error *err)
{
    static const struct fb_options none;
    struct fb_execution execution = {
        .format = &fake_format,
        .options = &none,
        .file = "",
        .handle = handle,
        .plan = &setting->plan,
        .delivery = &setting->delivery,
    };
    setting->delivery.hash_count = 0;
    return fb_epoch_run(&setting->epoch, &execution, err);
}

static void assert_no_child_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void finish(struct setting *setting)
{
    alarm(0);
    assert_no_child_left();
    fb_epoch_free(&setting->epoch);
    fb_delivery_free(&setting->delivery);
    fb_plan_free(&setting->plan);
}

static size_t wrong_samples(const struct setting *setting)
{
    size_t wrong = 0;
    assert_int_equal(setting->delivery.hash_count, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++)
        wrong += strcmp(setting->delivery.hashes[i].hex, setting->expected[i].hex) != 0;
    return wrong;
}

/* --- what is delivered ------------------------------------------------------------------------ */

static void check_epoch(uint64_t workers, enum fb_handle handle, uint64_t batch, uint64_t buffer)
{
    struct fb_loading loading = { .batch = batch, .workers = workers, .prefetch = 2 };
    struct setting setting;
    struct fb_error err;
    begin(&setting, loading, buffer);
    for (int again = 1; again <= 2; again++) {
        assert_int_equal(run(&setting, handle, &err), 0);
        assert_int_equal(wrong_samples(&setting), 0);
        for (unsigned i = 0; i < SAMPLES; i++)
            assert_int_equal(shared->reads[i], again);
        assert_int_equal(shared->opens, shared->closes);
        assert_int_equal(shared->opens, again * (handle == FB_HANDLE_EACH ? SAMPLES
                                                 : workers                ? (int)workers
                                                                          : 1));
        assert_int_equal(shared->in_consumer, workers ? 0 : again * SAMPLES);
        uint64_t sum = 0;
        for (size_t i = 0; i < setting.epoch.batches; i++)
            sum += setting.epoch.batches_ns[i];
        assert_true(sum > 0 && sum <= setting.epoch.ns);
    }
    finish(&setting);
}

/* Batches that divide the samples and do not; memory for one batch, for some, for all. */
static void test_each_sample_once(void **state)
{
    (void)state;
    static const uint64_t workers[] = { 0, 1, 2, 4 }, batches[] = { 1, 4, 23, 1000 };
    for (size_t w = 0; w < 4; w++)
        for (int handle = 0; handle < FB_HANDLE_COUNT; handle++)
            for (size_t b = 0; b < 4; b++) {
                uint64_t one = (batches[b] < SAMPLES ? batches[b] : SAMPLES) * SAMPLE_BYTES + 64;
                check_epoch(workers[w], (enum fb_handle)handle, batches[b], one);
                check_epoch(workers[w], (enum fb_handle)handle, batches[b], 3 * one);
                check_epoch(workers[w], (enum fb_handle)handle, batches[b], 64 * one);
            }
}

/* The consumer's step is time of the epoch, and none of waiting. */
static void test_step(void **state)
{
    (void)state;
    struct fb_loading loading = { .batch = 4, .workers = 2, .prefetch = 2, .step_ns = 20000000 };
    struct setting setting;
    struct fb_error err;
    uint64_t waited = 0;
    begin(&setting, loading, 1 << 20);
    assert_int_equal(run(&setting, FB_HANDLE_KEEP, &err), 0);
    for (size_t i = 0; i < setting.epoch.batches; i++)
        waited += setting.epoch.batches_ns[i];
    assert_true(setting.epoch.ns - waited >= 6 * loading.step_ns);
    finish(&setting);
}

/* One wrong byte is in one sample's hash, whoever read it. */
static void test_wrong_bytes(void **state)
{
    (void)state;
    for (uint64_t workers = 0; workers <= 2; workers++) {
        struct fb_loading loading = { .batch = 4, .workers = workers, .prefetch = 1 };
        struct setting setting;
        struct fb_error err;
        begin(&setting, loading, 1 << 20);
        shared->spoil = true;
        assert_int_equal(run(&setting, FB_HANDLE_ONCE, &err), 0);
        assert_int_equal(wrong_samples(&setting), 1);
        finish(&setting);
    }
}

static void test_memory(void **state)
{
    (void)state;
    struct fb_loading loading = { .batch = 4, .workers = 2, .prefetch = 1 };
    struct setting setting;
    struct fb_error err;
    begin(&setting, loading, 1 << 20);
    assert_int_equal(run(&setting, FB_HANDLE_ONCE, &err), 0);
    struct fb_memory_status status;
    fb_memory_status(getpid(), &status);
    assert_true(status.peak > 0 && status.shared >= 1 << 20 && status.peak >= status.shared);
    /* Two processes that do next to nothing. */
    assert_true(setting.epoch.children_bytes < 4 * status.peak);
    finish(&setting);
    loading.memory_bytes = 1;
    begin(&setting, loading, 1 << 20);
    shared->trouble = IN_READ;
    shared->signal = SIGSTOP; /* so that nothing comes, and there is time to look */
    assert_int_equal(run(&setting, FB_HANDLE_ONCE, &err), FB_EMEMORY);
    assert_non_null(strstr(err.message, "--memory-limit"));
    finish(&setting);
}

/* --- trouble ---------------------------------------------------------------------------------- */

static void check_trouble(uint64_t workers, enum fb_handle handle, enum where where, int after,
                          int signal, const char *word)
{
    struct fb_loading loading = { .batch = 2, .workers = workers, .prefetch = 2 };
    struct setting setting;
    struct fb_error err = { 0 };
    begin(&setting, loading, 1 << 20);
    shared->trouble = where;
    shared->after = after;
    shared->signal = signal;
    int rc = run(&setting, handle, &err);
    if (rc >= 0 || !strstr(err.message, word))
        fail_msg("%d workers, handle %d, where %d, after %d, signal %d: %d, %s", (int)workers,
                 (int)handle, (int)where, after, signal, rc, err.message);
    finish(&setting);
}

static void test_killed_child(void **state)
{
    (void)state;
    static const int signals[] = { SIGKILL, SIGSEGV, SIGTERM, -1 };
    static const char *const words[] = { "killed by signal 9", "killed by signal 11",
                                         "killed by signal 15", "exited with 3" };
    signal(SIGSEGV, SIG_DFL); /* which cmocka catches, and children inherit */
    for (uint64_t workers = 1; workers <= 4; workers += workers < 2 ? 1 : 2)
        for (int handle = 0; handle < FB_HANDLE_COUNT; handle++)
            for (int s = 0; s < 4; s++) {
                check_trouble(workers, (enum fb_handle)handle, IN_OPEN, 0, signals[s], words[s]);
                check_trouble(workers, (enum fb_handle)handle, IN_READ, 0, signals[s], words[s]);
                check_trouble(workers, (enum fb_handle)handle, IN_READ, 11, signals[s], words[s]);
                check_trouble(workers, (enum fb_handle)handle, IN_READ, SAMPLES - 1, signals[s],
                              words[s]);
                check_trouble(workers, (enum fb_handle)handle, IN_CLOSE, 0, signals[s], words[s]);
            }
}

static void test_error(void **state)
{
    (void)state;
    for (uint64_t workers = 0; workers <= 4; workers += 2)
        for (int handle = 0; handle < FB_HANDLE_COUNT; handle++) {
            check_trouble(workers, (enum fb_handle)handle, IN_OPEN, 0, 0, "the file is damaged");
            check_trouble(workers, (enum fb_handle)handle, IN_READ, 0, 0, "the file is damaged");
            check_trouble(workers, (enum fb_handle)handle, IN_READ, 11, 0, "the file is damaged");
        }
    check_trouble(2, FB_HANDLE_ONCE, IN_OPEN, 1, 0, "of 2: the file is damaged");
}

/* Killed from outside while it has nothing to do: more children than batches. */
static void test_killed_idle(void **state)
{
    (void)state;
    struct setting setting;
    struct fb_children children;
    struct fb_error err;
    size_t batch;
    for (int when = 0; when < 2; when++) {
        struct fb_loading loading = { .batch = 23, .workers = 4, .prefetch = 2 };
        begin(&setting, loading, 1 << 20);
        struct fb_execution execution = { .format = &fake_format, .plan = &setting.plan };
        struct fb_fetch fetch = { .run = &execution, .batch = 23 };
        struct fb_slots slots = { setting.delivery.ring, 23 * SAMPLE_BYTES, 1 };
        assert_int_equal(fb_children_start(&children, 4, &fetch, &slots, 0, &err), 0);
        assert_int_equal(fb_children_wait_ready(&children, &err), 0);
        if (when == 1) {
            assert_int_equal(fb_children_give(&children, 0, &err), 0);
            assert_int_equal(fb_children_take(&children, &batch, &err), 0);
            assert_int_equal(batch, 0);
        }
        kill(children.items[2].pid, SIGKILL);
        /* It has not been asked for anything, and is missed while others are waited for. */
        assert_int_equal(when ? fb_children_end(&children, &err)
                              : fb_children_take(&children, &batch, &err),
                         FB_EIO);
        assert_non_null(strstr(err.message, "loader process 3 of 4"));
        assert_non_null(strstr(err.message, "killed by signal 9"));
        fb_children_kill(&children);
        fb_children_kill(&children);
        finish(&setting);
    }
}

/* The consumer is killed: its children go with it. */
static void test_killed_consumer(void **state)
{
    (void)state;
    struct fb_loading loading = { .batch = 2, .workers = 3, .prefetch = 1 };
    struct setting setting;
    struct fb_error err;
    int ends[2];
    char byte;
    begin(&setting, loading, 1 << 20);
    assert_int_equal(pipe(ends), 0);
    pid_t consumer = fork();
    if (consumer == 0) {
        close(ends[0]); /* the other end is open as long as anyone lives */
        shared->trouble = IN_READ;
        shared->signal = SIGSTOP;
        run(&setting, FB_HANDLE_ONCE, &err);
        _exit(0);
    }
    close(ends[1]);
    while (shared->counted == 0)
        usleep(1000);
    kill(consumer, SIGKILL);
    waitpid(consumer, NULL, 0);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    finish(&setting);
}

/* --- sizes and refusals ----------------------------------------------------------------------- */

static void test_buffer(void **state)
{
    (void)state;
    struct setting setting;
    begin(&setting, (struct fb_loading){ .batch = 1 }, 1 << 20);
    static const struct {
        struct fb_loading loading;
        uint64_t room, bytes;
    } cases[] = {
        /* A sample is 120 bytes; a batch begins on a cache line. */
        { { .batch = 1 }, 0, 128 },
        { { .batch = 1 }, 1000, 7 * 128 },
        { { .batch = 1 }, 1 << 20, 23 * 128 },
        { { .batch = 4 }, 1 << 20, 6 * 512 },
        { { .batch = 4, .workers = 2, .prefetch = 2 }, 0, 4 * 512 },
        { { .batch = 4, .workers = 64, .prefetch = 64 }, 0, 6 * 512 },
        { { .batch = 1000000 }, 0, 2816 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setting.plan.loading = cases[i].loading;
        assert_int_equal(fb_epoch_buffer(&setting.plan, cases[i].room), cases[i].bytes);
    }
    for (size_t i = 0; i < SAMPLES; i++)
        setting.plan.requests[i].bytes = UINT64_C(1) << 60;
    setting.plan.loading = (struct fb_loading){ .batch = 23 };
    assert_int_equal(fb_epoch_buffer(&setting.plan, 0), INT64_MAX);
    setting.plan.loading = (struct fb_loading){ .batch = 1, .workers = 64, .prefetch = 64 };
    assert_int_equal(fb_epoch_buffer(&setting.plan, 0), INT64_MAX);
    finish(&setting);
}

static void test_refused(void **state)
{
    (void)state;
    struct fb_loading loading = { .batch = 4 };
    struct setting setting;
    struct fb_epoch epoch;
    struct fb_error err;
    begin(&setting, loading, 4 * SAMPLE_BYTES - 100);
    assert_int_equal(run(&setting, FB_HANDLE_ONCE, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, "smaller than a batch"));
    setting.plan.requests[5].bytes++;
    assert_int_equal(fb_epoch_init(&epoch, &setting.plan, &loading, &err), FB_EUSAGE);
    assert_non_null(strstr(err.message, "request 5"));
    fb_epoch_free(&epoch);
    setting.plan.requests[5].bytes--;
    setting.plan.requests[22].op = FB_OP_READ;
    assert_int_equal(fb_epoch_init(&epoch, &setting.plan, &loading, &err), FB_EUSAGE);
    fb_epoch_free(&epoch);
    finish(&setting);
}

/* The truth is cropped and padded by the same rule, written out here. */
static void test_reference(void **state)
{
    (void)state;
    static const uint64_t lengths[] = { 1, 5, 6, 7, 100 };
    struct pattern_source *source = pattern_many();
    const struct fb_catalog *catalog = pattern_catalog(&source->base);
    const struct fb_array_info *faces[] = {
        fb_catalog_find(catalog, "sample_000/expert/face"),
        fb_catalog_find(catalog, "sample_001/expert/face"),
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct fb_plan plan = { 0 };
        struct fb_hash hashes[2], expected;
        size_t row = 68 * 2 * 4, bytes = (size_t)lengths[i] * row;
        for (int a = 0; a < 2; a++)
            assert_int_equal(fb_sample_add(&plan, faces[a], lengths[i], NULL), 0);
        assert_int_equal(fb_reference_hash(&plan, &source->base, catalog, hashes, NULL), 0);
        for (int a = 0; a < 2; a++) {
            unsigned char *whole = pattern_bytes(faces[a]), *sample = calloc(1, bytes);
            memcpy(sample, whole, faces[a]->bytes < bytes ? faces[a]->bytes : bytes);
            fb_hash_bytes(sample, bytes, &expected);
            assert_int_equal(plan.requests[a].bytes, bytes);
            assert_string_equal(hashes[a].hex, expected.hex);
            free(whole);
            free(sample);
        }
        fb_plan_free(&plan);
    }
    fb_source_close(&source->base);
}

int main(void)
{
    shared = fb_memory_touched_shared(sizeof *shared);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_sample_once), cmocka_unit_test(test_step),
        cmocka_unit_test(test_wrong_bytes),      cmocka_unit_test(test_memory),
        cmocka_unit_test(test_killed_child),     cmocka_unit_test(test_error),
        cmocka_unit_test(test_killed_idle),      cmocka_unit_test(test_killed_consumer),
        cmocka_unit_test(test_buffer),           cmocka_unit_test(test_refused),
        cmocka_unit_test(test_reference),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fb_memory_release(shared, sizeof *shared);
    return failed;
}
