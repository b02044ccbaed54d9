/* When a cell has been measured often enough.
 *
 * Its blocks are looked at when there are 8, 16, 32, ... of them, never in between: looking after
 * every block and stopping at a lucky one would leave the interval short of its 95 %. What looking
 * a few times still costs is made up for by FB_INTERVAL_LEVEL (statistics.h). */
#ifndef FB_RESULTS_STOPPING_H
#define FB_RESULTS_STOPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FB_LOOK_FIRST 8
#define FB_BLOCKS_LEAST 6   /* the fewest that give an interval: measured whatever the time limit */
#define FB_BLOCKS_MOST 1024 /* eight looks */

/* True when a cell with so many blocks is looked at. */
bool fb_is_look(size_t blocks);
/* The next look of a cell with so many blocks, above it. */
size_t fb_next_look(size_t blocks);

/* How far the 95 % interval of the median reaches, up or down, whichever is more, as a part of the
 * median; INFINITY where there is no interval yet. `values` are those of the blocks, in any order;
 * `scratch` has room for n. */
double fb_imprecision(const uint64_t *values, size_t n, uint64_t *scratch);

/* Blocks that the cell will have when it is precise, if its scatter stays: the interval shrinks
 * with their square root. A look's number, at most FB_BLOCKS_MOST. */
size_t fb_blocks_expected(size_t blocks, double imprecision, double precision);

#endif
