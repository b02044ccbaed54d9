/* What reading cost beside time: of this process, and of the whole machine meanwhile. What a kernel
 * does not tell is FB_NA. */
#ifndef FB_BENCH_COUNTERS_H
#define FB_BENCH_COUNTERS_H

#include <jansson.h>
#include <stdint.h>

/* Of a process: sums since its start, or between two readings. All uint64_t. */
struct fb_counters {
    uint64_t read_bytes, read_calls; /* of read system calls: rchar and syscr of /proc/self/io */
    uint64_t device_bytes;           /* fetched from the device: read_bytes of /proc/self/io */
    uint64_t minor_faults, major_faults;
    uint64_t user_ns, system_ns; /* their sum is exact, the parts are split by the kernel's ticks */
};

struct fb_counter_name {
    const char *name; /* in messages of the worker protocol */
    size_t offset;
};
/* The members, ended by a row without a name. */
extern const struct fb_counter_name fb_counter_names[];

/* Accounts for spans of this process, with the whole life of children whose end it has waited for
 * in a span; the cost of reading the counters themselves is taken off. */
struct fb_meter {
    int fd;             /* /proc/self/io, or -1 */
    uint64_t own_bytes; /* of the reading that began the span */
    struct fb_counters begun, sum;
};

void fb_meter_open(struct fb_meter *meter);
void fb_meter_close(struct fb_meter *meter);
/* Sum to zero. */
void fb_meter_reset(struct fb_meter *meter);
/* A span to add to the sum. NULL is accepted and does nothing. */
void fb_meter_begin(struct fb_meter *meter);
void fb_meter_end(struct fb_meter *meter);

/* What was counted lacks something: all of the sum is unknown. NULL is accepted. */
void fb_meter_spoil(struct fb_meter *meter);

/* {"read_bytes":N, ...} without what is not known; and back, missing members FB_NA. */
json_t *fb_counters_message(const struct fb_counters *counters);
void fb_counters_parse(const json_t *message, struct fb_counters *out);
/* Adds; FB_NA where either is. */
void fb_counters_add(struct fb_counters *sum, const struct fb_counters *more);

/* Of the whole machine, since its start. */
struct fb_machine_time {
    uint64_t steal_ns;    /* taken by the host: /proc/stat, in ticks */
    uint64_t pressure_ns; /* somebody waited for a processor: /proc/pressure/cpu */
};
void fb_machine_time(struct fb_machine_time *out);
/* b - a, FB_NA where either is or time ran backwards. */
uint64_t fb_counter_difference(uint64_t a, uint64_t b);

#endif
