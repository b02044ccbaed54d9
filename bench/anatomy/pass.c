#include "bench/anatomy/pass.h"

#include <string.h>

bool fb_anatomy_offered(const json_t *hello, const char *format)
{
    const json_t *formats = json_object_get(hello, "formats"), *item;
    size_t i;
    json_array_foreach(formats, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name && strcmp(name, format) == 0)
            return json_is_true(json_object_get(item, "anatomy"));
    }
    return false;
}

int fb_anatomy_run(const struct fb_block_job *job, unsigned iterations, struct fb_anatomy *out,
                   struct fb_error *err)
{
    (void)iterations;
    *out = (struct fb_anatomy){ 0 };
    return fb_fail(err, FB_EUNSUPPORTED, "format %s has no anatomy", job->job.format);
}
