#include "base/terminal.h"
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* No guess of the time left from less time, or less of the work, than this. */
#define GUESS_NS UINT64_C(2000000000)
#define GUESS_PART 0.03
#define REDRAW_NS UINT64_C(100000000)

bool fb_colour_parse(const char *text, enum fb_colour *out)
{
    static const char *const names[] = { "auto", "always", "never" };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum fb_colour)i;
            return true;
        }
    }
    return false;
}

static bool is_smart_terminal(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

bool fb_terminal_colour(FILE *stream, enum fb_colour mode)
{
    const char *no_color = getenv("NO_COLOR");
    if (mode != FB_COLOUR_AUTO)
        return mode == FB_COLOUR_ALWAYS;
    return is_smart_terminal(stream) && !(no_color && *no_color);
}

unsigned fb_terminal_width(FILE *stream)
{
    struct winsize size;
    if (!isatty(fileno(stream)))
        return 0;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void fb_print_text(FILE *stream, const char *text)
{
    for (const char *p = text; *p; p++)
        putc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, stream);
}

void fb_warn(void *context, const char *message)
{
    (void)context;
    fputs("fmtbench: warning: ", stderr);
    fb_print_text(stderr, message);
    putc('\n', stderr);
}

void fb_progress_start(struct fb_progress *progress)
{
    *progress =
        (struct fb_progress){ .active = is_smart_terminal(stderr), .started_ns = fb_clock_ns() };
}

char *fb_time_left(uint64_t elapsed_ns, uint64_t done, uint64_t total, char *buf, size_t size)
{
    double part = total ? (double)done / (double)total : 0;
    double seconds = part > 0 ? (double)elapsed_ns / 1e9 * (1 - part) / part : 0;
    if (elapsed_ns < GUESS_NS || part < GUESS_PART || part > 1)
        snprintf(buf, size, "%s", "");
    else if (seconds < 90)
        snprintf(buf, size, "%.0f s", ceil(seconds));
    else if (seconds < 90 * 60)
        snprintf(buf, size, "%.0f min", ceil(seconds / 60));
    else
        snprintf(buf, size, "%.0f h", ceil(seconds / 3600));
    return buf;
}

void fb_progress_update(void *context, uint64_t done, uint64_t total, const char *text)
{
    struct fb_progress *progress = context;
    const uint64_t now = fb_clock_ns();
    char left[32];
    if (!progress->active || now < progress->next_ns)
        return;
    progress->next_ns = now + REDRAW_NS;
    fb_time_left(now - progress->started_ns, done, total, left, sizeof left);
    unsigned percent = total ? (unsigned)((double)done / (double)total * 100) : 0;
    int room = (int)fb_terminal_width(stderr) - 24;
    fprintf(stderr, "\r%.*s %3u %%%s%s%s\033[K", room > 0 ? room : 0, text, percent,
            *left ? ", " : "", left, *left ? " left" : "");
    fflush(stderr);
}

void fb_progress_say(void *context, const char *message)
{
    struct fb_progress *progress = context;
    fb_progress_end(progress);
    fprintf(stderr, "fmtbench: %s\n", message);
}

void fb_progress_end(struct fb_progress *progress)
{
    if (progress->active && progress->next_ns) {
        fputs("\r\033[K", stderr);
        progress->next_ns = 0;
    }
}
