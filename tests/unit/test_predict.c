/* What is promised of short chunks: on both sides of what it must be. */
#include "advice_stage.h"

/* 5000 chunks of 544 bytes: ten windows of 500 frames. */
static void begin_short(struct stage *stage, const char *filters)
{
    static const uint64_t dims[] = { 20000, 68, 2 }, chunk[] = { 1, 68, 2 };
    begin(stage, 3, dims, chunk, filters, 0.95);
    for (uint64_t i = 0; i < 10; i++)
        ask(stage, (const uint64_t[]){ i * 2000, 0, 0 }, (const uint64_t[]){ 500, 68, 2 });
}

static struct fb_advice advise_with(struct stage *stage, double inflate_byte, double compressed)
{
    struct fb_rates rates = fb_rates_typical;
    struct fb_advice advice;
    struct fb_error err = { 0 };
    rates.inflate_byte = inflate_byte;
    stage->what.long_compressed = compressed;
    assert_int_equal(fb_advise(&stage->what, &stage->measured, 0, &rates, &advice, &err), 0);
    return advice;
}

static void assert_between(double value, double least, double most)
{
    if (value < least || value > most)
        fail_msg("%g is not between %g and %g", value, least, most);
}

/* As measured: 62 ms, of which 33.6 inflating; in chunks of 125x68x2 it took 17.2 ms with 14.6
 * inflating, 5.4 ns a byte: 3.6 times as fast. */
static void test_as_measured(void **state)
{
    (void)state;
    struct stage s;
    begin_short(&s, "gzip(4)");
    took(&s, 1900, 9300, 33600, 16000);
    s.measured.ns[FB_PART_META_IO] = 1100000;
    s.measured.total_ns += 1100000;
    struct fb_advice advice = advise_with(&s, 5.2, 0.46);
    assert_int_equal(advice.cause, FB_CAUSE_TOO_SMALL);
    assert_int_equal(advice.remedy, FB_REMEDY_CHUNK);
    assert_between(advice.gain, 3.2, 4.0);
    end(&s);
}

/* The bytes of long chunks cost what was found that they cost, and that is all that a promise of
 * mere decoding leaves: 2.72 MB at 2, 4 and 8 ns. */
static void test_bytes_of_long_chunks(void **state)
{
    (void)state;
    for (double rate = 2; rate <= 8; rate *= 2) {
        struct stage s;
        begin_short(&s, "gzip(4)");
        took(&s, 0, 0, 40000, 0);
        struct fb_advice advice = advise_with(&s, rate, 0.5);
        double bytes = 2720000;
        assert_int_equal(advice.now.loaded_bytes, 2720000);
        assert_between(advice.then_ns, rate * bytes, 1.3 * rate * bytes + 500000);
        end(&s);
    }
}

/* However dear a byte is said to be, the same bytes in fewer calls are not promised to be dearer;
 * and unshuffling is by the byte. */
static void test_never_dearer(void **state)
{
    (void)state;
    struct stage s;
    struct fb_work now, then;
    struct fb_layout longer;
    struct fb_rates rates = fb_rates_typical;
    begin_short(&s, "shuffle+gzip(4)");
    took(&s, 0, 0, 40000, 0);
    rates.inflate_byte = 1000;
    rates.fault = rates.read_byte = 0;
    longer = s.layout;
    longer.chunk[0] = 100;
    assert_true(fb_work_of(&s.what, &s.layout, 1000000, &now));
    assert_true(fb_work_of(&s.what, &longer, 1000000, &then));
    assert_int_equal(then.loaded_bytes, now.loaded_bytes);
    assert_between(fb_predict(&s.measured, &rates, &now, &then, true), 39e6, 40e6 + 1);
    /* The same layout takes the same time. */
    assert_between(fb_predict(&s.measured, &rates, &now, &now, true), 39.9e6, 40.1e6);
    s.measured.ns[FB_PART_UNSHUFFLE] = 4000000;
    s.measured.total_ns += 4000000;
    assert_between(fb_predict(&s.measured, &rates, &now, &then, true), 43e6, 44e6 + 1);
    end(&s);
}

/* Reads between which nothing is decoded any more cost what a read costs on the machine, however
 * dear they were; but by the byte never more than they did. */
static void test_reads_without_decoding(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 20000, 68, 2 }, chunk[] = { 100, 68, 2 };
    struct stage s;
    struct fb_work now, then;
    struct fb_rates rates = fb_rates_typical;
    begin(&s, 3, dims, chunk, "gzip(4)", 1);
    ask_windows(&s, 1000);
    took(&s, 0, 1000, 20000, 0);
    struct fb_layout piece = { 0 };
    rates.read_byte = 0.06;
    rates.read_call = 1000;
    rates.request = rates.run = rates.byte = 0; /* there is no time in the library */
    assert_true(fb_work_of(&s.what, &s.layout, 1000000, &now));
    assert_true(fb_work_of(&s.what, &piece, 1000000, &then));
    assert_int_equal(then.read_bytes, 655360); /* the sieve's */
    assert_int_equal(then.reads, 10);
    double least = 10 * 1000 + 0.06 * 655360;
    assert_between(fb_predict(&s.measured, &rates, &now, &then, false), least, least + 1000);
    rates.read_byte = 6;
    assert_between(fb_predict(&s.measured, &rates, &now, &then, false), 1.19e6, 1.21e6);
    end(&s);
}

/* Opening costs no more than it does on the machine once nothing is decoded any more, and as much
 * as it did otherwise; and what is unexplained belongs to the calls that are traced. */
static void test_opening_without_decoding(void **state)
{
    (void)state;
    static const uint64_t dims[] = { 20000, 68, 2 }, chunk[] = { 100, 68, 2 };
    struct stage s;
    struct fb_work now, then;
    struct fb_rates rates = fb_rates_typical;
    struct fb_layout piece = { 0 };
    begin(&s, 3, dims, chunk, "gzip(4)", 1);
    ask_windows(&s, 1000);
    took(&s, 0, 1000, 20000, 0);
    assert_true(fb_work_of(&s.what, &s.layout, 1000000, &now));
    assert_true(fb_work_of(&s.what, &piece, 1000000, &then));
    double plain = fb_predict(&s.measured, &rates, &now, &then, false);
    double same = fb_predict(&s.measured, &rates, &now, &now, true);
    s.measured.ns[FB_PART_OPEN] = 500000;
    s.measured.calls[FB_PART_OPEN] = 2;
    s.measured.ns[FB_PART_LOOKUP] = 300000;
    s.measured.calls[FB_PART_LOOKUP] = 4;
    s.measured.calls[FB_PART_RAW_IO] = s.measured.calls[FB_PART_INFLATE] = now.loaded;
    s.measured.unexplained_ns = 60000;
    s.measured.total_ns += 860000;
    double calls = 2 * (double)now.loaded + 6;
    double left = calls - 2 * (double)now.loaded + (double)then.reads;
    rates.open = 100000;
    rates.lookup = 20000;
    assert_between(fb_predict(&s.measured, &rates, &now, &then, false) - plain,
                   280000 + 60000 * left / calls - 1, 280000 + 60000 * left / calls + 1);
    assert_between(fb_predict(&s.measured, &rates, &now, &now, true) - same, 859999, 860001);
    /* A file that opened faster than the machine's own does so again. */
    rates.open = rates.lookup = 1e9;
    assert_between(fb_predict(&s.measured, &rates, &now, &then, false) - plain,
                   800000 + 60000 * left / calls - 1, 800000 + 60000 * left / calls + 1);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_measured),
        cmocka_unit_test(test_bytes_of_long_chunks),
        cmocka_unit_test(test_never_dearer),
        cmocka_unit_test(test_reads_without_decoding),
        cmocka_unit_test(test_opening_without_decoding),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
