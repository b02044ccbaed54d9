/* Element types, named as numpy names them: int8..int64, uint8..uint64, float16/32/64, bool, and
 * V<n> for opaque records of n bytes. */
#ifndef FB_DATASETS_DTYPE_H
#define FB_DATASETS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The letters are numpy's kind codes. */
enum fb_kind { FB_INT = 'i', FB_UINT = 'u', FB_FLOAT = 'f', FB_BOOL = 'b', FB_OPAQUE = 'V' };

struct fb_dtype {
    enum fb_kind kind;
    uint32_t size; /* bytes an element, never 0 */
};

#define FB_DTYPE_NAME_MAX 16

/* "float32". Returns buf (FB_DTYPE_NAME_MAX bytes suffice). */
char *fb_dtype_name(struct fb_dtype dtype, char *buf, size_t size);
/* False for a name that is not one of the above; V0 is refused. */
bool fb_dtype_parse(const char *name, struct fb_dtype *out);
/* True when kind and size go together (a float of 3 bytes does not). */
bool fb_dtype_valid(struct fb_dtype dtype);
bool fb_dtype_equal(struct fb_dtype a, struct fb_dtype b);

/* IEEE 754 half precision, exactly. */
float fb_half_value(uint16_t half);

#endif
