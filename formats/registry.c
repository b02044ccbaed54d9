#include "formats/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct fb_format fb_format_raw;
extern const struct fb_format fb_format_raw_mmap;
extern const struct fb_format fb_format_msgpack;
extern const struct fb_format fb_format_hdf5_contiguous;
extern const struct fb_format fb_format_hdf5_chunked;
extern const struct fb_format fb_format_as_is;
extern const struct fb_format fb_format_hdf5_direct;
extern const struct fb_format fb_format_hdf5_direct_as_is;
extern const struct fb_format fb_format_null;
extern const struct fb_format fb_format_pickle;
extern const struct fb_format fb_format_pickle_again;
extern const struct fb_format fb_format_h5py;
extern const struct fb_format fb_format_h5py_contiguous;
extern const struct fb_format fb_format_h5py_as_is;

/* To add a format: its file, a line above and a line here. Order is that of help and tables. */
const struct fb_format *const fb_formats[] = {
    &fb_format_raw,
    &fb_format_raw_mmap,
    &fb_format_msgpack,
    &fb_format_hdf5_contiguous,
    &fb_format_hdf5_chunked,
    &fb_format_as_is,
    &fb_format_hdf5_direct,
    &fb_format_hdf5_direct_as_is,
    &fb_format_null,
    &fb_format_pickle,
    &fb_format_pickle_again,
    &fb_format_h5py,
    &fb_format_h5py_contiguous,
    &fb_format_h5py_as_is,
    NULL,
};

static size_t format_count(void)
{
    size_t n = 0;
    while (fb_formats[n])
        n++;
    return n;
}

static const char *format_name(const void *context, size_t i)
{
    (void)context;
    return fb_formats[i]->name;
}

const struct fb_format *fb_format_find(const char *name)
{
    for (size_t i = 0; fb_formats[i]; i++)
        if (strcmp(fb_formats[i]->name, name) == 0)
            return fb_formats[i];
    return NULL;
}

bool fb_format_can_create(const struct fb_format *format)
{
    return format->create || (format->adapter && format->adapter->creates);
}

const struct fb_format *fb_format_writer(const struct fb_format *format)
{
    return format->writer ? fb_format_find(format->writer) : NULL;
}

int fb_format_parse(const char *spec, const struct fb_format **format, struct fb_options *options,
                    struct fb_error *err)
{
    char name[64], owner[80] = "format ";
    const char *rest;
    int rc = fb_spec_split(spec, name, sizeof name, &rest, err);
    if (rc)
        return rc;
    *format = fb_format_find(name);
    if (!*format) {
        const char *near = fb_nearest(name, format_name, NULL, format_count());
        return fb_fail(err, FB_EUSAGE, "there is no format '%s'%s%s%s; 'fmtbench list' shows all",
                       name, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    }
    strcat(owner, name);
    return fb_options_parse((*format)->options, owner, rest, options, err);
}

int fb_format_of_file(const char *path, const struct fb_format **out, struct fb_error *err)
{
    unsigned char head[4096];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fb_fail_errno(err, "cannot open %s", path);
    ssize_t n = 0;
    int rc = 0;
    if (fstat(fd, &st) < 0)
        rc = fb_fail_errno(err, "cannot open %s", path);
    else if (S_ISDIR(st.st_mode))
        rc = fb_fail(err, FB_EIO, "cannot open %s: it is a folder", path);
    else if (!S_ISREG(st.st_mode))
        rc = fb_fail(err, FB_EIO, "cannot open %s: not a regular file", path);
    else if ((n = pread(fd, head, sizeof head, 0)) < 0)
        rc = fb_fail_errno(err, "cannot read %s", path);
    else if (n == 0)
        rc = fb_fail(err, FB_EFORMAT, "%s is empty", path);
    close(fd);
    if (rc)
        return rc;
    for (size_t i = 0; fb_formats[i]; i++) {
        if (fb_formats[i]->recognises && fb_formats[i]->recognises(head, (size_t)n)) {
            *out = fb_formats[i];
            return 0;
        }
    }
    char names[256] = "";
    for (size_t i = 0; fb_formats[i]; i++) {
        size_t used = strlen(names);
        if (fb_formats[i]->recognises)
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                     fb_formats[i]->name);
    }
    return fb_fail(err, FB_EFORMAT, "%s is of no format that can be told by its content (%s)", path,
                   names);
}

int fb_format_create(const struct fb_format *format, const struct fb_options *options,
                     const char *path, struct fb_source *source, struct fb_error *err)
{
    if (!format->create)
        return fb_fail(err, FB_EUSAGE, "format %s cannot be written", format->name);
    if (strcmp(fb_options_text(options, "dtype"), "f32") != 0)
        return format->create(path, source, options, err);
    struct fb_source *narrowed;
    int rc = fb_source_narrow(source, &narrowed, err);
    if (rc)
        return rc;
    rc = format->create(path, narrowed, options, err);
    fb_source_close(narrowed);
    return rc;
}
