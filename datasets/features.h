/* The features of one person, made from OpenFace's columns: what the importer of OpenFace files
 * and the generator share.
 *
 * A frame comes in as FB_COLUMNS doubles, in OpenFace's own units, and becomes three rows:
 *   face  x_i and y_i, per frame and axis (v - min) / (max - min + 1e-7) over the 68 points;
 *         rounded
 *   aus   the intensities / 5, not rounded
 *   head  pose_T by the same formula over time, per column; pose_R over the three values of the
 *         frame; rounded
 * Rounded is rint(v * 1e4) / 1e4, as numpy.round(v, 4) does. All of it in double. */
#ifndef FB_DATASETS_FEATURES_H
#define FB_DATASETS_FEATURES_H

#include "base/error.h"
#include "datasets/source.h"

/* Where a frame's columns stand: x_0..x_67, y_0..y_67, AU*_r, pose_Tx..z, pose_Rx..z. */
enum {
    FB_POINTS = 68,
    FB_AUS = 17,
    FB_COLUMN_X = 0,
    FB_COLUMN_Y = FB_COLUMN_X + FB_POINTS,
    FB_COLUMN_AU = FB_COLUMN_Y + FB_POINTS,
    FB_COLUMN_T = FB_COLUMN_AU + FB_AUS,
    FB_COLUMN_R = FB_COLUMN_T + 3,
    FB_COLUMNS = FB_COLUMN_R + 3
};

/* In the order of a catalog. */
enum fb_feature { FB_FEATURE_AUS, FB_FEATURE_FACE, FB_FEATURE_HEAD, FB_FEATURES };

/* Numbers a row: 17, 136 (68 points of x, y), 6. */
extern const size_t fb_feature_width[FB_FEATURES];

struct fb_features {
    uint64_t frames, capacity;
    double *rows[FB_FEATURES]; /* [capacity][fb_feature_width]; one allocation, rows[0] */
};

/* Most frames that one person may have: their doubles are held in memory as a whole (1 GiB). */
#define FB_FRAMES_MAX ((UINT64_C(1) << 30) / (FB_COLUMNS * sizeof(double)))

/* Room for `frames` <= FB_FRAMES_MAX; frees what was there. Zero-initialise before the first. */
int fb_features_reserve(struct fb_features *features, uint64_t frames, struct fb_error *err);
/* Appends a frame; frames < capacity. */
void fb_features_add(struct fb_features *features, const double columns[FB_COLUMNS]);
/* Once, after the last frame: scales the head's positions over time. */
void fb_features_finish(struct fb_features *features);
void fb_features_free(struct fb_features *features);

/* rint(), ties to even, for |value| < 2^51; never -0. */
double fb_round(double value);

enum { FB_EXPERT, FB_NOVICE, FB_PERSONS };
extern const char *const fb_person_name[FB_PERSONS];

/* A source of samples of two persons: sample_%03d/{expert,novice}/{face (T,68,2), aus (T,17),
 * head (T,6)}. It holds the features of the person that was read last, and asks for others whole.
 * Embedded as the first member of the importer's own struct. */
struct fb_persons {
    struct fb_source base; /* base.ops: the importer's own close beside fb_persons_read */
    struct fb_catalog catalog;
    struct fb_features cache;
    size_t cached; /* sample * FB_PERSONS + person, where the cache is not empty */
    bool cache_valid;
    /* Fills out (empty, reserved for the person's frames) without fb_features_finish. */
    int (*load)(struct fb_persons *persons, size_t sample, unsigned person, struct fb_features *out,
                struct fb_error *err);
};

/* Adds the next sample's six arrays to the catalog; dtype is float32 or float64. */
int fb_persons_add(struct fb_persons *persons, size_t sample, const char *name,
                   const uint64_t frames[FB_PERSONS], struct fb_dtype dtype, struct fb_error *err);
/* Operations for fb_source_ops. */
const struct fb_catalog *fb_persons_catalog(const struct fb_source *source);
int fb_persons_read(struct fb_source *source, size_t array, const uint64_t *start,
                    const uint64_t *count, void *dst, struct fb_error *err);
/* Frees the members, not the struct. */
void fb_persons_free(struct fb_persons *persons);

/* The option that both importers have, and its meaning. */
#define FB_FEATURES_DTYPE_OPTION                                                                   \
    {                                                                                              \
        "dtype", FB_OPTION_CHOICE, "f32", 0, 0, "f32|f64", NULL,                                   \
            "element type: float32, or float64 as the original pickle holds"                       \
    }
struct fb_dtype fb_features_dtype(const char *value);

#endif
