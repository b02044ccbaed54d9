/* The one read interface: what a format backend implements.
 *
 * A backend is one file (or folder) with one `static const struct fb_format`, and one line in
 * registry.c; command line, help, tests, records and docs follow from its table. It knows nothing
 * of workloads, clocks or output, and never prints, exits, keeps the caller's pointers or has
 * mutable file-scope state. Each backend defines `struct fb_reader` and `struct fb_array` for
 * itself; nobody else looks inside.
 *
 * One thread uses a reader at a time. A reader is opened, used and closed in one process. */
#ifndef FB_FORMATS_FORMAT_H
#define FB_FORMATS_FORMAT_H

#include "base/error.h"
#include "base/options.h"
#include "datasets/catalog.h"
#include "datasets/source.h"
#include "formats/trace.h"

struct fb_reader;
struct fb_array;

enum fb_format_flags {
    FB_LOADS_WHOLE = 1, /* open reads the whole file into memory, as pickle.load does: the handle
                           policies `each` and `keep` would not measure reading, and are left out */
    FB_REFERENCE = 2,   /* a reference line, never "the fastest" */
    FB_NO_FILE = 4,     /* has no file: nothing to write, evict or verify (null) */
    FB_AS_IS = 8,       /* reads the user's own file where it lies; create is NULL */
    FB_QUICK = 16,      /* among the few that `run --quick` measures, with its defaults */
    FB_NO_NAMES = 32,   /* its files keep no sample names: there a sample goes by its path */
    FB_BY_NAME = 64,    /* takes part only where it is asked for by name */
    FB_THREADED = 128   /* may keep several processors busy for one reader */
};

/* What an array really looks like in the file. */
struct fb_storage {
    char layout[16]; /* "contiguous", "chunked", "compact", "document" */
    unsigned chunk_rank;
    uint64_t chunk[FB_MAX_RANK]; /* elements an axis; chunk_rank 0 where not chunked */
    char filters[128];           /* in the order they are applied on writing: "shuffle+gzip(4)";
                                    "" for none */
    uint64_t stored_bytes;       /* data bytes in the file */
    bool latest;                 /* HDF5: the file was opened for its newest features (libver) */
    uint64_t cache_bytes;        /* the chunk cache in force for this open array; 0 for none */
    uint64_t cache_slots;        /* of its hash table: chunks that share one displace each other */
    char fallback[128];          /* why the format leaves this array to another reader than its own:
                                    "filter 32001"; "" where it does not */
};

/* A piece of the file, read and decoded as a whole. */
struct fb_extent {
    uint64_t offset, stored_bytes; /* in the file */
    uint64_t bytes;                /* decoded; equals stored_bytes where it is not compressed */
    bool deflated;                 /* a zlib stream, alone or below a shuffle */
};

/* A program shipped with fmtbench that does all of a format's work, as a worker of its own
 * (bench/protocol.h): for what only another language's libraries can measure. */
struct fb_adapter {
    const char *script;  /* as it lies in the source tree: "formats/python/worker.py" */
    const char *modules; /* what its Python must import: "numpy, h5py" */
    bool creates;        /* it writes files too; else `writer` names who does */
};

struct fb_format {
    const char *name;    /* "hdf5-chunked" */
    const char *summary; /* one line for `fmtbench list` and the docs */
    const char *suffix;  /* of files that `run` writes: ".h5" */
    const char *writer;  /* name of the format whose create makes the file that this one reads; its
                            own name where it has a create, NULL for as-is and null */
    unsigned flags;      /* enum fb_format_flags */
    /* Another reader of the same files, that `explain` and `tune` measure beside this one; NULL:
     * none. */
    const char *beside;
    /* Of a format that a program of ours reads: all functions below are NULL, and it takes part
     * only where it is asked for by name. NULL: a format of this binary. */
    const struct fb_adapter *adapter;
    /* Options table; FB_DTYPE_OPTION is among them for every format that writes. They tell how a
     * file is written; those of a format without a writer, and those that its writer has not, how
     * it is read. */
    const struct fb_option *options;
    /* What `run` measures of it without -f: one row for each text of options, ended by NULL. NULL:
     * one row with the defaults. */
    const char *const *presets;

    /* True when a file that starts with these bytes is of this format. `length` may be short. Of
     * several formats that recognise a file, the first in the registry opens it as a source.
     * NULL: never chosen by content. */
    bool (*recognises)(const unsigned char *head, size_t length);

    /* Writes the whole dataset to `path`, streaming (memory bounded by a slab, not by the file), by
     * way of struct fb_output: replaced whole or not at all. The source is already narrowed for
     * dtype=f32. Reads arrays in catalog order, each in rising rows. NULL where nothing is written
     * under this name. */
    int (*create)(const char *path, struct fb_source *source, const struct fb_options *options,
                  struct fb_error *err);

    /* Whatever the library does only once in a process (type tables, plugins, first calls). The
     * worker calls it before any clock starts, with the options of its job, as open has them: what
     * they do not need is left alone, as it would take memory. NULL: nothing. */
    int (*start)(const struct fb_options *options, struct fb_error *err);

    /* Opens for reading. The options are those that the file was written with, or NULL: a reader
     * needs none of them. Those that its writer has not are the reader's own, or NULL for the
     * defaults. On
     * success the caller owns *out until close. FB_EIO for what the operating system refuses,
     * FB_EFORMAT for a file that is empty, cut off, damaged or of another kind. */
    int (*open)(const char *path, const struct fb_options *options, struct fb_reader **out,
                struct fb_error *err);
    /* As open, but for use as a source: must not load array data. NULL: open is used. */
    int (*open_streaming)(const char *path, struct fb_reader **out, struct fb_error *err);
    /* Closes; all arrays of the reader have been closed. Accepts NULL. */
    void (*close)(struct fb_reader *reader);

    /* Fills *out (zeroed by the caller, who frees it) and finishes it: names, types and shapes,
     * without array data where the format allows it. What cannot be read is listed as skipped.
     * Finishing sorts the arrays: what a reader keeps by number it must look up by path after. */
    int (*catalog)(struct fb_reader *reader, struct fb_catalog *out, struct fb_error *err);

    /* Goes straight to the path, never through a catalog walk. FB_EFORMAT where it is not there.
     * Caches of the array (HDF5's chunk cache) live until array_close. */
    int (*array_open)(struct fb_reader *reader, const char *path, struct fb_array **out,
                      struct fb_error *err);
    /* Writes the slab (C order, machine byte order, opaque records verbatim) to dst. start and
     * count have an element an axis, none for a scalar. Checks the slab against the array's real
     * shape and its bytes against capacity (FB_EUSAGE); delivers all or fails. *delivered is the
     * number of bytes written; a slab without elements delivers 0. */
    int (*array_read)(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                      void *dst, size_t capacity, size_t *delivered, struct fb_error *err);
    /* Accepts NULL. */
    void (*array_close)(struct fb_array *array);

    /* The whole array where open has already put it into memory, valid until close; so that
     * full-load need not copy it again. NULL: the caller reads into memory of its own. */
    int (*array_resident)(struct fb_array *array, const void **data, size_t *bytes,
                          struct fb_error *err);

    /* Search by metadata, in the format's natural way; the answer must equal fb_catalog_query over
     * the catalog. NULL: the caller takes catalog() and searches that. */
    int (*find)(struct fb_reader *reader, const struct fb_query *query, struct fb_matches *out,
                struct fb_error *err);

    /* Fills all of *out with storage facts of an open array. NULL: not known (n/a in records). */
    int (*storage)(struct fb_array *array, struct fb_storage *out, struct fb_error *err);

    /* As open, but everything done with the reader until it is closed is accounted to the trace:
     * open, close and array operations too. One traced reader at a time in a process. NULL: the
     * format has no anatomy. */
    int (*open_traced)(const char *path, const struct fb_options *options, struct fb_trace *trace,
                       struct fb_reader **out, struct fb_error *err);

    /* Visits the pieces of the file that hold a slab of an open array: what any reader of the file
     * must read and decode for it. Chunks come whole; of an array in one piece
     * the stretches that hold the slab, joined where less than a page lies between. A chunk that is
     * not stored (fill value) is left out. FB_EUSAGE for a slab beyond the array, FB_EUNSUPPORTED
     * where the pieces are not to be had (another filter than gzip and shuffle). NULL: not known.
     */
    int (*extents)(struct fb_array *array, const uint64_t *start, const uint64_t *count,
                   int (*visit)(void *context, const struct fb_extent *extent,
                                struct fb_error *err),
                   void *context, struct fb_error *err);

    /* Version of the library behind, for the record ("1.10.8"); NULL: none. Returns buf. */
    const char *(*version)(char *buf, size_t size);
};

/* The option that every writing format has; applied by fb_format_create, not by the backend. */
#define FB_DTYPE_OPTION                                                                            \
    {                                                                                              \
        "dtype", FB_OPTION_CHOICE, "source", 0, 0, "source|f32", NULL,                             \
            "element type: the source's own, or float64 narrowed to float32"                       \
    }

/* All formats, ended by NULL: the one table. */
extern const struct fb_format *const fb_formats[];

/* "name:key=value,..." -> the format and its options. FB_EUSAGE naming the nearest format. */
int fb_format_parse(const char *spec, const struct fb_format **format, struct fb_options *options,
                    struct fb_error *err);
/* NULL when there is no format of that name. */
const struct fb_format *fb_format_find(const char *name);
/* True when files can be written under its name, by this binary or by its adapter. */
bool fb_format_can_create(const struct fb_format *format);
/* The format whose create makes this one's files; NULL for none. */
const struct fb_format *fb_format_writer(const struct fb_format *format);
/* The format that recognises the file at `path`; FB_EFORMAT when none does, FB_EIO when it cannot
 * be read, is empty or is a folder. */
int fb_format_of_file(const char *path, const struct fb_format **out, struct fb_error *err);

/* create with the dtype option applied. Writes no manifest. */
int fb_format_create(const struct fb_format *format, const struct fb_options *options,
                     const char *path, struct fb_source *source, struct fb_error *err);

/* Opens any SOURCE: "synth:...", "openface:PATH,...", a folder or a file (kind found by content).
 * `warn` as in fb_importer.open. */
int fb_source_open(const char *spec, void (*warn)(void *context, const char *message),
                   void *warn_context, struct fb_source **out, struct fb_error *err);

/* A source over a file of a known format. */
int fb_source_from_file(const struct fb_format *format, const char *path, struct fb_source **out,
                        struct fb_error *err);

#endif
