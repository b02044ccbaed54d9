/* What a worker does with the bytes it was asked for: collects them in a bounded ring while the
 * clock runs, and hashes them or passes them on while it stands. */
#ifndef FB_BENCH_DELIVERY_H
#define FB_BENCH_DELIVERY_H

#include "base/error.h"
#include "datasets/manifest.h"

#include <stdbool.h>
#include <stdint.h>

/* In place of a descriptor: hash the bytes, or drop them unseen, where a whole process is timed and
 * everything in it counts. */
#define FB_DELIVERY_HASH (-1)
#define FB_DELIVERY_DROP (-2)

struct fb_delivered {
    const void *data;
    size_t bytes;
    void *owned; /* the data's memory where it is to be wiped and freed after delivery; NULL when it
                    lies in the ring or in the reader */
};

struct fb_delivery {
    unsigned char *ring; /* touched before use */
    size_t capacity, used;
    size_t touched; /* bytes of the ring to be wiped; more than `used` where not all is delivered */
    struct fb_delivered *pending; /* in request order; room for every request of the plan */
    size_t pending_count;
    struct fb_hash *hashes; /* of this iteration, by request; NULL where they are not hashed */
    size_t hash_count;
    int fd; /* where bytes go, or one of the two above */
};

/* `bytes`: capacity of the ring. `requests`: how many an iteration has. `fd`: a descriptor to pass
 * bytes on to, FB_DELIVERY_HASH or FB_DELIVERY_DROP. */
int fb_delivery_init(struct fb_delivery *delivery, uint64_t bytes, size_t requests, int fd,
                     struct fb_error *err);
/* The same with a ring that is shared with processes forked later. */
int fb_delivery_init_shared(struct fb_delivery *delivery, uint64_t bytes, size_t requests, int fd,
                            struct fb_error *err);
void fb_delivery_free(struct fb_delivery *delivery);

/* True when `bytes` fit without a flush. */
bool fb_delivery_fits(const struct fb_delivery *delivery, uint64_t bytes);
/* Where the next `bytes` go; they fit. */
void *fb_delivery_next(struct fb_delivery *delivery);
/* Notes that `bytes` were written there. */
void fb_delivery_note(struct fb_delivery *delivery, size_t bytes);
/* Notes that `bytes` from there on were written for the sake of a result, of which only a beginning
 * is delivered; before that is noted. */
void fb_delivery_touch(struct fb_delivery *delivery, size_t bytes);
/* Notes data outside the ring, valid until the next flush; `owned` may be NULL. */
void fb_delivery_note_outside(struct fb_delivery *delivery, const void *data, size_t bytes,
                              void *owned);
/* Hashes, passes on or drops all that is pending and empties the ring. With the clock stopped. */
int fb_delivery_flush(struct fb_delivery *delivery, struct fb_error *err);

/* Writes all of it, going on after EINTR; FB_EIO with errno's text. */
int fb_write_all(int fd, const void *data, size_t bytes, const char *what, struct fb_error *err);
/* Reads exactly `bytes`; FB_EFORMAT when the stream ends before. */
int fb_read_all(int fd, void *data, size_t bytes, const char *what, struct fb_error *err);

#endif
