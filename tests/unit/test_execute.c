/* The clock and the delivery around a format that misbehaves: made-up formats, no files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bench/execute.h"
#include "bench/mean.h"

#include <stdlib.h>
#include <string.h>

#define VALUES 64

/* What the made-up format does; its open counts the calls. */
static struct {
    unsigned opens, closes, array_opens, reads, catalogs;
    bool short_read;
    bool lazy;     /* reads after the first say that they wrote, and do not */
    uint64_t now;  /* what the clock says: one more at each look */
    bool resident; /* offers its arrays as they lie */
    float memory[VALUES];
} fake;

struct fb_reader {
    int unused;
};

struct fb_array {
    int unused;
};

/* In place of the real clock. Closing takes a thousand, everything else nothing. */
#define CLOSE_TAKES 1000

uint64_t fb_clock_ns(void)
{
    return ++fake.now;
}

uint64_t fb_clock_cpu_ns(void)
{
    return 0;
}

static int fake_open(const char *path, const struct fb_options *options, struct fb_reader **out,
                     struct fb_error *err)
{
    (void)path;
    (void)options;
    (void)err;
    fake.opens++;
    *out = malloc(sizeof **out);
    return 0;
}

static void fake_close(struct fb_reader *reader)
{
    fake.closes += reader != NULL;
    fake.now += CLOSE_TAKES;
    free(reader);
}

static int fake_array_open(struct fb_reader *reader, const char *path, struct fb_array **out,
                           struct fb_error *err)
{
    (void)reader;
    (void)path;
    (void)err;
    fake.array_opens++;
    *out = malloc(sizeof **out);
    return 0;
}

static int fake_array_read(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                           void *dst, size_t capacity, size_t *delivered, struct fb_error *err)
{
    (void)array;
    (void)start;
    (void)count;
    (void)err;
    if (!fake.lazy || fake.reads == 0)
        memcpy(dst, fake.memory, capacity);
    fake.reads++;
    *delivered = fake.short_read ? capacity - 1 : capacity;
    return 0;
}

/* An array more at each call. */
static int fake_catalog(struct fb_reader *reader, struct fb_catalog *out, struct fb_error *err)
{
    (void)reader;
    static const uint64_t dims[] = { 5, 7 };
    static const char *const paths[] = { "a", "b", "c" };
    fake.catalogs++;
    for (unsigned i = 0; i < fake.catalogs; i++)
        fb_catalog_add(out, "", NULL, paths[i], (struct fb_dtype){ FB_INT, 2 }, i < 2 ? 2 : 0, dims,
                       err);
    return fb_catalog_finish(out, err);
}

static void fake_array_close(struct fb_array *array)
{
    free(array);
}

static int fake_resident(struct fb_array *array, const void **data, size_t *bytes,
                         struct fb_error *err)
{
    (void)array;
    (void)err;
    *data = fake.memory;
    *bytes = sizeof fake.memory;
    return 0;
}

static const struct fb_format fake_format = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .catalog = fake_catalog,
    .array_open = fake_array_open,
    .array_read = fake_array_read,
    .array_close = fake_array_close,
};

static const struct fb_format resident_format = {
    .name = "resident",
    .open = fake_open,
    .close = fake_close,
    .array_open = fake_array_open,
    .array_read = fake_array_read,
    .array_close = fake_array_close,
    .array_resident = fake_resident,
};

static const struct fb_format *prepare(bool resident)
{
    memset(&fake, 0, sizeof fake);
    for (int i = 0; i < VALUES; i++)
        fake.memory[i] = (float)i;
    return resident ? &resident_format : &fake_format;
}

/* Requests for arrays a, a, b. */
static void make_plan(struct fb_plan *plan, enum fb_op op)
{
    static const char *const paths[] = { "a", "a", "b" };
    for (size_t i = 0; i < 3; i++) {
        struct fb_request request = { .op = op,
                                      .array = (char *)paths[i],
                                      .dtype = { FB_FLOAT, 4 },
                                      .rank = 1,
                                      .count = { VALUES },
                                      .bytes = op == FB_OP_MEAN ? 8 : VALUES * 4 };
        assert_int_equal(fb_plan_add(plan, &request, NULL), 0);
    }
}

static uint64_t execute(const struct fb_format *format, enum fb_handle handle,
                        const struct fb_plan *plan, struct fb_delivery *delivery)
{
    static const struct fb_options none;
    struct fb_execution execution = { .format = format,
                                      .options = &none,
                                      .file = "",
                                      .handle = handle,
                                      .plan = plan,
                                      .delivery = delivery };
    struct fb_error err;
    uint64_t ns;
    delivery->hash_count = 0;
    assert_int_equal(fb_execute(&execution, &ns, &err), 0);
    assert_int_equal(delivery->hash_count, plan->count);
    return ns;
}

/* The right bytes of an earlier iteration must not pass for those of a read that wrote nothing. */
static void test_stale_bytes(void **state)
{
    (void)state;
    static const enum fb_op ops[] = { FB_OP_READ, FB_OP_LOAD, FB_OP_MEAN };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const struct fb_format *format = prepare(false);
        struct fb_plan plan = { 0 };
        struct fb_delivery delivery;
        struct fb_hash right;
        make_plan(&plan, ops[i]);
        plan.count = 1;
        assert_int_equal(fb_delivery_init(&delivery, 64 + VALUES * 4, 1, -1, NULL), 0);
        fake.lazy = true;
        execute(format, FB_HANDLE_ONCE, &plan, &delivery);
        right = delivery.hashes[0];
        for (int again = 0; again < 3; again++) {
            execute(format, FB_HANDLE_ONCE, &plan, &delivery);
            assert_string_not_equal(delivery.hashes[0].hex, right.hex);
        }
        plan.count = 3;
        fb_plan_free(&plan);
        fb_delivery_free(&delivery);
    }
}

static void test_handles(void **state)
{
    (void)state;
    static const struct {
        enum fb_handle handle;
        bool joined; /* the second request to the first */
        unsigned opens, array_opens;
    } expected[] = { { FB_HANDLE_ONCE, false, 1, 2 },
                     { FB_HANDLE_KEEP, false, 1, 2 },
                     { FB_HANDLE_EACH, false, 3, 3 },
                     { FB_HANDLE_EACH, true, 2, 2 } };
    struct fb_plan plan = { 0 };
    make_plan(&plan, FB_OP_READ);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct fb_format *format = prepare(false);
        struct fb_delivery delivery;
        plan.requests[1].joined = expected[i].joined;
        /* A ring of one request's size: each further one waits for the clock to stop. */
        assert_int_equal(fb_delivery_init(&delivery, VALUES * 4, 3, -1, NULL), 0);
        execute(format, expected[i].handle, &plan, &delivery);
        assert_int_equal(fake.opens, expected[i].opens);
        assert_int_equal(fake.closes, expected[i].opens);
        assert_int_equal(fake.array_opens, expected[i].array_opens);
        assert_string_equal(delivery.hashes[0].hex, delivery.hashes[2].hex);
        fb_delivery_free(&delivery);
    }
    fb_plan_free(&plan);
}

/* Dropped bytes are neither hashed nor wiped, and a full ring is emptied all the same. */
static void test_drop(void **state)
{
    (void)state;
    const struct fb_format *format = prepare(false);
    struct fb_plan plan = { 0 };
    struct fb_delivery delivery;
    struct fb_options none = { 0 };
    uint64_t ns;
    make_plan(&plan, FB_OP_READ);
    assert_int_equal(fb_delivery_init(&delivery, VALUES * 4, 3, FB_DELIVERY_DROP, NULL), 0);
    struct fb_execution execution = { .format = format,
                                      .options = &none,
                                      .file = "",
                                      .handle = FB_HANDLE_ONCE,
                                      .plan = &plan,
                                      .delivery = &delivery };
    assert_int_equal(fb_execute(&execution, &ns, NULL), 0);
    assert_null(delivery.hashes);
    assert_int_equal(delivery.hash_count, 0);
    assert_int_equal(delivery.pending_count, 0);
    assert_int_equal(delivery.used, 0);
    assert_int_equal(fake.reads, plan.count);
    assert_memory_equal(delivery.ring, fake.memory, VALUES * 4);
    fb_delivery_free(&delivery);
    fb_plan_free(&plan);
}

/* Which parts the clock counts. */
static void test_clock(void **state)
{
    (void)state;
    static const struct {
        enum fb_handle handle;
        enum fb_op op;
        bool resident, counts_close;
    } cases[] = {
        { FB_HANDLE_ONCE, FB_OP_READ, false, true }, { FB_HANDLE_KEEP, FB_OP_READ, false, false },
        { FB_HANDLE_ONCE, FB_OP_MEAN, false, true }, { FB_HANDLE_ONCE, FB_OP_LOAD, false, false },
        { FB_HANDLE_ONCE, FB_OP_LOAD, true, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fb_format *format = prepare(cases[i].resident);
        struct fb_plan plan = { 0 };
        struct fb_delivery delivery;
        make_plan(&plan, cases[i].op);
        assert_int_equal(fb_delivery_init(&delivery, 4096, 3, -1, NULL), 0);
        uint64_t ns = execute(format, cases[i].handle, &plan, &delivery);
        assert_int_equal(ns >= CLOSE_TAKES, cases[i].counts_close);
        fb_plan_free(&plan);
        fb_delivery_free(&delivery);
    }
}

/* What is delivered is the mean; the array is read behind it, into one buffer over and over. */
static void test_mean(void **state)
{
    (void)state;
    static const uint64_t rings[] = { 64 + VALUES * 4, 4096 };
    for (size_t i = 0; i < 2; i++) {
        const struct fb_format *format = prepare(false);
        struct fb_plan plan = { 0 };
        struct fb_delivery delivery;
        struct fb_hash expected;
        double mean;
        make_plan(&plan, FB_OP_MEAN);
        fb_mean_rows((struct fb_dtype){ FB_FLOAT, 4 }, fake.memory, VALUES, 1, &mean);
        fb_hash_bytes(&mean, sizeof mean, &expected);
        assert_int_equal(fb_delivery_init(&delivery, rings[i], 3, -1, NULL), 0);
        execute(format, FB_HANDLE_EACH, &plan, &delivery);
        assert_int_equal(fake.opens, 3);
        for (size_t k = 0; k < 3; k++)
            assert_string_equal(delivery.hashes[k].hex, expected.hex);
        /* All that was touched has been wiped, delivered or not. */
        for (size_t k = 0; k < delivery.capacity; k++)
            assert_int_equal(delivery.ring[k], delivery.ring[0]);
        fb_delivery_free(&delivery);
        fb_plan_free(&plan);
    }
}

static void assert_refused(const struct fb_plan *plan, uint64_t ring, const char *why)
{
    static const struct fb_options none;
    struct fb_delivery delivery;
    struct fb_error err;
    uint64_t ns;
    assert_int_equal(fb_delivery_init(&delivery, ring, 3, -1, NULL), 0);
    struct fb_execution execution = { .format = &fake_format,
                                      .options = &none,
                                      .file = "",
                                      .handle = FB_HANDLE_ONCE,
                                      .plan = plan,
                                      .delivery = &delivery };
    assert_true(fb_execute(&execution, &ns, &err) < 0);
    assert_non_null(strstr(err.message, why));
    fb_delivery_free(&delivery);
}

static void test_mean_refused(void **state)
{
    (void)state;
    struct fb_plan plan = { 0 };
    prepare(false);
    make_plan(&plan, FB_OP_MEAN);
    assert_refused(&plan, VALUES * 4 - 1, "buffer");
    assert_int_equal(fake.reads, 0);
    fake.short_read = true;
    assert_refused(&plan, 4096, "255 bytes instead of 256");
    /* The row of a stranger's plan: its mean cannot even be counted. */
    plan.requests[0].count[0] = 1;
    plan.requests[0].rank = 2;
    plan.requests[0].count[1] = INT64_MAX / 4;
    plan.requests[0].bytes = INT64_MAX;
    assert_refused(&plan, 4096, "buffer");
    fb_plan_free(&plan);
}

static void test_catalog(void **state)
{
    (void)state;
    static const char *const texts[] = { "a\tint16\t5x7\n", "a\tint16\t5x7\nb\tint16\t5x7\n",
                                         "a\tint16\t5x7\nb\tint16\t5x7\nc\tint16\t\n" };
    const struct fb_format *format = prepare(false);
    struct fb_plan plan = { 0 };
    struct fb_delivery delivery;
    struct fb_request request = { .op = FB_OP_CATALOG, .array = (char *)"" };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(fb_plan_add(&plan, &request, NULL), 0);
    assert_int_equal(fb_delivery_init(&delivery, 0, 3, -1, NULL), 0);
    execute(format, FB_HANDLE_ONCE, &plan, &delivery);
    assert_int_equal(fake.array_opens, 0);
    for (size_t i = 0; i < 3; i++) {
        struct fb_hash expected;
        fb_hash_bytes(texts[i], strlen(texts[i]), &expected);
        assert_string_equal(delivery.hashes[i].hex, expected.hex);
    }
    fb_delivery_free(&delivery);
    fb_plan_free(&plan);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stale_bytes),  cmocka_unit_test(test_handles),
        cmocka_unit_test(test_clock),        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_mean_refused), cmocka_unit_test(test_catalog),
        cmocka_unit_test(test_drop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
