/* One block: a fresh worker process that opens, iterates and delivers, with its cache state proven
 * and every byte that it delivered checked. Also the create job, and the question what a worker can
 * do. */
#ifndef FB_BENCH_BLOCK_H
#define FB_BENCH_BLOCK_H

#include "base/process.h"
#include "bench/cache.h"
#include "bench/counters.h"
#include "bench/plan.h"
#include "bench/protocol.h"
#include "datasets/manifest.h"
#include "datasets/source.h"

#include <jansson.h>

#define FB_WORKER_WORDS 16

/* How a worker is started. */
struct fb_worker {
    char command[4096]; /* a program, or a program and words for it, parted by blanks */
    char script[4096];  /* of an interpreter, which `command` is then as it stands; "": none */
    char modules[64];   /* the script's one argument */
    bool own; /* fmtbench's own, started as `PROGRAM worker`: its hashes are believed. Others
                 deliver their bytes */
};

struct fb_block_job {
    const struct fb_worker *worker;
    struct fb_process_limits limits;
    struct fb_job job;
    bool no_file; /* nothing to evict or prove */
    enum fb_cache cache;
    uint64_t patience_ns; /* a warm-up that takes longer is no warm-up but the one iteration; 0:
                             none is too long */
    bool counters;        /* count what reading costs, if the worker can */
    bool floor;           /* measure the machine's floor behind the iterations, if the worker can */
    const struct fb_plan *plan;
    const struct fb_hash *expected; /* by request; NULL: nothing to check against */
};

/* What the machine itself takes for the same bytes; FB_NA where not known. */
struct fb_floor {
    uint64_t copy_ns, read_ns, inflate_ns;
};

struct fb_block_result {
    bool wrong_data; /* a delivered hash differs: the block failed, and the message says where */
    uint64_t *ns;    /* warm-ups first; owned */
    size_t count, warmups;
    uint64_t *batches_ns;           /* of each iteration, with a loader: batches of them; owned */
    size_t batches;                 /* of one iteration */
    struct fb_counters counters;    /* sums over the counted iterations */
    uint64_t counted;               /* iterations; 0: no counters */
    struct fb_machine_time machine; /* during the iterations, warm-ups included */
    struct fb_floor floor;          /* medians */
    uint64_t peak_bytes;            /* FB_NA where not told */
    double resident_before, resident_after; /* NAN where not known */
    json_t *storage;                        /* owned; NULL where not told */
};

/* Runs the block. On failure the result holds nothing but wrong_data. */
int fb_block_run(const struct fb_block_job *job, struct fb_block_result *result,
                 struct fb_error *err);
void fb_block_result_free(struct fb_block_result *result);

/* The same in steps, for who has two blocks at a time: open starts the worker and prepares the
 * cache, iterate has it execute its plan, `counted` or not, close ends it. close takes the rc of
 * what was before, and is called after a failed open too; only then the result holds nothing but
 * wrong_data. The job outlives the block. */
struct fb_block;
int fb_block_open(const struct fb_block_job *job, struct fb_block **out,
                  struct fb_block_result *result, struct fb_error *err);
int fb_block_iterate(struct fb_block *block, uint64_t count, bool counted,
                     struct fb_block_result *result, struct fb_error *err);
int fb_block_close(struct fb_block *block, int rc, struct fb_block_result *result,
                   struct fb_error *err);

/* Ring size of a plan: the largest request for one_buffer, else all requests up to 64 MiB; of one
 * that is loaded in batches the same of these, but room for all that are under way. */
uint64_t fb_block_buffer(const struct fb_plan *plan);

struct fb_create_result {
    uint64_t ns, cpu_ns; /* FB_NA where not told */
};

/* Has a worker create job->file from `source`, whose arrays are those of the plan at job->plan. */
int fb_block_create(const struct fb_worker *worker, const struct fb_process_limits *limits,
                    const struct fb_job *job, struct fb_source *source,
                    struct fb_create_result *result, struct fb_error *err);
/* The same with the plan at job->plan made from the source, and removed. */
int fb_block_create_file(const struct fb_worker *worker, const struct fb_process_limits *limits,
                         const struct fb_job *job, struct fb_source *source,
                         struct fb_create_result *result, struct fb_error *err);

/* A worker's hello, checked for its protocol number. The caller decrefs *hello. */
int fb_block_hello(const struct fb_worker *worker, const struct fb_process_limits *limits,
                   json_t **hello, struct fb_error *err);

#endif
