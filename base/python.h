/* A Python interpreter that has what a script of ours imports. */
#ifndef FB_BASE_PYTHON_H
#define FB_BASE_PYTHON_H

#include "base/error.h"

#include <stddef.h>

/* The name of the first of $PYTHON (alone, where it is set), python3 and /usr/bin/python3 that
 * has all of `modules` ("numpy, h5py"). FB_EUNSUPPORTED, with what to install, where none does;
 * `what` is what needs it ("format pickle"). Takes some hundredths of a second. */
int fb_python_find(const char *modules, const char *what, char *python, size_t size,
                   struct fb_error *err);

#endif
