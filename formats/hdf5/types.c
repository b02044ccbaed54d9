/* HDF5's types and ours. Numbers are delivered as h5py delivers them; everything else that has a
 * fixed size goes out as the bytes that lie in the file. */
#include "formats/hdf5/internal.h"

#include <stdio.h>
#include <string.h>

/* Nested types are walked recursively; real ones nest twice or so. */
#define NESTING_MAX 32

/* Why elements of this type cannot be delivered as bytes; NULL when they can. */
static const char *undeliverable(hid_t type, int depth)
{
    const char *why = NULL;
    hid_t super = -1;
    if (depth > NESTING_MAX)
        return "its type is nested too deeply";
    switch (H5Tget_class(type)) {
    case H5T_VLEN:
        return "it holds variable-length data";
    case H5T_REFERENCE:
        return "it holds references";
    case H5T_STRING:
        return H5Tis_variable_str(type) > 0 ? "it holds variable-length strings" : NULL;
    case H5T_ARRAY:
        super = H5Tget_super(type);
        why = undeliverable(super, depth + 1);
        fb_hdf5_release(super);
        return why;
    case H5T_COMPOUND:
        for (int i = 0, n = H5Tget_nmembers(type); !why && i < n; i++) {
            hid_t member = H5Tget_member_type(type, (unsigned)i);
            why = undeliverable(member, depth + 1);
            fb_hdf5_release(member);
        }
        return why;
    case H5T_NO_CLASS:
        return "its type cannot be understood";
    default:
        return NULL;
    }
}

static hid_t native_integer(hid_t type, struct fb_dtype *dtype)
{
    bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    size_t size = H5Tget_size(type);
    *dtype = (struct fb_dtype){ is_signed ? FB_INT : FB_UINT, (uint32_t)size };
    switch (size) {
    case 1:
        return is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    case 2:
        return is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    case 4:
        return is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    case 8:
        return is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
    default:
        return -1;
    }
}

/* HDF5 1.10 has no predefined half precision. */
static hid_t half_precision(void)
{
    hid_t type = H5Tcopy(H5T_NATIVE_FLOAT);
    if (H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 ||
        H5Tset_ebias(type, 15) < 0) {
        fb_hdf5_release(type);
        return -1;
    }
    return type;
}

/* Size of the smallest IEEE type that holds every value; 0 when none of ours does. */
static uint32_t ieee_size(hid_t type)
{
    static const struct {
        uint32_t size;
        size_t mantissa;
        int64_t highest, lowest; /* exponents */
    } ieee[] = { { 2, 10, 16, -14 }, { 4, 23, 128, -126 }, { 8, 52, 1024, -1022 } };
    size_t sign, exponent_at, exponent, mantissa_at, mantissa, size = H5Tget_size(type);
    if (H5Tget_fields(type, &sign, &exponent_at, &exponent, &mantissa_at, &mantissa) < 0 ||
        exponent > 30)
        return 0;
    int64_t bias = (int64_t)H5Tget_ebias(type);
    for (size_t i = 0; i < sizeof ieee / sizeof *ieee; i++)
        if (size <= ieee[i].size && mantissa <= ieee[i].mantissa &&
            ((int64_t)1 << exponent) - bias - 1 <= ieee[i].highest && 1 - bias >= ieee[i].lowest)
            return ieee[i].size;
    return 0;
}

static bool is_bool(hid_t type)
{
    static const char *const names[] = { "FALSE", "TRUE" };
    if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2)
        return false;
    for (signed char i = 0; i < 2; i++) {
        signed char value = -1;
        char name[8];
        if (H5Tenum_valueof(type, names[i], &value) < 0 || value != i ||
            H5Tenum_nameof(type, &value, name, sizeof name) < 0) {
            H5Eclear2(H5E_DEFAULT);
            return false;
        }
    }
    return true;
}

static hid_t native_float(hid_t type, struct fb_dtype *dtype, hid_t *own)
{
    *dtype = (struct fb_dtype){ FB_FLOAT, 4 };
    if (H5Tequal(type, H5T_NATIVE_FLOAT) > 0)
        return H5T_NATIVE_FLOAT;
    dtype->size = ieee_size(type);
    if (dtype->size == 2) {
        fb_hdf5_release(*own);
        return *own = half_precision();
    }
    if (dtype->size == 4)
        return H5T_NATIVE_FLOAT;
    return dtype->size == 8 ? H5T_NATIVE_DOUBLE : -1;
}

static hid_t native_enumeration(hid_t type, struct fb_dtype *dtype)
{
    if (is_bool(type)) {
        *dtype = (struct fb_dtype){ FB_BOOL, 1 };
        return type;
    }
    hid_t base = H5Tget_super(type);
    hid_t memory = native_integer(base, dtype);
    /* Read as the enumeration that it is, integers in our byte order need no conversion. */
    if (memory >= 0 && H5Tequal(base, memory) > 0)
        memory = type;
    fb_hdf5_release(base);
    return memory;
}

bool fb_hdf5_type_read(hid_t *own, struct fb_dtype *dtype, hid_t *memory, char *reason, size_t size)
{
    hid_t type = *own;
    H5T_class_t class = H5Tget_class(type);
    *memory = class == H5T_FLOAT     ? native_float(type, dtype, own)
              : class == H5T_INTEGER ? native_integer(type, dtype)
              : class == H5T_ENUM    ? native_enumeration(type, dtype)
                                     : -1;
    if (*memory >= 0)
        return true;
    const char *why = undeliverable(type, 0);
    size_t bytes = H5Tget_size(type);
    if (!why && bytes == 0)
        why = "its elements have no size";
    if (!why && bytes > UINT32_MAX)
        why = "its elements are larger than 4 GiB";
    *dtype = (struct fb_dtype){ FB_OPAQUE, (uint32_t)bytes };
    *memory = type;
    snprintf(reason, size, "%s", why ? why : "");
    H5Eclear2(H5E_DEFAULT);
    return why == NULL;
}

static hid_t bool_type(void)
{
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    signed char no = 0, yes = 1;
    if (H5Tenum_insert(type, "FALSE", &no) < 0 || H5Tenum_insert(type, "TRUE", &yes) < 0) {
        fb_hdf5_release(type);
        return -1;
    }
    return type;
}

hid_t fb_hdf5_type_write(struct fb_dtype dtype)
{
    /* By log2 of the size. */
    const hid_t ints[] = { H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32LE, H5T_STD_I64LE };
    const hid_t uints[] = { H5T_STD_U8LE, H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE };
    unsigned power = 0;
    while ((1U << power) < dtype.size && power < 3)
        power++;
    switch (dtype.kind) {
    case FB_INT:
        return H5Tcopy(ints[power]);
    case FB_UINT:
        return H5Tcopy(uints[power]);
    case FB_FLOAT:
        if (dtype.size == 2)
            return half_precision();
        return H5Tcopy(dtype.size == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE);
    case FB_BOOL:
        return bool_type();
    case FB_OPAQUE:
        break;
    }
    hid_t type = H5Tcreate(H5T_OPAQUE, dtype.size);
    if (type >= 0 && H5Tset_tag(type, "") < 0) {
        fb_hdf5_release(type);
        return -1;
    }
    return type;
}
