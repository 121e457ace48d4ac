/* FROZEN. A transport plug-in as it was compiled for version 0.1 of ntdsb/transport.h. It is never
 * changed; every later host must load it (tests/abi/README.md). It answers one operation, number 0 of the
 * restore interface, and that only to the identity frozen, realm, secret. */
#include <ntdsb/transport.h>

#include <string.h>

static const unsigned char restore_interface[16] = {0x8c, 0x3c, 0xfe, 0xa8, 0x95, 0x68, 0x7d, 0x42,
                                                    0xa9, 0x1c, 0x95, 0xcc, 0x81, 0xb4, 0x60, 0x64};
static int an_association;

static int32_t refuse(char* error, size_t size, const char* why) {
    if (size > 0) {
        strncpy(error, why, size - 1);
        error[size - 1] = 0;
    }
    return NTDSB_TRANSPORT_COULD_NOT_CONNECT;
}

static int32_t NTDSB_TRANSPORT_CALL connect_to(const ntdsb_target* target, void** connection,
                                               char* error, size_t error_size) {
    if (target->size < sizeof *target || target->interface_version != 1)
        return refuse(error, error_size, "the host's target is of another version");
    if (memcmp(target->interface_uuid, restore_interface, 16) != 0)
        return refuse(error, error_size, "only the restore interface is served");
    if (strcmp(target->server, "frozen") != 0 || strcmp(target->address, "somewhere") != 0 ||
        target->connect_timeout_ms != 3000)
        return refuse(error, error_size, "the target is not the configured one");
    if (target->user == NULL || strcmp(target->user, "frozen") != 0 ||
        strcmp(target->domain, "realm") != 0 || strcmp(target->password, "secret") != 0)
        return refuse(error, error_size, "the identity is not the one that was set");
    *connection = &an_association;
    return NTDSB_TRANSPORT_OK;
}

static int32_t NTDSB_TRANSPORT_CALL call(void* connection, uint16_t opnum, const void* request,
                                         size_t request_size, const ntdsb_reply* reply) {
    /* online = 1, status = 0 */
    static const unsigned char online[8] = {1, 0, 0, 0, 0, 0, 0, 0};
    size_t sent = 0;
    if (connection != &an_association || opnum != 0 || request == NULL || request_size == 0 ||
        reply->size < sizeof *reply)
        return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
    while (sent < sizeof online) {
        size_t lent = 0;
        void* memory = reply->lend(reply->context, sizeof online - sent, &lent);
        if (memory == NULL || lent == 0) return NTDSB_TRANSPORT_COMMUNICATION_ERROR;
        memcpy(memory, online + sent, lent);
        reply->commit(reply->context, lent);
        sent += lent;
    }
    return NTDSB_TRANSPORT_OK;
}

static void NTDSB_TRANSPORT_CALL cancel(void* connection) { (void)connection; }
static void NTDSB_TRANSPORT_CALL disconnect(void* connection) { (void)connection; }

static const ntdsb_transport table = {sizeof table, 1, connect_to, call, cancel, disconnect};

NTDSB_TRANSPORT_EXPORT const ntdsb_transport* NTDSB_TRANSPORT_CALL
ntdsb_transport_negotiate(uint32_t oldest, uint32_t newest) {
    return oldest <= 1 && newest >= 1 ? &table : NULL;
}
