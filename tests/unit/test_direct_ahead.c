/* Reading on through a file: what is read, what is not, and that it comes to an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/direct/ahead.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP ((uint64_t)1 << 20)

static int make_file(uint64_t bytes)
{
    char path[] = "/tmp/fmtbench-ahead-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    unlink(path);
    assert_int_equal(ftruncate(descriptor, (off_t)bytes), 0);
    return descriptor;
}

/* Bytes that this process has had from read calls. */
static uint64_t read_so_far(void)
{
    unsigned long long bytes = 0;
    FILE *io = fopen("/proc/self/io", "r");
    assert_non_null(io);
    assert_int_equal(fscanf(io, "rchar: %llu", &bytes), 1);
    fclose(io);
    return bytes;
}

/* Where it has come to once it has nothing left to do. */
static uint64_t come_to_rest(struct fb_direct_ahead *ahead)
{
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&ahead->lock);
        uint64_t at = ahead->at;
        bool rests = at >= ahead->end;
        pthread_mutex_unlock(&ahead->lock);
        if (rests)
            return at;
        usleep(1000);
    }
    fail_msg("it does not come to rest");
    return 0;
}

/* The bytes it reads for one request; looking at the counter costs some hundred. */
static uint64_t cost_of(struct fb_direct_ahead *ahead, int descriptor, uint64_t from, uint64_t end)
{
    uint64_t before = read_so_far();
    assert_true(fb_direct_ahead_read(ahead, descriptor, from, end));
    come_to_rest(ahead);
    uint64_t bytes = read_so_far() - before;
    assert_true(bytes % STEP < 4096);
    return bytes / STEP;
}

static void test_in_order(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    int descriptor = make_file(64 * STEP);
    fb_direct_ahead_begin(&ahead);
    assert_int_equal(cost_of(&ahead, descriptor, 2 * STEP, 6 * STEP), 4);
    /* What was read is not read again, and what has been passed by not at all. */
    assert_int_equal(cost_of(&ahead, descriptor, 3 * STEP, 7 * STEP), 1);
    assert_int_equal(cost_of(&ahead, descriptor, 3 * STEP, 7 * STEP), 0);
    assert_int_equal(cost_of(&ahead, descriptor, 40 * STEP, 42 * STEP), 2);
    assert_int_equal(cost_of(&ahead, descriptor, 0, 3 * STEP), 3);
    /* Small steps: what was read beyond the last one is not read again. */
    uint64_t steps = 0;
    for (uint64_t end = 3 * STEP; end < 5 * STEP; end += STEP / 20)
        steps += cost_of(&ahead, descriptor, end - STEP / 20, end);
    assert_int_equal(steps, 2);
    fb_direct_ahead_end(&ahead);
    close(descriptor);
}

static void test_end_of_file(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    int descriptor = make_file(3 * STEP);
    fb_direct_ahead_begin(&ahead);
    assert_int_equal(cost_of(&ahead, descriptor, STEP, 9 * STEP), 2);
    assert_int_equal(come_to_rest(&ahead), 3 * STEP);
    /* One that was cut off below where it stands. */
    assert_int_equal(ftruncate(descriptor, STEP), 0);
    assert_int_equal(cost_of(&ahead, descriptor, 2 * STEP, 9 * STEP), 0);
    fb_direct_ahead_end(&ahead);
    close(descriptor);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    fb_direct_ahead_begin(&ahead);
    assert_int_equal(cost_of(&ahead, -1, 0, 9 * STEP), 0);
    assert_false(fb_direct_ahead_read(&ahead, -1, 0, 9 * STEP));
    fb_direct_ahead_end(&ahead);
}

/* Neither one that was never asked nor one that is at work is waited for. */
static void test_ends_at_once(void **state)
{
    (void)state;
    struct fb_direct_ahead ahead;
    int descriptor = make_file(STEP << 14);
    fb_direct_ahead_begin(&ahead);
    fb_direct_ahead_end(&ahead);
    fb_direct_ahead_begin(&ahead);
    assert_true(fb_direct_ahead_read(&ahead, descriptor, 0, STEP << 14));
    uint64_t at = 0;
    for (int i = 0; i < 10000 && at == 0; i++) {
        usleep(100);
        pthread_mutex_lock(&ahead.lock);
        at = ahead.at;
        pthread_mutex_unlock(&ahead.lock);
    }
    fb_direct_ahead_end(&ahead);
    assert_true(at > 0 && ahead.at < ahead.end);
    close(descriptor);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_end_of_file),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_ends_at_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
