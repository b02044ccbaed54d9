/* Searching the NoXiRe layout as its metadata invites to: frame counts and names from attributes
 * and from `sample_names`, without a walk through all groups. Only where the file says that they
 * hold for all arrays (FB_HDF5_UNIFORM): our writer knows. Anything that is not as it then should
 * be sends the search back to the walk. */
#include "formats/hdf5/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 1000000

struct layout {
    hid_t file;
    const struct fb_query *query;
    int64_t samples;
    char frames_of[32]; /* the attribute: "num_frames_expert" */
    const char *array;  /* below a sample: "expert/face" */
    struct fb_matches *out;
    struct fb_error *err;
};

/* A pattern for one array of each sample, such as the workload's own: "*" "/expert/face". */
static bool fits(struct layout *layout)
{
    const char *glob = layout->query->array;
    if (layout->query->axis != 0 || strncmp(glob, "*/", 2) != 0)
        return false;
    layout->array = glob + 2;
    size_t person = strcspn(layout->array, "/");
    if ((strncmp(layout->array, "expert/", 7) != 0 && strncmp(layout->array, "novice/", 7) != 0) ||
        !layout->array[person + 1] || strpbrk(layout->array + person + 1, "/*?[\\"))
        return false;
    snprintf(layout->frames_of, sizeof layout->frames_of, "num_frames_%.*s", (int)person,
             layout->array);
    return true;
}

static bool read_int(hid_t object, const char *name, int64_t *value)
{
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t space = H5Aget_space(attribute);
    /* One element that HDF5 can convert to an integer, or it fails. */
    bool read = H5Sget_simple_extent_npoints(space) == 1 &&
                H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0;
    fb_hdf5_release(space);
    fb_hdf5_release(attribute);
    return read;
}

/* Among names parted by commas and blanks. */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = list; p; p = strchr(p, ',')) {
        p += strspn(p, ", ");
        if (strncmp(p, name, length) == 0 && (p[length] == ',' || !p[length]))
            return true;
    }
    return false;
}

/* A file of our writer that says so: its samples are complete, and there is nothing beside them but
 * their names. */
static bool is_layout(struct layout *layout)
{
    H5G_info_t root;
    int64_t uniform = 0;
    if (!read_int(layout->file, FB_HDF5_UNIFORM, &uniform) || uniform != 1 ||
        !read_int(layout->file, "num_samples", &layout->samples) || layout->samples <= 0 ||
        layout->samples > SAMPLES_MAX || H5Gget_info(layout->file, &root) < 0 ||
        root.nlinks != (hsize_t)layout->samples + 1)
        return false;
    char *features = fb_hdf5_attribute_text(layout->file, "features");
    bool listed = features && is_listed(features, strchr(layout->array, '/') + 1);
    free(features);
    return listed;
}

static hid_t open_sample(const struct layout *layout, int64_t sample)
{
    char path[32];
    snprintf(path, sizeof path, "sample_%03lld", (long long)sample);
    return H5Gopen2(layout->file, path, H5P_DEFAULT);
}

/* Adds the sample, which is to be called `name` where that is given; 1: it is not as it should be.
 */
static int add(const struct layout *layout, hid_t sample, int64_t frames, const char *name)
{
    char *own = fb_hdf5_attribute_text(sample, "sample_name");
    int rc = own && (!name || strcmp(name, own) == 0)
                 ? fb_matches_add(layout->out, own, (uint64_t)frames, layout->err)
                 : 1;
    free(own);
    return rc;
}

/* 1: it is not as it should be. */
static int look(const struct layout *layout, int64_t number, const char *name)
{
    const struct fb_query *query = layout->query;
    int64_t frames;
    int rc = 0;
    hid_t sample = open_sample(layout, number);
    if (sample < 0 || !read_int(sample, layout->frames_of, &frames) || frames < 0)
        rc = 1;
    else if (name || ((uint64_t)frames >= query->min && (uint64_t)frames <= query->max))
        rc = add(layout, sample, frames, name);
    fb_hdf5_release(sample);
    return rc;
}

static int by_frames(const struct layout *layout)
{
    int rc = 0;
    for (int64_t i = 0; rc == 0 && i < layout->samples; i++)
        rc = look(layout, i, NULL);
    return rc;
}

/* Nobody of that name in the index: the walk looks at the samples themselves. */
static int by_name(const struct layout *layout)
{
    hsize_t count = 0;
    hid_t dataset = H5Dopen2(layout->file, "sample_names", H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset), own = H5Dget_type(dataset), type = fb_hdf5_text_type();
    char **names = NULL;
    int rc = 1;
    if (H5Sget_simple_extent_ndims(space) == 1 &&
        H5Sget_simple_extent_dims(space, &count, NULL) == 1 && count == (hsize_t)layout->samples &&
        H5Tis_variable_str(own) > 0)
        names = calloc(count, sizeof *names);
    if (names && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0) {
        int added = 0;
        for (hsize_t i = 0; added == 0 && i < count; i++)
            if (names[i] && strcmp(names[i], layout->query->name) == 0)
                rc = added = look(layout, (int64_t)i, names[i]);
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, names);
    }
    free(names);
    fb_hdf5_release(type);
    fb_hdf5_release(own);
    fb_hdf5_release(space);
    fb_hdf5_release(dataset);
    return rc;
}

int fb_hdf5_find_in_layout(struct fb_reader *reader, const struct fb_query *query,
                           struct fb_matches *out, struct fb_error *err)
{
    struct layout layout = { .file = reader->file, .query = query, .out = out, .err = err };
    int rc = 1;
    if (fits(&layout) && is_layout(&layout))
        rc = query->name ? by_name(&layout) : by_frames(&layout);
    if (rc > 0) {
        free(out->text);
        *out = (struct fb_matches){ 0 };
    }
    H5Eclear2(H5E_DEFAULT);
    return rc;
}
