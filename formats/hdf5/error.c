#include "formats/hdf5/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fb_hdf5_quiet(void)
{
    /* A file that a full disk kept from being closed stays open inside the library, whose clean-up
     * at exit() crashes on it. All else is closed by then. Only the first call, before the library
     * starts, has an effect. */
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

struct why {
    char *buf;
    size_t size;
};

static herr_t take_first(unsigned n, const H5E_error2_t *entry, void *context)
{
    (void)n;
    struct why *why = context;
    if (!why->buf[0] && entry->desc)
        snprintf(why->buf, why->size, "%s", entry->desc);
    return 0;
}

/* File drivers say what is wrong amid the time, a temporary name and addresses: "file write failed:
 * time = ..., error message = 'No space left on device', buf = 0x..., ...". */
static void leave_out_details(char *buf)
{
    static const char quoted[] = "error message = '";
    char *details = strstr(buf, ": time = "), *text = details ? strstr(details, quoted) : NULL;
    if (!text)
        return;
    text += sizeof quoted - 1;
    size_t length = strcspn(text, "'");
    memmove(details + 2, text, length);
    details[2 + length] = '\0';
}

char *fb_hdf5_why(char *buf, size_t size)
{
    struct why why = { buf, size };
    buf[0] = '\0';
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &why);
    H5Eclear2(H5E_DEFAULT);
    for (char *p = buf; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    leave_out_details(buf);
    if (!buf[0])
        snprintf(buf, size, "HDF5 gives no reason");
    return buf;
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
    if (id >= 0)
        H5Idec_ref(id);
}
