#include "base/random.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void fb_random_seed(struct fb_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix(&seed);
}

uint64_t fb_random_next(struct fb_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t fb_random_below(struct fb_random *random, uint64_t bound)
{
    uint64_t threshold = -bound % bound;
    uint64_t value;
    do
        value = fb_random_next(random);
    while (value < threshold);
    return value % bound;
}

double fb_random_unit(struct fb_random *random)
{
    return (double)(fb_random_next(random) >> 11) * 0x1p-53;
}

void fb_random_shuffle(struct fb_random *random, size_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)fb_random_below(random, i);
        size_t swap = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swap;
    }
}

uint64_t fb_random_stream(uint64_t seed, uint64_t index)
{
    uint64_t state = seed ^ (index * UINT64_C(0xd1342543de82ef95));
    splitmix(&state);
    return splitmix(&state);
}
