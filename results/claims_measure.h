/* What the measure functions of the claims share. */
#ifndef FB_RESULTS_CLAIMS_MEASURE_H
#define FB_RESULTS_CLAIMS_MEASURE_H

#include "results/claims.h"

#define FB_GZIP_LEVELS 10

/* A measurement under way; after the first failure nothing more is done, and rc has it. */
struct fb_measuring {
    const struct fb_claim *claim;
    const struct fb_evidence *evidence;
    struct fb_figures *out;
    struct fb_error *err;
    int rc;
};

struct fb_pick fb_claim_pick(const char *run, enum fb_contestant who, const char *workload,
                             const char *asked, const char *cache, const char *handle);

void fb_measuring_add(struct fb_measuring *measuring, const struct fb_claim_part *part,
                      const struct fb_quantity *quantity);
/* The time of `slow` over that of `fast`, rows of one run: how many times as fast. */
void fb_measuring_faster(struct fb_measuring *measuring, const struct fb_claim_part *part,
                         const struct fb_pick *slow, const struct fb_pick *fast);
void fb_measuring_time(struct fb_measuring *measuring, const struct fb_claim_part *part,
                       const struct fb_pick *pick);

/* One column over another; of h5py's row, or where its worker counts nothing, of fmtbench's own
 * reader on the same file. */
void fb_measuring_bytes(struct fb_measuring *measuring, const struct fb_claim_part *part,
                        const struct fb_pick *a, const char *column_a, const struct fb_pick *b,
                        const char *column_b);

int fb_measure_size(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                    struct fb_error *);
int fb_measure_gzip(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                    struct fb_error *);
int fb_measure_cpu(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                   struct fb_error *);
int fb_measure_load(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                    struct fb_error *);
int fb_measure_direct(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                      struct fb_error *);
int fb_measure_access(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                      struct fb_error *);
int fb_measure_once(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                    struct fb_error *);
int fb_measure_memory(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                      struct fb_error *);
int fb_measure_slicing(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                       struct fb_error *);
int fb_measure_search(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                      struct fb_error *);
int fb_measure_workers(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                       struct fb_error *);
int fb_measure_handle(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                      struct fb_error *);
int fb_measure_slices(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                      struct fb_error *);
int fb_measure_shapes(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                      struct fb_error *);
int fb_measure_feature(const struct fb_claim *, const struct fb_evidence *, struct fb_figures *,
                       struct fb_error *);

#endif
