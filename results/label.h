/* How rows of a run are named and put in order, in tables, sentences and pictures alike. */
#ifndef FB_RESULTS_LABEL_H
#define FB_RESULTS_LABEL_H

#include "results/record.h"

#include <stdbool.h>

#define FB_LABEL_SIZE 96

/* The format and those of its options in which rows of the same format differ in this run:
 * "hdf5-chunked level=4". Longer ones end in "...". Printable, without quotes or commas. Returns
 * buf. */
char *fb_label(const struct fb_records *records, const struct fb_record *record, char *buf,
               size_t size);

/* The same of the row's workload: "random-access n=100", where the run has another n too. */
char *fb_workload_label(const struct fb_records *records, const struct fb_record *record, char *buf,
                        size_t size);

/* Copies text so that it can stand in one line of a terminal or a picture: control characters,
 * which a file may bring along, become '?'; too long a text keeps its head and ends in "...".
 * Returns buf. */
char *fb_plain_text(const char *text, char *buf, size_t size);

/* Columns of a terminal that a text takes, where each of its characters takes one. */
int fb_columns_of(const char *text);

/* Prints text and a newline, in lines of at most `width` columns that end at blanks; no word should
 * be as long as a line. */
void fb_print_words(FILE *out, const char *text, unsigned width);

/* The value of a key in "key=value,key=value" as a new text in buf, or NULL if it is not there. */
const char *fb_option_value(const char *options, const char *key, char *buf, size_t size);

/* The same as a number; FB_NA where it is not there or is none. */
uint64_t fb_option_u64(const char *options, const char *key);

/* True when the two option texts are the same but for the value of a key, which both or neither
 * have. */
bool fb_same_options_but(const char *a, const char *b, const char *key);

/* process: 1, anything else: 0; warm, cold, anything else: 0, 1, 2; once, keep, each, anything
 * else: 0, 1, 2, 3. */
int fb_clock_order(const struct fb_record *record);
int fb_cache_order(const struct fb_record *record);
int fb_handle_order(const struct fb_record *record);

bool fb_is_ok(const struct fb_record *record);        /* has a time that may be shown */
bool fb_is_contender(const struct fb_record *record); /* may be called the fastest */
bool fb_is_unproven(const struct fb_record *record);  /* its cache state is not what it says */

/* For qsort over `const struct fb_record *`: clock, cache, handle, rows with a time first, median.
 */
int fb_compare_rows(const void *a, const void *b);

/* True when the row is of the same workload with the same options. */
bool fb_same_workload(const struct fb_record *a, const struct fb_record *b);

/* True for the first row of its workload in the run: walk these to visit each workload once. */
bool fb_is_first_of_workload(const struct fb_records *records, size_t index);

#endif
