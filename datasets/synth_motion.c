#include "datasets/synth_motion.h"

#include <string.h>

/* An average face in millimetres: OpenFace's 68 points, the origin between eyes and mouth. */
struct point {
    signed char x, y, z;
};

/* clang-format off */
static const struct point template[FB_POINTS] = {
    /* jaw */
    { -73, -30, 48 }, { -72, -11, 46 }, { -70, 8, 45 }, { -66, 26, 43 }, { -59, 43, 38 },
    { -48, 57, 30 }, { -34, 68, 18 }, { -18, 75, 5 }, { 0, 77, 0 }, { 18, 75, 5 },
    { 34, 68, 18 }, { 48, 57, 30 }, { 59, 43, 38 }, { 66, 26, 43 }, { 70, 8, 45 },
    { 72, -11, 46 }, { 73, -30, 48 },
    /* brows */
    { -61, -49, 14 }, { -51, -57, 7 }, { -40, -59, 3 }, { -29, -58, 0 }, { -19, -54, -2 },
    { 19, -54, -2 }, { 29, -58, 0 }, { 40, -59, 3 }, { 51, -57, 7 }, { 61, -49, 14 },
    /* nose */
    { 0, -39, -6 }, { 0, -28, -13 }, { 0, -17, -20 }, { 0, -6, -27 },
    { -16, 4, -10 }, { -8, 6, -14 }, { 0, 8, -16 }, { 8, 6, -14 }, { 16, 4, -10 },
    /* eyes */
    { -46, -37, 8 }, { -38, -42, 2 }, { -29, -42, 1 }, { -20, -36, 5 }, { -29, -34, 2 },
    { -38, -34, 3 }, { 20, -36, 5 }, { 29, -42, 1 }, { 38, -42, 2 }, { 46, -37, 8 },
    { 38, -34, 3 }, { 29, -34, 2 },
    /* mouth, outside */
    { -28, 31, 2 }, { -18, 26, -5 }, { -7, 22, -10 }, { 0, 24, -11 }, { 7, 22, -10 },
    { 18, 26, -5 }, { 28, 31, 2 }, { 18, 38, -4 }, { 7, 41, -9 }, { 0, 42, -10 },
    { -7, 41, -9 }, { -18, 38, -4 },
    /* mouth, inside */
    { -24, 31, 2 }, { -8, 28, -5 }, { 0, 29, -6 }, { 8, 28, -5 }, { 24, 31, 2 },
    { 8, 33, -5 }, { 0, 34, -6 }, { -8, 33, -5 },
};

/* Which points an action unit (by its number in a frame) moves, in millimetres at intensity 1. */
static const struct {
    unsigned char muscle, first, last;
    double x, y;
} pulls[] = {
    { 0, 20, 23, 0, -1.2 },    { 1, 17, 26, 0, -1.0 },    { 2, 20, 23, 0, 0.8 },
    { 16, 37, 38, 0, 2.0 },    { 16, 43, 44, 0, 2.0 },    { 8, 48, 49, -1.5, -1.0 },
    { 8, 53, 54, 1.5, -1.0 },  { 8, 60, 60, -1.5, -1.0 }, { 8, 64, 64, 1.5, -1.0 },
    { 14, 55, 59, 0, 2.0 },    { 14, 65, 67, 0, 2.5 },    { 15, 6, 10, 0, 2.5 },
};

/* clang-format on */

/* About normal, mean 0, variance 1: the sum of four 16-bit lanes. */
static double noise(struct fb_random *random)
{
    uint64_t bits = fb_random_next(random);
    uint64_t sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    return ((double)sum - 131070) * (1.0 / 37837);
}

static double between(struct fb_random *random, double low, double high)
{
    return low + fb_random_unit(random) * (high - low);
}

/* --- the parts -------------------------------------------------------------------------------- */

static double spell_next(struct fb_spell *spell, struct fb_random *random)
{
    if (spell->left-- == 0) {
        double u = fb_random_unit(random);
        spell->left = 8 + fb_random_below(random, 60);
        spell->target = 0.12 + 7.5 * u * u * u * u * u;
    }
    spell->level += 0.45 * (spell->target - spell->level);
    return spell->level;
}

static double spring_next(struct fb_spring *spring, double home, double drive)
{
    spring->velocity = 0.55 * spring->velocity + 0.004 * (home - spring->value) + drive;
    return spring->value += spring->velocity;
}

static double muscle_next(struct fb_muscle *muscle, struct fb_random *random, double level)
{
    if (muscle->left-- == 0) {
        double u = fb_random_unit(random);
        bool rests = fb_random_unit(random) < muscle->idle;
        muscle->left = 15 + fb_random_below(random, 230);
        muscle->target = rests ? -1.0 : muscle->strength * (0.2 + u * u * 2.5);
    }
    muscle->value += 0.14 * (muscle->target - muscle->value);
    if (muscle->value <= 0)
        return 0;
    double step = (0.0115 + 0.029 * muscle->value) * (1.5 + 0.7 * level);
    muscle->error = 0.73 * muscle->error + step * noise(random);
    double seen = fb_round((muscle->value + muscle->error) * 100) / 100;
    return seen < 0 ? 0 : seen > 5 ? 5 : seen;
}

/* --- the person ------------------------------------------------------------------------------- */

/* Member `index` of a low-discrepancy sequence in [0, 1): a few dozen persons already cover the
 * range evenly, whatever the seed, so that small datasets are alike in their statistics. The steps
 * are the powers of the real root of x^4 = x + 1, inverted, as fractions of 2^64 (the R3 sequence).
 */
static double spread(uint64_t seed, uint64_t index, unsigned axis)
{
    static const uint64_t step[3] = { UINT64_C(0xd1b54a32d192ed03), UINT64_C(0xabc98388fb8fac02),
                                      UINT64_C(0x8cb92ba72f3d8dd7) };
    uint64_t at = fb_random_stream(seed, FB_STREAM_SPREAD + axis) + (index + 1) * step[axis];
    return (double)(at >> 11) * 0x1p-53;
}

void fb_motion_start(struct fb_motion *motion, uint64_t seed, uint64_t index)
{
    struct fb_random *random = &motion->random;
    memset(motion, 0, sizeof *motion);
    fb_random_seed(random, fb_random_stream(seed, index));
    double u = spread(seed, index, 1);
    motion->pixels = 0.33 + 0.97 * spread(seed, index, 0);
    motion->unrest = 0.42 + 2.2 * u * u;
    motion->jitter = motion->pixels * (0.026 + 0.024 * spread(seed, index, 2));
    for (unsigned i = 0; i < 3; i++) {
        motion->posture[i] = between(random, -0.2, 0.2);
        motion->rotation[i].value = motion->posture[i];
    }
    /* Stratified, so that one person rests about as much as another, in other muscles. */
    size_t rank[FB_AUS];
    for (size_t i = 0; i < FB_AUS; i++)
        rank[i] = i;
    fb_random_shuffle(random, rank, FB_AUS);
    for (unsigned i = 0; i < FB_AUS; i++) {
        double v = fb_random_unit(random);
        double idle = ((double)rank[i] + fb_random_unit(random)) / FB_AUS;
        motion->muscle[i].idle = 0.81 * idle;
        motion->muscle[i].strength = 0.1 + 1.7 * v * v;
        motion->muscle[i].value = -1;
    }
    for (unsigned i = 0; i < FB_POINTS; i++) {
        const struct point *p = &template[i];
        motion->shape[i][0] = p->x + noise(random);
        motion->shape[i][1] = p->y + noise(random);
        motion->shape[i][2] = p->z + noise(random);
    }
}

static void place_points(struct fb_motion *motion, const double *turn, double *columns)
{
    double shift[FB_POINTS][2] = { { 0 } };
    for (unsigned i = 0; i < sizeof pulls / sizeof *pulls; i++)
        for (unsigned k = pulls[i].first; k <= pulls[i].last; k++) {
            shift[k][0] += pulls[i].x * columns[FB_COLUMN_AU + pulls[i].muscle];
            shift[k][1] += pulls[i].y * columns[FB_COLUMN_AU + pulls[i].muscle];
        }
    for (unsigned k = 0; k < FB_POINTS; k++) {
        double x = motion->shape[k][0] + shift[k][0], y = motion->shape[k][1] + shift[k][1];
        double z = motion->shape[k][2];
        /* Small angles: a rotation is its first-order part. */
        double flat[2] = { x - turn[1] * z - turn[2] * y, y + turn[0] * z + turn[2] * x };
        for (unsigned axis = 0; axis < 2; axis++) {
            double *error = &motion->error[2 * k + axis];
            *error = 0.8 * *error + motion->jitter * noise(&motion->random);
            double seen = 300 + flat[axis] * motion->pixels + *error;
            columns[(axis ? FB_COLUMN_Y : FB_COLUMN_X) + k] = fb_round(seen * 10) / 10;
        }
    }
}

void fb_motion_next(struct fb_motion *motion, double columns[FB_COLUMNS])
{
    struct fb_random *random = &motion->random;
    double level = motion->unrest * spell_next(&motion->spell, random);
    double turn[3];
    for (unsigned i = 0; i < FB_AUS; i++)
        columns[FB_COLUMN_AU + i] = muscle_next(&motion->muscle[i], random, level);
    for (unsigned i = 0; i < 3; i++) {
        double place = spring_next(&motion->position[i], 0, 0.38 * level * noise(random));
        double drive = 0.007 * level * noise(random);
        turn[i] = spring_next(&motion->rotation[i], motion->posture[i], drive);
        columns[FB_COLUMN_T + i] = fb_round(place * 10) / 10;
        columns[FB_COLUMN_R + i] = fb_round((turn[i] + 0.00065 * noise(random)) * 1000) / 1000;
    }
    place_points(motion, turn, columns);
}
