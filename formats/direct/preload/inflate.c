/* libfmtbench-inflate.so: programs that read gzip chunks of HDF5 through zlib get libdeflate's
 * inflate.
 *
 *     LD_PRELOAD=.../libfmtbench-inflate.so python3 train.py
 *
 * HDF5 does not let its own filters be replaced by H5Zregister, but exports what H5Zregister calls.
 * That it is there is noticed when it inflates its first chunk: by then it holds its lock, however
 * and whenever it was loaded. From the next chunk on the filter below is asked, which hands
 * everything that libdeflate does not take whole to HDF5's own filter: damaged chunks, and all
 * writing. So results, errors and files are the same. (But for codes that no compressor makes and
 * that zlib alone refuses: tests/fuzz/direct_decode.c lists them.)
 *
 * Programs without HDF5, or with one that lacks what is looked for or has zlib within, go on as
 * they were. FMTBENCH_INFLATE=zlib leaves everything alone. Of several HDF5 libraries in one
 * process the first that inflates is served. */
#include <dlfcn.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Deflate makes at most so many bytes of one. */
#define RATIO_MAX 1032

/* What is needed of an HDF5 library, and its own filter. Never freed, nor is the library unloaded.
 */
struct library {
    const void *base; /* where it is loaded */
    herr_t (*register_filter)(const H5Z_class2_t *filter);
    void *(*allocate)(size_t size, hbool_t clear);
    herr_t (*release)(void *memory);
    H5Z_func_t own;
    H5Z_class2_t filter;
};

/* One decompressor is kept between chunks, with the size of the last chunk as a first guess.
 * Whoever finds none because another thread has it makes one. */
struct inflater {
    struct libdeflate_decompressor *engine;
    size_t guess;
};

static struct library *_Atomic served;
static struct inflater *_Atomic spare;
/* Where a call comes from that is none of HDF5's: such programs call many times. */
static const void *_Atomic stranger;

static struct inflater *inflater_take(void)
{
    struct inflater *inflater = atomic_exchange(&spare, NULL);
    if (inflater)
        return inflater;
    inflater = calloc(1, sizeof *inflater);
    if (inflater && !(inflater->engine = libdeflate_alloc_decompressor())) {
        free(inflater);
        return NULL;
    }
    return inflater;
}

static void inflater_give(struct inflater *inflater)
{
    inflater = atomic_exchange(&spare, inflater);
    if (inflater) {
        libdeflate_free_decompressor(inflater->engine);
        free(inflater);
    }
}

/* --- the filter ------------------------------------------------------------------------------- */

/* A new buffer of HDF5's with the inflated bytes, or NULL. */
static void *inflate_whole(const struct library *library, struct inflater *inflater,
                           const void *from, size_t bytes, size_t *made, size_t *room)
{
    const size_t most = bytes > SIZE_MAX / RATIO_MAX ? SIZE_MAX : bytes * RATIO_MAX;
    size_t size = inflater->guess > bytes ? inflater->guess : bytes;
    if (size > most)
        size = most;
    for (;;) {
        void *to = library->allocate(size, 0);
        size_t used;
        if (!to)
            return NULL;
        enum libdeflate_result result =
            libdeflate_zlib_decompress_ex(inflater->engine, from, bytes, to, size, &used, made);
        /* A guess far off would stay in HDF5's cache. */
        if (result == LIBDEFLATE_SUCCESS && used == bytes && *made > 0 && *made >= size / 2) {
            *room = size;
            return to;
        }
        library->release(to);
        if (result == LIBDEFLATE_SUCCESS && used == bytes && *made > 0)
            size = *made;
        else if (result == LIBDEFLATE_INSUFFICIENT_SPACE && size < most)
            size = size > most / 2 ? most : size * 2;
        else
            return NULL;
    }
}

static size_t filter_deflate(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                             size_t *room, void **buffer)
{
    struct library *library = atomic_load(&served);
    struct inflater *inflater = NULL;
    if ((flags & H5Z_FLAG_REVERSE) && bytes > 0)
        inflater = inflater_take();
    if (inflater) {
        size_t made;
        void *whole = inflate_whole(library, inflater, *buffer, bytes, &made, room);
        if (whole)
            inflater->guess = made;
        inflater_give(inflater);
        if (whole) {
            library->release(*buffer);
            *buffer = whole;
            return made;
        }
    }
    return library->own(flags, count, values, bytes, room, buffer);
}

/* --- finding HDF5 ----------------------------------------------------------------------------- */

/* An object's own symbol, not one of what it depends on: pointers of data and functions alike are
 * copied to where they are wanted. */
static int find_own(void *object, const void *base, const char *name, void *pointer)
{
    Dl_info info;
    void *found = dlsym(object, name);
    if (!found || !dladdr(found, &info) || info.dli_fbase != base)
        return 0;
    memcpy(pointer, &found, sizeof found);
    return 1;
}

static struct library *library_new(const Dl_info *info)
{
    const H5Z_class2_t *own;
    struct library *library = calloc(1, sizeof *library);
    void *object = dlopen(info->dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (library && object &&
        find_own(object, info->dli_fbase, "H5Z_register", &library->register_filter) &&
        find_own(object, info->dli_fbase, "H5allocate_memory", &library->allocate) &&
        find_own(object, info->dli_fbase, "H5free_memory", &library->release) &&
        find_own(object, info->dli_fbase, "H5Z_DEFLATE", &own) &&
        own->version == H5Z_CLASS_T_VERS && own->id == H5Z_FILTER_DEFLATE && own->filter) {
        library->base = info->dli_fbase;
        library->own = own->filter;
        library->filter = *own;
        library->filter.filter = filter_deflate;
        return library; /* and `object` stays open */
    }
    if (object)
        dlclose(object);
    free(library);
    return NULL;
}

/* The library that a call comes from, where it is the one that is served. Called with its lock
 * held. */
static struct library *library_of(const void *caller)
{
    Dl_info info;
    if (caller == atomic_load(&stranger) || !dladdr(caller, &info))
        return NULL;
    struct library *library = atomic_load(&served);
    if (!library && (library = library_new(&info))) {
        struct library *other = NULL;
        if (!atomic_compare_exchange_strong(&served, &other, library)) {
            free(library);
            library = other;
        }
    }
    if (library && library->base == info.dli_fbase)
        return library;
    atomic_store(&stranger, caller);
    return NULL;
}

/* The next function of this name: what the caller would have been given. */
static void *next_symbol(const char *name, const void *caller)
{
    Dl_info info;
    void *found = dlsym(RTLD_NEXT, name);
    if (found || !dladdr(caller, &info))
        return found;
    void *object = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (object) {
        found = dlsym(object, name);
        dlclose(object);
    }
    return found;
}

/* HDF5's filter begins with this. Again after H5close and H5open, and where a chunk was handed to
 * it: to register once more changes nothing. */
int inflateInit_(z_streamp stream, const char *version, int stream_size)
{
    const void *caller = __builtin_return_address(0);
    void *found = next_symbol("inflateInit_", caller);
    const char *choice = getenv("FMTBENCH_INFLATE");
    int (*next)(z_streamp, const char *, int);
    if (!choice || strcmp(choice, "zlib") != 0) {
        struct library *library = library_of(caller);
        if (library)
            library->register_filter(&library->filter);
    }
    if (!found)
        return Z_STREAM_ERROR;
    memcpy(&next, &found, sizeof next);
    return next(stream, version, stream_size);
}
