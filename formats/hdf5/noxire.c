/* What a file says of itself beyond its datasets: in the NoXiRe layout, what programs that use h5py
 * look up. */
#include "formats/hdf5/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "face, aus, head": names of the arrays, each once, in the order in which they come. */
static char *feature_list(const struct fb_catalog *catalog)
{
    char *text = strdup("");
    for (size_t i = 0; text && i < catalog->array_count; i++) {
        const char *name = strrchr(catalog->arrays[i].path, '/') + 1;
        size_t length = strlen(name);
        bool known = false;
        for (const char *p = text; !known && *p;) {
            size_t n = strcspn(p, ",");
            known = n == length && strncmp(p, name, n) == 0;
            p += n + (p[n] ? 2 : 0);
        }
        char *longer = NULL;
        if (!known && asprintf(&longer, "%s%s%s", text, *text ? ", " : "", name) >= 0) {
            free(text);
            text = longer;
        } else if (!known) {
            free(text);
            text = NULL;
        }
    }
    return text;
}

/* Frames of a person: rows of the first array that is theirs and has any axes. */
static int64_t frames_of(const struct fb_catalog *catalog, const struct fb_sample_info *sample,
                         const char *person)
{
    size_t at = strlen(sample->path) + 1, length = strlen(person);
    for (size_t i = sample->first; i < sample->first + sample->count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        if (array->rank > 0 && strncmp(array->path + at, person, length) == 0)
            return (int64_t)array->dims[0];
    }
    return 0;
}

/* Features of a person, all of as many rows; SIZE_MAX where one is not. */
static size_t count_features(const struct fb_catalog *catalog, const struct fb_sample_info *sample,
                             const char *person)
{
    size_t at = strlen(sample->path) + 1, length = strlen(person), count = 0;
    int64_t frames = frames_of(catalog, sample, person);
    for (size_t i = sample->first; i < sample->first + sample->count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        if (strncmp(array->path + at, person, length) != 0)
            continue;
        if (array->rank == 0 || (int64_t)array->dims[0] != frames)
            return SIZE_MAX;
        count++;
    }
    return count;
}

/* Each person has every feature, of as many frames as num_frames says: a search that believes this
 * need look at no array. As many features as there are names make all of them. */
static bool is_uniform(const struct fb_catalog *catalog, const char *features)
{
    size_t names = 1;
    for (const char *p = features; *p; p++)
        names += *p == ',';
    for (size_t i = 0; i < catalog->sample_count; i++) {
        char path[32];
        snprintf(path, sizeof path, "sample_%03zu", i);
        if (strcmp(catalog->samples[i].path, path) != 0 ||
            count_features(catalog, &catalog->samples[i], "expert/") != names ||
            count_features(catalog, &catalog->samples[i], "novice/") != names)
            return false;
    }
    return true;
}

static herr_t describe_root(hid_t root, const struct fb_catalog *catalog)
{
    char *features = feature_list(catalog);
    herr_t rc = features ? fb_hdf5_attribute_set_text(root, "features", features) : -1;
    if (rc >= 0 && is_uniform(catalog, features))
        rc = fb_hdf5_attribute_set_int(root, FB_HDF5_UNIFORM, 1);
    free(features);
    return rc < 0 ? rc
                  : fb_hdf5_attribute_set_int(root, "num_samples", (int64_t)catalog->sample_count);
}

static herr_t describe_samples(hid_t file, const struct fb_catalog *catalog)
{
    herr_t rc = 0;
    for (size_t i = 0; rc >= 0 && i < catalog->sample_count; i++) {
        const struct fb_sample_info *sample = &catalog->samples[i];
        hid_t group = H5Gopen2(file, sample->path, H5P_DEFAULT);
        rc = group < 0 ? -1
                       : fb_hdf5_attribute_set_int(group, "num_frames_expert",
                                                   frames_of(catalog, sample, "expert/"));
        if (rc >= 0)
            rc = fb_hdf5_attribute_set_int(group, "num_frames_novice",
                                           frames_of(catalog, sample, "novice/"));
        fb_hdf5_release(group);
    }
    return rc;
}

static herr_t write_names(hid_t file, const struct fb_catalog *catalog)
{
    hsize_t count = catalog->sample_count;
    const char **names = calloc(catalog->sample_count, sizeof *names);
    hid_t type = fb_hdf5_text_type();
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), dataset = -1;
    herr_t rc = -1;
    if (names && type >= 0 && space >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        dataset = H5Dcreate2(file, "sample_names", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    for (size_t i = 0; dataset >= 0 && i < catalog->sample_count; i++)
        names[i] = catalog->samples[i].name;
    if (dataset >= 0)
        rc = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names);
    fb_hdf5_release(dataset);
    fb_hdf5_release(creation);
    fb_hdf5_release(space);
    fb_hdf5_release(type);
    free(names);
    return rc;
}

herr_t fb_hdf5_describe(hid_t file, const struct fb_catalog *catalog)
{
    bool noxire = fb_catalog_is_noxire(catalog);
    const char *text = catalog->description;
    if (!text && noxire)
        text = "NoXiRe: OpenFace features of expert and novice, one group a recorded session";
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    herr_t rc = root < 0 ? -1 : 0;
    if (rc >= 0 && text)
        rc = fb_hdf5_attribute_set_text(root, "description", text);
    if (rc >= 0 && noxire)
        rc = describe_root(root, catalog);
    fb_hdf5_release(root);
    if (rc >= 0 && noxire)
        rc = describe_samples(file, catalog);
    return rc >= 0 && noxire ? write_names(file, catalog) : rc;
}
