/* The client's side of one connection-oriented DCE/RPC association (C706, chapters 9 and 12) over a
 * stream: bound to one interface, one call at a time. Knows neither operations nor plug-ins. */
#ifndef ASSOCIATION_H
#define ASSOCIATION_H

#include "stream.h"

struct association {
    struct stream stream;
    uint32_t last_call; /* the id of the last call; the bind's is the first */
    uint16_t most_sent; /* the longest fragment that the server takes */
    int cancel_sent;    /* for the running call */
    int is_broken;      /* nothing can be carried any more */
};

struct interface_id {
    uint8_t uuid[16]; /* in NDR's little-endian order */
    uint32_t version;
};

/* What a call gave. */
enum outcome {
    OUTCOME_OK,
    OUTCOME_FAULT,    /* the server did not run it, or could not: `fault_status` says why */
    OUTCOME_LOST,     /* whether it was run is not known */
    OUTCOME_NOT_TAKEN /* the receiver did not want the reply */
};

/* Who takes a reply: gives memory for the next octets (at least 1, at most `wanted`, how many in
 * `*lent`; NULL: no more), and is told how many of them came. */
struct receiver {
    void* context;
    void* (*lend)(void* context, size_t wanted, size_t* lent);
    void (*commit)(void* context, size_t size);
};

/* Binds over `association->stream`, which is open. NULL, or what went wrong. */
const char* association_bind(struct association* association, const struct interface_id* id);

enum outcome association_call(struct association* association, uint16_t opnum, const void* request,
                              size_t size, const struct receiver* receiver, uint32_t* fault_status);

/* From another thread: the running call ends soon, one way or the other. */
void association_cancel(struct association* association);

#endif
