/* Reads arrays of HDF5 files past H5Dread: the raw chunks are read from the file, decoded with
 * libdeflate in several threads, and put straight into the caller's buffer. The bytes are those
 * that H5Dread delivers. A library of its own: this header, libhdf5_direct.a, HDF5, libdeflate,
 * pthread.
 *
 *     struct fb_direct_file *file;
 *     struct fb_direct_array *array;
 *     char why[FB_DIRECT_WHY];
 *     if (fb_direct_open("data.h5", 0, &file, why) || fb_direct_array_open(file, "a/b", &array,
 * why))
 *         ...
 *     fb_direct_read(array, start, count, buffer, sizeof buffer, why);
 *     fb_direct_array_close(array);
 *     fb_direct_close(file);
 *
 * Read directly: chunks of integers, floats and other plain elements of 1 to 8 bytes, in either
 * byte order, that went through gzip, alone or with shuffle and fletcher32. Everything else, and
 * every chunk that is not decoded without the least doubt, is handed to H5Dread, whose answer, or
 * error, is then the answer.
 *
 * The one difference that is known: libdeflate decodes some streams that zlib refuses. No
 * compressor makes them, and damage does not, as the checksum is right: such a file was made on
 * purpose, and H5Dread has an error for it.
 *
 * Functions that can fail return 0, or a negative number with one line of text in `why`.
 *
 * Threads: arrays of one file, and one array, may be read from several threads at once where the
 * HDF5 library is built thread-safe (H5is_library_threadsafe); opening and closing a file or array
 * is for one thread while nobody reads it. While others read, none may from within a callback of
 * HDF5's (H5Literate, H5Ovisit): HDF5's lock is held there, and they would wait for each other. A
 * file is used, and closed, in the process that opened it: open it after a fork. One that is open
 * for writing in this process is left to H5Dread; what is written to it later may not be seen.
 *
 * Memory: two chunks a thread (one as it is stored, one decoded), kept until the file is closed;
 * 16 bytes for each chunk of an array whose place is known; and, of slabs that take less than whole
 * chunks, up to 1 MiB of decoded chunks an array, in place of the cache of HDF5, which stays empty.
 * A file that is read in order and is not in memory has one thread more, which reads on through it,
 * 1 MiB at a time, while the others decode.
 */
#ifndef HDF5_DIRECT_H
#define HDF5_DIRECT_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FB_DIRECT_WHY 512

struct fb_direct_file;
struct fb_direct_array;

/* Opens for reading, with so many threads for a slab; 0: as many as there are processors that this
 * process may run on. Threads are started when a slab is first worth it. */
int fb_direct_open(const char *path, unsigned threads, struct fb_direct_file **out, char *why);
/* The same for a file that the caller has open, and closes after this; `path` is where it lies. */
int fb_direct_attach(hid_t file, const char *path, unsigned threads, struct fb_direct_file **out,
                     char *why);
/* Accepts NULL. Its arrays have been closed. */
void fb_direct_close(struct fb_direct_file *file);
/* The file as HDF5 has it, to open arrays for fb_direct_array_attach with. Of an attached one they
 * cost the least in the id that is told now, which is another after some megabytes have been read.
 * Closed by fb_direct_close (of fb_direct_attach, the caller's own stays open). One thread at a
 * time. */
hid_t fb_direct_file_id(const struct fb_direct_file *file);

int fb_direct_array_open(struct fb_direct_file *file, const char *path,
                         struct fb_direct_array **out, char *why);
/* The same for a dataset of that file that the caller has open, and closes after this; one of
 * another file, or of the same one opened otherwise, is left to H5Dread. Elements are delivered as
 * `memory`, which stays the caller's; H5I_INVALID_HID: in their own type and this machine's byte
 * order. */
int fb_direct_array_attach(struct fb_direct_file *file, hid_t dataset, hid_t memory,
                           struct fb_direct_array **out, char *why);
/* Accepts NULL. */
void fb_direct_array_close(struct fb_direct_array *array);
hid_t fb_direct_array_id(const struct fb_direct_array *array);

/* Elements of the slab, an axis each, in C order into `buffer`; bytes: what it has room for, at
 * least the slab's own. A slab beyond the array is an error. */
int fb_direct_read(struct fb_direct_array *array, const uint64_t *start, const uint64_t *count,
                   void *buffer, size_t bytes, char *why);

/* Why the array is left to H5Dread ("filter 32001"): NULL where it is read directly. The text lives
 * as long as the array. */
const char *fb_direct_fallback(struct fb_direct_array *array);

/* How many chunks of the array were decoded here, and how many slabs H5Dread was asked for. */
struct fb_direct_counts {
    uint64_t decoded, handed_over;
};
void fb_direct_array_counts(struct fb_direct_array *array, struct fb_direct_counts *out);

#ifdef __cplusplus
}
#endif

#endif
