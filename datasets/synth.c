/* The built-in generator: datasets with the shape, range, rounding and compressibility of real
 * OpenFace features, from a seed. Sample k depends only on (seed, frames, k), so that a dataset
 * with more samples extends a smaller one. */
#include "base/interrupt.h"
#include "base/number.h"
#include "datasets/features.h"
#include "datasets/importers.h"
#include "datasets/synth_motion.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct synth_source {
    struct fb_persons persons;
    uint64_t seed;
};

/* Frames of both persons of a sample. Two cameras film a session, and rarely stop together. */
static void session_frames(uint64_t seed, size_t sample, uint64_t min, uint64_t max,
                           uint64_t frames[FB_PERSONS])
{
    struct fb_random random;
    fb_random_seed(&random, fb_random_stream(seed, FB_STREAM_SESSIONS + sample));
    frames[FB_EXPERT] = min + fb_random_below(&random, max - min + 1);
    uint64_t slack = frames[FB_EXPERT] / 64;
    uint64_t low = frames[FB_EXPERT] - slack, high = frames[FB_EXPERT] + slack;
    low = low < min ? min : low;
    high = high > max ? max : high;
    frames[FB_NOVICE] = low + fb_random_below(&random, high - low + 1);
}

static int synth_load(struct fb_persons *persons, size_t sample, unsigned person,
                      struct fb_features *out, struct fb_error *err)
{
    struct synth_source *self = (struct synth_source *)persons;
    struct fb_motion motion;
    double columns[FB_COLUMNS];
    fb_motion_start(&motion, self->seed, (uint64_t)sample * FB_PERSONS + person);
    while (out->frames < out->capacity) {
        if (out->frames % 4096 == 0 && fb_interrupted())
            return fb_fail(err, FB_EINTERRUPTED, "interrupted");
        fb_motion_next(&motion, columns);
        fb_features_add(out, columns);
    }
    return 0;
}

static void synth_close(struct fb_source *source)
{
    struct synth_source *self = (struct synth_source *)source;
    fb_persons_free(&self->persons);
    free(self);
}

static const struct fb_source_ops synth_ops = { fb_persons_catalog, fb_persons_read, synth_close };

static bool check_frames(const char *text)
{
    uint64_t min, max;
    return fb_parse_range(text, &min, &max) && max != UINT64_MAX;
}

static const struct fb_option synth_options[] = {
    { "samples", FB_OPTION_UINT, "24", 1, 100000, NULL, NULL, "recorded sessions of two persons" },
    { "frames", FB_OPTION_TEXT, "400:1160", 0, 0, NULL, check_frames,
      "frames a person, MIN:MAX, both included" },
    FB_FEATURES_DTYPE_OPTION,
    { "seed", FB_OPTION_UINT, "1", 0, UINT64_MAX, NULL, NULL,
      "the same seed makes the same bytes, everywhere" },
    { 0 },
};

static int add_samples(struct synth_source *self, const struct fb_options *options,
                       struct fb_error *err)
{
    struct fb_dtype dtype = fb_features_dtype(fb_options_text(options, "dtype"));
    size_t samples = (size_t)fb_options_uint(options, "samples");
    uint64_t min, max, frames[FB_PERSONS];
    fb_parse_range(fb_options_text(options, "frames"), &min, &max);
    if (max > FB_FRAMES_MAX)
        return fb_fail(err, FB_EUSAGE,
                       "source synth: frames=%s: a person may have at most %" PRIu64
                       " frames, as one is held in memory as a whole; take more samples instead",
                       fb_options_text(options, "frames"), FB_FRAMES_MAX);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < samples; i++) {
        char name[32];
        snprintf(name, sizeof name, "001.%03zu.%03zu.%03zu", i / (999 * 999) + 1, i / 999 % 999 + 1,
                 i % 999 + 1);
        session_frames(self->seed, i, min, max, frames);
        rc = fb_persons_add(&self->persons, i, name, frames, dtype, err);
    }
    return rc ? rc : fb_catalog_finish(&self->persons.catalog, err);
}

static int synth_open(const char *path, const struct fb_options *options,
                      void (*warn)(void *context, const char *message), void *warn_context,
                      struct fb_source **out, struct fb_error *err)
{
    char canonical[FB_OPTION_VALUE_MAX];
    (void)path;
    (void)warn;
    (void)warn_context;
    struct synth_source *self = calloc(1, sizeof *self);
    if (!self)
        return fb_fail_memory(err, "the generator");
    self->persons.base.ops = &synth_ops;
    self->persons.load = synth_load;
    self->seed = fb_options_uint(options, "seed");
    fb_options_canonical(options, canonical, sizeof canonical);
    int rc = asprintf(&self->persons.base.name, "synth:%s", canonical) < 0
                 ? fb_fail_memory(err, "the generator")
                 : add_samples(self, options, err);
    if (rc) {
        synth_close(&self->persons.base);
        return rc;
    }
    *out = &self->persons.base;
    return 0;
}

const struct fb_importer fb_importer_synth = {
    .name = "synth",
    .summary = "made-up sessions with the statistics of real OpenFace features, from a seed",
    .options = synth_options,
    .recognises = NULL,
    .open = synth_open,
};
