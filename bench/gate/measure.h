/* The pairs of a gate as they are measured. */
#ifndef FB_BENCH_GATE_MEASURE_H
#define FB_BENCH_GATE_MEASURE_H

#include "base/random.h"
#include "bench/gate/gate.h"
#include "bench/gate/verdict.h"

/* Counters of a side that can be compared: of reading, by the kernel's account, and of inflating.
 */
struct fb_gate_exact {
    uint64_t low[2], high[2]; /* read_bytes, read_calls of an iteration: over all blocks */
    size_t blocks;
    uint64_t chunks, inflated_bytes; /* FB_NA where not known */
};
enum { FB_EXACT_BYTES, FB_EXACT_CALLS };

/* Pairs of one cell, or of the control. */
struct fb_gate_series {
    const struct fb_gate_match *match; /* NULL: the control, which goes through all of them */
    double *values[2];                 /* by stage: ln(b/a) of each pair; owned */
    uint64_t *ns[2];                   /* by side: the blocks of both stages; owned */
    size_t pairs[2];                   /* by stage */
    struct fb_gate_exact exact[2];     /* by side */
    bool b_first;                      /* of the pair before: the next one is the other way round */
    char unproven[256];                /* why the cache state of a block is not proven; "" none */
    char reason[512];                  /* why it has failed; "" while it has not */
};

struct fb_gate_session {
    const struct fb_gate_config *config;
    struct fb_gate_ground ground;
    struct fb_gate_series *series; /* of the ground's matches, then the control */
    struct fb_random random;
    uint64_t start_ns;
    char gate_id[64];
    struct fb_gate_pairs *record; /* pairs as rows */
};

/* One pair of a series in a stage (0 or 1). A block that fails makes the series fail; only Ctrl-C
 * and lack of memory are failures of this. */
int fb_gate_pair_run(struct fb_gate_session *session, struct fb_gate_series *series, int stage,
                     struct fb_error *err);
/* What an iteration inflates, of both sides. */
int fb_gate_count_inflated(struct fb_gate_session *session, struct fb_gate_series *series,
                           struct fb_error *err);
void fb_gate_series_free(struct fb_gate_series *series);

/* Which counters differ, for people, "" for none: "read calls 12 -> 13, ...". A counter that is not
 * the same in all blocks of a side says nothing. *grew: one of them is larger for B; *shrank. */
void fb_gate_compare_counters(const struct fb_gate_series *series, char *text, size_t size,
                              bool *grew, bool *shrank);
/* What a side read in every iteration that was looked at: FB_NA where it was not the same. */
uint64_t fb_gate_exact_value(const struct fb_gate_exact *exact, int which);
/* Whether any counter but the size of files is known of both sides. */
bool fb_gate_has_counters(const struct fb_gate_series *series);

#endif
