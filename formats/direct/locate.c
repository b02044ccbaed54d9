/* Where chunks lie, and their bytes. */
#include "formats/direct/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beyond that, the table of places would be larger than what finding them again costs. */
#define TABLE_MOST ((uint64_t)4 << 20)

/* The descriptor of a file that HDF5's default driver has open; negative for any other. */
static int descriptor_of(hid_t file)
{
    void *handle = NULL;
    return H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0 && handle ? *(int *)handle : -1;
}

static bool has_default_driver(hid_t file)
{
    hid_t access = H5Fget_access_plist(file);
    bool is = access >= 0 && H5Pget_driver(access) == H5FD_SEC2;
    fb_direct_release(access);
    return is;
}

static bool same_file(int a, int b)
{
    struct stat first, second;
    return a >= 0 && b >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* The path may lead to another file by now, or the file may lie elsewhere altogether. */
static void open_again(struct fb_direct_file *file)
{
    char reason[FB_DIRECT_REASON];
    struct stat status;
    file->scouting_tried = true;
    if (!file->scout && (!has_default_driver(file->file) || fb_direct_process_writes()))
        return;
    /* Whatever lies there by now is not waited for. */
    file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (!same_file(file->descriptor, descriptor_of(file->file)) ||
        fstat(file->descriptor, &status) < 0)
        return;
    file->bytes = (uint64_t)status.st_size;
    struct fb_direct_scout *scout = file->scout;
    if (!scout)
        scout = fb_direct_scout_open(file->path, reason);
    file->scouts = scout && same_file(file->descriptor, descriptor_of(fb_direct_scout_file(scout)));
    if (!file->scouts && !file->scout)
        fb_direct_scout_close(scout);
    else
        file->scout = scout;
}

static bool lies_in(hid_t dataset, hid_t file)
{
    hid_t own = H5Iget_file_id(dataset);
    fb_direct_release(own);
    return own == file;
}

bool fb_direct_send_scout(struct fb_direct_array *array, uint64_t chunks, uint64_t bytes)
{
    struct fb_direct_file *file = array->file;
    if (array->scouted >= 0)
        return true;
    if (!file->scouting_tried &&
        (bytes >= file->limits.scout_bytes || file->decoded >= file->limits.scout_sum))
        open_again(file);
    if (!file->scouts)
        return false;
    /* Opened when there was a scout already, it is in its file. */
    if (lies_in(array->dataset, fb_direct_scout_file(file->scout)))
        array->scouted = array->dataset;
    else if (chunks < file->limits.scout_chunks && array->decoded < file->limits.scout_chunks)
        return false;
    else
        array->scouted = fb_direct_scout_array(file->scout, array->dataset);
    H5Eclear2(H5E_DEFAULT);
    if (array->scouted >= 0 && array->chunks <= TABLE_MOST)
        array->table = calloc((size_t)array->chunks, sizeof *array->table);
    return array->scouted >= 0;
}

static bool believable(const struct fb_direct_array *array, const struct fb_direct_place *place)
{
    uint64_t end;
    return place->stored > 0 && place->stored <= array->stored_most && place->address > 0 &&
           !__builtin_add_overflow(place->address, place->stored, &end) &&
           end <= array->file->bytes;
}

bool fb_direct_locate(struct fb_direct_array *array, const hsize_t *first,
                      struct fb_direct_item *item)
{
    struct fb_direct_entry *known = array->table ? &array->table[item->number] : &item->place;
    struct fb_direct_place place;
    char reason[FB_DIRECT_REASON];
    if (array->table && known->address != 0) {
        item->place = *known;
        return true;
    }
    int rc = fb_direct_scout_chunk(array->file->scout, array->scouted, first, &place, reason);
    if (rc < 0 || (rc > 0 && !believable(array, &place)))
        return false;
    item->place = rc == 0 ? (struct fb_direct_entry){ .address = FB_DIRECT_MISSING }
                          : (struct fb_direct_entry){ .address = place.address,
                                                      .stored = (uint32_t)place.stored,
                                                      .skipped = place.skipped };
    *known = item->place;
    return true;
}

bool fb_direct_fetch(const struct fb_direct_array *array, const struct fb_direct_entry *place,
                     void *stored)
{
    size_t done = 0;
    while (done < place->stored) {
        ssize_t n = pread(array->file->descriptor, (char *)stored + done, place->stored - done,
                          (off_t)(place->address + done));
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool fb_direct_fetch_through_hdf5(struct fb_direct_array *array, const hsize_t *first,
                                  struct fb_direct_entry *place, struct fb_direct_scratch *scratch)
{
    hsize_t stored = 0;
    char reason[FB_DIRECT_REASON];
    if (H5Dget_chunk_storage_size(array->dataset, first, &stored) < 0) {
        place->address = FB_DIRECT_MISSING;
        return fb_direct_chunk_missing(array->dataset, first, reason);
    }
    if (stored > array->stored_most || !fb_direct_scratch_reserve(scratch, array))
        return false;
    place->address = stored == 0 ? FB_DIRECT_MISSING : 0;
    place->stored = (uint32_t)stored;
    bool read =
        H5Dread_chunk(array->dataset, H5P_DEFAULT, first, &place->skipped, scratch->stored) >= 0;
    /* One that is there without bytes can be read: its file is damaged. */
    return read == (stored > 0);
}
