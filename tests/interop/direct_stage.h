/* What the tests of the direct reader against H5Dread share: datasets of every make from a seed,
 * and the comparison. H5Dread reads by another file driver, so that it shares no cache. */
#ifndef FB_TESTS_DIRECT_STAGE_H
#define FB_TESTS_DIRECT_STAGE_H

#include "base/random.h"
#include "formats/direct/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define BYTES_MOST 65536

static inline void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(2);
}

static inline uint64_t below(struct fb_random *random, uint64_t n)
{
    return fb_random_below(random, n);
}

static inline bool once_in(struct fb_random *random, uint64_t n)
{
    return below(random, n) == 0;
}

/* --- types ------------------------------------------------------------------------------------ */

static inline hid_t half_float(void)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    must(H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0 &&
             H5Tset_ebias(type, 15) >= 0,
         "half precision");
    return type;
}

static inline hid_t enumeration(hid_t base)
{
    hid_t type = H5Tenum_create(base);
    unsigned char value[8] = { 0 };
    must(H5Tenum_insert(type, "none", value) >= 0, "H5Tenum_insert");
    memset(value, 1, sizeof value);
    must(H5Tenum_insert(type, "some", value) >= 0, "H5Tenum_insert");
    return type;
}

static inline hid_t odd_type(struct fb_random *random)
{
    const hsize_t two = 2;
    hid_t type;
    switch (below(random, 4)) {
    case 0:
        type = H5Tcreate(H5T_COMPOUND, 6);
        must(H5Tinsert(type, "a", 0, H5T_STD_I16LE) >= 0 &&
                 H5Tinsert(type, "b", 2, H5T_IEEE_F32BE) >= 0,
             "H5Tinsert");
        return type;
    case 1:
        return H5Tarray_create2(H5T_STD_I16BE, 1, &two);
    case 2:
        type = H5Tcopy(H5T_STD_I32BE);
        must(H5Tset_precision(type, 17) >= 0 && H5Tset_offset(type, 5) >= 0, "H5Tset_precision");
        return type;
    default:
        type = H5Tcopy(H5T_IEEE_F64BE);
        must(H5Tset_order(type, H5T_ORDER_VAX) >= 0, "H5Tset_order");
        return type;
    }
}

static inline hid_t random_type(struct fb_random *random)
{
    static const hid_t *const integers[] = {
        &H5T_STD_I8LE_g,  &H5T_STD_U8BE_g,  &H5T_STD_I16LE_g, &H5T_STD_U16BE_g,
        &H5T_STD_I32LE_g, &H5T_STD_U32BE_g, &H5T_STD_I64BE_g, &H5T_STD_U64LE_g,
    };
    static const hid_t *const others[] = { &H5T_IEEE_F32LE_g, &H5T_IEEE_F32BE_g, &H5T_IEEE_F64LE_g,
                                           &H5T_IEEE_F64BE_g, &H5T_STD_B8LE_g,   &H5T_STD_B16BE_g,
                                           &H5T_STD_B32LE_g,  &H5T_STD_B64BE_g };
    hid_t integer = *integers[below(random, 8)], type;
    switch (below(random, 12)) {
    case 0:
        type = half_float();
        must(H5Tset_order(type, once_in(random, 2) ? H5T_ORDER_BE : H5T_ORDER_LE) >= 0, "order");
        return type;
    case 1:
        return enumeration(integer);
    case 2:
        return H5Tcreate(H5T_OPAQUE, 1 + (size_t)below(random, 20));
    case 3:
        type = H5Tcopy(H5T_C_S1);
        must(H5Tset_size(type, 1 + (size_t)below(random, 12)) >= 0, "H5Tset_size");
        return type;
    case 4:
        type = H5Tcopy(once_in(random, 2) ? H5T_STD_I64LE : H5T_STD_U64BE);
        must(H5Tset_size(type, 3 + (size_t)below(random, 5)) >= 0, "H5Tset_size");
        return type;
    case 5:
        return once_in(random, 2) ? odd_type(random) : H5Tcopy(integer);
    case 6:
    case 7:
        return H5Tcopy(*others[below(random, 8)]);
    default:
        return H5Tcopy(integer);
    }
}

/* As fb_direct_array_attach delivers elements where it is told no type. */
static inline hid_t delivered(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    hid_t copy = H5Tcopy(type);
    if ((class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_BITFIELD) &&
        H5Tget_order(type) == H5T_ORDER_BE)
        must(H5Tset_order(copy, H5T_ORDER_LE) >= 0, "H5Tset_order");
    return copy;
}

/* --- datasets --------------------------------------------------------------------------------- */

struct stage {
    struct fb_random random;
    char path[64];
    unsigned rank;
    hsize_t dims[8], most[8], chunk[8];
    size_t element;
    bool chunked;
};

static inline void random_shape(struct stage *stage)
{
    struct fb_random *random = &stage->random;
    uint64_t left = BYTES_MOST / stage->element, chunk_left = left;
    bool grows = once_in(random, 2);
    stage->rank = (unsigned)below(random, 6);
    for (unsigned i = 0; i < stage->rank; i++) {
        uint64_t longest = i + 1 == stage->rank ? 200 : 30;
        stage->dims[i] =
            once_in(random, 60) ? 0 : 1 + below(random, longest < left ? longest : left);
        left /= stage->dims[i] ? stage->dims[i] : 1;
        stage->most[i] = grows && once_in(random, 2) ? H5S_UNLIMITED : stage->dims[i];
        uint64_t side = stage->most[i] == H5S_UNLIMITED ? stage->dims[i] * 2 + 3 : stage->dims[i];
        if (side > chunk_left)
            side = chunk_left;
        stage->chunk[i] = side > 0 ? 1 + below(random, side) : 1;
        chunk_left /= stage->chunk[i];
        /* A dataspace that is never to grow takes no chunk for an axis without elements. */
        if (stage->most[i] == 0)
            stage->most[i] = H5S_UNLIMITED;
    }
}

static inline void random_filters(struct fb_random *random, hid_t creation)
{
    unsigned order[3] = { 0, 1, 2 };
    if (!once_in(random, 6)) {
        order[1] = 2;
        order[2] = 1;
        unsigned i = (unsigned)below(random, 3), first = order[0];
        order[0] = order[i];
        order[i] = first;
    }
    if (once_in(random, 3)) {
        order[0] = 0;
        order[1] = 1;
        order[2] = 2;
    }
    unsigned with = once_in(random, 10) ? 0 : 1 + (unsigned)below(random, 7);
    if (!once_in(random, 3))
        with |= 2;
    /* These take elements as they are: behind another filter they would read beyond its bytes. */
    if (once_in(random, 15))
        H5Pset_nbit(creation);
    else if (once_in(random, 15))
        H5Pset_scaleoffset(creation, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT);
    for (unsigned i = 0; i < 3; i++) {
        if (!(with >> order[i] & 1))
            continue;
        if (order[i] == 0)
            H5Pset_shuffle(creation);
        else if (order[i] == 1)
            H5Pset_deflate(creation, (unsigned)below(random, 10));
        else
            H5Pset_fletcher32(creation);
    }
    if (once_in(random, 4))
        H5Pset_chunk_opts(creation, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
}

static inline void fill_bytes(struct fb_random *random, unsigned char *bytes, size_t length)
{
    uint64_t values = once_in(random, 2) ? 256 : 3;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)below(random, values);
}

static inline hid_t random_creation(struct stage *stage, hid_t type)
{
    struct fb_random *random = &stage->random;
    static const H5D_fill_time_t times[] = { H5D_FILL_TIME_IFSET, H5D_FILL_TIME_ALLOC,
                                             H5D_FILL_TIME_NEVER };
    static const H5D_alloc_time_t allocations[] = { H5D_ALLOC_TIME_INCR, H5D_ALLOC_TIME_LATE,
                                                    H5D_ALLOC_TIME_EARLY };
    unsigned char value[32];
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    stage->chunked = stage->rank > 0 && !once_in(random, 12);
    if (stage->chunked) {
        must(H5Pset_chunk(creation, (int)stage->rank, stage->chunk) >= 0, "H5Pset_chunk");
        random_filters(random, creation);
    }
    fill_bytes(random, value, sizeof value);
    if (once_in(random, 2))
        H5Pset_fill_value(creation, type, once_in(random, 6) ? NULL : value);
    if (once_in(random, 2))
        H5Pset_fill_time(creation, times[below(random, 3)]);
    if (once_in(random, 4))
        H5Pset_alloc_time(creation, allocations[below(random, 3)]);
    return creation;
}

/* A window with elements, into start and count; false where there are none. */
static inline bool random_window(struct fb_random *random, unsigned rank, const hsize_t *dims,
                                 hsize_t *start, hsize_t *count)
{
    bool whole = once_in(random, 5);
    for (unsigned i = 0; i < rank; i++) {
        if (dims[i] == 0)
            return false;
        start[i] = whole || once_in(random, 3) ? 0 : below(random, dims[i]);
        count[i] = whole || once_in(random, 3) ? dims[i] - start[i]
                                               : 1 + below(random, dims[i] - start[i]);
    }
    return true;
}

static inline uint64_t product(unsigned rank, const hsize_t *dims)
{
    uint64_t n = 1;
    for (unsigned i = 0; i < rank; i++)
        n *= dims[i];
    return n;
}

static inline void write_window(struct stage *stage, hid_t dataset, hid_t type)
{
    hsize_t start[8], count[8];
    if (random_window(&stage->random, stage->rank, stage->dims, start, count)) {
        size_t length = (size_t)product(stage->rank, count) * stage->element;
        unsigned char *bytes = malloc(length);
        must(bytes, "malloc");
        fill_bytes(&stage->random, bytes, length);
        hid_t space = H5Dget_space(dataset);
        hid_t memory = H5Screate_simple((int)stage->rank, count, NULL);
        if (stage->rank > 0)
            H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, bytes);
        H5Sclose(memory);
        H5Sclose(space);
        free(bytes);
    }
}

/* A chunk past its filters: all of them, or all but gzip. */
static inline void write_raw_chunk(struct stage *stage, hid_t dataset, hid_t creation)
{
    struct fb_random *random = &stage->random;
    hsize_t first[8];
    size_t bytes = (size_t)product(stage->rank, stage->chunk) * stage->element;
    uLongf packed = compressBound(bytes);
    unsigned char *raw = malloc(bytes), *stored = malloc(packed);
    uint32_t mask = UINT32_MAX;
    fill_bytes(random, raw, bytes);
    for (unsigned i = 0; i < stage->rank; i++)
        first[i] = below(random, stage->dims[i]) / stage->chunk[i] * stage->chunk[i];
    for (int i = 0; i < H5Pget_nfilters(creation); i++) {
        unsigned flags, config, values[1];
        size_t count = 1;
        if (H5Pget_filter2(creation, (unsigned)i, &flags, &count, values, 0, NULL, &config) ==
                H5Z_FILTER_DEFLATE &&
            once_in(random, 2))
            mask &= ~(UINT32_C(1) << i);
    }
    compress(stored, &packed, raw, bytes);
    H5Dwrite_chunk(dataset, H5P_DEFAULT, mask, first, mask == UINT32_MAX ? bytes : packed,
                   mask == UINT32_MAX ? raw : stored);
    free(raw);
    free(stored);
}

/* Some of the elements, in windows and raw chunks; the array may grow or shrink in between. One
 * whose chunks at the edge have no filters is written at once: HDF5 1.10.8 confuses the two kinds
 * when it changes them, and writes what lies behind its buffers. */
static inline void write_some(struct stage *stage, hid_t dataset, hid_t type, hid_t creation)
{
    struct fb_random *random = &stage->random;
    unsigned options = 0;
    H5Pget_chunk_opts(creation, &options);
    for (uint64_t n = below(random, 4); n > 0; n--) {
        write_window(stage, dataset, type);
        if (options != 0)
            break;
        for (unsigned i = 0; i < stage->rank && once_in(random, 4); i++)
            if (stage->chunked && stage->most[i] == H5S_UNLIMITED &&
                product(stage->rank, stage->dims) * stage->element < BYTES_MOST)
                stage->dims[i] = 1 + below(random, stage->dims[i] + 3);
        H5Dset_extent(dataset, stage->dims);
        if (stage->chunked && once_in(random, 3) && product(stage->rank, stage->dims) > 0)
            write_raw_chunk(stage, dataset, creation);
    }
}

static inline bool make_file(struct stage *stage)
{
    struct fb_random *random = &stage->random;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), own = H5Pcreate(H5P_FILE_CREATE);
    if (once_in(random, 2))
        H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    if (once_in(random, 6))
        H5Pset_userblock(own, 512);
    hid_t type = random_type(random);
    stage->element = H5Tget_size(type);
    random_shape(stage);
    hid_t file = H5Fcreate(stage->path, H5F_ACC_TRUNC, own, access);
    hid_t creation = random_creation(stage, type);
    hid_t space =
        H5Screate_simple((int)stage->rank, stage->dims, stage->chunked ? stage->most : NULL);
    hid_t dataset = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool made = dataset >= 0;
    if (made)
        write_some(stage, dataset, type, creation);
    if (made)
        H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(creation);
    H5Tclose(type);
    H5Pclose(access);
    H5Pclose(own);
    made &= H5Fclose(file) >= 0;
    return made;
}

/* A file with one dataset "x"; false where HDF5 takes no such dataset. Made by a process of its
 * own: that a chunk was written raw, and then in part, is another case in which HDF5 1.10.8 writes
 * behind its buffers, and what it has overwritten would come to light here, in reading. */
static inline bool make_random_file(struct stage *stage)
{
    struct stage *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = -1;
    must(shared != MAP_FAILED, "mmap");
    *shared = *stage;
    pid_t child = fork();
    if (child == 0)
        _exit(make_file(shared) ? 0 : 1);
    must(child > 0 && waitpid(child, &status, 0) == child, "the child");
    *stage = *shared;
    munmap(shared, sizeof *shared);
    must(!WIFEXITED(status) || WEXITSTATUS(status) < 2, "making a file");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- comparison ------------------------------------------------------------------------------- */

struct sums {
    uint64_t arrays, direct, slabs, failed, decoded, handed_over;
};

static inline void print_sums(const struct sums *sums)
{
    printf("arrays=%llu direct=%llu slabs=%llu failed=%llu decoded=%llu handed_over=%llu\n",
           (unsigned long long)sums->arrays, (unsigned long long)sums->direct,
           (unsigned long long)sums->slabs, (unsigned long long)sums->failed,
           (unsigned long long)sums->decoded, (unsigned long long)sums->handed_over);
}

static inline hid_t open_reference(const char *path)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_stdio(access);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

static inline herr_t read_reference(hid_t dataset, hid_t memory, unsigned rank,
                                    const hsize_t *start, const hsize_t *count, void *buffer)
{
    hid_t space = H5Dget_space(dataset), to = H5Screate_simple((int)rank, count, NULL);
    if (rank > 0)
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    herr_t rc = H5Dread(dataset, memory, to, space, H5P_DEFAULT, buffer);
    H5Sclose(to);
    H5Sclose(space);
    return rc;
}

/* False, with a word, where the two differ. */
static inline bool compare_slab(struct fb_random *random, struct fb_direct_array *array,
                                hid_t dataset, hid_t memory, struct sums *sums)
{
    hsize_t dims[H5S_MAX_RANK], start[H5S_MAX_RANK], count[H5S_MAX_RANK];
    uint64_t from[H5S_MAX_RANK], length[H5S_MAX_RANK];
    char why[FB_DIRECT_WHY] = "";
    hid_t space = H5Dget_space(dataset);
    unsigned rank = (unsigned)H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    if (!random_window(random, rank, dims, start, count))
        return true;
    for (unsigned i = 0; i < rank; i++) {
        from[i] = start[i];
        length[i] = count[i];
    }
    size_t bytes = (size_t)product(rank, count) * H5Tget_size(memory);
    unsigned char *want = malloc(bytes + 1), *got = malloc(bytes + 1);
    must(want && got, "malloc");
    memset(want, 0x5a, bytes + 1);
    memset(got, 0x5a, bytes + 1);
    herr_t expected = read_reference(dataset, memory, rank, start, count, want);
    int rc = fb_direct_read(array, from, length, got, bytes, why);
    bool same = (expected < 0) == (rc < 0) && (rc < 0 || memcmp(want, got, bytes + 1) == 0);
    if (!same)
        fprintf(stderr, "H5Dread %d, direct %d (%s), %zu bytes, fallback %s\n", expected, rc, why,
                bytes, fb_direct_fallback(array) ? fb_direct_fallback(array) : "none");
    sums->slabs++;
    sums->failed += rc < 0;
    free(want);
    free(got);
    return same;
}

/* Whatever pays, from the first byte on. */
static inline void no_limits(struct fb_direct_file *file)
{
    file->limits = (struct fb_direct_limits){ 0 };
}

/* Several slabs of a dataset of an open file; `memory` as for fb_direct_array_attach. */
static inline bool compare_array(struct fb_random *random, struct fb_direct_file *file,
                                 hid_t reference, const char *name, hid_t memory, unsigned slabs,
                                 struct sums *sums)
{
    struct fb_direct_array *array;
    struct fb_direct_counts counts;
    char why[FB_DIRECT_WHY];
    hid_t own = H5Dopen2(fb_direct_file_id(file), name, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(reference, name, H5P_DEFAULT), type = H5Dget_type(dataset);
    hid_t as = memory >= 0 ? H5Tcopy(memory) : delivered(type);
    bool same = true;
    must(fb_direct_array_attach(file, own, memory, &array, why) == 0, why);
    for (unsigned i = 0; same && i < slabs; i++)
        same = compare_slab(random, array, dataset, as, sums);
    fb_direct_array_counts(array, &counts);
    sums->arrays++;
    sums->direct += fb_direct_fallback(array) == NULL;
    sums->decoded += counts.decoded;
    sums->handed_over += fb_direct_fallback(array) == NULL ? counts.handed_over : 0;
    fb_direct_array_close(array);
    H5Tclose(as);
    H5Tclose(type);
    H5Dclose(dataset);
    H5Dclose(own);
    return same;
}

#endif
