/* Claims about ways of reading: what to load, and how to hold the file. */
#include "results/claims_measure.h"

#include <math.h>
#include <stdio.h>

static const char *const caches[] = { "warm", "cold" };

/* A comparison of two picks, warm and cold. */
static void add_pair(struct fb_measuring *measuring, const struct fb_claim_part parts[2],
                     struct fb_pick slow, struct fb_pick fast)
{
    for (size_t c = 0; c < 2; c++) {
        slow.cache = fast.cache = caches[c];
        fb_measuring_faster(measuring, &parts[c], &slow, &fast);
    }
}

/* --- load once -------------------------------------------------------------------------------- */

/* What both counts are made of: the load, and accesses one by one to the open file. */
struct loading {
    struct fb_quantity load, all_bytes, accesses, asked_bytes, persons;
};

static void take_loading(const struct fb_evidence *evidence, enum fb_contestant loaded,
                         struct loading *out)
{
    struct fb_pick whole = fb_claim_pick(FB_RUN_WHOLE, loaded, "full-load", NULL, "warm", "once");
    struct fb_pick each =
        fb_claim_pick(FB_RUN_HANDLES, FB_H5PY_GZIP, FB_ACCESS_WORKLOAD, NULL, "warm", "keep");
    struct fb_pick feature =
        fb_claim_pick(FB_RUN_HABITS, FB_H5PY_GZIP, "feature", NULL, "warm", "keep");
    fb_quantity_time(&out->load, evidence, &whole);
    fb_quantity_column(&out->all_bytes, evidence, &each, "dataset_bytes");
    fb_quantity_time(&out->accesses, evidence, &each);
    fb_quantity_column(&out->asked_bytes, evidence, &each, "request_bytes");
    fb_quantity_column(&out->persons, evidence, &feature, "requests");
}

/* How often everything could be accessed one by one in the time of the load. */
static void count_rounds(const struct loading *loading, struct fb_quantity *out)
{
    struct fb_quantity load, access;
    fb_quantity_ratio(&load, &loading->load, &loading->all_bytes);
    fb_quantity_ratio(&access, &loading->accesses, &loading->asked_bytes);
    fb_quantity_ratio(out, &load, &access);
}

/* The same in accesses of a person with the mean number of bytes. */
static void count_accesses(const struct loading *loading, struct fb_quantity *out)
{
    struct fb_quantity mean, count, access;
    fb_quantity_ratio(&mean, &loading->all_bytes, &loading->persons);
    fb_quantity_ratio(&count, &loading->asked_bytes, &mean);
    fb_quantity_ratio(&access, &loading->accesses, &count);
    fb_quantity_ratio(out, &loading->load, &access);
}

int fb_measure_once(const struct fb_claim *claim, const struct fb_evidence *evidence,
                    struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part rounds = {
        "accesses of each person until it pays", "decides", "count", NAN, 10, NAN
    };
    static const struct fb_claim_part count = {
        "accesses of any person", "told", "count", NAN, NAN, NAN
    };
    static const struct fb_claim_part pickle = {
        "such accesses, were the pickle loaded", "told", "count", NAN, NAN, NAN
    };
    static const struct fb_claim_part persons = { "persons", "told", "count", NAN, NAN, NAN };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_quantity quantity;
    struct loading loading;
    take_loading(evidence, FB_H5PY_GZIP, &loading);
    count_rounds(&loading, &quantity);
    fb_measuring_add(&measuring, &rounds, &quantity);
    count_accesses(&loading, &quantity);
    fb_measuring_add(&measuring, &count, &quantity);
    fb_measuring_add(&measuring, &persons, &loading.persons);
    take_loading(evidence, FB_PICKLE, &loading);
    count_accesses(&loading, &quantity);
    fb_measuring_add(&measuring, &pickle, &quantity);
    return measuring.rc;
}

/* --- slicing, searching ----------------------------------------------------------------------- */

int fb_measure_slicing(const struct fb_claim *claim, const struct fb_evidence *evidence,
                       struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part times[2] = {
        { "as fast as pickle, warm", "decides", "ratio", 1, NAN, NAN },
        { "as fast as pickle, cold", "decides", "ratio", 1, NAN, NAN },
    };
    static const struct fb_claim_part bytes = {
        "of the array's bytes in the file are read", "decides", "part", NAN, 1, NAN
    };
    static const struct fb_claim_part asked = {
        "the bytes asked for are read", "told", "ratio", NAN, NAN, NAN
    };
    static const struct fb_claim_part native[2] = {
        { "as fast in C, warm", "told", "ratio", NAN, NAN, NAN },
        { "as fast in C, cold", "told", "ratio", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick pickle = fb_claim_pick(FB_RUN_PARTS, FB_PICKLE, "slicing", NULL, "warm", "once");
    struct fb_pick hdf5 =
        fb_claim_pick(FB_RUN_PARTS, FB_H5PY_GZIP, "slicing", NULL, "warm", "once");
    struct fb_pick own = fb_claim_pick(FB_RUN_PARTS, FB_HDF5_GZIP, "slicing", NULL, "warm", "once");
    add_pair(&measuring, times, pickle, hdf5);
    fb_measuring_bytes(&measuring, &bytes, &hdf5, "read_bytes", &hdf5, "stored_bytes");
    fb_measuring_bytes(&measuring, &asked, &hdf5, "read_bytes", &hdf5, "request_bytes");
    add_pair(&measuring, native, pickle, own);
    return measuring.rc;
}

int fb_measure_search(const struct fb_claim *claim, const struct fb_evidence *evidence,
                      struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part times[2] = {
        { "as fast as pickle, warm", "decides", "ratio", 1, NAN, NAN },
        { "as fast as pickle, cold", "decides", "ratio", 1, NAN, NAN },
    };
    static const struct fb_claim_part bytes = {
        "of the file is read", "decides", "part", NAN, 0.1, NAN
    };
    static const struct fb_claim_part native[2] = {
        { "as fast in C, warm", "told", "ratio", NAN, NAN, NAN },
        { "as fast in C, cold", "told", "ratio", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick pickle = fb_claim_pick(FB_RUN_PARTS, FB_PICKLE, "search", NULL, "warm", "once");
    struct fb_pick hdf5 = fb_claim_pick(FB_RUN_PARTS, FB_H5PY_GZIP, "search", NULL, "warm", "once");
    struct fb_pick own = fb_claim_pick(FB_RUN_PARTS, FB_HDF5_GZIP, "search", NULL, "warm", "once");
    add_pair(&measuring, times, pickle, hdf5);
    fb_measuring_bytes(&measuring, &bytes, &hdf5, "read_bytes", &hdf5, "file_bytes");
    add_pair(&measuring, native, pickle, own);
    return measuring.rc;
}

/* --- workers ---------------------------------------------------------------------------------- */

int fb_measure_workers(const struct fb_claim *claim, const struct fb_evidence *evidence,
                       struct fb_figures *out, struct fb_error *err)
{
    static const int workers[] = { 1, 2, 4 };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick none =
        fb_claim_pick(FB_RUN_WORKERS, FB_HDF5_GZIP, "epoch", "workers=0", "warm", NULL);
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        char name[64], asked[32];
        struct fb_claim_part part = { name, "decides", "ratio", 1, NAN, workers[i] };
        struct fb_pick some = none;
        snprintf(name, sizeof name, "as fast as no worker, with %d", workers[i]);
        snprintf(asked, sizeof asked, "workers=%d", workers[i]);
        some.asked = asked;
        fb_measuring_faster(&measuring, &part, &none, &some);
    }
    return measuring.rc;
}

/* --- how to hold and read an open file -------------------------------------------------------- */

int fb_measure_handle(const struct fb_claim *claim, const struct fb_evidence *evidence,
                      struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part times[2] = {
        { "as fast held open, warm", "decides", "ratio", 1.05, NAN, NAN },
        { "as fast held open, cold", "decides", "ratio", 1.05, NAN, NAN },
    };
    static const struct fb_claim_part native[2] = {
        { "as fast in C, warm", "told", "ratio", NAN, NAN, NAN },
        { "as fast in C, cold", "told", "ratio", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick each =
        fb_claim_pick(FB_RUN_HANDLES, FB_H5PY_GZIP, FB_ACCESS_WORKLOAD, NULL, "warm", "each");
    struct fb_pick own =
        fb_claim_pick(FB_RUN_HANDLES, FB_HDF5_GZIP, FB_ACCESS_WORKLOAD, NULL, "warm", "each");
    struct fb_pick keep = each, own_keep = own;
    keep.handle = own_keep.handle = "keep";
    add_pair(&measuring, times, each, keep);
    add_pair(&measuring, native, own, own_keep);
    return measuring.rc;
}

static struct fb_pick habit(enum fb_contestant who, const char *workload, const char *asked)
{
    return fb_claim_pick(FB_RUN_HABITS, who, workload, asked, "warm", "keep");
}

int fb_measure_slices(const struct fb_claim *claim, const struct fb_evidence *evidence,
                      struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part times[2] = {
        { "as fast as whole arrays, warm", "decides", "ratio", 1, NAN, NAN },
        { "as fast as whole arrays, cold", "decides", "ratio", 1, NAN, NAN },
    };
    static const struct fb_claim_part memory = {
        "of the memory for what is delivered", "decides", "part", NAN, 1, NAN
    };
    static const struct fb_claim_part native[2] = {
        { "as fast in C, warm", "told", "ratio", NAN, NAN, NAN },
        { "as fast in C, cold", "told", "ratio", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick whole = habit(FB_H5PY_GZIP, "random-access", "n=10");
    struct fb_pick slice = habit(FB_H5PY_GZIP, "slicing", "n=10");
    add_pair(&measuring, times, whole, slice);
    fb_measuring_bytes(&measuring, &memory, &slice, "request_bytes", &whole, "request_bytes");
    add_pair(&measuring, native, habit(FB_HDF5_GZIP, "random-access", "n=10"),
             habit(FB_HDF5_GZIP, "slicing", "n=10"));
    return measuring.rc;
}

int fb_measure_shapes(const struct fb_claim *claim, const struct fb_evidence *evidence,
                      struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part times[2] = {
        { "as fast as reading it, warm", "decides", "ratio", 1, NAN, NAN },
        { "as fast as reading it, cold", "decides", "ratio", 1, NAN, NAN },
    };
    static const struct fb_claim_part bytes = {
        "of the array's bytes in the file are read", "decides", "part", NAN, 0.1, NAN
    };
    static const struct fb_claim_part native[2] = {
        { "as fast in C, warm", "told", "ratio", NAN, NAN, NAN },
        { "as fast in C, cold", "told", "ratio", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick whole = habit(FB_H5PY_GZIP, "random-access", "n=1");
    struct fb_pick shape = habit(FB_H5PY_GZIP, "open", NULL);
    add_pair(&measuring, times, whole, shape);
    fb_measuring_bytes(&measuring, &bytes, &shape, "read_bytes", &whole, "stored_bytes");
    add_pair(&measuring, native, habit(FB_HDF5_GZIP, "random-access", "n=1"),
             habit(FB_HDF5_GZIP, "open", NULL));
    return measuring.rc;
}

int fb_measure_feature(const struct fb_claim *claim, const struct fb_evidence *evidence,
                       struct fb_figures *out, struct fb_error *err)
{
    static const struct fb_claim_part times[2] = {
        { "as fast as all arrays, warm", "decides", "ratio", 1, NAN, NAN },
        { "as fast as all arrays, cold", "decides", "ratio", 1, NAN, NAN },
    };
    static const struct fb_claim_part bytes = {
        "of the bytes of all", "told", "part", NAN, NAN, NAN
    };
    static const struct fb_claim_part native[2] = {
        { "as fast in C, warm", "told", "ratio", NAN, NAN, NAN },
        { "as fast in C, cold", "told", "ratio", NAN, NAN, NAN },
    };
    struct fb_measuring measuring = { claim, evidence, out, err, 0 };
    struct fb_pick all = habit(FB_H5PY_GZIP, "scan", NULL);
    struct fb_pick one = habit(FB_H5PY_GZIP, "feature", NULL);
    add_pair(&measuring, times, all, one);
    fb_measuring_bytes(&measuring, &bytes, &one, "request_bytes", &all, "request_bytes");
    add_pair(&measuring, native, habit(FB_HDF5_GZIP, "scan", NULL),
             habit(FB_HDF5_GZIP, "feature", NULL));
    return measuring.rc;
}
