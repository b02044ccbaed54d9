#include "formats/hdf5/survey.h"
#include "base/interrupt.h"
#include "formats/hdf5/internal.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tools walk recursively; nobody nests as deep as this. */
#define DEPTH_MAX 256
#define NESTING_MAX 32
#define ATTRIBUTE_NAME_MAX 254

struct survey {
    const char *path;
    hid_t file;
    bool elsewhere;
    struct fb_catalog *out;
    char **stack; /* paths that are to be visited; "" is the root */
    size_t stack_count;
    void *seen; /* tree of the addresses of objects with several hard links */
    struct fb_error *err;
    int rc; /* of what happened inside a callback of HDF5 */
};

/* The object whose attributes, or the group whose links, are visited. */
struct place {
    struct survey *survey;
    const char *path;
    bool is_type;
};

static int note(struct survey *survey, const char *path, const char *reason)
{
    return fb_catalog_skip(survey->out, *path ? path : "/", reason, survey->err);
}

/* --- references ------------------------------------------------------------------------------- */

static bool holds_references(hid_t type, int depth)
{
    bool holds = depth > NESTING_MAX;
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_REFERENCE)
        return true;
    if (class == H5T_VLEN || class == H5T_ARRAY) {
        hid_t super = H5Tget_super(type);
        holds = holds || holds_references(super, depth + 1);
        fb_hdf5_release(super);
    }
    for (int i = 0, n = class == H5T_COMPOUND ? H5Tget_nmembers(type) : 0; !holds && i < n; i++) {
        hid_t member = H5Tget_member_type(type, (unsigned)i);
        holds = holds_references(member, depth + 1);
        fb_hdf5_release(member);
    }
    return holds;
}

/* References no deeper than h5repack finds them in an attribute. */
static bool attribute_is_kept(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    bool kept = true;
    if (class == H5T_VLEN || class == H5T_ARRAY) {
        hid_t super = H5Tget_super(type);
        kept = H5Tget_class(super) == H5T_REFERENCE || !holds_references(super, 0);
        fb_hdf5_release(super);
    }
    for (int i = 0, n = class == H5T_COMPOUND ? H5Tget_nmembers(type) : 0; kept && i < n; i++) {
        hid_t member = H5Tget_member_type(type, (unsigned)i);
        kept = H5Tget_class(member) == H5T_REFERENCE || !holds_references(member, 0);
        fb_hdf5_release(member);
    }
    return kept;
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    struct place *place = context;
    struct survey *survey = place->survey;
    char reason[FB_HDF5_REASON_MAX];
    (void)info;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute);
    if (type < 0)
        snprintf(reason, sizeof reason, "its attribute %.100s cannot be read", name);
    else if (strlen(name) > ATTRIBUTE_NAME_MAX)
        snprintf(reason, sizeof reason, "the name of its attribute %.40s... is too long", name);
    else if (place->is_type && holds_references(type, 0))
        snprintf(reason, sizeof reason,
                 "its attribute %.100s refers to other objects, and it is a committed type", name);
    else if (!attribute_is_kept(type))
        snprintf(reason, sizeof reason,
                 "its attribute %.100s has references deep inside its elements", name);
    else
        reason[0] = '\0';
    if (*reason)
        survey->rc = note(survey, place->path, reason);
    fb_hdf5_release(type);
    fb_hdf5_release(attribute);
    return survey->rc ? -1 : 0;
}

/* --- datasets --------------------------------------------------------------------------------- */

/* Reason why the filters of a dataset cannot be undone and done again. */
static void look_at_filters(hid_t creation, char *reason, size_t size)
{
    for (int i = 0, n = H5Pget_nfilters(creation); !*reason && i < n; i++) {
        unsigned flags, config = 0;
        size_t count = 0;
        H5Z_filter_t id =
            H5Pget_filter2(creation, (unsigned)i, &flags, &count, NULL, 0, NULL, &config);
        if (H5Zfilter_avail(id) <= 0 || H5Zget_filter_info(id, &config) < 0)
            snprintf(reason, size,
                     "it needs the HDF5 filter with the id %d, which is not installed", (int)id);
        else if (!(config & H5Z_FILTER_CONFIG_DECODE_ENABLED) ||
                 !(config & H5Z_FILTER_CONFIG_ENCODE_ENABLED))
            snprintf(reason, size, "its HDF5 filter with the id %d cannot be written here",
                     (int)id);
    }
}

static int visit_dataset(struct survey *survey, hid_t dataset, const char *path)
{
    char reason[FB_HDF5_REASON_MAX] = "";
    hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
    H5D_layout_t layout = H5Pget_layout(creation);
    if (layout < 0 || type < 0)
        snprintf(reason, sizeof reason, "its layout or type cannot be read");
    else if (layout == H5D_VIRTUAL)
        snprintf(reason, sizeof reason, "it is a virtual dataset");
    else if (H5Pget_external_count(creation) > 0)
        snprintf(reason, sizeof reason, "its data lies in an external file");
    else if (H5Tget_class(type) != H5T_REFERENCE && holds_references(type, 0))
        snprintf(reason, sizeof reason, "it has references inside its elements");
    else
        look_at_filters(creation, reason, sizeof reason);
    fb_hdf5_release(type);
    fb_hdf5_release(creation);
    return *reason ? note(survey, path, reason) : 0;
}

/* --- links ------------------------------------------------------------------------------------ */

static bool external_is_relative(hid_t group, const char *name, size_t size)
{
    const char *file = NULL, *object;
    unsigned flags;
    char *value = calloc(1, size + 1);
    bool relative = !value || H5Lget_val(group, name, value, size, H5P_DEFAULT) < 0 ||
                    H5Lunpack_elink_val(value, size, &flags, &file, &object) < 0 || *file != '/';
    free(value);
    return relative;
}

static int push(struct survey *survey, char *path)
{
    /* The capacity doubles at powers of two. */
    if ((survey->stack_count & (survey->stack_count - 1)) == 0) {
        size_t capacity = survey->stack_count ? survey->stack_count * 2 : 1;
        char **stack = reallocarray(survey->stack, capacity, sizeof *stack);
        if (!stack)
            return fb_fail_memory(survey->err, "a list of objects");
        survey->stack = stack;
    }
    survey->stack[survey->stack_count++] = path;
    return 0;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    struct place *place = context;
    struct survey *survey = place->survey;
    char *path;
    if (asprintf(&path, "%s%s%s", place->path, *place->path ? "/" : "", name) < 0) {
        survey->rc = fb_fail_memory(survey->err, "a list of objects");
        return -1;
    }
    if (info->type == H5L_TYPE_HARD) {
        survey->rc = push(survey, path);
        if (survey->rc == 0)
            return 0;
    } else if (info->type == H5L_TYPE_EXTERNAL) {
        if (survey->elsewhere && external_is_relative(group, name, info->u.val_size))
            survey->rc = note(survey, path,
                              "external link to a file beside this one, which would not be beside "
                              "the new one");
    } else if (info->type != H5L_TYPE_SOFT) {
        survey->rc = note(survey, path, "link of an unknown kind");
    }
    free(path);
    return survey->rc ? -1 : 0;
}

/* --- objects ---------------------------------------------------------------------------------- */

static int compare_addresses(const void *a, const void *b)
{
    haddr_t x = *(const haddr_t *)a, y = *(const haddr_t *)b;
    return (x > y) - (x < y);
}

/* 1 when the object was not seen before, 0 when it was. */
static int see(struct survey *survey, const H5O_info_t *info)
{
    if (info->rc <= 1)
        return 1;
    haddr_t *address = malloc(sizeof *address);
    if (!address)
        return fb_fail_memory(survey->err, "a list of objects");
    *address = info->addr;
    haddr_t **found = tsearch(address, &survey->seen, compare_addresses);
    if (!found)
        free(address);
    if (!found)
        return fb_fail_memory(survey->err, "a list of objects");
    if (*found == address)
        return 1;
    free(address);
    return 0;
}

static size_t depth_of(const char *path)
{
    size_t depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* What a callback said goes before what HDF5 makes of its refusal. */
static int iterated(struct survey *survey, herr_t result, const char *path)
{
    if (survey->rc || result >= 0)
        return survey->rc;
    return fb_hdf5_fail(survey->err, FB_EFORMAT, "%s: cannot list what is in or at %s",
                        survey->path, *path ? path : "/");
}

static int visit_object(struct survey *survey, hid_t object, const H5O_info_t *info,
                        const char *path)
{
    struct place place = { survey, path, info->type == H5O_TYPE_NAMED_DATATYPE };
    hsize_t attribute = 0, link = 0;
    int rc = 0;
    if (H5Oget_comment(object, NULL, 0) > 0)
        rc = note(survey, path, "it has a comment");
    if (rc == 0)
        rc = iterated(
            survey,
            H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &attribute, visit_attribute, &place),
            path);
    if (rc == 0 && info->type == H5O_TYPE_DATASET)
        rc = visit_dataset(survey, object, path);
    else if (rc == 0 && info->type == H5O_TYPE_GROUP)
        rc = iterated(survey,
                      H5Literate(object, H5_INDEX_NAME, H5_ITER_NATIVE, &link, visit_link, &place),
                      path);
    return rc;
}

static int visit_next(struct survey *survey)
{
    H5O_info_t info;
    char *path = survey->stack[--survey->stack_count];
    hid_t object = -1;
    int rc = 0;
    if (fb_interrupted())
        rc = fb_fail(survey->err, FB_EINTERRUPTED, "interrupted");
    else if (depth_of(path) > DEPTH_MAX)
        rc = fb_fail(survey->err, FB_EUNSUPPORTED,
                     "%s: its groups are nested too deeply for HDF5's tools", survey->path);
    else if ((object = H5Oopen(survey->file, *path ? path : "/", H5P_DEFAULT)) < 0 ||
             H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0)
        rc = fb_hdf5_fail(survey->err, FB_EFORMAT, "%s: cannot open %s", survey->path,
                          *path ? path : "/");
    else if ((rc = see(survey, &info)) == 1)
        rc = visit_object(survey, object, &info, path);
    fb_hdf5_release(object);
    free(path);
    return rc;
}

int fb_hdf5_survey(const char *path, bool elsewhere, struct fb_catalog *out, struct fb_error *err)
{
    struct survey survey = { .path = path, .elsewhere = elsewhere, .out = out, .err = err };
    struct fb_reader *reader;
    char *root = strdup("");
    int rc = fb_hdf5_open(path, NULL, &reader, err);
    if (rc) {
        free(root);
        return rc;
    }
    survey.file = reader->file;
    rc = root ? push(&survey, root) : fb_fail_memory(err, "a list of objects");
    if (rc)
        free(root);
    while (rc == 0 && survey.stack_count > 0)
        rc = visit_next(&survey);
    while (survey.stack_count > 0)
        free(survey.stack[--survey.stack_count]);
    free(survey.stack);
    tdestroy(survey.seen, free);
    H5Eclear2(H5E_DEFAULT);
    fb_hdf5_close(reader);
    return rc;
}
