#include "bench/counters.h"
#include "bench/protocol.h"
#include "results/record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NAME(member)                                                                               \
    {                                                                                              \
#member, offsetof(struct fb_counters, member)                                              \
    }
const struct fb_counter_name fb_counter_names[] = {
    NAME(read_bytes),   NAME(read_calls), NAME(device_bytes), NAME(minor_faults),
    NAME(major_faults), NAME(user_ns),    NAME(system_ns),    { NULL, 0 },
};
#undef NAME

static uint64_t *counter(struct fb_counters *counters, size_t offset)
{
    return (uint64_t *)(void *)((char *)counters + offset);
}

static uint64_t value(const struct fb_counters *counters, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)counters + offset);
}

static const struct fb_counters unknown = { FB_NA, FB_NA, FB_NA, FB_NA, FB_NA, FB_NA, FB_NA };

/* The number behind "name: " in text; FB_NA where it is not. */
static uint64_t field(const char *text, const char *name)
{
    unsigned long long number;
    const char *at = strstr(text, name);
    return at && sscanf(at + strlen(name), " %llu", &number) == 1 ? number : FB_NA;
}

static uint64_t nanoseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

/* Of children that have ended too, as /proc/self/io has them. */
static void take_usage(struct fb_counters *out)
{
    struct rusage own, children;
    if (getrusage(RUSAGE_SELF, &own) != 0 || getrusage(RUSAGE_CHILDREN, &children) != 0)
        return;
    out->minor_faults = (uint64_t)(own.ru_minflt + children.ru_minflt);
    out->major_faults = (uint64_t)(own.ru_majflt + children.ru_majflt);
    out->user_ns = nanoseconds(own.ru_utime) + nanoseconds(children.ru_utime);
    out->system_ns = nanoseconds(own.ru_stime) + nanoseconds(children.ru_stime);
}

/* Returns the length of what it read itself, which the kernel adds to its count afterwards. */
static uint64_t take_io(int fd, struct fb_counters *out)
{
    char text[512];
    ssize_t length = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    out->read_bytes = field(text, "rchar:");
    out->read_calls = field(text, "syscr:");
    out->device_bytes = field(text, "\nread_bytes:");
    return (uint64_t)length;
}

uint64_t fb_counter_difference(uint64_t a, uint64_t b)
{
    return a == FB_NA || b == FB_NA || b < a ? FB_NA : b - a;
}

void fb_meter_open(struct fb_meter *meter)
{
    *meter = (struct fb_meter){ .fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC) };
}

void fb_meter_close(struct fb_meter *meter)
{
    if (meter->fd >= 0)
        close(meter->fd);
    meter->fd = -1;
}

void fb_meter_reset(struct fb_meter *meter)
{
    meter->sum = (struct fb_counters){ 0 };
}

void fb_meter_begin(struct fb_meter *meter)
{
    if (!meter)
        return;
    meter->begun = unknown;
    meter->own_bytes = take_io(meter->fd, &meter->begun);
    take_usage(&meter->begun);
}

void fb_meter_end(struct fb_meter *meter)
{
    struct fb_counters now = unknown, span = unknown;
    if (!meter)
        return;
    /* Nearest to the span: what takes processor time itself comes outside. */
    take_usage(&now);
    take_io(meter->fd, &now);
    for (const struct fb_counter_name *name = fb_counter_names; name->name; name++)
        *counter(&span, name->offset) =
            fb_counter_difference(value(&meter->begun, name->offset), value(&now, name->offset));
    /* The first reading counts itself only after it has been answered. */
    if (span.read_bytes != FB_NA && span.read_bytes >= meter->own_bytes)
        span.read_bytes -= meter->own_bytes;
    if (span.read_calls != FB_NA && span.read_calls > 0)
        span.read_calls--;
    fb_counters_add(&meter->sum, &span);
}

void fb_meter_spoil(struct fb_meter *meter)
{
    if (meter)
        meter->sum = unknown;
}

void fb_counters_add(struct fb_counters *sum, const struct fb_counters *more)
{
    for (const struct fb_counter_name *name = fb_counter_names; name->name; name++) {
        uint64_t *to = counter(sum, name->offset), add = value(more, name->offset);
        *to = *to == FB_NA || add == FB_NA ? FB_NA : *to + add;
    }
}

json_t *fb_counters_message(const struct fb_counters *counters)
{
    json_t *message = json_object();
    for (const struct fb_counter_name *name = fb_counter_names; name->name; name++)
        if (value(counters, name->offset) != FB_NA)
            json_object_set_new(message, name->name,
                                json_integer((json_int_t)value(counters, name->offset)));
    return message;
}

void fb_counters_parse(const json_t *message, struct fb_counters *out)
{
    *out = unknown;
    for (const struct fb_counter_name *name = fb_counter_names; name->name; name++)
        fb_message_uint(message, name->name, counter(out, name->offset));
}

/* --- the machine ------------------------------------------------------------------------------ */

static char *read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

void fb_machine_time(struct fb_machine_time *out)
{
    char text[1024];
    unsigned long long steal;
    long ticks = sysconf(_SC_CLK_TCK);
    *out = (struct fb_machine_time){ FB_NA, FB_NA };
    /* user nice system idle iowait irq softirq steal */
    if (ticks > 0 && sscanf(read_text("/proc/stat", text, sizeof text),
                            "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) == 1)
        out->steal_ns = steal * (UINT64_C(1000000000) / (uint64_t)ticks);
    uint64_t microseconds = field(read_text("/proc/pressure/cpu", text, sizeof text), "total=");
    if (microseconds != FB_NA)
        out->pressure_ns = microseconds * 1000;
}
