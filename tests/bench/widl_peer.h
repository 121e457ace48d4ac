/* The peer of the figures over rpc under Wine: widl's client stubs of def/ntdsb.idl on the system's
 * rpcrt4.dll, and as its service tests/interop/widl_server.c, made of the same. Each function gives a status, 0 for success. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Binds, prepares a restricted restore and a backup, and opens a file. */
long widl_open(const char* port);
long widl_locations(void);
/* `count` octets in pieces of `piece` at most. */
long widl_read(unsigned char* buffer, unsigned long piece, unsigned long count);
void widl_close(void);

#ifdef __cplusplus
}
#endif
