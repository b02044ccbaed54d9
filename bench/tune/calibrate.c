/* The coefficients of the model, from files of a few hundred kilobytes to two megabytes of the
 * data. */
#include "bench/anatomy/calibrate.h"
#include "base/interrupt.h"
#include "bench/tune/model.h"
#include "formats/format.h"
#include "results/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES_MOST (UINT64_C(1) << 20)
#define BLOCKS 2
/* Where there is one array only, and nothing to tell opening a file from opening an array. */
#define ARRAY_NS 12000
#define NODE_NS 3000
#define POINTS 9

enum { WHOLE, POINT, MANY };
#define ACCESS "whole+point:n=1+point:n=9"

struct gauge {
    struct fb_ground ground;
    struct fb_access access;
    struct fb_stand stand;
    char *path;
    uint64_t bytes; /* of the data */
};

/* --- one file --------------------------------------------------------------------------------- */

static int time_term(const struct gauge *gauge, size_t term, double *out, struct fb_error *err)
{
    const struct fb_reading how = { FB_TUNE_READER, "", FB_HANDLE_ONCE, true };
    uint64_t best = UINT64_MAX, ns;
    bool proven; /* coefficients are no result */
    int rc = 0;
    for (int block = 0; rc == 0 && block < BLOCKS; block++) {
        rc = fb_stand_read(&gauge->stand, gauge->path, term, &how, &ns, &proven, err);
        best = rc == 0 && ns < best ? ns : best;
    }
    *out = (double)best;
    return rc;
}

static struct fb_setting rows_of(const struct gauge *gauge, uint64_t chunk_bytes,
                                 const struct fb_coding *coding)
{
    const struct fb_catalog *catalog = fb_source_catalog(gauge->stand.source);
    const struct fb_array_info *array = &catalog->arrays[0];
    struct fb_setting setting = { .rank = array->rank };
    for (size_t a = 1; a < catalog->array_count; a++)
        if (catalog->arrays[a].dims[0] > array->dims[0])
            array = &catalog->arrays[a];
    uint64_t row = array->bytes / array->dims[0], rows = chunk_bytes / (row ? row : 1);
    memcpy(setting.chunk, array->dims, sizeof setting.chunk);
    setting.chunk[0] = rows < 1 ? 1 : rows > array->dims[0] ? array->dims[0] : rows;
    snprintf(setting.filter, sizeof setting.filter, "%s", coding->filter);
    setting.level = coding->level;
    setting.shuffle = coding->shuffle;
    return setting;
}

/* Stored over raw bytes, without what the file has beside chunks. */
static double part_of(const struct gauge *gauge, const struct fb_setting *setting,
                      uint64_t file_bytes)
{
    double plain = fb_model_stored_bytes(&gauge->stand, setting, 1);
    double index = fb_model_stored_bytes(&gauge->stand, setting, 0);
    double part = ((double)file_bytes - index) / (plain - index);
    return part > 0.001 ? part : 0.001;
}

/* --- the coefficients ------------------------------------------------------------------------- */

static int measure_piece(const struct gauge *gauge, struct fb_model *model, struct fb_error *err)
{
    const struct fb_setting piece = { .filter = "none" };
    uint64_t file_bytes, write_ns;
    double one, many;
    int rc = fb_stand_write(&gauge->stand, &piece, gauge->path, &file_bytes, &write_ns, err);
    if (rc == 0)
        rc = time_term(gauge, POINT, &one, err);
    if (rc == 0)
        rc = time_term(gauge, MANY, &many, err);
    if (rc)
        return rc;
    model->piece_byte = write_ns == FB_NA ? NAN : (double)write_ns / (double)gauge->bytes;
    double request = model->rates.request + model->rates.read_call;
    double array = (many - one) / (POINTS - 1) - request;
    bool several = fb_source_catalog(gauge->stand.source)->array_count > 1;
    model->array_ns = several && array > 1000 ? array : ARRAY_NS;
    model->open_ns = one - model->array_ns - request;
    if (model->open_ns < 0)
        model->open_ns = 0;
    model->node_ns = NODE_NS;
    return 0;
}

/* `plain`: time of reading the same chunks uncompressed; NAN: these are they. */
static int measure_coding(const struct gauge *gauge, double plain, struct fb_coding_cost *out,
                          double *time, struct fb_error *err)
{
    struct fb_setting setting = rows_of(gauge, FB_MODEL_CHUNK_BYTES, &out->coding);
    uint64_t file_bytes, write_ns;
    int rc = fb_stand_write(&gauge->stand, &setting, gauge->path, &file_bytes, &write_ns, err);
    if (rc == FB_EUNSUPPORTED || rc == FB_EUSAGE)
        return 0; /* not here, or not for such data */
    if (rc == 0)
        rc = time_term(gauge, WHOLE, time, err);
    if (rc)
        return rc;
    double more = *time - plain;
    out->here = true;
    out->decode_byte = more > 0 ? more / (double)gauge->bytes : 0;
    out->encode_byte = write_ns == FB_NA ? NAN : (double)write_ns / (double)gauge->bytes;
    out->compressed = part_of(gauge, &setting, file_bytes);
    return 0;
}

/* Levels of gzip that are measured; what a level between does lies between. */
static bool is_measured(const struct fb_coding *coding)
{
    static const unsigned levels[] = { 1, 4, 6, 9 };
    bool any = strcmp(coding->filter, "gzip") != 0;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        any |= coding->level == levels[i];
    return any;
}

static double between(double below, double above, double part)
{
    return exp(log(below) * (1 - part) + log(above) * part);
}

static void interpolate(const struct fb_model *model, struct fb_coding_cost *out)
{
    const struct fb_coding_cost *below = NULL, *above = NULL;
    for (size_t i = 0; i < model->coding_count; i++) {
        const struct fb_coding_cost *other = &model->codings[i];
        if (!other->here || !is_measured(&other->coding) ||
            strcmp(other->coding.filter, out->coding.filter) != 0 ||
            other->coding.shuffle != out->coding.shuffle)
            continue;
        unsigned level = other->coding.level;
        if (level < out->coding.level && (!below || level > below->coding.level))
            below = other;
        if (level > out->coding.level && (!above || level < above->coding.level))
            above = other;
    }
    if (!below || !above)
        return;
    double part = (double)(out->coding.level - below->coding.level) /
                  (double)(above->coding.level - below->coding.level);
    out->here = true;
    out->decode_byte = below->decode_byte * (1 - part) + above->decode_byte * part;
    out->encode_byte = between(below->encode_byte, above->encode_byte, part);
    out->compressed = between(below->compressed, above->compressed, part);
}

static int measure_codings(const struct gauge *gauge, struct fb_model *model, struct fb_error *err)
{
    struct fb_coding_cost none = { .coding = { "none", 0, false } };
    double plain = NAN, time;
    int rc = measure_coding(gauge, NAN, &none, &plain, err);
    for (size_t i = 0; rc == 0 && i < model->coding_count; i++) {
        if (fb_interrupted())
            return fb_fail(err, FB_EINTERRUPTED, "interrupted");
        if (is_measured(&model->codings[i].coding))
            rc = measure_coding(gauge, plain, &model->codings[i], &time, err);
    }
    for (size_t i = 0; rc == 0 && i < model->coding_count; i++)
        if (!is_measured(&model->codings[i].coding))
            interpolate(model, &model->codings[i]);
    return rc;
}

/* Small chunks compress less. gzip stands for all codings, with shuffle where that helps. */
static int measure_sizes(const struct gauge *gauge, struct fb_model *model, struct fb_error *err)
{
    struct fb_coding coding = { "gzip", 4, false };
    double at_64k = 1;
    uint64_t file_bytes;
    int rc = 0;
    for (size_t i = 0; i < FB_MODEL_SIZES; i++)
        model->by_size[i] = 1;
    for (size_t i = 0; i < model->coding_count; i++)
        if (model->codings[i].here && strcmp(model->codings[i].coding.filter, "gzip") == 0 &&
            model->codings[i].compressed < at_64k) {
            coding = model->codings[i].coding;
            at_64k = model->codings[i].compressed;
        }
    for (size_t i = 0; rc == 0 && i < FB_MODEL_SIZES; i++) {
        struct fb_setting setting = rows_of(gauge, UINT64_C(1024) << (3 * i), &coding);
        rc = fb_stand_write(&gauge->stand, &setting, gauge->path, &file_bytes, NULL, err);
        if (rc == 0)
            model->by_size[i] = part_of(gauge, &setting, file_bytes);
    }
    for (size_t i = 0; rc == 0 && i < FB_MODEL_SIZES; i++)
        model->by_size[i] /= i == 2 ? 1 : model->by_size[2];
    model->by_size[2] = 1;
    return rc;
}

/* --- the gauge -------------------------------------------------------------------------------- */

static int make_gauge(const struct fb_stand *stand, struct gauge *gauge, struct fb_error *err)
{
    static const uint64_t need[FB_MAX_RANK] = { 0 };
    const struct fb_catalog *catalog = fb_source_catalog(stand->source);
    struct fb_groups groups = { 0 };
    struct fb_region regions[2] = { { 0 }, { 0 } };
    bool held_out;
    *gauge = (struct gauge){ .ground = *stand->ground };
    gauge->ground.file = stand->staged;
    gauge->ground.access = &gauge->access;
    gauge->ground.handle = FB_HANDLE_ONCE;
    gauge->ground.read_bytes = 2 * BYTES_MOST;
    int rc = fb_access_parse(ACCESS, &gauge->access, err);
    if (rc == 0 && asprintf(&gauge->path, "%s/gauge-trial.h5", stand->ground->folder) < 0) {
        gauge->path = NULL;
        rc = fb_fail_memory(err, "a file name");
    }
    if (rc == 0)
        rc = fb_groups_make(catalog, NULL, &groups, err);
    if (rc == 0)
        rc = fb_regions_make(catalog, &groups.items[0], need, NULL, BYTES_MOST, 1, regions,
                             &held_out, err);
    if (rc == 0)
        rc = fb_stand_open(&gauge->ground, stand->source, &regions[0], "gauge", &gauge->stand, err);
    if (rc == 0)
        gauge->bytes = fb_catalog_bytes(fb_source_catalog(gauge->stand.source));
    for (int r = 0; r < 2; r++)
        fb_region_free(&regions[r]);
    fb_groups_free(&groups);
    return rc;
}

int fb_model_calibrate(const struct fb_stand *stand, const struct fb_coding *codings, size_t count,
                       struct fb_model *out, struct fb_error *err)
{
    struct gauge gauge;
    *out = (struct fb_model){ .rates = fb_rates_typical,
                              .codings = calloc(count + 1, sizeof *out->codings),
                              .coding_count = count };
    if (!out->codings)
        return fb_fail_memory(err, "the model");
    for (size_t i = 0; i < count; i++)
        out->codings[i].coding = codings[i];
    int rc = make_gauge(stand, &gauge, err);
    if (rc == 0)
        rc = fb_calibrate(&stand->ground->worker, &stand->ground->limits,
                          fb_format_find(FB_TUNE_CHUNKED), stand->ground->folder, &out->rates, err);
    if (rc == 0)
        rc = measure_piece(&gauge, out, err);
    if (rc == 0)
        rc = measure_codings(&gauge, out, err);
    if (rc == 0)
        rc = measure_sizes(&gauge, out, err);
    fb_stand_close(&gauge.stand);
    if (gauge.path)
        unlink(gauge.path);
    free(gauge.path);
    fb_access_free(&gauge.access);
    return rc;
}
