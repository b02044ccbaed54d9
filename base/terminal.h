/* What people see: colour, width, warnings and progress. */
#ifndef FB_BASE_TERMINAL_H
#define FB_BASE_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum fb_colour { FB_COLOUR_AUTO, FB_COLOUR_ALWAYS, FB_COLOUR_NEVER };

/* "auto", "always" or "never"; false for anything else. */
bool fb_colour_parse(const char *text, enum fb_colour *out);

/* Whether to write ANSI colours to the stream. AUTO: on a terminal, unless NO_COLOR is set and not
 * empty (https://no-color.org) or TERM is "dumb" or missing. */
bool fb_terminal_colour(FILE *stream, enum fb_colour mode);

/* Columns of the terminal behind the stream; 0 when it is none. */
unsigned fb_terminal_width(FILE *stream);

/* Prints text that came out of a file: control characters as '?', so that no name can write to the
 * terminal. */
void fb_print_text(FILE *stream, const char *text);

/* "fmtbench: warning: MESSAGE" on stderr. Fits the `warn` callbacks; the context is not used. */
void fb_warn(void *context, const char *message);

/* One line on stderr that is written over and over; nothing at all where stderr is no terminal. */
struct fb_progress {
    bool active;
    uint64_t next_ns; /* when it may be drawn again */
};

void fb_progress_start(struct fb_progress *progress);
/* "TEXT  42 %", drawn at most ten times a second. */
void fb_progress_update(struct fb_progress *progress, uint64_t done, uint64_t total,
                        const char *text);
/* Wipes the line; also to be called before anything else is printed. */
void fb_progress_end(struct fb_progress *progress);

#endif
