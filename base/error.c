#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_message(struct fb_error *err, int code, const char *format, va_list args)
{
    err->code = code;
    vsnprintf(err->message, sizeof err->message, format, args);
    /* One line, whatever names came out of a file: control characters would let a hostile file
     * write to the terminal. */
    for (char *p = err->message; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
}

int fb_fail(struct fb_error *err, int code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        set_message(err, code, format, args);
        va_end(args);
    }
    return code;
}

int fb_fail_errno(struct fb_error *err, const char *format, ...)
{
    int saved = errno;
    int code = saved == ENOMEM ? FB_EMEMORY : FB_EIO;
    if (err) {
        va_list args;
        va_start(args, format);
        set_message(err, code, format, args);
        va_end(args);
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(saved));
    }
    return code;
}

int fb_fail_in(struct fb_error *err, const char *format, ...)
{
    if (!err)
        return FB_EIO;
    char inner[sizeof err->message];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, format);
    set_message(err, err->code, format, args);
    va_end(args);
    size_t used = strlen(err->message), room = sizeof err->message - used;
    if (room > 3) {
        memcpy(err->message + used, ": ", 3);
        inner[room - 3] = '\0';
        strcpy(err->message + used + 2, inner);
    }
    return err->code;
}

int fb_fail_memory(struct fb_error *err, const char *what)
{
    return fb_fail(err, FB_EMEMORY, "out of memory for %s", what);
}

int fb_exit_code(int code)
{
    switch (code) {
    case FB_OK:
        return 0;
    case FB_EUSAGE:
        return 2;
    case FB_ENOTHING:
        return 4;
    default:
        return 1;
    }
}
