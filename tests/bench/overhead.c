/* The ruler weighs nothing: reads through fmtbench's interface, on its clock, against the same HDF5
 * calls written out by hand, in interleaved pairs; and one request to `null`. */
#include "base/clock.h"
#include "base/random.h"
#include "bench/execute.h"
#include "tests/bench/paired.h"
#include "tests/bench/setup.h"

#include <hdf5.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define PAIRS 300

/* --- the same, by hand ------------------------------------------------------------------------ */

/* What a reader that was told nothing must ask before it may read: is the data in this file, of a
 * type and shape that fit, and can its filters be undone? */
static void hand_ask(hid_t file, hid_t dataset)
{
    hsize_t dims[FB_MAX_RANK];
    must(H5Idec_ref(H5Iget_file_id(dataset)) >= 0 && file >= 0, "H5Iget_file_id");
    hid_t type = H5Dget_type(dataset);
    must(H5Tget_size(type) == sizeof(float) && H5Tget_class(type) == H5T_FLOAT &&
             H5Tequal(type, H5T_NATIVE_FLOAT) > 0,
         "H5Tequal");
    H5Tclose(type);
    if (H5Dget_offset(dataset) == HADDR_UNDEF) {
        unsigned flags, config, values[8];
        size_t count = 8;
        hid_t creation = H5Dget_create_plist(dataset);
        must(H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_external_count(creation) == 0 &&
                 H5Pget_chunk(creation, FB_MAX_RANK, dims) > 0,
             "H5Pget_chunk");
        for (int i = 0, n = H5Pget_nfilters(creation); i < n; i++) {
            H5Z_filter_t filter =
                H5Pget_filter2(creation, (unsigned)i, &flags, &count, values, 0, NULL, &config);
            must(H5Zfilter_avail(filter) > 0 && H5Zget_filter_info(filter, &config) >= 0,
                 "H5Zfilter_avail");
        }
        H5Pclose(creation);
    }
    hid_t space = H5Dget_space(dataset);
    must(H5Sget_simple_extent_dims(space, dims, NULL) > 0, "H5Sget_simple_extent_dims");
    H5Sclose(space);
}

static void hand_read(hid_t file, const struct fb_request *request, void *dst, bool blindly)
{
    hsize_t start[FB_MAX_RANK], count[FB_MAX_RANK];
    for (unsigned i = 0; i < request->rank; i++) {
        start[i] = request->start[i];
        count[i] = request->count[i];
    }
    hid_t dataset = H5Dopen2(file, request->array, H5P_DEFAULT);
    if (!blindly)
        hand_ask(file, dataset);
    if (request->op == FB_OP_LOAD) {
        must(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, dst) >= 0,
             "H5Dread");
    } else {
        hid_t space = H5Dget_space(dataset);
        hid_t memory = H5Screate_simple((int)request->rank, count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        must(H5Dread(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, dst) >= 0, "H5Dread");
        H5Sclose(memory);
        H5Sclose(space);
    }
    H5Dclose(dataset);
}

static uint64_t hand_slices(const char *path, const struct fb_plan *plan, unsigned char *buffer,
                            bool blindly)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    must(file >= 0, "H5Fopen");
    uint64_t started = fb_clock_ns();
    size_t used = 0;
    for (size_t i = 0; i < plan->count; i++) {
        hand_read(file, &plan->requests[i], buffer + used, blindly);
        used += plan->requests[i].bytes;
    }
    uint64_t ns = fb_clock_ns() - started;
    H5Fclose(file);
    return ns;
}

static uint64_t hand_load(const char *path, const struct fb_plan *plan, bool blindly)
{
    void **arrays = calloc(plan->count, sizeof *arrays);
    must(arrays, "calloc");
    uint64_t started = fb_clock_ns();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    must(file >= 0, "H5Fopen");
    for (size_t i = 0; i < plan->count; i++) {
        arrays[i] = malloc((size_t)plan->requests[i].bytes);
        hand_read(file, &plan->requests[i], arrays[i], blindly);
    }
    H5Fclose(file);
    uint64_t ns = fb_clock_ns() - started;
    for (size_t i = 0; i < plan->count; i++)
        free(arrays[i]);
    free(arrays);
    return ns;
}

/* --- pairs ------------------------------------------------------------------------------------ */

struct contest {
    struct fb_execution execution;
    unsigned char *buffer; /* touched, for the hand-written slices */
};

static uint64_t interface_once(const struct contest *contest)
{
    uint64_t ns;
    struct fb_error err;
    malloc_trim(0);
    if (fb_execute(&contest->execution, &ns, &err))
        die(&err);
    contest->execution.delivery->hash_count = 0;
    return ns;
}

static uint64_t hand_once(const struct contest *contest, bool blindly)
{
    malloc_trim(0);
    return contest->execution.handle == FB_HANDLE_ONCE
               ? hand_load(contest->execution.file, contest->execution.plan, blindly)
               : hand_slices(contest->execution.file, contest->execution.plan, contest->buffer,
                             blindly);
}

/* Upper bound of the median ratio, and the median itself. */
static double compete(const struct contest *contest, bool blindly, double *median)
{
    static double ratios[PAIRS];
    struct fb_random random;
    fb_random_seed(&random, 1);
    for (int i = 0; i < 3; i++) {
        interface_once(contest);
        hand_once(contest, blindly);
    }
    for (size_t i = 0; i < PAIRS; i++) {
        bool first = fb_random_below(&random, 2);
        uint64_t a = first ? interface_once(contest) : 0;
        uint64_t b = hand_once(contest, blindly);
        if (!first)
            a = interface_once(contest);
        ratios[i] = (double)a / (double)b;
    }
    double bound = upper_bound_of_median(ratios, PAIRS);
    *median = ratios[PAIRS / 2];
    return bound;
}

/* The check is against the same HDF5 calls. What the questions before a read cost is told beside
 * it, against a program that knows type and shape by heart. */
static bool check_contest(const char *check, const struct contest *contest)
{
    double same, blind;
    double bound = compete(contest, false, &same);
    compete(contest, true, &blind);
    fprintf(stderr, "%s: median %.4f over %d pairs; against reading blindly %.4f\n", check, same,
            PAIRS, blind);
    return report(check, bound, 1.03);
}

/* --- null ------------------------------------------------------------------------------------- */

static bool weigh_null(const struct fb_plan *plan, struct fb_delivery *delivery)
{
    const struct fb_format *null = fb_format_find("null");
    struct fb_options none;
    struct fb_error err;
    static double each[PAIRS];
    fb_options_parse(null->options, "null", NULL, &none, &err);
    struct fb_execution execution = { .format = null,
                                      .options = &none,
                                      .file = "",
                                      .handle = FB_HANDLE_KEEP,
                                      .plan = plan,
                                      .delivery = delivery };
    for (size_t i = 0; i < PAIRS; i++) {
        uint64_t ns;
        if (fb_execute(&execution, &ns, &err))
            die(&err);
        delivery->hash_count = 0;
        each[i] = (double)ns / (double)plan->count;
    }
    qsort(each, PAIRS, sizeof *each, compare_doubles);
    return report("null-request-ns", each[PAIRS / 2], 100);
}

int main(void)
{
    static const struct {
        const char *name, *spec;
    } formats[] = {
        { "contiguous", "hdf5-contiguous" },
        { "gzip-4", "hdf5-chunked:level=4" },
    };
    struct fb_source *source;
    struct fb_plan slices, load;
    struct fb_delivery ring, outside;
    struct fb_error err;
    struct bench_folder bench;
    bool pass = true;
    bench_folder_make(&bench);
    if (fb_source_open("synth:samples=6", NULL, NULL, &source, &err))
        die(&err);
    make_plan("slicing:window=100,n=20", fb_source_catalog(source), &slices);
    make_plan("full-load", fb_source_catalog(source), &load);
    if (fb_delivery_init(&ring, fb_plan_bytes(&slices) + 64 * slices.count, slices.count, -1,
                         &err) ||
        fb_delivery_init(&outside, 0, load.count, -1, &err))
        die(&err);
    unsigned char *buffer = malloc(fb_plan_bytes(&slices));
    must(buffer, "malloc");
    memset(buffer, 1, fb_plan_bytes(&slices));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct fb_format *format;
        struct fb_options options;
        char check[64];
        make_file(formats[i].spec, bench.data, source, &format, &options);
        struct contest slicing = { .execution = { .format = format,
                                                  .options = &options,
                                                  .file = bench.data,
                                                  .handle = FB_HANDLE_KEEP,
                                                  .plan = &slices,
                                                  .delivery = &ring },
                                   .buffer = buffer };
        struct contest loading = { .execution = { .format = format,
                                                  .options = &options,
                                                  .file = bench.data,
                                                  .handle = FB_HANDLE_ONCE,
                                                  .plan = &load,
                                                  .delivery = &outside } };
        snprintf(check, sizeof check, "slice-keep-%s-ratio", formats[i].name);
        pass &= check_contest(check, &slicing);
        snprintf(check, sizeof check, "full-load-%s-ratio", formats[i].name);
        pass &= check_contest(check, &loading);
    }
    pass &= weigh_null(&slices, &ring);
    bench_folder_remove(&bench);
    fb_delivery_free(&ring);
    fb_delivery_free(&outside);
    fb_plan_free(&slices);
    fb_plan_free(&load);
    fb_source_close(source);
    free(buffer);
    return pass ? 0 : 1;
}
