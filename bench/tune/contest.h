/* Settings against each other on one stand: written once, read in rounds. */
#ifndef FB_BENCH_TUNE_CONTEST_H
#define FB_BENCH_TUNE_CONTEST_H

#include "bench/tune/search.h"

#define FB_ROUNDS_MOST 127
#define FB_TRIALS_MOST 24

struct fb_trial {
    size_t candidate; /* in the space; SIZE_MAX: the file as it is, in place */
    char *path;       /* of its file; owned, removed with the contest */
    bool failed;      /* it cannot be written here */
    bool hopeless;    /* it is so much dearer than the best that more rounds would be wasted, */
    bool dropped;     /* for which or for another reason it is not read any more */
    bool brief;       /* it was hopeless before: one round is enough */
    bool unproven;    /* before a block the file could not be seen to be in the page cache */
    uint64_t file_bytes, write_ns; /* FB_NA where not known */
    uint64_t ns[FB_ACCESS_TERMS_MAX][FB_ROUNDS_MOST];
    size_t rounds;
    double read_ratio; /* of one that was dropped before the others were read again; else 0 */
};

struct fb_contest {
    const struct fb_search *search;
    const struct fb_stand *stand;
    struct fb_space *space;
    struct fb_forecast *forecasts; /* by candidate; owned */
    size_t known;                  /* candidates that have one: those behind came later */
    struct fb_trial trials[FB_TRIALS_MOST];
    size_t count;
    size_t baseline;               /* the trial that all ratios are to */
    const struct fb_trial *leader; /* the best one, which has been compared with others more often
                                      than with the baseline; NULL: none yet */
};

/* Reckons every candidate of the space. Zero-initialise; free with fb_contest_free. */
int fb_contest_open(struct fb_contest *contest, const struct fb_search *search,
                    const struct fb_stand *stand, struct fb_space *space, struct fb_error *err);
void fb_contest_free(struct fb_contest *contest);
/* Removes the files; what was found out stays. */
void fb_contest_clear(struct fb_contest *contest);

/* Whether there is something to read for a term. */
bool fb_contest_term(const struct fb_contest *contest, size_t term);

/* Writes a candidate's file, unless it has one. A setting that cannot be written here has failed;
 * only what would stop everything fails. */
int fb_contest_add(struct fb_contest *contest, size_t candidate, struct fb_error *err);
/* The first trial: a copy of the arrays as they lie, or, where that cannot be written, the file. */
int fb_contest_add_baseline(struct fb_contest *contest, struct fb_error *err);
/* Those that somebody proposes, and arrays in one piece. With others' contest, where they have been
 * tried: what was hopeless there, or too hopeless to be tried, is read once only, unless --rounds.
 * Without, what the model takes for so hopeless is left out. */
int fb_contest_add_named(struct fb_contest *contest, const struct fb_contest *tried,
                         struct fb_error *err);
bool fb_contest_has(const struct fb_contest *contest, size_t candidate);

struct fb_rounds {
    size_t least, most; /* fewer than most where they take long */
    uint64_t trial_ns;  /* that is long, times the trials */
    size_t patience;    /* behind each of the first so many the hopeless are dropped */
    uint64_t seed;
    const char
        *what; /* for the progress line, where the group gets from one part done to another */
    double from, to;
};

/* Rounds of all trials that stand, in random order. */
int fb_contest_rounds(struct fb_contest *contest, const struct fb_rounds *how,
                      struct fb_error *err);
/* Forgets what was read of all that stand. */
void fb_contest_restart(struct fb_contest *contest);
/* Drops all that stand but the `most` best ones, the leader and the baseline. */
void fb_contest_keep(struct fb_contest *contest, size_t most);

/* Ratios to the baseline, as in results/tune.h. The interval is of the median over rounds; NANs
 * where there are too few. Where there is a leader, what was read in enough rounds beside it has
 * the leader's ratio times the median of its reading over the leader's. */
double fb_trial_read_ratio(const struct fb_contest *contest, const struct fb_trial *trial,
                           double *lower, double *upper);
double fb_trial_size_ratio(const struct fb_contest *contest, const struct fb_trial *trial);
double fb_trial_write_ratio(const struct fb_contest *contest, const struct fb_trial *trial);
/* Cost of a over that of b: the median over rounds that both have of the reading of one over that
 * of the other, terms weighed by the baseline's medians; and its interval, NANs where there are too
 * few. NAN without rounds. */
double fb_trial_paired_cost(const struct fb_contest *contest, const struct fb_trial *a,
                            const struct fb_trial *b, double *lower, double *upper);
/* The least cost of a over that of b in any round; NAN without rounds. */
double fb_trial_least_cost(const struct fb_contest *contest, const struct fb_trial *a,
                           const struct fb_trial *b);
/* INFINITY for one that failed. */
double fb_trial_cost(const struct fb_contest *contest, const struct fb_trial *trial);
/* Whether it stays within --max-size and --max-read. */
bool fb_trial_admissible(const struct fb_contest *contest, const struct fb_trial *trial);
double fb_tune_cost(const struct fb_tune_config *config, double size, double read, double write);
/* The same of a candidate as the model says; NAN where it cannot say. */
void fb_forecast_ratios(const struct fb_contest *contest, size_t candidate, double *size,
                        double *read);
double fb_forecast_cost(const struct fb_contest *contest, size_t candidate);

/* A row of which file, access, group and stage are set. */
void fb_contest_begin_record(const struct fb_contest *contest, const char *stage,
                             struct fb_tune_record *record);
/* Rows of what was tried, and, if it is asked for, of the baseline, as the stage `present`; of all
 * that was not tried, as the stage `model`. */
int fb_contest_records(const struct fb_contest *contest, const char *stage, bool with_baseline,
                       struct fb_tune_records *records, struct fb_error *err);
int fb_contest_model_records(const struct fb_contest *contest, struct fb_tune_records *records,
                             struct fb_error *err);

#endif
