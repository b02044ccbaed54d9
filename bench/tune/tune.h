/* One file, tuned: for each group of arrays the setting that is read best in the way that it is
 * read, by measurement. */
#ifndef FB_BENCH_TUNE_TUNE_H
#define FB_BENCH_TUNE_TUNE_H

#include "base/process.h"
#include "bench/protocol.h"
#include "bench/tune/access.h"
#include "bench/tune/setting.h"
#include "results/tune.h"

struct fb_tune_config {
    const char *file;
    const char *const *arrays; /* globs over paths */
    size_t array_count;        /* 0: all */
    const char *access;        /* specification; NULL: the mix of the standard workloads */
    double size_weight, read_weight, write_weight; /* exponents of the cost */
    double max_size, max_read;           /* ratios that must not be exceeded; INFINITY: any */
    bool quick;                          /* fewer codings and blocks */
    bool plugins;                        /* settings that need a plugin may be recommended */
    uint64_t rounds;                     /* of the last stage; 0: as many as usual */
    const struct fb_setting *candidates; /* these are measured, and nothing is searched */
    size_t candidate_count;              /* 0: a search */
    enum fb_handle handle;
    uint64_t seed;
    uint64_t sample_bytes; /* of the data that are tried on, and as much again to measure on */
    const char *tmp;       /* folder for temporary files */
    struct fb_process_limits limits;

    void *listener;
    void (*say)(void *listener, const char *message);
    void (*progress)(void *listener, uint64_t done, uint64_t total, const char *what);
};

/* What came out for one group. */
struct fb_tune_group {
    char **paths; /* of its arrays; owned */
    size_t count;
    char arrays[256]; /* for people */
    uint64_t bytes;
    bool held_out; /* final figures are of data that the search did not use */
    bool keep;     /* nothing is clearly better than the present setting */
    struct fb_setting best;
    size_t best_record; /* in records; SIZE_MAX with keep */
};

struct fb_tune {
    char access[FB_ACCESS_TEXT_MAX]; /* as it was understood */
    bool default_access;
    struct fb_tune_records records;
    struct fb_tune_group *groups;
    size_t group_count;
    size_t left_out;     /* arrays that are in no group that was tuned */
    uint64_t left_bytes; /* theirs */
    bool interrupted;    /* groups that were finished are there */
};

/* FB_ENOTHING where no array can be tuned. After Ctrl-C 0 with `interrupted` where a group is
 * finished, else FB_EINTERRUPTED. Leaves no file behind. */
int fb_tune_file(const struct fb_tune_config *config, struct fb_tune *out, struct fb_error *err);
/* No search: every group of arrays gets the setting, those of another rank but for contiguous are
 * left out. FB_ENOTHING where that leaves none. */
int fb_tune_given(const struct fb_tune_config *config, const struct fb_setting *setting,
                  struct fb_tune *out, struct fb_error *err);
void fb_tune_free(struct fb_tune *tune);

#endif
