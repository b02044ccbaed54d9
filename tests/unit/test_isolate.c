/* Work in a child process: whatever becomes of it, we say so and go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/isolate.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLENTY (UINT64_C(1) << 40)

static int finish(void *context)
{
    return *(int *)context;
}

static int crash(void *context)
{
    (void)context;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}

static int go_in_circles(void *context)
{
    volatile uint64_t *turns = context;
    fb_isolate_patience(1);
    /* Not for ever, should nobody stop it; a fast processor takes 4e9 turns in a second. */
    while (*turns < 40000000000)
        ++*turns;
    return 0;
}

static int swell(void *context)
{
    (void)context;
    for (int i = 0; i < 2000; i++) {
        char *memory = malloc(1 << 20);
        memset(memory, 1, 1 << 20);
        usleep(100);
    }
    return 0;
}

/* Deaf to the first signal, as a library that never looks. */
static int ignore_interrupts(void *context)
{
    (void)context;
    signal(SIGINT, SIG_IGN);
    kill(getppid(), SIGINT);
    usleep(200000);
    kill(getppid(), SIGINT);
    sleep(25);
    return 0;
}

static int isolate(int (*work)(void *), void *context, uint64_t limit, struct fb_error *err)
{
    return fb_isolate(work, context, limit, "the work", NULL, 0, err);
}

static void test_exit_codes(void **state)
{
    (void)state;
    struct fb_error err;
    int code = 7;
    assert_int_equal(isolate(finish, &code, PLENTY, &err), 7);
    code = 0;
    assert_int_equal(isolate(finish, &code, PLENTY, &err), 0);
}

static void test_crash(void **state)
{
    (void)state;
    struct fb_error err;
    assert_int_equal(isolate(crash, NULL, PLENTY, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, "crashed (signal 11"));
}

static void test_circles(void **state)
{
    (void)state;
    struct fb_error err;
    uint64_t turns = 0;
    assert_int_equal(isolate(go_in_circles, &turns, PLENTY, &err), FB_EFORMAT);
    assert_non_null(strstr(err.message, "does not come to an end"));
}

static void test_memory(void **state)
{
    (void)state;
    struct fb_error err;
    assert_int_equal(isolate(swell, NULL, UINT64_C(200) << 20, &err), FB_EMEMORY);
    assert_non_null(strstr(err.message, "--memory-limit"));
}

static void test_second_signal(void **state)
{
    (void)state;
    struct fb_error err;
    assert_int_equal(isolate(ignore_interrupts, NULL, PLENTY, &err), FB_EINTERRUPTED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),    cmocka_unit_test(test_crash),
        cmocka_unit_test(test_circles),       cmocka_unit_test(test_memory),
        cmocka_unit_test(test_second_signal),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
