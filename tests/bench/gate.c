/* `make bench-gate`: this gate and what others do, on the same recorded blocks: those of the trials
 * that `selftest-gate -o DIR` kept. How often does each call identical sides slower, and how often
 * does it find a slow-down that was put in?
 *
 * Others compare with a number that was stored: side A's blocks of the trial before. What they
 * would say of both sides of one trial, measured in turns, stands beside it.
 *
 *     gate DIR     the folder (default: results/selftest-gate) */
#include "results/gate.h"
#include "bench/gate/judges.h"
#include "results/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MOST 256
#define LABEL "%-46s"

struct trial {
    const struct fb_selftest_record *record;
    double a[BLOCKS_MOST], b[BLOCKS_MOST];
    size_t blocks;
};

static int read_trial(const char *folder, const struct fb_selftest_record *record,
                      struct trial *trial, struct fb_error *err)
{
    struct fb_gate_pairs pairs;
    char path[4096];
    snprintf(path, sizeof path, "%s/trials/%04llu/pairs.csv", folder,
             (unsigned long long)record->trial);
    *trial = (struct trial){ .record = record };
    int rc = fb_gate_pairs_read(path, &pairs, err);
    for (size_t i = 0; rc == 0 && i < pairs.count && trial->blocks < BLOCKS_MOST; i++) {
        const struct fb_gate_pair *pair = &pairs.items[i];
        if (strcmp(pair->arm, "A/B") != 0 || pair->stage != 1)
            continue;
        trial->a[trial->blocks] = (double)pair->a_ns;
        trial->b[trial->blocks++] = (double)pair->b_ns;
    }
    if (rc == 0)
        free(pairs.items);
    return rc;
}

/* Both with as many blocks as the shorter one has. */
static size_t common(const struct trial *x, const struct trial *y)
{
    return x->blocks < y->blocks ? x->blocks : y->blocks;
}

static void print_judge(const struct trial *trials, size_t count, size_t judge, bool stored)
{
    size_t n[2] = { 0 }, alarms[2] = { 0 };
    for (size_t i = 1; i < count; i++) {
        const struct trial *now = &trials[i], *before = &trials[i - 1];
        const int slow = strcmp(now->record->kind, "slow-down") == 0;
        if (!slow && strcmp(now->record->kind, "identical") != 0)
            continue;
        size_t blocks = stored ? common(now, before) : now->blocks;
        n[slow]++;
        alarms[slow] += fb_judges[judge].alarms(stored ? before->a : now->a, now->b, blocks);
    }
    printf(LABEL " %4zu of %4zu   %4zu of %4zu\n", fb_judges[judge].name, alarms[0], n[0],
           alarms[1], n[1]);
}

static void print_gate(const struct fb_selftest_records *records)
{
    printf(LABEL " %4zu of %4zu   %4zu of %4zu\n", "this gate",
           fb_selftest_count(records, "identical", "regressed"),
           fb_selftest_count(records, "identical", NULL),
           fb_selftest_count(records, "slow-down", "regressed"),
           fb_selftest_count(records, "slow-down", NULL));
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "results/selftest-gate";
    struct fb_selftest_records records;
    struct fb_error err;
    char path[4096];
    snprintf(path, sizeof path, "%s/selftest.csv", folder);
    int rc = fb_selftest_records_read(path, &records, &err);
    struct trial *trials = rc ? NULL : calloc(records.count + 1, sizeof *trials);
    for (size_t i = 0; rc == 0 && trials && i < records.count; i++)
        rc = read_trial(folder, &records.items[i], &trials[i], &err);
    if (rc || !trials) {
        fprintf(stderr, "gate: %s\n", rc ? err.message : "out of memory");
        return 1;
    }
    printf(LABEL " false alarms   found (%.1f %% slower)\n", "",
           100 * fb_selftest_effect(&records));
    print_gate(&records);
    for (int stored = 1; stored >= 0; stored--) {
        puts(stored ? "against the blocks stored by the trial before:"
                    : "against the blocks measured in turns:");
        for (size_t j = 0; j < FB_JUDGES; j++)
            print_judge(trials, records.count, j, stored);
    }
    const size_t alarms = fb_selftest_count(&records, "identical", "regressed");
    const size_t slow = fb_selftest_count(&records, "slow-down", NULL);
    const size_t found = fb_selftest_count(&records, "slow-down", "regressed");
    const bool fine = alarms == 0 && 100 * found >= 95 * slow;
    puts("check\tvalue\tbound\tresult");
    printf("false alarms of the gate\t%zu\t0\t%s\n", alarms, alarms == 0 ? "pass" : "fail");
    printf("slow-downs that the gate found\t%.4g\t0.95\t%s\n",
           slow ? (double)found / (double)slow : 0, 100 * found >= 95 * slow ? "pass" : "fail");
    free(trials);
    free(records.items);
    return fine ? 0 : 1;
}
