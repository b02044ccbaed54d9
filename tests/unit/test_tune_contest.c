/* Who stays in a contest, by times that are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/tune/contest.h"

#include <math.h>
#include <string.h>

#define TRIALS 6

/* A baseline, and candidates that all have its size: what they cost is the square of their time. */
struct scene {
    struct fb_tune_config config;
    struct fb_access access;
    struct fb_stand stand;
    struct fb_search search;
    struct fb_candidate items[TRIALS];
    struct fb_space space;
    struct fb_contest contest;
};

static void scene_make(struct scene *scene, const uint64_t *ns, size_t count, size_t rounds)
{
    memset(scene, 0, sizeof *scene);
    scene->config = (struct fb_tune_config){
        .size_weight = 1, .read_weight = 2, .max_size = INFINITY, .max_read = INFINITY
    };
    scene->access.count = 1;
    scene->access.terms[0].weight = 1;
    scene->search = (struct fb_search){ .config = &scene->config, .access = &scene->access };
    scene->space = (struct fb_space){ scene->items, count };
    scene->contest.search = &scene->search;
    scene->contest.stand = &scene->stand;
    scene->contest.space = &scene->space;
    scene->contest.count = count;
    for (size_t i = 0; i < count; i++) {
        struct fb_trial *trial = &scene->contest.trials[i];
        struct fb_setting *setting = &scene->items[i].setting;
        setting->rank = 1;
        setting->chunk[0] = i + 1;
        strcpy(setting->filter, "gzip");
        trial->candidate = i;
        trial->file_bytes = trial->write_ns = 1000;
        trial->rounds = rounds;
        for (size_t r = 0; r < rounds; r++)
            trial->ns[0][r] = ns[i];
    }
}

static void check_dropped(const struct fb_contest *contest, const char *expected)
{
    for (size_t i = 0; i < contest->count; i++)
        assert_int_equal(contest->trials[i].dropped, expected[i] == '-');
}

static void test_keep(void **state)
{
    (void)state;
    static const uint64_t ns[] = { 900, 500, 300, 400, 200, 600 };
    struct scene s;
    scene_make(&s, ns, 6, 8);
    fb_contest_keep(&s.contest, 3);
    check_dropped(&s.contest, "+-+++-"); /* the baseline stays, whatever it takes */
    /* What may not be recommended takes nobody's place. */
    scene_make(&s, ns, 6, 8);
    strcpy(s.items[4].setting.filter, "lz4");
    fb_contest_keep(&s.contest, 2);
    check_dropped(&s.contest, "+-+++-");
    /* Nor does the leader go, which others may beat by less than it is simpler. */
    scene_make(&s, ns, 6, 8);
    s.contest.leader = &s.contest.trials[1];
    fb_contest_keep(&s.contest, 2);
    check_dropped(&s.contest, "+++-+-");
}

/* Those that go on are read anew; of the others the last ratio is kept. */
static void test_restart(void **state)
{
    (void)state;
    static const uint64_t ns[] = { 1000, 500, 300, 400 };
    struct scene s;
    double lower, upper;
    scene_make(&s, ns, 4, 2);
    s.contest.trials[1].dropped = true;
    fb_contest_restart(&s.contest);
    assert_int_equal(s.contest.trials[0].rounds, 0);
    assert_int_equal(s.contest.trials[2].rounds, 0);
    assert_int_equal(s.contest.trials[1].rounds, 2);
    s.contest.trials[0].ns[0][0] = 2000;
    s.contest.trials[0].rounds = 1;
    assert_true(fb_trial_read_ratio(&s.contest, &s.contest.trials[1], &lower, &upper) == 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_restart),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
