/* How data that lies in short chunks would do in long ones: some of it is compressed anew, in
 * memory, and inflated against the clock. */
#ifndef FB_BENCH_ANATOMY_PROBE_H
#define FB_BENCH_ANATOMY_PROBE_H

#include "bench/anatomy/advice.h"

/* Short chunks of gzip, and no filter of others. */
bool fb_probe_needed(const struct fb_stored *stored);

/* Takes data that the plan asks of the array, or some around it, through the array's own filters as
 * a few chunks. Sets both, stored over raw bytes and ns a byte that comes out, or, where there is
 * too little data or it cannot be read, neither. The reader is one of the format. */
void fb_probe_long_chunks(const struct fb_case *what, size_t array, const struct fb_format *format,
                          struct fb_reader *reader, double *compressed, double *inflate_byte);

#endif
