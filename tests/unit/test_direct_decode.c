/* Chunks decoded and placed past H5Dread: its bytes are the truth, and what is not whole is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "formats/direct/decode.h"
#include "formats/direct/weave.h"

#include <hdf5.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define RANK 6
#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t product(unsigned rank, const uint64_t *sides)
{
    uint64_t result = 1;
    for (unsigned i = 0; i < rank; i++)
        result *= sides[i];
    return result;
}

/* Counts up like an odometer; false when it is round. */
static bool advance(unsigned rank, const uint64_t *sides, uint64_t *at)
{
    for (unsigned i = rank; i-- > 0;) {
        if (++at[i] < sides[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* --- against H5Dread -------------------------------------------------------------------------- */

struct stage {
    struct fb_random random;
    struct fb_direct_pipeline pipeline;
    unsigned rank;
    uint64_t dims[RANK], chunk[RANK];
    size_t element;
    bool swap;
    hid_t file, dataset, memory;
};

static uint64_t below(struct stage *stage, uint64_t bound)
{
    return fb_random_below(&stage->random, bound);
}

static hid_t integer(size_t bytes, H5T_order_t order)
{
    hid_t type = H5Tcopy(H5T_STD_U64LE);
    assert_true(H5Tset_size(type, bytes) >= 0);
    assert_true(H5Tset_order(type, order) >= 0);
    return type;
}

static hid_t filters_of(struct stage *stage)
{
    static const enum fb_direct_filter orders[][3] = {
        { FB_DIRECT_SHUFFLE, FB_DIRECT_DEFLATE, FB_DIRECT_FLETCHER32 },
        { FB_DIRECT_SHUFFLE, FB_DIRECT_FLETCHER32, FB_DIRECT_DEFLATE },
    };
    const enum fb_direct_filter *order = orders[below(stage, 2)];
    uint64_t wanted = below(stage, 8);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    stage->pipeline = (struct fb_direct_pipeline){ .element = stage->element };
    for (unsigned i = 0; i < 3; i++) {
        if (!(wanted >> order[i] & 1))
            continue;
        stage->pipeline.filters[stage->pipeline.count++] = order[i];
        if (order[i] == FB_DIRECT_SHUFFLE)
            H5Pset_shuffle(creation);
        else if (order[i] == FB_DIRECT_DEFLATE)
            H5Pset_deflate(creation, 1 + (unsigned)below(stage, 9));
        else
            H5Pset_fletcher32(creation);
    }
    assert_true(fb_direct_pipeline_fits(&stage->pipeline));
    return creation;
}

static void *make_values(struct stage *stage, uint64_t bytes)
{
    unsigned char *values = malloc((size_t)bytes);
    uint64_t range = 1 + below(stage, below(stage, 2) ? 256 : 3);
    for (uint64_t i = 0; i < bytes; i++)
        values[i] = (unsigned char)below(stage, range);
    return values;
}

static void stage_open(struct stage *stage, uint64_t seed)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    fb_random_seed(&stage->random, seed);
    stage->rank = 1 + (unsigned)below(stage, 5);
    stage->element = 1 + below(stage, 8);
    stage->swap = below(stage, 2) != 0;
    uint64_t longest = stage->rank == 1 ? 600 : stage->rank == 2 ? 70 : stage->rank == 3 ? 18 : 7;
    for (unsigned i = 0; i < stage->rank; i++) {
        stage->dims[i] = 1 + below(stage, longest);
        stage->chunk[i] = 1 + below(stage, stage->dims[i]);
        if (below(stage, 3) == 0)
            stage->chunk[i] = stage->dims[i];
    }
    H5Pset_fapl_core(access, 1 << 16, 0);
    stage->file = H5Fcreate("core.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    hid_t creation = filters_of(stage);
    hid_t type = integer(stage->element, stage->swap ? H5T_ORDER_BE : H5T_ORDER_LE);
    stage->memory = integer(stage->element, H5T_ORDER_LE);
    hid_t space = H5Screate_simple((int)stage->rank, (hsize_t *)stage->dims, NULL);
    assert_true(H5Pset_chunk(creation, (int)stage->rank, (hsize_t *)stage->chunk) >= 0);
    stage->dataset = H5Dcreate2(stage->file, "x", type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    void *values = make_values(stage, product(stage->rank, stage->dims) * stage->element);
    assert_true(H5Dwrite(stage->dataset, stage->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >=
                0);
    assert_true(H5Fflush(stage->file, H5F_SCOPE_GLOBAL) >= 0);
    free(values);
    H5Sclose(space);
    H5Tclose(type);
    H5Pclose(creation);
    H5Pclose(access);
}

static void stage_close(struct stage *stage)
{
    H5Tclose(stage->memory);
    H5Dclose(stage->dataset);
    H5Fclose(stage->file);
}

/* The chunk at `first`, decoded into memory that ends where it must. */
static void *decode_chunk(struct stage *stage, const uint64_t *first, bool *shuffled)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    const size_t bytes = (size_t)product(stage->rank, stage->chunk) * stage->element;
    hsize_t stored_bytes;
    uint32_t mask = 0;
    assert_true(H5Dget_chunk_storage_size(stage->dataset, (const hsize_t *)first, &stored_bytes) >=
                0);
    void *stored = malloc((size_t)stored_bytes), *chunk = malloc(bytes + FB_DIRECT_SLACK);
    assert_true(H5Dread_chunk(stage->dataset, H5P_DEFAULT, (const hsize_t *)first, &mask, stored) >=
                0);
    assert_true(fb_direct_decode(&stage->pipeline, inflater, mask, stored, (size_t)stored_bytes,
                                 chunk, bytes, shuffled));
    free(stored);
    libdeflate_free_decompressor(inflater);
    return chunk;
}

static void compare_slab(struct stage *stage)
{
    uint64_t start[RANK], count[RANK], grid[RANK], at[RANK] = { 0 };
    for (unsigned i = 0; i < stage->rank; i++) {
        count[i] = 1 + below(stage, stage->dims[i]);
        if (below(stage, 3) == 0)
            count[i] = stage->dims[i];
        start[i] = below(stage, stage->dims[i] - count[i] + 1);
        grid[i] = (start[i] + count[i] - 1) / stage->chunk[i] - start[i] / stage->chunk[i] + 1;
    }
    size_t bytes = (size_t)product(stage->rank, count) * stage->element;
    unsigned char *want = malloc(bytes), *got = malloc(bytes);
    hid_t from = H5Dget_space(stage->dataset);
    hid_t to = H5Screate_simple((int)stage->rank, (hsize_t *)count, NULL);
    H5Sselect_hyperslab(from, H5S_SELECT_SET, (hsize_t *)start, NULL, (hsize_t *)count, NULL);
    assert_true(H5Dread(stage->dataset, stage->memory, to, from, H5P_DEFAULT, want) >= 0);
    /* A place that nobody fills differs. */
    for (size_t i = 0; i < bytes; i++)
        got[i] = (unsigned char)~want[i];
    do {
        uint64_t first[RANK];
        bool shuffled;
        for (unsigned i = 0; i < stage->rank; i++)
            first[i] = (start[i] / stage->chunk[i] + at[i]) * stage->chunk[i];
        struct fb_direct_box box = { stage->rank, stage->element, stage->swap, stage->chunk,
                                     first,       start,          count };
        void *chunk = decode_chunk(stage, first, &shuffled);
        fb_direct_place(&box, chunk, shuffled, got);
        free(chunk);
    } while (advance(stage->rank, grid, at));
    assert_memory_equal(got, want, bytes);
    H5Sclose(to);
    H5Sclose(from);
    free(want);
    free(got);
}

static void test_against_hdf5(void **state)
{
    (void)state;
    struct stage stage = { 0 };
    for (uint64_t seed = 1; seed <= 400; seed++) {
        stage_open(&stage, seed);
        for (int i = 0; i < 4; i++)
            compare_slab(&stage);
        stage_close(&stage);
    }
}

/* Any mix of filters can have been skipped. */
static void test_masks(void **state)
{
    (void)state;
    const struct fb_direct_pipeline pipelines[] = {
        { 3, { FB_DIRECT_SHUFFLE, FB_DIRECT_DEFLATE, FB_DIRECT_FLETCHER32 }, 4 },
        { 3, { FB_DIRECT_SHUFFLE, FB_DIRECT_FLETCHER32, FB_DIRECT_DEFLATE }, 4 },
    };
    static const hsize_t zero[] = { 0, 0 }, lengths[] = { 16, 20 };
    static const uint64_t start[] = { 0, 0 }, sides[] = { 16, 20 };
    const size_t bytes = 16 * 20 * 4;
    for (uint32_t mask = 0; mask < 16; mask++) {
        struct stage stage = { .rank = 2, .element = 4, .dims = { 16, 20 }, .chunk = { 16, 20 } };
        stage.pipeline = pipelines[mask / 8];
        hid_t access = H5Pcreate(H5P_FILE_ACCESS), space = H5Screate_simple(2, lengths, NULL);
        H5Pset_fapl_core(access, 1 << 16, 0);
        stage.file = H5Fcreate("core.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
        /* Written through the filters that are not skipped, and then said to be the whole
         * pipeline's. */
        hid_t some = H5Pcreate(H5P_DATASET_CREATE), all = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(some, 2, lengths);
        H5Pset_chunk(all, 2, lengths);
        for (unsigned i = 0; i < 3; i++)
            for (int skip = 0; skip < 2; skip++) {
                hid_t list = skip ? all : some;
                if (!skip && (mask >> i & 1))
                    continue;
                if (stage.pipeline.filters[i] == FB_DIRECT_SHUFFLE)
                    H5Pset_shuffle(list);
                else if (stage.pipeline.filters[i] == FB_DIRECT_DEFLATE)
                    H5Pset_deflate(list, 4);
                else
                    H5Pset_fletcher32(list);
            }
        uint32_t values[16 * 20], got[16 * 20], none = 0;
        unsigned char stored[2 * sizeof values];
        hsize_t stored_bytes;
        for (unsigned i = 0; i < COUNT(values); i++)
            values[i] = i * i;
        hid_t one =
            H5Dcreate2(stage.file, "a", H5T_STD_U32LE, space, H5P_DEFAULT, some, H5P_DEFAULT);
        stage.dataset =
            H5Dcreate2(stage.file, "b", H5T_STD_U32LE, space, H5P_DEFAULT, all, H5P_DEFAULT);
        H5Dwrite(one, H5T_STD_U32LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Fflush(stage.file, H5F_SCOPE_GLOBAL);
        assert_true(H5Dget_chunk_storage_size(one, zero, &stored_bytes) >= 0);
        assert_true(H5Dread_chunk(one, H5P_DEFAULT, zero, &none, stored) >= 0);
        assert_int_equal(none, 0);
        assert_true(H5Dwrite_chunk(stage.dataset, H5P_DEFAULT, mask & 7, zero, (size_t)stored_bytes,
                                   stored) >= 0);
        /* An open dataset remembers another mask. */
        H5Dclose(stage.dataset);
        stage.dataset = H5Dopen2(stage.file, "b", H5P_DEFAULT);
        assert_true(H5Dread(stage.dataset, H5T_STD_U32LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
        assert_memory_equal(got, values, bytes);
        bool shuffled;
        void *chunk = decode_chunk(&stage, start, &shuffled);
        struct fb_direct_box box = { 2, 4, false, sides, start, start, sides };
        assert_int_equal(shuffled, !(mask & 1));
        memset(got, 0xff, bytes);
        fb_direct_place(&box, chunk, shuffled, got);
        assert_memory_equal(got, values, bytes);
        free(chunk);
        H5Dclose(one);
        H5Dclose(stage.dataset);
        H5Pclose(some);
        H5Pclose(all);
        H5Sclose(space);
        H5Pclose(access);
        H5Fclose(stage.file);
    }
}

/* --- checksums -------------------------------------------------------------------------------- */

/* What H5Dread says of a chunk of bytes with a checksum behind it, for lengths and bytes of many
 * kinds: accepted alike, whichever way the halves are turned. */
static void test_checksum(void **state)
{
    (void)state;
    static const size_t lengths[] = { 1, 2, 3, 4, 7, 100, 721, 4096, 200001, 400000 };
    const struct fb_direct_pipeline pipeline = { 1, { FB_DIRECT_FLETCHER32 }, 1 };
    const hsize_t zero = 0;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 16, 0);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    for (size_t i = 0; i < COUNT(lengths) * 3; i++) {
        size_t length = lengths[i / 3];
        hsize_t side = length, stored_bytes;
        uint32_t mask;
        bool shuffled;
        unsigned char *values = malloc(length), *stored = malloc(length + 4);
        unsigned char *chunk = malloc(length + FB_DIRECT_SLACK);
        for (size_t k = 0; k < length; k++)
            values[k] = i % 3 == 0 ? 0 : i % 3 == 1 ? 0xff : (unsigned char)(k * k >> 5);
        hid_t file = H5Fcreate("core.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
        hid_t space = H5Screate_simple(1, &side, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(creation, 1, &side);
        H5Pset_fletcher32(creation);
        hid_t dataset =
            H5Dcreate2(file, "x", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
        H5Dwrite(dataset, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Fflush(file, H5F_SCOPE_GLOBAL);
        assert_true(H5Dget_chunk_storage_size(dataset, &zero, &stored_bytes) >= 0);
        assert_int_equal(stored_bytes, length + 4);
        H5Dread_chunk(dataset, H5P_DEFAULT, &zero, &mask, stored);
        for (int way = 0; way < 6; way++) {
            unsigned char *sum = stored + length, old[4];
            memcpy(old, sum, 4);
            if (way == 1)
                memcpy(sum, (unsigned char[]){ old[1], old[0], old[3], old[2] }, 4);
            else if (way == 2)
                memcpy(sum, (unsigned char[]){ old[3], old[2], old[1], old[0] }, 4);
            else if (way > 2)
                sum[way - 3] ^= 0x10;
            H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &zero, length + 4, stored);
            H5Fflush(file, H5F_SCOPE_GLOBAL);
            H5Dclose(dataset);
            dataset = H5Dopen2(file, "x", H5P_DEFAULT);
            bool theirs =
                H5Dread(dataset, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
            bool ours =
                fb_direct_decode(&pipeline, NULL, 0, stored, length + 4, chunk, length, &shuffled);
            assert_int_equal(ours, theirs);
            assert_true(way > 1 || ours);
            if (ours)
                assert_memory_equal(chunk, values, length);
            memcpy(sum, old, 4);
        }
        /* One wrong byte, the last of all. */
        stored[length - 1] ^= 1;
        assert_false(
            fb_direct_decode(&pipeline, NULL, 0, stored, length + 4, chunk, length, &shuffled));
        H5Dclose(dataset);
        H5Pclose(creation);
        H5Sclose(space);
        H5Fclose(file);
        free(values);
        free(stored);
        free(chunk);
    }
    H5Pclose(access);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_pipelines(void **state)
{
    (void)state;
    const enum fb_direct_filter d = FB_DIRECT_DEFLATE, s = FB_DIRECT_SHUFFLE,
                                f = FB_DIRECT_FLETCHER32;
    const struct {
        bool fits;
        struct fb_direct_pipeline pipeline;
    } cases[] = {
        { true, { 0, { d }, 0 } },        { true, { 1, { d }, 0 } },
        { true, { 1, { s }, 4 } },        { true, { 1, { f }, 0 } },
        { true, { 2, { s, d }, 4 } },     { true, { 2, { f, d }, 4 } },
        { true, { 2, { d, f }, 4 } },     { true, { 2, { s, f }, 4 } },
        { true, { 3, { s, d, f }, 4 } },  { true, { 3, { s, f, d }, 4 } },
        { false, { 1, { s }, 0 } },       { false, { 2, { d, s }, 4 } },
        { false, { 2, { f, s }, 4 } },    { false, { 2, { d, d }, 4 } },
        { false, { 2, { s, s }, 4 } },    { false, { 3, { f, d, f }, 4 } },
        { false, { 3, { d, f, s }, 4 } }, { false, { 3, { s, d, s }, 4 } },
        { false, { 4, { s, d, f }, 4 } },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(fb_direct_pipeline_fits(&cases[i].pipeline), cases[i].fits);
}

static size_t deflated(const void *from, size_t bytes, unsigned char *to, size_t room, bool preset)
{
    z_stream stream = { .next_in = (unsigned char *)from,
                        .avail_in = (uInt)bytes,
                        .next_out = to,
                        .avail_out = (uInt)room };
    assert_int_equal(deflateInit(&stream, 6), Z_OK);
    if (preset)
        assert_int_equal(deflateSetDictionary(&stream, from, 64), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t made = stream.total_out;
    deflateEnd(&stream);
    return made;
}

#define BYTES 1000

struct stream {
    unsigned char plain[BYTES + 8], stored[2 * BYTES];
    size_t stored_bytes;
};

static void stream_make(struct stream *stream, size_t bytes, bool preset)
{
    for (size_t i = 0; i < sizeof stream->plain; i++)
        stream->plain[i] = (unsigned char)(i * i >> 7);
    stream->stored_bytes =
        deflated(stream->plain, bytes, stream->stored, sizeof stream->stored, preset);
}

/* The bytes of a copy without room to spare, so that sanitizers see the ends. */
static bool decodes_with(const struct fb_direct_pipeline *pipeline, uint32_t mask,
                         const struct stream *stream, size_t stored_bytes, size_t bytes)
{
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    unsigned char *stored = malloc(stored_bytes + 1), *chunk = malloc(bytes + FB_DIRECT_SLACK);
    bool shuffled;
    memcpy(stored + 1, stream->stored, stored_bytes);
    bool good = fb_direct_decode(pipeline, inflater, mask, stored + 1, stored_bytes, chunk, bytes,
                                 &shuffled);
    if (good && !shuffled)
        assert_memory_equal(chunk, stream->plain, bytes);
    free(stored);
    free(chunk);
    libdeflate_free_decompressor(inflater);
    return good;
}

static bool decodes(const struct stream *stream, size_t bytes)
{
    const struct fb_direct_pipeline pipeline = { 1, { FB_DIRECT_DEFLATE }, 0 };
    return decodes_with(&pipeline, 0, stream, stream->stored_bytes, bytes);
}

static bool zlib_decodes(const struct stream *stream, size_t bytes)
{
    unsigned char chunk[BYTES];
    uLongf made = sizeof chunk;
    return uncompress(chunk, &made, stream->stored, (uLong)stream->stored_bytes) == Z_OK &&
           made == bytes && memcmp(chunk, stream->plain, bytes) == 0;
}

static void test_damage(void **state)
{
    (void)state;
    struct stream stream;
    stream_make(&stream, BYTES, false);
    assert_true(decodes(&stream, BYTES));
    /* Too long and too short for the chunk. */
    assert_false(decodes(&stream, BYTES - 1));
    assert_false(decodes(&stream, BYTES + 1));
    assert_false(decodes(&stream, BYTES + FB_DIRECT_SLACK));
    assert_false(decodes(&stream, 0));
    /* Cut anywhere. */
    const struct fb_direct_pipeline pipeline = { 1, { FB_DIRECT_DEFLATE }, 0 };
    for (size_t cut = 0; cut < stream.stored_bytes; cut++)
        assert_false(decodes_with(&pipeline, 0, &stream, cut, BYTES));
    /* Something behind it, nothing else wrong. */
    stream.stored[stream.stored_bytes++] = 0;
    assert_false(decodes(&stream, BYTES));
    stream.stored_bytes--;
    /* One bit anywhere: some before the adler are of no meaning. */
    for (size_t bit = 0; bit < stream.stored_bytes * 8; bit++) {
        stream.stored[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_equal(decodes(&stream, BYTES), zlib_decodes(&stream, BYTES));
        stream.stored[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    stream_make(&stream, BYTES, true);
    assert_true(stream.stored[1] & 0x20);
    assert_false(decodes(&stream, BYTES));
}

/* Where deflate was skipped, the bytes are there as they are, with just the right length. */
static void test_skipped(void **state)
{
    (void)state;
    struct stream stream;
    stream_make(&stream, BYTES, false);
    memcpy(stream.stored, stream.plain, BYTES);
    const struct fb_direct_pipeline pipeline = { 2,
                                                 { FB_DIRECT_DEFLATE, FB_DIRECT_FLETCHER32 },
                                                 0 };
    assert_true(decodes_with(&pipeline, 3, &stream, BYTES, BYTES));
    assert_false(decodes_with(&pipeline, 3, &stream, BYTES - 1, BYTES));
    assert_false(decodes_with(&pipeline, 3, &stream, BYTES + 1, BYTES));
    assert_false(decodes_with(&pipeline, 1, &stream, BYTES, BYTES));
    for (size_t bytes = 0; bytes < 4; bytes++)
        assert_false(decodes_with(&pipeline, 1, &stream, bytes, 0));
    /* Elements that the chunk has no whole number of. */
    const struct fb_direct_pipeline shuffled = { 1, { FB_DIRECT_SHUFFLE }, 3 };
    assert_true(decodes_with(&shuffled, 0, &stream, 999, 999));
    assert_false(decodes_with(&shuffled, 0, &stream, BYTES, BYTES));
}

/* A checksum below the gzip belongs to what the stream gives. */
static void test_inner_checksum(void **state)
{
    (void)state;
    const struct fb_direct_pipeline pipeline = { 2,
                                                 { FB_DIRECT_FLETCHER32, FB_DIRECT_DEFLATE },
                                                 0 };
    struct stream stream;
    stream_make(&stream, BYTES, false);
    /* Of eight bytes 0, 1, ..., 7: the sums of 0x0001, 0x0203, 0x0405, 0x0607. */
    const unsigned char plain[] = { 0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x0c, 0x1e, 0x14 };
    memcpy(stream.plain, plain, 8);
    stream.stored_bytes = deflated(plain, 12, stream.stored, sizeof stream.stored, false);
    assert_true(decodes_with(&pipeline, 0, &stream, stream.stored_bytes, 8));
    assert_false(decodes_with(&pipeline, 0, &stream, stream.stored_bytes, 12));
    assert_false(decodes_with(&pipeline, 1, &stream, stream.stored_bytes, 8));
    stream.stored_bytes = deflated(plain, 8, stream.stored, sizeof stream.stored, false);
    assert_false(decodes_with(&pipeline, 0, &stream, stream.stored_bytes, 8));
    assert_true(decodes_with(&pipeline, 1, &stream, stream.stored_bytes, 8));
}

/* --- places ----------------------------------------------------------------------------------- */

/* By the definition alone: element by element, byte by byte. */
static void place_simply(const struct fb_direct_box *box, const unsigned char *chunk, bool shuffled,
                         const unsigned char *fill, unsigned char *slab)
{
    uint64_t at[32] = { 0 }, elements = product(box->rank, box->chunk), number = 0;
    do {
        uint64_t place = 0;
        bool within = true;
        for (unsigned i = 0; i < box->rank; i++) {
            uint64_t position = box->first[i] + at[i];
            within &= position >= box->start[i] && position < box->start[i] + box->count[i];
            place = place * box->count[i] + (position - box->start[i]);
        }
        for (size_t b = 0; within && b < box->element; b++) {
            size_t to = box->swap && !fill ? box->element - 1 - b : b;
            slab[place * box->element + to] = fill       ? fill[b]
                                              : shuffled ? chunk[b * elements + number]
                                                         : chunk[number * box->element + b];
        }
        number++;
    } while (advance(box->rank, box->chunk, at));
}

/* Chunks over the slab's edges on any side, of any size of element. */
static void test_places(void **state)
{
    (void)state;
    static const uint64_t longest_of[RANK + 1] = { 1, 600, 40, 12, 6, 4, 3 };
    static const size_t sizes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 4, 8, 2, 12, 4096, 4100 };
    struct fb_random random;
    fb_random_seed(&random, 5);
    for (int round = 0; round < 4000; round++) {
        uint64_t chunk[RANK], first[RANK], start[RANK], count[RANK];
        unsigned rank = (unsigned)fb_random_below(&random, RANK + 1);
        uint64_t longest = longest_of[rank];
        for (unsigned i = 0; i < rank; i++) {
            chunk[i] = 1 + fb_random_below(&random, longest);
            first[i] = 20000 + fb_random_below(&random, longest);
            /* Any slab that shares at least an element with the chunk. */
            uint64_t common = first[i] + fb_random_below(&random, chunk[i]);
            start[i] = common - fb_random_below(&random, longest);
            count[i] = common - start[i] + 1 + fb_random_below(&random, longest);
            if (fb_random_below(&random, 2)) {
                start[i] = first[i];
                count[i] = chunk[i];
            }
        }
        size_t element = sizes[fb_random_below(&random, COUNT(sizes))];
        uint64_t elements = product(rank, chunk);
        if (product(rank, count) > 1000 && element > 8)
            element = 8;
        bool swap = element <= 8 && fb_random_below(&random, 2), shuffled = round % 2;
        struct fb_direct_box box = { rank, element, swap, chunk, first, start, count };
        size_t chunk_bytes = (size_t)elements * element;
        size_t bytes = (size_t)product(rank, count) * element;
        unsigned char *from = malloc(chunk_bytes), *want = malloc(bytes), *got = malloc(bytes);
        for (size_t i = 0; i < chunk_bytes; i++)
            from[i] = (unsigned char)fb_random_next(&random);
        for (int filled = 0; filled < 2; filled++) {
            memset(want, 0x55, bytes);
            memset(got, 0x55, bytes);
            place_simply(&box, from, shuffled, filled ? from : NULL, want);
            if (filled)
                fb_direct_place_fill(&box, from, got);
            else
                fb_direct_place(&box, from, shuffled, got);
            assert_memory_equal(got, want, bytes);
        }
        free(from);
        free(want);
        free(got);
    }
}

/* As many axes as HDF5 has, and positions near the end of what a number holds. */
static void test_extremes(void **state)
{
    (void)state;
    uint64_t chunk[32], first[32], start[32], count[32];
    for (unsigned i = 0; i < 32; i++) {
        chunk[i] = count[i] = 1 + (i % 4 == 0);
        first[i] = start[i] = UINT64_MAX - 4;
    }
    start[8]++;
    count[20] = 1;
    struct fb_direct_box box = { 32, 2, true, chunk, first, start, count };
    unsigned char from[2 * 256], want[2 * 128], got[2 * 128];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (unsigned char)(i * 37 >> 2);
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        memset(want, 0x55, sizeof want);
        memset(got, 0x55, sizeof got);
        place_simply(&box, from, shuffled, NULL, want);
        fb_direct_place(&box, from, shuffled, got);
        assert_memory_equal(got, want, sizeof want);
    }
}

/* Side by side, on either side: nothing is written. */
static void test_apart(void **state)
{
    (void)state;
    const uint64_t chunk[] = { 2, 2 }, first[] = { 4, 4 }, count[] = { 2, 2 };
    const uint64_t starts[][2] = { { 4, 6 }, { 4, 2 }, { 6, 4 }, { 2, 4 }, { 0, 0 }, { 9, 9 } };
    const unsigned char from[16] = { 1, 2, 3 };
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct fb_direct_box box = { 2, 4, false, chunk, first, starts[i], count };
        unsigned char slab[16] = { 0 };
        const unsigned char none[16] = { 0 };
        fb_direct_place(&box, from, false, slab);
        fb_direct_place(&box, from, true, slab);
        fb_direct_place_fill(&box, from, slab);
        assert_memory_equal(slab, none, sizeof slab);
    }
}

static void test_weave(void **state)
{
    (void)state;
    unsigned char planes[9 * 70], plain[9 * 70 + 1], woven[9 * 70 + 1];
    for (size_t i = 0; i < sizeof planes; i++)
        planes[i] = (unsigned char)(i * 91 ^ i >> 3);
    for (size_t element = 1; element <= 9; element++)
        for (size_t count = 0; count <= 70; count++)
            for (int turned = 0; turned < 2; turned++) {
                const unsigned char *first = planes + (turned ? (element - 1) * count : 0);
                ptrdiff_t step = turned ? -(ptrdiff_t)count : (ptrdiff_t)count;
                memset(plain, 0x55, sizeof plain);
                memset(woven, 0x55, sizeof woven);
                fb_direct_weave_plain(first, step, element, count, plain);
                fb_direct_weave(first, step, element, count, woven);
                assert_memory_equal(plain, woven, sizeof plain);
                for (size_t i = 0; i < element * count; i++) {
                    size_t b = turned ? element - 1 - i % element : i % element;
                    assert_int_equal(plain[i], planes[b * count + i / element]);
                }
                assert_int_equal(plain[element * count], 0x55);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_hdf5),   cmocka_unit_test(test_masks),
        cmocka_unit_test(test_checksum),       cmocka_unit_test(test_pipelines),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_inner_checksum), cmocka_unit_test(test_places),
        cmocka_unit_test(test_extremes),       cmocka_unit_test(test_apart),
        cmocka_unit_test(test_weave),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
