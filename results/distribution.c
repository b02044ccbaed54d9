#include "results/distribution.h"

#include <math.h>

/* Terms start at 2^-n, which no double holds for large n: they are kept times 2^n, and a power of
 * two is moved out of them, which rounds nothing, whenever the sum gets large. */
double fb_binomial_half_upper(size_t n, size_t k)
{
    if (k == 0)
        return 1;
    if (k > n)
        return 0;
    double term = 1, sum = 1;
    int exponent = -(int)n;
    for (size_t i = n; i > k; i--) {
        term = term * (double)i / (double)(n - i + 1);
        sum += term;
        if (sum > 0x1p500) {
            term *= 0x1p-500;
            sum *= 0x1p-500;
            exponent += 500;
        }
    }
    return fmin(1, ldexp(sum, exponent));
}

size_t fb_binomial_half_critical(size_t n, double level)
{
    size_t low = 0, high = n + 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fb_binomial_half_upper(n, middle) <= level)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

double fb_binomial_upper(size_t n, size_t k, double q)
{
    if (k == 0)
        return 1;
    if (k > n)
        return 0;
    return fb_incomplete_beta(q, (double)k, (double)(n - k) + 1);
}

/* --- the incomplete beta function ------------------------------------------------------------- */

static double away_from_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* Converges fast for x < (a + 1) / (a + b + 2), in some sqrt(max(a, b)) steps. */
static double continued_fraction(double x, double a, double b)
{
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), result = d;
    for (int m = 1; m <= 2000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        result *= c * d;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        result *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return result;
}

double fb_incomplete_beta(double x, double a, double b)
{
    if (isnan(x) || x <= 0)
        return isnan(x) ? NAN : 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * continued_fraction(x, a, b) / a;
    return 1 - front * continued_fraction(1 - x, b, a) / b;
}

double fb_normal_upper(double z)
{
    return erfc(z / M_SQRT2) / 2;
}

double fb_student_upper(double t, double df)
{
    if (isinf(t))
        return t > 0 ? 0 : 1;
    double tail = fb_incomplete_beta(df / (df + t * t), df / 2, 0.5) / 2;
    return t >= 0 ? tail : 1 - tail;
}
