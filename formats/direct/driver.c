/* A virtual file driver over HDF5's default one, sec2: it sees every read of a file. It does as
 * sec2 does in all else, flags and locks included, so that the library reads as it would without.
 */
#include "formats/direct/scout.h"

#include <pthread.h>
#include <stdlib.h>

/* What a file access list carries. */
struct info {
    struct fb_direct_watch *watch;
};

struct file {
    H5FD_t base; /* first: the library fills it, and knows nothing of the rest */
    H5FD_t *under;
    struct fb_direct_watch *watch; /* or NULL */
};

static H5FD_t *under(const H5FD_t *file)
{
    return ((const struct file *)file)->under;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t max)
{
    const struct info *info = H5Pget_driver_info(access);
    struct file *file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    /* The library opens what external links lead to with the driver alone: nobody watches that. */
    file->watch = info ? info->watch : NULL;
    file->under = H5FDopen(name, flags, H5P_FILE_ACCESS_DEFAULT, max);
    if (file->under)
        return &file->base;
    free(file);
    return NULL;
}

static herr_t driver_close(H5FD_t *base)
{
    struct file *file = (struct file *)base;
    herr_t rc = H5FDclose(file->under);
    if (file->watch && file->watch->belongs)
        free(file->watch);
    free(file);
    return rc;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
    /* The library also asks without a file, what the class can do. */
    if (file)
        return under(file)->cls->query(under(file), flags);
    return H5FDdriver_query(H5FD_SEC2, flags);
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    return under(file)->cls->get_eoa(under(file), type);
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    return under(file)->cls->set_eoa(under(file), type, address);
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    return under(file)->cls->get_eof(under(file), type);
}

static herr_t driver_get_handle(H5FD_t *file, hid_t access, void **handle)
{
    return under(file)->cls->get_handle(under(file), access, handle);
}

static herr_t driver_lock(H5FD_t *file, hbool_t exclusive)
{
    return under(file)->cls->lock(under(file), exclusive);
}

static herr_t driver_unlock(H5FD_t *file)
{
    return under(file)->cls->unlock(under(file));
}

static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address,
                          size_t bytes, void *buffer)
{
    struct fb_direct_watch *watch = ((struct file *)file)->watch;
    if (!watch)
        return under(file)->cls->read(under(file), type, transfer, address, bytes, buffer);
    bool raw = type == H5FD_MEM_DRAW, skip = raw && watch->nowhere && buffer == watch->nowhere;
    /* Whoever reads to nowhere looks at these after the call, when other threads may be reading. */
    if (skip || !watch->nowhere) {
        watch->raw_address = raw ? address : HADDR_UNDEF;
        watch->raw_bytes = bytes;
    }
    if (skip)
        return 0;
    if (watch->enter)
        watch->enter(watch->context, raw, bytes);
    herr_t rc = under(file)->cls->read(under(file), type, transfer, address, bytes, buffer);
    if (watch->leave)
        watch->leave(watch->context);
    return rc;
}

/* The class must have one; files are open for reading only. */
static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address,
                           size_t bytes, const void *buffer)
{
    (void)file, (void)type, (void)transfer, (void)address, (void)bytes, (void)buffer;
    return -1;
}

static const H5FD_class_t driver = {
    .name = "fmtbench",
    .maxaddr = ((haddr_t)1 << (8 * sizeof(off_t) - 1)) - 1,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(struct info),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .get_handle = driver_get_handle,
    .read = driver_read,
    .write = driver_write,
    .lock = driver_lock,
    .unlock = driver_unlock,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* Registered once and for all: HDF5 1.10 closes a file by a class that it has just freed, if the
 * file was the last to hold it (H5FD_close). H5close takes it away, and may be followed by a new
 * start. */
static hid_t registered(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static hid_t id = H5I_INVALID_HID;
    pthread_mutex_lock(&lock);
    if (H5Iget_type(id) != H5I_VFL)
        id = H5FDregister(&driver);
    pthread_mutex_unlock(&lock);
    return id;
}

hid_t fb_direct_driver_access(struct fb_direct_watch *watch)
{
    const struct info info = { watch };
    hid_t id = registered(), access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && (id < 0 || H5Pset_driver(access, id, &info) < 0)) {
        fb_direct_release(access);
        access = -1;
    }
    return access;
}
