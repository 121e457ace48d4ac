/* The interface between ntdsbcli (the host) and a transport plug-in: a shared library that carries
 * encoded calls to a directory restore service. [transport.plugins.NAME] in the configuration names
 * the library, [transport.servers.NAME] which servers are reached through it.
 *
 * A plug-in moves bytes. It need not know any operation: an operation is a number, a request and a
 * reply, all defined by def/ntdsb.idl.
 *
 * Rules for the plug-in
 *   P-1  It exports one symbol, ntdsb_transport_negotiate. All functions use the platform's C
 *        calling convention (cdecl on x86) and let no C++ exception out.
 *   P-2  Threads: negotiate and connect may be called by several threads at once. The calls on one
 *        connection come one after another, from any threads. cancel may come from another thread
 *        while a call runs, or when none does. disconnect comes last and alone.
 *   P-3  connect returns within connect_timeout_ms, with a connection or a code.
 *   P-4  A request that the service may have received is not sent a second time: what is lost in
 *        mid-call fails with hrCommunicationError.
 *   P-5  After cancel the running call should return soon, with any outcome. The host's End waits
 *        10 seconds for that, then goes on without it; the connection stays until the call returns.
 *        Nobody else limits a call, End's own included: for a far end that is silent the plug-in
 *        has a limit of its own.
 *   P-6  The reply is written by lend and commit, in order, by the thread that the host called,
 *        and only until call returns. When lend gives NULL the call returns with a code.
 *   P-7  No pointer that the host passed is used after the function has returned, but for
 *        `connection`, which is the plug-in's own. Strings are UTF-8.
 *   P-8  The password is not logged, and not kept longer than it is needed.
 *
 * Rules for the host
 *   H-1  It loads the library by its absolute path, from folders that only administrators may write
 *        to, once in a process, and never unloads it.
 *   H-2  It negotiates first, and reads `size` and `version` of the table before anything else. It
 *        calls no function that lies beyond `size`.
 *   H-3  It calls disconnect once for each connection that connect gave, when no call runs.
 *   H-4  A reply that breaks P-6, or is no reply of the operation, is hrCommunicationError or a
 *        fault of the decoder for the caller; nothing of it is used.
 *   H-5  A later version of this interface only adds members at the ends of the structures. */
#ifndef NTDSB_TRANSPORT_H
#define NTDSB_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NTDSB_TRANSPORT_VERSION 1u

#ifdef _WIN32
#define NTDSB_TRANSPORT_CALL __cdecl
#define NTDSB_TRANSPORT_EXPORT __declspec(dllexport)
#else
#define NTDSB_TRANSPORT_CALL
#define NTDSB_TRANSPORT_EXPORT __attribute__((visibility("default")))
#endif

/* Codes that a plug-in returns; any other of ntdsbmsg.h or Win32 may be returned, too. */
#define NTDSB_TRANSPORT_OK ((int32_t)0)
#define NTDSB_TRANSPORT_COULD_NOT_CONNECT ((int32_t)0xC7FF0007)   /* hrCouldNotConnect */
#define NTDSB_TRANSPORT_COMMUNICATION_ERROR ((int32_t)0xC7FF000D) /* hrCommunicationError */

/* Where to, for whom, and which of the two interfaces of def/ntdsb.idl. */
typedef struct ntdsb_target {
    uint32_t size;               /* of this structure, as the host knows it */
    uint32_t interface_version;  /* 1: version 1.0 */
    uint8_t interface_uuid[16];  /* in NDR's little-endian order */
    const char *server;          /* the server's name, in lower case */
    const char *address;         /* `address` of [transport.servers.NAME]; "" if it has none */
    uint32_t connect_timeout_ms;
    const char *user;            /* of DsSetAuthIdentity; all three NULL: the process's own */
    const char *domain;
    const char *password;
} ntdsb_target;

/* Where a reply's bytes go (P-6). */
typedef struct ntdsb_reply {
    uint32_t size; /* of this structure, as the host knows it */
    void *context;
    /* Memory for the next bytes of the reply: at least one, at most `wanted`; `*lent` is how many.
     * NULL: the host takes no more of this reply. Valid until the next lend or commit. */
    void *(NTDSB_TRANSPORT_CALL *lend)(void *context, size_t wanted, size_t *lent);
    /* The first `size` bytes of the memory lent last are part of the reply now. */
    void (NTDSB_TRANSPORT_CALL *commit)(void *context, size_t size);
} ntdsb_reply;

/* What a plug-in can do. Static: it stays as it is while the process lives. */
typedef struct ntdsb_transport {
    uint32_t size;    /* sizeof(ntdsb_transport) as the plug-in was compiled */
    uint32_t version; /* of this interface that the plug-in speaks */

    /* One association with one interface of a service, in `*connection`. On failure a code, and in
     * `error` (of `error_size` bytes, NUL-terminated) what happened and what to do, for the log. */
    int32_t(NTDSB_TRANSPORT_CALL *connect)(const ntdsb_target *target, void **connection,
                                           char *error, size_t error_size);
    /* Carries one call. NTDSB_TRANSPORT_OK: the whole reply was written. */
    int32_t(NTDSB_TRANSPORT_CALL *call)(void *connection, uint16_t opnum, const void *request,
                                        size_t request_size, const ntdsb_reply *reply);
    /* Asks the running call to end early; without one it does nothing. */
    void(NTDSB_TRANSPORT_CALL *cancel)(void *connection);
    /* Ends the association; the service runs its sessions down. */
    void(NTDSB_TRANSPORT_CALL *disconnect)(void *connection);
} ntdsb_transport;

/* The plug-in's one exported symbol: its table in a version from `oldest` to `newest`, or NULL if
 * it speaks none of them. */
typedef const ntdsb_transport *(NTDSB_TRANSPORT_CALL *ntdsb_transport_negotiate_t)(uint32_t oldest,
                                                                                   uint32_t newest);
#define NTDSB_TRANSPORT_SYMBOL "ntdsb_transport_negotiate"

#ifdef __cplusplus
}
#endif

#endif
