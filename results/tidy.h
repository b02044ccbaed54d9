/* One tidy CSV table per picture: all that a plot script reads.
 *
 *   workload-NAME.csv  label,role,cache,handle,panel,place,median_ms,lower_ms,upper_ms,text
 *                      a row per bar; panel: the handle policy's number in the picture; place: the
 *                      format's row in that panel, from the top; text: what stands beside the bar
 *                      (the time, or the status of a cell that failed, which has no times)
 *   size-time.csv      file_MB,median_ms,lower_ms,upper_ms,role,label
 *                      warm full loads, handle once, by rising time
 *   gzip.csv           size_MB,ratio, then full_load_ and slicing_ with median_ms, lower_ms,
 *                      upper_ms, then level: rows of one format that differ only in level, by
 *                      rising level
 *   epoch-scaling.csv  workers,samples_per_s,lower,upper,series,label
 *                      warm rows of a workload that is loaded in batches which differ only in
 *                      workers, by series and rising workers; a series is a format, its options and
 *                      a handle
 *   threads-scaling.csv
 *                      threads,times,lower,upper,series,label
 *                      warm rows of the first dataset that differ only in the format's option
 *                      threads, by series and rising threads; times: how many times as fast as the
 *                      first row of the same workload and handle whose format has no such option
 *                      (of a file of the same size, if there is one), or else as the series' own
 *                      fewest threads
 *
 * Empty fields are n/a; none stands last, where gnuplot 5.4 would read the row before. MB are 10^6
 * bytes. */
#ifndef FB_RESULTS_TIDY_H
#define FB_RESULTS_TIDY_H

#include "results/record.h"

#include <stdbool.h>

/* Texts are printable ASCII. */
struct fb_picture {
    char name[96];      /* of the table without ".csv", and of the picture: [A-Za-z0-9_-] */
    const char *script; /* the gnuplot script that draws it: "workload.gp" */
    char title[128], subtitle[192];
};

/* Zero-initialise, free items. */
struct fb_pictures {
    struct fb_picture *items;
    size_t count;
};

/* Writes the tables that the records have data for into an existing folder and lists them. None at
 * all is not an error. Does not depend on fb_rank. */
int fb_tidy_write(const struct fb_records *records, const char *folder, struct fb_pictures *out,
                  struct fb_error *err);

/* Puts '?' for what a picture does not take, which is ASCII: a broken UTF-8 name would make a
 * broken SVG, and so would "]]>", which XML forbids in text and gnuplot lets pass. Returns text. */
char *fb_tidy_ascii(char *text);

/* Second lines of pictures: the dataset's end and size with `more` behind it; and how many blocks.
 */
void fb_tidy_dataset(const struct fb_record *record, const char *more, char *buf, size_t size);
void fb_tidy_blocks(uint64_t blocks, char *buf, size_t size);

/* True for a contender's warm row that has a time by the worker's own clock and data that was
 * checked. */
bool fb_tidy_is_warm(const struct fb_record *record);

/* The single tables; *made tells whether there was enough for one. For fb_tidy_write. */
int fb_tidy_workload(const struct fb_records *records, const struct fb_record *workload, FILE *out,
                     struct fb_picture *picture, bool *made, struct fb_error *err);
int fb_tidy_size_time(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                      bool *made, struct fb_error *err);
int fb_tidy_epoch(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                  bool *made, struct fb_error *err);
int fb_tidy_threads(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                    bool *made, struct fb_error *err);
int fb_tidy_gzip(const struct fb_records *records, FILE *out, struct fb_picture *picture,
                 bool *made, struct fb_error *err);

#endif
