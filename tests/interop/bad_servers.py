"""Servers that have authenticated nobody, know no password, or protect otherwise than was agreed: a client must not
believe them."""
import os
import struct

from secure_rpc import INTEGRITY, REQUEST, RESPONSE, fragment
from secure_server import Connection
from security_contexts import INCOMPLETE, NTLM_OID, NtlmServer, neg_token_resp


class Stranger(NtlmServer):
    """Who cannot know the password lets everybody in, with keys it has made up (NTLM proves no server)."""

    def step(self, token):
        if self.challenge is None:
            return super().step(token)
        self.set_keys(struct.unpack_from("<L", token, 60)[0], os.urandom(16), client=False)
        return None


class Blind(Connection):
    """Cannot read the requests either; it answers what they must be."""

    def take(self, asked):
        if asked.kind != REQUEST:
            super().take(asked)
            return
        opnum = struct.unpack_from("<H", asked.body, 6)[0]
        self.send_reply(asked.call_id, self.run(opnum, bytes(20) + struct.pack("<L", 200000)))


class Unprotected(Blind):
    def protect(self, call_id, stub, flags):
        return fragment(RESPONSE, struct.pack("<LHBB", 0, 0, 0, 0) + stub, call_id, flags)


class Anonymous(Unprotected):
    """Acknowledges and serves without having authenticated anybody."""

    def authenticate(self, token):
        return None


class Endless(Connection):
    """Always wants one message more."""

    def authenticate(self, token):
        self.server.legs += 1
        return neg_token_resp(INCOMPLETE, NTLM_OID if self.server.legs == 1 else None, None if self.server.legs == 1 else b"")


class Lower(Connection):
    """Signs where encryption was agreed."""

    def protect(self, call_id, stub, flags):
        self.trailer = (self.trailer[0], INTEGRITY, *self.trailer[2:])
        return super().protect(call_id, stub, flags)


class Renamed(Connection):
    """Another security context's id."""

    def protect(self, call_id, stub, flags):
        self.trailer = (*self.trailer[:4], self.trailer[4] + 1)
        return super().protect(call_id, stub, flags)


def bad_servers(users, domain):
    """(name, what makes the acceptor, the class of connections, the client's kind of authentication) of each."""
    def stranger():
        return Stranger(users, domain)

    def good():
        return NtlmServer(users, domain)
    return [
        ("a server that does not know the password", stranger, Blind, "ntlm"),
        ("the same, without protection", stranger, Unprotected, "ntlm"),
        ("a server that authenticates nobody", good, Anonymous, "ntlm"),
        ("a server that authenticates nobody, SPNEGO", good, Anonymous, "negotiate"),
        ("a server that authenticates nobody, Kerberos", good, Anonymous, "kerberos"),
        ("a server that signs where it should encrypt", good, Lower, "ntlm"),
        ("a server with another context id", good, Renamed, "ntlm"),
        ("a handshake without end", good, Endless, "negotiate"),
    ]
