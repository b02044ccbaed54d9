#include "bench/tune/stand.h"
#include "base/random.h"
#include "bench/reference.h"
#include "bench/subject.h"
#include "bench/tune/space.h"
#include "formats/format.h"
#include "results/statistics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the data --------------------------------------------------------------------------------- */

/* The source that is cropped is the file's own, whose catalog the region is of. */
static bool crop_to_region(void *context, size_t array, uint64_t *start, uint64_t *count)
{
    const struct fb_patch *patch = fb_region_patch(context, array);
    if (patch) {
        memcpy(start, patch->start, sizeof patch->start);
        memcpy(count, patch->count, sizeof patch->count);
    }
    return patch != NULL;
}

static int write_file(const struct fb_ground *ground, const char *format, const char *options,
                      const char *path, struct fb_source *source, uint64_t *write_ns,
                      struct fb_error *err)
{
    struct fb_process_limits limits = ground->limits;
    struct fb_create_result cost = { 0 };
    char *plan;
    if (asprintf(&plan, "%s.plan.csv", path) < 0)
        return fb_fail_memory(err, "a file name");
    struct fb_job job = {
        .create = true, .format = format, .options = options, .file = path, .plan = plan
    };
    int rc = fb_block_create_file(&ground->worker, &limits, &job, source, &cost, err);
    free(plan);
    if (write_ns)
        *write_ns = cost.ns;
    return rc;
}

static int stage(struct fb_stand *stand, struct fb_source *source, const struct fb_region *region,
                 struct fb_error *err)
{
    struct fb_source *lent = NULL, *part = NULL;
    int rc = fb_source_observe(source, &lent, err);
    if (rc == 0)
        rc = fb_source_crop(lent, crop_to_region, (void *)(uintptr_t)region, &part, err);
    if (rc)
        return rc;
    rc = write_file(stand->ground, FB_TUNE_CONTIGUOUS, "", stand->staged, part, NULL, err);
    fb_source_close(part);
    return rc ? rc
              : fb_source_from_file(fb_format_find(FB_TUNE_READER), stand->staged, &stand->source,
                                    err);
}

/* --- the requests ----------------------------------------------------------------------------- */

/* The same requests where the arrays lie in the file that is tuned. */
static int plan_in_place(const struct fb_stand_term *term, const struct fb_catalog *whole,
                         const struct fb_region *region, struct fb_error *err)
{
    struct fb_plan plan = { .one_buffer = term->plan.one_buffer };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < term->plan.count; i++) {
        struct fb_request request = term->plan.requests[i];
        const struct fb_array_info *array = fb_catalog_find(whole, request.array);
        const struct fb_patch *patch =
            array ? fb_region_patch(region, (size_t)(array - whole->arrays)) : NULL;
        for (unsigned k = 0; patch && k < request.rank; k++)
            request.start[k] += patch->start[k];
        rc = patch ? fb_plan_add(&plan, &request, err)
                   : fb_fail(err, FB_EFORMAT, "%s has been planned but not copied", request.array);
    }
    if (rc == 0)
        rc = fb_plan_write(&plan, term->in_place, err);
    fb_plan_free(&plan);
    return rc;
}

static int plan_term(struct fb_stand *stand, size_t i, const struct fb_catalog *whole,
                     const struct fb_region *region, const char *name, struct fb_error *err)
{
    const struct fb_ground *ground = stand->ground;
    struct fb_stand_term *term = &stand->terms[i];
    const struct fb_catalog *catalog = fb_source_catalog(stand->source);
    if (asprintf(&term->path, "%s/%s-%zu.csv", ground->folder, name, i) < 0)
        term->path = NULL;
    if (asprintf(&term->in_place, "%s/%s-%zu-in-place.csv", ground->folder, name, i) < 0)
        term->in_place = NULL;
    if (!term->path || !term->in_place)
        return fb_fail_memory(err, "file names");
    int rc =
        fb_access_plan(&ground->access->terms[i], catalog, fb_random_stream(ground->seed, i + 1),
                       ground->read_bytes, &term->plan, term->reason, sizeof term->reason, err);
    if (rc == FB_EUSAGE) { /* the file has arrays for this term, but they are not in the region */
        snprintf(term->reason, sizeof term->reason, "%.250s", err->message);
        return 0;
    }
    if (rc || *term->reason)
        return rc;
    term->hashes = calloc(term->plan.count + 1, sizeof *term->hashes);
    if (!term->hashes)
        return fb_fail_memory(err, "hashes");
    rc = fb_reference_hash(&term->plan, stand->source, catalog, term->hashes, err);
    if (rc == 0)
        rc = fb_plan_write(&term->plan, term->path, err);
    return rc ? rc : plan_in_place(term, whole, region, err);
}

int fb_stand_open(const struct fb_ground *ground, struct fb_source *source,
                  const struct fb_region *region, const char *name, struct fb_stand *out,
                  struct fb_error *err)
{
    bool any = false;
    *out = (struct fb_stand){ .ground = ground };
    int rc = 0;
    if (asprintf(&out->staged, "%s/%s.h5", ground->folder, name) < 0) {
        out->staged = NULL;
        rc = fb_fail_memory(err, "a file name");
    }
    if (rc == 0)
        rc = stage(out, source, region, err);
    for (size_t i = 0; rc == 0 && i < ground->access->count; i++) {
        rc = plan_term(out, i, fb_source_catalog(source), region, name, err);
        any |= rc == 0 && !*out->terms[i].reason;
    }
    if (rc == 0 && !any)
        rc = fb_fail(err, FB_ENOTHING, "%s: nothing is read: %s", ground->file,
                     out->terms[0].reason);
    if (rc)
        fb_stand_close(out);
    return rc;
}

void fb_stand_close(struct fb_stand *stand)
{
    fb_source_close(stand->source);
    if (stand->staged)
        unlink(stand->staged);
    free(stand->staged);
    for (size_t i = 0; i < FB_ACCESS_TERMS_MAX; i++) {
        struct fb_stand_term *term = &stand->terms[i];
        if (term->path)
            unlink(term->path);
        if (term->in_place)
            unlink(term->in_place);
        free(term->path);
        free(term->in_place);
        free(term->hashes);
        fb_plan_free(&term->plan);
    }
    *stand = (struct fb_stand){ 0 };
}

/* Beside this, what the first iteration pays once is nothing. */
#define PATIENCE_NS UINT64_C(100000000)

/* --- trying ----------------------------------------------------------------------------------- */

/* Chunks are no longer than the longest array of the stand, and along other axes than the shortest:
 * what was cropped, or lies in another stand, may have been longer. */
static struct fb_setting clip(const struct fb_stand *stand, const struct fb_setting *setting)
{
    const struct fb_catalog *catalog = fb_source_catalog(stand->source);
    struct fb_setting clipped = *setting;
    uint64_t longest = 1;
    for (size_t a = 0; setting->rank && a < catalog->array_count; a++) {
        const struct fb_array_info *array = &catalog->arrays[a];
        longest = array->dims[0] > longest ? array->dims[0] : longest;
        for (unsigned k = 1; k < setting->rank; k++)
            if (clipped.chunk[k] > array->dims[k])
                clipped.chunk[k] = array->dims[k];
    }
    if (setting->rank && clipped.chunk[0] > longest)
        clipped.chunk[0] = longest;
    return clipped;
}

int fb_stand_write(const struct fb_stand *stand, const struct fb_setting *setting, const char *path,
                   uint64_t *file_bytes, uint64_t *write_ns, struct fb_error *err)
{
    const struct fb_setting clipped = clip(stand, setting);
    char options[1024];
    int rc = write_file(stand->ground, setting->rank ? FB_TUNE_CHUNKED : FB_TUNE_CONTIGUOUS,
                        fb_setting_options(&clipped, options, sizeof options), path, stand->source,
                        write_ns, err);
    return rc ? rc : fb_path_bytes(path, file_bytes, err);
}

int fb_stand_read(const struct fb_stand *stand, const char *path, size_t term,
                  const struct fb_reading *how, uint64_t *ns, bool *proven, struct fb_error *err)
{
    const struct fb_ground *ground = stand->ground;
    const struct fb_stand_term *what = &stand->terms[term];
    struct fb_block_result result;
    struct fb_block_job job = {
        .worker = &ground->worker,
        .limits = ground->limits,
        .job = { .format = how->format,
                 .options = how->options,
                 .file = path ? path : ground->file,
                 .plan = path ? what->path : what->in_place,
                 .handle = how->handle,
                 .buffer = fb_block_buffer(&what->plan) },
        .cache = FB_CACHE_WARM,
        .patience_ns = PATIENCE_NS,
        .plan = &what->plan,
        .expected = what->hashes,
    };
    int rc = fb_block_run(&job, &result, err);
    if (rc)
        return rc;
    *ns = fb_median_of(result.ns + result.warmups, result.count - result.warmups);
    if (how->fastest)
        *ns = result.ns[result.warmups]; /* sorted */
    *proven = fb_cache_settled(FB_CACHE_WARM, result.resident_before);
    fb_block_result_free(&result);
    return 0;
}
