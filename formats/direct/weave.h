/* Bytes to elements: out of the planes that HDF5's shuffle makes, turned round, spread. Nothing
 * here reads or writes a byte but those of the elements. */
#ifndef FB_FORMATS_DIRECT_WEAVE_H
#define FB_FORMATS_DIRECT_WEAVE_H

#include <stdbool.h>
#include <stddef.h>

/* Byte b of element i is plane[b * step + i], and goes to `to`[i * element + b]. A negative step,
 * from the last plane on, turns the bytes of each element round. */
void fb_direct_weave(const unsigned char *plane, ptrdiff_t step, size_t element, size_t count,
                     unsigned char *to);
/* The same a byte at a time, for any element: what the other must agree with. */
void fb_direct_weave_plain(const unsigned char *plane, ptrdiff_t step, size_t element, size_t count,
                           unsigned char *to);

/* Elements in rows, which lie apart by these bytes on the one side and on the other. */
struct fb_direct_grid {
    size_t rows, from_row, to_row;
    size_t count, from_step, to_step; /* of a row */
};

/* Copies them; with swap the bytes of each are turned round. A step of 0 repeats. */
void fb_direct_copy(const struct fb_direct_grid *grid, size_t element, bool swap,
                    const unsigned char *from, unsigned char *to);

#endif
