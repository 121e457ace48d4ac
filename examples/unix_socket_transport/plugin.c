/* A transport plug-in for ntdsbcli: carries calls to ntdsbsrv over a Unix-domain socket, for tools
 * on the same computer that shall need no TCP port. README.md says how to build and configure it;
 * <ntdsb/transport.h> has the rules that are cited (P-1, ...). */
#include "association.h"

#include <ntdsb/transport.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_PREFIX "unix:"

/* Codes of the system that the interface has no names for. */
enum {
    NO_MEMORY = 8,     /* ERROR_NOT_ENOUGH_MEMORY */
    NOT_SUPPORTED = 50 /* ERROR_NOT_SUPPORTED */
};

/* What a fault's status is for the caller (C706 appendix E, MS-RPCE 2.2.1.1.8). */
static int32_t code_of_fault(uint32_t status) {
    static const struct {
        uint32_t status;
        int32_t code;
    } rows[] = {
        {0x00000005, 5},                            /* ERROR_ACCESS_DENIED */
        {0x000006f7, 1783},                         /* RPC_X_BAD_STUB_DATA */
        {0x1c010002, 1745},                         /* RPC_S_PROCNUM_OUT_OF_RANGE */
        {0x1c010003, 1717},                         /* RPC_S_UNKNOWN_IF */
        {0x1c010014, 1723},                         /* RPC_S_SERVER_TOO_BUSY */
        {0x1c01000b, 1728},                         /* RPC_S_PROTOCOL_ERROR */
        {0x1c00001b, NO_MEMORY}, {0x1c00000d, 995}, /* ERROR_OPERATION_ABORTED: it was cancelled */
        {0x1c00001a, 6},                            /* ERROR_INVALID_HANDLE */
    };
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i)
        if (rows[i].status == status) return rows[i].code;
    return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
}

/* `error` is for people: what happened and what to do. */
static int32_t refuse(char* error, size_t size, const char* address, const char* what,
                      const char* mend) {
    if (size > 0) snprintf(error, size, "%s: %s; %s", address, what, mend);
    return NTDSB_TRANSPORT_COULD_NOT_CONNECT;
}

static int32_t NTDSB_TRANSPORT_CALL connect_plugin(const ntdsb_target* target, void** connection,
                                                   char* error, size_t error_size) {
    const int64_t deadline = stream_now_ms() + (int64_t)target->connect_timeout_ms;
    struct interface_id id;
    struct association* association;
    const char *path, *problem;
    enum stream_result opened;
    if (strncmp(target->address, ADDRESS_PREFIX "/", sizeof ADDRESS_PREFIX) != 0)
        return refuse(error, error_size, target->address, "is no address of this transport",
                      "write address = \"unix:/run/ntdsbsrv.sock\"");
    path = target->address + strlen(ADDRESS_PREFIX);
    /* Credentials that are not shown must not be taken for shown. */
    if (target->user != NULL) {
        refuse(error, error_size, target->address, "carries no credentials",
               "call DsSetAuthIdentity with NULLs first");
        return NOT_SUPPORTED;
    }
    association = calloc(1, sizeof *association);
    if (association == NULL) return NO_MEMORY;
    opened = stream_open(&association->stream, path, deadline);
    if (opened != STREAM_OK) {
        const char* why = opened == STREAM_LATE ? "the service does not answer" : strerror(errno);
        free(association);
        return refuse(error, error_size, target->address, why,
                      "see that ntdsbsrv runs and listens there, and who may write to the socket");
    }
    memcpy(id.uuid, target->interface_uuid, sizeof id.uuid);
    id.version = target->interface_version;
    problem = association_bind(association, &id);
    if (problem != NULL) {
        stream_close(&association->stream);
        free(association);
        return refuse(error, error_size, target->address, problem,
                      "see that this is the socket of ntdsbsrv");
    }
    *connection = association;
    return NTDSB_TRANSPORT_OK;
}

static int32_t NTDSB_TRANSPORT_CALL call_plugin(void* connection, uint16_t opnum,
                                                const void* request, size_t request_size,
                                                const ntdsb_reply* reply) {
    struct receiver receiver;
    uint32_t status = 0;
    if (request_size > INT32_MAX) return NO_MEMORY;
    receiver.context = reply->context;
    receiver.lend = reply->lend;
    receiver.commit = reply->commit;
    switch (association_call(connection, opnum, request, request_size, &receiver, &status)) {
    case OUTCOME_OK:
        return NTDSB_TRANSPORT_OK;
    case OUTCOME_FAULT:
        return code_of_fault(status);
    case OUTCOME_LOST:
    case OUTCOME_NOT_TAKEN: /* the host knows why */
        break;
    }
    return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
}

static void NTDSB_TRANSPORT_CALL cancel_plugin(void* connection) { association_cancel(connection); }

/* The service sees the connection end, and runs its sessions down. */
static void NTDSB_TRANSPORT_CALL disconnect_plugin(void* connection) {
    struct association* const association = connection;
    stream_close(&association->stream);
    free(association);
}

static const ntdsb_transport table = {(uint32_t)sizeof(ntdsb_transport),
                                      NTDSB_TRANSPORT_VERSION,
                                      connect_plugin,
                                      call_plugin,
                                      cancel_plugin,
                                      disconnect_plugin};

NTDSB_TRANSPORT_EXPORT const ntdsb_transport* NTDSB_TRANSPORT_CALL
ntdsb_transport_negotiate(uint32_t oldest, uint32_t newest) {
    return oldest <= NTDSB_TRANSPORT_VERSION && NTDSB_TRANSPORT_VERSION <= newest ? &table : NULL;
}
