#include "base/python.h"
#include "base/process.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Whether it has them, without the half second that importing them takes: whoever starts it next
 * pays for that, and says what is wrong with a broken one. */
static const char search[] =
    "import importlib.util, sys\n"
    "for name in sys.argv[1].replace(',', ' ').split():\n"
    "    if not importlib.util.find_spec(name): sys.exit(f\"No module named '{name}'\")\n";

/* 0 where it does; else how it failed. */
static int imports(const char *python, const char *modules, struct fb_error *err)
{
    const struct fb_process_limits limits = { UINT64_C(60000000000), UINT64_MAX };
    struct fb_process process;
    const char *const argv[] = { python, "-c", search, modules, NULL };
    int rc = fb_process_start(&process, argv, &limits, err);
    if (rc == 0)
        rc = fb_process_finish(&process, err);
    fb_process_close(&process);
    return rc;
}

/* "numpy, h5py" -> " python3-numpy python3-h5py", as Debian calls them. */
static void name_packages(const char *modules, char *text, size_t size)
{
    size_t used = 0;
    bool start = true;
    for (const char *p = modules; *p && used + 16 < size; p++) {
        if (*p == ',' || *p == ' ') {
            start = true;
            continue;
        }
        if (start)
            used += (size_t)snprintf(text + used, size - used, " python3-");
        start = false;
        text[used++] = *p;
    }
    text[used] = '\0';
}

int fb_python_find(const char *modules, const char *what, char *python, size_t size,
                   struct fb_error *err)
{
    const char *asked = getenv("PYTHON");
    const char *places[] = { asked && *asked ? asked : "python3", "/usr/bin/python3" };
    size_t count = asked && *asked ? 1 : 2;
    struct fb_error why;
    for (size_t i = 0; i < count; i++) {
        int rc = imports(places[i], modules, &why);
        if (rc == FB_EINTERRUPTED)
            return fb_fail(err, rc, "%s", why.message);
        if (rc == 0 && (size_t)snprintf(python, size, "%s", places[i]) < size)
            return 0;
    }
    char packages[256];
    name_packages(modules, packages, sizeof packages);
    return fb_fail(err, FB_EUNSUPPORTED,
                   "%s needs a Python 3 with %s (%s: %.200s); install it (Debian: apt-get install "
                   "python3%s), or name another interpreter in the variable PYTHON",
                   what, modules, places[0], why.message, packages);
}
