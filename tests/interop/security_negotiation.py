"""Attacks on the handshake: second binds, garbage, huge tokens, endless legs, levels and mechanisms turned down, replayed
authenticators. Each is answered in the protocol's own words or by hanging up, and nobody is let in."""
import os
import struct

from ntdsb_impacket import B_PING
from realm import DOMAIN, SERVICE, USERS
from secure_rpc import (ALTER, AUTH3, BACKUP, BIND, BIND_NAK, INTEGRITY, NTLM, ONLY, PRIVACY, RESPONSE, RESTORE, Refused,
                        SecureClient, Wire, bind_body, fragment)
from security_contexts import (INCOMPLETE, KRB5_OID, NTLM_OID, UNKNOWN_OID, Broken, KerberosClient, NtlmClient, SpnegoClient,
                               neg_token_init, neg_token_resp, read_neg_token)
from ntdsb_service import check, equal


def ends(what, wire, octets):
    """Sends it and nothing more: what is answered is whole fragments, and then it ends. Gives them."""
    answers = []
    try:
        refused = wire.all_answers(octets, lambda: answers.append(wire.receive()))
        equal(what, refused.how, "closed")
    except Exception as error:
        check(f"{what}: {type(error).__name__}: {error}", False)
    return answers


def is_not_admitted(what, wire, octets):
    """As `ends`; and none of what came was an answer to the Ping that `octets` ends with."""
    answers = ends(what, wire, octets)
    check(f"{what}: refused", all(answer.kind != RESPONSE for answer in answers))


def ping(client):
    return client.request(B_PING[0].opnum, b"")[0]


def bind(token, kind=NTLM, level=PRIVACY, context=1, interfaces=(BACKUP,), flags=ONLY):
    return fragment(BIND, bind_body(list(interfaces)), 1, flags, (kind, level, context), token)


def first_tokens(service):
    """What a bind may carry that is no good first token."""
    first = service.ntlm().step(None)
    cases = {
        "garbage": os.urandom(40),
        "NTLM's third message first": b"NTLMSSP\0\3\0\0\0" + bytes(60),
        "one octet": b"\x60",
        "a length without end": b"\x60\x84\xff\xff\xff\xff",
        "nested without end": b"\x60\x80" * 2000,
        "sixty kilobytes of NTLM": first + bytes(60000),
        "sixty kilobytes of mechanisms": neg_token_init([NTLM_OID] * 5000)[:60000],
        "an unknown mechanism": neg_token_init([UNKNOWN_OID], b"x"),
        "no mechanism": neg_token_init([]),
    }
    for what, token in cases.items():
        for kind in (9, 10, 16):
            wire = Wire(service.port)
            ends(f"a bind with {what} as type {kind}", wire, bind(token[:65000], kind))
    for kind in (0, 1, 7, 11, 68, 255):
        wire = Wire(service.port)
        answers = ends(f"authentication of type {kind}", wire, bind(first, kind))
        equal(f"what is answered to authentication of type {kind}", [one.kind for one in answers], [BIND_NAK])
    for level in (0, 7, 255):
        answers = ends(f"level {level}", Wire(service.port), bind(first, level=level))
        equal(f"what is answered to level {level}", [one.kind for one in answers], [BIND_NAK])


def later_legs(service):
    def begun():
        client = SecureClient(service.port, BACKUP, service.ntlm())
        client.challenge = client.start(client.mechanism.step(None))
        return client
    for what, token in (("garbage", os.urandom(200)), ("nothing", b""), ("the first message again", service.ntlm().step(None)),
                        ("sixty kilobytes", b"NTLMSSP\0\3\0\0\0" + bytes(60000))):
        client = begun()
        leg = fragment(AUTH3, b"    ", 1, ONLY, client.trailer(), token)
        client.mechanism.step(client.challenge)  # keys that nobody agreed on
        is_not_admitted(f"an auth3 with {what}", client, leg + ping(client))
        client = begun()
        leg = fragment(ALTER, bind_body([BACKUP]), 1, ONLY, client.trailer(), token)
        client.mechanism.step(client.challenge)
        is_not_admitted(f"an alter_context with {what}", client, leg + ping(client))
    client = begun()
    token = client.mechanism.step(client.challenge)
    for what, trailer in (("type", (9, PRIVACY, client.context_id)), ("level", (NTLM, INTEGRITY, client.context_id)),
                          ("context id", (NTLM, PRIVACY, client.context_id + 1))):
        client = begun()
        token = client.mechanism.step(client.challenge)
        is_not_admitted(f"an auth3 with another {what}", client, fragment(AUTH3, b"    ", 1, ONLY, trailer, token) +
                        ping(client))
    client = begun()
    is_not_admitted("a call before the last leg", client, fragment(0, struct.pack("<LHH", 0, 0, 8), 2))
    client = begun()
    client.mechanism.step(client.challenge)
    is_not_admitted("a protected call before the last leg", client, ping(client))
    is_not_admitted("an auth3 before a bind", Wire(service.port), fragment(AUTH3, b"    ", 1, ONLY, (NTLM, PRIVACY, 1), b"x" * 20))
    wire = Wire(service.port)
    wire.send(fragment(BIND, bind_body([BACKUP])))
    wire.receive()
    is_not_admitted("an auth3 after a bind without security", wire,
                    fragment(AUTH3, b"    ", 1, ONLY, (NTLM, PRIVACY, 1), service.ntlm().step(None)))


def many_legs(service):
    """A client that never comes to an end."""
    client = SecureClient(service.port, BACKUP, SpnegoClient(service.ntlm(), [KRB5_OID, NTLM_OID]))
    legs = 0
    try:
        client.start(neg_token_init([KRB5_OID, NTLM_OID]))
        for legs in range(1, 100):
            client.alter(neg_token_resp(INCOMPLETE))
    except Refused:
        pass
    check(f"a handshake of {legs} legs ends", legs < 20)
    client.close()


def done_already(service):
    def admitted():
        return service.client(BACKUP, service.ntlm())
    client = admitted()
    answers = ends("a ping alone", client, ping(client))
    equal("what is answered to a ping alone", [one.kind for one in answers], [RESPONSE])
    client = admitted()
    is_not_admitted("a second bind", client, bind(service.ntlm().step(None)) + ping(client))
    client = admitted()
    is_not_admitted("a second bind without security", client, fragment(BIND, bind_body([RESTORE]), 5) + ping(client))
    client = admitted()
    is_not_admitted("an auth3 too much", client, fragment(AUTH3, b"    ", 1, ONLY, client.trailer(), b"x" * 32) + ping(client))
    client = admitted()
    is_not_admitted("a second security context", client,
                    fragment(ALTER, bind_body([RESTORE], first_context=1), 5, ONLY, (NTLM, PRIVACY, 99),
                             service.ntlm().step(None)) + ping(client))
    # A context more on the same security, as MS-RPCE has it, needs no token; it is verified by its first request.
    client = admitted()
    client.send(fragment(ALTER, bind_body([RESTORE], first_context=1), 5))
    answer = client.receive()
    check("another presentation context may follow", answer.kind == 15)
    equal("a call afterwards", client.call(B_PING)["status"], 0)
    client.close()


def spnego(service):
    """The list of mechanisms is protected by its MIC (RFC 4178 5): a list that somebody changed is found out."""
    ticket = service.realm.ccache("both", SERVICE)

    def attempt(what, mechanism, tamper):
        client = SecureClient(service.port, BACKUP, mechanism)
        try:
            answer = client.start(tamper(1, mechanism.step(None)))
            for leg in range(2, 6):
                token = mechanism.step(answer)
                if token is None:
                    break
                answer = client.alter(tamper(leg, token))
            client.call(B_PING)
            check(f"{what} is let in", False)
        except (Refused, Broken):
            check(what, True)
        finally:
            client.close()

    def kerberos_taken_away(leg, token):
        # Who is on the way takes the better mechanism off the list; the client's MIC is over what it had offered.
        return neg_token_init([NTLM_OID], read_neg_token(token).get(2)) if leg == 1 else token

    signed = service.client(BACKUP, SpnegoClient(service.ntlm(), always_mic=True))
    equal("a list that nobody changed, signed", [signed.call(B_PING)["status"] for _ in range(2)], [0, 0])
    signed.close()
    attempt("a list without Kerberos", SpnegoClient(service.ntlm(), [KRB5_OID, NTLM_OID], always_mic=True), kerberos_taken_away)
    attempt("a wrong mechListMIC", SpnegoClient(service.ntlm(), [UNKNOWN_OID, NTLM_OID],
                                                mic=lambda listed, context: b"\1\0\0\0" + bytes(12)), lambda leg, token: token)
    attempt("the MIC of another list",
            SpnegoClient(service.ntlm(), [UNKNOWN_OID, NTLM_OID], mic=lambda listed, context: context.sign(listed[::-1])),
            lambda leg, token: token)
    attempt("no MIC where one is needed", SpnegoClient(service.ntlm(), [UNKNOWN_OID, NTLM_OID], mic=lambda *_: None),
            lambda leg, token: token)

    def turned_down(leg, token):
        # NTLM's own flags: without integrity and sealing (MS-NLMP 2.2.1.1). Its MIC and our level must say no.
        if leg != 1:
            return token
        inner = read_neg_token(token)[2]
        flags = struct.unpack_from("<L", inner, 12)[0] & ~0x40080030
        return neg_token_init([NTLM_OID], inner[:12] + struct.pack("<L", flags) + inner[16:])
    attempt("NTLM without sealing", SpnegoClient(service.ntlm()), turned_down)
    equal("untouched, with a MIC", service.client(BACKUP, SpnegoClient(service.ntlm(), [UNKNOWN_OID, NTLM_OID], always_mic=True))
          .call(B_PING)["status"], 0)
    equal("untouched, Kerberos", service.client(BACKUP, SpnegoClient(KerberosClient(ticket), [KRB5_OID, NTLM_OID]))
          .call(B_PING)["status"], 0)


def weak_ntlm(service):
    """Flags that leave out what protection needs, in a handshake that is otherwise right."""
    class Weak(NtlmClient):
        dropped = 0

        def step(self, token):
            out = super().step(token)
            if token is None:
                flags = self.negotiate["flags"] & ~self.dropped
                self.negotiate["flags"] = flags
                out = self.first_message()
            return out
    for what, bit in (("signing", 0x10), ("sealing", 0x20), ("extended session security", 0x80000), ("128-bit keys", 0x20000000),
                      ("key exchange", 0x40000000)):
        mechanism = Weak("both", USERS["both"], DOMAIN)
        mechanism.dropped = bit
        client = SecureClient(service.port, BACKUP, mechanism)
        try:
            client.authenticate()
            is_not_admitted(f"NTLM without {what}", client, ping(client))
        except (Refused, Broken, ValueError, AttributeError, TypeError, struct.error):
            client.close()
            check(f"NTLM without {what}", True)


def replayed_authenticator(service):
    mechanism = KerberosClient(service.realm.ccache("both", SERVICE))
    token = mechanism.step(None)
    SecureClient(service.port, BACKUP, mechanism).start(token)
    again = KerberosClient(service.realm.ccache("both", SERVICE))
    again.legs = 1
    client = SecureClient(service.port, BACKUP, again)
    try:
        client.start(token)
        check("an authenticator that was used is refused", False)
    except Refused:
        check("an authenticator that was used is refused", True)
    client.close()


def run(service):
    state = service.kept()
    for group in (first_tokens, later_legs, many_legs, done_already, spnego, weak_ntlm, replayed_authenticator):
        group(service)
        check(f"the service answers after {group.__name__}", service.answers())
    check("nothing has changed", service.kept() == state)
