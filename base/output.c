#include "base/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char *folder_of(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return NULL;
    char *folder = strdup(dirname(copy));
    free(copy);
    return folder;
}

int fb_output_begin(struct fb_output *output, const char *path, struct fb_error *err)
{
    struct stat st;
    *output = (struct fb_output){ 0 };
    if (!*path)
        return fb_fail(err, FB_EUSAGE, "the output file has an empty name");
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return fb_fail(err, FB_EIO, "cannot write %s: it is a folder; give a file name", path);
    /* Renaming over a device would replace the device. */
    if (exists && !S_ISREG(st.st_mode))
        return fb_fail(err, FB_EIO, "cannot write %s: it is no regular file", path);
    /* A symbolic link stays one; the file that it leads to is replaced. */
    output->path = exists ? realpath(path, NULL) : strdup(path);
    size_t size = (output->path ? strlen(output->path) : 0) + 40;
    output->temp = malloc(size);
    if (!output->path || !output->temp) {
        fb_output_abort(output);
        return fb_fail_memory(err, "a file name");
    }
    /* The process id lets a parent remove what a killed child left (bench/isolate.c). */
    snprintf(output->temp, size, "%s.tmp-%ld-XXXXXX", output->path, (long)getpid());
    int fd = mkstemp(output->temp);
    if (fd < 0) {
        int rc = fb_fail_errno(err, "cannot write %s", path);
        free(output->temp);
        output->temp = NULL;
        fb_output_abort(output);
        return rc;
    }
    /* mkstemp makes the file private; the result should have what open() would have given. */
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    close(fd);
    return 0;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

int fb_output_commit(struct fb_output *output, struct fb_error *err)
{
    int rc = 0;
    if (sync_path(output->temp, O_RDWR) < 0 || rename(output->temp, output->path) < 0) {
        rc = fb_fail_errno(err, "cannot write %s", output->path);
    } else {
        free(output->temp);
        output->temp = NULL;
        char *folder = folder_of(output->path);
        /* Some filesystems refuse fsync on folders; the data is safe all the same. */
        if (folder)
            sync_path(folder, O_RDONLY | O_DIRECTORY);
        free(folder);
    }
    fb_output_abort(output);
    return rc;
}

void fb_output_abort(struct fb_output *output)
{
    if (output->temp)
        unlink(output->temp);
    free(output->temp);
    free(output->path);
    *output = (struct fb_output){ 0 };
}

uint64_t fb_output_space(const char *path)
{
    struct statvfs disk;
    char *folder = folder_of(path);
    bool known = folder && statvfs(folder, &disk) == 0;
    free(folder);
    return known ? (uint64_t)disk.f_bavail * disk.f_frsize : UINT64_MAX;
}

void fb_output_remove_temporaries(const char *path, pid_t pid)
{
    char *folder_copy = strdup(path), *name_copy = strdup(path), *prefix = NULL, *victim = NULL;
    if (!folder_copy || !name_copy ||
        (pid ? asprintf(&prefix, "%s.tmp-%ld-", basename(name_copy), (long)pid)
             : asprintf(&prefix, "%s.tmp-", basename(name_copy))) < 0)
        goto out;
    const char *folder_name = dirname(folder_copy);
    DIR *folder = opendir(folder_name);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            asprintf(&victim, "%s/%s", folder_name, entry->d_name) >= 0) {
            unlink(victim);
            free(victim);
        }
    }
    if (folder)
        closedir(folder);
    free(prefix);
out:
    free(folder_copy);
    free(name_copy);
}

int fb_output_write(const char *path,
                    int (*print)(void *context, FILE *stream, struct fb_error *err), void *context,
                    struct fb_error *err)
{
    struct fb_output output;
    int rc = fb_output_begin(&output, path, err);
    if (rc)
        return rc;
    FILE *stream = fopen(output.temp, "we");
    if (!stream) {
        rc = fb_fail_errno(err, "cannot write %s", path);
    } else {
        rc = print(context, stream, err);
        bool failed = ferror(stream) != 0;
        failed |= fclose(stream) != 0;
        if (rc == 0 && failed)
            rc = fb_fail_errno(err, "cannot write %s", path);
    }
    if (rc == 0)
        return fb_output_commit(&output, err);
    fb_output_abort(&output);
    return rc;
}

int fb_make_folder(const char *path, struct fb_error *err)
{
    char *copy = strdup(path);
    if (!copy)
        return fb_fail_memory(err, "a folder name");
    int rc = 0;
    for (char *p = copy + 1; rc == 0 && *copy; p++) {
        char saved = *p;
        if (saved != '/' && saved != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            rc = fb_fail_errno(err, "cannot make the folder %s", copy);
        *p = saved;
        if (!saved)
            break;
    }
    struct stat st;
    if (rc == 0 && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
        rc = fb_fail(err, FB_EIO, "cannot make the folder %s: there is a file of that name", path);
    free(copy);
    return rc;
}

/* To a file descriptor; -1 and the error when it is none. */
static int open_regular(const char *path, struct stat *st, struct fb_error *err)
{
    /* O_NONBLOCK: opening a pipe would wait for somebody to write to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    if (fd < 0)
        fb_fail_errno(err, "cannot read %s", path);
    else
        fb_fail(err, FB_EIO, "cannot read %s: it is no regular file", path);
    if (fd >= 0)
        close(fd);
    return -1;
}

int fb_open_regular(const char *path, FILE **stream, struct fb_error *err)
{
    struct stat st;
    int fd = open_regular(path, &st, err);
    if (fd < 0)
        return FB_EIO;
    *stream = fdopen(fd, "rb");
    if (*stream)
        return 0;
    close(fd);
    return fb_fail_memory(err, path);
}

int fb_read_file(const char *path, size_t limit, char **data, size_t *length, struct fb_error *err)
{
    struct stat st;
    char *buf = NULL;
    int rc = 0;
    int fd = open_regular(path, &st, err);
    if (fd < 0)
        return FB_EIO;
    if ((uint64_t)st.st_size > limit) {
        rc = fb_fail(err, FB_EFORMAT, "cannot read %s: %lld bytes are more than the %zu expected",
                     path, (long long)st.st_size, limit);
        goto out;
    }
    size_t size = (size_t)st.st_size, done = 0;
    buf = malloc(size + 1);
    if (!buf) {
        rc = fb_fail_memory(err, path);
        goto out;
    }
    while (done < size) {
        ssize_t n = read(fd, buf + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = fb_fail_errno(err, "cannot read %s", path);
            goto out;
        }
        if (n == 0)
            break;
        done += (size_t)n;
    }
    buf[done] = '\0';
    *data = buf;
    *length = done;
    buf = NULL;
out:
    free(buf);
    if (fd >= 0)
        close(fd);
    return rc;
}

void fb_remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        unlinkat(dirfd(folder), entry->d_name, 0); /* no folder, so neither . nor .. */
    if (folder)
        closedir(folder);
    rmdir(path);
}
