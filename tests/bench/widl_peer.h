/* The peer of the figures over rpc under Wine: widl's client stubs of def/ntdsb.idl on the system's
 * rpcrt4.dll, to the same service. Each function gives a status, 0 for success. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Binds, prepares a restricted restore and a backup, and opens its database. */
long widl_open(const char* port);
long widl_locations(void);
/* `count` octets in pieces of `piece` at most, from the database's beginning again at its end. */
long widl_read(unsigned char* buffer, unsigned long piece, unsigned long count);
void widl_close(void);

#ifdef __cplusplus
}
#endif
