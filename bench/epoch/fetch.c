#include "bench/epoch/fetch.h"
#include "bench/sample.h"

static int open_file(struct fb_fetch *fetch, struct fb_error *err)
{
    const struct fb_execution *run = fetch->run;
    return run->format->open(run->file, run->options, &fetch->reader, err);
}

int fb_fetch_open(struct fb_fetch *fetch, struct fb_error *err)
{
    return fetch->run->handle == FB_HANDLE_EACH ? 0 : open_file(fetch, err);
}

void fb_fetch_close(struct fb_fetch *fetch)
{
    if (fetch->reader)
        fetch->run->format->close(fetch->reader);
    fetch->reader = NULL;
}

size_t fb_fetch_samples(const struct fb_fetch *fetch, size_t batch, size_t *first)
{
    *first = batch * fetch->batch;
    size_t left = fetch->run->plan->count - *first;
    return left < fetch->batch ? left : fetch->batch;
}

static int fetch_sample(struct fb_fetch *fetch, const struct fb_request *request, void *to,
                        struct fb_error *err)
{
    const struct fb_format *format = fetch->run->format;
    struct fb_array *array;
    int rc = format->array_open(fetch->reader, request->array, &array, err);
    if (rc)
        return rc;
    rc = fb_sample_read(format, array, request, to, err);
    format->array_close(array);
    return rc;
}

int fb_fetch_batch(struct fb_fetch *fetch, size_t batch, unsigned char *to, struct fb_error *err)
{
    bool each = fetch->run->handle == FB_HANDLE_EACH;
    size_t first, count = fb_fetch_samples(fetch, batch, &first);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct fb_request *request = &fetch->run->plan->requests[first + i];
        if (each)
            rc = open_file(fetch, err);
        if (rc == 0)
            rc = fetch_sample(fetch, request, to + i * (size_t)request->bytes, err);
        if (each)
            fb_fetch_close(fetch);
    }
    return rc;
}
