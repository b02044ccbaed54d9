#include "base/output.h"
#include "results/label.h"
#include "results/tidy.h"

#include <stdlib.h>
#include <string.h>

enum kind { WORKLOAD, SIZE_TIME, GZIP, EPOCH, THREADS };

static int fill(const struct fb_records *records, const struct fb_record *workload, enum kind kind,
                FILE *stream, struct fb_picture *picture, bool *made, struct fb_error *err)
{
    if (kind == WORKLOAD)
        return fb_tidy_workload(records, workload, stream, picture, made, err);
    if (kind == SIZE_TIME)
        return fb_tidy_size_time(records, stream, picture, made, err);
    if (kind == EPOCH)
        return fb_tidy_epoch(records, stream, picture, made, err);
    if (kind == THREADS)
        return fb_tidy_threads(records, stream, picture, made, err);
    return fb_tidy_gzip(records, stream, picture, made, err);
}

static int add_picture(struct fb_pictures *pictures, const struct fb_picture *picture,
                       struct fb_error *err)
{
    struct fb_picture *items =
        realloc(pictures->items, (pictures->count + 1) * sizeof *pictures->items);
    if (!items)
        return fb_fail_memory(err, "the pictures");
    pictures->items = items;
    pictures->items[pictures->count++] = *picture;
    return 0;
}

struct table {
    const struct fb_records *records;
    const struct fb_record *workload;
    enum kind kind;
    struct fb_picture *picture;
};

#define NO_DATA 1

static int print_table(void *context, FILE *stream, struct fb_error *err)
{
    const struct table *table = context;
    bool made = false;
    int rc = fill(table->records, table->workload, table->kind, stream, table->picture, &made, err);
    return rc == 0 && !made ? NO_DATA : rc;
}

/* Writes FOLDER/NAME.csv and lists the picture, if there is data for it. */
static int write_one(const struct fb_records *records, const struct fb_record *workload,
                     enum kind kind, const char *folder, struct fb_picture *picture,
                     struct fb_pictures *out, struct fb_error *err)
{
    struct table table = { records, workload, kind, picture };
    size_t size = strlen(folder) + sizeof picture->name + 8;
    char *path = malloc(size);
    if (!path)
        return fb_fail_memory(err, "a file name");
    snprintf(path, size, "%s/%s.csv", folder, picture->name);
    int rc = fb_output_write(path, print_table, &table, err);
    free(path);
    return rc == 0 ? add_picture(out, picture, err) : rc == NO_DATA ? 0 : rc;
}

/* "workload-slicing", "workload-slicing-2" for the second set of options in the same run. The name
 * comes from a file, which must not choose where we write. */
static void name_workload(const struct fb_records *records, size_t index, char *name, size_t size)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t number = 1;
    for (size_t i = 0; i < index; i++)
        number += fb_is_first_of_workload(records, i) &&
                  strcmp(records->items[i].workload, records->items[index].workload) == 0;
    snprintf(name, size, "workload-%s", records->items[index].workload);
    for (char *p = name; *p; p++)
        if (!strchr(allowed, *p))
            *p = '_';
    size_t used = strlen(name);
    if (number > 1)
        snprintf(name + used, size - used, "-%zu", number);
}

int fb_tidy_write(const struct fb_records *records, const char *folder, struct fb_pictures *out,
                  struct fb_error *err)
{
    int rc = 0;
    *out = (struct fb_pictures){ 0 };
    for (size_t i = 0; i < records->count && rc == 0; i++) {
        struct fb_picture picture = { 0 };
        if (!fb_is_first_of_workload(records, i))
            continue;
        name_workload(records, i, picture.name, sizeof picture.name);
        rc = write_one(records, &records->items[i], WORKLOAD, folder, &picture, out, err);
    }
    if (rc == 0)
        rc = write_one(records, NULL, SIZE_TIME, folder,
                       &(struct fb_picture){ .name = "size-time" }, out, err);
    if (rc == 0)
        rc = write_one(records, NULL, GZIP, folder, &(struct fb_picture){ .name = "gzip" }, out,
                       err);
    if (rc == 0)
        rc = write_one(records, NULL, EPOCH, folder,
                       &(struct fb_picture){ .name = "epoch-scaling" }, out, err);
    if (rc == 0)
        rc = write_one(records, NULL, THREADS, folder,
                       &(struct fb_picture){ .name = "threads-scaling" }, out, err);
    if (rc) {
        free(out->items);
        *out = (struct fb_pictures){ 0 };
    }
    return rc;
}
