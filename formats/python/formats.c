/* The formats that Python reads: pickle, and HDF5 by way of h5py. worker.py does the work. */
#include "formats/format.h"
#include "formats/hdf5/options.h"

#define SCRIPT "formats/python/worker.py"

static const struct fb_adapter writer = { .script = SCRIPT, .modules = "numpy", .creates = true };
static const struct fb_adapter numpy = { .script = SCRIPT, .modules = "numpy" };
static const struct fb_adapter h5py = { .script = SCRIPT, .modules = "numpy, h5py" };

static const struct fb_option pickle_options[] = {
    FB_DTYPE_OPTION,
    { .name = "protocol",
      .type = FB_OPTION_UINT,
      .fallback = "4",
      .min = 2,
      .max = 5,
      .help = "of pickle.dump; 4 is Python's own default" },
    { 0 },
};

static const struct fb_option no_options[] = { { 0 } };

const struct fb_format fb_format_pickle = {
    .name = "pickle",
    .summary = "Python's pickle of lists, tuples and dicts of numpy arrays, as the guide keeps "
               "NoXiRe; it holds no sample names: there samples go by their paths",
    .suffix = ".pkl",
    .writer = "pickle",
    .flags = FB_LOADS_WHOLE | FB_NO_NAMES,
    .options = pickle_options,
    .adapter = &writer,
};

const struct fb_format fb_format_pickle_again = {
    .name = "pickle-again",
    .summary = "the same file, in a process that has kept the memory of a load before: about the "
               "least that a later load costs",
    .suffix = ".pkl",
    .writer = "pickle",
    .flags = FB_REFERENCE | FB_LOADS_WHOLE | FB_NO_NAMES,
    .options = pickle_options,
    .adapter = &numpy,
};

const struct fb_format fb_format_h5py = {
    .name = "h5py",
    .summary = "the files of hdf5-chunked, read by h5py as the guide's code does",
    .suffix = ".h5",
    .writer = "hdf5-chunked",
    .options = fb_hdf5_chunked_options,
    .adapter = &h5py,
};

const struct fb_format fb_format_h5py_contiguous = {
    .name = "h5py-contiguous",
    .summary = "the files of hdf5-contiguous, read by h5py as the guide's code does",
    .suffix = ".h5",
    .writer = "hdf5-contiguous",
    .options = fb_hdf5_contiguous_options,
    .adapter = &h5py,
};

const struct fb_format fb_format_h5py_as_is = {
    .name = "h5py-as-is",
    .summary = "the user's own HDF5 file where it lies, read by h5py",
    .suffix = ".h5",
    .flags = FB_AS_IS,
    .options = no_options,
    .adapter = &h5py,
};
