/* Which sample or array a person means. All errors are FB_EUSAGE and name the valid range and the
 * nearest name. */
#ifndef FB_BENCH_CLI_ADDRESS_H
#define FB_BENCH_CLI_ADDRESS_H

#include "datasets/catalog.h"

/* A sample by name, or else by path, or else by index from 0. */
int fb_address_sample(const struct fb_catalog *catalog, const char *text, size_t *out,
                      struct fb_error *err);

/* The error for a name that no sample has. */
int fb_address_no_sample(const struct fb_catalog *catalog, const char *text, struct fb_error *err);

/* The array SAMPLE/PERSON/FEATURE of a dataset in the NoXiRe shape. */
int fb_address_feature(const struct fb_catalog *catalog, const char *sample, const char *person,
                       const char *feature, const struct fb_array_info **out, struct fb_error *err);

#endif
