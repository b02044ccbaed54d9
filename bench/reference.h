/* What every request must deliver, computed from the source, before anything is measured. */
#ifndef FB_BENCH_REFERENCE_H
#define FB_BENCH_REFERENCE_H

#include "bench/plan.h"
#include "datasets/manifest.h"
#include "datasets/source.h"

/* Fills hashes[plan->count] from the source and, for searches and catalogs, from `searched` (the
 * catalog that the file's own search sees), and the requests' `bytes` of these. What the source
 * itself cannot deliver (damage, no file that matches its manifest) gets an empty hash, which
 * nothing equals. */
int fb_reference_hash(struct fb_plan *plan, struct fb_source *source,
                      const struct fb_catalog *searched, struct fb_hash *hashes,
                      struct fb_error *err);

/* A source for files that exist already: each array is delivered by the first of the candidates
 * whose whole array has the hash that the manifest states; FB_EFORMAT when none has. Checked at the
 * first read of an array. Takes over the candidates, copies catalog and hashes. */
int fb_reference_open(const struct fb_manifest *manifest, struct fb_source **candidates,
                      size_t count, struct fb_source **out, struct fb_error *err);

#endif
