/* A catalog as JSON, as it stands in manifests and in the header of `raw` files:
 *
 *   {"samples": [{"path": "sample_000", "name": "001"}, ...],
 *    "arrays": [{"path": "sample_000/expert/face", "sample": 0, "dtype": "float32",
 *                "shape": [2851, 68, 2]}, ...]}
 *
 * Users add members of their own to the object and to the arrays' objects. */
#ifndef FB_DATASETS_CATALOG_JSON_H
#define FB_DATASETS_CATALOG_JSON_H

#include "datasets/catalog.h"

#include <jansson.h>

/* A new object in *out, which the caller json_decref()s; arrays in catalog order. Skipped arrays
 * are left out. FB_EUNSUPPORTED for names that are not UTF-8. */
int fb_catalog_to_json(const struct fb_catalog *catalog, json_t **out, struct fb_error *err);

/* Parses text of which nothing is known; `where` names it in messages (a file). Duplicate keys are
 * refused. The caller json_decref()s *out. */
int fb_json_parse(const char *text, size_t length, const char *where, json_t **out,
                  struct fb_error *err);

/* Fills *out (zeroed) and finishes it. Everything is checked: types, ranges, that no path comes
 * twice. On failure nothing is left to free. */
int fb_catalog_from_json(const json_t *root, const char *where, struct fb_catalog *out,
                         struct fb_error *err);

/* False for anything but an integer that is not negative. */
bool fb_json_u64(const json_t *value, uint64_t *out);

#endif
