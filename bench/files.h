/* The files of a run: one for each way of writing that the subjects need, made by a worker or found
 * in --files DIR. */
#ifndef FB_BENCH_FILES_H
#define FB_BENCH_FILES_H

#include "bench/subject.h"

struct fb_file {
    char *path;      /* "" where the format has no file */
    char writer[64]; /* with options: what several subjects may share */
    char options[1024];
    bool made; /* by this run; removed with it unless --keep-files */
    uint64_t write_ns, write_cpu_ns, file_bytes; /* FB_NA where not known */
    char reason[512];                            /* why there is no file; "" where there is one */
    bool failed; /* the reason is an error, not something that does not apply */
};

struct fb_files {
    struct fb_file *items;
    size_t count;
    size_t *by_subject; /* index of each subject's file */
};

/* Makes or finds the file of every subject; `folder` takes new ones. A file that cannot be made is
 * a file with a reason, not a failure; only Ctrl-C, a full disk foreseen and lack of memory fail.
 */
int fb_files_make(const struct fb_run_config *config, const struct fb_dataset *dataset,
                  const struct fb_subjects *subjects, const char *folder, struct fb_files *out,
                  struct fb_error *err);
/* Has the page cache forget them all, before they are measured: whoever wrote or read them left
 * them there in a way of his own (cache.h). */
void fb_files_forget(const struct fb_files *files);
/* Removes what the run made, unless it is to keep it; files that failed always. */
void fb_files_free(struct fb_files *files, bool keep);

#endif
