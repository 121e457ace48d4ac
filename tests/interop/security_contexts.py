"""NTLM (MS-NLMP), Kerberos (RFC 4120, 4121, with the third leg that DCE/RPC asks for) and SPNEGO (RFC 4178), both sides,
from impacket's primitives and independent of the libraries that the product uses. Nothing here is for more than tests.

A context has `kind` (the authentication type of the security trailer), `done`, `step(token)`, and once done wrap, unwrap,
sign and verify, which also sign what stands before and after the data in its fragment: NTLM always does, Kerberos with
`signs_headers` (agreed on at bind time). Broken is raised for what does not verify."""
import datetime
import hmac
import os
import struct

from Cryptodome.Cipher import ARC4
from impacket import ntlm
from impacket.krb5 import constants
from impacket.krb5.asn1 import (AP_REP, AP_REQ, Authenticator, EncAPRepPart, Ticket as AsnTicket,
                                seq_set)
from impacket.krb5.ccache import CCache
from impacket.krb5.crypto import Key, _enctype_table, _SHA1AES128, _SHA1AES256
from impacket.krb5.types import KerberosTime, Principal, Ticket
from pyasn1.codec.der import decoder, encoder
from pyasn1.type.univ import noValue

from secure_rpc import KERBEROS, NEGOTIATE, NTLM, PRIVACY

NTLM_OID = bytes.fromhex("060a2b06010401823702020a")
KRB5_OID = bytes.fromhex("06092a864886f712010202")
MS_KRB5_OID = bytes.fromhex("06092a864882f712010202")
SPNEGO_OID = bytes.fromhex("06062b0601050502")
UNKNOWN_OID = bytes.fromhex("06032a0304")


class Broken(Exception):
    pass


def same(found, expected):
    if not hmac.compare_digest(found, expected):
        raise Broken("a checksum is wrong")


# --- NTLM


class NtlmKeys:
    """What both sides do with messages, from the exported session key on (MS-NLMP 3.4)."""
    kind, oid, signs_headers = NTLM, NTLM_OID, True

    def set_keys(self, flags, key, client):
        self.flags, self.done, self.sent, self.received = flags, True, 0, 0
        sides = ("Client", "Server") if client else ("Server", "Client")
        self._keys = [(ntlm.SIGNKEY(flags, key, side), ntlm.SEALKEY(flags, key, side)) for side in sides]
        self.reset()

    def reset(self):
        """Both ciphers begin anew, the numbers go on: after a mechListMIC (MS-SPNG 3.3.5.1)."""
        self._out, self._in = (ARC4.new(sealing).encrypt for _, sealing in self._keys)

    def _mac(self, signing, rc4, number, data):
        digest = hmac.digest(signing, struct.pack("<L", number) + data, "md5")[:8]
        if self.flags & ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH:
            digest = rc4(digest)
        return struct.pack("<L", 1) + digest + struct.pack("<L", number)

    def sign(self, data, before=b"", after=b""):
        token = self._mac(self._keys[0][0], self._out, self.sent, before + data + after)
        self.sent += 1
        return token

    def wrap(self, data, before=b"", after=b""):
        sealed = self._out(data)
        return sealed, self.sign(data, before, after)

    def verify(self, data, token, before=b"", after=b""):
        same(token, self._mac(self._keys[1][0], self._in, self.received, before + data + after))
        self.received += 1

    def unwrap(self, sealed, token, before=b"", after=b""):
        data = self._in(sealed)
        self.verify(data, token, before, after)
        return data

    def token_size(self, level):
        return 16

    def sign_headers(self):
        pass


class NtlmClient(NtlmKeys):
    def __init__(self, user, password, domain):
        self.user, self.password, self.domain, self.done, self.negotiate = user, password, domain, False, None

    def last_leg_is_silent(self):
        return self.negotiate is not None

    def step(self, token):
        if self.negotiate is None:
            self.negotiate = ntlm.getNTLMSSPType1("", "", signingRequired=True, use_ntlmv2=True)
            return self.first_message()
        if self.done:
            return None
        answer, key = ntlm.getNTLMSSPType3(self.negotiate, token, self.user, self.password, self.domain, use_ntlmv2=True)
        self.set_keys(answer["flags"], key, client=True)
        return answer.getData()

    def first_message(self):
        # With a version, of zeros where it is not negotiated (MS-NLMP 2.2.1.1): impacket leaves it out, and gss-ntlmssp
        # takes no message without.
        return self.negotiate.getData() + bytes(8)


class NtlmServer(NtlmKeys):
    """Accepts (domain, user) with their passwords in `users`; Broken otherwise."""

    def __init__(self, users, domain):
        self.users, self.domain, self.done, self.challenge = users, domain, False, None

    def step(self, token):
        if self.challenge is None:
            asked = struct.unpack_from("<L", token, 12)[0]
            self.challenge = os.urandom(8)
            name = self.domain.encode("utf-16le")
            info = b"".join(struct.pack("<HH", kind, len(name)) + name for kind in (2, 1, 4, 3)) + bytes(4)
            granted = (asked & (ntlm.NTLMSSP_NEGOTIATE_UNICODE | ntlm.NTLMSSP_NEGOTIATE_SIGN | ntlm.NTLMSSP_NEGOTIATE_SEAL |
                                ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH | ntlm.NTLMSSP_NEGOTIATE_128 | ntlm.NTLMSSP_NEGOTIATE_56 |
                                ntlm.NTLMSSP_NEGOTIATE_ALWAYS_SIGN | ntlm.NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY) |
                       ntlm.NTLMSSP_NEGOTIATE_NTLM | ntlm.NTLMSSP_NEGOTIATE_TARGET_INFO | ntlm.NTLMSSP_REQUEST_TARGET |
                       ntlm.NTLMSSP_TARGET_TYPE_SERVER | ntlm.NTLMSSP_NEGOTIATE_VERSION)
            version = bytes.fromhex("060100000000000f")
            self.answered = (b"NTLMSSP\0" + struct.pack("<LHHLL", 2, len(name), len(name), 56, granted) + self.challenge +
                             bytes(8) + struct.pack("<HHL", len(info), len(info), 56 + len(name)) + version + name + info)
            self.asked = token
            return self.answered
        assert struct.unpack_from("<L", token, 8)[0] == 3

        def field(at):
            size, _, start = struct.unpack_from("<HHL", token, at)
            return token[start:start + size]
        response, domain, user, sealed_key = field(20), field(28).decode("utf-16le"), field(36).decode("utf-16le"), field(52)
        flags = struct.unpack_from("<L", token, 60)[0]
        self.caller = (domain, user)
        password = self.users.get(self.caller)
        if password is None:
            raise Broken(f"no such user: {self.caller}")
        owf = ntlm.NTOWFv2(user, password, domain)
        same(response[:16], hmac.digest(owf, self.challenge + response[16:], "md5"))
        key = hmac.digest(owf, response[:16], "md5")
        if flags & ntlm.NTLMSSP_NEGOTIATE_KEY_EXCH:
            key = ARC4.new(key).decrypt(sealed_key)
        self.set_keys(flags, key, client=False)
        return None


# --- Kerberos


class KerberosKeys:
    """Per-message tokens with AES (RFC 4121 4.2), as DCE/RPC lays them out: the token holds all but the data."""
    kind, oid, signs_headers = KERBEROS, KRB5_OID, False

    def set_key(self, key, client, send, receive):
        self.key, self.client, self.sent, self.received, self.done = key, client, send, receive, True
        self.cipher = _enctype_table[key.enctype]
        self.checksum = _SHA1AES256 if key.enctype == 18 else _SHA1AES128
        self.flag = 0 if client else 1

    def token_size(self, level):
        return 76 if level == PRIVACY else 28

    def sign_headers(self):
        self.signs_headers = True

    def _around(self, before, data, after):
        return before + data + after if self.signs_headers else data

    def sign(self, data, before=b"", after=b""):
        header = struct.pack(">HBBLQ", 0x0404, self.flag | 4, 0xFF, 0xFFFFFFFF, self.sent)
        self.sent += 1
        signed = self._around(before, data, after) + header
        return header + self.checksum.checksum(self.key, 25 if self.client else 23, signed)

    def verify(self, data, token, before=b"", after=b""):
        self._expect(token)
        signed = self._around(before, data, after) + token[:16]
        same(token[16:], self.checksum.checksum(self.key, 23 if self.client else 25, signed))

    def _expect(self, token):
        if len(token) < 28 or struct.unpack_from(">Q", token, 8)[0] != self.received:
            raise Broken("out of sequence")
        self.received += 1

    def _wrap_header(self, flags, ec, rrc, number):
        return struct.pack(">HBBHHQ", 0x0504, flags, 0xFF, ec, rrc, number)

    def _integrity(self, usage, confounder, data, filler, before, after):
        """RFC 3961's HMAC, over what is signed only as well."""
        key = self.cipher.derive(self.key, struct.pack(">LB", usage, 0x55))
        return hmac.digest(key.contents, confounder + self._around(before, data, after) + filler, "sha1")[:12]

    def wrap(self, data, before=b"", after=b""):
        usage, ec, rrc, confounder = 24 if self.client else 22, 16, 28, os.urandom(16)
        filler = b"\xff" * ec + self._wrap_header(self.flag | 6, ec, 0, self.sent)
        key = self.cipher.derive(self.key, struct.pack(">LB", usage, 0xAA))
        sealed = self.cipher.basic_encrypt(key, confounder + data + filler)
        sealed += self._integrity(usage, confounder, data, filler, before, after)
        # DCE style turns by both (the EC counts, other than in RFC 4121).
        turned = sealed[-(rrc + ec):] + sealed[:-(rrc + ec)]
        token = self._wrap_header(self.flag | 6, ec, rrc, self.sent) + turned[:rrc + ec + 16]
        self.sent += 1
        return turned[rrc + ec + 16:], token

    def unwrap(self, sealed, token, before=b"", after=b""):
        self._expect(token)
        usage = 22 if self.client else 24
        _, flags, _, ec, rrc, number = struct.unpack_from(">HBBHHQ", token)
        turned = token[16:] + sealed
        turn = (rrc + ec) % len(turned)
        whole = turned[turn:] + turned[:turn]
        plain = self.cipher.basic_decrypt(self.cipher.derive(self.key, struct.pack(">LB", usage, 0xAA)), whole[:-12])
        end = len(plain) - 16 - ec
        same(whole[-12:], self._integrity(usage, plain[:16], plain[16:end], plain[end:], before, after))
        same(plain[-16:], self._wrap_header(flags, ec, 0, number))
        return plain[16:end]


class KerberosClient(KerberosKeys):
    """From a credential cache that holds a ticket for the service."""

    def __init__(self, ccache):
        credential = next(one for one in CCache.loadFile(str(ccache)).credentials)
        self.realm = credential["client"].realm["data"].decode()
        self.user = b"/".join(part["data"] for part in credential["client"].components).decode()
        self.ticket = credential.ticket["data"]
        self.session = Key(credential["key"]["keytype"], credential["key"]["keyvalue"])
        self.done, self.legs = False, 0

    def last_leg_is_silent(self):
        return self.legs == 2

    def step(self, token):
        self.legs += 1
        if self.legs == 1:
            return self.ap_req()
        return self.third_leg(token) if not self.done else None

    def ap_req(self):
        cipher = _enctype_table[self.session.enctype]
        request = AP_REQ()
        request["pvno"], request["msg-type"] = 5, 14
        request["ap-options"] = constants.encodeFlags([constants.APOptions.mutual_required.value])
        ticket = Ticket()
        ticket.from_asn1(decoder.decode(self.ticket, asn1Spec=AsnTicket())[0])
        seq_set(request, "ticket", ticket.to_asn1)
        now = datetime.datetime.now(datetime.timezone.utc)
        part = Authenticator()
        part["authenticator-vno"], part["crealm"] = 5, self.realm
        seq_set(part, "cname", Principal(self.user, type=1).components_to_asn1)
        part["cusec"], part["ctime"] = now.microsecond, KerberosTime.to_asn1(now)
        part["cksum"] = noValue
        part["cksum"]["cksumtype"] = 0x8003
        # mutual, replay, sequence, confidentiality, integrity, DCE style
        part["cksum"]["checksum"] = struct.pack("<L16sL", 16, bytes(16), 0x103E)
        part["seq-number"] = 0
        request["authenticator"] = noValue
        request["authenticator"]["etype"] = cipher.enctype
        request["authenticator"]["cipher"] = cipher.encrypt(self.session, 11, encoder.encode(part), None)
        # DCE style: without the frame of RFC 2743 (RFC 4757's errata, MS-KILE 3.4.5.1)
        return encoder.encode(request)

    def third_leg(self, token):
        cipher = _enctype_table[self.session.enctype]
        answer = decoder.decode(token[token.index(b"\x6f"):], asn1Spec=AP_REP())[0]
        part = decoder.decode(cipher.decrypt(self.session, 12, bytes(answer["enc-part"]["cipher"])),
                              asn1Spec=EncAPRepPart())[0]
        key = Key(int(part["subkey"]["keytype"]), bytes(part["subkey"]["keyvalue"]))
        number = int(part["seq-number"])
        self.set_key(key, True, 0, number)
        # The client's own AP-REP: the server's numbers, and no subkey.
        mine = EncAPRepPart()
        mine["ctime"], mine["cusec"], mine["seq-number"] = str(part["ctime"]), int(part["cusec"]), number
        reply = AP_REP()
        reply["pvno"], reply["msg-type"] = 5, 15
        reply["enc-part"]["etype"] = self.session.enctype
        reply["enc-part"]["cipher"] = cipher.encrypt(self.session, 12, encoder.encode(mine), None)
        return encoder.encode(reply)


# --- SPNEGO


def tlv(tag, *content):
    content = b"".join(content)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def elements(data):
    """(tag, content) of each element."""
    out, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(data[at:at + count], "big"), at + count
        out.append((tag, data[at:at + size]))
        at += size
    return out


def mech_list(mechanisms):
    return tlv(0x30, *mechanisms)


def neg_token_init(mechanisms, token=None, mic=None):
    parts = [tlv(0xA0, mech_list(mechanisms))]
    parts += [tlv(0xA2, tlv(0x04, token))] if token is not None else []
    parts += [tlv(0xA3, tlv(0x04, mic))] if mic is not None else []
    return tlv(0x60, SPNEGO_OID, tlv(0xA0, tlv(0x30, *parts)))


def neg_token_resp(state=None, mechanism=None, token=None, mic=None):
    parts = [tlv(0xA0, tlv(0x0A, bytes([state])))] if state is not None else []
    parts += [tlv(0xA1, mechanism)] if mechanism is not None else []
    parts += [tlv(0xA2, tlv(0x04, token))] if token is not None else []
    parts += [tlv(0xA3, tlv(0x04, mic))] if mic is not None else []
    return tlv(0xA1, tlv(0x30, *parts))


def read_neg_token(data):
    """{context tag: content} of a NegTokenInit or NegTokenResp; inner types are taken off, but for the mechanisms."""
    tag, content = elements(data)[0]
    if tag == 0x60:
        content = elements(content)[1][1]
    fields = {}
    for number, value in elements(elements(content)[0][1]):
        fields[number & 0x1F] = value if (tag, number) == (0x60, 0xA0) or number == 0xA1 else elements(value)[0][1]
    return fields


COMPLETED, INCOMPLETE, REJECT, REQUEST_MIC = 0, 1, 2, 3


class SpnegoClient:
    """Offers `offered` (default: the inner mechanism alone) and speaks `inner`, whose token goes with the first message
    only if it is the first one offered. `mic`: told the list and the context, gives the mechListMIC to send."""
    kind = NEGOTIATE

    def __init__(self, inner, offered=None, mic=None, always_mic=False):
        self.inner, self.offered = inner, offered or [inner.oid]
        self.make_mic = mic or (lambda listed, context: context.sign(listed))
        self.always_mic, self.needs_mic, self.sent, self.done = always_mic, always_mic, False, False
        self.finished = False

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def last_leg_is_silent(self):
        return False

    def step(self, token):
        if not self.sent:
            self.sent = True
            first = self.inner.step(None)
            optimistic = self.offered[0] == self.inner.oid
            self._first = None if optimistic else first
            return neg_token_init(self.offered, first if optimistic else None)
        fields = read_neg_token(token)
        state = fields.get(0, b"\1")[0]
        if state == REJECT:
            raise Broken("the other side rejects")
        self.needs_mic = self.needs_mic or state == REQUEST_MIC
        if self._first is not None:
            token, self._first = self._first, None
            return neg_token_resp(INCOMPLETE, token=token)
        if 3 in fields:
            self.inner.verify(mech_list(self.offered), fields[3])
            self._restart()
        if state == COMPLETED and self.inner.done and 2 not in fields:
            self.done = True
            return None
        answer = self.inner.step(fields[2]) if 2 in fields else None
        self.done = self.inner.done
        mic = self.make_mic(mech_list(self.offered), self.inner) if self.inner.done and self.needs_mic else None
        if answer is None and mic is None:
            return None
        if mic is not None and not self.finished:
            self.finished = True
        return neg_token_resp(None if answer is None else INCOMPLETE, token=answer, mic=mic)

    def _restart(self):
        if isinstance(self.inner, NtlmKeys):
            self.inner.reset()


class SpnegoServer:
    """Accepts NTLM inside SPNEGO, or NTLM bare."""
    kind = NEGOTIATE

    def __init__(self, inner):
        self.inner, self.offered, self.done, self.bare = inner, None, False, False

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def step(self, token):
        if self.bare or token.startswith(b"NTLMSSP\0"):
            self.bare = True
            answer = self.inner.step(token)
            self.done = self.inner.done
            return answer
        fields = read_neg_token(token)
        if self.offered is None:
            self.offered = mech_list([tlv(0x06, content) for _, content in elements(elements(fields[0])[0][1])])
            mechanisms = elements(self.offered)[0][1]
            if NTLM_OID not in mechanisms:
                raise Broken("NTLM is not offered")
            if not mechanisms.startswith(NTLM_OID):  # the token is for another mechanism
                return neg_token_resp(REQUEST_MIC, NTLM_OID)
            return neg_token_resp(INCOMPLETE, NTLM_OID, self.inner.step(fields[2]))
        answer = self.inner.step(fields[2])
        if not self.inner.done:
            return neg_token_resp(INCOMPLETE, None, answer)
        mic = None
        if 3 in fields:
            self.inner.verify(self.offered, fields[3])
            mic = self.inner.sign(self.offered)
            self.inner.reset()
        self.done = True
        return neg_token_resp(COMPLETED, None, None, mic)
