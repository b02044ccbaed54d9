#include "bench/environment.h"
#include "base/output.h"
#include "formats/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#ifndef FB_VERSION
#define FB_VERSION "0.1.0"
#endif
#ifndef FB_COMMIT
#define FB_COMMIT "n/a"
#endif
#ifndef FB_BUILD_FLAGS
#define FB_BUILD_FLAGS "n/a"
#endif

static void set_text(json_t *object, const char *key, const char *text)
{
    json_t *value = text && *text ? json_string(text) : NULL;
    json_object_set_new(object, key, value ? value : json_string("n/a"));
}

/* The first line of a small file, without its end; "" when there is none. */
static char *first_line(const char *path, char *buf, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file || !fgets(buf, (int)size, file))
        buf[0] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
    if (file)
        fclose(file);
    return buf;
}

static char *cpu_model(char *buf, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    buf[0] = '\0';
    while (file && !buf[0] && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(buf, size, "%s", colon + 2);
        }
    }
    if (file)
        fclose(file);
    return buf;
}

/* "ext4 on 254:0" from the mount that holds the path's device. */
static void filesystem(json_t *out, const char *path)
{
    char line[2048], device[64], type[64] = "", source[256] = "";
    struct stat st;
    if (stat(path, &st) < 0) {
        set_text(out, "filesystem", "");
        set_text(out, "device", "");
        return;
    }
    snprintf(device, sizeof device, "%u:%u", major(st.st_dev), minor(st.st_dev));
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    while (mounts && !type[0] && fgets(line, sizeof line, mounts)) {
        char number[64];
        char *dash = strstr(line, " - ");
        if (dash && sscanf(line, "%*s %*s %63s", number) == 1 && strcmp(number, device) == 0)
            sscanf(dash, " - %63s %255s", type, source);
    }
    if (mounts)
        fclose(mounts);
    set_text(out, "filesystem", type);
    set_text(out, "device", source);
}

static json_t *libraries(json_t *worker_libraries)
{
    json_t *out = json_object();
    for (size_t i = 0; fb_formats[i]; i++) {
        char version[64];
        if (fb_formats[i]->version)
            set_text(out, fb_formats[i]->name, fb_formats[i]->version(version, sizeof version));
    }
    if (worker_libraries)
        json_object_update(out, worker_libraries);
    return out;
}

static json_t *describe(const char *data_path, json_t *worker_libraries)
{
    json_t *out = json_object();
    char text[512];
    struct utsname host;
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    set_text(out, "time", text);
    set_text(out, "fmtbench", FB_VERSION);
    set_text(out, "commit", FB_COMMIT);
    set_text(out, "compiler", __VERSION__);
    set_text(out, "compiler_flags", FB_BUILD_FLAGS);
    set_text(out, "cpu", cpu_model(text, sizeof text));
    json_object_set_new(out, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    set_text(
        out, "governor",
        first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, sizeof text));
    json_object_set_new(out, "memory_bytes",
                        json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)));
    if (uname(&host) == 0) {
        snprintf(text, sizeof text, "%s %s %s", host.sysname, host.release, host.machine);
        set_text(out, "kernel", text);
    } else {
        set_text(out, "kernel", "");
    }
    set_text(out, "load", first_line("/proc/loadavg", text, sizeof text));
    filesystem(out, data_path);
    json_object_set_new(out, "libraries", libraries(worker_libraries));
    return out;
}

static int print_json(void *record, FILE *stream, struct fb_error *err)
{
    if (json_dumpf(record, stream, JSON_INDENT(2)) < 0 && !ferror(stream))
        return fb_fail_memory(err, "the environment record");
    putc('\n', stream);
    return 0;
}

int fb_environment_write(const char *path, const char *data_path, json_t *more,
                         json_t *worker_libraries, struct fb_error *err)
{
    json_t *record = describe(data_path, worker_libraries);
    json_object_set_new(record, "run", more);
    int rc = fb_output_write(path, print_json, record, err);
    json_decref(record);
    return rc;
}
