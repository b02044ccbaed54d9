#include "formats/hdf5/internal.h"

#include <stdarg.h>
#include <stdio.h>

void fb_hdf5_quiet(void)
{
    /* A file that a full disk kept from being closed stays open inside the library, whose clean-up
     * at exit() crashes on it. All else is closed by then. Only the first call, before the library
     * starts, has an effect. */
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

char *fb_hdf5_why(char *buf, size_t size)
{
    return fb_direct_reason(buf, size);
}

int fb_hdf5_fail(struct fb_error *err, int code, const char *format, ...)
{
    char why[FB_HDF5_REASON_MAX], what[FB_HDF5_REASON_MAX];
    fb_hdf5_why(why, sizeof why);
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return fb_fail(err, code, "%s: %s", what, why);
}

void fb_hdf5_release(hid_t id)
{
    fb_direct_release(id);
}
