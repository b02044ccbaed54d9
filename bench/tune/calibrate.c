/* The coefficients of the model, from files of up to a megabyte of the data; of gzip, in memory. */
#include "bench/anatomy/calibrate.h"
#include "base/interrupt.h"
#include "bench/tune/model.h"
#include "formats/format.h"
#include "formats/hdf5/options.h"
#include "results/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES_MOST (UINT64_C(1) << 20)
#define CHUNK_BYTES 65536
#define SMALL_BYTES 512 /* of chunks of which there are many */
#define BLOCKS 2
/* Of filters, each once a round: the machine is slower for seconds on end, and what is measured in
 * such a time must not look worse than the others. Filters that may not be recommended, as they
 * need a plugin, are read once. */
#define ROUNDS 3
/* Where there is one array only, and nothing to tell opening a file from opening an array. */
#define ARRAY_NS 12000
#define NODE_NS 3000
#define POINTS 9
#define CHUNKS_LEAST 100 /* to tell what one costs */
#define PART_LEAST 0.2   /* of what tracing says; and no more than its reciprocal */

enum { WHOLE, POINT, MANY };
#define ACCESS "whole+point:n=1+point:n=9"

struct gauge {
    struct fb_ground ground;
    struct fb_access access;
    struct fb_stand stand;
    char *path;
    uint64_t bytes; /* of the data */
    bool plugins;   /* filters that need one are as good as any */
};

/* --- one file --------------------------------------------------------------------------------- */

/* Lowers *best to what a block takes, if that is less. The reader is told the filter, so that it
 * sets up no other: that takes longer than the block. */
static int time_block(const struct gauge *gauge, const char *path, const char *filter, size_t term,
                      double *best, struct fb_error *err)
{
    char options[64];
    const struct fb_reading how = { FB_TUNE_CHUNKED, options, FB_HANDLE_ONCE, true };
    uint64_t ns;
    bool proven; /* coefficients are no result */
    snprintf(options, sizeof options, "filter=%s", strcmp(filter, "none") ? filter : "gzip");
    int rc = fb_stand_read(&gauge->stand, path, term, &how, &ns, &proven, err);
    if (rc == 0 && (double)ns < *best)
        *best = (double)ns;
    return rc;
}

static int time_term(const struct gauge *gauge, size_t term, double *out, struct fb_error *err)
{
    int rc = 0;
    *out = INFINITY;
    for (int block = 0; rc == 0 && block < BLOCKS; block++)
        rc = time_block(gauge, gauge->path, "none", term, out, err);
    return rc;
}

/* Chunks of whole rows. */
static struct fb_setting rows_of(const struct fb_catalog *catalog, uint64_t chunk_bytes,
                                 const struct fb_coding *coding)
{
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

static double count_chunks(const struct fb_catalog *catalog, const struct fb_setting *rows)
{
    uint64_t chunks = 0;
    for (size_t a = 0; a < catalog->array_count; a++) {
        const uint64_t length = catalog->arrays[a].dims[0];
        const uint64_t step = rows->chunk[0] < length ? rows->chunk[0] : length;
        chunks += step ? (length + step - 1) / step : 0;
    }
    return (double)chunks;
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

/* A coding while it is measured. */
struct attempt {
    struct fb_coding_cost *cost; /* NULL: not measured, or not here */
    char *path;
    int rounds;
    double read_ns;
};

static int write_coding(const struct gauge *gauge, uint64_t chunk_bytes,
                        struct fb_coding_cost *cost, struct attempt *attempt, size_t number,
                        struct fb_error *err)
{
    const struct fb_setting setting =
        rows_of(fb_source_catalog(gauge->stand.source), chunk_bytes, &cost->coding);
    uint64_t file_bytes, write_ns;
    if (asprintf(&attempt->path, "%s-%zu", gauge->path, number) < 0) {
        attempt->path = NULL;
        return fb_fail_memory(err, "a file name");
    }
    int rc = fb_stand_write(&gauge->stand, &setting, attempt->path, &file_bytes, &write_ns, err);
    if (rc == FB_EUNSUPPORTED || rc == FB_EUSAGE)
        return 0; /* not here, or not for such data */
    if (rc)
        return rc;
    attempt->cost = cost;
    attempt->read_ns = INFINITY;
    attempt->rounds = gauge->plugins || !*fb_hdf5_filter_plugin(cost->coding.filter) ? ROUNDS : 1;
    cost->here = true;
    cost->encode_byte = write_ns == FB_NA ? NAN : (double)write_ns / (double)gauge->bytes;
    cost->compressed = part_of(gauge, &setting, file_bytes);
    return 0;
}

static int read_codings(const struct gauge *gauge, struct attempt *attempts, size_t count,
                        struct fb_error *err)
{
    int rc = 0;
    for (int round = 0; rc == 0 && round < ROUNDS; round++)
        for (size_t i = 0; rc == 0 && i < count; i++)
            if (attempts[i].cost && round < attempts[i].rounds)
                rc = fb_interrupted()
                         ? fb_fail(err, FB_EINTERRUPTED, "interrupted")
                         : time_block(gauge, attempts[i].path, attempts[i].cost->coding.filter,
                                      WHOLE, &attempts[i].read_ns, err);
    return rc;
}

static double between(double below, double above, double part)
{
    return exp(log(below) * (1 - part) + log(above) * part);
}

/* Levels of gzip that are measured; what a level between does lies between. */
static const unsigned levels[] = { 1, FB_TILES_LEVEL, 9 };
#define LEVELS (sizeof levels / sizeof *levels)
#define USUAL 1 /* of them */
#define LEVEL_BYTES ((size_t)256 << 10)

static void set_gzip(const struct fb_tile measured[LEVELS], double plain_write,
                     struct fb_coding_cost *out)
{
    const unsigned level = out->coding.level;
    size_t above = 0;
    while (above + 1 < LEVELS && levels[above] < level)
        above++;
    size_t below = above && levels[above] > level ? above - 1 : above;
    const struct fb_tile *a = &measured[below], *b = &measured[above];
    double part = above == below
                      ? 0
                      : (double)(level - levels[below]) / (double)(levels[above] - levels[below]);
    out->here = true;
    out->decode_byte = a->inflate_byte * (1 - part) + b->inflate_byte * part;
    out->encode_byte = plain_write + between(a->pack_byte, b->pack_byte, part);
    out->compressed = between(a->stored, b->stored, part);
}

static bool has(const struct fb_coding *coding, const char *filter)
{
    return strcmp(coding->filter, filter) == 0;
}

/* What a chunk costs by itself, from the same data in few and in many. Tracing slows what it looks
 * at, so that of the rates it is their proportions that count. */
static void set_chunk_rates(const struct gauge *gauge, double few_ns, double many_ns,
                            struct fb_rates *rates)
{
    const struct fb_coding plain = { "none", 0, false };
    const struct fb_catalog *catalog = fb_source_catalog(gauge->stand.source);
    const struct fb_setting few = rows_of(catalog, CHUNK_BYTES, &plain);
    const struct fb_setting many = rows_of(catalog, SMALL_BYTES, &plain);
    const double more = count_chunks(catalog, &many) - count_chunks(catalog, &few);
    if (more < CHUNKS_LEAST)
        return;
    double part = (many_ns - few_ns) / more / (rates->chunk + rates->load + rates->read_call);
    part = part < PART_LEAST ? PART_LEAST : part > 1 / PART_LEAST ? 1 / PART_LEAST : part;
    rates->chunk *= part;
    rates->load *= part;
    rates->read_call *= part;
}

/* Of filters other than gzip, and of chunks, by files: what decoding costs is what reading takes
 * longer than that of the same chunks uncompressed. */
static int measure_filters(const struct gauge *gauge, struct fb_model *model, double *plain_write,
                           struct fb_error *err)
{
    const size_t count = model->coding_count;
    struct fb_coding_cost none = { .coding = { "none", 0, false } }, small = none;
    struct attempt *attempts = calloc(count + 2, sizeof *attempts);
    if (!attempts)
        return fb_fail_memory(err, "the model");
    struct attempt *few = &attempts[count], *many = &attempts[count + 1];
    int rc = write_coding(gauge, CHUNK_BYTES, &none, few, count, err);
    if (rc == 0)
        rc = write_coding(gauge, SMALL_BYTES, &small, many, count + 1, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!has(&model->codings[i].coding, "gzip") && !has(&model->codings[i].coding, "none"))
            rc = fb_interrupted()
                     ? fb_fail(err, FB_EINTERRUPTED, "interrupted")
                     : write_coding(gauge, CHUNK_BYTES, &model->codings[i], &attempts[i], i, err);
    if (rc == 0)
        rc = read_codings(gauge, attempts, count + 2, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (attempts[i].cost) {
            double more = attempts[i].read_ns - few->read_ns;
            attempts[i].cost->decode_byte = more > 0 ? more / (double)gauge->bytes : 0;
        }
    if (rc == 0)
        set_chunk_rates(gauge, few->read_ns, many->read_ns, &model->rates);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (has(&model->codings[i].coding, "none"))
            model->codings[i] = none;
    *plain_write = none.encode_byte;
    for (size_t i = 0; i < count + 2; i++) {
        if (attempts[i].path)
            unlink(attempts[i].path);
        free(attempts[i].path);
    }
    free(attempts);
    return rc;
}

/* In memory. */
static int measure_gzip(struct fb_model *model, double plain_write, struct fb_error *err)
{
    const struct fb_coding plain = { "none", 0, false };
    const struct fb_catalog *catalog = fb_source_catalog(model->source);
    const struct fb_setting chunk = rows_of(catalog, CHUNK_BYTES, &plain);
    struct fb_setting settings[2 * LEVELS];
    struct fb_tile measured[2][LEVELS] = { 0 };
    for (size_t i = 0; i < 2 * LEVELS; i++) {
        settings[i] = chunk;
        settings[i].level = levels[i % LEVELS];
        settings[i].shuffle = i >= LEVELS;
    }
    int rc = fb_tiles_measure(model->source, settings, 2 * LEVELS, LEVEL_BYTES, measured[0], err);
    for (int shuffle = 0; shuffle < 2; shuffle++)
        model->usual[shuffle] = measured[shuffle][USUAL];
    for (size_t i = 0; rc == 0 && i < model->coding_count; i++)
        if (has(&model->codings[i].coding, "gzip"))
            set_gzip(measured[model->codings[i].coding.shuffle], plain_write, &model->codings[i]);
    model->unshuffle_byte = fb_unshuffle_byte(catalog->arrays[0].dtype.size);
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
                       bool plugins, struct fb_model *out, struct fb_error *err)
{
    struct gauge gauge;
    double plain_write = 0;
    *out = (struct fb_model){ .rates = fb_rates_typical,
                              .source = stand->source,
                              .codings = calloc(count + 1, sizeof *out->codings),
                              .coding_count = count };
    if (!out->codings)
        return fb_fail_memory(err, "the model");
    for (size_t i = 0; i < count; i++)
        out->codings[i].coding = codings[i];
    int rc = make_gauge(stand, &gauge, err);
    gauge.plugins = plugins;
    if (rc == 0)
        rc = fb_calibrate(&stand->ground->worker, &stand->ground->limits,
                          fb_format_find(FB_TUNE_CHUNKED), stand->ground->folder, &out->rates, err);
    if (rc == 0)
        rc = measure_piece(&gauge, out, err);
    if (rc == 0)
        rc = measure_filters(&gauge, out, &plain_write, err);
    if (rc == 0)
        rc = measure_gzip(out, plain_write, err);
    fb_stand_close(&gauge.stand);
    if (gauge.path)
        unlink(gauge.path);
    free(gauge.path);
    fb_access_free(&gauge.access);
    return rc;
}
