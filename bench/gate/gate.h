/* A gate: two sides measured in pairs of fresh workers until it is known of every cell whether B is
 * slower than A by more than a threshold. What is judged how stands in verdict.h; this is what
 * happens: counters first, which are exact; then pairs of blocks, A and B in balanced random order
 * (ABBA or BAAB), with a pair of A against A, of one cell after the other, in every second
 * round. */
#ifndef FB_BENCH_GATE_GATE_H
#define FB_BENCH_GATE_GATE_H

#include "bench/gate/sides.h"
#include "results/gate.h"

struct fb_gate_config {
    struct fb_run_config run; /* source, formats, workloads, caches, handles, seed, limits, out */
    struct fb_gate_side side[2];
    double threshold;   /* a change that matters: 0.02 is 2 % */
    uint64_t pairs;     /* of a cell, before the confirming ones; twice as many where it scatters */
    bool counters_only; /* no clock: one pair, whose counters are compared */
};

struct fb_gate_result {
    char *folder; /* NULL where none was asked for */
    struct fb_gate_records records;
    struct fb_gate_pairs pairs;
    bool interrupted; /* what was measured until then is judged */
};

/* Measures and, with config->run.out, writes gate.csv, pairs.csv and environment.json there. A side
 * that fails is a cell without data, and no failure. */
int fb_gate(const struct fb_gate_config *config, struct fb_gate_result *out, struct fb_error *err);
void fb_gate_result_free(struct fb_gate_result *result);

#endif
