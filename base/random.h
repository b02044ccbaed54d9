/* Reproducible random integers: the same sequence on every compiler and machine.
 *
 * xoshiro256** by Blackman and Vigna, seeded with splitmix64 (https://prng.di.unimi.it). */
#ifndef FB_BASE_RANDOM_H
#define FB_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct fb_random {
    uint64_t state[4];
};

void fb_random_seed(struct fb_random *random, uint64_t seed);
uint64_t fb_random_next(struct fb_random *random);
/* Uniform in [0, bound); bound > 0. Without modulo bias. */
uint64_t fb_random_below(struct fb_random *random, uint64_t bound);
/* Uniform in [0, 1), a multiple of 2^-53. */
double fb_random_unit(struct fb_random *random);
/* Fisher-Yates over n indices. */
void fb_random_shuffle(struct fb_random *random, size_t *items, size_t n);
/* A seed for an independent stream: a hash of a seed and an index. */
uint64_t fb_random_stream(uint64_t seed, uint64_t index);

#endif
