#include "formats/slab.h"

#include <inttypes.h>
#include <string.h>

void fb_slab_begin(struct fb_slab_walk *walk, const struct fb_array_info *array,
                   const uint64_t *start, const uint64_t *count)
{
    uint64_t stride = array->dtype.size;
    walk->done = array->bytes == 0;
    walk->offset = 0;
    walk->run_bytes = array->dtype.size;
    walk->axes = 0;
    bool whole = true; /* all axes behind this one are taken whole, so that runs join up */
    for (unsigned i = array->rank; i-- > 0;) {
        walk->count[i] = count[i];
        walk->index[i] = 0;
        walk->stride[i] = stride;
        walk->offset += start[i] * stride;
        walk->done |= count[i] == 0;
        if (whole) {
            walk->run_bytes = count[i] * stride;
            whole = count[i] == array->dims[i];
            walk->axes = i;
        }
        stride *= array->dims[i];
    }
}

bool fb_slab_next(struct fb_slab_walk *walk, uint64_t *offset)
{
    if (walk->done)
        return false;
    *offset = walk->offset;
    for (unsigned i = walk->axes; i-- > 0;) {
        walk->offset += walk->stride[i];
        if (++walk->index[i] < walk->count[i])
            return true;
        walk->offset -= walk->count[i] * walk->stride[i];
        walk->index[i] = 0;
    }
    walk->done = true;
    return true;
}

void fb_slab_copy(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                  const void *base, void *dst)
{
    struct fb_slab_walk walk;
    uint64_t offset;
    unsigned char *to = dst;
    fb_slab_begin(&walk, array, start, count);
    while (fb_slab_next(&walk, &offset)) {
        memcpy(to, (const unsigned char *)base + offset, (size_t)walk.run_bytes);
        to += walk.run_bytes;
    }
}

int fb_slab_admit(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                  size_t capacity, size_t *bytes, struct fb_error *err)
{
    int rc = fb_slab_check(array, start, count, err);
    if (rc)
        return rc;
    uint64_t need = fb_slab_bytes(array, count);
    if (need > capacity)
        return fb_fail(err, FB_EUSAGE,
                       "array %s: a slab of %" PRIu64 " bytes does not fit a buffer of %zu",
                       array->path, need, capacity);
    *bytes = (size_t)need;
    return 0;
}

void fb_slab_span(unsigned rank, const uint64_t *dims, uint64_t element, const uint64_t *start,
                  const uint64_t *count, uint64_t *offset, uint64_t *bytes)
{
    uint64_t stride = element;
    *offset = 0;
    *bytes = element;
    for (unsigned i = rank; i-- > 0;) {
        *offset += start[i] * stride;
        *bytes += (count[i] - 1) * stride;
        stride *= dims[i];
    }
}
