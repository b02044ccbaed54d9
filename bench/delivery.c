#include "bench/delivery.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Results start on cache lines, as a fresh buffer would. */
#define ALIGNMENT 64
/* What has been delivered is wiped: the right bytes of an earlier iteration must not pass for those
 * of a read that wrote nothing. */
#define POISON 0xa5

static size_t aligned(size_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int init(struct fb_delivery *delivery, uint64_t bytes, size_t requests, int fd,
                void *(*map)(size_t bytes), struct fb_error *err)
{
    *delivery = (struct fb_delivery){ .fd = fd };
    if (bytes > INT64_MAX - ALIGNMENT)
        return fb_fail(err, FB_EUSAGE, "a buffer of %llu bytes cannot be had",
                       (unsigned long long)bytes);
    delivery->capacity = aligned((size_t)bytes + 1);
    delivery->ring = map(delivery->capacity);
    delivery->pending = calloc(requests + 1, sizeof *delivery->pending);
    delivery->hashes =
        fd == FB_DELIVERY_HASH ? calloc(requests + 1, sizeof *delivery->hashes) : NULL;
    if (!delivery->ring || !delivery->pending || (fd == FB_DELIVERY_HASH && !delivery->hashes)) {
        fb_delivery_free(delivery);
        return fb_fail_memory(err, "the buffer that results are read into");
    }
    /* Page faults of a fresh buffer would cost more than many a read. */
    memset(delivery->ring, POISON, delivery->capacity);
    return 0;
}

int fb_delivery_init(struct fb_delivery *delivery, uint64_t bytes, size_t requests, int fd,
                     struct fb_error *err)
{
    return init(delivery, bytes, requests, fd, fb_memory_touched, err);
}

int fb_delivery_init_shared(struct fb_delivery *delivery, uint64_t bytes, size_t requests, int fd,
                            struct fb_error *err)
{
    return init(delivery, bytes, requests, fd, fb_memory_touched_shared, err);
}

void fb_delivery_free(struct fb_delivery *delivery)
{
    for (size_t i = 0; i < delivery->pending_count; i++)
        free(delivery->pending[i].owned);
    fb_memory_release(delivery->ring, delivery->capacity);
    free(delivery->pending);
    free(delivery->hashes);
    *delivery = (struct fb_delivery){ .fd = -1 };
}

bool fb_delivery_fits(const struct fb_delivery *delivery, uint64_t bytes)
{
    return bytes <= delivery->capacity - delivery->used;
}

void *fb_delivery_next(struct fb_delivery *delivery)
{
    return delivery->ring + delivery->used;
}

void fb_delivery_note(struct fb_delivery *delivery, size_t bytes)
{
    fb_delivery_note_outside(delivery, delivery->ring + delivery->used, bytes, NULL);
    size_t used = delivery->used + aligned(bytes);
    delivery->used = used < delivery->capacity ? used : delivery->capacity;
}

void fb_delivery_touch(struct fb_delivery *delivery, size_t bytes)
{
    if (delivery->used + bytes > delivery->touched)
        delivery->touched = delivery->used + bytes;
}

void fb_delivery_note_outside(struct fb_delivery *delivery, const void *data, size_t bytes,
                              void *owned)
{
    delivery->pending[delivery->pending_count++] = (struct fb_delivered){ data, bytes, owned };
}

static int pass_on(int fd, const struct fb_delivered *item, struct fb_error *err)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)item->bytes >> (8 * i));
    int rc = fb_write_all(fd, length, sizeof length, "delivered bytes", err);
    return rc ? rc : fb_write_all(fd, item->data, item->bytes, "delivered bytes", err);
}

int fb_delivery_flush(struct fb_delivery *delivery, struct fb_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < delivery->pending_count; i++) {
        struct fb_delivered *item = &delivery->pending[i];
        if (rc == 0 && delivery->fd >= 0)
            rc = pass_on(delivery->fd, item, err);
        else if (rc == 0 && delivery->fd == FB_DELIVERY_HASH)
            fb_hash_bytes(item->data, item->bytes, &delivery->hashes[delivery->hash_count++]);
        if (item->owned && delivery->fd != FB_DELIVERY_DROP)
            memset(item->owned, POISON, item->bytes);
        free(item->owned);
    }
    if (delivery->fd != FB_DELIVERY_DROP)
        memset(delivery->ring, POISON,
               delivery->used > delivery->touched ? delivery->used : delivery->touched);
    delivery->pending_count = 0;
    delivery->used = delivery->touched = 0;
    return rc;
}

int fb_write_all(int fd, const void *data, size_t bytes, const char *what, struct fb_error *err)
{
    const char *p = data;
    while (bytes > 0) {
        ssize_t n = write(fd, p, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fb_fail_errno(err, "cannot pass on %s", what);
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int fb_read_all(int fd, void *data, size_t bytes, const char *what, struct fb_error *err)
{
    char *p = data;
    while (bytes > 0) {
        ssize_t n = read(fd, p, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fb_fail_errno(err, "cannot take in %s", what);
        if (n == 0)
            return fb_fail(err, FB_EFORMAT, "%s ended early", what);
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}
