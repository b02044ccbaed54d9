/* history.csv: its columns, reading, and adding a run. */
#include "results/history.h"
#include "base/output.h"
#include "results/csv.h"
#include "results/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* Ten thousand runs of a hundred cells would be larger. */
#define FILE_MOST (UINT64_C(256) << 20)
#define WAIT_MS 10000
#define STEP_MS 50

#define TEXT(member, help) FB_COLUMN(fb_history_record, FB_COLUMN_TEXT, member, "", help)
#define U64(member, unit, help) FB_COLUMN(fb_history_record, FB_COLUMN_U64, member, unit, help)

const struct fb_column fb_history_columns[] = {
    U64(schema_version, "", "version of this table; a reader refuses any other"),
    TEXT(run_id, "name of the run; each is in the file once"),
    TEXT(time, "when the run ended, as 2026-11-24T20:31:30Z: the order of the runs"),
    TEXT(commit, "of the fmtbench that ran"),
    TEXT(label, "what `--label` said"),
    TEXT(machine, "hash of processor, cores, memory in GiB and file system: only runs of one "
                  "machine are compared"),
    TEXT(cpu, "name of the processor"),
    U64(cores, "", "processors that are online"),
    TEXT(kernel, "name, release and architecture; another one is no other machine"),
    TEXT(cell_id, "this and the others as in results.csv"),
    TEXT(dataset, "the source; folders are no part of its identity"),
    U64(dataset_bytes, "bytes", "all arrays in the element type of this cell's file"),
    TEXT(format, "name of the format"),
    TEXT(options, "its options in canonical form"),
    TEXT(workload, "name of the workload"),
    TEXT(workload_options, "its options in canonical form"),
    TEXT(cache, "`warm` or `cold`"),
    TEXT(handle, "`once`, `each` or `keep`"),
    TEXT(clock, "`inner` or `process`"),
    TEXT(cache_state, "`proven`, `warm-unproven` or `cold-unproven`"),
    U64(median_ns, "ns", "median over the blocks"),
    U64(lower_ns, "ns", "lower end of its 95 % interval"),
    U64(upper_ns, "ns", "upper end"),
    U64(file_bytes, "bytes", "size of the file"),
    U64(read_bytes, "bytes", "returned by read system calls in one iteration"),
    U64(read_calls, "", "such calls"),
    { 0 },
};

void fb_history_record_init(struct fb_history_record *record)
{
    memset(record, 0, sizeof *record);
    fb_columns_clear(fb_history_columns, record);
    record->schema_version = FB_SCHEMA_VERSION;
}

int fb_history_records_add(struct fb_history *history, const struct fb_history_record *record,
                           struct fb_error *err)
{
    struct fb_history_record *items =
        fb_rows_grow(history->items, history->count, sizeof *items, err);
    if (!items)
        return err->code;
    history->items = items;
    history->items[history->count++] = *record;
    return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

bool fb_history_is_time(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    for (size_t i = 0; i < sizeof form; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return true;
}

static int take_record(void *context, const void *row, struct fb_error *err)
{
    struct fb_history *history = context;
    const struct fb_history_record *record = row;
    if (history->count == FB_HISTORY_MAX)
        return fb_fail(err, FB_EUNSUPPORTED,
                       "more than %d rows: begin another history, or take old runs out",
                       FB_HISTORY_MAX);
    if (!fb_history_is_time(record->time))
        return fb_fail(err, FB_EFORMAT,
                       "run %s, cell %s: the time '%s' is not of the form 2026-11-24T20:31:30Z",
                       record->run_id, record->cell_id, record->time);
    if (record->median_ns == FB_NA || record->median_ns == 0)
        return fb_fail(err, FB_EFORMAT, "run %s, cell %s: there is no time in median_ns",
                       record->run_id, record->cell_id);
    if (!record->run_id[0] || !record->cell_id[0] || !record->machine[0])
        return fb_fail(err, FB_EFORMAT, "row %zu lacks run_id, cell_id or machine",
                       history->count + 1);
    return fb_history_records_add(history, record, err);
}

int fb_history_read(const char *path, struct fb_history *history, struct fb_error *err)
{
    struct fb_history_record row;
    *history = (struct fb_history){ 0 };
    memset(&row, 0, sizeof row);
    int rc = fb_csv_read(path, fb_history_columns, &row, take_record, history, err);
    if (rc) {
        free(history->items);
        *history = (struct fb_history){ 0 };
        if (!strstr(err->message, path))
            fb_fail_in(err, "%s", path);
    }
    return rc;
}

/* --- adding ----------------------------------------------------------------------------------- */

struct addition {
    const struct fb_history *run;
    char *there; /* the file as it is, or NULL */
    size_t length;
};

static int print_all(void *context, FILE *stream, struct fb_error *err)
{
    const struct addition *addition = context;
    (void)err;
    if (addition->there)
        fwrite(addition->there, 1, addition->length, stream);
    else
        fb_csv_write_header(stream, fb_history_columns);
    for (size_t i = 0; i < addition->run->count && !ferror(stream); i++)
        fb_csv_write_row(stream, fb_history_columns, &addition->run->items[i]);
    return 0;
}

/* Rows are added in the order of our columns, so that the file must have these. */
static int check_header(const char *path, const struct addition *addition, struct fb_error *err)
{
    char *header = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&header, &length);
    if (!stream)
        return fb_fail_memory(err, "a header");
    fb_csv_write_header(stream, fb_history_columns);
    fclose(stream);
    int rc = addition->length >= length && memcmp(addition->there, header, length) == 0
                 ? 0
                 : fb_fail(err, FB_EFORMAT,
                           "%s has not the columns that this program writes, in their order and "
                           "with LF behind: it can be shown, but nothing can be added to it",
                           path);
    free(header);
    return rc;
}

static int check_new(const char *path, const struct fb_history *run, struct fb_error *err)
{
    struct fb_history history;
    int rc = fb_history_read(path, &history, err);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < history.count; i++)
        if (strcmp(history.items[i].run_id, run->items[0].run_id) == 0)
            rc = fb_fail(err, FB_EUSAGE, "the run %s is in %s already", run->items[0].run_id, path);
    if (rc == 0 && run->count > FB_HISTORY_MAX - history.count)
        rc = fb_fail(err, FB_EUNSUPPORTED,
                     "%s would have more than %d rows: begin another history with -o", path,
                     FB_HISTORY_MAX);
    free(history.items);
    return rc;
}

/* The lock is on the folder: the file itself is replaced, and a file beside it would stay behind.
 * Where a file system has no locks, the last one wins, but the file is never half written. */
static int lock_folder(const char *path, int *out, struct fb_error *err)
{
    char *real = realpath(path, NULL), *copy = real ? real : strdup(path);
    if (!copy)
        return fb_fail_memory(err, "a file name");
    int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (descriptor < 0)
        return fb_fail_errno(err, "cannot open the folder of %s", path);
    for (int waited = 0; flock(descriptor, LOCK_EX | LOCK_NB) < 0; waited += STEP_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            break;
        if (waited >= WAIT_MS) {
            close(descriptor);
            return fb_fail(err, FB_EIO,
                           "another program has held the folder of %s for %d s; try again", path,
                           WAIT_MS / 1000);
        }
        nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
    }
    *out = descriptor;
    return 0;
}

int fb_history_append(const char *path, const struct fb_history *run, struct fb_error *err)
{
    struct addition addition = { .run = run };
    int lock = -1;
    int rc = lock_folder(path, &lock, err);
    if (rc == 0 && access(path, F_OK) == 0) {
        rc = check_new(path, run, err);
        if (rc == 0)
            rc = fb_read_file(path, FILE_MOST, &addition.there, &addition.length, err);
        if (rc == 0)
            rc = check_header(path, &addition, err);
    }
    if (rc == 0)
        rc = fb_output_write(path, print_all, &addition, err);
    free(addition.there);
    if (lock >= 0)
        close(lock);
    return rc;
}
