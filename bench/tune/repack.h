/* The words for h5repack, which stores arrays of a file in another way while it copies the file.
 *
 * Facts about h5repack (of HDF5 1.10.8) that shape them:
 * - a list of arrays is "a,b,c:WHAT": no path can have a comma or a colon, or more than 254 bytes;
 * - an option in a file (-e) ends at a blank, and has less than 1024 bytes: longer lists are split;
 * - a chunk has at most nine digits an axis;
 * - the layout of the last option decides whether the arrays of all options can still grow, so that
 *   chunks come last;
 * - arrays that a layout is given for keep their filters: NONE removes them;
 * - an array with several hard links has one name for h5repack, and under another it is left as it
 *   is, without a word. */
#ifndef FB_BENCH_TUNE_REPACK_H
#define FB_BENCH_TUNE_REPACK_H

#include "bench/tune/change.h"

struct fb_repack_option {
    char letter; /* 'l': layout, 'f': filter */
    bool blank;  /* has a blank or a newline, and cannot stand in a file of options */
    char *text;
};

/* Zero-initialise. */
struct fb_repack {
    struct fb_repack_option *options;
    size_t count;
    size_t bytes; /* of all texts */
    bool latest;
};

/* FB_EUNSUPPORTED for a path, or a chunk, that h5repack has no words for. `file` is looked into. */
int fb_repack_make(const char *file, const struct fb_portions *portions, struct fb_repack *out,
                   struct fb_error *err);
void fb_repack_free(struct fb_repack *repack);

/* True when the options are so long that those without blanks go into a file. */
bool fb_repack_needs_file(const struct fb_repack *repack);
/* What stands in that file. */
void fb_repack_print_options(FILE *stream, const struct fb_repack *repack);

/* The words of the command, ended by NULL, with options_file where it is needed; names that begin
 * with '-' are given as "./-name". Free the words that follow argv[0] and the list with
 * fb_repack_free_words; NULL when out of memory. */
char **fb_repack_words(const struct fb_repack *repack, const char *options_file, const char *file,
                       const char *out);
void fb_repack_free_words(char **words);

/* The command, for a shell; where a file of options is needed, with the lines that make it as
 * OUT.options. */
int fb_repack_print(FILE *stream, const struct fb_repack *repack, const char *file, const char *out,
                    struct fb_error *err);

/* One word for a POSIX shell, in quotes where it needs them. */
void fb_shell_word(FILE *stream, const char *word);

#endif
