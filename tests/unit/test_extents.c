/* Pieces of a file: read by pread and undone with zlib they must give what the format delivers. */
#include "geometry.h"

#include <fcntl.h>
#include <zlib.h>

extern const struct fb_format fb_format_raw, fb_format_raw_mmap, fb_format_msgpack;

#define PIECES_MAX 16

struct pieces {
    struct fb_extent items[PIECES_MAX];
    size_t count;
    int refuse; /* what the visitor returns */
};

static int take_piece(void *context, const struct fb_extent *extent, struct fb_error *err)
{
    struct pieces *pieces = context;
    (void)err;
    assert_true(pieces->count < PIECES_MAX);
    pieces->items[pieces->count++] = *extent;
    return pieces->refuse;
}

static void find_pieces(const struct fb_format *format, struct fb_array *array,
                        const uint64_t *start, const uint64_t *count, struct pieces *pieces)
{
    struct fb_error err = { 0 };
    *pieces = (struct pieces){ 0 };
    if (format->extents(array, start, count, take_piece, pieces, &err) != 0)
        fail_msg("%s", err.message);
}

static void unshuffle(unsigned char *bytes, size_t length, size_t element)
{
    unsigned char *copy = malloc(length);
    memcpy(copy, bytes, length);
    for (size_t i = 0; i < length; i++)
        bytes[i % (length / element) * element + i / (length / element)] = copy[i];
    free(copy);
}

static void read_exactly(const char *path, uint64_t offset, void *dst, size_t bytes)
{
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, dst, bytes, (off_t)offset), bytes);
    close(fd);
}

/* The decoded bytes of a piece, in fresh memory. */
static float *decode(const char *path, const struct fb_extent *piece, bool shuffled)
{
    unsigned char *stored = malloc((size_t)piece->stored_bytes), *bytes = stored;
    read_exactly(path, piece->offset, stored, (size_t)piece->stored_bytes);
    if (piece->deflated) {
        uLongf length = (uLongf)piece->bytes;
        bytes = malloc((size_t)piece->bytes);
        assert_int_equal(uncompress(bytes, &length, stored, (uLong)piece->stored_bytes), Z_OK);
        assert_int_equal(length, piece->bytes);
        free(stored);
    } else {
        assert_int_equal(piece->bytes, piece->stored_bytes);
    }
    if (shuffled)
        unshuffle(bytes, (size_t)piece->bytes, sizeof(float));
    return (float *)bytes;
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* Of the chunks that a window touches, in C order: which one holds an element, and where in it. */
static void place_in_chunk(const struct geometry *geometry, const struct window *window,
                           const uint64_t *at, uint64_t *number, uint64_t *index)
{
    *number = *index = 0;
    for (unsigned i = 0; i < geometry->rank; i++) {
        uint64_t side = geometry->chunk[i], first = window->start[i] / side;
        uint64_t last = (window->start[i] + window->count[i] - 1) / side;
        *number = *number * (last - first + 1) + at[i] / side - first;
        *index = *index * side + at[i] % side;
    }
}

static void check_chunks(const char *path, const struct geometry *geometry,
                         const struct window *window, const struct pieces *pieces)
{
    uint64_t chunk_bytes = 4 * product(geometry->rank, geometry->chunk), at[RANK_MAX];
    float *decoded[PIECES_MAX];
    for (size_t i = 0; i < pieces->count; i++) {
        assert_int_equal(pieces->items[i].deflated, geometry->level != PLAIN);
        assert_int_equal(pieces->items[i].bytes, chunk_bytes);
        decoded[i] = decode(path, &pieces->items[i], geometry->shuffle);
    }
    for (uint64_t i = 0; i < product(geometry->rank, window->count); i++) {
        uint64_t number, index;
        position(geometry, window, i, at);
        place_in_chunk(geometry, window, at, &number, &index);
        if (geometry->gaps && at[0] / geometry->chunk[0] != 1)
            continue;
        number -= geometry->gaps; /* chunk 0 is touched, and missing */
        assert_true(number < pieces->count);
        assert_true(decoded[number][index] == value_at(geometry, at));
    }
    for (size_t i = 0; i < pieces->count; i++)
        free(decoded[i]);
}

/* An array in one piece begins with the window's first element. */
static void check_run(const char *path, const struct geometry *geometry,
                      const struct window *window, const struct pieces *pieces)
{
    uint64_t at[RANK_MAX];
    position(geometry, window, 0, at);
    float first = value_at(geometry, at);
    assert_int_equal(pieces->count, 1);
    assert_false(pieces->items[0].deflated);
    float *run = decode(path, &pieces->items[0], false);
    for (uint64_t i = 0; i < product(geometry->rank, window->count); i++) {
        position(geometry, window, i, at);
        uint64_t index = (uint64_t)(value_at(geometry, at) - first);
        assert_true(index < pieces->items[0].bytes / 4);
        assert_true(run[index] == value_at(geometry, at));
    }
    free(run);
}

static void check_geometry(const char *path, const struct geometry *geometry)
{
    struct fb_reader *reader = open_file(path);
    struct fb_array *array = open_array(reader, "x");
    uint64_t visited = 0;
    for (size_t i = 0; i < geometry->requests; i++) {
        const struct window *window = &geometry->windows[i];
        struct pieces pieces;
        find_pieces(&fb_format_as_is, array, window->start, window->count, &pieces);
        visited += pieces.count;
        if (geometry->chunk[0])
            check_chunks(path, geometry, window, &pieces);
        else if (!geometry->compact)
            check_run(path, geometry, window, &pieces);
    }
    if (geometry->chunk[0])
        assert_int_equal(visited, geometry->gaps ? 1 : geometry->touched);
    else
        assert_int_equal(visited, !geometry->compact);
    fb_format_as_is.array_close(array);
    fb_format_as_is.close(reader);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static void test_geometries(void **state)
{
    char *path = in_folder(state, "a.h5");
    for (size_t i = 0; i < geometry_count; i++) {
        for (int variant = 0; variant < VARIANTS; variant++) {
            print_message("# %s, variant %d\n", geometries[i].name, variant);
            geometry_write(&geometries[i], variant, path);
            check_geometry(path, &geometries[i]);
        }
    }
}

/* From (10,1) to (11,2) of 25 x 4: elements 41 to 46. */
static void test_smallest_run(void **state)
{
    char *path = in_folder(state, "a.h5");
    const struct geometry *geometry = geometry_named("contiguous window");
    struct pieces whole, window;
    geometry_write(geometry, 0, path);
    struct fb_reader *reader = open_file(path);
    struct fb_array *array = open_array(reader, "x");
    find_pieces(&fb_format_as_is, array, DIMS(0, 0), DIMS(25, 4), &whole);
    find_pieces(&fb_format_as_is, array, DIMS(10, 1), DIMS(2, 2), &window);
    assert_int_equal(whole.items[0].bytes, 400);
    assert_int_equal(window.items[0].offset - whole.items[0].offset, 164);
    assert_int_equal(window.items[0].bytes, 24);
    fb_format_as_is.array_close(array);
    fb_format_as_is.close(reader);
}

/* A traced reader's counts know nothing of it. */
static void test_not_traced(void **state)
{
    char *path = in_folder(state, "a.h5");
    const struct geometry *geometry = geometry_named("shuffle and gzip");
    struct fb_trace trace = { 0 };
    struct fb_reader *reader = NULL;
    struct fb_error err = { 0 };
    struct pieces pieces;
    geometry_write(geometry, 0, path);
    assert_int_equal(fb_format_as_is.open_traced(path, NULL, &trace, &reader, &err), 0);
    struct fb_array *array = open_array(reader, "x");
    struct fb_trace before = trace;
    find_pieces(&fb_format_as_is, array, DIMS(15), DIMS(10), &pieces);
    assert_int_equal(pieces.count, 2);
    assert_memory_equal(&trace.counts, &before.counts, sizeof trace.counts);
    assert_memory_equal(trace.calls, before.calls, sizeof trace.calls);
    fb_format_as_is.array_close(array);
    fb_format_as_is.close(reader);
}

/* --- what is not to be had -------------------------------------------------------------------- */

/* 20 float32 in chunks of 8, with a creation list that the caller fills. */
static void write_filtered(const char *path, hid_t creation)
{
    const hsize_t dims = 20, chunk = 8;
    float values[20] = { 0 };
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &dims, NULL);
    if (H5Pget_layout(creation) != H5D_CHUNKED)
        assert_true(H5Pset_chunk(creation, 1, &chunk) >= 0);
    hid_t dataset =
        H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    for (int i = 0; i < 20; i++)
        values[i] = (float)i;
    assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(creation);
    assert_true(H5Fclose(file) >= 0);
}

static int try_pieces(const char *path, uint64_t start, uint64_t count, struct pieces *pieces,
                      struct fb_error *err)
{
    struct fb_reader *reader = open_file(path);
    struct fb_array *array = open_array(reader, "x");
    int rc = fb_format_as_is.extents(array, &start, &count, take_piece, pieces, err);
    fb_format_as_is.array_close(array);
    fb_format_as_is.close(reader);
    return rc;
}

static void test_other_filters(void **state)
{
    char *path = in_folder(state, "a.h5");
    struct fb_error err = { 0 };
    struct pieces pieces = { 0 };
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_deflate(creation, 4);
    H5Pset_fletcher32(creation);
    write_filtered(path, creation);
    assert_int_equal(try_pieces(path, 0, 20, &pieces, &err), FB_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "fletcher32"));
    creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_deflate(creation, 4);
    H5Pset_shuffle(creation);
    write_filtered(path, creation);
    assert_int_equal(try_pieces(path, 0, 20, &pieces, &err), FB_EUNSUPPORTED);
    assert_int_equal(pieces.count, 0);
}

/* Space that was never written has no place. */
static void test_nothing_written(void **state)
{
    char *path = in_folder(state, "a.h5");
    static const char *const names[] = { "over two chunks", "uncompressed chunks missing",
                                         "contiguous, whole" };
    for (size_t i = 0; i < 3; i++) {
        for (int variant = 0; variant < VARIANTS; variant++) {
            const struct geometry *geometry = geometry_named(names[i]);
            struct fb_error err = { 0 };
            struct pieces pieces = { 0 };
            hsize_t dims = geometry->dims[0];
            hid_t file = geometry_create(variant, path), creation = geometry_properties(geometry);
            hid_t space = H5Screate_simple(1, &dims, NULL);
            H5Dclose(
                H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
            H5Sclose(space);
            H5Pclose(creation);
            assert_true(H5Fclose(file) >= 0);
            if (try_pieces(path, 0, dims, &pieces, &err) != 0)
                fail_msg("%s", err.message);
            assert_int_equal(pieces.count, 0);
        }
    }
}

/* A chunk that lies beyond the file's end is refused before anything is read: that is no missing
 * chunk. */
static void test_lost_chunk(void **state)
{
    char *path = in_folder(state, "a.h5"), bytes[8192];
    const uint64_t beyond = UINT64_C(1) << 40;
    struct fb_error err = { 0 };
    struct pieces pieces = { 0 };
    write_filtered(path, H5Pcreate(H5P_DATASET_CREATE));
    FILE *file = fopen(path, "r+b");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    /* A B-tree's node for chunks: its type is 1; the first address follows head and key. */
    char *node = memmem(bytes, size, "TREE\1", 5);
    assert_non_null(node);
    fseek(file, node - bytes + 24 + 24, SEEK_SET);
    fwrite(&beyond, sizeof beyond, 1, file);
    fclose(file);
    assert_int_equal(try_pieces(path, 0, 20, &pieces, &err), FB_EFORMAT);
    assert_int_equal(pieces.count, 0);
}

static void test_refusals(void **state)
{
    char *path = in_folder(state, "a.h5");
    struct fb_error err = { 0 };
    struct pieces pieces = { .refuse = FB_EINTERRUPTED };
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_deflate(creation, 4);
    write_filtered(path, creation);
    assert_int_equal(try_pieces(path, 15, 6, &pieces, &err), FB_EUSAGE);
    assert_int_equal(pieces.count, 0);
    assert_int_equal(try_pieces(path, 0, 20, &pieces, &err), FB_EINTERRUPTED);
    assert_int_equal(pieces.count, 1);
}

/* Chunks over the edge may be stored as they are, and single ones where a filter failed. */
static void test_unfiltered_chunks(void **state)
{
    char *path = in_folder(state, "a.h5");
    struct fb_error err = { 0 };
    struct pieces pieces = { 0 };
    const float plain[8] = { 8, 9, 10, 11, 12, 13, 14, 15 };
    const hsize_t second = 8;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_deflate(creation, 4);
    H5Pset_chunk(creation, 1, (const hsize_t[]){ 8 });
    assert_true(H5Pset_chunk_opts(creation, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) >= 0);
    write_filtered(path, creation);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "x", H5P_DEFAULT);
    assert_true(H5Dwrite_chunk(dataset, H5P_DEFAULT, 1, &second, sizeof plain, plain) >= 0);
    H5Dclose(dataset);
    H5Fclose(file);
    if (try_pieces(path, 0, 20, &pieces, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(pieces.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pieces.items[i].deflated, i == 0);
        float *values = decode(path, &pieces.items[i], false);
        for (size_t j = 0; j < 8 && i * 8 + j < 20; j++)
            assert_true(values[j] == (float)(i * 8 + j));
        free(values);
    }
}

/* --- indexed formats -------------------------------------------------------------------------- */

/* (2,0,1) to (4,1,1) of 9 x 2 x 2 float32: elements 9 to 19. */
static void test_indexed(void **state)
{
    const struct fb_format *const writers[] = { &fb_format_raw, &fb_format_raw,
                                                &fb_format_msgpack };
    const struct fb_format *const readers[] = { &fb_format_raw, &fb_format_raw_mmap,
                                                &fb_format_msgpack };
    char *path = in_folder(state, "a.h5");
    for (size_t i = 0; i < 3; i++) {
        struct pattern_source *source = pattern_new();
        struct fb_reader *reader;
        struct fb_array *array;
        struct fb_error err = { 0 };
        struct pieces pieces;
        unsigned char found[44], *bytes;
        pattern_add(source, "sample_000", "one", "sample_000/a", "V6", 1, DIMS(5));
        pattern_add(source, "sample_000", "one", "sample_000/b", "float32", 3, DIMS(9, 2, 2));
        assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
        write_file(writers[i], NULL, path, &source->base);
        assert_int_equal(readers[i]->open(path, NULL, &reader, &err), 0);
        assert_int_equal(readers[i]->array_open(reader, "sample_000/b", &array, &err), 0);
        find_pieces(readers[i], array, DIMS(2, 0, 1), DIMS(3, 2, 1), &pieces);
        assert_int_equal(pieces.count, 1);
        assert_int_equal(pieces.items[0].bytes, 44);
        assert_int_equal(pieces.items[0].stored_bytes, 44);
        assert_false(pieces.items[0].deflated);
        read_exactly(path, pieces.items[0].offset, found, sizeof found);
        bytes = pattern_bytes(fb_catalog_find(&source->catalog, "sample_000/b"));
        assert_memory_equal(found, bytes + 36, sizeof found);
        find_pieces(readers[i], array, DIMS(2, 0, 1), DIMS(3, 0, 1), &pieces);
        assert_int_equal(pieces.count, 0);
        assert_int_equal(
            readers[i]->extents(array, DIMS(9, 0, 0), DIMS(1, 1, 1), take_piece, &pieces, &err),
            FB_EUSAGE);
        free(bytes);
        readers[i]->array_close(array);
        readers[i]->close(reader);
        fb_source_close(&source->base);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_geometries),      TEST(test_smallest_run), TEST(test_not_traced),
        TEST(test_other_filters),   TEST(test_refusals),     TEST(test_unfiltered_chunks),
        TEST(test_nothing_written), TEST(test_indexed),      TEST(test_lost_chunk),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
