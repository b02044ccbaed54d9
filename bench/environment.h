/* Where a run took place: environment.json. What a machine lacks is "n/a", never a failure. */
#ifndef FB_BENCH_ENVIRONMENT_H
#define FB_BENCH_ENVIRONMENT_H

#include "base/error.h"

#include <jansson.h>

/* Writes the record. `data_path`: where the files lie (their filesystem and device are named).
 * `more` holds the run's own facts (seed, order of rounds, limits) and is taken over.
 * `worker_libraries`: of an external worker, or NULL. */
int fb_environment_write(const char *path, const char *data_path, json_t *more,
                         json_t *worker_libraries, struct fb_error *err);

#endif
