/* Traces: the arithmetic of spans by a clock of the test's own, and what HDF5 reads do against what
 * their chunk geometry says on paper. No real time is looked at. */
#include "geometry.h"

#include <dlfcn.h>
#include <sys/syscall.h>

/* --- what the library really asks of the kernel ----------------------------------------------- */

static struct {
    uint64_t calls, bytes;
} kernel;

/* In place of libc's, for libhdf5 too. */
static ssize_t counted_pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    ssize_t n = syscall(SYS_pread64, fd, buffer, bytes, offset);
    kernel.calls++;
    kernel.bytes += n > 0 ? (uint64_t)n : 0;
    return n;
}

ssize_t pread(int fd, void *buffer, size_t bytes, off_t offset)
{
    return counted_pread(fd, buffer, bytes, offset);
}

ssize_t pread64(int fd, void *buffer, size_t bytes, off64_t offset)
{
    return counted_pread(fd, buffer, bytes, offset);
}

/* --- a library that hides its filters --------------------------------------------------------- */

/* In place of libc's, for the code under test. The address sanitizer calls it before it can run. */
#ifndef __SANITIZE_ADDRESS__
static bool hide_filters;

void *dlsym(void *restrict handle, const char *restrict name)
{
    static void *(*real)(void *restrict, const char *restrict);
    if (!real)
        *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    return hide_filters && strcmp(name, "H5Z_register") == 0 ? NULL : real(handle, name);
}
#endif

/* --- spans ------------------------------------------------------------------------------------ */

struct fake_clock {
    uint64_t now;
    enum fb_part slow; /* the part whose spans take SLOW each */
};

#define SLOW 1000

static uint64_t fake_now(void *context)
{
    return ((struct fake_clock *)context)->now;
}

static void fake_delay(void *context, enum fb_part part)
{
    struct fake_clock *clock = context;
    clock->now += part == clock->slow ? SLOW : 0;
}

static void test_spans(void **state)
{
    (void)state;
    struct fake_clock clock = { .now = 100 };
    struct fb_trace trace = { .clock = fake_now, .clock_context = &clock };
    clock.now += 5; /* before anything: nobody's */
    fb_trace_enter(&trace, FB_PART_LOOKUP);
    clock.now += 10;
    fb_trace_enter(&trace, FB_PART_META_IO);
    clock.now += 7;
    fb_trace_leave(&trace);
    clock.now += 1;
    fb_trace_leave(&trace);
    clock.now += 1000; /* between spans: nobody's */
    fb_trace_enter(&trace, FB_PART_LOOKUP);
    clock.now += 3;
    fb_trace_enter(&trace, FB_PART_LOOKUP); /* within one of its own kind */
    clock.now += 4;
    fb_trace_leave(&trace);
    fb_trace_leave(&trace);
    assert_int_equal(trace.ns[FB_PART_LOOKUP], 10 + 1 + 3 + 4);
    assert_int_equal(trace.calls[FB_PART_LOOKUP], 3);
    assert_int_equal(trace.ns[FB_PART_META_IO], 7);
    assert_int_equal(trace.calls[FB_PART_META_IO], 1);
    assert_int_equal(trace.ns[FB_PART_RAW_IO], 0);
    assert_int_equal(trace.depth, 0);
}

/* One leave too many, NULL and a paused trace change nothing. */
static void test_spans_idle(void **state)
{
    (void)state;
    struct fake_clock clock = { .now = 100, .slow = FB_PART_OPEN };
    struct fb_trace trace = { .clock = fake_now, .clock_context = &clock };
    fb_trace_leave(&trace);
    fb_trace_enter(NULL, FB_PART_OPEN);
    fb_trace_leave(NULL);
    fb_trace_free(NULL);
    trace.delay = fake_delay;
    trace.delay_context = &clock;
    trace.paused = true;
    fb_trace_enter(&trace, FB_PART_OPEN);
    clock.now += 10;
    fb_trace_leave(&trace);
    assert_int_equal(clock.now, 110);
    trace.paused = false;
    fb_trace_enter(&trace, FB_PART_INFLATE);
    clock.now += 2;
    fb_trace_leave(&trace);
    for (int i = 0; i < FB_PART_COUNT; i++) {
        assert_int_equal(trace.ns[i], i == FB_PART_INFLATE ? 2 : 0);
        assert_int_equal(trace.calls[i], i == FB_PART_INFLATE);
    }
}

/* Deeper than the stack, time stays with the innermost span that has a place on it. */
static void test_spans_deep(void **state)
{
    (void)state;
    struct fake_clock clock = { .now = 0 };
    struct fb_trace trace = { .clock = fake_now, .clock_context = &clock };
    for (int i = 0; i < FB_TRACE_DEPTH + 3; i++) {
        fb_trace_enter(&trace, i < FB_TRACE_DEPTH - 1 ? FB_PART_OPEN : FB_PART_LIBRARY);
        clock.now += 1;
    }
    for (int i = 0; i < FB_TRACE_DEPTH + 3; i++) {
        clock.now += 10;
        fb_trace_leave(&trace);
    }
    assert_int_equal(trace.depth, 0);
    assert_int_equal(trace.calls[FB_PART_OPEN], FB_TRACE_DEPTH - 1);
    assert_int_equal(trace.calls[FB_PART_LIBRARY], 1);
    assert_int_equal(trace.ns[FB_PART_OPEN], (FB_TRACE_DEPTH - 1) * (1 + 10));
    assert_int_equal(trace.ns[FB_PART_LIBRARY], 4 * (1 + 10));
    clock.now += 99;
    fb_trace_leave(&trace);
    assert_int_equal(trace.ns[FB_PART_OPEN], (FB_TRACE_DEPTH - 1) * (1 + 10));
}

static void test_seen(void **state)
{
    (void)state;
    struct fb_trace trace = { 0 };
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 10000; i++)
            assert_int_equal(fb_trace_see(&trace, i * 4096), round == 0);
    fb_trace_free(&trace);
    assert_int_equal(fb_trace_see(&trace, 4096), 1);
    fb_trace_free(&trace);
}

/* --- over HDF5 -------------------------------------------------------------------------------- */

static struct fb_reader *open_traced(const char *path, struct fb_trace *trace)
{
    struct fb_reader *reader = NULL;
    struct fb_error err = { 0 };
    if (fb_format_as_is.open_traced(path, NULL, trace, &reader, &err) != 0)
        fail_msg("%s", err.message);
    return reader;
}

/* All requests of a geometry, through any open reader. */
static void read_requests(struct fb_reader *reader, const struct geometry *geometry)
{
    struct fb_array *array = open_array(reader, "x");
    for (size_t i = 0; i < geometry->requests; i++) {
        const struct window *window = &geometry->windows[i];
        if (geometry->reopens && i > 0) {
            fb_format_as_is.array_close(array);
            array = open_array(reader, "x");
        }
        check_window(array, geometry, window);
    }
    fb_format_as_is.array_close(array);
}

static void check_counts(const struct geometry *geometry, const struct fb_trace *trace)
{
    const struct fb_trace_counts *counts = &trace->counts;
    assert_int_equal(counts->asked_bytes, geometry->asked_bytes);
    assert_int_equal(counts->chunks_touched, geometry->touched);
    assert_int_equal(counts->chunks_inflated, geometry->inflated);
    assert_int_equal(counts->chunks_again, geometry->again);
    assert_int_equal(counts->inflated_bytes, geometry->inflated_bytes);
    assert_int_equal(counts->raw_reads, geometry->raw_reads);
    if (geometry->level == PLAIN)
        assert_int_equal(counts->raw_bytes, geometry->raw_bytes);
    else
        assert_int_equal(counts->raw_bytes, counts->deflated_bytes);
    assert_int_equal(trace->calls[FB_PART_INFLATE], geometry->inflated);
    assert_int_equal(trace->calls[FB_PART_UNSHUFFLE], geometry->shuffle ? geometry->inflated : 0);
    assert_int_equal(trace->calls[FB_PART_RAW_IO], counts->raw_reads);
    assert_int_equal(trace->calls[FB_PART_META_IO], counts->meta_reads);
    assert_int_equal(trace->calls[FB_PART_LIBRARY], geometry->requests);
    assert_int_equal(trace->calls[FB_PART_OPEN], 2);
    assert_int_equal(trace->calls[FB_PART_LOOKUP],
                     2 * (geometry->reopens ? geometry->requests : 1));
    /* Beside the driver: what went through the kernel. */
    assert_int_equal(counts->raw_reads + counts->meta_reads, kernel.calls);
    assert_int_equal(counts->raw_bytes + counts->meta_bytes, kernel.bytes);
    assert_false(trace->filters_hidden);
    assert_int_equal(trace->depth, 0);
}

static void test_counts(void **state)
{
    char *path = in_folder(state, "a.h5");
    for (size_t i = 0; i < geometry_count; i++) {
        for (int variant = 0; variant < VARIANTS; variant++) {
            struct fb_trace trace = { 0 };
            geometry_write(&geometries[i], variant, path);
            print_message("# %s, variant %d\n", geometries[i].name, variant);
            kernel.calls = kernel.bytes = 0;
            struct fb_reader *reader = open_traced(path, &trace);
            read_requests(reader, &geometries[i]);
            fb_format_as_is.close(reader);
            check_counts(&geometries[i], &trace);
            fb_trace_free(&trace);
        }
    }
}

/* Each part in turn is slow: as many times as it was called, and nothing else is. */
static void test_delays(void **state)
{
    char *path = in_folder(state, "a.h5");
    const struct geometry *geometry = geometry_named("shuffle and gzip");
    geometry_write(geometry, 0, path);
    for (int slow = 0; slow < FB_PART_COUNT; slow++) {
        struct fake_clock clock = { .slow = (enum fb_part)slow };
        struct fb_trace trace = {
            .clock = fake_now, .clock_context = &clock, .delay = fake_delay, .delay_context = &clock
        };
        struct fb_reader *reader = open_traced(path, &trace);
        read_requests(reader, geometry);
        fb_format_as_is.close(reader);
        assert_true(trace.calls[slow] > 0);
        for (int part = 0; part < FB_PART_COUNT; part++)
            assert_int_equal(trace.ns[part], part == slow ? SLOW * trace.calls[part] : 0);
        fb_trace_free(&trace);
    }
}

/* The chunk that a second reader of the pass inflates is still the same chunk. */
static void test_again_across_readers(void **state)
{
    char *path = in_folder(state, "a.h5");
    const struct geometry *geometry = geometry_named("over two chunks");
    struct fb_trace trace = { 0 };
    geometry_write(geometry, 0, path);
    for (int i = 0; i < 3; i++) {
        struct fb_reader *reader = open_traced(path, &trace);
        read_requests(reader, geometry);
        fb_format_as_is.close(reader);
    }
    assert_int_equal(trace.counts.chunks_inflated, 6);
    assert_int_equal(trace.counts.chunks_again, 4);
    fb_trace_free(&trace);
}

/* What is done while the clock stands counts nowhere. */
static void test_paused(void **state)
{
    char *path = in_folder(state, "a.h5");
    const struct geometry *geometry = geometry_named("over two chunks");
    struct fb_trace trace = { .paused = true };
    geometry_write(geometry, 0, path);
    struct fb_reader *reader = open_traced(path, &trace);
    assert_int_equal(trace.counts.meta_reads, 0);
    trace.paused = false;
    read_requests(reader, geometry);
    trace.paused = true;
    fb_format_as_is.close(reader);
    assert_int_equal(trace.calls[FB_PART_OPEN], 0);
    assert_int_equal(trace.counts.chunks_inflated, 2);
    assert_true(trace.counts.meta_reads > 0);
    assert_int_equal(trace.calls[FB_PART_META_IO], trace.counts.meta_reads);
    fb_trace_free(&trace);
}

/* --- filters are put back --------------------------------------------------------------------- */

/* Private, but exported; tells what stands in the library's table. */
static const H5Z_class2_t *filter_in_table(H5Z_filter_t id)
{
    const H5Z_class2_t *(*find)(H5Z_filter_t) = NULL;
    *(void **)&find = dlsym(RTLD_NEXT, "H5Z_find");
    assert_non_null(find);
    return find(id);
}

static void test_filters_put_back(void **state)
{
    char *path = in_folder(state, "a.h5");
    const struct geometry *geometry = geometry_named("shuffle and gzip");
    struct fb_trace trace = { 0 };
    geometry_write(geometry, 0, path);
    H5Z_func_t deflate = filter_in_table(H5Z_FILTER_DEFLATE)->filter;
    H5Z_func_t shuffle = filter_in_table(H5Z_FILTER_SHUFFLE)->filter;
    struct fb_reader *reader = open_traced(path, &trace);
    assert_true(filter_in_table(H5Z_FILTER_DEFLATE)->filter != deflate);
    assert_true(filter_in_table(H5Z_FILTER_SHUFFLE)->filter != shuffle);
    /* Another reader of the thread is nobody's business. */
    struct fb_reader *other = open_file(path);
    read_requests(other, geometry);
    fb_format_as_is.close(other);
    fb_format_as_is.close(reader);
    assert_true(filter_in_table(H5Z_FILTER_DEFLATE)->filter == deflate);
    assert_true(filter_in_table(H5Z_FILTER_SHUFFLE)->filter == shuffle);
    other = open_file(path);
    read_requests(other, geometry);
    fb_format_as_is.close(other);
    assert_int_equal(trace.counts.chunks_inflated, 0);
    assert_int_equal(trace.calls[FB_PART_INFLATE], 0);
    fb_trace_free(&trace);
}

#ifndef __SANITIZE_ADDRESS__
/* Then what inflating takes stays with the library, and the trace says so. */
static void test_filters_hidden(void **state)
{
    char *path = in_folder(state, "a.h5");
    const struct geometry *geometry = geometry_named("shuffle and gzip");
    struct fb_trace trace = { 0 };
    geometry_write(geometry, 0, path);
    hide_filters = true;
    struct fb_reader *reader = open_traced(path, &trace);
    hide_filters = false;
    read_requests(reader, geometry);
    fb_format_as_is.close(reader);
    assert_true(trace.filters_hidden);
    assert_int_equal(trace.calls[FB_PART_INFLATE], 0);
    assert_int_equal(trace.counts.chunks_inflated, 0);
    assert_int_equal(trace.counts.chunks_touched, 2);
    assert_int_equal(trace.counts.raw_reads, 2);
    fb_trace_free(&trace);
}
#endif

/* One at a time; what fails to open leaves nothing behind. */
static void test_one_at_a_time(void **state)
{
    char *path = in_folder(state, "a.h5");
    struct fb_trace trace = { 0 }, second = { 0 };
    struct fb_reader *reader, *other = NULL;
    struct fb_error err = { 0 };
    geometry_write(&geometries[0], 0, path);
    H5Z_func_t deflate = filter_in_table(H5Z_FILTER_DEFLATE)->filter;
    reader = open_traced(path, &trace);
    assert_int_equal(fb_format_as_is.open_traced(path, NULL, &second, &other, &err), FB_EUSAGE);
    assert_null(other);
    fb_format_as_is.close(reader);
    assert_int_equal(fb_format_as_is.open_traced("/nowhere", NULL, &second, &other, &err), FB_EIO);
    assert_int_equal(fb_format_as_is.open_traced("/dev/null", NULL, &second, &other, &err), FB_EIO);
    assert_true(filter_in_table(H5Z_FILTER_DEFLATE)->filter == deflate);
    assert_int_equal(second.depth, 0);
    reader = open_traced(path, &second);
    fb_format_as_is.close(reader);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

/* Catalog and search are lookups. */
static void test_catalog_is_lookup(void **state)
{
    char *path = in_folder(state, "a.h5");
    struct fb_trace trace = { 0 };
    struct fb_catalog catalog;
    struct fb_matches matches = { 0 };
    struct fb_error err = { 0 };
    const struct fb_query query = { "*", 0, 0, UINT64_MAX, NULL };
    geometry_write(&geometries[0], 0, path);
    struct fb_reader *reader = open_traced(path, &trace);
    read_catalog(reader, &catalog);
    assert_int_equal(fb_format_as_is.find(reader, &query, &matches, &err), 0);
    assert_int_equal(trace.calls[FB_PART_LOOKUP], 2);
    assert_int_equal(trace.counts.asked_bytes, matches.length);
    fb_format_as_is.close(reader);
    fb_catalog_free(&catalog);
    free(matches.text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_spans_idle),
        cmocka_unit_test(test_spans_deep),
        cmocka_unit_test(test_seen),
        TEST(test_counts),
        TEST(test_delays),
        TEST(test_again_across_readers),
        TEST(test_paused),
        TEST(test_filters_put_back),
#ifndef __SANITIZE_ADDRESS__
        TEST(test_filters_hidden),
#endif
        TEST(test_one_at_a_time),
        TEST(test_catalog_is_lookup),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
