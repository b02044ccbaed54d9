/* What an HDF5 file holds that h5repack does not carry over into the file that it writes.
 *
 * Found by experiment with h5repack 1.10.8, and in the documentation:
 * - it fails or crashes at virtual datasets (writing one is writing to where its data lies);
 * - data in external files moves into the new file;
 * - a dataset with a filter that cannot be decoded here is left out, with exit code 0;
 * - references are updated in datasets of references, and in attributes that are references,
 *   arrays or lists of them, or records with them; deeper ones still lead into the old file;
 * - attributes with references are lost from committed types;
 * - comments are lost, and names of attributes are cut off at 254 bytes;
 * - relative external links are copied as they are, and lead elsewhere from another folder.
 * What is lost without being listed: the order in which attributes of groups were made, times of
 * change, and references to objects that have no name (they become null). Kept are user blocks,
 * committed types, dimension scales, hard, soft and external links, fill values, object and region
 * references. */
#ifndef FB_FORMATS_HDF5_SURVEY_H
#define FB_FORMATS_HDF5_SURVEY_H

#include "datasets/catalog.h"

#include <stdbool.h>

/* Lists each such object in out->skipped, with the reason in words that follow its path ("it is a
 * virtual dataset"). out is zeroed by the caller, who frees it. `elsewhere`: the new file lies in
 * another folder. FB_EFORMAT where the file cannot be walked, or nests groups too deeply for tools
 * that walk it recursively. */
int fb_hdf5_survey(const char *path, bool elsewhere, struct fb_catalog *out, struct fb_error *err);

#endif
