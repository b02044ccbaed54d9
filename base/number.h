/* Numbers in and out of text, whatever the locale, and arithmetic that cannot overflow unseen. */
#ifndef FB_BASE_NUMBER_H
#define FB_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole of `text` as a decimal number; false for anything else (empty, sign, blanks, overflow).
 */
bool fb_parse_u64(const char *text, uint64_t *out);

/* A size in bytes: digits and an optional B, kB, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB,
 * TiB (powers of 1024). */
bool fb_parse_size(const char *text, uint64_t *out);

/* "A:B" with A <= B. Either side may be left out: 0 and UINT64_MAX then. */
bool fb_parse_range(const char *text, uint64_t *first, uint64_t *last);

/* The whole of `text` (length bytes, need not be terminated) as a finite decimal number,
 * correctly rounded; blanks before and after are allowed. */
bool fb_parse_double(const char *text, size_t length, double *out);

/* *out = a * b, a + b; false when it does not fit. */
bool fb_mul_u64(uint64_t a, uint64_t b, uint64_t *out);
bool fb_add_u64(uint64_t a, uint64_t b, uint64_t *out);

/* "25.1 MB", "1.2 ms": three or so significant digits for people. Returns buf. */
char *fb_format_bytes(uint64_t bytes, char *buf, size_t size);
char *fb_format_ns(uint64_t ns, char *buf, size_t size);

#endif
