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

/* Reading on costs no more than another call. */
#define GAP_BYTES 4096

int fb_slab_pieces(const struct fb_array_info *array, const uint64_t *start, const uint64_t *count,
                   int (*visit)(void *context, uint64_t offset, uint64_t bytes,
                                struct fb_error *err),
                   void *context, struct fb_error *err)
{
    struct fb_slab_walk walk;
    uint64_t offset, first = 0, end = 0;
    int rc = 0;
    fb_slab_begin(&walk, array, start, count);
    while (rc == 0 && fb_slab_next(&walk, &offset)) {
        if (end > 0 && offset - end > GAP_BYTES) {
            rc = visit(context, first, end - first, err);
            first = offset;
        } else if (end == 0) {
            first = offset;
        }
        end = offset + walk.run_bytes;
    }
    return rc == 0 && end > 0 ? visit(context, first, end - first, err) : rc;
}
