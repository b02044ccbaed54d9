/* Advice: the geometry of plans against numbers worked out by hand, and each cause from a pass made
 * by hand. */
#include "advice_stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fb_work work_of(const struct stage *stage)
{
    struct fb_work work;
    assert_true(fb_work_of(&stage->what, &stage->layout, 1000000, &work));
    return work;
}

static void test_chunks_touched(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 2851, 68, 2 }, h5py[] = { 357, 17, 1 };
    struct stage s;
    begin(&s, 3, dims, h5py, "gzip(4)", 0.5);
    /* Frames 300-399 lie in two rows of chunks, of 4 x 2 each. */
    ask(&s, (const uint64_t[]){ 300, 0, 0 }, (const uint64_t[]){ 100, 68, 2 });
    struct fb_work work = work_of(&s);
    assert_int_equal(work.touched, 16);
    assert_int_equal(work.loaded, 16);
    assert_int_equal(work.loaded_bytes, 16 * 357 * 17 * 4);
    assert_int_equal(work.bytes, 100 * 68 * 2 * 4);
    /* In memory neighbours along the last axis belong to two chunks: every number is a row. */
    assert_int_equal(work.runs, 100 * 68 * 2);
    /* 24 kB each, so all are still there for the next request, which touches 8 of them. */
    ask(&s, (const uint64_t[]){ 400, 0, 0 }, (const uint64_t[]){ 100, 68, 2 });
    work = work_of(&s);
    assert_int_equal(work.touched, 24);
    assert_int_equal(work.loaded, 16);
    /* With the file opened for each request the cache is lost. */
    s.what.handle = FB_HANDLE_EACH;
    assert_int_equal(work_of(&s).loaded, 24);
    assert_int_equal(work_of(&s).array_opens, 2);
    end(&s);
}

static void test_whole_rows(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 1000, 68, 2 }, chunk[] = { 100, 68, 2 };
    struct stage s;
    begin(&s, 3, dims, chunk, "gzip(4)", 0.5);
    ask(&s, (const uint64_t[]){ 100, 0, 0 }, (const uint64_t[]){ 100, 68, 2 });
    ask(&s, (const uint64_t[]){ 950, 0, 0 }, (const uint64_t[]){ 50, 68, 2 });
    struct fb_work work = work_of(&s);
    assert_int_equal(work.touched, 2);
    assert_int_equal(work.runs, 2);
    assert_int_equal(work.loaded_bytes, 2 * 54400);
    assert_int_equal(work.reads, 2);
    assert_int_equal(work.read_bytes, 2 * 27200);
    end(&s);
}

static void test_cache(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 8, 100000 }, chunk[] = { 1, 100000 };
    struct stage s;
    begin(&s, 2, dims, chunk, "gzip(4)", 0.5);
    /* 400 kB a chunk: two fit. The third pushes the first out, which is then read again. */
    for (uint64_t turn = 0; turn < 2; turn++)
        for (uint64_t row = 0; row < 3; row++)
            ask(&s, (const uint64_t[]){ row, 0 }, (const uint64_t[]){ 1, 100000 });
    assert_int_equal(work_of(&s).touched, 6);
    assert_int_equal(work_of(&s).loaded, 6);
    s.layout.cache_bytes = 1200000;
    assert_int_equal(work_of(&s).loaded, 3);
    /* Two chunks in one slot of the hash table displace each other. */
    s.layout.cache_slots = 1;
    assert_int_equal(work_of(&s).loaded, 6);
    end(&s);
}

static void test_larger_than_the_cache(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 500, 3000 }, chunk[] = { 250, 3000 };
    struct stage s;
    begin(&s, 2, dims, chunk, "gzip(4)", 0.1);
    for (uint64_t row = 0; row < 20; row++)
        ask(&s, (const uint64_t[]){ row, 0 }, (const uint64_t[]){ 1, 3000 });
    assert_int_equal(work_of(&s).loaded, 20);
    assert_int_equal(work_of(&s).loaded_bytes, UINT64_C(20) * 3000000);
    /* Without filters such a chunk is read past the cache, only the rows. */
    s.layout.filtered = false;
    assert_int_equal(work_of(&s).loaded, 0);
    assert_int_equal(work_of(&s).reads, 20);
    assert_int_equal(work_of(&s).read_bytes, 20 * 12000);
    end(&s);
}

static void test_one_piece(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 10000, 68, 2 };
    struct stage s;
    begin(&s, 3, dims, NULL, "", 1);
    /* A window is longer than the sieve? 54,400 bytes are not: 64 KiB are read. */
    ask(&s, (const uint64_t[]){ 0, 0, 0 }, (const uint64_t[]){ 100, 68, 2 });
    assert_int_equal(work_of(&s).runs, 1);
    assert_int_equal(work_of(&s).read_bytes, 65536);
    ask(&s, (const uint64_t[]){ 1000, 0, 0 }, (const uint64_t[]){ 1000, 68, 2 });
    assert_int_equal(work_of(&s).read_bytes, 65536 + 544000);
    end(&s);
    begin(&s, 3, dims, NULL, "", 1);
    /* A column: 121 frames begin and end their 8 bytes within 64 KiB, so 10000 take 83 reads. */
    ask(&s, (const uint64_t[]){ 0, 0, 0 }, (const uint64_t[]){ 10000, 1, 2 });
    assert_int_equal(work_of(&s).runs, 10000);
    assert_int_equal(work_of(&s).reads, 83);
    end(&s);
}

static void check(const struct fb_advice *advice, enum fb_cause cause, enum fb_remedy remedy,
                  const char *options)
{
    assert_string_equal(fb_cause_names[advice->cause], fb_cause_names[cause]);
    assert_string_equal(fb_remedy_names[advice->remedy], fb_remedy_names[remedy]);
    assert_string_equal(advice->options, options);
}

static void test_too_large(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 60000, 68, 2 }, chunk[] = { 1800, 68, 2 };
    struct stage s;
    begin(&s, 3, dims, chunk, "gzip(4)", 0.5);
    ask_windows(&s, 5400);
    took(&s, 200, 1000, 49000, 500);
    struct fb_advice advice = advise(&s, 0);
    check(&advice, FB_CAUSE_TOO_LARGE, FB_REMEDY_CHUNK, "level=4,chunk=100x68x2");
    assert_int_equal(advice.now.loaded_bytes, 10 * 979200);
    assert_int_equal(advice.then.loaded_bytes, advice.now.bytes);
    /* An eighteenth of the bytes: inflating takes 2.7 ms, and all the rest 0.7. */
    assert_true(advice.gain > 12 && advice.gain < 18);
    end(&s);
}

static void test_too_small(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 20000, 68, 2 }, chunk[] = { 1, 68, 2 };
    struct stage s;
    begin(&s, 3, dims, chunk, "shuffle+gzip(6)", 0.97);
    ask_windows(&s, 1000);
    took(&s, 200, 700, 6000, 3000);
    struct fb_advice advice = advise(&s, 0);
    assert_int_equal(advice.cause, FB_CAUSE_TOO_SMALL);
    assert_non_null(strstr(advice.options, "level=6,shuffle=1,chunk="));
    assert_true(advice.then.touched <= 40 && advice.gain > 2);
    end(&s);
}

static void test_split(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 30000, 68, 2 }, chunk[] = { 400, 17, 1 };
    struct stage s;
    begin(&s, 3, dims, chunk, "gzip(4)", 0.5);
    ask_windows(&s, 2000);
    took(&s, 200, 300, 9000, 1500);
    struct fb_advice advice = advise(&s, 0);
    check(&advice, FB_CAUSE_SPLIT, FB_REMEDY_CHUNK, "level=4,chunk=100x68x2");
    end(&s);
}

static void test_small_cache(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 64, 12000 }, chunk[] = { 64, 12000 };
    struct stage s;
    begin(&s, 2, dims, chunk, "gzip(4)", 0.3);
    for (uint64_t row = 0; row < 64; row++)
        ask(&s, (const uint64_t[]){ row, 0 }, (const uint64_t[]){ 1, 12000 });
    took(&s, 200, 20000, 960000, 1000);
    struct fb_advice advice = advise(&s, 0);
    check(&advice, FB_CAUSE_CACHE, FB_REMEDY_CACHE, "cache=4194304");
    assert_int_equal(advice.then.loaded, 1);
    assert_true(advice.gain > 30);
    end(&s);
}

static void test_incompressible(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 20000, 68, 2 }, chunk[] = { 100, 68, 2 };
    struct stage s;
    begin(&s, 3, dims, chunk, "gzip(4)", 0.96);
    ask_windows(&s, 1000);
    took(&s, 200, 200, 9000, 100);
    struct fb_advice advice = advise(&s, 0);
    assert_int_equal(advice.cause, FB_CAUSE_INCOMPRESSIBLE);
    assert_true(advice.remedy == FB_REMEDY_PLAIN || advice.remedy == FB_REMEDY_CONTIGUOUS);
    assert_true(advice.gain > 5);
    end(&s);
}

static void test_strided(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 40000, 68, 2 };
    struct stage s;
    begin(&s, 3, dims, NULL, "", 1);
    for (uint64_t i = 0; i < 8; i++)
        ask(&s, (const uint64_t[]){ 0, i * 3, 0 }, (const uint64_t[]){ 40000, 1, 2 });
    took(&s, 200, 16000, 0, 4000);
    struct fb_advice advice = advise(&s, 0);
    assert_int_equal(advice.cause, FB_CAUSE_STRIDED);
    assert_int_equal(advice.remedy, FB_REMEDY_CHUNK);
    assert_int_equal(advice.chunk[1], 1);
    assert_int_equal(advice.chunk[2], 2);
    assert_non_null(strstr(advice.options, "level=0,chunk="));
    assert_true(advice.gain > 4);
    end(&s);
}

static void test_open_and_floor(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 20000, 68, 2 };
    struct stage s;
    begin(&s, 3, dims, NULL, "", 1);
    ask_windows(&s, 1000);
    took(&s, 600, 100, 0, 100);
    struct fb_advice advice = advise(&s, 250000);
    check(&advice, FB_CAUSE_OPEN, FB_REMEDY_KEEP, "handle=keep");
    assert_true(fabs(advice.gain - 3.2) < 1e-9);
    took(&s, 10, 500, 0, 100);
    advice = advise(&s, 600000);
    check(&advice, FB_CAUSE_FLOOR, FB_REMEDY_NONE, "");
    assert_true(advice.gain == 1);
    end(&s);
}

/* Another array of the same rank is narrower: a writer would refuse the shape. */
static void test_fits_the_catalog(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 60000, 68, 2 }, other[] = { 100, 3, 2 };
    static const uint64_t chunk[] = { 1800, 68, 2 };
    const struct fb_dtype f32 = { FB_FLOAT, 4 };
    struct fb_catalog both = { 0 };
    assert_int_equal(fb_catalog_add(&both, "", NULL, "x", f32, 3, dims, NULL), 0);
    assert_int_equal(fb_catalog_add(&both, "", NULL, "y", f32, 3, other, NULL), 0);
    assert_int_equal(fb_catalog_finish(&both, NULL), 0);
    assert_false(fb_chunk_fits(&both, 3, chunk));
    assert_true(fb_chunk_fits(&both, 3, (const uint64_t[]){ 1800, 3, 2 }));
    assert_false(fb_chunk_fits(&both, 3, (const uint64_t[]){ 60001, 3, 2 }));
    struct fb_layout layout = { 0 };
    fb_chunk_apply(3, (const uint64_t[]){ 1800, 3, 2 }, &both.arrays[1], &layout);
    assert_int_equal(layout.chunk[0], 100);
    fb_catalog_free(&both);
}

static void test_candidates(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 2000, 68, 2 }, count[] = { 100, 68, 2 };
    struct fb_array_info array = { .dtype = { FB_FLOAT, 4 }, .rank = 3, .bytes = 1088000 };
    struct fb_shapes shapes;
    bool found = false;
    memcpy(array.dims, dims, sizeof dims);
    fb_chunk_candidates(&array, count, &shapes);
    for (size_t i = 0; i < shapes.count; i++) {
        found |= memcmp(shapes.chunk[i], count, sizeof count) == 0;
        for (unsigned k = 0; k < 3; k++)
            assert_true(shapes.chunk[i][k] >= 1 && shapes.chunk[i][k] <= dims[k]);
    }
    assert_true(found);
}

/* What is printed names numbers that geometry gives, in lines that fit. */
static void test_sentences(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 60000, 68, 2 }, chunk[] = { 1800, 68, 2 };
    struct stage s;
    char *text;
    size_t size;
    begin(&s, 3, dims, chunk, "gzip(4)", 0.5);
    ask_windows(&s, 5400);
    took(&s, 200, 1000, 49000, 500);
    struct fb_advice advice = advise(&s, 0);
    FILE *stream = open_memstream(&text, &size);
    fb_advice_print(stream, &s.what, &s.measured, &advice, 1000);
    fclose(stream);
    assert_non_null(strstr(text, "The largest cost is inflate: 49.0 ms of 50.7 ms (97 %).\n"));
    assert_non_null(strstr(text, "each 100x68x2 request decodes 1.0"));
    assert_non_null(strstr(text, "18.0 times the bytes asked for.\n"));
    assert_non_null(strstr(text, "level=4,chunk=100x68x2 (1.0 times"));
    for (char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 100);
    free(text);
    end(&s);
}

/* What would be written in other chunks would go through another filter: nothing is promised. */
static void test_other_filters(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 60000, 68, 2 }, chunk[] = { 1800, 68, 2 };
    static const char *const filters[] = { "szip", "shuffle+lzf", "bzip2", "gzip(4)+fletcher32" };
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct stage s;
        char *text;
        size_t size;
        begin(&s, 3, dims, chunk, filters[i], 0.5);
        ask_windows(&s, 5400);
        took(&s, 200, 1000, 49000, 500);
        struct fb_advice advice = advise(&s, 0);
        check(&advice, FB_CAUSE_FILTERS, FB_REMEDY_NONE, "");
        assert_true(advice.gain == 1);
        FILE *stream = open_memstream(&text, &size);
        fb_advice_print(stream, &s.what, &s.measured, &advice, 100);
        fclose(stream);
        assert_non_null(strstr(text, filters[i]));
        assert_null(strstr(text, "as fast"));
        free(text);
        end(&s);
    }
    assert_true(fb_filters_written("") && fb_filters_written("shuffle"));
    assert_true(fb_filters_written("gzip(9)") && fb_filters_written("shuffle+gzip(4)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_touched),
        cmocka_unit_test(test_whole_rows),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_larger_than_the_cache),
        cmocka_unit_test(test_one_piece),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_too_small),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_small_cache),
        cmocka_unit_test(test_incompressible),
        cmocka_unit_test(test_strided),
        cmocka_unit_test(test_open_and_floor),
        cmocka_unit_test(test_fits_the_catalog),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_other_filters),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
