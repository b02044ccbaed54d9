/* The msgpack document: a list of samples, each a map of maps that follow the paths below it.
 *
 *   [{"@sample": {"path": "sample_000", "name": "001"},
 *     "expert": {"face": {"dtype": "float32", "shape": [2851, 68, 2], "data": bin}, ...}, ...},
 * ...]
 *
 * The reserved key comes first in each sample. A map is an array where its "data" is binary, and a
 * group of further maps otherwise. */
#ifndef FB_FORMATS_MSGPACK_INTERNAL_H
#define FB_FORMATS_MSGPACK_INTERNAL_H

#include "formats/indexed.h"

#define FB_MSGPACK_SAMPLE_KEY "@sample"
/* The library's unpacker holds at most 32 containers inside each other; the document adds a few. */
#define FB_MSGPACK_DEPTH_MAX 24

int fb_msgpack_create(const char *path, struct fb_source *source, const struct fb_options *options,
                      struct fb_error *err);

/* Unpacks the document at reader->base and finds its arrays there. */
int fb_msgpack_index(struct fb_reader *reader, struct fb_error *err);

#endif
