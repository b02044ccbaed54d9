#include "base/terminal.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
    *progress = (struct fb_progress){ .active = is_smart_terminal(stderr) };
}

void fb_progress_update(struct fb_progress *progress, uint64_t done, uint64_t total,
                        const char *text)
{
    if (!progress->active || fb_clock_ns() < progress->next_ns)
        return;
    progress->next_ns = fb_clock_ns() + REDRAW_NS;
    unsigned percent = total ? (unsigned)((double)done / (double)total * 100) : 0;
    int room = (int)fb_terminal_width(stderr) - 8;
    fprintf(stderr, "\r%.*s %3u %%\033[K", room > 0 ? room : 0, text, percent);
    fflush(stderr);
}

void fb_progress_end(struct fb_progress *progress)
{
    if (progress->active && progress->next_ns) {
        fputs("\r\033[K", stderr);
        progress->next_ns = 0;
    }
}
