/* The runs that the guide's claims are judged from: what is measured, on which part of the dataset,
 * and for how long. Each is a run of its own in a folder of the study's, with all its CSV files. */
#ifndef FB_BENCH_CLAIMS_STUDY_H
#define FB_BENCH_CLAIMS_STUDY_H

#include "bench/config.h"
#include "results/claims.h"

struct fb_claims_study {
    char *folder;  /* owned */
    char *dataset; /* what was measured, as `run` would take it; owned */
    struct fb_figures figures;
    size_t failed;     /* rows that failed or delivered wrong data */
    char failure[512]; /* the first one */
    bool interrupted;
};

/* Measures config->source (NULL: the default dataset) and writes claims.csv and claims.md into
 * config->out (NULL: results/runs/claims-TIME). Of the config it takes source, out, quick, blocks,
 * seed, max_bytes, limits and the listener. After Ctrl-C it returns 0 with `interrupted` set:
 * claims that were measured are judged, the others are "not measured". A SOURCE that cannot be read
 * leaves no folder behind. */
int fb_claims_study(const struct fb_run_config *config, struct fb_claims_study *out,
                    struct fb_error *err);
void fb_claims_study_free(struct fb_claims_study *study);

#endif
