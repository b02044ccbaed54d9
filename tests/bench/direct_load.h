/* A full load of every array of a file into one touched buffer: by H5Dread, past it, and bare. */
#ifndef FB_TESTS_BENCH_DIRECT_LOAD_H
#define FB_TESTS_BENCH_DIRECT_LOAD_H

#include "base/clock.h"
#include "base/memory.h"
#include "formats/direct/hdf5_direct.h"
#include "tests/bench/setup.h"

#include <fcntl.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct load {
    const char *path;
    const struct fb_catalog *catalog;
    unsigned char *buffer;
    size_t bytes;
    struct fb_extent *chunks; /* of all arrays, by address */
    size_t chunk_count, largest;
};

/* --- by H5Dread --- */

static uint64_t load_plain(const struct load *load)
{
    unsigned char *to = load->buffer;
    uint64_t started = fb_clock_ns();
    hid_t file = H5Fopen(load->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    for (size_t i = 0; i < load->catalog->array_count; i++) {
        const struct fb_array_info *info = &load->catalog->arrays[i];
        hid_t dataset = H5Dopen2(file, info->path, H5P_DEFAULT);
        must(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0, "H5Dread");
        H5Dclose(dataset);
        to += info->bytes;
    }
    H5Fclose(file);
    return fb_clock_ns() - started;
}

/* --- past it --- */

static uint64_t load_direct(const struct load *load, unsigned threads)
{
    static const uint64_t start[FB_MAX_RANK];
    unsigned char *to = load->buffer;
    struct fb_direct_file *file;
    char why[FB_DIRECT_WHY];
    uint64_t started = fb_clock_ns();
    must(fb_direct_open(load->path, threads, &file, why) == 0, why);
    for (size_t i = 0; i < load->catalog->array_count; i++) {
        const struct fb_array_info *info = &load->catalog->arrays[i];
        struct fb_direct_array *array;
        must(fb_direct_array_open(file, info->path, &array, why) == 0, why);
        must(fb_direct_read(array, start, info->dims, to, info->bytes, why) == 0, why);
        fb_direct_array_close(array);
        to += info->bytes;
    }
    fb_direct_close(file);
    return fb_clock_ns() - started;
}

/* The reading alone, of arrays that are open: opening them is HDF5's, and the same for H5Dread. */
static uint64_t load_direct_open(const struct load *load, unsigned threads)
{
    static const uint64_t start[FB_MAX_RANK];
    size_t count = load->catalog->array_count;
    struct fb_direct_array **arrays = calloc(count, sizeof *arrays);
    unsigned char *to = load->buffer;
    struct fb_direct_file *file;
    char why[FB_DIRECT_WHY];
    must(arrays && fb_direct_open(load->path, threads, &file, why) == 0, why);
    for (size_t i = 0; i < count; i++)
        must(fb_direct_array_open(file, load->catalog->arrays[i].path, &arrays[i], why) == 0, why);
    uint64_t started = fb_clock_ns();
    for (size_t i = 0; i < count; i++) {
        const struct fb_array_info *info = &load->catalog->arrays[i];
        must(fb_direct_read(arrays[i], start, info->dims, to, info->bytes, why) == 0, why);
        to += info->bytes;
    }
    uint64_t ns = fb_clock_ns() - started;
    for (size_t i = 0; i < count; i++)
        fb_direct_array_close(arrays[i]);
    fb_direct_close(file);
    free(arrays);
    return ns;
}

/* --- bare: what there is to do at least --- */

struct bare {
    const struct load *load;
    int descriptor; /* -1: only to inflate, from memory */
    bool inflates;
    const unsigned char *file; /* whole, in memory */
    atomic_size_t next;
};

static void *bare_thread(void *context)
{
    struct bare *bare = context;
    const struct load *load = bare->load;
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    unsigned char *stored = malloc(load->largest * 2 + 4096), *chunk = malloc(load->largest);
    must(inflater && stored && chunk, "malloc");
    for (size_t i; (i = bare->next++) < load->chunk_count;) {
        const struct fb_extent *extent = &load->chunks[i];
        const unsigned char *from = stored;
        if (bare->descriptor < 0)
            from = bare->file + extent->offset;
        else
            must(pread(bare->descriptor, stored, extent->stored_bytes, (off_t)extent->offset) ==
                     (ssize_t)extent->stored_bytes,
                 "pread");
        if (bare->inflates)
            must(libdeflate_zlib_decompress(inflater, from, extent->stored_bytes, chunk,
                                            extent->bytes, NULL) == LIBDEFLATE_SUCCESS,
                 "libdeflate");
    }
    free(stored);
    free(chunk);
    libdeflate_free_decompressor(inflater);
    return NULL;
}

static uint64_t run_bare(struct bare *bare, unsigned threads)
{
    pthread_t others[8];
    uint64_t started = fb_clock_ns();
    for (unsigned i = 1; i < threads; i++)
        must(pthread_create(&others[i], NULL, bare_thread, bare) == 0, "pthread_create");
    bare_thread(bare);
    for (unsigned i = 1; i < threads; i++)
        pthread_join(others[i], NULL);
    return fb_clock_ns() - started;
}

/* Reading and inflating. */
static uint64_t load_bare(const struct load *load, unsigned threads)
{
    struct bare bare = { .load = load,
                         .descriptor = open(load->path, O_RDONLY | O_CLOEXEC),
                         .inflates = true };
    uint64_t ns = run_bare(&bare, threads);
    close(bare.descriptor);
    return ns;
}

/* Reading alone. */
static uint64_t read_bare(const struct load *load)
{
    struct bare bare = { .load = load, .descriptor = open(load->path, O_RDONLY | O_CLOEXEC) };
    uint64_t ns = run_bare(&bare, 1);
    close(bare.descriptor);
    return ns;
}

/* Inflating alone; `file` holds the whole file. */
static uint64_t inflate_bare(const struct load *load, const unsigned char *file, unsigned threads)
{
    struct bare bare = { .load = load, .descriptor = -1, .inflates = true, .file = file };
    return run_bare(&bare, threads);
}

/* --- which chunks there are --- */

static int take_chunk(void *context, const struct fb_extent *extent, struct fb_error *err)
{
    struct load *load = context;
    (void)err;
    if ((load->chunk_count & (load->chunk_count - 1)) == 0) {
        size_t room = load->chunk_count ? load->chunk_count * 2 : 1;
        load->chunks = reallocarray(load->chunks, room, sizeof *load->chunks);
        must(load->chunks, "malloc");
    }
    load->chunks[load->chunk_count++] = *extent;
    if (extent->bytes > load->largest)
        load->largest = extent->bytes;
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct fb_extent *)a)->offset, y = ((const struct fb_extent *)b)->offset;
    return x < y ? -1 : x > y;
}

static void load_init(struct load *load, const char *path, const struct fb_format *format,
                      const struct fb_catalog *catalog)
{
    static const uint64_t start[FB_MAX_RANK];
    struct fb_reader *reader;
    struct fb_error err;
    *load = (struct load){ .path = path, .catalog = catalog, .bytes = fb_catalog_bytes(catalog) };
    if (format->open(path, NULL, &reader, &err))
        die(&err);
    for (size_t i = 0; i < catalog->array_count; i++) {
        struct fb_array *array;
        if (format->array_open(reader, catalog->arrays[i].path, &array, &err) ||
            format->extents(array, start, catalog->arrays[i].dims, take_chunk, load, &err))
            die(&err);
        format->array_close(array);
    }
    format->close(reader);
    qsort(load->chunks, load->chunk_count, sizeof *load->chunks, by_offset);
    load->buffer = fb_memory_touched(load->bytes);
    must(load->buffer, "malloc");
}

static void load_free(struct load *load)
{
    fb_memory_release(load->buffer, load->bytes);
    free(load->chunks);
}

#endif
