#include "bench/tune/model.h"
#include "results/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Chunks and runs of one term in one layout: beyond, it is too slow to be worth it anyway. */
#define STEPS_MOST UINT64_C(400000)
/* Arrays in one piece are one layout among hundreds, and often the right one. */
#define STEPS_MOST_IN_PIECE UINT64_C(20000000)
#define CACHE_BYTES (UINT64_C(1) << 20)
#define CACHE_SLOTS 521
/* A file without arrays, and what an array has beside its data. */
#define FILE_BYTES 2048
#define ARRAY_BYTES 512
/* That a shape is judged by. */
#define TILES_BYTES ((size_t)64 << 10)

void fb_model_free(struct fb_model *model)
{
    free(model->codings);
    free(model->shapes);
    *model = (struct fb_model){ 0 };
}

const struct fb_coding_cost *fb_model_coding(const struct fb_model *model,
                                             const struct fb_setting *setting)
{
    for (size_t i = 0; i < model->coding_count; i++) {
        const struct fb_coding *coding = &model->codings[i].coding;
        if (strcmp(coding->filter, setting->filter) == 0 && coding->level == setting->level &&
            coding->shuffle == setting->shuffle)
            return &model->codings[i];
    }
    return NULL;
}

/* --- the work --------------------------------------------------------------------------------- */

/* One term's plan as a case for the geometry. */
struct scene {
    struct fb_case what;
    struct fb_stored *arrays;
    struct fb_layout *layouts;
    size_t *array_of;
};

static void scene_free(struct scene *scene)
{
    free(scene->arrays);
    free(scene->layouts);
    free(scene->array_of);
}

static int scene_make(const struct fb_stand *stand, const struct fb_plan *plan, struct scene *scene,
                      struct fb_error *err)
{
    const struct fb_catalog *catalog = fb_source_catalog(stand->source);
    *scene = (struct scene){
        .arrays = calloc(catalog->array_count + 1, sizeof *scene->arrays),
        .layouts = calloc(catalog->array_count + 1, sizeof *scene->layouts),
        .array_of = calloc(plan->count + 1, sizeof *scene->array_of),
    };
    if (!scene->arrays || !scene->layouts || !scene->array_of) {
        scene_free(scene);
        return fb_fail_memory(err, "the requests");
    }
    for (size_t a = 0; a < catalog->array_count; a++)
        scene->arrays[a].info = catalog->arrays[a];
    for (size_t i = 0; i < plan->count; i++) {
        const struct fb_array_info *array = fb_catalog_find(catalog, plan->requests[i].array);
        scene->array_of[i] = array ? (size_t)(array - catalog->arrays) : SIZE_MAX;
    }
    scene->what = (struct fb_case){ .plan = plan,
                                    .array_of = scene->array_of,
                                    .arrays = scene->arrays,
                                    .array_count = catalog->array_count,
                                    .handle = stand->ground->handle,
                                    .catalog = catalog };
    return 0;
}

/* A chunk is no longer than the array along its first axis (as the writer clips it). */
static bool count_work(struct scene *scene, const struct fb_setting *setting, bool filtered,
                       uint64_t cache_bytes, uint64_t cache_slots, struct fb_work *out)
{
    for (size_t a = 0; a < scene->what.array_count; a++) {
        const struct fb_array_info *info = &scene->arrays[a].info;
        struct fb_layout *layout = &scene->layouts[a];
        *layout = (struct fb_layout){ .rank = setting->rank,
                                      .filtered = filtered,
                                      .compressed = 1,
                                      .cache_bytes = cache_bytes,
                                      .cache_slots = cache_slots };
        for (unsigned k = 0; k < setting->rank; k++)
            layout->chunk[k] =
                setting->chunk[k] < info->dims[k] ? setting->chunk[k] : info->dims[k];
    }
    return fb_work_of(&scene->what, scene->layouts,
                      setting->rank ? STEPS_MOST : STEPS_MOST_IN_PIECE, out);
}

int fb_model_loads(const struct fb_stand *stand, size_t term, const struct fb_setting *setting,
                   bool filtered, uint64_t cache_bytes, uint64_t cache_slots, uint64_t *loaded,
                   struct fb_error *err)
{
    struct scene scene;
    struct fb_work work;
    int rc = scene_make(stand, &stand->terms[term].plan, &scene, err);
    if (rc)
        return rc;
    bool fine = count_work(&scene, setting, filtered, cache_bytes, cache_slots, &work);
    *loaded = fine ? work.loaded : FB_NA;
    scene_free(&scene);
    return 0;
}

/* --- costs ------------------------------------------------------------------------------------ */

static bool is_filtered(const struct fb_setting *setting)
{
    return setting->rank > 0 && (strcmp(setting->filter, "none") != 0 || setting->shuffle);
}

/* NULL: not measured. */
static const struct fb_tile *tile_of(const struct fb_model *model, const struct fb_setting *setting)
{
    for (size_t i = 0; i < model->shape_count; i++)
        if (fb_setting_same_shape(&model->shapes[i].shape, setting))
            return &model->shapes[i].tiles[setting->shuffle];
    return NULL;
}

/* All shapes of the space that are new. */
static int learn_shapes(struct fb_model *model, const struct fb_space *space, struct fb_error *err)
{
    const size_t known = model->shape_count;
    struct fb_shape_cost *more =
        realloc(model->shapes, (known + space->count + 1) * sizeof *model->shapes);
    struct fb_setting *settings = calloc(2 * space->count + 1, sizeof *settings);
    struct fb_tile *tiles = calloc(2 * space->count + 1, sizeof *tiles);
    model->shapes = more ? more : model->shapes;
    int rc = more && settings && tiles ? 0 : fb_fail_memory(err, "the model");
    for (size_t i = 0; rc == 0 && i < space->count; i++) {
        const struct fb_setting *setting = &space->items[i].setting;
        if (!is_filtered(setting) || tile_of(model, setting))
            continue;
        for (int shuffle = 0; shuffle < 2; shuffle++) {
            struct fb_setting *shape = &settings[2 * (model->shape_count - known) + shuffle];
            *shape = (struct fb_setting){ .rank = setting->rank, .shuffle = shuffle };
            memcpy(shape->chunk, setting->chunk, sizeof shape->chunk);
        }
        more[model->shape_count].shape = settings[2 * (model->shape_count - known)];
        model->shape_count++;
    }
    const size_t count = model->shape_count - known;
    if (rc == 0 && count)
        rc = fb_tiles_measure(model->source, settings, 2 * count, TILES_BYTES, tiles, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        memcpy(more[known + i].tiles, &tiles[2 * i], sizeof more->tiles);
    free(settings);
    free(tiles);
    return rc;
}

/* What fills chunks beyond the end of an array is decoded in no time. */
static double decode_time(const struct fb_model *model, const struct fb_work *work,
                          const struct fb_coding_cost *coding, const struct fb_tile *tile)
{
    const bool shuffle = coding->coding.shuffle;
    const double loaded = (double)work->loaded, inside = (double)work->loaded_inside;
    if (strcmp(coding->coding.filter, "gzip") != 0)
        return coding->decode_byte * inside + model->rates.inflate_call * loaded;
    return coding->decode_byte / model->usual[shuffle].inflate_byte * tile->inflate_byte * inside +
           (shuffle ? model->unshuffle_byte * (double)work->loaded_bytes : 0);
}

static double read_time(const struct fb_model *model, const struct fb_stand *stand,
                        const struct fb_work *work, const struct fb_coding_cost *coding,
                        const struct fb_tile *tile, double compressed)
{
    const struct fb_rates *rates = &model->rates;
    bool decodes = coding && (strcmp(coding->coding.filter, "none") != 0 || coding->coding.shuffle);
    double opens = stand->ground->handle == FB_HANDLE_KEEP   ? 0
                   : stand->ground->handle == FB_HANDLE_ONCE ? 1
                                                             : (double)work->requests;
    double ns = model->open_ns * opens + model->array_ns * (double)work->array_opens +
                model->node_ns * work->nodes;
    ns += rates->request * (double)work->requests + rates->chunk * (double)work->touched +
          rates->load * (double)work->loaded + rates->run * (double)work->runs +
          rates->byte * (double)work->copied;
    ns += rates->read_call * (double)work->reads +
          rates->read_byte *
              (decodes ? compressed * (double)work->loaded_inside : (double)work->read_bytes);
    ns += rates->fault * (double)(work->fresh_decoded + work->fresh_read) +
          rates->unmap * (double)(work->unmapped + work->unmapped_on_close);
    return ns + (decodes ? decode_time(model, work, coding, tile) : 0);
}

static double compressed_part(const struct fb_model *model, const struct fb_coding_cost *coding,
                              const struct fb_tile *tile)
{
    if (!coding || !tile || strcmp(coding->coding.filter, "none") == 0)
        return 1;
    return coding->compressed * tile->stored / model->usual[coding->coding.shuffle].stored;
}

/* Chunks at the ends of arrays are as large as all others, unless what is beyond is compressed;
 * each has a key and an address in nodes that are two thirds full (version 1 B-trees). */
double fb_model_stored_bytes(const struct fb_stand *stand, const struct fb_setting *setting,
                             double compressed)
{
    const struct fb_catalog *catalog = fb_source_catalog(stand->source);
    const bool filtered = strcmp(setting->filter, "none") != 0;
    double bytes = FILE_BYTES;
    for (size_t a = 0; a < catalog->array_count; a++) {
        const struct fb_array_info *info = &catalog->arrays[a];
        double chunks = 1, chunk = (double)info->dtype.size;
        for (unsigned k = 0; k < setting->rank; k++) {
            uint64_t length = setting->chunk[k] < info->dims[k] ? setting->chunk[k] : info->dims[k];
            chunks *= ceil((double)info->dims[k] / (double)length);
            chunk *= (double)length;
        }
        bytes += ARRAY_BYTES;
        if (setting->rank == 0)
            bytes += (double)info->bytes;
        else
            bytes += (filtered ? (double)info->bytes : chunks * chunk) * compressed +
                     chunks * 1.5 * (24 + 8 * setting->rank);
    }
    return bytes;
}

static double write_time(const struct fb_model *model, const struct fb_stand *stand,
                         const struct fb_setting *setting, const struct fb_coding_cost *coding)
{
    const struct fb_tile *tile = tile_of(model, setting);
    double bytes = (double)fb_catalog_bytes(fb_source_catalog(stand->source));
    if (setting->rank == 0 || !coding)
        return model->piece_byte * bytes;
    double chunk = (double)fb_setting_chunk_bytes(
        setting, fb_source_catalog(stand->source)->arrays[0].dtype.size);
    double shorter = tile && strcmp(coding->coding.filter, "gzip") == 0
                         ? tile->pack_byte - model->usual[setting->shuffle].pack_byte
                         : 0;
    return fmax(coding->encode_byte + shorter, 0) * bytes + model->rates.load * bytes / chunk;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Settings of one shape mostly follow each other, and their work is the same but for whether chunks
 * go through a filter. */
static void forecast_term(const struct fb_model *model, const struct fb_stand *stand, size_t term,
                          struct scene *scene, const struct fb_space *space,
                          struct fb_forecast *out)
{
    const struct fb_setting *counted = NULL;
    struct fb_work work[2];
    bool fine[2] = { false };
    for (size_t i = 0; i < space->count; i++) {
        const struct fb_setting *setting = &space->items[i].setting;
        const struct fb_coding_cost *coding =
            setting->rank ? fb_model_coding(model, setting) : NULL;
        bool filtered = is_filtered(setting);
        if (!counted || !fb_setting_same_shape(counted, setting))
            for (int f = 0; f < 2; f++)
                fine[f] = count_work(scene, setting, f, CACHE_BYTES, CACHE_SLOTS, &work[f]);
        counted = setting;
        const struct fb_tile *tile = filtered ? tile_of(model, setting) : NULL;
        bool known = fine[filtered] && (!filtered || (coding && coding->here && tile));
        out[i].read_ns[term] =
            known ? read_time(model, stand, &work[filtered], filtered ? coding : NULL, tile,
                              compressed_part(model, coding, tile))
                  : NAN;
    }
}

int fb_model_forecast(struct fb_model *model, const struct fb_stand *stand,
                      const struct fb_space *space, struct fb_forecast *out, struct fb_error *err)
{
    int failed = learn_shapes(model, space, err);
    if (failed)
        return failed;
    for (size_t i = 0; i < space->count; i++) {
        const struct fb_setting *setting = &space->items[i].setting;
        const struct fb_coding_cost *coding =
            setting->rank ? fb_model_coding(model, setting) : NULL;
        double compressed = compressed_part(model, coding, tile_of(model, setting));
        const bool known = setting->rank == 0 || (coding && coding->here) ||
                           (!setting->shuffle && strcmp(setting->filter, "none") == 0);
        out[i].file_bytes = known ? fb_model_stored_bytes(stand, setting, compressed) : NAN;
        out[i].write_ns = known ? write_time(model, stand, setting, coding) : NAN;
        for (size_t t = 0; t < FB_ACCESS_TERMS_MAX; t++)
            out[i].read_ns[t] = NAN;
    }
    for (size_t t = 0; t < stand->ground->access->count; t++) {
        struct scene scene;
        if (*stand->terms[t].reason)
            continue;
        int rc = scene_make(stand, &stand->terms[t].plan, &scene, err);
        if (rc)
            return rc;
        forecast_term(model, stand, t, &scene, space, out);
        scene_free(&scene);
    }
    return 0;
}
