/* The table of claims, in the guide's order, and what their measure functions share. */
#include "results/claims_measure.h"

const struct fb_claim fb_claims[] = {
    { "size", "40-60 % smaller", "HDF5 with compression is typically 40-60 % smaller than pickle",
      "the gzip 4 file of float32 against the pickle of float64; and what each step saves alone",
      fb_measure_size },
    { "gzip-4", "a good balance", "compression='gzip', compression_opts=4 provides good balance",
      "levels 0 to 9: size, time to write, time of a full load", fb_measure_gzip },
    { "cpu", "adds CPU overhead", "Use compression for storage, but note it adds CPU overhead",
      "processor time of a full load and of writing, gzip 4 against no compression",
      fb_measure_cpu },
    { "pickle-load", "about 2-5 s",
      "Pickle: Must load entire file (~2-5 seconds for large datasets)",
      "one access to a pickle that is opened for it, over growing datasets", fb_measure_load },
    { "hdf5-direct", "about 0.01-0.05 s", "HDF5: Direct access to any sample (~0.01-0.05 seconds)",
      "the same access to the HDF5 file, over the same datasets", fb_measure_direct },
    { "random-access", "HDF5 is faster",
      "Random access: pickle must load the entire file, HDF5 accesses any sample directly",
      "the same times against each other, and the size from which HDF5 is faster",
      fb_measure_access },
    { "load-once", "for frequent access",
      "For frequently accessed data, consider loading into memory once",
      "a full load of the HDF5 file against accesses one by one to the open file",
      fb_measure_once },
    { "slicing", "only requested frames",
      "Slicing: pickle loads the full sample, HDF5 only the requested frames directly from disk",
      "one slice of 100 frames out of a file that is opened for it", fb_measure_slicing },
    { "memory", "one sample at a time",
      "Process samples one at a time without loading entire dataset",
      "how much the peak memory of a mean over all samples grows with the dataset",
      fb_measure_memory },
    { "metadata", "without loading data", "Store and query sample information without loading data",
      "a search by frame count and one by name, in a file that is opened for it",
      fb_measure_search },
    { "workers", "workers help", "Use num_workers > 0 in PyTorch DataLoader for parallel loading",
      "an epoch in batches of 4 with 0, 1, 2 and 4 worker processes", fb_measure_workers },
    { "keep-open", "keep the file open", "Keep file handle open for multiple accesses",
      "ten accesses with the file opened for each, against a file held open", fb_measure_handle },
    { "slices", "slice, do not load", "Use slicing ... Avoid: Loading full data then slicing",
      "ten slices of 100 frames against ten whole arrays, of an open file", fb_measure_slices },
    { "shapes", "shape without data", "Check shapes before loading: doesn't load data",
      "looking up an array in an open file against reading one", fb_measure_shapes },
    { "feature", "one feature alone", "Load only action units for all frames",
      "the action units of every person against all of their arrays, of an open file",
      fb_measure_feature },
    { 0 },
};

/* Of `make claims`; the guide's file is what h5py makes of float32 with gzip 4. */
const struct fb_contestant_row fb_contestants[FB_CONTESTANTS] = {
    [FB_PICKLE] = { "pickle", "dtype=source", "pickle" },
    [FB_H5PY_GZIP] = { "h5py", "dtype=f32,level=4,shuffle=0", "h5py, gzip 4" },
    [FB_H5PY_PLAIN] = { "h5py-contiguous", "dtype=f32", "h5py, not compressed" },
    [FB_HDF5_GZIP] = { "hdf5-chunked", "dtype=f32,level=4,shuffle=0", "HDF5 in C, gzip 4" },
    [FB_HDF5_PLAIN] = { "hdf5-contiguous", "dtype=f32", "HDF5 in C, not compressed" },
};

struct fb_pick fb_claim_pick(const char *run, enum fb_contestant who, const char *workload,
                             const char *asked, const char *cache, const char *handle)
{
    return (struct fb_pick){
        .run = run,
        .format = fb_contestants[who].format,
        .options = fb_contestants[who].options,
        .workload = workload,
        .asked = asked,
        .cache = cache,
        .handle = handle,
    };
}

void fb_measuring_add(struct fb_measuring *measuring, const struct fb_claim_part *part,
                      const struct fb_quantity *quantity)
{
    if (measuring->rc == 0)
        measuring->rc =
            fb_figures_add(measuring->out, measuring->claim, part, quantity, measuring->err);
}

void fb_measuring_time(struct fb_measuring *measuring, const struct fb_claim_part *part,
                       const struct fb_pick *pick)
{
    struct fb_quantity time;
    fb_quantity_time(&time, measuring->evidence, pick);
    fb_measuring_add(measuring, part, &time);
}

void fb_measuring_faster(struct fb_measuring *measuring, const struct fb_claim_part *part,
                         const struct fb_pick *slow, const struct fb_pick *fast)
{
    struct fb_quantity ratio;
    fb_quantity_paired(&ratio, measuring->evidence, slow, fast);
    fb_measuring_add(measuring, part, &ratio);
}

static struct fb_pick read_natively(const struct fb_pick *pick)
{
    struct fb_pick native = *pick;
    native.format = fb_contestants[FB_HDF5_GZIP].format;
    native.options = fb_contestants[FB_HDF5_GZIP].options;
    return native;
}

void fb_measuring_bytes(struct fb_measuring *measuring, const struct fb_claim_part *part,
                        const struct fb_pick *a, const char *column_a, const struct fb_pick *b,
                        const char *column_b)
{
    struct fb_quantity x, y, ratio;
    struct fb_pick native_a = read_natively(a), native_b = read_natively(b);
    fb_quantity_column(&x, measuring->evidence, a, column_a);
    fb_quantity_column(&y, measuring->evidence, b, column_b);
    if (x.missing[0] || y.missing[0]) {
        fb_quantity_column(&x, measuring->evidence, &native_a, column_a);
        fb_quantity_column(&y, measuring->evidence, &native_b, column_b);
    }
    fb_quantity_ratio(&ratio, &x, &y);
    fb_measuring_add(measuring, part, &ratio);
}
