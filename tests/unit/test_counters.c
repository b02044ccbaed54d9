/* Counters of this process: exact bytes and calls, and messages there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bench/cache.h"
#include "bench/counters.h"
#include "bench/talk.h"
#include "results/record.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a span holds is counted to the byte; the meter's own readings are not. */
static void test_exact(void **state)
{
    (void)state;
    struct fb_meter meter;
    char buffer[1000];
    int fd = open("/dev/zero", O_RDONLY);
    assert_true(fd >= 0);
    fb_meter_open(&meter);
    assert_true(meter.fd >= 0);
    for (int round = 0; round < 3; round++) {
        fb_meter_reset(&meter);
        for (int span = 0; span < 4; span++) {
            fb_meter_begin(&meter);
            for (int i = 0; i < span; i++)
                assert_int_equal(read(fd, buffer, sizeof buffer), 1000);
            fb_meter_end(&meter);
            assert_int_equal(read(fd, buffer, 10), 10); /* outside */
        }
        assert_int_equal(meter.sum.read_bytes, 6000);
        assert_int_equal(meter.sum.read_calls, 6);
        assert_int_equal(meter.sum.device_bytes, 0);
    }
    fb_meter_close(&meter);
    close(fd);
}

/* A child that ends in a span counts from its fork on; one that ends elsewhere does not. */
static void test_children(void **state)
{
    (void)state;
    struct fb_meter meter;
    char buffer[1000];
    int fd = open("/dev/zero", O_RDONLY);
    fb_meter_open(&meter);
    for (int inside = 0; inside < 2; inside++) {
        fb_meter_reset(&meter);
        fb_meter_begin(&meter);
        pid_t child = fork();
        if (child == 0) {
            for (int i = 0; i < 7; i++)
                if (read(fd, buffer, sizeof buffer) != 1000)
                    _exit(1);
            while (fb_clock_cpu_ns() < 20000000)
                ;
            _exit(0);
        }
        if (inside)
            assert_int_equal(waitpid(child, NULL, 0), child);
        fb_meter_end(&meter);
        if (!inside)
            assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(meter.sum.read_bytes, inside ? 7000 : 0);
        assert_int_equal(meter.sum.read_calls, inside ? 7 : 0);
        assert_true(!inside || meter.sum.user_ns + meter.sum.system_ns >= 20000000);
    }
    fb_meter_spoil(&meter);
    assert_true(meter.sum.read_bytes == FB_NA && meter.sum.user_ns == FB_NA);
    fb_meter_spoil(NULL);
    fb_meter_close(&meter);
    close(fd);
}

static void test_faults(void **state)
{
    (void)state;
    struct fb_meter meter;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 64;
    fb_meter_open(&meter);
    char *map =
        mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(madvise(map, pages * page, MADV_NOHUGEPAGE), 0);
    /* Reading maps the page of zeroes, and has a sanitizer touch its own memory for these pages. */
    for (size_t i = 0; i < pages; i++)
        assert_int_equal(((volatile char *)map)[i * page], 0);
    fb_meter_begin(&meter);
    for (size_t i = 0; i < pages; i++)
        map[i * page] = 1;
    fb_meter_end(&meter);
    assert_in_range(meter.sum.minor_faults, pages, pages + 8);
    munmap(map, pages * page);
    fb_meter_close(&meter);
    fb_meter_begin(NULL);
    fb_meter_end(NULL);
}

/* Without /proc/self/io only what getrusage tells is known. */
static void test_lacking(void **state)
{
    (void)state;
    struct fb_meter meter = { .fd = -1 };
    fb_meter_begin(&meter);
    fb_meter_end(&meter);
    assert_true(meter.sum.read_bytes == FB_NA && meter.sum.device_bytes == FB_NA);
    assert_true(meter.sum.minor_faults != FB_NA);
}

static void test_messages(void **state)
{
    (void)state;
    struct fb_counters counters = { 1, 2, FB_NA, 4, 5, 6, 7 }, back, sum = { 0 };
    json_t *message = fb_counters_message(&counters);
    assert_int_equal(json_object_size(message), 6);
    fb_counters_parse(message, &back);
    assert_memory_equal(&counters, &back, sizeof back);
    json_object_set_new(message, "read_calls", json_string("many"));
    json_object_set_new(message, "user_ns", json_integer(-1));
    fb_counters_parse(message, &back);
    assert_true(back.read_calls == FB_NA && back.user_ns == FB_NA && back.read_bytes == 1);
    json_decref(message);
    fb_counters_parse(NULL, &back);
    assert_true(back.read_bytes == FB_NA);
    fb_counters_add(&sum, &counters);
    fb_counters_add(&sum, &counters);
    assert_int_equal(sum.read_bytes, 2);
    assert_true(sum.device_bytes == FB_NA);
    assert_true(fb_counter_difference(5, 4) == FB_NA && fb_counter_difference(FB_NA, 4) == FB_NA);
    assert_int_equal(fb_counter_difference(4, 5), 1);
}

/* --- what proves a cache state ---------------------------------------------------------------- */

static void test_proof(void **state)
{
    (void)state;
    static const struct {
        enum fb_cache state;
        double resident;
        uint64_t device, read, asked, file;
        bool proven;
    } cases[] = {
        { FB_CACHE_COLD, 0, FB_NA, FB_NA, 100, 0, true },
        { FB_CACHE_COLD, 0.01, 0, 0, 100, 0, true },
        { FB_CACHE_COLD, 0.0101, 1000, 1000, 100, 0, false }, /* seen to be warm: no way around */
        { FB_CACHE_WARM, 0.99, FB_NA, FB_NA, 100, 0, true },
        { FB_CACHE_WARM, 0.98, FB_NA, FB_NA, 100, 0, false },
        { FB_CACHE_COLD, NAN, 1000, 1000, 5000, 0,
          true }, /* compressed: fewer bytes than asked for */
        { FB_CACHE_COLD, NAN, 990, 1000, 100, 0, true },
        { FB_CACHE_COLD, NAN, 989, 1000, 100, 0, false },
        { FB_CACHE_COLD, NAN, 5000, 10, 5000, 0, true }, /* mapped */
        { FB_CACHE_COLD, NAN, 4000, 10, 5000, 0, false },
        { FB_CACHE_COLD, NAN, FB_NA, 1000, 1000, 0, false },
        { FB_CACHE_COLD, NAN, 1000, FB_NA, 1000, 0, false },
        { FB_CACHE_COLD, NAN, 0, 0, 0, 0, false },
        { FB_CACHE_WARM, NAN, 0, 1000, 1000, 0, false },
        { FB_CACHE_COLD, NAN, 800, 1000, 800, 800, true }, /* all of it came, and was read twice */
        { FB_CACHE_COLD, NAN, 700, 1000, 800, 800, false },
        { FB_CACHE_COLD, NAN, 800, 10, 1600, 800, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_cache_evidence evidence = { cases[i].resident, cases[i].device, cases[i].read,
                                              cases[i].asked, cases[i].file };
        char why[256];
        bool proven = fb_cache_proven("/", cases[i].state, &evidence, why, sizeof why);
        if (proven != cases[i].proven)
            fail_msg("case %zu: %s", i, why);
        assert_int_equal(proven, why[0] == '\0');
    }
}

/* /proc/self/fd of a memory file lies on tmpfs: cold is never proven there, and it is named. */
static void test_proof_names_filesystem(void **state)
{
    (void)state;
    struct fb_cache_evidence cold = { 0, 1000, 1000, 1000, 0 };
    char path[64], why[256];
    int fd = memfd_create("fmtbench-test", 0);
    assert_true(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_false(fb_cache_proven(path, FB_CACHE_COLD, &cold, why, sizeof why));
    assert_non_null(strstr(why, "tmpfs"));
    assert_non_null(strstr(why, "-o DIR"));
    cold.resident = 1;
    assert_true(fb_cache_proven(path, FB_CACHE_WARM, &cold, why, sizeof why));
    close(fd);
}

/* Reading a large file into the page cache is not the worker's time. */
static void test_deadline_moves_on(void **state)
{
    (void)state;
    struct fb_process process = FB_PROCESS_NONE;
    struct fb_error err;
    char path[] = "/tmp/fmtbench-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    for (int i = 0; i < FB_CACHE_COUNT; i++) {
        process.deadline_ns = 1000;
        assert_int_equal(fb_talk_prepare_cache(&process, path, (enum fb_cache)i, &err), 0);
        assert_true(process.deadline_ns > 1000);
    }
    unlink(path);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_lacking),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_proof),
        cmocka_unit_test(test_proof_names_filesystem),
        cmocka_unit_test(test_deadline_moves_on),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
