/* The direct reader delivers what H5Dread delivers: `direct_random random COUNT SEED` makes so many
 * datasets, `direct_random files PATH...` takes every array of real files. */
#include "direct_stage.h"

#define SLABS 6

/* One that H5Dread converts to. */
static hid_t random_memory(struct fb_random *random, hid_t dataset)
{
    hid_t type = H5Dget_type(dataset), memory = H5I_INVALID_HID;
    H5T_class_t class = H5Tget_class(type);
    if (once_in(random, 5))
        memory = H5Tcopy(type);
    else if (class == H5T_ENUM && once_in(random, 2))
        memory = H5Tcopy(H5T_NATIVE_INT32);
    else if ((class == H5T_INTEGER || class == H5T_FLOAT) && once_in(random, 5))
        memory = H5Tcopy(once_in(random, 2) ? H5T_IEEE_F64BE : H5T_NATIVE_INT16);
    H5Tclose(type);
    return memory;
}

static bool check_case(uint64_t seed, const char *path, struct sums *sums)
{
    struct stage stage = { .rank = 0 };
    struct fb_direct_file *file;
    char why[FB_DIRECT_WHY];
    fb_random_seed(&stage.random, seed);
    snprintf(stage.path, sizeof stage.path, "%s", path);
    while (!make_random_file(&stage))
        ;
    must(fb_direct_open(path, 1 + (unsigned)below(&stage.random, 4), &file, why) == 0, why);
    if (once_in(&stage.random, 2))
        no_limits(file);
    hid_t reference = open_reference(path), dataset = H5Dopen2(reference, "x", H5P_DEFAULT);
    hid_t memory = random_memory(&stage.random, dataset);
    bool same = compare_array(&stage.random, file, reference, "x", memory, SLABS, sums);
    if (memory >= 0)
        H5Tclose(memory);
    H5Dclose(dataset);
    H5Fclose(reference);
    fb_direct_close(file);
    if (!same)
        fprintf(stderr, "seed %llu differs\n", (unsigned long long)seed);
    return same;
}

static bool random_cases(uint64_t count, uint64_t seed, struct sums *sums)
{
    char path[] = "/tmp/fmtbench-direct-XXXXXX";
    int descriptor = mkstemp(path);
    bool same = descriptor >= 0;
    close(descriptor);
    for (uint64_t i = 0; i < count; i++)
        same &= check_case(seed + i, path, sums);
    unlink(path);
    return same;
}

/* --- real files ------------------------------------------------------------------------------- */

struct visit {
    struct fb_direct_file *file;
    hid_t reference;
    struct sums *sums;
    bool same;
};

static bool has_plain_bytes(hid_t reference, const char *name)
{
    hid_t dataset = H5Dopen2(reference, name, H5P_DEFAULT), type = H5Dget_type(dataset);
    hid_t space = H5Dget_space(dataset);
    bool plain = H5Tdetect_class(type, H5T_VLEN) == 0 && H5Tis_variable_str(type) == 0 &&
                 H5Tdetect_class(type, H5T_STRING) == 0 &&
                 H5Tdetect_class(type, H5T_REFERENCE) == 0 &&
                 H5Sget_simple_extent_type(space) != H5S_NULL;
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return plain;
}

static herr_t visit_object(hid_t id, const char *name, const H5O_info_t *info, void *context)
{
    struct visit *visit = context;
    struct fb_random random;
    (void)id;
    fb_random_seed(&random, strlen(name));
    if (info->type == H5O_TYPE_DATASET && has_plain_bytes(visit->reference, name) &&
        !compare_array(&random, visit->file, visit->reference, name, H5I_INVALID_HID, SLABS,
                       visit->sums)) {
        fprintf(stderr, "%s differs\n", name);
        visit->same = false;
    }
    return 0;
}

static bool real_file(const char *path, struct sums *sums)
{
    struct visit visit = { .sums = sums, .same = true };
    char why[FB_DIRECT_WHY];
    must(fb_direct_open(path, 0, &visit.file, why) == 0, why);
    no_limits(visit.file);
    visit.reference = open_reference(path);
    H5Ovisit2(visit.reference, H5_INDEX_NAME, H5_ITER_INC, visit_object, &visit, H5O_INFO_BASIC);
    H5Fclose(visit.reference);
    fb_direct_close(visit.file);
    if (!visit.same)
        fprintf(stderr, "%s differs\n", path);
    return visit.same;
}

int main(int argc, char **argv)
{
    struct sums sums = { 0 };
    bool same = true;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (argc == 4 && strcmp(argv[1], "random") == 0)
        same = random_cases(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), &sums);
    else
        for (int i = 2; i < argc; i++)
            same &= real_file(argv[i], &sums);
    print_sums(&sums);
    return same ? 0 : 1;
}
