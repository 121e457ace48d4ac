/* See association.h. Everything that arrives is checked before it is used: the service may be a
 * broken or a hostile one. Integers are written and read octet by octet, so that neither alignment
 * nor the processor's byte order matters. */
#include "association.h"

#include <string.h>

enum {
    PDU_REQUEST = 0,
    PDU_RESPONSE = 2,
    PDU_FAULT = 3,
    PDU_BIND = 11,
    PDU_BIND_ACK = 12,
    PDU_BIND_NAK = 13,
    PDU_CANCEL = 18
};
enum { FIRST = 0x01, LAST = 0x02, WHOLE = FIRST | LAST };
enum {
    HEADER = 16,
    CALL_HEADER = 24, /* with what a request, a response and a fault have in front of their stub */
    FAULT_SIZE = 32,
    BIND_SIZE = 72,
    SHORTEST_LIMIT = 1432, /* C706 12.6.3.1: every implementation takes fragments of this size */
    LONGEST = 65528,       /* the longest that we send and take; a multiple of 8 */
    LONGEST_ACK = 1024     /* the answer to a bind of one context is far shorter */
};
static const struct interface_id ndr = {{0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8,
                                         0x08, 0x00, 0x2b, 0x10, 0x48, 0x60},
                                        2};

/* --- Octets */

static void put16(uint8_t* at, unsigned value) {
    at[0] = (uint8_t)(value & 0xff);
    at[1] = (uint8_t)(value >> 8 & 0xff);
}
static void put32(uint8_t* at, uint32_t value) {
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}
static uint16_t get16(const uint8_t* at) { return (uint16_t)(at[0] | at[1] << 8); }
static uint32_t get32(const uint8_t* at) {
    return (uint32_t)get16(at) | (uint32_t)get16(at + 2) << 16;
}

static void put_header(uint8_t* at, int type, int flags, size_t length, uint32_t call) {
    memset(at, 0, HEADER);
    at[0] = 5; /* version 5.0 */
    at[2] = (uint8_t)type;
    at[3] = (uint8_t)flags;
    at[4] = 0x10; /* little-endian, ASCII, IEEE */
    put16(at + 8, (unsigned)length);
    put32(at + 12, call);
}
static void put_syntax(uint8_t* at, const struct interface_id* id) {
    memcpy(at, id->uuid, sizeof id->uuid);
    put32(at + 16, id->version);
}

struct header {
    uint8_t type, flags;
    uint16_t length;
};

/* Whether these are the first octets of a fragment for us, of a length that can be. */
static int get_header(const uint8_t* at, uint32_t call, struct header* header) {
    header->type = at[2];
    header->flags = at[3];
    header->length = get16(at + 8);
    return at[0] == 5 && at[1] <= 1 && at[4] == 0x10 && get16(at + 10) == 0 /* unprotected */ &&
           get32(at + 12) == call && header->length >= HEADER && header->length <= LONGEST;
}

/* --- The bind */

static const char* receive_ack(struct association* association) {
    uint8_t octets[LONGEST_ACK];
    struct header header;
    size_t at;
    if (stream_read(&association->stream, octets, HEADER) != STREAM_OK)
        return "the service does not answer a bind";
    if (!get_header(octets, association->last_call, &header) || header.length > LONGEST_ACK)
        return "what listens there is no DCE/RPC service";
    if (stream_read(&association->stream, octets + HEADER, header.length - HEADER) != STREAM_OK)
        return "the service does not answer a bind";
    if (header.type == PDU_BIND_NAK) return "the service refuses the association";
    /* The two sizes and the group, then a string of a length of its own, then the results. */
    if (header.type != PDU_BIND_ACK || header.length < HEADER + 10)
        return "what listens there is no DCE/RPC service";
    at = HEADER + 10 + (size_t)get16(octets + HEADER + 8);
    at = (at + 3) / 4 * 4;
    if (at + 28 > header.length || octets[at] != 1)
        return "the service's answer to a bind makes no sense";
    if (get16(octets + at + 4) != 0 || memcmp(octets + at + 8, ndr.uuid, sizeof ndr.uuid) != 0 ||
        get32(octets + at + 24) != ndr.version)
        return "the service does not offer this interface";
    association->most_sent = get16(octets + HEADER + 2);
    if (association->most_sent < SHORTEST_LIMIT) association->most_sent = SHORTEST_LIMIT;
    if (association->most_sent > LONGEST) association->most_sent = LONGEST;
    return NULL;
}

const char* association_bind(struct association* association, const struct interface_id* id) {
    uint8_t bind[BIND_SIZE];
    association->last_call = 1;
    association->is_broken = 0;
    memset(bind, 0, sizeof bind);
    put_header(bind, PDU_BIND, WHOLE, sizeof bind, association->last_call);
    put16(bind + 16, LONGEST);
    put16(bind + 18, LONGEST);
    bind[24] = 1; /* one context, number 0 ... */
    bind[30] = 1; /* ... of one transfer syntax */
    put_syntax(bind + 32, id);
    put_syntax(bind + 52, &ndr);
    if (stream_write(&association->stream, bind, sizeof bind, NULL, 0) != STREAM_OK)
        return "the service does not take a bind";
    return receive_ack(association);
}

/* --- A call */

static int send_request(struct association* association, uint16_t opnum, const uint8_t* request,
                        size_t size) {
    /* Only a last fragment's stub may have any length; the others' is a multiple of 8. */
    const size_t most = (size_t)(association->most_sent - CALL_HEADER) / 8 * 8;
    int flags = FIRST;
    do {
        uint8_t header[CALL_HEADER];
        const size_t part = size < most ? size : most;
        if (part == size) flags |= LAST;
        put_header(header, PDU_REQUEST, flags, CALL_HEADER + part, association->last_call);
        put32(header + 16, (uint32_t)size); /* a hint: what is still to come */
        put16(header + 20, 0);              /* the context */
        put16(header + 22, opnum);
        if (stream_write(&association->stream, header, sizeof header, request, part) != STREAM_OK)
            return 0;
        request += part;
        size -= part;
        flags = 0;
    } while (size > 0);
    return 1;
}

/* Waits for the next fragment; if the host is in a hurry, the service is told once. */
static int wait_for_fragment(struct association* association) {
    struct stream* const stream = &association->stream;
    enum stream_result result;
    do {
        if (stream->hurried && !association->cancel_sent) {
            uint8_t cancel[HEADER];
            put_header(cancel, PDU_CANCEL, WHOLE, sizeof cancel, association->last_call);
            if (stream_write(stream, cancel, sizeof cancel, NULL, 0) != STREAM_OK) return 0;
            association->cancel_sent = 1;
        }
        result = stream_wait(stream);
    } while (result == STREAM_HURRIED);
    return result == STREAM_OK;
}

static enum outcome receive_stub(struct association* association, size_t size,
                                 const struct receiver* receiver) {
    while (size > 0) {
        size_t lent = 0;
        void* const memory = receiver->lend(receiver->context, size, &lent);
        if (memory == NULL || lent == 0) return OUTCOME_NOT_TAKEN;
        if (lent > size) lent = size;
        if (stream_read(&association->stream, memory, lent) != STREAM_OK) return OUTCOME_LOST;
        receiver->commit(receiver->context, lent);
        size -= lent;
    }
    return OUTCOME_OK;
}

static enum outcome receive_reply(struct association* association, const struct receiver* receiver,
                                  uint32_t* fault_status) {
    int expected = FIRST;
    for (;;) {
        uint8_t octets[FAULT_SIZE];
        struct header header;
        enum outcome outcome;
        if (!wait_for_fragment(association) ||
            stream_read(&association->stream, octets, CALL_HEADER) != STREAM_OK ||
            !get_header(octets, association->last_call, &header))
            return OUTCOME_LOST;
        if (header.type == PDU_FAULT && header.length == FAULT_SIZE) {
            if (stream_read(&association->stream, octets + CALL_HEADER, FAULT_SIZE - CALL_HEADER) !=
                STREAM_OK)
                return OUTCOME_LOST;
            *fault_status = get32(octets + CALL_HEADER);
            return OUTCOME_FAULT;
        }
        if (header.type != PDU_RESPONSE || (header.flags & FIRST) != expected ||
            header.length < CALL_HEADER)
            return OUTCOME_LOST;
        /* Without this, fragments with nothing in them could go on for ever. */
        if (header.length == CALL_HEADER && (header.flags & LAST) == 0) return OUTCOME_LOST;
        outcome = receive_stub(association, (size_t)(header.length - CALL_HEADER), receiver);
        if (outcome != OUTCOME_OK) return outcome;
        if ((header.flags & LAST) != 0) return OUTCOME_OK;
        expected = 0;
    }
}

enum outcome association_call(struct association* association, uint16_t opnum, const void* request,
                              size_t size, const struct receiver* receiver,
                              uint32_t* fault_status) {
    enum outcome outcome = OUTCOME_LOST;
    /* Nothing is sent a second time (P-4): what broke once stays broken. */
    if (association->is_broken) return OUTCOME_LOST;
    ++association->last_call;
    association->cancel_sent = 0;
    stream_begin(&association->stream); /* without a deadline: a verification may take hours */
    if (send_request(association, opnum, request, size))
        outcome = receive_reply(association, receiver, fault_status);
    association->is_broken = outcome == OUTCOME_LOST || outcome == OUTCOME_NOT_TAKEN;
    return outcome;
}

void association_cancel(struct association* association) { stream_hurry(&association->stream); }
