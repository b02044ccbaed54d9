/* Attributes as h5py makes them: str is a variable-length UTF-8 string, int a 64-bit integer. */
#include "formats/hdf5/internal.h"

#include <stdlib.h>
#include <string.h>

/* A name of this length is none: whatever it is, it stays in the file. */
#define TEXT_MAX 65536

static char *read_fixed(hid_t attribute, hid_t type)
{
    size_t size = H5Tget_size(type);
    char *text = size > 0 && size <= TEXT_MAX ? calloc(1, size + 1) : NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    if (!text || H5Tset_size(memory, size + 1) < 0 || H5Tset_cset(memory, H5Tget_cset(type)) < 0 ||
        H5Aread(attribute, memory, text) < 0) {
        free(text);
        text = NULL;
    }
    fb_hdf5_release(memory);
    return text;
}

static char *read_variable(hid_t attribute, hid_t type)
{
    char *value = NULL, *text = NULL;
    hid_t memory = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(memory, H5T_VARIABLE) >= 0 && H5Tset_cset(memory, H5Tget_cset(type)) >= 0 &&
        H5Aread(attribute, memory, &value) >= 0) {
        text = strdup(value ? value : "");
        if (value)
            H5free_memory(value);
    }
    fb_hdf5_release(memory);
    return text;
}

char *fb_hdf5_attribute_text(hid_t object, const char *name)
{
    char *text = NULL;
    if (H5Aexists(object, name) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return NULL;
    }
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute);
    if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
        htri_t variable = H5Tis_variable_str(type);
        if (variable >= 0)
            text = variable ? read_variable(attribute, type) : read_fixed(attribute, type);
    }
    fb_hdf5_release(space);
    fb_hdf5_release(type);
    fb_hdf5_release(attribute);
    H5Eclear2(H5E_DEFAULT);
    return text;
}

hid_t fb_hdf5_text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        fb_hdf5_release(type);
        return -1;
    }
    return type;
}

static herr_t set_scalar(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t rc = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
    fb_hdf5_release(attribute);
    fb_hdf5_release(space);
    return rc;
}

herr_t fb_hdf5_attribute_set_text(hid_t object, const char *name, const char *text)
{
    hid_t type = fb_hdf5_text_type();
    herr_t rc = type < 0 ? -1 : set_scalar(object, name, type, &text);
    fb_hdf5_release(type);
    return rc;
}

herr_t fb_hdf5_attribute_set_int(hid_t object, const char *name, int64_t value)
{
    return set_scalar(object, name, H5T_STD_I64LE, &value);
}
