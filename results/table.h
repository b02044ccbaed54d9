/* A run on the terminal: a table per workload, then one plain sentence each. */
#ifndef FB_RESULTS_TABLE_H
#define FB_RESULTS_TABLE_H

#include "results/record.h"

#include <stdbool.h>

/* The table, in lines of at most `width` columns (clamped to 80 and more; 0: 100). Colour is
 * ANSI; without it no escape is printed. times_fastest comes from fb_rank. Tables of batch-stats
 * show the highest peak memory of a worker in place of the file's size. */
void fb_table_print(FILE *out, const struct fb_records *records, bool colour, unsigned width);

/* One line a workload, from its warm `once` rows that are verified or repeatable: the fastest
 * contender against `raw`; where raw is the fastest, raw against the next; without raw, the
 * fastest against the slowest. Where intervals overlap it says "not told
 * apart": that is no proof of being equal. */
void fb_sentences_print(FILE *out, const struct fb_records *records);

#endif
