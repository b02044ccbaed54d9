/* What the tests of a run's pictures share: rows, and a folder for the tables. */
#ifndef FB_TESTS_UNIT_PLOTS_STAGE_H
#define FB_TESTS_UNIT_PLOTS_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/output.h"
#include "plots/plot.h"
#include "results/tidy.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An ok row: format, options, workload, cache, handle, median and half the interval's width (0: no
 * interval) in us, file size in kB. Returned for further changes. */
static inline struct fb_record *add(struct fb_records *records, const char *format,
                                    const char *options, const char *workload, const char *cache,
                                    const char *handle, uint64_t us, uint64_t half,
                                    uint64_t kilobytes)
{
    struct fb_record record;
    fb_record_init(&record);
    strcpy(record.dataset, "synth:samples=24,seed=1");
    record.dataset_bytes = 25000000;
    strcpy(record.format, format);
    strcpy(record.options, options);
    strcpy(record.workload, workload);
    strcpy(record.workload_options, "n=10,seed=1");
    strcpy(record.cache, cache);
    strcpy(record.handle, handle);
    strcpy(record.status, "ok");
    strcpy(record.verification, "verified");
    strcpy(record.cache_state, "proven");
    strcpy(record.role, "contender");
    record.requests = 10;
    record.request_bytes = 544000;
    record.blocks = half ? 7 : 3;
    record.median_ns = us * 1000;
    if (half) {
        record.lower_ns = (us - half) * 1000;
        record.upper_ns = (us + half) * 1000;
    }
    record.file_bytes = kilobytes * 1000;
    fb_cell_id(&record);
    assert_int_equal(fb_records_add(records, &record, NULL), 0);
    return &records->items[records->count - 1];
}

static inline void set_status(struct fb_record *record, const char *status, const char *reason)
{
    strcpy(record->status, status);
    strcpy(record->reason, reason);
    record->median_ns = record->lower_ns = record->upper_ns = FB_NA;
}

struct scratch {
    char folder[64];
};

static inline int make_scratch(void **state)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    strcpy(scratch->folder, "/tmp/fmtbench-test-XXXXXX");
    *state = scratch;
    return mkdtemp(scratch->folder) ? 0 : -1;
}

static inline void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    if (folder) {
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char *child;
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            assert_true(asprintf(&child, "%s/%s", path, entry->d_name) > 0);
            remove_tree(child);
            free(child);
        }
        closedir(folder);
    }
    remove(path);
}

static inline int remove_scratch(void **state)
{
    remove_tree(((struct scratch *)*state)->folder);
    free(*state);
    return 0;
}

static inline char *read_tidy(const char *folder, const char *name)
{
    char path[PATH_MAX + 64], *text = NULL;
    size_t length;
    struct fb_error err;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fb_read_file(path, 1 << 20, &text, &length, &err) ? NULL : text;
}

#endif
