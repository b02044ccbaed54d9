#include "base/share.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#ifndef FB_SHARE_DIR
#define FB_SHARE_DIR "/usr/local/share/fmtbench"
#endif

int fb_share_find(const char *name, char *path, size_t size, struct fb_error *err)
{
    /* Seen from the binary: in the source tree above it (build/, build/asan/tests/unit/ ...), or
     * from PREFIX/bin/. */
    static const char *const places[] = {
        ".", "..", "../..", "../../..", "../../../..", "../share/fmtbench",
    };
    char exe[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (length > 0) {
        exe[length] = '\0';
        const char *beside = dirname(exe);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            if ((size_t)snprintf(path, size, "%s/%s/%s", beside, places[i], name) < size &&
                access(path, R_OK) == 0)
                return 0;
    }
    if ((size_t)snprintf(path, size, "%s/%s", FB_SHARE_DIR, name) < size && access(path, R_OK) == 0)
        return 0;
    return fb_fail(err, FB_EIO,
                   "%s is neither beside the program nor in %s: `make install` puts it there", name,
                   FB_SHARE_DIR);
}
