/* See stream.h. The socket is non-blocking and every wait is in poll, so that a deadline and a call
 * of stream_hurry are noticed wherever the other side keeps us waiting. */
#define _POSIX_C_SOURCE 200809L
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int64_t stream_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* For poll: -1 is for ever. */
static int ms_left(const struct stream* stream) {
    int64_t left;
    if (stream->deadline_ms == 0) return -1;
    left = stream->deadline_ms - stream_now_ms();
    if (left <= 0) return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

static int set_up(int descriptor) {
    const int flags = fcntl(descriptor, F_GETFL);
    return flags != -1 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != -1 &&
           fcntl(descriptor, F_SETFD, FD_CLOEXEC) != -1;
}

static enum stream_result connect_to(struct stream* stream, const struct sockaddr_un* address) {
    for (;;) {
        if (connect(stream->socket, (const struct sockaddr*)address, sizeof *address) == 0)
            return STREAM_OK;
        /* EAGAIN: the service's queue is full; such a socket tells nobody when it is no more. */
        if (errno != EAGAIN && errno != EINTR) return STREAM_LOST;
        if (ms_left(stream) == 0) return STREAM_LATE;
        (void)poll(NULL, 0, 10);
    }
}

enum stream_result stream_open(struct stream* stream, const char* path, int64_t deadline_ms) {
    struct sockaddr_un address;
    enum stream_result result = STREAM_LOST;
    int error;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    stream->socket = stream->hurry[0] = stream->hurry[1] = -1;
    stream->hurried = 0;
    stream->deadline_ms = deadline_ms;
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return STREAM_LOST;
    }
    memcpy(address.sun_path, path, strlen(path));
    stream->socket = socket(AF_UNIX, SOCK_STREAM, 0);
    if (stream->socket != -1 && pipe(stream->hurry) == 0 && set_up(stream->socket) &&
        set_up(stream->hurry[0]) && set_up(stream->hurry[1]))
        result = connect_to(stream, &address);
    if (result == STREAM_OK) return STREAM_OK;
    error = errno; /* the caller tells it */
    stream_close(stream);
    errno = error;
    return result;
}

void stream_close(struct stream* stream) {
    if (stream->socket != -1) close(stream->socket);
    if (stream->hurry[0] != -1) close(stream->hurry[0]);
    if (stream->hurry[1] != -1) close(stream->hurry[1]);
    stream->socket = stream->hurry[0] = stream->hurry[1] = -1;
}

static int was_hurried(struct stream* stream) {
    char octets[16];
    int any = 0;
    while (read(stream->hurry[0], octets, sizeof octets) > 0) any = 1;
    return any;
}

static enum stream_result wait_for(struct stream* stream, short events, int tell_hurry) {
    for (;;) {
        struct pollfd waiting[2];
        int ready;
        waiting[0].fd = stream->socket;
        waiting[0].events = events;
        waiting[1].fd = stream->hurry[0];
        waiting[1].events = POLLIN;
        waiting[0].revents = waiting[1].revents = 0;
        ready = poll(waiting, 2, ms_left(stream));
        if (ready == 0) return STREAM_LATE;
        if (ready < 0 && errno != EINTR) return STREAM_LOST;
        if (ready < 0) continue;
        if (waiting[1].revents != 0 && was_hurried(stream)) {
            stream->hurried = 1;
            if (stream->deadline_ms == 0)
                stream->deadline_ms = stream_now_ms() + STREAM_PATIENCE_MS;
            if (tell_hurry) return STREAM_HURRIED;
        }
        if (waiting[0].revents != 0) return STREAM_OK;
    }
}

void stream_begin(struct stream* stream) {
    (void)was_hurried(stream);
    stream->hurried = 0;
    stream->deadline_ms = 0;
}

enum stream_result stream_wait(struct stream* stream) { return wait_for(stream, POLLIN, 1); }

enum stream_result stream_write(struct stream* stream, const void* head, size_t head_size,
                                const void* tail, size_t tail_size) {
    struct iovec parts[2];
    size_t at = 0; /* the first part that is not sent whole */
    parts[0].iov_base = (void*)(uintptr_t)head;
    parts[0].iov_len = head_size;
    parts[1].iov_base = (void*)(uintptr_t)tail;
    parts[1].iov_len = tail_size;
    for (;;) {
        struct msghdr message;
        ssize_t sent;
        while (at < 2 && parts[at].iov_len == 0) ++at;
        if (at == 2) return STREAM_OK;
        memset(&message, 0, sizeof message);
        message.msg_iov = parts + at;
        message.msg_iovlen = 2 - at;
        sent = sendmsg(stream->socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            const enum stream_result waited = wait_for(stream, POLLOUT, 0);
            if (waited != STREAM_OK) return waited;
        } else if (sent < 0 && errno != EINTR) {
            return STREAM_LOST;
        }
        for (; sent > 0 && at < 2; ++at) {
            const size_t part = (size_t)sent < parts[at].iov_len ? (size_t)sent : parts[at].iov_len;
            parts[at].iov_base = (char*)parts[at].iov_base + part;
            parts[at].iov_len -= part;
            sent -= (ssize_t)part;
            if (parts[at].iov_len != 0) break;
        }
    }
}

enum stream_result stream_read(struct stream* stream, void* into, size_t size) {
    char* next = into;
    while (size > 0) {
        const ssize_t got = recv(stream->socket, next, size, 0);
        if (got > 0) {
            next += got;
            size -= (size_t)got;
        } else if (got == 0) {
            errno = EPIPE;
            return STREAM_LOST;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            const enum stream_result waited = wait_for(stream, POLLIN, 0);
            if (waited != STREAM_OK) return waited;
        } else if (errno != EINTR) {
            return STREAM_LOST;
        }
    }
    return STREAM_OK;
}

void stream_hurry(struct stream* stream) {
    const ssize_t ignored = write(stream->hurry[1], "", 1); /* a full pipe says it already */
    (void)ignored;
}
