/* The last stage: the settings that are left, each measured in full, and which of them to take. */
#ifndef FB_BENCH_TUNE_RECOMMEND_H
#define FB_BENCH_TUNE_RECOMMEND_H

#include "bench/tune/contest.h"

/* The rounds of the last stage (--rounds says more or fewer), which take the group from one part
 * done to another. */
int fb_final_rounds(struct fb_contest *final, size_t rounds, uint64_t seed, double from, double to,
                    struct fb_error *err);

/* More rounds of those that might be the best, until it is known which is, or whether it matters.
 */
int fb_settle(struct fb_contest *final, uint64_t seed, double from, double to,
              struct fb_error *err);

/* False for settings that need a plugin, unless --plugins. */
bool fb_may_recommend(const struct fb_search *search, const struct fb_setting *setting);

/* Of the records from `first` on, which are those of the contest, with its baseline or not: the
 * least cost of what may be recommended and is clearly less than the present one's. Changes setting
 * and *best, a record or SIZE_MAX, only for what is better than that. */
void fb_recommend(const struct fb_contest *final, bool with_baseline,
                  const struct fb_tune_records *records, size_t first, struct fb_setting *setting,
                  size_t *best);

/* As fb_search_group, of the settings of the configuration and no others. FB_ENOTHING where none
 * fits the arrays. */
int fb_measure_candidates(const struct fb_search *search, struct fb_tune_records *records,
                          struct fb_setting *setting, size_t *best, struct fb_error *err);

#endif
