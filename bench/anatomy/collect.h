/* Passes of a run's cells, and their records. */
#ifndef FB_BENCH_ANATOMY_COLLECT_H
#define FB_BENCH_ANATOMY_COLLECT_H

#include "bench/anatomy/pass.h"
#include "bench/runner.h"
#include "results/anatomy.h"

/* A pass of as many iterations as fit into about half a second, the fastest of three processes; one
 * iteration where that takes longer. */
int fb_anatomy_take(const struct fb_block_job *job, struct fb_anatomy *out, struct fb_error *err);

/* Fills the times and counts of the record, whose other columns stand already. */
void fb_anatomy_fill(const struct fb_anatomy *anatomy, struct fb_anatomy_record *record);

/* One pass for each measured warm cell whose format has an anatomy, written to FOLDER/anatomy.csv.
 * To be called when all blocks have been timed. A pass that fails becomes a note
 * (fb_config_say); without any pass nothing is written. Only Ctrl-C, after which the passes taken
 * until then are written, and what keeps the file from being written fail. */
int fb_anatomy_collect(const struct fb_run_config *config, const struct fb_cells *cells,
                       const char *folder, struct fb_error *err);

#endif
