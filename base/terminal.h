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
    uint64_t started_ns;
    uint64_t next_ns; /* when it may be drawn again */
};

void fb_progress_start(struct fb_progress *progress);
/* "TEXT  42 %, 1 min left", drawn at most ten times a second. The time is said when it can be
 * guessed: what is done took long enough. Fits the `progress` callbacks of what takes long, with
 * the struct fb_progress as listener; so does fb_progress_say their `say`. */
void fb_progress_update(void *progress, uint64_t done, uint64_t total, const char *text);
/* "fmtbench: MESSAGE" on stderr, a line of its own. */
void fb_progress_say(void *progress, const char *message);
/* Wipes the line; also to be called before anything else is printed. */
void fb_progress_end(struct fb_progress *progress);

/* "42 s", "3 min", "2 h": what is left after `elapsed_ns` with done of total; "" where it cannot be
 * told. Returns buf. */
char *fb_time_left(uint64_t elapsed_ns, uint64_t done, uint64_t total, char *buf, size_t size);

#endif
