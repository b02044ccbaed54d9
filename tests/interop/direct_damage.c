/* Damaged chunks: what H5Dread delivers of them the direct reader delivers, and where the one has
 * an error so has the other. `direct_damage COUNT SEED` makes so many files and damages each. */
#include "direct_stage.h"

#include <fcntl.h>

#define SLABS 4

/* A chunk's bytes in the file, chosen at random; false where none is stored. */
static bool choose_chunk(struct fb_random *random, const char *path, haddr_t *address,
                         hsize_t *length)
{
    hid_t file = open_reference(path), dataset = H5Dopen2(file, "x", H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset), creation = H5Dget_create_plist(dataset);
    hsize_t count = 0, first[H5S_MAX_RANK];
    unsigned mask;
    bool chosen = H5Pget_layout(creation) == H5D_CHUNKED &&
                  H5Dget_num_chunks(dataset, space, &count) >= 0 && count > 0 &&
                  H5Dget_chunk_info(dataset, space, below(random, count), first, &mask, address,
                                    length) >= 0 &&
                  *address != HADDR_UNDEF && *length > 0;
    H5Pclose(creation);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
    return chosen;
}

static void flip(struct fb_random *random, unsigned char *bytes, size_t length)
{
    for (uint64_t n = 1 + below(random, 3); n > 0; n--)
        bytes[below(random, length)] ^= (unsigned char)(1 + below(random, 255));
}

/* Its end is lost, or moved up from behind a gap. */
static void cut(struct fb_random *random, unsigned char *bytes, size_t length)
{
    size_t from = (size_t)below(random, length), gap = 1 + (size_t)below(random, length - from);
    memmove(bytes + from, bytes + from + gap, length - from - gap);
    memset(bytes + length - gap, once_in(random, 2) ? 0 : 0xff, gap);
}

static void damage(struct fb_random *random, const char *path, uint64_t at, size_t length)
{
    unsigned char *bytes = malloc(length);
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    must(bytes && pread(descriptor, bytes, length, (off_t)at) == (ssize_t)length, "reading it");
    switch (below(random, 4)) {
    case 0:
        cut(random, bytes, length);
        break;
    case 1:
        fill_bytes(random, bytes, length);
        break;
    default:
        flip(random, bytes, length);
    }
    must(pwrite(descriptor, bytes, length, (off_t)at) == (ssize_t)length, "writing it");
    close(descriptor);
    free(bytes);
}

static bool check_case(uint64_t seed, const char *path, struct sums *sums)
{
    struct stage stage = { .rank = 0 };
    struct fb_direct_file *file;
    char why[FB_DIRECT_WHY];
    haddr_t address;
    hsize_t length;
    fb_random_seed(&stage.random, seed);
    snprintf(stage.path, sizeof stage.path, "%s", path);
    while (!make_random_file(&stage) || !choose_chunk(&stage.random, path, &address, &length))
        ;
    damage(&stage.random, path, address, (size_t)length);
    must(fb_direct_open(path, 1 + (unsigned)below(&stage.random, 3), &file, why) == 0, why);
    if (once_in(&stage.random, 2))
        no_limits(file);
    hid_t reference = open_reference(path);
    bool same = compare_array(&stage.random, file, reference, "x", H5I_INVALID_HID, SLABS, sums);
    H5Fclose(reference);
    fb_direct_close(file);
    if (!same)
        fprintf(stderr, "seed %llu differs\n", (unsigned long long)seed);
    return same;
}

int main(int argc, char **argv)
{
    char path[] = "/tmp/fmtbench-damage-XXXXXX";
    struct sums sums = { 0 };
    must(argc == 3, "the call: direct_damage COUNT SEED");
    uint64_t count = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
    int descriptor = mkstemp(path);
    bool same = descriptor >= 0;
    close(descriptor);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    for (uint64_t i = 0; i < count; i++)
        same &= check_case(seed + i, path, &sums);
    unlink(path);
    print_sums(&sums);
    return same ? 0 : 1;
}
