/* Octets over a connected Unix-domain socket: whole reads and writes by one thread, that another
 * thread can tell to hurry. Knows no protocol. */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Why a step ended; 0 is success. */
enum stream_result {
    STREAM_OK = 0,
    STREAM_LOST,   /* the other side hung up, or the system failed: see errno */
    STREAM_LATE,   /* the deadline has passed */
    STREAM_HURRIED /* stream_wait alone: stream_hurry was called */
};

struct stream {
    int socket;
    int hurry[2];        /* a pipe: what arrives in it is stream_hurry's */
    int hurried;         /* something has arrived in it */
    int64_t deadline_ms; /* of stream_now_ms; 0: none */
};

/* What a hurried exchange still gets. The host waits 10 seconds for a cancelled call (P-5). */
enum { STREAM_PATIENCE_MS = 5000 };

int64_t stream_now_ms(void);

/* Connects to the socket at `path` before `deadline_ms`. On failure nothing is left open. */
enum stream_result stream_open(struct stream* stream, const char* path, int64_t deadline_ms);
void stream_close(struct stream* stream);

/* A new exchange: no deadline, and earlier calls of stream_hurry are forgotten. */
void stream_begin(struct stream* stream);
/* All of `head` and then all of `tail`. */
enum stream_result stream_write(struct stream* stream, const void* head, size_t head_size,
                                const void* tail, size_t tail_size);
/* Waits until there is something to read, or the other side has hung up, which reading tells. */
enum stream_result stream_wait(struct stream* stream);
/* Exactly `size` octets. */
enum stream_result stream_read(struct stream* stream, void* into, size_t size);

/* From any thread: the exchange that runs has STREAM_PATIENCE_MS from now on. */
void stream_hurry(struct stream* stream);

#endif
