/* The few distributions that verdicts need, as pure functions. */
#ifndef FB_RESULTS_DISTRIBUTION_H
#define FB_RESULTS_DISTRIBUTION_H

#include <stddef.h>

/* The most trials that the binomial functions take. */
#define FB_TRIALS_MOST 4096

/* P(B >= k), B ~ Binomial(n, 1/2). Summed term by term from the far end, so it never rises with k;
 * every bit is right up to n = 48, twelve digits are up to n = FB_TRIALS_MOST. */
double fb_binomial_half_upper(size_t n, size_t k);

/* The smallest k with P(B >= k) <= level, B ~ Binomial(n, 1/2); n + 1 where not even n is rare
 * enough. */
size_t fb_binomial_half_critical(size_t n, double level);

/* P(B >= k), B ~ Binomial(n, q): the incomplete beta function I_q(k, n - k + 1). */
double fb_binomial_upper(size_t n, size_t k, double q);

/* The regularised incomplete beta function I_x(a, b), a and b > 0, by its continued fraction
 * (Abramowitz & Stegun 26.5.8), evaluated as Lentz does. About twelve digits for a + b <= 10^4. */
double fb_incomplete_beta(double x, double a, double b);

/* P(Z > z), Z standard normal. */
double fb_normal_upper(double z);

/* P(T > t), T of Student's distribution with df > 0 degrees of freedom, which need not be whole. */
double fb_student_upper(double t, double df);

#endif
