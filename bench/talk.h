/* What the runner says to a worker process, and how it takes the answers: shared by all jobs. */
#ifndef FB_BENCH_TALK_H
#define FB_BENCH_TALK_H

#include "bench/block.h"

/* Starts the worker, which has not been heard yet. */
int fb_talk_start(struct fb_process *process, const struct fb_worker *worker,
                  const struct fb_process_limits *limits, struct fb_error *err);
/* Takes the hello and checks its protocol number. The caller decrefs *hello. */
int fb_talk_greet(struct fb_process *process, json_t **hello, struct fb_error *err);
/* Gives it the job and waits until it is ready. */
int fb_talk_give_job(struct fb_process *process, const struct fb_job *job, struct fb_error *err);
/* All of these. *hello, where it is not NULL, is what the worker said of itself; the caller decrefs
 * it on success. */
int fb_talk_start_job(struct fb_process *process, const struct fb_worker *worker,
                      const struct fb_process_limits *limits, const struct fb_job *job,
                      json_t **hello, struct fb_error *err);

/* fb_cache_prepare while the worker waits: its deadline moves on by what that takes. */
int fb_talk_prepare_cache(struct fb_process *process, const char *file, enum fb_cache state,
                          struct fb_error *err);

/* Takes over the message. */
int fb_talk_send(struct fb_process *process, json_t *message, struct fb_error *err);
/* The next message; a worker's own error becomes ours. */
int fb_talk_receive(struct fb_process *process, json_t **message, struct fb_error *err);
/* A message whose member `key` is true, in fresh *message. */
int fb_talk_receive_true(struct fb_process *process, const char *key, json_t **message,
                         struct fb_error *err);

/* FB_EFORMAT with what was asked for, when the hash of a request is not the expected one. NULL
 * `expected`: nothing to check against. */
int fb_talk_check_hash(const struct fb_plan *plan, const struct fb_hash *expected, size_t request,
                       const char *hex, struct fb_error *err);
/* The same for all of an iteration's message. *wrong_data tells wrong bytes from a broken
 * protocol. */
int fb_talk_check_hashes(const struct fb_plan *plan, const struct fb_hash *expected,
                         const json_t *message, bool *wrong_data, struct fb_error *err);

#endif
