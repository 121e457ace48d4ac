/* A transport plug-in in every shape that a host may meet, good and bad: one source, compiled once
 * for each STUB_VARIANT. What the good one carries, it carries to a function of the test. C, and nothing
 * of the project but the public header. */
#include "stub_plugin.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
static void pause_ms(unsigned ms) { Sleep(ms); }
#else
#include <time.h>
static void pause_ms(unsigned ms) {
    struct timespec time;
    time.tv_sec = ms / 1000;
    time.tv_nsec = (long)(ms % 1000) * 1000000L;
    nanosleep(&time, NULL);
}
#endif

static atomic_int cancelled;
static atomic_int released;
static atomic_int negotiations;

/* The test says where it is before the plug-in is loaded. */
static int32_t backend(enum stub_event event, void* connection, uint16_t opnum, const void* request,
                       size_t size, const ntdsb_reply* reply) {
#ifdef _WIN32
    char place[32] = "";
    if (GetEnvironmentVariableA(STUB_BACKEND, place, sizeof place) == 0)
        return NTDSB_TRANSPORT_COULD_NOT_CONNECT;
#else
    const char* const place = getenv(STUB_BACKEND);
    if (place == NULL) return NTDSB_TRANSPORT_COULD_NOT_CONNECT;
#endif
    return ((stub_backend)(uintptr_t)strtoull(place, NULL, 16))(event, connection, opnum, request,
                                                                size, reply);
}

NTDSB_TRANSPORT_EXPORT void NTDSB_TRANSPORT_CALL stub_reset(void) {
    cancelled = 0;
    released = 0;
}
NTDSB_TRANSPORT_EXPORT void NTDSB_TRANSPORT_CALL stub_release(void) { released = 1; }
NTDSB_TRANSPORT_EXPORT int NTDSB_TRANSPORT_CALL stub_negotiations(void) { return negotiations; }

/* --- Replies that are none */

static int32_t write_bytes(const ntdsb_reply* reply, const unsigned char* bytes, size_t size) {
    while (size > 0) {
        size_t lent = 0;
        void* memory = reply->lend(reply->context, size, &lent);
        if (memory == NULL) return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
        if (lent > size) lent = size;
        memcpy(memory, bytes, lent);
        reply->commit(reply->context, lent);
        bytes += lent;
        size -= lent;
    }
    return NTDSB_TRANSPORT_OK;
}

#if STUB_VARIANT == STUB_TWICE
/* A host of its own, which keeps what the backend writes. */
struct kept {
    unsigned char bytes[65536];
    size_t size;
};
static void* NTDSB_TRANSPORT_CALL keep_lend(void* context, size_t wanted, size_t* lent) {
    struct kept* kept = (struct kept*)context;
    size_t left = sizeof kept->bytes - kept->size;
    *lent = wanted < left ? wanted : left;
    return *lent == 0 ? NULL : kept->bytes + kept->size;
}
static void NTDSB_TRANSPORT_CALL keep_commit(void* context, size_t size) {
    ((struct kept*)context)->size += size;
}
static int32_t call_twice(void* connection, uint16_t opnum, const void* request, size_t size,
                          const ntdsb_reply* reply) {
    struct kept* kept = (struct kept*)calloc(1, sizeof *kept);
    ntdsb_reply keeping;
    int32_t code;
    if (kept == NULL) return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
    keeping.size = sizeof keeping;
    keeping.context = kept;
    keeping.lend = keep_lend;
    keeping.commit = keep_commit;
    code = backend(STUB_CALL, connection, opnum, request, size, &keeping);
    if (code == NTDSB_TRANSPORT_OK) code = write_bytes(reply, kept->bytes, kept->size);
    if (code == NTDSB_TRANSPORT_OK) code = write_bytes(reply, kept->bytes, kept->size);
    free(kept);
    return code;
}
#endif

static int32_t answer(void* connection, uint16_t opnum, const void* request, size_t size,
                      const ntdsb_reply* reply) {
#if STUB_VARIANT == STUB_RUBBISH
    unsigned char rubbish[100];
    (void)connection, (void)opnum, (void)request, (void)size;
    memset(rubbish, 0xA5, sizeof rubbish);
    return write_bytes(reply, rubbish, sizeof rubbish);
#elif STUB_VARIANT == STUB_NOTHING
    (void)connection, (void)opnum, (void)request, (void)size, (void)reply;
    return NTDSB_TRANSPORT_OK;
#elif STUB_VARIANT == STUB_TOO_MUCH /* as long as the host takes any */
    size_t lent = 0;
    void* memory;
    (void)connection, (void)opnum, (void)request, (void)size;
    while ((memory = reply->lend(reply->context, 65536, &lent)) != NULL) {
        memset(memory, 0, lent);
        reply->commit(reply->context, lent);
    }
    return NTDSB_TRANSPORT_OK;
#elif STUB_VARIANT == STUB_OVERCOMMIT
    size_t lent = 0;
    int32_t code = backend(STUB_CALL, connection, opnum, request, size, reply);
    reply->lend(reply->context, 1, &lent);
    reply->commit(reply->context, lent + 1000000);
    return code;
#elif STUB_VARIANT == STUB_TWICE
    return call_twice(connection, opnum, request, size, reply);
#elif STUB_VARIANT == STUB_LOST
    (void)connection, (void)opnum, (void)request, (void)size, (void)reply;
    return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
#elif STUB_VARIANT == STUB_NEVER || STUB_VARIANT == STUB_UNTIL_CANCELLED
    if (size >= STUB_STUCK_SIZE) {
        while (!released && !(STUB_VARIANT == STUB_UNTIL_CANCELLED && cancelled)) pause_ms(5);
        return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
    }
    return backend(STUB_CALL, connection, opnum, request, size, reply);
#else
    return backend(STUB_CALL, connection, opnum, request, size, reply);
#endif
}

/* --- The table */

static int32_t NTDSB_TRANSPORT_CALL connect_stub(const ntdsb_target* target, void** connection,
                                                 char* error, size_t error_size) {
#if STUB_VARIANT == STUB_REFUSING
    static const char why[] = "nobody is \x1b[31mhome\x1b[0m";
    (void)target, (void)connection;
    if (error_size >= sizeof why) memcpy(error, why, sizeof why);
    return NTDSB_TRANSPORT_COULD_NOT_CONNECT;
#elif STUB_VARIANT == STUB_REFUSING_AT_LENGTH /* without an end */
    (void)target, (void)connection;
    memset(error, 'x', error_size);
    return 12345;
#else
    (void)error, (void)error_size;
#if STUB_VARIANT == STUB_SLOW
    pause_ms(300);
#endif
    *connection = NULL;
    return backend(STUB_CONNECT, connection, 0, target, target->size, NULL);
#endif
}

static int32_t NTDSB_TRANSPORT_CALL call_stub(void* connection, uint16_t opnum, const void* request,
                                              size_t size, const ntdsb_reply* reply) {
#if STUB_VARIANT == STUB_SLOW
    pause_ms(100);
#endif
    return answer(connection, opnum, request, size, reply);
}

static void NTDSB_TRANSPORT_CALL cancel_stub(void* connection) {
    cancelled = 1;
    backend(STUB_CANCEL, connection, 0, NULL, 0, NULL);
}

static void NTDSB_TRANSPORT_CALL disconnect_stub(void* connection) {
    backend(STUB_DISCONNECT, connection, 0, NULL, 0, NULL);
}

static const ntdsb_transport table = {
#if STUB_VARIANT == STUB_SHORT_TABLE
    (uint32_t)offsetof(ntdsb_transport, disconnect),
#else
    (uint32_t)sizeof(ntdsb_transport),
#endif
#if STUB_VARIANT == STUB_TOO_OLD
    0,
#elif STUB_VARIANT == STUB_TOO_NEW
    NTDSB_TRANSPORT_VERSION + 1,
#else
    NTDSB_TRANSPORT_VERSION,
#endif
    connect_stub,
#if STUB_VARIANT == STUB_HOLE
    NULL,
#else
    call_stub,
#endif
    cancel_stub,
    disconnect_stub};

#if STUB_VARIANT == STUB_NO_SYMBOL
NTDSB_TRANSPORT_EXPORT const ntdsb_transport* NTDSB_TRANSPORT_CALL
some_other_symbol(uint32_t oldest, uint32_t newest)
#else
NTDSB_TRANSPORT_EXPORT const ntdsb_transport* NTDSB_TRANSPORT_CALL
ntdsb_transport_negotiate(uint32_t oldest, uint32_t newest)
#endif
{
    ++negotiations;
#if STUB_VARIANT == STUB_UNWILLING
    (void)oldest, (void)newest, (void)table;
    return NULL;
#else
    (void)oldest, (void)newest;
    return &table;
#endif
}
