/* A made-up person in front of a camera, as OpenFace would write it down frame by frame.
 *
 * Nothing but +, -, *, / and comparisons of doubles and the integer generator of base/random.h, so
 * that every compiler and machine makes the same bytes (-ffp-contract=off). The figures that the
 * parameters were chosen for stand in tests/interop/synth_calibration.py. */
#ifndef FB_DATASETS_SYNTH_MOTION_H
#define FB_DATASETS_SYNTH_MOTION_H

#include "base/random.h"
#include "datasets/features.h"

/* How lively the person is: 0 and up, eased towards a target that changes every second or two;
 * mostly near 0, seldom high. */
struct fb_spell {
    double level, target;
    uint64_t left; /* frames until the next target */
};

/* Something that noise pushes about and that returns to its place. */
struct fb_spring {
    double value, velocity;
};

/* An action unit: at rest, or held at some intensity (0 to 5) for a while. */
struct fb_muscle {
    double idle;          /* share of the time at rest */
    double strength;      /* typical intensity otherwise */
    double target, value; /* below 0: at rest */
    double error;         /* of the tracker; lasts a few frames */
    uint64_t left;        /* frames until the next target */
};

struct fb_motion {
    struct fb_random random;
    double pixels; /* of a millimetre in the image */
    double unrest; /* how much this person moves at the same liveliness */
    double jitter; /* the tracker's new error of a point in each frame, pixels */
    struct fb_spell spell;
    struct fb_spring position[3], rotation[3]; /* millimetres, radians */
    double posture[3];                         /* rotation at rest */
    struct fb_muscle muscle[FB_AUS];
    double shape[FB_POINTS][3]; /* millimetres; x right, y down, z away from the camera */
    double error[2 * FB_POINTS];
};

/* Numbers of a seed's random streams: persons from 0, and what else needs one far behind them. */
#define FB_STREAM_SESSIONS (UINT64_C(1) << 40)
#define FB_STREAM_SPREAD (UINT64_C(1) << 41)

/* Person `index` of the dataset of this seed. */
void fb_motion_start(struct fb_motion *motion, uint64_t seed, uint64_t index);
/* The next frame, with OpenFace's own rounding of what it prints. */
void fb_motion_next(struct fb_motion *motion, double columns[FB_COLUMNS]);

#endif
