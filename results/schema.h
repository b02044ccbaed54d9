/* The record schema for people: what `fmtbench schema` prints and SCHEMA.md holds. */
#ifndef FB_RESULTS_SCHEMA_H
#define FB_RESULTS_SCHEMA_H

#include <stdio.h>

/* Both tables as Markdown with their head: exactly the text of results/SCHEMA.md. */
void fb_schema_print(FILE *out);

#endif
