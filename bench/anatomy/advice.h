/* Why a read takes as long as it does, and what would make it faster: pure functions from one
 * measured pass, the plan, and how its arrays are stored. Nothing here reads a file or a clock.
 *
 * A promise comes from geometry and from measured parts: the work of the plan is counted exactly in
 * the layout that is and in each that could be (geometry.h), and each measured part is scaled by
 * the work that it pays for. Where a part pays for calls and bytes alike, fb_rates tells what a
 * call costs, and the rest is the bytes'. */
#ifndef FB_BENCH_ANATOMY_ADVICE_H
#define FB_BENCH_ANATOMY_ADVICE_H

#include "bench/anatomy/geometry.h"
#include "bench/anatomy/pass.h"

enum fb_cause {
    FB_CAUSE_FLOOR,          /* nothing in the layout to gain */
    FB_CAUSE_TOO_LARGE,      /* chunks hold far more than the slabs */
    FB_CAUSE_TOO_SMALL,      /* each chunk costs a fixed sum, and there are many */
    FB_CAUSE_SPLIT,          /* chunks are cut along another axis than the slabs */
    FB_CAUSE_CACHE,          /* the same chunk is read and decoded again and again */
    FB_CAUSE_INCOMPRESSIBLE, /* decoding data that compression did not make smaller */
    FB_CAUSE_OPEN,           /* opening the file */
    FB_CAUSE_STRIDED,        /* an array in one piece, read in many short rows */
    FB_CAUSE_FILTERS,        /* not known: chunks go through a filter that no format here writes */
    FB_CAUSE_COUNT
};
extern const char *const fb_cause_names[FB_CAUSE_COUNT];

enum fb_remedy {
    FB_REMEDY_NONE,
    FB_REMEDY_KEEP,       /* hold the file open */
    FB_REMEDY_CACHE,      /* a larger chunk cache while reading; nothing is rewritten */
    FB_REMEDY_CHUNK,      /* write with another chunk shape */
    FB_REMEDY_PLAIN,      /* write chunks without compression, perhaps of another shape */
    FB_REMEDY_CONTIGUOUS, /* write each array in one piece */
    FB_REMEDY_COUNT
};
extern const char *const fb_remedy_names[FB_REMEDY_COUNT];

/* What one of a thing costs on this machine, apart from its bytes, in ns. */
struct fb_rates {
    double inflate_call; /* a run of gzip's decoder */
    double inflate_byte; /* a byte that it gives, of long chunks (probe.h) */
    double read_call;    /* a file read */
    double read_byte;    /* read from the page cache into memory that is in use */
    double request;      /* a read call, in the library */
    double chunk;        /* a chunk touched, in the library */
    double load;         /* the same, when it is not in the cache: beside reading and decoding */
    double run;          /* a row to copy */
    double byte;         /* copied */
    double fault;        /* a byte of memory that comes fresh from the kernel */
    double unmap;        /* a byte that goes back to it */
    double open, lookup; /* a call of those parts (trace.h), where nothing is decoded in between */
};

/* Typical ones, for tests and where a machine cannot be asked. */
extern const struct fb_rates fb_rates_typical;

struct fb_advice {
    enum fb_cause cause;
    enum fb_remedy remedy;
    /* How a writer or reader is told: "chunk=100x68x2", "level=0,chunk=100x68x2", "level=0",
     * "cache=8388608", "handle=keep"; "" for contiguous and none. */
    char options[1024];
    unsigned rank; /* of the chunk shape; 0: none */
    uint64_t chunk[FB_MAX_RANK];
    uint64_t cache_bytes; /* of REMEDY_CACHE */
    double then_ns;       /* predicted total */
    double gain;          /* total over then_ns: above 1 is faster */
    size_t array;         /* that costs the most; SIZE_MAX: the plan reads none */
    struct fb_work now, then;
};

/* keep_ns: total of a pass with the handle kept open; 0: not known. The case's plan may read no
 * array (a search). FB_EUNSUPPORTED when the plan has too many chunks to go through. */
int fb_advise(const struct fb_case *what, const struct fb_anatomy *measured, uint64_t keep_ns,
              const struct fb_rates *rates, struct fb_advice *out, struct fb_error *err);

/* Shorter chunks hold too little for gzip: neither what they compress to nor what a byte of them
 * costs says much of the data. */
#define FB_JUDGED_BYTES 4096

/* Predicted total when the work becomes another; `inflates`: chunks are still decoded. */
double fb_predict(const struct fb_anatomy *measured, const struct fb_rates *rates,
                  const struct fb_work *now, const struct fb_work *then, bool inflates);

/* Whether a format here writes such filters (struct fb_storage): gzip and shuffle alone. Else other
 * chunk shapes would come with another filter, and nothing is promised of them. */
bool fb_filters_written(const char *filters);

/* A set of shapes, for fb_chunk_candidates. */
#define FB_CANDIDATES_MAX 200
struct fb_shapes {
    unsigned rank;
    size_t count;
    uint64_t chunk[FB_CANDIDATES_MAX][FB_MAX_RANK];
};

/* Chunk shapes worth trying for an array that is read in slabs of `count`: along each axis the
 * slab, its halves and its multiples, or the whole axis. */
void fb_chunk_candidates(const struct fb_array_info *array, const uint64_t *count,
                         struct fb_shapes *out);
/* Whether a writer of the catalog takes the shape (as hdf5-chunked's chunk=): it fits every array
 * of its rank but for axis 0. */
bool fb_chunk_fits(const struct fb_catalog *catalog, unsigned rank, const uint64_t *chunk);
/* What an array gets from such a shape: its own rank clipped on axis 0, others by rows. */
void fb_chunk_apply(unsigned rank, const uint64_t *chunk, const struct fb_array_info *array,
                    struct fb_layout *layout);

/* What the advice says, in plain sentences in lines of at most `width` columns: the largest cost,
 * its cause, what would remove it. */
void fb_advice_print(FILE *out, const struct fb_case *what, const struct fb_anatomy *measured,
                     const struct fb_advice *advice, unsigned width);

#endif
