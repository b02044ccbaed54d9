/* Storing arrays of an HDF5 file in another way: in a new file, by h5repack, and checked. */
#ifndef FB_BENCH_TUNE_APPLY_H
#define FB_BENCH_TUNE_APPLY_H

#include "base/process.h"
#include "bench/tune/change.h"

/* Writes a copy of `file` to `out` in which the arrays of the changes are stored as these say.
 * Refuses first, naming each, what h5repack does not carry over (formats/hdf5/survey.h), arrays
 * that cannot have the setting (that can grow, and are to be in one piece), filters that are not
 * there, a disk that is too full, and an `out` that is the file itself under whatever name.
 *
 * h5repack writes to a temporary file in the folder of `out`; h5diff compares all of it with the
 * original; the arrays must then have the layout, chunk and filters asked for; only then it takes
 * the name `out`, in place of a file that may have had it. Whatever fails, Ctrl-C too
 * (base/interrupt.h), leaves neither temporary nor half files, and nothing writes to `file`.
 *
 * The limits hold for h5repack and for h5diff each. FB_EUSAGE for wrong words, FB_EUNSUPPORTED for
 * what cannot be done with this file or without the programs, FB_EIO and FB_EFORMAT for failures.
 */
/* Whether `out` is the file itself, under whatever name, or cannot be written: to be asked before
 * long work. FB_EUSAGE. */
int fb_apply_check(const char *file, const char *out, struct fb_error *err);
int fb_apply(const char *file, const char *out, const struct fb_change *changes, size_t count,
             const struct fb_process_limits *limits, struct fb_error *err);

#endif
