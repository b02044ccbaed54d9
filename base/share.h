/* What is shipped with the program beside its binary: plot scripts, the Python worker. */
#ifndef FB_BASE_SHARE_H
#define FB_BASE_SHARE_H

#include "base/error.h"

#include <stddef.h>

/* The path of a shipped file, given as it lies in the source tree ("plots/common.gp"). That of the
 * build tree goes before an installed one, so that a working copy uses its own. FB_EIO where there
 * is none. */
int fb_share_find(const char *name, char *path, size_t size, struct fb_error *err);

#endif
