#include "bench/tune/tune.h"
#include "base/interrupt.h"
#include "base/output.h"
#include "bench/config.h"
#include "bench/isolate.h"
#include "bench/subject.h"
#include "bench/tune/recommend.h"
#include "formats/format.h"
#include "formats/hdf5/rewrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* Groups are tuned until they have this part of the bytes, and no more than so many. */
#define BYTES_PART 0.95
#define GROUPS_MOST 4

struct state {
    const struct fb_tune_config *config;
    struct fb_tune *tune;
    struct fb_source *source;
    const struct fb_catalog *catalog;
    struct fb_access access;
    struct fb_ground ground;
    char *folder;
    struct fb_storage *storage; /* by array of the catalog */
    uint64_t (*grid)[FB_MAX_RANK];
    bool *take; /* those to be tuned */
    struct fb_groups groups;
    size_t groups_tuned;
    bool latest; /* the version of the file format that the first group settled for */
};

/* --- what is there ---------------------------------------------------------------------------- */

static int look_at_storage(struct state *state, struct fb_error *err)
{
    const struct fb_format *format = fb_format_find(FB_TUNE_READER);
    size_t count = state->catalog->array_count;
    struct fb_reader *reader = NULL;
    state->storage = calloc(count + 1, sizeof *state->storage);
    state->grid = calloc(count + 1, sizeof *state->grid);
    if (!state->storage || !state->grid)
        return fb_fail_memory(err, "the arrays");
    int rc = format->open(state->config->file, NULL, &reader, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct fb_array *array = NULL;
        rc = format->array_open(reader, state->catalog->arrays[i].path, &array, err);
        if (rc == 0)
            rc = format->storage(array, &state->storage[i], err);
        format->array_close(array);
        memcpy(state->grid[i], state->storage[i].chunk, sizeof state->grid[i]);
    }
    format->close(reader);
    return rc;
}

static int choose_arrays(struct state *state, struct fb_error *err)
{
    const struct fb_tune_config *config = state->config;
    bool any = false, fit = false;
    state->take = calloc(state->catalog->array_count + 1, sizeof *state->take);
    if (!state->take)
        return fb_fail_memory(err, "the arrays");
    for (size_t i = 0; i < state->catalog->array_count; i++) {
        const struct fb_array_info *array = &state->catalog->arrays[i];
        bool take = config->array_count == 0;
        for (size_t g = 0; g < config->array_count; g++)
            take |= fb_glob_match(config->arrays[g], array->path);
        any |= take;
        state->take[i] = take && array->rank > 0 && array->bytes > 0;
        fit |= state->take[i];
    }
    if (!any && config->array_count)
        return fb_fail(err, FB_EUSAGE, "no array of %s matches %s; `fmtbench info` lists them",
                       config->file, config->arrays[0]);
    if (!fit)
        return fb_fail(err, FB_ENOTHING,
                       "%s has no array that could be tuned: they are single values, or without "
                       "elements",
                       config->file);
    return 0;
}

/* Of what is never read, nothing can be said. */
static int make_groups(struct state *state, struct fb_error *err)
{
    bool any = false;
    for (size_t i = 0; i < state->catalog->array_count; i++) {
        uint64_t count[FB_MAX_RANK];
        bool read = false;
        for (size_t t = 0; t < state->access.count; t++)
            read |= fb_access_extent(&state->access.terms[t], &state->catalog->arrays[i], count);
        state->take[i] &= read;
        any |= state->take[i];
    }
    if (!any)
        return fb_fail(err, FB_ENOTHING, "%s: %s reads nothing of the arrays that could be tuned",
                       state->config->file, state->tune->access);
    return fb_groups_make(state->catalog, state->take, &state->groups, err);
}

static int understand_access(struct state *state, struct fb_error *err)
{
    struct fb_tune *tune = state->tune;
    tune->default_access = !state->config->access;
    int rc = tune->default_access ? fb_access_default(state->catalog, &state->access, err)
                                  : fb_access_parse(state->config->access, &state->access, err);
    if (rc == 0)
        rc = fb_access_check(&state->access, state->catalog, err);
    if (rc == 0)
        fb_access_text(&state->access, tune->access, sizeof tune->access);
    return rc;
}

static int make_folder(struct state *state, struct fb_error *err)
{
    if (asprintf(&state->folder, "%s/fmtbench-tune-XXXXXX", state->config->tmp) < 0)
        state->folder = NULL;
    if (!state->folder)
        return fb_fail_memory(err, "a folder name");
    if (!mkdtemp(state->folder)) {
        int rc = fb_fail_errno(err, "cannot make a folder like %s", state->folder);
        free(state->folder);
        state->folder = NULL;
        return rc;
    }
    return 0;
}

/* --- one group -------------------------------------------------------------------------------- */

static void name_group(const struct state *state, const struct fb_group *group, char *buf,
                       size_t size)
{
    const struct fb_array_info *array = &state->catalog->arrays[group->arrays[group->largest]];
    char shape[FB_MAX_RANK * 21], dtype[32];
    fb_shape_text(array->rank, array->dims, shape, sizeof shape);
    fb_dtype_name(array->dtype, dtype, sizeof dtype);
    if (group->count == 1)
        snprintf(buf, size, "%.160s, %s %.60s", array->path, dtype, shape);
    else
        snprintf(buf, size, "%zu arrays such as %.120s, %s %.60s", group->count, array->path, dtype,
                 shape);
}

/* Whether a term would not fit the array if the axis were shorter by one. */
static bool needs_all(const struct fb_access_term *term, const struct fb_array_info *array,
                      unsigned axis)
{
    struct fb_array_info shorter = *array;
    uint64_t count[FB_MAX_RANK];
    shorter.dims[axis]--;
    shorter.bytes = shorter.bytes > 1 ? shorter.bytes - 1 : 1; /* it has elements */
    return array->dims[axis] > 1 && !fb_access_extent(term, &shorter, count);
}

/* The most that one request takes along each axis; terms that take what there is do not count. */
static void find_need(const struct state *state, const struct fb_group *group, uint64_t *need)
{
    const struct fb_array_info *array = &state->catalog->arrays[group->arrays[group->largest]];
    memset(need, 0, FB_MAX_RANK * sizeof *need);
    for (size_t t = 0; t < state->access.count; t++) {
        uint64_t count[FB_MAX_RANK];
        if (state->access.terms[t].pattern->any_size ||
            !fb_access_extent(&state->access.terms[t], array, count))
            continue;
        for (unsigned k = 0; k < array->rank; k++) {
            uint64_t most = needs_all(&state->access.terms[t], array, k) ? FB_NEED_ALL : count[k];
            need[k] = most > need[k] ? most : need[k];
        }
    }
}

static int keep_paths(const struct state *state, const struct fb_group *group,
                      struct fb_tune_group *out, struct fb_error *err)
{
    out->paths = calloc(group->count, sizeof *out->paths);
    if (!out->paths)
        return fb_fail_memory(err, "the paths");
    for (; out->count < group->count; out->count++) {
        out->paths[out->count] = strdup(state->catalog->arrays[group->arrays[out->count]].path);
        if (!out->paths[out->count])
            return fb_fail_memory(err, "the paths");
    }
    return 0;
}

/* The copy that stands for the present file cannot have longer chunks than it has data. */
static void say_what_is_cut(const struct fb_tune_config *config, const struct fb_setting *present,
                            const struct fb_stand *stand)
{
    const struct fb_catalog *catalog = fb_source_catalog(stand->source);
    char shape[FB_MAX_RANK * 21], text[FB_MAX_RANK * 21 + 200];
    for (unsigned k = 0; k < present->rank; k++) {
        uint64_t longest = 0;
        for (size_t a = 0; a < catalog->array_count; a++)
            longest = catalog->arrays[a].dims[k] > longest ? catalog->arrays[a].dims[k] : longest;
        if (present->chunk[k] <= longest)
            continue;
        SET(text,
            "the present chunks of %s are longer than the data that is tried; their time and size "
            "are those of shorter ones, unless --sample is larger",
            fb_shape_text(present->rank, present->chunk, shape, sizeof shape));
        config->say(config->listener, text);
        return;
    }
}

/* A term that finds nothing in one of the two parts is in neither; people are told. */
static int agree_on_terms(const struct state *state, struct fb_stand *tried,
                          struct fb_stand *measured, struct fb_error *err)
{
    const struct fb_tune_config *config = state->config;
    bool any = false;
    for (size_t t = 0; t < state->access.count; t++) {
        char *reasons[] = { tried->terms[t].reason, measured->terms[t].reason };
        char term[FB_ACCESS_TERM_MAX], text[FB_ACCESS_TERM_MAX + 400];
        if (!*reasons[0] && !*reasons[1]) {
            any = true;
            continue;
        }
        const char *why = *reasons[0] ? reasons[0] : reasons[1];
        SET(text, "left out of the mix: %s: %.250s",
            fb_access_term_text(&state->access.terms[t], term, sizeof term), why);
        config->say(config->listener, text);
        memcpy(reasons[why == reasons[0]], why, sizeof tried->terms[t].reason);
    }
    return any ? 0
               : fb_fail(err, FB_ENOTHING,
                         "%s: nothing is read in both of the two parts that are tried "
                         "and measured; a larger --sample may help",
                         config->file);
}

/* What cannot be stored in one piece is measured so all the same: it shows what the chunks cost. */
static int find_growing(const struct state *state, const struct fb_group *group, bool *grows,
                        struct fb_error *err)
{
    struct fb_error why;
    const char **paths = calloc(group->count, sizeof *paths);
    if (!paths)
        return fb_fail_memory(err, "the arrays");
    for (size_t i = 0; i < group->count; i++)
        paths[i] = state->catalog->arrays[group->arrays[i]].path;
    int rc = fb_hdf5_check_fixed(state->config->file, paths, group->count, &why);
    free(paths);
    *grows = rc == FB_EUNSUPPORTED;
    if (*grows)
        state->config->say(state->config->listener, why.message);
    return rc && !*grows ? fb_fail(err, rc, "%s", why.message) : 0;
}

static int search_group(struct state *state, const struct fb_group *group,
                        const struct fb_region regions[2], struct fb_tune_group *out,
                        struct fb_error *err)
{
    struct fb_stand tried = { 0 }, measured = { 0 };
    struct fb_model model = { 0 };
    struct fb_search search = {
        .config = state->config,
        .access = &state->access,
        .array = &state->catalog->arrays[group->arrays[group->largest]],
        .tried = &tried,
        .measured = &measured,
        .model = &model,
        .group = state->tune->group_count + 1,
        .groups = state->groups_tuned,
        .arrays = out->arrays,
        .array_count = group->count,
    };
    size_t coding_count;
    const struct fb_coding *codings = fb_tune_codings(state->config, &coding_count);
    fb_present_make(state->config->file, state->catalog, state->storage, group, &search.present);
    search.latest_fixed = state->tune->group_count > 0;
    search.latest = search.latest_fixed ? state->latest : search.present.setting.latest;
    int rc = find_growing(state, group, &search.grows, err);
    if (rc == 0)
        rc = fb_stand_open(&state->ground, state->source, &regions[0], "tried", &tried, err);
    if (rc == 0)
        rc = fb_stand_open(&state->ground, state->source, &regions[1], "measured", &measured, err);
    if (rc == 0)
        rc = agree_on_terms(state, &tried, &measured, err);
    if (rc == 0 && state->tune->group_count == 0) /* however it came to be in the page cache */
        fb_cache_forget(state->config->file);
    if (rc == 0 && search.present.known)
        say_what_is_cut(state->config, &search.present.setting, &measured);
    if (rc == 0)
        fb_search_progress(&search, 0, "getting to know machine and data");
    if (rc == 0)
        rc = fb_model_calibrate(&tried, codings, coding_count, state->config->plugins, &model, err);
    if (rc == 0)
        rc = (state->config->candidate_count ? fb_measure_candidates : fb_search_group)(
            &search, &state->tune->records, &out->best, &out->best_record, err);
    out->keep = out->best_record == SIZE_MAX;
    if (!search.latest_fixed)
        state->latest = out->keep ? search.latest : out->best.latest;
    fb_model_free(&model);
    fb_stand_close(&tried);
    fb_stand_close(&measured);
    return rc;
}

static int tune_group(struct state *state, const struct fb_group *group, struct fb_tune_group *out,
                      struct fb_error *err)
{
    const struct fb_tune_config *config = state->config;
    struct fb_region regions[2] = { { 0 }, { 0 } };
    uint64_t need[FB_MAX_RANK];
    *out = (struct fb_tune_group){ .bytes = group->bytes, .best_record = SIZE_MAX };
    name_group(state, group, out->arrays, sizeof out->arrays);
    find_need(state, group, need);
    int rc = keep_paths(state, group, out, err);
    if (rc == 0)
        rc = fb_regions_make(state->catalog, group, need,
                             (const uint64_t(*)[FB_MAX_RANK])state->grid, config->sample_bytes,
                             config->seed, regions, &out->held_out, err);
    if (rc == 0)
        rc = search_group(state, group, regions, out, err);
    for (int r = 0; r < 2; r++)
        fb_region_free(&regions[r]);
    return rc;
}

static void group_free(struct fb_tune_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        free(group->paths[i]);
    free(group->paths);
}

/* --- all of it -------------------------------------------------------------------------------- */

/* The largest ones first; all, as far as they go, where people named the arrays. */
static size_t count_groups(const struct fb_groups *groups, bool named)
{
    uint64_t all = 0, done = 0;
    size_t count = 0;
    for (size_t g = 0; g < groups->count; g++)
        all += groups->items[g].bytes;
    while (count < groups->count && count < GROUPS_MOST &&
           (named || (double)done < BYTES_PART * (double)all))
        done += groups->items[count++].bytes;
    return count;
}

static int tune_groups(struct state *state, struct fb_error *err)
{
    struct fb_tune *tune = state->tune;
    int rc = 0;
    tune->groups = calloc(GROUPS_MOST, sizeof *tune->groups);
    if (!tune->groups)
        return fb_fail_memory(err, "the groups");
    state->groups_tuned = count_groups(&state->groups, state->config->array_count > 0);
    for (size_t g = 0; g < state->groups.count; g++) {
        const struct fb_group *group = &state->groups.items[g];
        if (g >= state->groups_tuned || rc) {
            tune->left_out += group->count;
            tune->left_bytes += group->bytes;
            continue;
        }
        const size_t before = tune->records.count;
        struct fb_tune_group *out = &tune->groups[tune->group_count];
        rc = tune_group(state, group, out, err);
        if (rc) {
            group_free(out);
            tune->records.count = before;
        } else {
            tune->group_count++;
        }
        /* Candidates are of one rank, and groups of several. */
        if (rc == FB_ENOTHING && state->config->candidate_count) {
            tune->left_out += group->count;
            tune->left_bytes += group->bytes;
            rc = 0;
        }
    }
    if (rc == 0 && tune->group_count == 0)
        rc = FB_ENOTHING; /* and err says of the last one why */
    if (rc == FB_EINTERRUPTED && tune->group_count > 0) {
        tune->interrupted = true;
        rc = 0;
    }
    return rc;
}

static void say_what_is_skipped(const struct state *state)
{
    const struct fb_tune_config *config = state->config;
    char text[700];
    if (state->catalog->skipped_count == 0)
        return;
    SET(text, "%zu arrays cannot be read and are left out, such as %.200s: %.300s",
        state->catalog->skipped_count, state->catalog->skipped[0].path,
        state->catalog->skipped[0].reason);
    config->say(config->listener, text);
}

static int open_file(struct state *state, struct fb_error *err)
{
    const struct fb_format *own;
    const char *file = state->config->file;
    int rc = fb_format_of_file(file, &own, err);
    if (rc == 0 && strcmp(own->name, FB_TUNE_READER) != 0)
        rc = fb_fail(err, FB_EUNSUPPORTED,
                     "%s is a %s file; only HDF5 files can be tuned (`fmtbench convert` makes one)",
                     file, own->name);
    if (rc == 0)
        rc = fb_isolate_open(file, &state->source, err);
    if (rc)
        return rc;
    state->catalog = fb_source_catalog(state->source);
    say_what_is_skipped(state);
    return choose_arrays(state, err);
}

static void state_free(struct state *state)
{
    /* A worker that was killed has not removed what it was writing. */
    if (state->folder)
        fb_remove_folder(state->folder);
    free(state->folder);
    free(state->storage);
    free(state->grid);
    free(state->take);
    fb_groups_free(&state->groups);
    fb_access_free(&state->access);
    fb_source_close(state->source);
}

int fb_tune_file(const struct fb_tune_config *config, struct fb_tune *out, struct fb_error *err)
{
    struct state state = { .config = config, .tune = out };
    *out = (struct fb_tune){ 0 };
    int rc = open_file(&state, err);
    if (rc == 0)
        rc = understand_access(&state, err);
    if (rc == 0)
        rc = make_groups(&state, err);
    if (rc == 0)
        rc = look_at_storage(&state, err);
    if (rc == 0)
        rc = make_folder(&state, err);
    if (rc == 0) {
        state.ground = (struct fb_ground){ .file = config->file,
                                           .access = &state.access,
                                           .worker = fb_own_worker(),
                                           .limits = config->limits,
                                           .folder = state.folder,
                                           .handle = config->handle,
                                           .seed = config->seed,
                                           .read_bytes = config->sample_bytes };
        rc = tune_groups(&state, err);
    }
    fb_tune_mark_pareto(&out->records);
    state_free(&state);
    if (rc)
        fb_tune_free(out);
    return rc;
}

int fb_tune_given(const struct fb_tune_config *config, const struct fb_setting *setting,
                  struct fb_tune *out, struct fb_error *err)
{
    struct state state = { .config = config, .tune = out };
    *out = (struct fb_tune){ 0 };
    int rc = open_file(&state, err);
    if (rc == 0)
        rc = fb_groups_make(state.catalog, state.take, &state.groups, err);
    if (rc == 0 && !(out->groups = calloc(state.groups.count, sizeof *out->groups)))
        rc = fb_fail_memory(err, "the groups");
    for (size_t g = 0; rc == 0 && g < state.groups.count; g++) {
        const struct fb_group *group = &state.groups.items[g];
        struct fb_tune_group *given = &out->groups[out->group_count];
        if (setting->rank && setting->rank != state.catalog->arrays[group->arrays[0]].rank) {
            out->left_out += group->count;
            out->left_bytes += group->bytes;
            continue;
        }
        *given = (struct fb_tune_group){ .bytes = group->bytes,
                                         .best = *setting,
                                         .best_record = SIZE_MAX };
        name_group(&state, group, given->arrays, sizeof given->arrays);
        rc = keep_paths(&state, group, given, err);
        out->group_count++;
    }
    if (rc == 0 && out->group_count == 0)
        rc = fb_fail(err, FB_ENOTHING, "%s has no array of %u axes", config->file, setting->rank);
    state_free(&state);
    if (rc)
        fb_tune_free(out);
    return rc;
}

void fb_tune_free(struct fb_tune *tune)
{
    for (size_t i = 0; i < tune->group_count; i++)
        group_free(&tune->groups[i]);
    free(tune->groups);
    free(tune->records.items);
    *tune = (struct fb_tune){ 0 };
}
