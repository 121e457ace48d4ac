/* Between the stub plug-ins and the test that has loaded them. */
#ifndef STUB_PLUGIN_H
#define STUB_PLUGIN_H

#include <ntdsb/transport.h>

/* STUB_VARIANT is one of these. */
#define STUB_GOOD 0
#define STUB_TOO_OLD 1
#define STUB_TOO_NEW 2
#define STUB_UNWILLING 3
#define STUB_SHORT_TABLE 4
#define STUB_HOLE 5
#define STUB_NO_SYMBOL 6
#define STUB_SLOW 7
#define STUB_REFUSING 8
#define STUB_REFUSING_AT_LENGTH 9
#define STUB_RUBBISH 10
#define STUB_NOTHING 11
#define STUB_TOO_MUCH 12
#define STUB_OVERCOMMIT 13
#define STUB_TWICE 14
#define STUB_LOST 15
#define STUB_NEVER 16
#define STUB_UNTIL_CANCELLED 17

/* The last two do not answer requests of this size or more; here only RestoreRegister's is. */
#define STUB_STUCK_SIZE 300

enum stub_event { STUB_CONNECT, STUB_CALL, STUB_CANCEL, STUB_DISCONNECT };

/* What the plug-in is asked, passed on. STUB_CONNECT: `connection` is a void **, `request` the
 * ntdsb_target. */
typedef int32_t (*stub_backend)(enum stub_event event, void* connection, uint16_t opnum,
                                const void* request, size_t size, const ntdsb_reply* reply);

/* The environment variable that holds the backend's address, in hexadecimal. */
#define STUB_BACKEND "NTDSB_STUB_BACKEND"

/* Before another test. */
typedef void(NTDSB_TRANSPORT_CALL* stub_reset_t)(void);
typedef void(NTDSB_TRANSPORT_CALL* stub_release_t)(void);
/* How often the plug-in was negotiated with. */
typedef int(NTDSB_TRANSPORT_CALL* stub_negotiations_t)(void);

#endif
