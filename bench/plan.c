#include "bench/plan.h"
#include "base/number.h"
#include "base/output.h"
#include "bench/mean.h"
#include "bench/sample.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A plan is held in memory and gone through in every iteration. */
#define REQUESTS_MAX 1000000
/* What is read for a mean begins on a cache line, as a fresh buffer would. */
#define ALIGNMENT 64

static const char *const op_names[] = {
    [FB_OP_READ] = "read",
    [FB_OP_LOAD] = "load",
    [FB_OP_MEAN] = "mean",
    [FB_OP_SAMPLE] = "sample",
    [FB_OP_CATALOG] = "catalog",
    [FB_OP_SEARCH_RANGE] = "search-range",
    [FB_OP_SEARCH_NAME] = "search-name",
    [FB_OP_WRITE] = "write",
};

#define OP_COUNT (sizeof op_names / sizeof *op_names)

static void request_free(struct fb_request *request)
{
    free(request->array);
    free(request->sample);
    free(request->name);
}

void fb_plan_free(struct fb_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        request_free(&plan->requests[i]);
    free(plan->requests);
    *plan = (struct fb_plan){ 0 };
}

static bool copy_text(const char *from, char **to)
{
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

int fb_plan_add(struct fb_plan *plan, const struct fb_request *request, struct fb_error *err)
{
    if (plan->count >= REQUESTS_MAX)
        return fb_fail(err, FB_EUSAGE,
                       "the plan has more than %d requests; ask for a smaller n= or "
                       "a larger window=",
                       REQUESTS_MAX);
    if ((plan->count & (plan->count - 1)) == 0) {
        size_t capacity = plan->count ? plan->count * 2 : 1;
        struct fb_request *grown = reallocarray(plan->requests, capacity, sizeof *grown);
        if (!grown)
            return fb_fail_memory(err, "a plan");
        plan->requests = grown;
    }
    struct fb_request copy = *request;
    copy.array = copy.sample = copy.name = NULL;
    if (!copy_text(request->array, &copy.array) || !copy_text(request->sample, &copy.sample) ||
        !copy_text(request->name, &copy.name)) {
        request_free(&copy);
        return fb_fail_memory(err, "a plan");
    }
    plan->requests[plan->count++] = copy;
    return 0;
}

/* Of a slab whose bytes can be counted; of a mean, one of a row or more. A mean of rows that no
 * memory holds has INT64_MAX bytes, and no ring has room for it. */
static uint64_t delivered_bytes(const struct fb_request *request)
{
    uint64_t bytes = fb_request_slab_bytes(request);
    if (request->op == FB_OP_SAMPLE)
        return fb_sample_bytes(request);
    if (request->op != FB_OP_MEAN)
        return bytes;
    uint64_t width = bytes / request->count[0] / request->dtype.size;
    return width < INT64_MAX / sizeof(double) ? width * sizeof(double) : INT64_MAX;
}

int fb_plan_add_slab(struct fb_plan *plan, enum fb_op op, const struct fb_array_info *array,
                     const uint64_t *start, const uint64_t *count, struct fb_error *err)
{
    struct fb_request request = {
        .op = op,
        .array = array->path,
        .dtype = array->dtype,
        .rank = array->rank,
    };
    if (start)
        memcpy(request.start, start, array->rank * sizeof *start);
    memcpy(request.count, count ? count : array->dims, array->rank * sizeof *request.count);
    request.bytes = delivered_bytes(&request);
    return fb_plan_add(plan, &request, err);
}

int fb_plan_of_catalog(const struct fb_catalog *catalog, struct fb_plan *out, struct fb_error *err)
{
    *out = (struct fb_plan){ 0 };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < catalog->array_count; i++) {
        const struct fb_array_info *array = &catalog->arrays[i];
        struct fb_request request = {
            .op = FB_OP_WRITE,
            .array = array->path,
            .dtype = array->dtype,
            .rank = array->rank,
            .bytes = array->bytes,
            .sample = catalog->samples[array->sample].path,
            .name = catalog->samples[array->sample].name,
        };
        memcpy(request.count, array->dims, sizeof request.count);
        rc = fb_plan_add(out, &request, err);
    }
    if (rc)
        fb_plan_free(out);
    return rc;
}

int fb_plan_retype(const struct fb_plan *plan, const struct fb_catalog *catalog,
                   struct fb_plan *out, struct fb_error *err)
{
    *out = (struct fb_plan){ .one_buffer = plan->one_buffer, .loading = plan->loading };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->count; i++) {
        struct fb_request request = plan->requests[i];
        if (fb_request_is_slab(&request)) {
            const struct fb_array_info *array = fb_catalog_find(catalog, request.array);
            if (!array || array->rank != request.rank) {
                rc = fb_fail(err, FB_EFORMAT, "the file has no array %s like the dataset's",
                             request.array);
                break;
            }
            request.dtype = array->dtype;
            rc = fb_slab_check(array, request.start, request.count, err);
            request.bytes = delivered_bytes(&request);
        }
        if (rc == 0)
            rc = fb_plan_add(out, &request, err);
    }
    if (rc)
        fb_plan_free(out);
    return rc;
}

bool fb_request_is_search(const struct fb_request *request)
{
    return request->op == FB_OP_SEARCH_RANGE || request->op == FB_OP_SEARCH_NAME;
}

bool fb_request_is_slab(const struct fb_request *request)
{
    return request->op == FB_OP_READ || request->op == FB_OP_LOAD || request->op == FB_OP_MEAN ||
           request->op == FB_OP_SAMPLE || request->op == FB_OP_WRITE;
}

uint64_t fb_request_slab_bytes(const struct fb_request *request)
{
    uint64_t bytes = request->dtype.size;
    for (unsigned i = 0; i < request->rank; i++)
        bytes *= request->count[i];
    return bytes;
}

uint64_t fb_request_ring_bytes(const struct fb_request *request)
{
    if (request->op == FB_OP_READ || request->op == FB_OP_SAMPLE)
        return request->bytes;
    if (request->op != FB_OP_MEAN)
        return 0;
    uint64_t slab = fb_request_slab_bytes(request);
    if (slab > INT64_MAX / 4 || request->bytes > INT64_MAX / 4)
        return INT64_MAX;
    return (request->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + slab;
}

struct fb_query fb_request_query(const struct fb_request *request)
{
    return (struct fb_query){
        .array = request->array,
        .axis = request->axis,
        .min = request->min,
        .max = request->max,
        .name = request->op == FB_OP_SEARCH_NAME ? request->name : NULL,
    };
}

size_t fb_plan_calls(const struct fb_plan *plan)
{
    size_t calls = 0;
    for (size_t i = 0; i < plan->count; i++)
        calls += !plan->requests[i].joined;
    return calls;
}

uint64_t fb_plan_bytes(const struct fb_plan *plan)
{
    uint64_t total = 0;
    for (size_t i = 0; i < plan->count; i++)
        total += plan->requests[i].bytes;
    return total;
}

uint64_t fb_plan_asked_bytes(const struct fb_plan *plan)
{
    uint64_t total = 0;
    for (size_t i = 0; i < plan->count; i++)
        total += fb_request_is_slab(&plan->requests[i]) ? fb_request_slab_bytes(&plan->requests[i])
                                                        : plan->requests[i].bytes;
    return total;
}

uint64_t fb_plan_largest(const struct fb_plan *plan)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (fb_request_ring_bytes(&plan->requests[i]) > largest)
            largest = fb_request_ring_bytes(&plan->requests[i]);
    return largest;
}

/* --- CSV -------------------------------------------------------------------------------------- */

enum field { OP, ARRAY, DTYPE, START, COUNT, AXIS, MIN, MAX, SAMPLE, NAME, JOINED, FIELDS };

static const char header[] = "op,array,dtype,start,count,axis,min,max,sample,name,joined";

static void print_text(FILE *stream, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stream);
        return;
    }
    putc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', stream);
        putc(*text, stream);
    }
    putc('"', stream);
}

static void print_numbers(FILE *stream, const uint64_t *numbers, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fprintf(stream, "%s%" PRIu64, i ? " " : "", numbers[i]);
}

static void print_request(FILE *stream, const struct fb_request *request)
{
    char dtype[FB_DTYPE_NAME_MAX];
    bool search = fb_request_is_search(request), slab = fb_request_is_slab(request);
    fprintf(stream, "%s,", op_names[request->op]);
    print_text(stream, request->array);
    fprintf(stream, ",%s,", !slab ? "" : fb_dtype_name(request->dtype, dtype, sizeof dtype));
    print_numbers(stream, request->start, request->rank);
    putc(',', stream);
    print_numbers(stream, request->count, request->rank);
    if (search)
        fprintf(stream, ",%u,%" PRIu64 ",%" PRIu64 ",", request->axis, request->min, request->max);
    else if (request->op == FB_OP_SAMPLE)
        fprintf(stream, ",,,%" PRIu64 ",", request->max);
    else
        fputs(",,,,", stream);
    print_text(stream, request->sample ? request->sample : "");
    putc(',', stream);
    print_text(stream, request->name ? request->name : "");
    fputs(request->joined ? ",1" : ",", stream);
}

static int print_plan(void *context, FILE *stream, struct fb_error *err)
{
    const struct fb_plan *plan = context;
    (void)err;
    fprintf(stream, "%s\n", header);
    for (size_t i = 0; i < plan->count; i++) {
        print_request(stream, &plan->requests[i]);
        putc('\n', stream);
    }
    return 0;
}

int fb_plan_write(const struct fb_plan *plan, const char *path, struct fb_error *err)
{
    return fb_output_write(path, print_plan, (void *)plan, err);
}

void fb_plan_print_header(FILE *stream)
{
    fprintf(stream, "workload,workload_options,request,%s,bytes,hash\n", header);
}

void fb_plan_print(FILE *stream, const char *workload, const char *options,
                   const struct fb_plan *plan, const struct fb_hash *hashes)
{
    for (size_t i = 0; i < plan->count; i++) {
        fprintf(stream, "%s,", workload);
        print_text(stream, options);
        fprintf(stream, ",%zu,", i);
        print_request(stream, &plan->requests[i]);
        fprintf(stream, ",%" PRIu64 ",%s\n", plan->requests[i].bytes, hashes ? hashes[i].hex : "");
    }
}

/* Cuts the next record of `*text` into exactly FIELDS fields in place; quotes are undone. */
static bool split_record(char **text, char *fields[FIELDS])
{
    char *in = *text;
    for (size_t i = 0; i < FIELDS; i++) {
        char *out = fields[i] = in;
        if (*in == '"') {
            in++;
            while (*in && (*in != '"' || in[1] == '"')) {
                in += *in == '"';
                *out++ = *in++;
            }
            if (*in++ != '"')
                return false;
        } else {
            while (*in && *in != ',' && *in != '\n')
                *out++ = *in++;
        }
        if (*in != (i + 1 < FIELDS ? ',' : '\n'))
            return false;
        in++;
        *out = '\0';
    }
    *text = in;
    return true;
}

static bool parse_numbers(const char *text, uint64_t *numbers, unsigned *n)
{
    char item[24];
    for (*n = 0; *text; (*n)++) {
        size_t length = strcspn(text, " ");
        if (*n == FB_MAX_RANK || length >= sizeof item)
            return false;
        memcpy(item, text, length);
        item[length] = '\0';
        if (!fb_parse_u64(item, &numbers[*n]))
            return false;
        text += length + (text[length] == ' ');
    }
    return true;
}

static bool parse_op(const char *text, enum fb_op *op)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (strcmp(op_names[i], text) == 0) {
            *op = (enum fb_op)i;
            return true;
        }
    }
    return false;
}

/* The rows of a sample, of which the first are read. */
static bool parse_sample(char *fields[FIELDS], struct fb_request *request)
{
    return request->rank > 0 && request->start[0] == 0 &&
           fb_parse_u64(fields[MAX], &request->max) && request->count[0] <= request->max &&
           fb_sample_bytes(request) < INT64_MAX;
}

/* dtype, start and count; checks that the bytes can be counted. */
static bool parse_slab(char *fields[FIELDS], struct fb_request *request)
{
    unsigned rank;
    if (!fb_dtype_parse(fields[DTYPE], &request->dtype) ||
        !parse_numbers(fields[START], request->start, &rank) ||
        !parse_numbers(fields[COUNT], request->count, &request->rank) || rank != request->rank)
        return false;
    uint64_t bytes = request->dtype.size;
    for (unsigned i = 0; i < rank; i++)
        if (!fb_mul_u64(bytes, request->count[i], &bytes) || bytes > INT64_MAX)
            return false;
    if (request->op == FB_OP_MEAN &&
        (rank == 0 || request->count[0] == 0 || !fb_mean_possible(request->dtype)))
        return false;
    if (request->op == FB_OP_SAMPLE && !parse_sample(fields, request))
        return false;
    request->bytes = delivered_bytes(request);
    return true;
}

static bool all_empty(char *fields[FIELDS], size_t first)
{
    while (first < FIELDS && !*fields[first])
        first++;
    return first == FIELDS;
}

/* The fields after the operation's name. */
static bool parse_request(char *fields[FIELDS], struct fb_request *request)
{
    uint64_t axis;
    request->array = fields[ARRAY];
    request->name = fields[NAME];
    request->sample = fields[SAMPLE];
    request->joined = strcmp(fields[JOINED], "1") == 0;
    if (*fields[JOINED] && !request->joined)
        return false;
    if (fb_request_is_search(request)) {
        if (!fb_parse_u64(fields[AXIS], &axis) || axis >= FB_MAX_RANK ||
            !fb_parse_u64(fields[MIN], &request->min) || !fb_parse_u64(fields[MAX], &request->max))
            return false;
        request->axis = (unsigned)axis;
        return true;
    }
    if (request->op == FB_OP_CATALOG)
        return all_empty(fields, ARRAY);
    return parse_slab(fields, request);
}

int fb_plan_read(const char *path, struct fb_plan *out, struct fb_error *err)
{
    char *data = NULL;
    size_t length;
    *out = (struct fb_plan){ 0 };
    int rc = fb_read_file(path, SIZE_MAX / 2, &data, &length, err);
    if (rc)
        return rc;
    char *text = data;
    size_t line = 1;
    if (strncmp(text, header, sizeof header - 1) != 0 || text[sizeof header - 1] != '\n') {
        rc = fb_fail(err, FB_EFORMAT, "%s:1: not a plan: the header is not '%s'", path, header);
        goto out;
    }
    for (text += sizeof header; rc == 0 && text < data + length;) {
        char *fields[FIELDS];
        struct fb_request request = { 0 };
        line++;
        if (!split_record(&text, fields) || !parse_op(fields[OP], &request.op) ||
            !parse_request(fields, &request) || (request.joined && out->count == 0))
            rc = fb_fail(err, FB_EFORMAT, "%s:%zu: not a row of a plan", path, line);
        else
            rc = fb_plan_add(out, &request, err);
    }
    if (rc)
        fb_plan_free(out);
out:
    free(data);
    return rc;
}
