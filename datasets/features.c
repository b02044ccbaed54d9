#include "datasets/features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const size_t fb_feature_width[FB_FEATURES] = { FB_AUS, 2 * FB_POINTS, 6 };
const char *const fb_person_name[FB_PERSONS] = { "expert", "novice" };
static const char *const feature_name[FB_FEATURES] = { "aus", "face", "head" };

double fb_round(double value)
{
    /* Adding 1.5 * 2^52 leaves no bits behind the point, so the addition itself rounds. rint()
     * would do the same through a library call. */
    return (value + 0x1.8p52) - 0x1.8p52;
}

static double round4(double value)
{
    return fb_round(value * 1e4) / 1e4;
}

int fb_features_reserve(struct fb_features *features, uint64_t frames, struct fb_error *err)
{
    fb_features_free(features);
    double *block = malloc((size_t)(frames ? frames : 1) * FB_COLUMNS * sizeof *block);
    if (!block)
        return fb_fail_memory(err, "the features of a person");
    features->capacity = frames;
    for (unsigned i = 0; i < FB_FEATURES; i++) {
        features->rows[i] = block;
        block += frames * fb_feature_width[i];
    }
    return 0;
}

void fb_features_free(struct fb_features *features)
{
    free(features->rows[0]);
    memset(features, 0, sizeof *features);
}

/* Scales `n` values to [0, 1] by their own range; `from` and `to` step through memory. */
static void scale(const double *from, size_t from_step, double *to, size_t to_step, size_t n)
{
    double min = from[0], max = from[0];
    for (size_t i = 1; i < n; i++) {
        double value = from[i * from_step];
        min = value < min ? value : min;
        max = value > max ? value : max;
    }
    for (size_t i = 0; i < n; i++)
        to[i * to_step] = round4((from[i * from_step] - min) / (max - min + 1e-7));
}

void fb_features_add(struct fb_features *features, const double columns[FB_COLUMNS])
{
    uint64_t frame = features->frames++;
    double *aus = features->rows[FB_FEATURE_AUS] + frame * FB_AUS;
    double *face = features->rows[FB_FEATURE_FACE] + frame * 2 * FB_POINTS;
    double *head = features->rows[FB_FEATURE_HEAD] + frame * 6;
    scale(columns + FB_COLUMN_X, 1, face, 2, FB_POINTS);
    scale(columns + FB_COLUMN_Y, 1, face + 1, 2, FB_POINTS);
    for (size_t i = 0; i < FB_AUS; i++)
        aus[i] = columns[FB_COLUMN_AU + i] / 5;
    memcpy(head, columns + FB_COLUMN_T, 3 * sizeof *head);
    scale(columns + FB_COLUMN_R, 1, head + 3, 1, 3);
}

void fb_features_finish(struct fb_features *features)
{
    double *head = features->rows[FB_FEATURE_HEAD];
    for (size_t i = 0; features->frames && i < 3; i++)
        scale(head + i, 6, head + i, 6, (size_t)features->frames);
}

/* --- a source of persons ---------------------------------------------------------------------- */

int fb_persons_add(struct fb_persons *persons, size_t sample, const char *name,
                   const uint64_t frames[FB_PERSONS], struct fb_dtype dtype, struct fb_error *err)
{
    char sample_path[32], path[64];
    int rc = 0;
    snprintf(sample_path, sizeof sample_path, "sample_%03zu", sample);
    for (unsigned i = 0; rc == 0 && i < FB_PERSONS * FB_FEATURES; i++) {
        unsigned person = i / FB_FEATURES, feature = i % FB_FEATURES;
        bool points = feature == FB_FEATURE_FACE;
        uint64_t dims[3] = { frames[person], points ? FB_POINTS : fb_feature_width[feature], 2 };
        snprintf(path, sizeof path, "%s/%s/%s", sample_path, fb_person_name[person],
                 feature_name[feature]);
        rc = fb_catalog_add(&persons->catalog, sample_path, name, path, dtype, points ? 3 : 2, dims,
                            err);
    }
    return rc;
}

const struct fb_catalog *fb_persons_catalog(const struct fb_source *source)
{
    return &((const struct fb_persons *)source)->catalog;
}

static int load_person(struct fb_persons *persons, size_t array, struct fb_error *err)
{
    size_t wanted = array / FB_FEATURES;
    if (persons->cache_valid && persons->cached == wanted)
        return 0;
    persons->cache_valid = false;
    int rc = fb_features_reserve(&persons->cache, persons->catalog.arrays[array].dims[0], err);
    if (rc == 0)
        rc = persons->load(persons, wanted / FB_PERSONS, wanted % FB_PERSONS, &persons->cache, err);
    if (rc)
        return rc;
    fb_features_finish(&persons->cache);
    persons->cached = wanted;
    persons->cache_valid = true;
    return 0;
}

static void *copy_values(void *dst, const double *from, size_t n, struct fb_dtype dtype)
{
    if (dtype.size == sizeof *from) {
        memcpy(dst, from, n * sizeof *from);
        return (double *)dst + n;
    }
    float *to = dst;
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i];
    return to + n;
}

int fb_persons_read(struct fb_source *source, size_t array, const uint64_t *start,
                    const uint64_t *count, void *dst, struct fb_error *err)
{
    struct fb_persons *persons = (struct fb_persons *)source;
    const struct fb_array_info *info = &persons->catalog.arrays[array];
    int rc = load_person(persons, array, err);
    if (rc)
        return rc;
    size_t feature = array % FB_FEATURES, width = fb_feature_width[feature];
    /* A rank 2 array is one whose elements are single values. */
    size_t values = info->rank == 3 ? 2 : 1;
    size_t first = info->rank == 3 ? (size_t)start[2] : 0;
    size_t each = info->rank == 3 ? (size_t)count[2] : 1;
    bool whole_rows = count[1] == info->dims[1] && each == values;
    const double *rows = persons->cache.rows[feature] + start[0] * width;
    if (whole_rows) {
        copy_values(dst, rows, (size_t)count[0] * width, info->dtype);
        return 0;
    }
    for (uint64_t row = 0; row < count[0]; row++)
        for (uint64_t i = 0; i < count[1]; i++)
            dst = copy_values(dst, rows + row * width + (start[1] + i) * values + first, each,
                              info->dtype);
    return 0;
}

void fb_persons_free(struct fb_persons *persons)
{
    fb_features_free(&persons->cache);
    fb_catalog_free(&persons->catalog);
    free(persons->base.name);
}

struct fb_dtype fb_features_dtype(const char *value)
{
    return (struct fb_dtype){ FB_FLOAT, strcmp(value, "f64") == 0 ? 8 : 4 };
}
