/* Errors: a negative code to act on and a message to show.
 *
 * Every function that can fail returns 0 or a negative `enum fb_code` and, through a caller-owned
 * `struct fb_error`, one line of text: what went wrong, where (file, object), what to do. The
 * message has no newline and no program name; main() adds those. */
#ifndef FB_BASE_ERROR_H
#define FB_BASE_ERROR_H

#include <stddef.h>

enum fb_code {
    FB_OK = 0,
    FB_EUSAGE = -1,       /* the caller's words are wrong: option, name, index, range */
    FB_EIO = -2,          /* the operating system said no: missing, permission, full disk */
    FB_EFORMAT = -3,      /* a file does not hold what it should */
    FB_EMEMORY = -4,      /* out of memory */
    FB_EUNSUPPORTED = -5, /* understood, but cannot be done here */
    FB_EINTERRUPTED = -6, /* Ctrl-C or SIGTERM */
    FB_ENOTHING = -7      /* nothing to measure, or no answer */
};

struct fb_error {
    int code;
    char message[1024];
};

#define FB_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* Fills `err` (NULL is allowed) and returns `code`, so that `return fb_fail(...)` works. */
int fb_fail(struct fb_error *err, int code, const char *format, ...) FB_PRINTF(3, 4);

/* The same with ": " and the text of errno behind it; the code is FB_EIO (FB_EMEMORY at ENOMEM). */
int fb_fail_errno(struct fb_error *err, const char *format, ...) FB_PRINTF(2, 3);

/* Puts "text: " before the message that stands in `err`; returns its code. */
int fb_fail_in(struct fb_error *err, const char *format, ...) FB_PRINTF(2, 3);

/* FB_EMEMORY with a message that names what the memory was for. */
int fb_fail_memory(struct fb_error *err, const char *what);

/* The process exit code that goes with an error code: 0, 1, 2 (usage), 4 (nothing to measure). */
int fb_exit_code(int code);

#endif
