/* Walking a file's groups in natural order, each object once, whatever the file claims to be.
 *
 * A hard link is a path's own; an object with several counts at the first in that order. Whatever a
 * soft link reaches within the file has hard links, so a soft link is only looked at to tell
 * whether it dangles. The links to visit lie on a stack of our own, since a file may nest as deep
 * as it likes; paths are bounded, so that the sum of their lengths is. */
#include "base/interrupt.h"
#include "formats/hdf5/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES_MAX 4096
#define NO_NAME SIZE_MAX

struct link {
    char *name;
    H5L_type_t type;
};

struct links {
    struct link *items;
    size_t count;
};

struct visit {
    char *path;
    haddr_t address;
    bool is_group;
    size_t named; /* index of the nearest group with a sample name, or NO_NAME */
};

/* A group whose attribute `sample_name` makes it the sample of all arrays below it. */
struct named {
    char *path, *name;
};

struct walk {
    const struct fb_reader *reader;
    hid_t access; /* link access that refuses external links */
    struct fb_catalog *catalog;
    const struct fb_query *query; /* what cannot match it is not looked into; NULL: everything */
    bool has_sample_names;        /* root dataset of the NoXiRe layout, not an array */
    struct visit *stack;
    size_t stack_count;
    struct named *named;
    size_t named_count;
    haddr_t *seen; /* hash set; HADDR_UNDEF marks free slots */
    size_t seen_count, seen_capacity;
    struct fb_error *err;
};

/* Room for one more behind `count`; the capacity doubles at powers of two. False leaves *items. */
static bool grow(void **items, size_t count, size_t size)
{
    if (count & (count - 1))
        return true;
    void *grown = reallocarray(*items, count ? count * 2 : 1, size);
    if (grown)
        *items = grown;
    return grown != NULL;
}

static int no_memory(struct walk *walk)
{
    return fb_fail_memory(walk->err, "the catalog");
}

/* --- objects that were seen ------------------------------------------------------------------- */

static haddr_t *seen_slot(haddr_t *slots, size_t capacity, haddr_t address)
{
    size_t i = (size_t)(address * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (capacity - 1);
    while (slots[i] != HADDR_UNDEF && slots[i] != address)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

/* 1 when the object is new, 0 when not. */
static int see(struct walk *walk, haddr_t address)
{
    if (walk->seen_count * 2 >= walk->seen_capacity) {
        size_t capacity = walk->seen_capacity ? walk->seen_capacity * 2 : 64;
        haddr_t *slots = reallocarray(NULL, capacity, sizeof *slots);
        if (!slots)
            return no_memory(walk);
        for (size_t i = 0; i < capacity; i++)
            slots[i] = HADDR_UNDEF;
        for (size_t i = 0; i < walk->seen_capacity; i++)
            if (walk->seen[i] != HADDR_UNDEF)
                *seen_slot(slots, capacity, walk->seen[i]) = walk->seen[i];
        free(walk->seen);
        walk->seen = slots;
        walk->seen_capacity = capacity;
    }
    haddr_t *slot = seen_slot(walk->seen, walk->seen_capacity, address);
    if (*slot == address)
        return 0;
    *slot = address;
    walk->seen_count++;
    return 1;
}

/* --- links ------------------------------------------------------------------------------------ */

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    (void)group;
    struct links *links = context;
    void *items = links->items;
    char *copy = strdup(name);
    if (!copy || !grow(&items, links->count, sizeof *links->items)) {
        free(copy);
        return -1;
    }
    links->items = items;
    links->items[links->count++] = (struct link){ copy, info->type };
    return 0;
}

static void free_links(struct links *links)
{
    for (size_t i = 0; i < links->count; i++)
        free(links->items[i].name);
    free(links->items);
}

static int compare_links(const void *a, const void *b)
{
    return fb_natural_compare(((const struct link *)a)->name, ((const struct link *)b)->name);
}

static int skip(struct walk *walk, const char *path, const char *reason)
{
    return walk->query ? 0 : fb_catalog_skip(walk->catalog, path, reason, walk->err);
}

static int skip_why(struct walk *walk, const char *path, const char *what)
{
    char why[FB_HDF5_REASON_MAX], reason[FB_HDF5_REASON_MAX + 64];
    snprintf(reason, sizeof reason, "%s: %s", what, fb_hdf5_why(why, sizeof why));
    return skip(walk, path, reason);
}

/* An external link leads to a file that nobody named: no soft link may pass through it. */
static herr_t refuse_external(const char *parent_file, const char *parent_group,
                              const char *child_file, const char *child_object, unsigned *flags,
                              hid_t access, void *context)
{
    (void)parent_file, (void)parent_group, (void)child_file, (void)child_object;
    (void)flags, (void)access, (void)context;
    return -1;
}

/* A hard link, or a soft link that may dangle. */
static int push_link(struct walk *walk, hid_t group, const struct link *link, char **path,
                     size_t named)
{
    H5O_info_t info;
    bool hard = link->type == H5L_TYPE_HARD;
    if (H5Oget_info_by_name2(group, link->name, &info, H5O_INFO_BASIC, walk->access) < 0)
        return skip_why(walk, *path,
                        hard ? "its header cannot be read" : "soft link to nothing in this file");
    if (!hard || info.type == H5O_TYPE_NAMED_DATATYPE)
        return 0;
    if (info.type != H5O_TYPE_GROUP && info.type != H5O_TYPE_DATASET)
        return skip(walk, *path, "object of an unknown kind");
    void *items = walk->stack;
    if (!grow(&items, walk->stack_count, sizeof *walk->stack))
        return no_memory(walk);
    walk->stack = items;
    walk->stack[walk->stack_count++] =
        (struct visit){ *path, info.addr, info.type == H5O_TYPE_GROUP, named };
    *path = NULL;
    return 0;
}

static int take_link(struct walk *walk, hid_t group, const char *parent, const struct link *link,
                     size_t named)
{
    char *path;
    int rc;
    if (asprintf(&path, "%s%s%s", parent, *parent ? "/" : "", link->name) < 0)
        return no_memory(walk);
    if (!*link->name || strcmp(link->name, ".") == 0 || strchr(link->name, '/'))
        rc = skip(walk, path, "its name cannot be part of a path");
    else if (link->type == H5L_TYPE_EXTERNAL)
        rc = skip(walk, path, "external link: it leads to another file, and is not followed");
    else if (link->type != H5L_TYPE_HARD && link->type != H5L_TYPE_SOFT)
        rc = skip(walk, path, "link of an unknown kind");
    else if (strlen(path) > PATH_BYTES_MAX)
        rc = skip(walk, path, "its path is too long: groups are nested too deeply");
    else
        rc = push_link(walk, group, link, &path, named);
    free(path);
    return rc;
}

/* --- groups and datasets ---------------------------------------------------------------------- */

/* The index of a group's own sample name, or the inherited one. */
static int sample_name(struct walk *walk, hid_t group, const char *path, size_t *named)
{
    char *name = *path ? fb_hdf5_attribute_text(group, "sample_name") : NULL;
    if (!name)
        return 0;
    void *items = walk->named;
    char *copy = strdup(path);
    if (!copy || !grow(&items, walk->named_count, sizeof *walk->named)) {
        free(copy);
        free(name);
        return no_memory(walk);
    }
    walk->named = items;
    walk->named[walk->named_count] = (struct named){ copy, name };
    *named = walk->named_count++;
    return 0;
}

static int visit_group(struct walk *walk, hid_t group, const char *path, size_t named)
{
    struct links links = { 0 };
    hsize_t position = 0;
    size_t base = walk->stack_count;
    int rc = sample_name(walk, group, path, &named);
    if (rc)
        return rc;
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &position, add_link, &links) < 0)
        rc = *path ? skip_why(walk, path, "group that cannot be listed")
                   : fb_hdf5_fail(walk->err, FB_EFORMAT, "%s: the root group cannot be listed",
                                  walk->reader->path);
    if (links.count)
        qsort(links.items, links.count, sizeof *links.items, compare_links);
    for (size_t i = 0; rc == 0 && i < links.count; i++)
        rc = take_link(walk, group, path, &links.items[i], named);
    free_links(&links);
    /* The last is visited first. */
    for (size_t i = base, j = walk->stack_count; i + 1 < j; i++) {
        struct visit swap = walk->stack[i];
        walk->stack[i] = walk->stack[--j];
        walk->stack[j] = swap;
    }
    return rc;
}

/* Without a named group above it, an array's sample is its parent group. */
static const char *sample_path(const struct walk *walk, const struct visit *visit, char *parent)
{
    if (visit->named != NO_NAME)
        return walk->named[visit->named].path;
    const char *slash = strrchr(visit->path, '/');
    size_t length = slash ? (size_t)(slash - visit->path) : 0;
    memcpy(parent, visit->path, length);
    parent[length] = '\0';
    return parent;
}

static int visit_dataset(struct walk *walk, const struct visit *visit)
{
    char parent[PATH_BYTES_MAX + 1], reason[FB_HDF5_REASON_MAX];
    struct fb_hdf5_dataset look;
    const char *sample = sample_path(walk, visit, parent);
    const char *name = visit->named == NO_NAME ? sample : walk->named[visit->named].name;
    const struct fb_query *query = walk->query;
    if (walk->has_sample_names && strcmp(visit->path, "sample_names") == 0)
        return 0;
    if (query && (!fb_glob_match(query->array, visit->path) ||
                  (query->name && strcmp(query->name, name) != 0)))
        return 0;
    hid_t dataset = H5Oopen_by_addr(walk->reader->file, visit->address);
    if (dataset < 0)
        return skip_why(walk, visit->path, "it cannot be opened");
    int rc;
    if (!fb_hdf5_dataset_look(dataset, &look, reason, sizeof reason)) {
        rc = skip(walk, visit->path, reason);
    } else {
        rc = fb_catalog_add(walk->catalog, sample, name, visit->path, look.dtype, look.rank,
                            look.dims, walk->err);
        fb_hdf5_dataset_release(&look);
    }
    fb_hdf5_release(dataset);
    return rc;
}

static int visit_next(struct walk *walk)
{
    struct visit visit = walk->stack[--walk->stack_count];
    int rc = see(walk, visit.address);
    if (rc == 1 && visit.is_group) {
        hid_t group = H5Oopen_by_addr(walk->reader->file, visit.address);
        rc = group < 0 ? skip_why(walk, visit.path, "group that cannot be opened")
                       : visit_group(walk, group, visit.path, visit.named);
        fb_hdf5_release(group);
    } else if (rc == 1) {
        rc = visit_dataset(walk, &visit);
    }
    if (rc >= 0 && fb_interrupted())
        rc = fb_fail(walk->err, FB_EINTERRUPTED, "interrupted");
    free(visit.path);
    return rc;
}

static int walk_file(struct walk *walk)
{
    H5O_info_t info;
    hid_t root = H5Oopen(walk->reader->file, "/", H5P_DEFAULT);
    int rc;
    walk->access = H5Pcreate(H5P_LINK_ACCESS);
    if (H5Pset_elink_cb(walk->access, refuse_external, NULL) < 0 || root < 0 ||
        H5Oget_info2(root, &info, H5O_INFO_BASIC) < 0) {
        rc = fb_hdf5_fail(walk->err, FB_EFORMAT, "%s: the root group cannot be opened",
                          walk->reader->path);
    } else {
        walk->has_sample_names = H5Aexists(root, "num_samples") > 0;
        if (!walk->query)
            walk->catalog->description = fb_hdf5_attribute_text(root, "description");
        rc = see(walk, info.addr);
        if (rc == 1)
            rc = visit_group(walk, root, "", NO_NAME);
    }
    fb_hdf5_release(root);
    while (rc == 0 && walk->stack_count > 0)
        rc = visit_next(walk);
    while (walk->stack_count > 0)
        free(walk->stack[--walk->stack_count].path);
    for (size_t i = 0; i < walk->named_count; i++) {
        free(walk->named[i].path);
        free(walk->named[i].name);
    }
    fb_hdf5_release(walk->access);
    free(walk->named);
    free(walk->stack);
    free(walk->seen);
    H5Eclear2(H5E_DEFAULT);
    return rc ? rc : fb_catalog_finish(walk->catalog, walk->err);
}

int fb_hdf5_catalog(struct fb_reader *reader, struct fb_catalog *out, struct fb_error *err)
{
    struct walk walk = { .reader = reader, .catalog = out, .err = err };
    fb_trace_enter(reader->trace, FB_PART_LOOKUP);
    int rc = walk_file(&walk);
    fb_trace_leave(reader->trace);
    return rc;
}

int fb_hdf5_find(struct fb_reader *reader, const struct fb_query *query, struct fb_matches *out,
                 struct fb_error *err)
{
    /* A catalog of the arrays that may match gives the same answer as one of all. */
    struct fb_catalog catalog = { 0 };
    struct walk walk = { .reader = reader, .catalog = &catalog, .query = query, .err = err };
    fb_trace_enter(reader->trace, FB_PART_LOOKUP);
    int rc = fb_hdf5_find_in_layout(reader, query, out, err);
    if (rc > 0) {
        rc = walk_file(&walk);
        if (rc == 0)
            rc = fb_catalog_query(&catalog, query, out, err);
    }
    fb_catalog_free(&catalog);
    fb_trace_leave(reader->trace);
    if (rc == 0 && reader->trace)
        reader->trace->counts.asked_bytes += out->length;
    return rc;
}
