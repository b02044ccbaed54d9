/* What a setting would cost, reckoned: the work of the requests in its layout, counted from shapes
 * alone (bench/anatomy/geometry.h), times what each kind of work costs on this machine and with
 * this data. It ranks the space; what is advised is measured. */
#ifndef FB_BENCH_TUNE_MODEL_H
#define FB_BENCH_TUNE_MODEL_H

#include "bench/anatomy/advice.h"
#include "bench/anatomy/geometry.h"
#include "bench/tune/space.h"
#include "bench/tune/stand.h"
#include "bench/tune/tiles.h"

/* What a coding does to this data, in chunks of whole rows with some ten thousand bytes. */
struct fb_coding_cost {
    struct fb_coding coding;
    bool here;          /* the library has it; else the rest is not set */
    double decode_byte; /* ns a byte that it gives; of gzip, without undoing the shuffle */
    double encode_byte; /* ns a byte that it is given, writing it included */
    double compressed;  /* stored over raw bytes */
};

/* What gzip does to chunks of a shape, plain and shuffled. */
struct fb_shape_cost {
    struct fb_setting shape; /* no more of it counts */
    struct fb_tile tiles[2];
};

struct fb_model {
    struct fb_rates rates;
    double open_ns;    /* opening and closing a file with one array */
    double array_ns;   /* opening and closing an array, which reads its header */
    double node_ns;    /* a node of a chunk index */
    double piece_byte; /* ns a byte of writing in one piece */
    struct fb_coding_cost *codings;
    size_t coding_count;
    double unshuffle_byte;
    struct fb_source *source; /* that tiles are cut from; borrowed of the stand */
    /* How gzip changes with the shape of chunks: in those of the codings, and as far as they have
     * been asked for. The stored part of other filters is taken to change in the same way. */
    struct fb_tile usual[2];
    struct fb_shape_cost *shapes;
    size_t shape_count;
};

/* Measures the coefficients on some of the stand's data, with files of its own that it removes;
 * filters that need a plugin once only, unless `plugins`. The stand must outlive the model. Free
 * with fb_model_free, also after a failure. */
int fb_model_calibrate(const struct fb_stand *stand, const struct fb_coding *codings, size_t count,
                       bool plugins, struct fb_model *out, struct fb_error *err);
void fb_model_free(struct fb_model *model);

/* The cost of a coding, or NULL. */
const struct fb_coding_cost *fb_model_coding(const struct fb_model *model,
                                             const struct fb_setting *setting);

/* What a stand's requests would cost. */
struct fb_forecast {
    double read_ns[FB_ACCESS_TERMS_MAX]; /* an iteration of each term; NAN where it reads nothing */
    double file_bytes, write_ns;
};

/* For all settings of the space; out[i] of items[i]. What cannot be reckoned (too many chunks to
 * count) is NAN. Shapes that are new to the model are measured. FB_EMEMORY, and as
 * fb_tiles_measure. */
int fb_model_forecast(struct fb_model *model, const struct fb_stand *stand,
                      const struct fb_space *space, struct fb_forecast *out, struct fb_error *err);

/* Chunks that a term loads where arrays lie in a setting, filtered in whatever way or not, and
 * readers have such a chunk cache; FB_NA for too many to count. FB_EMEMORY. */
int fb_model_loads(const struct fb_stand *stand, size_t term, const struct fb_setting *setting,
                   bool filtered, uint64_t cache_bytes, uint64_t cache_slots, uint64_t *loaded,
                   struct fb_error *err);

/* The size of a stand's file in a setting, if chunks were stored in this part of their bytes. */
double fb_model_stored_bytes(const struct fb_stand *stand, const struct fb_setting *setting,
                             double compressed);

#endif
