#include "bench/sample.h"
#include "base/number.h"

#include <string.h>

int fb_sample_add(struct fb_plan *plan, const struct fb_array_info *array, uint64_t length,
                  struct fb_error *err)
{
    struct fb_request request = {
        .op = FB_OP_SAMPLE,
        .array = array->path,
        .dtype = array->dtype,
        .rank = array->rank,
        .max = length,
    };
    memcpy(request.count, array->dims, array->rank * sizeof *request.count);
    if (request.count[0] > length)
        request.count[0] = length;
    request.bytes = fb_sample_bytes(&request);
    return fb_plan_add(plan, &request, err);
}

uint64_t fb_sample_bytes(const struct fb_request *request)
{
    uint64_t bytes = request->dtype.size;
    bool fits = fb_mul_u64(bytes, request->max, &bytes);
    for (unsigned i = 1; i < request->rank; i++)
        fits = fits && fb_mul_u64(bytes, request->count[i], &bytes);
    return fits && bytes < INT64_MAX ? bytes : INT64_MAX;
}

void fb_sample_pad(const struct fb_request *request, void *sample)
{
    uint64_t read = fb_request_slab_bytes(request);
    memset((unsigned char *)sample + read, 0, (size_t)(request->bytes - read));
}

int fb_sample_read(const struct fb_format *format, struct fb_array *array,
                   const struct fb_request *request, void *sample, struct fb_error *err)
{
    size_t rows = (size_t)fb_request_slab_bytes(request), delivered = 0;
    int rc =
        format->array_read(array, request->start, request->count, sample, rows, &delivered, err);
    if (rc == 0 && delivered != rows)
        rc = fb_fail(err, FB_EFORMAT, "array %s delivered %zu bytes instead of %zu", request->array,
                     delivered, rows);
    if (rc == 0)
        fb_sample_pad(request, sample);
    return rc;
}
