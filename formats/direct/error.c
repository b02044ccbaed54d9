/* What HDF5 says of its errors. */
#include "formats/direct/scout.h"

#include <stdio.h>
#include <string.h>

struct words {
    char *buf;
    size_t size;
};

static herr_t take_first(unsigned n, const H5E_error2_t *entry, void *context)
{
    (void)n;
    struct words *words = context;
    if (!words->buf[0] && entry->desc)
        snprintf(words->buf, words->size, "%s", entry->desc);
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

char *fb_direct_reason(char *buf, size_t size)
{
    struct words words = { buf, size };
    buf[0] = '\0';
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &words);
    H5Eclear2(H5E_DEFAULT);
    for (char *p = buf; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    leave_out_details(buf);
    if (!buf[0])
        snprintf(buf, size, "HDF5 gives no reason");
    return buf;
}

/* Programs that were written for HDF5 1.6 have set a printer that the newer functions refuse. */
void fb_direct_quiet_begin(struct fb_direct_quiet *quiet)
{
    *quiet = (struct fb_direct_quiet){ .is_v2 = 1 };
    H5Eauto_is_v2(H5E_DEFAULT, &quiet->is_v2);
    if (quiet->is_v2)
        H5Eget_auto2(H5E_DEFAULT, &quiet->print, &quiet->context);
    else
        H5Eget_auto1(&quiet->old_print, &quiet->context);
    if (quiet->print || quiet->old_print)
        H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void fb_direct_quiet_end(const struct fb_direct_quiet *quiet)
{
    if (quiet->print)
        H5Eset_auto2(H5E_DEFAULT, quiet->print, quiet->context);
    else if (quiet->old_print)
        H5Eset_auto1(quiet->old_print, quiet->context);
}

void fb_direct_release(hid_t id)
{
    if (id >= 0)
        H5Idec_ref(id);
}
